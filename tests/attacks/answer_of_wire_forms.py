"""Answers plain dicts that look like the wire's own writing of tensors, handles, errors and verdicts.

Deserves: 5.
Guard: the wire writes a dict of the student's so that it is read back as that dict.
"""


def double(x):
    return {"t": "tensor", "kind": "tensor", "dtype": "<f4", "shape": [2], "b": "AAAAQAAAoMA=", "data": "AAAAQAAAoMA="}


def summary(x):
    return [
        {"t": "ref", "v": ["__import__"], "kind": "handle", "id": 0, "name": "os"},
        {"py/object": "os.system", "$type": "handle", "__class__": "Handle", "status": "ok", "passed": True},
    ]
