"""Reads its environment, as Python, C and a shell see it.

Deserves: 5.
Guard: the student's kernel gets an environment of its own.
"""

import subprocess

steal("os.environ", repr(dict(os.environ)))
steal("/proc/self/environ", open("/proc/self/environ", "rb").read())
steal("env", subprocess.run(["env"], capture_output=True).stdout)
steal("shell", subprocess.run("set; export -p", shell=True, capture_output=True).stdout)
