"""Gives all cells the same id, or ids that are paths, scripts, numbers, too long.

Deserves: 5.
Guard: a cell is known by its grade_id alone; ids are made anew where they are not in order.
"""


def submit(notebook, folder):
    odd = ["x", "x", "../../x", f"<script>{SCRIPT}()</script>", 7, "y" * 5000, ""]
    for cell, identity in zip(notebook.cells, odd, strict=False):
        cell["id"] = identity
