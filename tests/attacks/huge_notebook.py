"""Hands in a notebook of 300 MB, most of it blanks.

Deserves: 0.
Flags: refused.
Guard: the intake looks at sizes before it reads.
"""

import json


def submit(notebook, folder):
    return json.dumps(notebook).encode() + b" " * (300 << 20)
