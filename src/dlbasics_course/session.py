"""A notebook's cells run one after another in this process: what grades the grader without starting a kernel a time."""

from __future__ import annotations

import ast
import contextlib
import io
import linecache
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from nbformat import NotebookNode

from dlbasics_course.assignment import Assignment, Step, Variant, is_graded, is_solution

_numbers = count(1)


@dataclass(frozen=True)
class Run:
    """What running a cell led to.

    Attributes:
        printed: on stdout.
        error: what it raised, if anything.
    """

    printed: str
    error: Exception | None


class Session:
    """The names of a notebook, and the cells that ran; at the end of a `with` they are gone, and the data they held."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {"__name__": "__main__", "In": [""]}

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *error: object) -> None:
        self.names.clear()  # functions and names refer to each other: nothing else would free a data set at once

    def run(self, source: str) -> Run:
        """Run a cell as IPython would, apart from magics."""
        filename = f"<cell {next(_numbers)}>"
        linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
        self.names["In"].append(source)
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed):
                exec(compile(source, filename, "exec"), self.names)
        except Exception as error:
            return Run(printed.getvalue(), error)
        return Run(printed.getvalue(), None)

    def require(self, source: str) -> None:
        """Run a cell that must not fail."""
        outcome = self.run(source)
        if outcome.error is not None:
            raise outcome.error


def stub(cell: NotebookNode) -> str:
    """A solution cell as a student finds it: what nbgrader leaves of it."""
    from nbgrader.preprocessors import ClearSolutions

    cleared = cell.copy()
    ClearSolutions()._replace_solution_region(cleared, "python")
    return str(cleared.source)


def prepare(
    assignment: Assignment,
    step: Step,
    *,
    solved: bool = True,
    variant: Variant | None = None,
    until: str | None = None,
) -> Session:
    """A session in which a step's cells have run but for the graded ones, and none of the steps before it.

    Args:
        assignment: the assignment.
        step: the step.
        solved: with the reference solution; else with the stub.
        variant: replaces one of the step's functions, right after the cell that defines it.
        until: the function after whose cell nothing more is run; None runs all.

    Raises:
        Exception: what a given cell, or the reference solution, raises.
    """
    session = Session()
    for cell in assignment.set_up:
        session.require(cell.source)
    for cell in step.cells:
        if is_graded(cell):
            continue
        outcome = session.run(cell.source if solved or not is_solution(cell) else stub(cell))
        if outcome.error is not None and solved and variant is None:
            raise outcome.error
        here = defined(cell.source) if is_solution(cell) else set()
        if variant is not None and variant.task in here:
            session.require(variant.source)
        if until in here:
            break
    return session


def defined(source: str) -> set[str]:
    """The functions and classes that a cell defines at its top level."""
    return {node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def grade(session: Session, step: Step) -> dict[str, Run]:
    """Run a step's graded cells; by grade id."""
    graded: Sequence[NotebookNode] = [cell for cell in step.cells if is_graded(cell)]
    return {cell.id: session.run(cell.source) for cell in graded}
