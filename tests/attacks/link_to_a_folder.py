"""Hands in a folder that is a link to the course, and one that is a link to itself.

Deserves: 0.
Flags: refused.
Guard: the intake takes no links.
"""


def submit(notebook, folder):
    (folder / "data").symlink_to("../../..", target_is_directory=True)
    (folder / "loop").symlink_to(".", target_is_directory=True)
