"""A course is read as nbgrader reads it, and a snapshot of an assignment holds what grading needs and nobody's work."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from sqlalchemy import create_engine, text

from grader.course import Course, CourseError, load, snapshot
from grader.records import Assignment, Limits


def opened(assignment: Assignment, folder: Path) -> Gradebook:
    path = folder / "snapshot.db"
    path.write_bytes(assignment.database)
    return Gradebook(f"sqlite:///{path}", "demo")


def change(course: Course, statement: str, **values: object) -> None:
    engine = create_engine(course.db_url)
    with engine.begin() as connection:
        assert connection.execute(text(statement), values).rowcount > 0
    engine.dispose()


def configured(folder: Path, settings: str) -> Course:
    folder.mkdir(exist_ok=True)
    (folder / "nbgrader_config.py").write_text(f"c = get_config()\n{settings}\n")
    return load(folder)


def test_folders_follow_the_course_s_own_structure(tmp_path: Path) -> None:
    course = configured(
        tmp_path,
        "c.CourseDirectory.autograded_directory = 'marked'\n"
        "c.CourseDirectory.directory_structure = '{nbgrader_step}/{assignment_id}/{student_id}'",
    )
    assert course.autograded("ada", "ps1") == tmp_path / "marked" / "ps1" / "ada"
    assert course.submitted("ada", "ps1") == tmp_path / "submitted" / "ps1" / "ada"
    assert course.feedback("ada", "ps1") == tmp_path / "feedback" / "ps1" / "ada"
    assert course.db_url == f"sqlite:///{tmp_path}/gradebook.db"


def test_a_relative_gradebook_counts_from_the_course_s_root(tmp_path: Path) -> None:
    course = configured(tmp_path, "c.CourseDirectory.db_url = 'sqlite:///private/grades.db'")
    assert course.db_url == f"sqlite:///{tmp_path}/private/grades.db"


def test_old_names_of_settings_still_count(tmp_path: Path) -> None:
    assert configured(tmp_path, "c.NbGrader.course_id = 'old'").directory.course_id == "old"


def test_the_gradebook_can_be_named_from_outside(tmp_path: Path) -> None:
    url = "postgresql+psycopg://someone:secret@/grades?host=/run/postgresql"
    assert load(tmp_path, db=url).db_url == url


@pytest.mark.parametrize("name", ["", ".", "..", "../ada", "a/b", "a\0b"])
def test_a_name_that_climbs_or_digs_has_no_folder(tmp_path: Path, name: str) -> None:
    course = load(tmp_path)
    with pytest.raises(CourseError, match="must be one plain folder name"):
        course.autograded(name, "ps1")
    with pytest.raises(CourseError, match="must be one plain folder name"):
        course.submitted("ada", name)


def test_broken_settings_are_named_with_their_fault(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="ZeroDivisionError"):
        configured(tmp_path, "1 / 0")
    with pytest.raises(CourseError, match="must look like sqlite"):
        configured(tmp_path, "c.CourseDirectory.db_url = 'grades.db'")
    with pytest.raises(CourseError, match="must exist"):
        load(tmp_path / "nowhere")


@pytest.mark.filterwarnings("ignore:Object of type <SubmittedAssignment> not in session")  # nbgrader's add_submission
def test_a_snapshot_is_a_gradebook_with_the_assignment_and_no_student(course: Course, tmp_path: Path) -> None:
    with Gradebook(course.db_url, "demo") as original:
        original.add_student("ada")
        original.add_submission("ps1", "ada")
        original.add_assignment("secret")
        original.add_notebook("exam", "secret")
        with opened(snapshot(course, "ps1"), tmp_path) as copy:
            assert [assignment.name for assignment in copy.assignments] == ["ps1"]
            assert copy.students == []
            assert copy.assignment_submissions("ps1") == []
            assert copy.find_assignment("ps1").duedate == original.find_assignment("ps1").duedate
            assert copy.find_assignment("ps1").max_score == original.find_assignment("ps1").max_score == 17
            for name in ("main", "other"):
                before, after = original.find_notebook(name, "ps1"), copy.find_notebook(name, "ps1")
                assert after.kernelspec == before.kernelspec
                for cells in ("grade_cells", "solution_cells", "task_cells", "source_cells"):
                    dicts = [sorted((cell.to_dict() for cell in getattr(n, cells)), key=str) for n in (before, after)]
                    assert dicts[0] == dicts[1]
                    assert dicts[0]


def test_a_snapshot_gives_the_instructor_s_files_but_neither_notebooks_nor_what_is_ignored(
    make_course: Callable[..., Course],
) -> None:
    course = make_course()
    (course.source("ps1") / "deep").mkdir()
    (course.source("ps1") / "deep" / "data.bin").write_bytes(b"\0")
    assert snapshot(course, "ps1").given == {"numbers.csv": b"1,2\n", "deep/data.bin": b"\0"}


def test_files_that_students_may_change_are_not_given(make_course: Callable[..., Course]) -> None:
    root = make_course().root
    with (root / "nbgrader_config.py").open("a") as settings:
        settings.write("c.Autograde.exclude_overwriting = {'ps1': ['numbers.csv']}\n")
    assert snapshot(load(root), "ps1").given == {}


def test_the_digest_is_the_same_for_the_same_content_in_either_database(
    make_course: Callable[..., Course], postgres: object
) -> None:
    course = make_course()
    digest = snapshot(course, "ps1").digest
    assert digest == snapshot(make_course(), "ps1").digest
    assert digest == snapshot(load(course.root, db=postgres.copy()), "ps1").digest  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE source_cell SET source = 'pass' WHERE name = 'test_more' AND checksum IS NOT NULL",
        "UPDATE grade_cells SET max_score = 7 WHERE max_score = 1.5",
        "UPDATE notebook SET kernelspec = '{}' WHERE name = 'main'",
        "UPDATE assignment SET duedate = '2027-01-01 00:00:00.000000'",
        "UPDATE base_cell SET name = 'renamed' WHERE name = 'draw'",
    ],
)
def test_the_digest_changes_with_what_the_assignment_says(make_course: Callable[..., Course], statement: str) -> None:
    course = make_course()
    before = snapshot(course, "ps1").digest
    change(course, statement)
    assert snapshot(course, "ps1").digest != before


def test_points_that_trade_places_between_notebooks_change_the_digest(make_course: Callable[..., Course]) -> None:
    course = make_course()
    points = (
        "UPDATE grade_cells SET max_score = :points WHERE id IN (SELECT c.id FROM base_cell c JOIN notebook n "
        "ON c.notebook_id = n.id WHERE n.name = :notebook AND c.name = 'test_one')"
    )
    change(course, points, points=5, notebook="main")
    before = snapshot(course, "ps1").digest
    change(course, points, points=2, notebook="main")
    change(course, points, points=5, notebook="other")
    assert snapshot(course, "ps1").digest != before


def test_the_digest_changes_with_files_and_limits(make_course: Callable[..., Course]) -> None:
    course = make_course()
    before = snapshot(course, "ps1").digest
    assert snapshot(course, "ps1", Limits(memory=1 << 30)).digest != before
    (course.source("ps1") / "numbers.csv").write_text("1,3\n")
    assert snapshot(course, "ps1").digest != before


@pytest.mark.parametrize(
    ("settings", "seconds"),
    [
        ("", 7.0),
        ("c.ExecutePreprocessor.timeout = 60", 60.0),
        ("c.Execute.timeout = 45", 45.0),
        ("c.ExecutePreprocessor.timeout = 60\nc.Execute.timeout = 45", 45.0),
        ("c.Execute.timeout = None", 7.0),
        ("c.Execute.timeout = -1", 7.0),
    ],
)
def test_the_seconds_for_a_cell_are_nbgrader_s_where_they_are_set(
    make_course: Callable[..., Course], settings: str, seconds: float
) -> None:
    course = configured(make_course().root, settings)
    limits = Limits(cell_seconds=7, memory=1 << 30)
    assert snapshot(course, "ps1", limits).limits == replace(limits, cell_seconds=seconds)


def test_an_unknown_assignment_is_told_with_those_that_are_known(course: Course) -> None:
    with pytest.raises(CourseError, match=r"no assignment 'ps2'; it knows ps1.*generate_assignment ps2"):
        snapshot(course, "ps2")


def test_a_course_without_a_gradebook_says_so_and_makes_none(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=r"no gradebook at .*generate_assignment"):
        snapshot(load(tmp_path), "ps1")
    assert list(tmp_path.iterdir()) == []


def test_a_gradebook_that_cannot_be_read_is_named_without_its_password(tmp_path: Path) -> None:
    course = load(tmp_path, db="postgresql+psycopg://someone:secret@127.0.0.1:1/grades")
    with pytest.raises(CourseError, match=r"127\.0\.0\.1:1/grades cannot be read") as failure:
        snapshot(course, "ps1")
    assert "secret" not in str(failure.value)


def test_only_python_is_graded(make_course: Callable[..., Course]) -> None:
    course = make_course()
    spec = json.dumps({"name": "ir", "language": "R", "display_name": "R"})
    change(course, "UPDATE notebook SET kernelspec = :spec WHERE name = 'other'", spec=spec)
    with pytest.raises(CourseError, match=r"only Python can be graded; notebook 'other' asks for .*'ir'"):
        snapshot(course, "ps1")


def test_a_snapshot_leaves_the_course_as_it_was(make_course: Callable[..., Course]) -> None:
    course = make_course()

    def dump() -> list[str]:
        with sqlite3.connect(course.root / "gradebook.db") as connection:
            lines = list(connection.iterdump())
        connection.close()
        return lines

    before = dump(), sorted(course.root.rglob("*"))
    snapshot(course, "ps1")
    assert (dump(), sorted(course.root.rglob("*"))) == before


def test_a_course_that_moved_is_read_where_it_is(make_course: Callable[..., Course], tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    shutil.move(make_course().root, moved)
    course = load(moved)
    assert course.root == moved
    assert snapshot(course, "ps1").name == "ps1"
