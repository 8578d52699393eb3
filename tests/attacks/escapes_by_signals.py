"""Sends harmless signals to everybody, kills its own process group, and looks whom it could have ended.

Deserves: 5.
Guard: a pid namespace and a session of its own.
"""

import signal

try:
    os.kill(-1, signal.SIGCONT)  # reaches all whom kill(-1, SIGKILL) would
except OSError:
    pass
for pid in [int(name) for name in os.listdir("/proc") if name.isdigit()]:
    try:
        os.kill(pid, 0)
        command = open(f"/proc/{pid}/cmdline").read()
        if "pytest" in command or "nbgrader" in command or "postgres" in command:
            report("could signal " + command[:50])
    except OSError:
        pass
os.killpg(0, signal.SIGKILL)
