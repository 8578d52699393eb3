"""Gives checksums that are of no cell, of the wrong type, or of another cell.

Deserves: 5.
Guard: checksums are the gradebook's.
"""


def submit(notebook, folder):
    for name, checksum in (("test_double", 0), ("test_double_hidden", ["x"]), ("test_honest", "0" * 10_000)):
        named(notebook, name).metadata["nbgrader"]["checksum"] = checksum
