"""Hands in more notebooks than asked for: other names, a copy's name, a checkpoint.

Deserves: 5.
Guard: only the notebooks that the gradebook knows are graded.
"""

import nbformat


def submit(notebook, folder):
    (folder / ".ipynb_checkpoints").mkdir()
    for name in (
        "other.ipynb",
        "attacked (1).ipynb",
        "attacked-2.ipynb",
        ".ipynb_checkpoints/attacked-checkpoint.ipynb",
    ):
        nbformat.write(notebook, folder / name)
    (folder / "autograded").mkdir()
    (folder / "autograded" / "attacked.ipynb").write_text("{}")
