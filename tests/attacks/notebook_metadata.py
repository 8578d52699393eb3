"""Fills the notebook's metadata: a huge state of widgets with a script in it, a title, authors, templates and odd keys.

Deserves: 5.
Guard: the submission's size is limited; feedback is made from cells, sanitised.
"""


def submit(notebook, folder):
    script = f"</script><script>{SCRIPT}()</script>"
    state = {
        str(n): {"model_name": "HTMLModel", "model_module": "x", "state": {"value": script * 40}} for n in range(300)
    }
    notebook.metadata["widgets"] = {
        "application/vnd.jupyter.widget-state+json": {"state": state, "version_major": 2, "version_minor": 0}
    }
    notebook.metadata.update(title=script, authors=[{"name": script}], nbgrader={"points": 100}, **{script: script})
