"""Marks its own solution as a test worth ten points, that prints its score.

Deserves: 5.
Flags: tampered.
Guard: which cells are graded is the gradebook's to say.
"""


def submit(notebook, folder):
    cell = named(notebook, "double")
    cell.source += "\n10.0"
    cell.metadata["nbgrader"].update(grade=True, points=10, solution=False, locked=False)
