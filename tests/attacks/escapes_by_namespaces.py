"""Makes namespaces of its own, in a child, and there unmounts and remounts what hides the machine from it.

Deserves: 5.
Guard: mounts of an outer namespace are locked in an inner one; no capabilities outside.
"""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)
outside, inside = os.pipe()
if os.fork() == 0:
    user, group = os.getuid(), os.getgid()
    if libc.unshare(0x10000000 | 0x20000) == 0:  # CLONE_NEWUSER, CLONE_NEWNS: its own, nobody else sees them
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
            try:
                open("/proc/self/" + name, "w").write(text)
            except OSError:
                pass
        for line in reversed(open("/proc/self/mountinfo").readlines()):
            path = line.split()[4].encode()
            libc.umount2(path, 2)
            libc.mount(None, path, None, 32 | 4096, None)  # MS_REMOUNT, MS_BIND, writable
        reach("namespaces")
        for place in (REACH + "/..", "/etc"):
            if os.path.isdir(REACH) or (place == "/etc" and os.access("/etc/passwd", os.W_OK) and user != 0):
                os.write(inside, f"{place} after unmounting\n".encode())
    os._exit(0)
os.close(inside)
for line in os.fdopen(outside).read().splitlines():
    report(line)
