"""Connects to this machine by TCP and UDP, IPv4 and IPv6, by name and by number.

Deserves: 5.
Guard: a network namespace of its own, with nothing in it.
"""

import socket

for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"), (socket.AF_INET, "localhost")):
        try:
            with socket.socket(family, kind) as wire:
                wire.settimeout(2)
                wire.connect((address, PORT))
                wire.sendall(b"attack")
                wire.shutdown(socket.SHUT_WR)
        except OSError:
            pass
