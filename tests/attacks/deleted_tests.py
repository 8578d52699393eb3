"""Deletes the tests that it would fail.

Deserves: 5.
Flags: tampered.
Guard: missing tests are added back.
"""


def submit(notebook, folder):
    for name in ("test_double", "test_double_hidden"):
        notebook.cells.remove(named(notebook, name))
