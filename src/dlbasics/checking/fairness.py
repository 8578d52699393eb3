"""How the checks judged all that is known to be right or wrong: what `make release` found, for the book to show."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

STORED = Path(__file__).with_name("fairness.json")


@dataclass
class Verdict:
    """How a step's checks judged.

    Attributes:
        assignment, step: their names.
        objective: what the step practises.
        points: of the step.
        reference: whether the reference solution gets all of them.
        stub: whether the untouched stub gets none.
        accepted, right: right solutions of other styles that get all points, and how many there are.
        caught, wrong: mistakes that lose points, and how many the bank has.
        named: mistakes that the visible check calls by their name; by both where two give the same.
        problems: what did not go as it should, in words.
    """

    assignment: str
    step: str
    objective: str
    points: int
    reference: bool = False
    stub: bool = False
    accepted: int = 0
    right: int = 0
    caught: int = 0
    wrong: int = 0
    named: int = 0
    problems: list[str] = field(default_factory=list)


def store(verdicts: Sequence[Verdict]) -> None:
    """Keep the verdicts."""
    text = json.dumps([asdict(verdict) for verdict in verdicts], indent=1)
    STORED.write_text(text + "\n", encoding="utf-8", newline="\n")


def stored() -> list[Verdict]:
    """The verdicts that were kept."""
    return [Verdict(**entry) for entry in json.loads(STORED.read_text(encoding="utf-8"))]
