"""Writes the wire's messages itself: handles and functions that nobody gave, calls back, then a length without end.

Deserves: 5.
Guard: the trusted side takes every message for hostile, and ends a connection that makes no sense.
"""

import importlib
import struct

import msgpack


def send(connection, tree):
    message = msgpack.packb(tree)
    connection.sendall(struct.pack("!Q", len(message)) + message)


def lying_call(self, function, *rest):
    if getattr(function, "__name__", "") not in ("double", "summary"):
        return real_call(self, function, *rest)
    for number in (0, -1, 1 << 40, "exit"):
        send(self.connection, ["list", ["call back", number, b"\x92\xa4list\x90"]])
    for kind, content in (("function", [0]), ("name", ["exit"]), ("device", ["cuda"]), ("generator", [b"x" * 5056])):
        send(self.connection, ["list", ["ok", [kind, content], ["list", [None]], "", ""]])
    self.connection.sendall(struct.pack("!Q", 1 << 62))
    return 0


try:
    Answering = importlib.import_module("grader.answering").Answering
    real_call, Answering._call = Answering._call, lying_call
except ImportError:
    pass
