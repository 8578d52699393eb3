"""Connects to sockets that have no place in the file system, and so are hidden by no mount.

Deserves: 5.
Guard: abstract sockets belong to the network namespace.
"""

import socket

for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
    with socket.socket(socket.AF_UNIX, kind) as wire:
        try:
            wire.connect(f"\0grader-attack-{PORT}")
            wire.send(b"attack")
        except OSError:
            pass
for line in open("/proc/net/unix").readlines()[1:]:
    if "@" in line and "dbus" in line:
        report("abstract socket " + line.split()[-1])
