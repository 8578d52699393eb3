"""Makes one test a markdown cell and the other a raw one, which nobody runs.

Deserves: 5.
Flags: tampered.
Guard: the type of a test cell is the gradebook's.
"""


def submit(notebook, folder):
    for name, kind in (("test_double", "markdown"), ("test_double_hidden", "raw")):
        cell = named(notebook, name)
        cell.cell_type = kind
        cell.metadata["nbgrader"]["cell_type"] = kind
        cell.pop("outputs"), cell.pop("execution_count")
