"""Asks the grader for input, a password and a debugger's next step.

Deserves: 5.
Guard: nobody answers: the kernel's standard input is off.
"""

import getpass
import pdb

for ask in (input, getpass.getpass, pdb.set_trace):
    try:
        print("STO" + "LEN: input", ask())
    except Exception:
        pass
