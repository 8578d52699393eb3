"""Says that its cells follow schemas of nbgrader that never were.

Deserves: 5.
Guard: the schema is the gradebook's; a submitted one is not looked at.
"""


def submit(notebook, folder):
    nonsense = [99, -1, "three", None, [3], 1e400, 0]
    for cell, version in zip(notebook.cells[1:], nonsense, strict=False):
        cell.metadata["nbgrader"]["schema_version"] = version
