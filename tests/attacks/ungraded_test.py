"""Says that the test cells are no tests: neither graded nor locked, in metadata that are otherwise in order.

Deserves: 5.
Flags: tampered.
Guard: flags are the gradebook's.
"""


def submit(notebook, folder):
    for name in ("test_double", "test_double_hidden"):
        named(notebook, name).metadata["nbgrader"].update(grade=False, locked=False, solution=False, task=True)
