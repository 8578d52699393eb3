"""Hands in a link to another student's notebook for its own.

Deserves: 0.
Flags: refused.
Guard: the intake takes no links.
"""


def submit(notebook, folder):
    (folder / "attacked.ipynb").symlink_to("../../honest/attacked/attacked.ipynb")
    return ""
