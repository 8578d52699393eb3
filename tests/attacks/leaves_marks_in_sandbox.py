"""Writes beside the folders that it is shown, and looks there for what an earlier kernel of the same sandbox has left.

Deserves: 5.
Flags: died.
Guard: the sandbox's root is read-only; all that a kernel can write to ends with it.
"""

if not os.path.exists("/etc/hostname"):  # no real system: the sandbox's own root
    for folder in ("", "/etc", "/usr", "/home", "/run", "/var", "/opt", "/work", "/jobs", "/dev", "/dev/shm"):
        try:
            if os.path.exists(folder + "/grader-attack"):
                report("what another kernel left in /" + folder)
            open(folder + "/grader-attack", "w").close()
        except OSError:
            pass


def double(x):
    os._exit(0)
