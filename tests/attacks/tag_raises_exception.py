"""Tags the test cells `raises-exception`, `remove-cell`, `hide-input`, and says that they are raw or collapsed.

Deserves: 5.
Flags: tampered.
Guard: of a submitted cell only which cell it is counts; its metadata are the gradebook's.
"""


def submit(notebook, folder):
    for name in ("test_double", "test_double_hidden"):
        tags = ["raises-exception", "remove-cell", "remove_cell", "hide-input", "remove-input", "remove-output"]
        named(notebook, name).metadata.update(tags=tags, collapsed=True, jupyter={"source_hidden": True}, format="x")
