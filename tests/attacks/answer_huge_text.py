"""Answers 300 MB of text, and bytes.

Deserves: 5.
Guard: the size of an answer is limited, on both sides.
"""


def double(x):
    return "x" * (300 << 20) if len(x) == 2 else [bytes(100 << 20), bytearray(100 << 20), memoryview(b"x")]
