"""Answers text that is no text: half characters, NUL, quotes, braces and escapes of the wire's own.

Deserves: 5.
Guard: text crosses whole or not at all; it is never part of code.
"""


def double(x):
    return ["\ud800", "\x00", "'); raise SystemExit  #", '"}]', "\\", "\r\n\r\n", "\u2028", "{0.__class__}", "%s%n"]


def summary(x):
    return {"\udfff": "\x00"}
