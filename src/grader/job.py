"""The job: one submission of one assignment in, its marks and notebooks out; nothing else is read or changed.

It may run in any process on any machine that has the course's packages, and may be run again: it knows no gradebook and
no shared disk. Inside is nbgrader's own autograder with a throw-away database.
"""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
import threading
import time
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from nbgrader.api import BaseCell, Comment, Grade, Gradebook, Notebook
from nbgrader.converters import Autograde, GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import Execute, OverwriteCells
from sqlalchemy.exc import SAWarning
from traitlets.config import Config

from grader.canonical import CanonicalMetadata
from grader.feedback import Page, WordsOnly, markdown
from grader.grading import Grading
from grader.records import FAILED, Assignment, Mark, Remark, Result, Submission
from grader.sandbox import ForkServer, SandboxError
from grader.schema import schema_taken_as_given
from grader.selftest import close_servers, tried_server
from grader.split import SplitExecute
from grader.throwaway import throwaway_gradebook
from grader.unprotected import UNPROTECTED

_LOG = 4000  # characters of nbgrader's words that are kept
_TRIES = 3  # of a submission whose sandbox ended while it was graded: that is not its fault, until it happens again
_one_at_a_time = threading.Lock()  # nbgrader's log and warnings are the process's


def grade_one(assignment: Assignment, submission: Submission, *, feedback: bool = True) -> Result:
    """Grade one submission; a process grades one at a time, in however many threads it is asked to.

    Args:
        assignment: by what.
        submission: what; one that was refused is only noted.
        feedback: whether to make the student's page, too.

    Returns:
        Its result. What goes wrong with a submission stands in it.

    Raises:
        SandboxError: there are no walls to grade behind. Then no submission is to blame.
    """
    blank = Result(submission.student, submission.digest, assignment.digest, timestamp=submission.timestamp)
    if submission.refused:
        return replace(blank, problem=submission.refused, flags=("refused",))
    with _one_at_a_time:
        for _ in range(_TRIES):
            server = tried_server(assignment)
            result = _grade(server, assignment, submission, feedback, blank)
            if server.alive():
                return result
    words = "the sandbox itself ended whenever this was graded in it; the next run tries again"
    return replace(blank, problem=words, flags=(FAILED,))


def close_when_idle() -> None:
    """End this process's fork servers once the submission in hand is done; the next one starts one again."""
    with _one_at_a_time:
        close_servers()


def _grade(server: ForkServer, assignment: Assignment, submission: Submission, feedback: bool, blank: Result) -> Result:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="course-", dir=server.folder) as folder:
        course = _Course(Path(folder), assignment, submission)
        grading = Grading(server, assignment.limits, course.given, assignment.imports, assignment.cells)
        if not server.walled:
            grading.flag(UNPROTECTED, "")
        for note in submission.notes:
            grading.flag("unreadable", note)
        said = io.StringIO()
        problem = None
        with _quiet(said), throwaway_gradebook(assignment.database), schema_taken_as_given():
            try:
                course.autograde(grading)
            except SandboxError:
                raise
            except Exception as error:
                said.write(traceback.format_exc())
                problem = f"nbgrader could not grade it: {type(error).__name__}: {error}"
            seconds = {**grading.seconds, "autograde": time.monotonic() - began}
            marks, remarks = course.marks() if problem is None else ((), ())
            pages: dict[str, bytes] = {}
            if feedback and problem is None:
                try:
                    pages = course.feedback()
                except Exception:  # the marks stand without a page
                    said.write(traceback.format_exc())
                    grading.flag("no feedback", "")
        notebooks, files = course.autograded() if problem is None else ({}, {})
    seconds["all"] = time.monotonic() - began
    return replace(
        blank,
        marks=marks,
        remarks=remarks,
        notebooks=notebooks,
        files=files,
        feedback=pages,
        flags=tuple(sorted(grading.flags)),
        problem=problem,
        seconds=seconds,
        log=said.getvalue()[-_LOG:],
    )


class _Course:
    """A course of one student and one assignment in a folder of its own."""

    def __init__(self, root: Path, assignment: Assignment, submission: Submission) -> None:
        self.root, self.assignment, self.student = root, assignment.name, submission.student
        self.given = root / "source" / assignment.name
        handed_in = root / "submitted" / submission.student / assignment.name
        for folder, files in ((self.given, assignment.given), (handed_in, submission.files)):
            folder.mkdir(parents=True)
            for path, content in files.items():
                target = folder / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
        if submission.timestamp:
            (handed_in / "timestamp.txt").write_text(f"{submission.timestamp:%Y-%m-%d %H:%M:%S.%f} UTC")
        config = Config()
        config.CourseDirectory.root = str(root)
        config.CourseDirectory.db_url = "sqlite://"  # see `throwaway_gradebook`
        config.CourseDirectory.assignment_id = assignment.name
        config.CourseDirectory.student_id = submission.student
        sanitizing, grading, pages = (
            list(trait.default())
            for trait in (
                Autograde.sanitize_preprocessors,
                Autograde.autograde_preprocessors,
                GenerateFeedback.preprocessors,
            )
        )
        sanitizing = [p for p in sanitizing if p is not OverwriteCells]  # which asks the gradebook for each cell
        config.Autograde.sanitize_preprocessors = [CanonicalMetadata, *sanitizing]
        config.Autograde.autograde_preprocessors = [SplitExecute if p is Execute else p for p in grading]
        config.GenerateFeedback.preprocessors = [WordsOnly, *pages]
        config.Autograde.permissions = 644  # the folder is removed again
        config.Exporter.optimistic_validation = True  # once, when all preprocessors are through
        config.HTMLExporter.sanitize_html = True
        config.HTMLExporter.filters = {"markdown2html": markdown}
        self.config = config
        self.directory = CourseDirectory(config=config)

    def autograde(self, grading: Grading) -> None:
        """Let nbgrader grade it."""
        _Autograde(grading, coursedir=self.directory, config=self.config).start()

    def feedback(self) -> dict[str, bytes]:
        """Let nbgrader make the student's pages."""
        GenerateFeedback(coursedir=self.directory, config=self.config, export_class=Page).start()
        folder = self.root / "feedback" / self.student / self.assignment
        return {path.name: path.read_bytes() for path in sorted(folder.glob("*.html"))}

    def marks(self) -> tuple[tuple[Mark, ...], tuple[Remark, ...]]:
        """What nbgrader wrote into the throw-away gradebook."""
        with Gradebook(self.directory.db_url) as gradebook:
            read, where = gradebook.db.query, (Notebook.name, BaseCell.name)
            grades = read(*where, Grade.auto_score, Grade.max_score, Grade.needs_manual_grade).join(Grade.cell)
            marks = [
                Mark(notebook, cell, None if score is None else float(score), float(points), by_hand)
                for notebook, cell, score, points, by_hand in grades.join(BaseCell.notebook)
            ]
            comments = read(*where, Comment.auto_comment).join(Comment.cell).join(BaseCell.notebook)
            return tuple(marks), tuple(Remark(*one) for one in comments)

    def autograded(self) -> tuple[dict[str, bytes], dict[str, bytes]]:
        """The graded notebooks, and the other files beside them."""
        folder = self.root / "autograded" / self.student / self.assignment
        found = {
            str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
        }
        notebooks = {name: content for name, content in found.items() if name.endswith(".ipynb") and "/" not in name}
        return notebooks, {name: content for name, content in found.items() if name not in notebooks}


class _Autograde(Autograde):
    """nbgrader's autograder, whose preprocessors are told of the submission."""

    def __init__(self, grading: Grading, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.grading = grading

    def init_single_notebook_resources(self, notebook_filename: str) -> dict[str, Any]:
        resources: dict[str, Any] = super().init_single_notebook_resources(notebook_filename)
        return resources | {"grader": self.grading}


@contextlib.contextmanager
def _quiet(said: io.StringIO) -> Iterator[None]:
    """Keep what nbgrader says, from warnings up, instead of printing it."""
    logger = logging.getLogger("traitlets")
    before = logger.handlers[:], logger.level, logger.propagate
    logger.handlers[:], logger.propagate = [logging.StreamHandler(said)], False
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)  # of nbgrader's own, in each submission
            yield
    finally:
        logger.handlers[:], level, logger.propagate = before
        logger.setLevel(level)
