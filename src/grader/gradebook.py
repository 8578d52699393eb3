"""Writes results into the course's gradebook, each in one transaction, beside a ledger of what has been graded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from nbgrader.converters import Autograde
from nbgrader.preprocessors import AssignLatePenalties
from sqlalchemy import (
    JSON,
    Column,
    Connection,
    DateTime,
    Float,
    MetaData,
    Row,
    String,
    Table,
    Text,
    and_,
    event,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.schema import CreateTable

from grader.course import TABLES, Course, connect
from grader.placing import place
from grader.records import FAILED, Result
from grader.scores import GradebookError, write_scores, write_student

# Of a metadata of its own: to nbgrader's migrations it is a stranger, which they leave alone.
LEDGER = Table(
    "grader_ledger",
    MetaData(),
    Column("assignment", String(128), primary_key=True),
    Column("student", String(128), primary_key=True),
    Column("submission_digest", String(128), nullable=False),
    Column("assignment_digest", String(128), nullable=False),
    Column("flags", JSON, nullable=False),
    Column("problem", Text),
    Column("seconds", Float, nullable=False),
    Column("graded", DateTime, nullable=False),  # UTC, without a zone, as nbgrader keeps its times
)
T = TypeVar("T")


class GradebookUnreachable(GradebookError):  # noqa: N818 - an error's kind, which its base names
    """The database went away, or another program holds it; what was not written is graded by the next run."""


@dataclass(frozen=True)
class Entry:
    """A line of the ledger: what was graded, by what, and how it went.

    Attributes:
        submission, assignment: their digests.
        flags, problem: as in the result.
        seconds: wall time in the worker.
        graded: when, in UTC, without a zone.
    """

    submission: str
    assignment: str
    flags: tuple[str, ...]
    problem: str | None
    seconds: float
    graded: datetime

    def covers(self, submission: str, assignment: str) -> bool:
        """Whether nothing is left to do for a submission, whose digests these are."""
        return (self.submission, self.assignment) == (submission, assignment) and FAILED not in self.flags


class LedgeredGradebook:
    """One assignment of a course's gradebook, open for writing; a context manager.

    A result is files and rows. The files go first, and the ledger's row is written in the same transaction as the
    scores: what the ledger does not name is graded again, and doing any of it twice changes nothing.

    No query looks at more rows than one submission has: they all go along nbgrader's own unique indices.

    Args:
        course: where the gradebook is; SQLite, or PostgreSQL by its address.
        assignment: its name in the gradebook.

    Raises:
        CourseError: there is no gradebook.
        GradebookError: it does not know the assignment, or cannot be reached.
    """

    def __init__(self, course: Course, assignment: str) -> None:
        self.course = course
        self.assignment = assignment
        self.engine = connect(course)
        self._creates_students = Autograde(coursedir=course.directory, config=course.config).create_student
        self._lateness = AssignLatePenalties(config=course.config)
        self._lateness.init_plugin()
        if self.engine.dialect.name == "sqlite":
            # SQLite by itself locks late: two who read and then write would stand in each other's way, and one would be
            # refused at once. Asking for the write lock first makes one of them wait, up to the connection's time-out.
            event.listen(self.engine, "connect", lambda handle, _: setattr(handle, "isolation_level", None))
            event.listen(self.engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
        try:
            self._transaction(self._assignment, "the assignment")
            table = CreateTable(LEDGER, if_not_exists=True)
            self._transaction(lambda connection: connection.execute(table), "the ledger")
        except GradebookError:
            self.close()
            raise

    def __enter__(self) -> LedgeredGradebook:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()

    def graded(self) -> dict[str, Entry]:
        """The ledger's entries by student, in one query.

        An entry with a score whose submission is no longer in the gradebook is left out: somebody removed it, and it is
        to be graded again.
        """
        return self._transaction(self._entries, "the ledger")

    def record(self, result: Result) -> None:
        """Place a result's files, then merge its scores: in this order a kill at any moment loses nothing."""
        self.place(result)
        self.merge(result)

    def place(self, result: Result) -> None:
        """Put a result's files where Formgrader looks for them; see ``grader.placing.place``."""
        place(self.course, self.assignment, result)

    def merge(self, result: Result) -> None:
        """Write a result's scores, comments and ledger row in one transaction, which is done entirely or not at all.

        Manual scores, extra credit and manual comments are kept. As with nbgrader, a cell with a manual score asks to
        be looked at again; but only if the submission or its automatic score changed. A result without marks (a refused
        submission, say) leaves scores as they are: an earlier submission keeps what it earned, and the ledger says why.

        Raises:
            GradebookUnreachable: the database went away, or is locked.
            GradebookError: the rows do not fit, for instance because the assignment has changed meanwhile.
        """
        self._transaction(lambda connection: self._merge(connection, result), f"the result of {result.student!r}")

    def _transaction(self, work: Callable[[Connection], T], what: str) -> T:
        try:
            try:
                with self.engine.begin() as connection:
                    return work(connection)
            except IntegrityError:  # somebody else made the same row at the same moment: it is there now
                with self.engine.begin() as connection:
                    return work(connection)
        except SQLAlchemyError as error:
            lost = isinstance(error, (OperationalError, InterfaceError))
            lost = lost or (isinstance(error, DBAPIError) and error.connection_invalidated)
            kind = GradebookUnreachable if lost else GradebookError
            where = self.engine.url.render_as_string()  # hides the password
            raise kind(
                f"{what} cannot be written to or read from {where}, and nothing of it was: "
                f"{getattr(error, 'orig', None) or error}. Run the same command again once that is mended."
            ) from error

    def _entries(self, connection: Connection) -> dict[str, Entry]:
        submissions = TABLES["submitted_assignment"]
        of_student = and_(
            submissions.c.student_id == LEDGER.c.student,
            submissions.c.assignment_id == self._assignment(connection).id,
        )
        query = (
            select(LEDGER)
            .join(submissions, of_student, isouter=True)
            .where(LEDGER.c.assignment == self.assignment)
            .where(or_(submissions.c.id.is_not(None), LEDGER.c.problem.is_not(None)))
        )
        return {row.student: _entry(row) for row in connection.execute(query)}

    def _assignment(self, connection: Connection) -> Row:
        table = TABLES["assignment"]
        row = connection.execute(select(table.c.id, table.c.duedate).where(table.c.name == self.assignment)).first()
        if row is None:
            raise GradebookError(
                f"the gradebook has no assignment {self.assignment!r}: run `nbgrader generate_assignment`"
            )
        return row

    def _merge(self, connection: Connection, result: Result) -> None:
        if result.marks:
            write_student(connection, result.student, create=self._creates_students)
        here = (LEDGER.c.assignment == self.assignment) & (LEDGER.c.student == result.student)
        before = connection.execute(select(LEDGER).where(here)).first()
        if result.marks:
            write_scores(
                connection,
                self._assignment(connection),
                result,
                seen=before is not None and before.submission_digest == result.submission,
                penalty_of=self._lateness.plugin_inst.late_submission_penalty,
            )
        values = {
            "submission_digest": result.submission,
            "assignment_digest": result.assignment,
            "flags": list(result.flags),
            "problem": result.problem,
            "seconds": result.seconds.get("all", sum(result.seconds.values())),
        }
        if before is None:
            keys = {"assignment": self.assignment, "student": result.student}
            connection.execute(insert(LEDGER).values(**keys, **values, graded=_now()))
        elif any(before._mapping[name] != value for name, value in values.items()):
            connection.execute(update(LEDGER).where(here).values(**values, graded=_now()))


def _entry(row: Row) -> Entry:
    flags = tuple(row.flags)
    return Entry(row.submission_digest, row.assignment_digest, flags, row.problem, row.seconds, row.graded)


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
