"""Swaps the tests' places, and puts one of them before everything that it needs.

Deserves: 5.
Guard: an error in a test costs that test, wherever the cell stands.
"""


def submit(notebook, folder):
    early, late = named(notebook, "test_double"), named(notebook, "test_double_hidden")
    notebook.cells.remove(late), notebook.cells.remove(early)
    notebook.cells.insert(0, late)
    notebook.cells.append(early)
