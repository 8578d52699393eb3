"""Results reach the gradebook once and whole, as stock nbgrader would write them, whoever is killed meanwhile."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from nbgrader.api import Gradebook
from nbgrader.apps.api import NbGraderAPI
from sqlalchemy import NullPool, create_engine, event, text

import grader.course
from grader.course import Course, load
from grader.gradebook import GradebookError, GradebookUnreachable, LedgeredGradebook
from grader.records import Mark, Remark, Result

NOTEBOOKS = ("main", "other")
POINTS = {"test_one": 2.0, "test_more": 1.5, "why": 3.0, "draw": 2.0}
DUE = datetime(2026, 1, 1, 12)


def made(student: str = "ada", submission: str = "first", one: float = 2.0, **changes: Any) -> Result:
    """A result such as a worker sends: tests scored, words and pictures left to a person."""
    scores = {"test_one": one, "test_more": 0.0, "why": None, "draw": None}
    marks = [
        Mark(notebook, cell, score, POINTS[cell], score is None)
        for notebook in NOTEBOOKS
        for cell, score in scores.items()
    ]
    remarks = [Remark(notebook, cell, None) for notebook in NOTEBOOKS for cell in ("square", "why", "draw")]
    files = {f"{name}.ipynb": b"{}" for name in NOTEBOOKS}
    result = Result(
        student,
        submission,
        "by this",
        tuple(marks),
        tuple(remarks),
        notebooks=files,
        feedback={"main.html": b"<p>"},
        flags=("timed out",),
        timestamp=DUE,
        seconds={"run": 1.0, "all": 1.5},
    )
    return replace(result, **changes)


def of_stock(course: Course, student: str = "ada") -> Result:
    """What stock nbgrader found, as a result; read from its rows and folders."""
    marks, remarks = [], []
    with Gradebook(course.db_url, "demo") as gradebook:
        submission = gradebook.find_submission("ps1", student)
        timestamp = submission.timestamp
        for sheet in submission.notebooks:
            for grade in sheet.grades:
                mark = Mark(sheet.name, grade.name, grade.auto_score, grade.max_score, grade.needs_manual_grade)
                marks.append(mark)
            remarks += [Remark(sheet.name, comment.name, comment.auto_comment) for comment in sheet.comments]
    folder = course.autograded(student, "ps1")
    notebooks = {path.name: path.read_bytes() for path in folder.glob("*.ipynb")}
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.name not in notebooks}
    feedback = {path.name: path.read_bytes() for path in course.feedback(student, "ps1").glob("*.html")}
    result = Result(student, "digest", "by", tuple(marks), tuple(remarks), timestamp=timestamp)
    return replace(result, notebooks=notebooks, files=files, feedback=feedback)


def rows(course: Course) -> list[tuple[Any, ...]]:
    """Everything that nbgrader keeps of students, by names: ids are random."""
    found: list[tuple[Any, ...]] = []
    with Gradebook(course.db_url, "demo") as gradebook:
        found += [(student.id, student.first_name, student.email) for student in gradebook.students]
        for sub in gradebook.assignment_submissions("ps1"):
            found.append((sub.student.id, sub.timestamp, sub.extension, sub.late_submission_penalty, sub.score))
            for sheet in sub.notebooks:
                here = (sub.student.id, sheet.name)
                found.append((*here, sheet.flagged, sheet.late_submission_penalty, sheet.failed_tests))
                for grade in sheet.grades:
                    given = (grade.auto_score, grade.manual_score, grade.extra_credit, grade.needs_manual_grade)
                    found.append((*here, grade.name, *given))
                for comment in sheet.comments:
                    found.append((*here, comment.name, comment.auto_comment, comment.manual_comment))
    return sorted(found, key=repr)


def ledger(course: Course) -> list[Any]:
    with create_engine(course.db_url, poolclass=NullPool).connect() as connection:
        return [tuple(row) for row in connection.execute(text("SELECT * FROM grader_ledger ORDER BY student"))]


def merge(course: Course, *results: Result) -> None:
    with LedgeredGradebook(course, "ps1") as gradebook:
        for result in results:
            gradebook.merge(result)


def grade(course: Course, student: str, notebook: str, cell: str) -> tuple[Any, ...]:
    with Gradebook(course.db_url, "demo") as gradebook:
        found = gradebook.find_grade(cell, notebook, "ps1", student)
        return found.auto_score, found.manual_score, found.extra_credit, found.needs_manual_grade


def look(course: Course, student: str = "ada") -> None:
    """A person grades by hand, as Formgrader saves it."""
    with Gradebook(course.db_url, "demo") as gradebook:
        for cell in ("why", "test_one"):
            found = gradebook.find_grade(cell, "main", "ps1", student)
            found.manual_score, found.needs_manual_grade = 1.25, False
        gradebook.find_grade("test_more", "main", "ps1", student).extra_credit = 0.5
        gradebook.find_comment("why", "main", "ps1", student).manual_comment = "Well put."
        gradebook.db.commit()


def test_rows_are_those_of_stock_autograde(course: Course, stock: Course) -> None:
    merge(course, of_stock(stock))
    assert rows(course) == rows(stock)
    assert ("ada", "main", "test_more", 0.0, None, None, False) in rows(course)
    assert ("ada", "main", "draw", None, None, None, True) in rows(course)


def test_folders_are_those_of_stock_autograde_and_feedback(make_course: Callable[..., Course], stock: Course) -> None:
    course = make_course()
    with LedgeredGradebook(course, "ps1") as gradebook:
        gradebook.record(of_stock(stock))
    for step in ("autograded", "feedback"):
        trees = []
        for root in (course.root, stock.root):
            paths = sorted((root / step).rglob("*"))
            trees.append([(p.relative_to(root), oct(p.stat().st_mode), p.is_file() and p.read_bytes()) for p in paths])
        if step == "feedback":  # stock copies data files there as well; what its exchange needs is the time
            trees[1] = [entry for entry in trees[1] if entry[0].name not in {"notes.txt", "numbers.csv"}]
        assert trees[0] == trees[1]
        assert len(trees[0]) >= 4


def test_formgrader_and_export_work_on_what_was_merged(
    course: Course, stock: Course, nbgrader: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with LedgeredGradebook(course, "ps1") as gradebook:
        gradebook.record(of_stock(stock))
        gradebook.record(made("bob"))
    monkeypatch.chdir(course.root)
    shutil.copytree(stock.root / "submitted", course.root / "submitted")
    ours, theirs = (NbGraderAPI(each.directory, config=each.config) for each in (course, stock))
    assert ours.get_autograded_students("ps1") == theirs.get_autograded_students("ps1")
    fields = ("score", "max_score", "needs_manual_grade", "written_score", "code_score", "task_score", "timestamp")
    lists = [api.get_submissions("ps1") for api in (ours, theirs)]
    ada = [next(one for one in found if one["student"] == "ada") for found in lists]
    assert [ada[0][name] for name in fields] == [ada[1][name] for name in fields]
    with Gradebook(course.db_url, "demo") as book:
        assert sorted(one.student.id for one in book.assignment_submissions("ps1")) == ["ada", "bob"]
        assert {one["id"]: one["score"] for one in book.submission_dicts("ps1")}
    nbgrader(course.root, "export", "--to=grades.csv", f"--CourseDirectory.db_url={course.db_url}")
    table = (course.root / "grades.csv").read_text()
    assert "ps1,2026-01-01 12:00:00,2026-01-01 12:00:30,ada,,,,2.0,2.0,0.0,17.0" in table
    assert "ps1,2026-01-01 12:00:00,2026-01-01 12:00:00,bob,,,,4.0,0.0,4.0,17.0" in table


def test_nbgrader_upgrades_the_gradebook_and_the_ledger_stays(course: Course, nbgrader: Callable[..., str]) -> None:
    merge(course, made())
    before = ledger(course)
    assert "Upgrading" in nbgrader(course.root, "db", "upgrade", f"--CourseDirectory.db_url={course.db_url}")
    assert ledger(course) == before
    merge(course, made("bob"))
    assert len(ledger(course)) == 2


def test_merging_the_same_result_again_changes_nothing(course: Course) -> None:
    merge(course, made())
    look(course)
    before = rows(course), ledger(course)
    merge(course, made(), made())
    assert (rows(course), ledger(course)) == before


def test_what_a_person_gave_is_kept_and_asks_for_a_look_only_where_something_changed(course: Course) -> None:
    merge(course, made())
    look(course)
    merge(course, made(one=1.0))  # graded again: another score for the same work
    assert grade(course, "ada", "main", "test_one") == (1.0, 1.25, None, True)
    assert grade(course, "ada", "main", "why") == (None, 1.25, None, False)
    merge(course, made(submission="second", one=1.0))
    assert grade(course, "ada", "main", "test_one") == (1.0, 1.25, None, True)
    assert grade(course, "ada", "main", "why") == (None, 1.25, None, True)
    assert grade(course, "ada", "main", "test_more") == (0.0, None, 0.5, False)
    assert ("ada", "main", "why", None, "Well put.") in rows(course)


def test_an_automatic_comment_comes_and_goes_with_the_answer(course: Course) -> None:
    silent = replace(made(), remarks=(Remark("main", "why", "No response."),))
    merge(course, silent)
    assert ("ada", "main", "why", "No response.", None) in rows(course)
    merge(course, made(submission="second"))
    assert ("ada", "main", "why", None, None) in rows(course)


def test_a_refused_submission_keeps_what_an_earlier_one_earned(course: Course) -> None:
    with LedgeredGradebook(course, "ps1") as gradebook:
        gradebook.record(made())
        before = rows(course), sorted(course.root.rglob("*"))
        refused = Result("ada", "second", "by this", flags=("refused",), problem="holds a link", seconds={"all": 0.1})
        gradebook.record(refused)
        assert (rows(course), sorted(course.root.rglob("*"))) == before
        entry = gradebook.graded()["ada"]
    assert (entry.submission, entry.flags, entry.problem, entry.seconds) == (
        "second",
        ("refused",),
        "holds a link",
        0.1,
    )


def test_a_refused_first_submission_gets_no_score_and_an_entry(course: Course) -> None:
    with LedgeredGradebook(course, "ps1") as gradebook:
        gradebook.record(Result("eve", "only", "by this", problem="holds a link"))
        assert gradebook.graded()["eve"].problem == "holds a link"
    assert rows(course) == []


def test_the_ledger_tells_what_was_graded_by_what_and_when(course: Course) -> None:
    merge(course, made(), made("bob", "other"))
    with LedgeredGradebook(course, "ps1") as gradebook:
        found = gradebook.graded()
    assert {s: (e.submission, e.assignment) for s, e in found.items()} == {
        "ada": ("first", "by this"),
        "bob": ("other", "by this"),
    }
    assert found["ada"].flags == ("timed out",)
    assert found["ada"].seconds == 1.5
    assert abs(found["ada"].graded - datetime.utcnow()) < timedelta(minutes=5)


def test_a_submission_that_somebody_removed_is_graded_again(course: Course) -> None:
    merge(course, made(), made("bob"))
    with Gradebook(course.db_url, "demo") as book:
        book.remove_submission("ps1", "ada")
    with LedgeredGradebook(course, "ps1") as gradebook:
        assert list(gradebook.graded()) == ["bob"]
        gradebook.merge(made())
        assert sorted(gradebook.graded()) == ["ada", "bob"]


def test_an_extension_spares_the_penalty(course: Course) -> None:
    late = made(timestamp=DUE + timedelta(hours=1))
    merge(course, late)
    assert ("ada", "main", False, 2.0, True) in rows(course)
    with Gradebook(course.db_url, "demo") as book:
        book.grant_extension("ps1", "ada", hours=2)
    merge(course, late)
    assert ("ada", "main", False, None, True) in rows(course)


def test_without_a_penalty_plugin_s_word_lateness_costs_nothing(make_course: Callable[..., Course]) -> None:
    root = make_course().root
    (root / "nbgrader_config.py").write_text("c = get_config()\n")
    course = load(root)
    merge(course, made(timestamp=DUE + timedelta(days=1)))
    assert ("ada", "main", False, None, True) in rows(course)


def test_a_result_of_another_version_of_the_assignment_is_refused_whole(course: Course) -> None:
    stale = replace(made(), marks=(*made().marks, Mark("main", "gone", 1.0, 1.0, False)))
    with LedgeredGradebook(course, "ps1") as gradebook:
        with pytest.raises(GradebookError, match="cell 'gone' of notebook 'main'"):
            gradebook.merge(stale)
        assert gradebook.graded() == {}
    assert rows(course) == []


def test_students_are_made_only_where_the_course_allows_it(make_course: Callable[..., Course]) -> None:
    root = make_course().root
    with (root / "nbgrader_config.py").open("a") as settings:
        settings.write("c.Autograde.create_student = False\n")
    course = load(root)
    with pytest.raises(GradebookError, match="'ada' is not in the gradebook"):
        merge(course, made())
    with Gradebook(course.db_url, "demo") as book:
        book.add_student("ada")
    merge(course, made())
    assert len(ledger(course)) == 1


def test_an_unknown_assignment_is_refused_and_leaves_no_ledger(course: Course) -> None:
    with pytest.raises(GradebookError, match="no assignment 'ps2'"):
        LedgeredGradebook(course, "ps2")
    with pytest.raises(Exception, match="grader_ledger"):
        ledger(course)


DYING = """
import os, signal, sys
sys.path[:0] = sys.argv[4:]
from pathlib import Path
from sqlalchemy import event
from grader.course import load
from grader.gradebook import LedgeredGradebook
from test_gradebook import made
die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
with LedgeredGradebook(load(Path(sys.argv[1]), db=sys.argv[2]), "ps1") as gradebook:
    gradebook.record(made("bob"))
    if sys.argv[3] == "before":
        gradebook.place(made())
        die()
    event.listen(gradebook.engine, sys.argv[3], die)
    gradebook.record(made())
"""


def script(course: Course, source: str, *arguments: str) -> subprocess.Popen[bytes]:
    here = Path(__file__).resolve().parent
    paths = [str(here), str(here.parents[1] / "src")]
    return subprocess.Popen([sys.executable, "-c", source, str(course.root), course.db_url, *arguments, *paths])


@pytest.mark.parametrize("moment", ["before", "begin", "commit"])
def test_killed_between_files_and_commit_it_is_graded_exactly_once_after_all(course: Course, moment: str) -> None:
    assert script(course, DYING, moment).wait(120) == -signal.SIGKILL
    assert (course.autograded("ada", "ps1") / "main.ipynb").is_file()
    with LedgeredGradebook(course, "ps1") as gradebook:
        assert list(gradebook.graded()) == ["bob"]
        assert {row[0] for row in rows(course)} == {"bob"}
        for student in {"ada", "bob"} - gradebook.graded().keys():
            gradebook.record(made(student))
    with create_engine(course.db_url, poolclass=NullPool).connect() as connection:
        counted = [
            connection.scalar(text(f"SELECT count(*) FROM {table}"))
            for table in ("student", "submitted_assignment", "submitted_notebook", "grade", "comment", "grader_ledger")
        ]
    assert counted == [2, 2, 4, 16, 12, 2]


MANY = """
import sys
sys.path[:0] = sys.argv[3:]
from pathlib import Path
from grader.course import load
from grader.gradebook import LedgeredGradebook
from test_gradebook import made
with LedgeredGradebook(load(Path(sys.argv[1]), db=sys.argv[2]), "ps1") as gradebook:
    for number in range(30):
        gradebook.record(made(f"student{number}"))
"""


def test_two_graders_at_once_write_everybody_once(course: Course) -> None:
    both = [script(course, MANY) for _ in range(2)]
    assert [one.wait(120) for one in both] == [0, 0]
    found = rows(course)
    assert len(found) == len(set(found)) == 30 * (1 + 1 + 2 * (1 + 4 + 3))
    assert len(ledger(course)) == 30


def test_a_gradebook_that_another_program_holds_is_waited_for_and_then_reported(
    make_course: Callable[..., Course], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grader.course, "WAIT_SECONDS", 0.2)
    course = make_course()
    with LedgeredGradebook(course, "ps1") as gradebook:
        other = sqlite3.connect(course.root / "gradebook.db")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(GradebookUnreachable, match="database is locked"):
            gradebook.merge(made())
        other.rollback()
        other.close()
        gradebook.merge(made())
    assert len(ledger(course)) == 1


def test_a_server_that_restarts_between_results_is_not_even_noticed(
    make_course: Callable[..., Course], postgres: Any
) -> None:
    course = make_course(postgres.copy())
    with LedgeredGradebook(course, "ps1") as gradebook:
        gradebook.merge(made())
        postgres.stop()
        postgres.start()
        gradebook.merge(made("bob"))
        assert sorted(gradebook.graded()) == ["ada", "bob"]


def test_a_server_that_goes_away_in_the_middle_leaves_nothing_half_written(
    make_course: Callable[..., Course], postgres: Any
) -> None:
    course = make_course(postgres.copy())
    with LedgeredGradebook(course, "ps1") as gradebook:
        gradebook.merge(made("bob"))
        before = rows(course)
        once = iter([postgres.stop])
        event.listen(gradebook.engine, "commit", lambda _: next(once, lambda: None)())
        with pytest.raises(GradebookUnreachable, match="Run the same command again"):
            gradebook.record(made())
        with pytest.raises(GradebookUnreachable, match="nothing of it was"):
            gradebook.merge(made())
        postgres.start()
        assert rows(course) == before
        assert list(gradebook.graded()) == ["bob"]
        gradebook.record(made())
        assert sorted(gradebook.graded()) == ["ada", "bob"]


def test_no_query_of_a_merge_reads_all_students(make_course: Callable[..., Course]) -> None:
    course = make_course()
    asked: list[tuple[str, Any]] = []
    with LedgeredGradebook(course, "ps1") as gradebook:
        gradebook.merge(made("bob"))
        event.listen(gradebook.engine, "before_cursor_execute", lambda *seen: asked.append(seen[2:4]))
        gradebook.merge(made())
        gradebook.merge(made(submission="second", one=1.0, timestamp=DUE + timedelta(days=1)))
    grows = ("student", "submitted_assignment", "submitted_notebook", "grade", "comment", "grader_ledger")
    plans = []
    with sqlite3.connect(course.root / "gradebook.db") as connection:
        for statement, values in asked:
            if statement.startswith(("SELECT", "UPDATE")):
                first = values[0] if isinstance(values, list) else values
                plans += [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", first)]
    connection.close()
    assert len(plans) > 10
    assert [plan for plan in plans if plan.startswith("SCAN") and plan.split()[1] in grows] == []


def test_an_error_hides_the_password(tmp_path: Path) -> None:
    course = load(tmp_path, db="postgresql+psycopg://someone:secret@127.0.0.1:1/grades")
    with pytest.raises(GradebookUnreachable) as failure:
        LedgeredGradebook(course, "ps1")
    assert "secret" not in str(failure.value)
    assert os.listdir(tmp_path) == []  # noqa: PTH208
