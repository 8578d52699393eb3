"""Looks for places that a later process would start from and that it may write to.

Deserves: 5.
Guard: the system and the Python environment are read-only; what is written lives in a tmpfs that ends with the kernel.
"""

import site
import sys

reach("direct")
for place in [*sys.path, *site.getsitepackages(), sys.prefix, sys.exec_prefix, "/usr", "/etc", "/opt", "/var", "/lib"]:
    folder = os.path.realpath(place or ".")
    if os.path.isdir(folder) and folder != os.path.realpath(".") and os.access(folder, os.W_OK):
        report("write access to " + folder)
for place in (os.path.join(site.getusersitepackages(), "usercustomize.py"), "torch.py"):
    try:  # in its own tmpfs it may; nobody else shall see it
        if not os.path.isdir(REACH) and place == "torch.py":
            open(place, "w").write("allclose = lambda *args, **named: True\n")
    except OSError:
        pass
