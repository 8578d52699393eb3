"""What the rooms of one grading share: what a submission is graded with, and what is learnt of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grader.canonical import Cells
from grader.records import Limits
from grader.sandbox import ForkServer


@dataclass
class Grading:
    """What the converters need to know of one submission, and what they learn of it.

    Attributes:
        server: forks its kernels.
        limits: what it may use.
        given: folder of the instructor's files.
        imports: by notebook, what the tests may count on being imported.
        cells: by notebook, what the gradebook knows of its cells.
        flags: what an instructor should know, with details.
        seconds: wall time in cells, and in starting kernels.
    """

    server: ForkServer
    limits: Limits
    given: Path
    imports: dict[str, str] = field(default_factory=dict)
    cells: dict[str, Cells] = field(default_factory=dict)
    flags: dict[str, list[str]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def flag(self, name: str, detail: str) -> None:
        """Note something."""
        self.flags.setdefault(name, []).append(detail)

    def __deepcopy__(self, memo: dict[int, Any]) -> Grading:
        return self  # nbconvert copies the resources that it hands on

    def count(self, what: str, began: float) -> None:
        """Add the time since a moment of `time.monotonic` to the seconds of something."""
        self.seconds[what] = self.seconds.get(what, 0.0) + time.monotonic() - began
