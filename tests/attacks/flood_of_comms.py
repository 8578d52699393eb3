"""Opens 3,000 comms and widgets whose state is a script, each of 10 KB.

Deserves: 5.
Guard: messages that are no outputs are dropped; outputs and widgets' state are capped.
"""

parent = get_ipython().kernel
for number in range(3000):
    content = {
        "comm_id": f"attack{number}",
        "target_name": "jupyter.widget",
        "data": {"state": {"_model_name": "HTMLModel", "value": "<script>graderAttack()</script>" * 300}},
    }
    parent.session.send(parent.iopub_socket, "comm_open", content, parent.get_parent("shell"), ident=b"comm")
