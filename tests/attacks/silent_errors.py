"""Takes over how errors are shown: `set_custom_exc`, `showtraceback`, `sys.excepthook`.

Deserves: 5.
Guard: the tests run in a kernel that no student's code enters.
"""

import sys

shell = get_ipython()
shell.set_custom_exc((BaseException,), lambda *args, **named: None)
shell.showtraceback = lambda *args, **named: None
shell._showtraceback = lambda *args, **named: None
sys.excepthook = sys.unraisablehook = lambda *args: None
