"""Mutants that nobody thought of: cosmic-ray changes the reference solutions one operator, number or loop at a time.

A mutant that keeps all points is as right as the reference, and explained in `survivors.toml`, or a hole in the tests.
"""

import difflib
import signal
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

from coursework import ASSIGNMENTS
from dlbasics_course.assignment import Assignment, Step, is_graded, is_solution
from dlbasics_course.session import Session, grade

SENSELESS = (
    "RShift",
    "LShift",
    "BitOr",
    "BitAnd",
    "BitXor",
    "Mod",
    "FloorDiv",
    "Is",
    "ExceptionReplacer",
    "Decorator",
    "VariableReplacer",
    "VariableInserter",
)
OPERATORS = [name for name in operator_names() if not name.endswith(SENSELESS)]
SECONDS = 60  # for a mutant that never ends
SURVIVORS = Path(__file__).with_name("survivors.toml")


class NeverEndsError(BaseException):
    """A mutant took too long; no `except Exception` on its way may catch it."""


@contextmanager
def limited() -> Iterator[None]:
    def stop(number, frame):
        raise NeverEndsError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def mutants(source: str) -> Iterator[str]:
    """Every cell that differs from a solution cell by one mutation inside its solutions."""
    seen = {source}
    for name in OPERATORS:
        occurrence = 0
        while (mutated := mutate_code(source, get_operator(name)(), occurrence)) is not None:
            occurrence += 1
            if mutated not in seen and inside_solutions(source, mutated):
                seen.add(mutated)
                yield mutated


def inside_solutions(source: str, mutated: str) -> bool:
    """Whether the line that changed stands between BEGIN and END SOLUTION: what is given is not the student's."""
    before = source.splitlines()
    changed = next(
        (n for n, pair in enumerate(zip(before, mutated.splitlines(), strict=False)) if pair[0] != pair[1]), 0
    )
    markers = [line for line in before[:changed] if "SOLUTION" in line]
    return bool(markers) and "BEGIN" in markers[-1]


def change(source: str, mutated: str) -> str:
    """The lines that differ: "old -> new"."""
    lines = [line for line in difflib.ndiff(source.splitlines(), mutated.splitlines()) if line[:2] in ("- ", "+ ")]
    old, new = (" / ".join(line[2:].strip() for line in lines if line[0] == sign) for sign in "-+")
    return f"{old} -> {new}"


def survives(assignment: Assignment, step: Step, cell_id: str, mutated: str) -> bool:
    """Whether a mutant keeps all of its step's points."""
    try:
        with limited(), Session() as session:
            for cell in [*assignment.set_up, *(cell for cell in step.cells if not is_graded(cell))]:
                session.run(mutated if cell.id == cell_id else cell.source)
            return all(run.error is None for run in grade(session, step).values())
    except NeverEndsError:
        return False


def surviving(assignment: Assignment) -> dict[str, list[str]]:
    """The mutants of an assignment that keep all points, by cell."""
    found: dict[str, list[str]] = {}
    for step in assignment.steps:
        for cell in filter(is_solution, step.cells):
            for mutated in mutants(cell.source):
                if survives(assignment, step, cell.id, mutated):
                    found.setdefault(cell.id, []).append(change(cell.source, mutated))
    return found


def explained() -> dict[str, dict[str, dict[str, str]]]:
    """By assignment and cell."""
    return tomllib.loads(SURVIVORS.read_text(encoding="utf-8"))


@pytest.mark.full
@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="this system has no alarm to stop a mutant that never ends")
def test_every_mutant_of_a_reference_is_caught_or_explained(assignment: Assignment) -> None:
    reasons = explained().get(assignment.name, {})
    unexplained = [
        f"{cell}: {what}"
        for cell, changes in surviving(assignment).items()
        for what in changes
        if what not in reasons.get(cell, {})
    ]
    assert unexplained == []


def test_a_mutant_that_is_wrong_does_not_survive() -> None:
    assignment = ASSIGNMENTS["backprop"]
    step = assignment.steps[0]
    cell = next(filter(is_solution, step.cells))
    for mutated in mutants(cell.source):
        assert not survives(assignment, step, cell.id, mutated), change(cell.source, mutated)


def test_only_lines_that_exist_are_explained(assignment: Assignment) -> None:
    sources = {cell.id: cell.source for cell in assignment.notebook.cells if cell.cell_type == "code"}
    for cell, changes in explained().get(assignment.name, {}).items():
        for what, reason in changes.items():
            assert what.partition(" -> ")[0].split(" / ")[0] in sources[cell], what
            assert len(reason.split()) > 3, what
