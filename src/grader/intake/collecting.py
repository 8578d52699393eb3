"""The command's way in: the submissions of one assignment, found first and read one by one."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from grader.intake.caps import Caps, Refusal
from grader.intake.layouts import survey
from grader.intake.names import escaped, shown, unfit
from grader.intake.receiving import receive
from grader.intake.sources import Found, Source, opened
from grader.records import Submission


@dataclass(frozen=True)
class Intake:
    """The submissions found for one assignment. Each is read only when it is its turn, and not kept.

    `len(intake)` tells how many there are before one is read; iterating again reads again.

    Attributes:
        layout: "nbgrader", "Canvas", "Moodle" or "Gradescope".
    """

    layout: str
    _found: tuple[Found, ...] = field(repr=False)
    _source: Source = field(repr=False)
    _expected: frozenset[str] = field(repr=False)
    _caps: Caps = field(repr=False)

    def __len__(self) -> int:
        return len(self._found)

    def __iter__(self) -> Iterator[Submission]:
        """In the order of the students' ids."""
        for found in self._found:
            yield receive(self._source, found, self._expected, self._caps)

    @property
    def students(self) -> tuple[str, ...]:
        """The ids of all who handed something in, in order; unfit ones escaped, as they are in their submissions."""
        return tuple(escaped(found.student) for found in self._found)


def collect(
    source: Path,
    assignment: str,
    *,
    expected: Collection[str],
    students: Collection[str] | None = None,
    caps: Caps | None = None,
) -> Intake:
    """Finds the submissions of an assignment; iterate over what comes back to read them one by one.

    Args:
        source: nbgrader's `submitted/`, or what Canvas, Moodle or Gradescope exported: a folder, or a zip. It may be a
            link; nothing below it may.
        assignment: nbgrader's name of the assignment.
        expected: names of its notebooks, without `.ipynb`. A copy that was renamed (`NAME-1`, `NAME (1)`, `NAME-Copy1`)
            is taken for a notebook that is missing; where only one is expected, so is the only one there is.
        students: ids of those to collect from; None: all. Who handed nothing in is not missed.
        caps: how much one submission may hold.

    Raises:
        ValueError: the layout of `source` is none that is understood, or could be two; or it is damaged.
        FileNotFoundError: there is no `source`.
    """
    if not expected:
        raise ValueError(f"the assignment {assignment!r} must expect at least one notebook, got none")
    if fault := unfit(assignment):
        raise ValueError(f"{shown(assignment)} cannot be an assignment's name: it {fault}")
    caps = caps or Caps()
    try:
        where = opened(source)
        layout, where, found = survey(where, str(source), assignment, frozenset(expected), caps)
    except Refusal as refusal:
        raise ValueError(f"{source}: {refusal}") from refusal
    if students is not None:
        found = [one for one in found if one.student in students]
    found.sort(key=lambda one: (one.student, one.places))
    return Intake(layout, tuple(found), where, frozenset(expected), caps)
