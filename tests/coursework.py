"""The assignments as their authors wrote them, and submissions made of them as students would."""

import re
from collections.abc import Callable
from pathlib import Path

import nbformat

from dlbasics_course.assignment import Assignment, is_solution, read_assignments
from dlbasics_course.session import stub

ASSIGNMENTS = {assignment.name: assignment for assignment in read_assignments(Path(__file__).parents[1] / "solutions")}

Write = Callable[[nbformat.NotebookNode, int], str | None]
"""From a solution cell of the author's and the number of its step, from 0, to what a student wrote; None: nothing."""


def submission(assignment: Assignment, released: nbformat.NotebookNode, write: Write) -> nbformat.NotebookNode:
    """A released notebook, filled in."""
    handed_in = nbformat.from_dict(released)
    cells = {cell.id: cell for cell in handed_in.cells}
    for number, step in enumerate(assignment.steps):
        for cell in filter(is_solution, step.cells):
            assert cells[cell.id].source == stub(cell)
            if (source := write(cell, number)) is not None:
                cells[cell.id].source = source
    return handed_in


def hidden_lines(assignment: Assignment) -> list[str]:
    """Lines of the hidden tests that stand nowhere else in the notebook, and are long enough to give something away."""
    hidden, visible = [], ""
    for cell in assignment.notebook.cells:
        parts = re.split(r"### BEGIN HIDDEN TESTS\n(.*?)### END HIDDEN TESTS", cell.source, flags=re.DOTALL)
        visible += "\n".join(parts[::2])
        hidden += [line.strip() for part in parts[1::2] for line in part.splitlines()]
    return [
        line for line in hidden if len(line) > 15 and line not in visible and not line.startswith("def hidden_tests")
    ]
