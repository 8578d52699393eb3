"""Grades a class of nbgrader notebooks: behind walls, in parallel, and so that nothing is lost."""

import sys

# jsonschema imports it where it is installed, to check one kind of address that no notebook holds; that takes longer
# than importing all the rest of the grader.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
