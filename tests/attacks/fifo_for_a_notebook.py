"""Hands in a FIFO for its notebook: who opens it waits for ever.

Deserves: 0.
Flags: refused.
Guard: the intake takes nothing but files and folders, and looks before it opens.
"""

import os


def submit(notebook, folder):
    os.mkfifo(folder / "attacked.ipynb")
    return ""
