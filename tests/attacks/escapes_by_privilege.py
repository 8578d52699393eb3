"""Becomes another user, raises its own limits and priority, and looks for capabilities and programs that lend them.

Deserves: 5.
Guard: no new privileges, no capabilities, hard limits.
"""

import ctypes
import resource

status = open("/proc/self/status").read()
if int(re.search(r"CapEff:\s*(\w+)", status)[1], 16) or int(re.search(r"CapBnd:\s*(\w+)", status)[1], 16):
    report("capabilities")
if "NoNewPrivs:\t1" not in status:
    report("new privileges are possible")
for name in ("RLIMIT_NPROC", "RLIMIT_DATA", "RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_CORE"):
    kind = getattr(resource, name)
    hard = resource.getrlimit(kind)[1]
    if hard != resource.RLIM_INFINITY:
        try:
            resource.setrlimit(kind, (hard, hard + 1))
            report("raised " + name)
        except (ValueError, OSError):
            pass
if os.fork() == 0:  # in a child: should one succeed, the kernel stays as it is
    won = 1
    for step in (lambda: os.setuid(os.getuid() + 1), lambda: os.setgroups([4]), lambda: os.nice(-5)):
        try:
            step()
            won = 0
        except OSError:
            pass
    os._exit(won)
if os.wait()[1] == 0:
    report("could change user, groups or priority")
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
