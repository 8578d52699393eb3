"""Deletes the cells that it should have written, and the set-up, so that the tests have no place to be put back to.

Deserves: 5.
Flags: tampered.
Guard: missing cells are added back, in the instructor's order.
"""


def submit(notebook, folder):
    for name in ("setup", "double", "test_double", "test_double_hidden"):
        notebook.cells.remove(named(notebook, name))
