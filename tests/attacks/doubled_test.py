"""Hands in each test twice: the second of the same grade_id does nothing, and would count last.

Deserves: 5.
Flags: tampered.
Guard: doubles are dropped, and one bad notebook never stops the batch.
"""

from copy import deepcopy


def submit(notebook, folder):
    for name in ("test_double", "test_double_hidden"):
        twin = deepcopy(named(notebook, name))
        twin.source, twin.id = "pass", name + "-twin"
        notebook.cells.append(twin)
