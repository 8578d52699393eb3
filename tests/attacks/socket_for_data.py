"""Hands in a socket and a FIFO beside its notebook.

Deserves: 0.
Flags: refused.
Guard: the intake takes nothing but files and folders, and looks before it opens.
"""

import os
import socket


def submit(notebook, folder):
    os.mkfifo(folder / "data.csv")
    back = os.open(".", os.O_RDONLY)
    os.chdir(folder)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("listen")
    os.fchdir(back)
    os.close(back)
