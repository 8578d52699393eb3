"""Hands in a file of 1 TB, most of it holes, beside its notebook.

Deserves: 0.
Flags: refused.
Guard: the intake looks at sizes before it reads.
"""

import os


def submit(notebook, folder):
    (folder / "data.bin").touch()
    os.truncate(folder / "data.bin", 1 << 40)
