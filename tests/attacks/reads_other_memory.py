"""Reads the memory of every other process: /proc/PID/mem, process_vm_readv, and as its tracer.

Deserves: 5.
Guard: a pid namespace of its own; no capabilities; the trusted kernel is of another sandbox.
"""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)


class Piece(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]


own = {str(os.getpid())}
for pid in {name for name in os.listdir("/proc") if name.isdigit()} - own:
    try:
        command = open(f"/proc/{pid}/cmdline").read()
        first, last = (int(n, 16) for n in open(f"/proc/{pid}/maps").readline().split()[0].split("-"))
        room = ctypes.create_string_buffer(16)
        here, there = Piece(ctypes.addressof(room), 16), Piece(first, 16)
        if libc.process_vm_readv(int(pid), ctypes.byref(here), 1, ctypes.byref(there), 1, 0) > 0:
            report("memory of " + command[:50])
    except (OSError, ValueError):
        pass
    child = os.fork()
    if child == 0:  # PTRACE_SEIZE stops nobody, and ends with the child
        os._exit(0 if libc.ptrace(0x4206, int(pid), None, None) == 0 and "ipykernel" not in command else 1)
    if os.waitpid(child, 0)[1] == 0:
        report("could trace " + command[:50])
