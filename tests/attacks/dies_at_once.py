"""Ends its process without a word, in the cell.

Deserves: 5.
Flags: died.
Guard: a dead kernel scores that cell 0; what comes after runs in a new one.
"""

os._exit(0)
