"""Hands in the tests with the outputs and numbers that a perfect run would have had, and asks not to be run.

Deserves: 5.
Guard: outputs are cleared before anything runs; the notebook's metadata choose nothing.
"""

import nbformat


def submit(notebook, folder):
    for name, points in (("test_double", "2"), ("test_double_hidden", "3")):
        output = nbformat.v4.new_output("execute_result", {"text/plain": points}, execution_count=1)
        named(notebook, name).update(outputs=[output], execution_count=1)
    notebook.metadata.update(execute={"enabled": False}, nbconvert={"execute": False}, skip_execution=True)
