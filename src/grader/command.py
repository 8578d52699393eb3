"""What ``grade`` does: reads a course, grades what is new of it, and tells what came of it."""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook
from sqlalchemy.exc import SQLAlchemyError
from tqdm import tqdm

from grader.course import Course, CourseError, load
from grader.executors import ClusterError, run
from grader.gradebook import Entry, LedgeredGradebook
from grader.intake import Intake, collect
from grader.options import ALL, SOME, STOPPED, STUCK
from grader.placing import PlacingError
from grader.preparing import prepare
from grader.records import Assignment, Submission
from grader.sandbox import SandboxError
from grader.scores import GradebookError


def grade(options: argparse.Namespace) -> int:
    """Grade as the options say; returns the exit status."""
    try:
        with _Ending() as ending:
            rows = _graded(options, ending)
    except KeyboardInterrupt:
        print("Interrupted: what is done is kept; the same command goes on.", file=sys.stderr)
        return STOPPED
    except SQLAlchemyError as error:
        print(f"grade: the gradebook cannot be read: {getattr(error, 'orig', None) or error}", file=sys.stderr)
        return STUCK
    except (ClusterError, CourseError, SandboxError, GradebookError, PlacingError, ValueError, OSError) as error:
        print(f"grade: {error}", file=sys.stderr)
        return STUCK
    print(json.dumps(rows, indent=2) if options.json else _table(rows))
    return ALL if all(row["problem"] is None for row in rows) else SOME


class _Ending:
    """Ctrl-C, or SIGTERM, ends what is in the ``with`` block in order: by KeyboardInterrupt.

    Raised while Python deletes an object, that gets lost; `if_due` raises it then. Python, and the log of a library
    that was tidying up, would tell of it, at length: it is no news.
    """

    def __enter__(self) -> _Ending:
        self._due = False
        heeded = [number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) != signal.SIG_IGN]
        self._before = {number: signal.signal(number, self._end) for number in heeded}
        self._tell_lost, sys.unraisablehook = sys.unraisablehook, self._lost
        if logging.lastResort:
            logging.lastResort.addFilter(_is_news)
        return self

    def __exit__(self, *error: object) -> None:
        if logging.lastResort:
            logging.lastResort.removeFilter(_is_news)
        sys.unraisablehook = self._tell_lost
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _end(self, *_: object) -> None:
        self._due = True
        raise KeyboardInterrupt

    def _lost(self, what: sys.UnraisableHookArgs) -> None:
        if what.exc_type is not KeyboardInterrupt:
            self._tell_lost(what)

    def if_due(self) -> None:
        """Raise what should have been raised before."""
        if self._due:
            raise KeyboardInterrupt


def _is_news(record: logging.LogRecord) -> bool:
    return not record.exc_info or record.exc_info[0] is not KeyboardInterrupt


def _graded(options: argparse.Namespace, ending: _Ending) -> list[dict[str, Any]]:
    """Grade what is new or changed; returns what there is to tell of every submission."""
    course = load(options.course, db=options.db)
    assignment = prepare(course, options.assignment, unprotected=options.no_sandbox)
    students = options.students.split(",") if options.students else None
    source = options.source or _submitted(course)
    intake = collect(source, options.assignment, expected=sorted(assignment.cells), students=students)
    if missing := sorted(set(students or ()) - set(intake.students)):
        raise ValueError(
            f"{source} holds nothing of {', '.join(map(repr, missing))} for {options.assignment!r}; "
            "students are named as the table without --students names them, with commas between and no blanks"
        )
    with LedgeredGradebook(course, options.assignment) as gradebook:
        _grade(gradebook, assignment, intake, {} if options.force else gradebook.graded(), options, ending)
        entries = gradebook.graded()
    return _rows(course, options.assignment, intake.students, entries)


def _submitted(course: Course) -> Path:
    """The folder in which nbgrader collects what all students handed in."""
    return Path(course.directory.format_path(course.directory.submitted_directory, ".", "."))


def _grade(
    gradebook: LedgeredGradebook,
    assignment: Assignment,
    intake: Intake,
    before: dict[str, Entry],
    options: argparse.Namespace,
    ending: _Ending,
) -> None:
    with tqdm(total=len(intake), unit="submission", disable=None, file=sys.stderr) as bar:

        def changed() -> Iterator[Submission]:
            for submission in intake:
                entry = before.get(submission.student)
                if entry and entry.covers(submission.digest, assignment.digest):
                    bar.update()
                else:
                    for note in submission.notes:
                        tqdm.write(f"{submission.student}: left out: {note}", file=sys.stderr)
                    yield submission

        results = run(
            assignment,
            changed(),
            workers=options.workers,
            cluster=options.cluster,
            feedback=not options.no_feedback,
        )
        with closing(results):  # the workers end here, whatever happens, and not when Python does
            for result in results:
                gradebook.record(result)
                bar.update()
                if result.problem:
                    tqdm.write(f"{result.student}: {result.problem}", file=sys.stderr)
                ending.if_due()


def _rows(course: Course, name: str, students: Sequence[str], entries: dict[str, Entry]) -> list[dict[str, Any]]:
    """What there is to tell of each submission, manual scores included."""
    with Gradebook(course.db_url) as gradebook:
        scores = {one["student"]: one for one in gradebook.submission_dicts(name)}
    rows = []
    for student in students:
        entry, score = entries.get(student), scores.get(student)
        problem = entry.problem if entry else "not graded"
        rows.append(
            {
                "student": student,
                "score": score["score"] if score and not problem else None,
                "max_score": score["max_score"] if score else None,
                "needs_manual_grade": bool(score and score["needs_manual_grade"]),
                "flags": list(entry.flags) if entry else [],
                "problem": problem,
                "seconds": round(entry.seconds, 2) if entry else None,
            }
        )
    return rows


def _table(rows: list[dict[str, Any]]) -> str:
    lines = [("student", "score", "seconds", "flags")]
    for row in rows:
        score = "–" if row["score"] is None else f"{row['score']:g} of {row['max_score']:g}"
        notes = row["flags"] + ["to be graded by hand"] * row["needs_manual_grade"]
        seconds = "" if row["seconds"] is None else f"{row['seconds']:.1f}"
        lines.append((row["student"], score, seconds, ", ".join(notes)))
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    shown = ["  ".join(part.ljust(width) for part, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    problems = [f"{row['student']}: {row['problem']}" for row in rows if row["problem"] is not None]
    return "\n".join([shown[0], "-" * sum(widths), *shown[1:], *[""] * bool(problems), *problems])
