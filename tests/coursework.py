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


def kept_back(assignment: Assignment, what: str) -> list[str]:
    """Lines between BEGIN and END of what a student must not see, long enough to tell something, and nowhere else.

    Args:
        assignment: the assignment.
        what: "SOLUTION" or "HIDDEN TESTS".
    """
    regions = re.compile(r"### BEGIN (SOLUTION|HIDDEN TESTS)\n(.*?)### END \1", re.DOTALL)
    sources = [cell.source for cell in assignment.notebook.cells]
    shown = "\n".join(regions.sub("", source) for source in sources)
    found = [match[2] for source in sources for match in regions.finditer(source) if match[1] == what]
    lines = [line.strip() for region in found for line in region.splitlines()]
    return [line for line in lines if len(line) > 18 and line not in shown and not line.startswith("def hidden_tests")]
