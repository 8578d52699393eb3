"""Turns a result into rows of nbgrader's gradebook, as nbgrader's own autograder would have left them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from nbgrader.api import new_uuid
from sqlalchemy import Connection, Row, bindparam, insert, select, update

from grader.course import TABLES
from grader.records import Mark, Result

Key = tuple[str, str]  # the names of a notebook and of a cell in it
Penalty = Callable[[str, float, float], float | None]  # student, score, seconds late: nbgrader's plugin


class GradebookError(Exception):
    """A result cannot be written; nothing of it was."""


def write_student(connection: Connection, student: str, *, create: bool) -> None:
    """Make sure of the student's row, and lock it: whoever else merges a result of this student waits.

    Raises:
        GradebookError: there is no such student, and none may be made.
    """
    table = TABLES["student"]
    if connection.execute(select(table.c.id).where(table.c.id == student).with_for_update()).first():
        return
    if not create:
        raise GradebookError(
            f"{student!r} is not in the gradebook, and c.Autograde.create_student is False: "
            f"`nbgrader db student add {student}`, or rename the submission's folder"
        )
    connection.execute(insert(table).values(id=student))


def write_scores(connection: Connection, assignment: Row, result: Result, *, seen: bool, penalty_of: Penalty) -> None:
    """Write a submission: its rows where they are missing, its scores and comments, and what lateness costs.

    Every query here goes along a unique index of nbgrader's tables; its relationships (``submission.notebooks`` and the
    like) would read all students' rows.

    Args:
        connection: within a transaction that has locked the student.
        assignment: its ``id`` and ``duedate``.
        result: what to write; it has marks.
        seen: whether this very submission has been merged before. Then a person's look at a cell still holds.
        penalty_of: what a late notebook loses; None for nothing.

    Raises:
        GradebookError: the result speaks of a cell that the assignment does not have (any more).
    """
    graded, written = _cells(connection, assignment.id)
    marks = {(mark.notebook, mark.cell): mark for mark in result.marks}
    remarks = {(remark.notebook, remark.cell): remark.auto_comment for remark in result.remarks}
    if unknown := [*(marks.keys() - graded.keys()), *(remarks.keys() - written.keys())]:
        notebook, cell = min(unknown)
        raise GradebookError(
            f"the result of {result.student!r} speaks of cell {cell!r} of notebook {notebook!r}, which the assignment "
            "does not have: it has been generated anew, so grade again"
        )
    submission, late = _submission(connection, assignment, result)
    sheets = _sheets(connection, assignment.id, submission)
    ids = {name: row.id for name, row in sheets.items()}
    scores = _write_grades(connection, graded, ids, marks, seen=seen)
    _write_comments(connection, written, ids, remarks)
    for name, row in sheets.items():
        penalty = None
        if late > 0 and f"{name}.ipynb" in result.notebooks:
            penalty = penalty_of(result.student, scores[name], late)
        if penalty is not None:
            penalty = min(max(penalty, 0.0), scores[name])
        if penalty != row.late_submission_penalty:
            table = TABLES["submitted_notebook"]
            connection.execute(update(table).where(table.c.id == row.id).values(late_submission_penalty=penalty))


def _cells(connection: Connection, assignment: str) -> tuple[dict[Key, str], dict[Key, str]]:
    """Ids of the cells that have a grade, and of those that have a comment; a task has both."""
    notebook, cell = TABLES["notebook"], TABLES["base_cell"]
    query = select(notebook.c.name.label("notebook"), cell.c.name, cell.c.type, cell.c.id)
    rows = connection.execute(query.join_from(notebook, cell).where(notebook.c.assignment_id == assignment)).all()
    graded = {(row.notebook, row.name): row.id for row in rows if row.type in {"GradeCell", "TaskCell"}}
    return graded, {(row.notebook, row.name): row.id for row in rows if row.type in {"SolutionCell", "TaskCell"}}


def _submission(connection: Connection, assignment: Row, result: Result) -> tuple[str, float]:
    """The submission's id, and by how many seconds it was late. A time that nobody noted leaves an earlier one."""
    table = TABLES["submitted_assignment"]
    here = (table.c.assignment_id == assignment.id) & (table.c.student_id == result.student)
    row = connection.execute(select(table.c.id, table.c.timestamp, table.c.extension).where(here)).first()
    if row is None:
        new = new_uuid()
        values = {"id": new, "assignment_id": assignment.id, "student_id": result.student}
        connection.execute(insert(table).values(**values, timestamp=result.timestamp))
        return new, _seconds_late(assignment.duedate, None, result.timestamp)
    if result.timestamp is not None and result.timestamp != row.timestamp:
        connection.execute(update(table).where(table.c.id == row.id).values(timestamp=result.timestamp))
    return row.id, _seconds_late(assignment.duedate, row.extension, result.timestamp or row.timestamp)


def _seconds_late(due: datetime | None, extension: timedelta | None, handed_in: datetime | None) -> float:
    if due is None or handed_in is None:
        return 0.0
    return max(0.0, (handed_in - due - (extension or timedelta(0))).total_seconds())


def _sheets(connection: Connection, assignment: str, submission: str) -> dict[str, Row]:
    """The submission's notebooks by name, with id and late_submission_penalty; made where they are missing."""
    notebook, table = TABLES["notebook"], TABLES["submitted_notebook"]
    query = select(notebook.c.id, notebook.c.name).where(notebook.c.assignment_id == assignment)
    names = {row.id: row.name for row in connection.execute(query)}
    mine = table.c.notebook_id.in_(names) & (table.c.assignment_id == submission)
    wanted = select(table.c.id, table.c.notebook_id, table.c.late_submission_penalty).where(mine)
    rows = {names[row.notebook_id]: row for row in connection.execute(wanted)}
    new = [{"notebook_id": key, "assignment_id": submission} for key, name in names.items() if name not in rows]
    if new:
        connection.execute(insert(table), new)
        rows = {names[row.notebook_id]: row for row in connection.execute(wanted)}
    return rows


def _write_grades(
    connection: Connection, cells: dict[Key, str], sheets: dict[str, str], marks: dict[Key, Mark], *, seen: bool
) -> dict[str, float]:
    """Write the automatic scores; the points of each notebook come back, manual scores and extra credit counted."""
    table = TABLES["grade"]
    mine = table.c.cell_id.in_(cells.values()) & table.c.notebook_id.in_(sheets.values())
    rows = {row.cell_id: row for row in connection.execute(select(table).where(mine).with_for_update())}
    new, changed, points = [], [], dict.fromkeys(sheets, 0.0)
    for key, cell in cells.items():
        row, mark = rows.get(cell), marks.get(key)
        automatic = mark.auto_score if mark else (row.auto_score if row else None)
        if row is None:
            asks = mark.needs_manual_grade if mark else True
            values = {"auto_score": automatic, "needs_manual_grade": asks}
            new.append({"cell_id": cell, "notebook_id": sheets[key[0]], **values})
        elif mark and not (seen and automatic == row.auto_score):
            asks = mark.needs_manual_grade or row.manual_score is not None  # a person decides whether it still holds
            if (automatic, asks) != (row.auto_score, row.needs_manual_grade):
                changed.append({"here": row.id, "auto_score": automatic, "needs_manual_grade": asks})
        points[key[0]] += _points(automatic, row)
    if new:
        connection.execute(insert(table), new)
    if changed:
        connection.execute(update(table).where(table.c.id == bindparam("here")), changed)
    return points


def _points(automatic: float | None, row: Row | None) -> float:
    """A cell's points by nbgrader's rule: a manual score wins, and extra credit counts beside either."""
    base = row.manual_score if row is not None and row.manual_score is not None else automatic
    return 0.0 if base is None else float(base + ((row.extra_credit or 0.0) if row is not None else 0.0))


def _write_comments(
    connection: Connection, cells: dict[Key, str], sheets: dict[str, str], remarks: dict[Key, str | None]
) -> None:
    table = TABLES["comment"]
    mine = table.c.cell_id.in_(cells.values()) & table.c.notebook_id.in_(sheets.values())
    query = select(table.c.id, table.c.cell_id, table.c.auto_comment).where(mine)
    rows = {row.cell_id: row for row in connection.execute(query)}
    new, changed = [], []
    for key, cell in cells.items():
        row = rows.get(cell)
        if row is None:
            new.append({"cell_id": cell, "notebook_id": sheets[key[0]], "auto_comment": remarks.get(key)})
        elif key in remarks and remarks[key] != row.auto_comment:
            changed.append({"here": row.id, "auto_comment": remarks[key]})
    if new:
        connection.execute(insert(table), new)
    if changed:
        connection.execute(update(table).where(table.c.id == bindparam("here")), changed)
