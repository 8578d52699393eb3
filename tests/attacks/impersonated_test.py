"""Gives the tests' grade_ids to a cell of its own, and other ids to the tests.

Deserves: 5.
Flags: tampered.
Guard: whatever bears a test's id gets the instructor's source, type and flags; unknown ids are dropped.
"""

import nbformat


def submit(notebook, folder):
    for name in ("test_double", "test_double_hidden"):
        real = named(notebook, name)
        metadata = {"nbgrader": dict(real.metadata["nbgrader"], locked=False)}
        real.metadata["nbgrader"]["grade_id"] = name + "2"
        notebook.cells.insert(0, nbformat.v4.new_code_cell("pass", metadata=metadata))
