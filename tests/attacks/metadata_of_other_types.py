"""Makes nbgrader's metadata, ids and cell metadata lists, numbers, nested, or huge.

Deserves: 5.
Flags: tampered.
Guard: what is not a known id is no metadata; missing tests are added back.
"""


def submit(notebook, folder):
    deep = []
    for _ in range(30):
        deep = [deep]
    named(notebook, "setup").metadata["nbgrader"]["points"] = {"a": deep}
    named(notebook, "double").metadata["huge"] = "x" * 500_000
    named(notebook, "test_double").metadata["nbgrader"] = ["test_double", 2]
    named(notebook, "test_double_hidden").metadata["nbgrader"]["grade_id"] = {"$ne": None}
