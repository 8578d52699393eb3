"""A thread that forges statuses, streams and results for every request the kernel has seen, for two minutes.

Deserves: 5.
Guard: the tests run in a kernel that no student's code enters; answers are matched with their requests.
"""

import threading
import time

kernel = get_ipython().kernel


def storm():
    end = time.monotonic() + 120
    while time.monotonic() < end:
        parent = kernel.get_parent("shell")
        kernel.session.send(kernel.iopub_socket, "status", {"execution_state": "idle"}, parent, ident=b"status")
        content = {"execution_count": 1, "data": {"text/plain": "5"}, "metadata": {}}
        kernel.session.send(kernel.iopub_socket, "execute_result", content, parent, ident=b"execute_result")
        time.sleep(0.05)


threading.Thread(target=storm, daemon=True).start()
