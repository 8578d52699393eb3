"""The command as an instructor meets it: what it grades, what it says, and how it ends."""

import json
import logging
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest

import grader.command
from grader.__main__ import main
from grader.executors import run
from grading.small import KINDS, NAME, SmallCourse, deserved, wait_for
from grading.walls import needs_walls

pytestmark = needs_walls
CLASS = {kind: kind for kind in KINDS}  # a student of each kind, named after it


@pytest.fixture(scope="module")
def graded_once(small: SmallCourse, tmp_path_factory: pytest.TempPathFactory) -> SmallCourse:
    course = small.copy(tmp_path_factory.mktemp("command") / "course")
    for student, kind in CLASS.items():
        course.hand_in(student, kind)
    assert course.grade().status == 0
    return course


@pytest.fixture
def course(graded_once: SmallCourse, tmp_path: Path) -> SmallCourse:
    """A course whose class has been graded."""
    return graded_once.copy(tmp_path / "course")


@pytest.fixture
def fresh(small: SmallCourse, tmp_path: Path) -> SmallCourse:
    """A course in which nobody has handed in anything."""
    return small.copy(tmp_path / "fresh")


def files(course: SmallCourse, step: str) -> list[str]:
    return sorted(str(path.relative_to(course.root / step)) for path in (course.root / step).rglob("*.*"))


def test_everybody_gets_what_they_deserve_and_everything_is_where_formgrader_looks(graded_once):
    assert graded_once.marks() == deserved(CLASS)
    assert files(graded_once, "autograded") == sorted(f"{student}/{NAME}/sums.ipynb" for student in CLASS)
    assert files(graded_once, "feedback") == sorted(f"{student}/{NAME}/sums.html" for student in CLASS)


# What is graded


def test_what_has_not_changed_is_left_alone(course):
    before = course.graded()
    assert course.grade().status == 0
    assert course.graded() == before


def test_a_submission_that_changed_is_graded_again_and_no_other(course):
    before = course.graded()
    course.hand_in("partial", "perfect")
    assert course.told()["partial"]["score"] == 5
    after = course.graded()
    assert {student for student in CLASS if before[student] != after[student]} == {"partial"}
    assert course.marks() == deserved(CLASS | {"partial": "perfect"})


def test_an_assignment_that_changed_is_graded_again_for_all(course):
    before = course.graded()
    course.generate(hidden="### BEGIN HIDDEN TESTS\nassert total([1, 2, 4]) == 3\n### END HIDDEN TESTS")
    rows = course.told()
    assert {student: row["score"] for student, row in rows.items()} == {"perfect": 2, "partial": 5, "crashing": 0}
    assert not {student for student, when in course.graded().items() if before[student] == when}


def test_force_grades_all_again(course):
    before = course.graded()
    assert course.grade("--force").status == 0
    assert not {student for student, when in course.graded().items() if before[student] == when}
    assert course.marks() == deserved(CLASS)


def test_only_the_named_students_are_graded_and_shown(fresh):
    for student, kind in CLASS.items():
        fresh.hand_in(student, kind)
    rows = fresh.told("--students", "partial,crashing")
    assert set(rows) == set(fresh.graded()) == {"partial", "crashing"}
    assert fresh.marks() == deserved({student: student for student in rows})


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_an_export_is_graded_in_place_of_the_submitted_folder(fresh, tmp_path, packed):
    for number, kind in enumerate(KINDS):
        fresh.hand_in("", kind, to=tmp_path / "export" / f"Student {kind}_{number}_assignsubmission_file_")
    source = tmp_path / "export"
    if packed:
        source = Path(shutil.make_archive(str(tmp_path / "packed"), "zip", source))
    assert fresh.told("--from", str(source), "--no-feedback").keys() == {
        f"Student_{kind}_{number}" for number, kind in enumerate(KINDS)
    }
    assert fresh.marks() == deserved({f"Student_{kind}_{number}": kind for number, kind in enumerate(KINDS)})
    assert not (fresh.root / "submitted").exists()


def test_without_feedback_no_page_is_made(fresh):
    fresh.hand_in("perfect", "perfect")
    assert fresh.grade("--no-feedback").status == 0
    assert files(fresh, "autograded")
    assert not (fresh.root / "feedback").exists()


# What it says


def test_the_table_has_a_line_for_each_student(course):
    done = course.grade()
    lines = [line.split() for line in done.out.splitlines()]
    assert lines[0] == ["student", "score", "seconds", "flags"]
    by_hand = ["to", "be", "graded", "by", "hand"]
    assert [line[:4] + line[5:] for line in lines[2:]] == [
        ["crashing", "0", "of", "6", *by_hand],
        ["partial", "2", "of", "6", *by_hand],
        ["perfect", "5", "of", "6", *by_hand],
    ]
    assert all(float(line[4]) > 0 for line in lines[2:])
    starts = {line.index("of 6") for line in done.out.splitlines()[2:]}
    assert len(starts) == 1  # columns stand below each other


def test_json_is_all_that_stands_on_stdout(course):
    course.hand_in("another", "perfect")
    done = course.grade("--json")
    rows = json.loads(done.out)
    assert [row["student"] for row in rows] == ["another", "crashing", "partial", "perfect"]
    seconds = rows[0].pop("seconds")
    assert 0 < seconds < 60
    assert rows[0] == {
        "student": "another",
        "score": 5,
        "max_score": 6,
        "needs_manual_grade": True,
        "flags": [],
        "problem": None,
    }


def test_a_refused_submission_has_no_score_and_is_told_with_the_reason(course):
    (course.root / "submitted" / "broken" / NAME).mkdir(parents=True)
    (course.root / "submitted" / "broken" / NAME / "sums.ipynb").write_text("<html>")
    done = course.grade()
    assert done.status == 1
    line, reason = (line for line in done.out.splitlines() if line.startswith("broken"))
    assert (line.split()[1], line.split()[3]) == ("–", "refused")
    assert reason.startswith("broken: 'sums.ipynb' is not JSON")
    assert reason in done.err  # while it is graded
    assert reason in course.grade().out  # and later, when it is not tried again
    rows = course.told(status=1)
    assert (rows["broken"]["score"], rows["broken"]["flags"]) == (None, ["refused"])
    assert "'sums.ipynb' is not JSON" in rows["broken"]["problem"]
    assert [rows[student]["score"] for student in KINDS] == [5, 2, 0]
    assert course.marks() == deserved(CLASS)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--students", "perfect,nobody"], ["'nobody'", "submitted holds nothing", "as the table"]),
        (["--from", "nowhere"], ["nowhere", "a folder or a zip"]),
        (["--from", "nbgrader_config.py"], ["nbgrader_config.py", "folder nor a zip"]),
        (["--from", "source"], ["source", "understood are nbgrader's STUDENT/"]),
        (["--course", "nowhere"], ["nowhere", "must exist"]),
        (
            ["--course", "submitted", "--db", "sqlite:///gradebook.db"],
            ["submitted/gradebook.db", "generate_assignment"],
        ),
        (["--db", "gradebook.db"], ["'gradebook.db'", "sqlite:///gradebook.db"]),
        (["--db", "postgresql+psycopg://ada:secret@127.0.0.1:9/course"], ["ada:***@127.0.0.1:9"]),
    ],
    ids=lambda value: " ".join(value) if value and value[0].startswith("--") else "",
)
def test_what_cannot_be_done_is_told_with_the_value_and_what_would_be_right(course, monkeypatch, arguments, words):
    monkeypatch.chdir(course.root)
    before = course.graded()
    done = course.grade(*arguments)
    assert done.status == 2, done
    assert done.out == ""
    assert done.err.startswith("grade: ")
    assert not [word for word in words if word not in done.err], done.err
    assert "secret" not in done.err
    assert "Traceback" not in done.err
    assert course.graded() == before


def test_an_unknown_assignment_is_told_with_those_that_are_known(course):
    done = course.grade(name="sumz")
    assert (done.status, done.out) == (2, "")
    assert f"no assignment 'sumz'; it knows {NAME}" in done.err


@pytest.mark.parametrize("value", ["-1", "some"])
def test_a_number_of_workers_that_makes_no_sense_is_told(value, capsys):
    with pytest.raises(SystemExit) as ended:
        main([NAME, "--workers", value])
    assert ended.value.code == 2
    assert f"must be a number from 0 up, got '{value}'" in capsys.readouterr().err


# How it ends


def test_interrupted_while_an_object_is_deleted_it_ends_as_well(fresh, monkeypatch, capsys):
    class Deleted:
        def __del__(self) -> None:
            try:
                signal.raise_signal(signal.SIGTERM)
            except KeyboardInterrupt:  # as SQLAlchemy does when it closes a connection
                logging.getLogger("sqlalchemy.pool").exception("a connection was being closed")
                raise

    def run_all(*arguments, **options):
        for result in run(*arguments, **options):
            Deleted()
            yield result

    fresh.hand_in_all(3)
    lost = []
    monkeypatch.setattr(logging.getLogger("sqlalchemy.pool"), "propagate", False)  # to pytest, which is not there else
    monkeypatch.setattr(sys, "unraisablehook", lambda it: lost.append(it.exc_type))
    monkeypatch.setattr(grader.command, "run", run_all)
    assert main([NAME, "--course", str(fresh.root), "--workers", "0", "--no-feedback"]) == 130
    assert lost == []
    assert len(fresh.graded()) == 1
    err = capsys.readouterr().err
    assert "the same command goes on" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("number", "arguments"),
    [
        (signal.SIGINT, ["--workers", "0"]),
        (signal.SIGTERM, ["--workers", "0"]),
        pytest.param(signal.SIGINT, ["--workers", "2"], marks=pytest.mark.full),
        pytest.param(signal.SIGTERM, ["--workers", "2"], marks=pytest.mark.full),
    ],
    ids=lambda value: value.name if isinstance(value, signal.Signals) else f"workers-{value[-1]}",
)
def test_interrupted_in_the_middle_it_says_so_and_the_same_command_grades_only_the_rest(fresh, number, arguments):
    kinds = fresh.hand_in_all(5, slow=0.5)
    with fresh.start(*arguments) as running:
        wait_for(lambda: len(fresh.graded_so_far()) >= 2)
        os.killpg(running.pid, number)  # a terminal's Ctrl-C reaches the workers, too; so does the end of a service
        out, err = running.communicate(timeout=60)
    assert running.returncode == 130, err
    assert out == ""
    assert "the same command goes on" in err
    assert "Traceback" not in err
    first = fresh.graded()
    assert 2 <= len(first) < len(kinds)
    assert fresh.marks() == deserved({student: kinds[student] for student in first})
    assert fresh.grade().status == 0
    assert {student: when for student, when in fresh.graded().items() if student in first} == first
    assert fresh.marks() == deserved(kinds)
