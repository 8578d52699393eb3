"""What passes between the rooms: an assignment, a submission, and what grading it led to. Plain data, fit to travel."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # or whoever asks for `grade --help` would wait for nbgrader
    from grader.canonical import Cells

FAILED = "failed"  # the flag of a submission that the grader failed on; the next run tries again


@dataclass(frozen=True)
class Limits:
    """What one submission may use.

    Attributes:
        cell_seconds: for one cell, and for the answer to one test cell.
        notebook_seconds: for all cells of one notebook, tests included.
        memory: bytes of data that one process may hold.
        processes: processes and threads that a kernel may have at a time.
        file_size: bytes of the largest file that may be written.
        scratch: bytes in all files together.
        output: bytes of one cell's outputs that are kept.
    """

    cell_seconds: float = 30
    notebook_seconds: float = 600
    memory: int = 4 << 30
    processes: int = 128
    file_size: int = 64 << 20
    scratch: int = 256 << 20
    output: int = 1 << 20


@dataclass(frozen=True)
class Walls:
    """What code in the sandbox finds there.

    Attributes:
        modules: imported once, before any kernel is forked.
        prepare: statements executed after that, to the same end; nothing of theirs but what they change stays.
        read_only: further files and folders that may be read, at their own paths.
        environment: names and values of variables, on top of a minimal few.
        none: there are no walls at all, because the instructor said so.
    """

    modules: tuple[str, ...] = ()
    prepare: tuple[str, ...] = ()
    read_only: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    none: bool = False


@dataclass(frozen=True)
class Assignment:
    """All that a worker needs to know of an assignment; it holds hidden tests.

    Attributes:
        name: nbgrader's name of it.
        database: an SQLite gradebook with this assignment and no student, as bytes.
        given: the instructor's other files, by path below the assignment's folder; they replace a student's.
        limits: what a submission may use.
        digest: changes whenever one of these does.
        walls: what its submissions find in the sandbox.
        imports: by notebook, what the instructor's version imports in cells that students may change.
        cells: by notebook, what the gradebook knows of its cells.
    """

    name: str
    database: bytes
    given: dict[str, bytes]
    limits: Limits
    digest: str
    walls: Walls = Walls()
    imports: dict[str, str] = field(default_factory=dict)
    cells: dict[str, Cells] = field(default_factory=dict)


@dataclass(frozen=True)
class Submission:
    """What a student handed in, or why it was refused.

    Attributes:
        student: the student's id in the gradebook.
        files: contents by path below the submission's folder; empty where it was refused.
        digest: of all files, those left out included, and of the reasons if it was refused or something left out.
        timestamp: when it was handed in, if anybody noted it; UTC, without a zone, as nbgrader keeps it.
        refused: why it cannot be graded, for the instructor to read; None where it can.
        notes: which of several notebooks were left out because they cannot be read, and why, a sentence for each.
    """

    student: str
    files: dict[str, bytes]
    digest: str
    timestamp: datetime | None = None
    refused: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mark:
    """The automatic score of one graded cell.

    Attributes:
        notebook, cell: their names in the gradebook.
        auto_score: points, or None where only a person can tell.
        max_score: points that the cell is worth.
        needs_manual_grade: whether somebody must look at it.
    """

    notebook: str
    cell: str
    auto_score: float | None
    max_score: float
    needs_manual_grade: bool


@dataclass(frozen=True)
class Remark:
    """The automatic comment on one cell that a student writes: None, or nbgrader's "No response."."""

    notebook: str
    cell: str
    auto_comment: str | None


@dataclass(frozen=True)
class Result:
    """What grading one submission led to.

    Attributes:
        student: the student's id.
        submission, assignment: digests of what was graded, and by what.
        marks: a mark for each graded cell of the assignment, also of notebooks that were not handed in.
        remarks: a remark for each cell that students write.
        notebooks: the autograded notebooks, by file name.
        files: whatever else was handed in or given, for the folder of autograded notebooks.
        feedback: the pages for the student, by file name.
        flags: what an instructor should know, such as "timed out", "died", "refused", "unreadable", "tampered".
        problem: why there is no score, for the instructor; None where there is one.
        timestamp: when the submission was handed in.
        seconds: wall time in the worker, by phase; "all" is their sum.
        log: what nbgrader said, its last lines.
    """

    student: str
    submission: str
    assignment: str
    marks: tuple[Mark, ...] = ()
    remarks: tuple[Remark, ...] = ()
    notebooks: dict[str, bytes] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    feedback: dict[str, bytes] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    problem: str | None = None
    timestamp: datetime | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    log: str = ""

    @property
    def score(self) -> float | None:
        """The sum of the automatic scores; None where there is no score."""
        return None if self.problem else sum(mark.auto_score or 0.0 for mark in self.marks)
