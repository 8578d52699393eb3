"""Adds graded cells of its own, with ids that the gradebook does not know, ids that are SQL, and ids of another course.

Deserves: 5.
Guard: an id that the gradebook does not know makes a cell an ordinary one.
"""

import nbformat


def submit(notebook, folder):
    for name in ("bonus", "x'; DROP TABLE grade; --", "../test_double", "test_double\x00", "TEST_DOUBLE"):
        metadata = dict(named(notebook, "test_double").metadata["nbgrader"], grade_id=name, points=50)
        notebook.cells.append(nbformat.v4.new_code_cell("10", metadata={"nbgrader": metadata}))
