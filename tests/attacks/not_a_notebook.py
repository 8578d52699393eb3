"""Hands in bytes that are no notebook under the notebook's name.

Deserves: 0.
Flags: refused.
Guard: the intake reads a notebook carefully before anybody else does, and says what is wrong with it.
"""


def submit(notebook, folder):
    return b"\xff\xfe\x00PK\x03\x04" + bytes(range(256)) * 40
