"""Adds a thousand cells, each with something to show.

Deserves: 5.
Guard: outputs are capped, and the notebook has a limit of its own.
"""

import nbformat


def submit(notebook, folder):
    notebook.cells += [nbformat.v4.new_code_cell("'x' * 1000") for _ in range(1000)]
