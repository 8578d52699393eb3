"""Hands in a link to a file of the instructor's machine, beside its notebook.

Deserves: 0.
Flags: refused.
Guard: the intake takes no links.
"""


def submit(notebook, folder):
    (folder / "data.csv").symlink_to("/etc/passwd")
    (folder / "key.ipynb").symlink_to("../../../source/attacked/attacked.ipynb")
