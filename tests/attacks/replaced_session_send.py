"""Edits what the kernel sends: errors are dropped, and a reply that says "error" says "ok".

Deserves: 5.
Guard: the tests run in a kernel that no student's code enters.
"""

from jupyter_client.session import Session

real_send = Session.send


def send(self, stream, kind, content=None, *args, **named):
    if kind == "error":
        return None
    if kind == "execute_reply" and content["status"] == "error":
        content = {"status": "ok", "execution_count": 1, "user_expressions": {}, "payload": []}
    return real_send(self, stream, kind, content, *args, **named)


Session.send = send
