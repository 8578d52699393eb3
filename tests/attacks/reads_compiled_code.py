"""Listens to the interpreter's audit events: whatever is compiled, opened or connected is looked at.

Deserves: 5.
Guard: a hidden test is never compiled in the student's process.
"""

import sys


def listen(event, args):
    if event in ("compile", "exec", "open", "import") and len(LOOT) < 20:
        text = args[0].co_consts if event == "exec" and hasattr(args[0], "co_consts") else args
        if re.search("SECRET[-]HIDDEN", repr(text)):
            LOOT.append("STO" + "LEN: HIDDEN-TEST from audit")


sys.addaudithook(listen)
