"""Asks its kernel to shut down, as a polite user would, and stops the loop that it lives in.

Deserves: 5.
Guard: a kernel that goes is a dead one; what comes after runs in a new one.
"""

shell = get_ipython()
shell.ask_exit()
shell.kernel.do_shutdown(False)
shell.kernel.io_loop.call_later(0.2, shell.kernel.io_loop.stop)
