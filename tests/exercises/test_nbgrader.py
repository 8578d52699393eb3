"""From release to marks by nbgrader's own commands, in a course of its own: four students who differ."""

import csv
import json
import re
import shutil
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import nbformat
import pytest
from jupyter_core.utils import run_sync

from coursework import kept_back, submission
from dlbasics_course.assignment import Assignment
from dlbasics_course.release import nbgrader, release
from grader.course import load
from grader.grading import Grading
from grader.pair import Pair
from grader.preparing import Sandbox
from grader.records import Limits, Walls
from grader.sandbox import ForkServer
from grading.rows import grade, rows
from grading.walls import needs_walls

CRASH = "x = 1 / 0\n"
NO_PYTHON = "def broken(:\n    return\n"


@dataclass
class Graded:
    """What came back of a course in which four students handed in one assignment; and of it, a gradebook without them.

    `root` is the course's folder, `untouched` the address of that gradebook.
    """

    scores: dict[str, float]
    feedback: dict[str, str]
    root: Path
    untouched: str


@pytest.fixture(scope="module")
def graded(assignment: Assignment, root: Path) -> Graded:
    released = nbformat.read(release(assignment, root), as_version=4)
    students = {
        "perfect": lambda cell, step: cell.source,
        "empty": lambda cell, step: None,
        "half": lambda cell, step: cell.source if step % 2 else None,
        "crashing": lambda cell, step: {0: CRASH, 1: NO_PYTHON}.get(step, cell.source),
    }
    for student, write in students.items():
        folder = root / ".nbgrader" / "submitted" / student / assignment.name
        folder.mkdir(parents=True)
        nbformat.write(submission(assignment, released, write), folder / f"{assignment.name}.ipynb")
    untouched = root / ".nbgrader" / f"untouched-{assignment.name}.db"
    shutil.copy(root / ".nbgrader" / "gradebook.db", untouched)
    marks = root / "marks.csv"
    for command in (
        ["autograde", assignment.name],
        ["generate_feedback", assignment.name],
        ["export", f"--to={marks}"],
    ):
        outcome = nbgrader(root, *command)
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    with marks.open(encoding="utf-8") as table:
        found = [row for row in csv.DictReader(table) if row["assignment"] == assignment.name]
    scores = {row["student_id"]: float(row["score"]) for row in found}
    feedback = {
        student: (root / ".nbgrader" / "feedback" / student / assignment.name / f"{assignment.name}.html").read_text(
            "utf-8"
        )
        for student in students
    }
    return Graded(scores, feedback, root, f"sqlite:///{untouched}")


def test_an_assignment_has_a_hundred_points(assignment: Assignment) -> None:
    assert sum(step.points for step in assignment.steps) == 100


def test_the_scores_are_what_the_work_deserves(assignment: Assignment, graded: Graded) -> None:
    points = [step.points for step in assignment.steps]
    assert graded.scores == {
        "perfect": 100,
        "empty": 0,
        "half": sum(points[1::2]),
        "crashing": 100 - points[0] - points[1],
    }


@needs_walls
def test_behind_walls_every_cell_gets_the_same_marks(assignment: Assignment, graded: Graded) -> None:
    done = grade(graded.root, assignment.name, "--db", graded.untouched, "--workers", "0", "--json")
    assert done.returncode == 0, done.stderr
    stock = rows(f"sqlite:///{graded.root}/.nbgrader/gradebook.db", assignment.name)
    assert {student for student, _, _ in stock} == set(graded.scores)
    assert rows(graded.untouched, assignment.name) == stock
    assert {row["student"]: (row["score"], row["problem"]) for row in json.loads(done.stdout)} == {
        student: (score, None) for student, score in graded.scores.items()
    }


@needs_walls
def test_the_images_are_loaded_once_for_all_kernels(root: Path, tmp_path: Path) -> None:
    settings = Sandbox(config=load(root).config)
    walls = Walls(
        modules=("dlbasics",),
        prepare=tuple(settings.prepare),
        read_only=tuple(settings.read_only),
        environment=tuple(settings.environment.items()),
    )

    async def loaded(server: ForkServer) -> str:
        async with Pair(Grading(server, Limits(), tmp_path), tmp_path) as pair:
            return str(await pair.quietly("student", "from dlbasics import data", 60, value="len(data._ahead)"))

    with ForkServer(walls) as server:
        assert run_sync(loaded)(server) == "1"


def words(html: str) -> str:
    """The text of a page, blanks apart."""
    return re.sub(r"\s+", "", unescape(re.sub(r"<[^>]+>", "", html)))


def test_feedback_shows_the_checks_words(graded: Graded) -> None:
    assert words("replace the line `raise NotImplementedError()`") in words(graded.feedback["empty"])
    assert words("is not defined") in words(graded.feedback["crashing"])


def test_feedback_shows_no_hidden_test(assignment: Assignment, graded: Graded) -> None:
    solved = kept_back(assignment, "SOLUTION")  # a line of a hidden test may stand in a perfect answer, too
    hidden = [line for line in kept_back(assignment, "HIDDEN TESTS") if line not in solved]
    assert len(hidden) > 20
    for student, page in graded.feedback.items():
        shown = words(page)
        assert (student, [line for line in hidden if words(line) in shown]) == (student, [])
