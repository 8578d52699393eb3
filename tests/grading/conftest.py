"""A little course that nbgrader itself generated, in SQLite and in a real PostgreSQL server of the tests' own."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import nbformat
import psycopg
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.api import Gradebook

from grader.course import Course, load
from grading.rows import environment
from grading.small import SmallCourse

ASSIGNMENT = "ps1"
CONFIG = """c = get_config()
c.CourseDirectory.course_id = "demo"
c.LateSubmissionPlugin.penalty_method = "zero"
c.Execute.timeout = 20
"""


def run(root: Path, *arguments: str) -> str:
    """Run one of nbgrader's own commands in a course; what it said comes back."""
    command = [sys.executable, "-m", "nbgrader", *arguments]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=300, env=environment())
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="session")
def nbgrader() -> Callable[..., str]:
    """Runs one of nbgrader's own commands in a course's folder."""
    return run


def _cell(cell: Any, name: str, points: float | None = None, **flags: bool) -> Any:
    meta = {"grade_id": name, "schema_version": 3, "grade": False, "solution": False, "locked": False, "task": False}
    cell.metadata["nbgrader"] = meta | flags | ({} if points is None else {"points": points})
    return cell


def notebook() -> Any:
    """Two tested cells (one hides a test), one that a person grades, and a task."""
    solution = "def square(x):\n    ### BEGIN SOLUTION\n    return x * x\n    ### END SOLUTION"
    hidden = "assert square(3) == 9\n### BEGIN HIDDEN TESTS\nassert square(-2) == 4\n### END HIDDEN TESTS"
    cells = [
        _cell(new_code_cell(solution), "square", solution=True),
        _cell(new_code_cell("assert square(1) == 1"), "test_one", 2, grade=True, locked=True),
        _cell(new_code_cell(hidden), "test_more", 1.5, grade=True, locked=True),
        _cell(new_markdown_cell("Why?"), "why", 3, grade=True, solution=True),
        _cell(new_markdown_cell("Draw a picture below."), "draw", 2, task=True, locked=True),
    ]
    made = new_notebook(cells=cells)
    made.metadata["kernelspec"] = {"name": "python3", "language": "python", "display_name": "Python 3"}
    return made


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course whose assignment has two notebooks and a file; nobody has handed in anything."""
    root = tmp_path_factory.mktemp("course")
    (root / "nbgrader_config.py").write_text(CONFIG)
    source = root / "source" / ASSIGNMENT
    source.mkdir(parents=True)
    for name in ("main", "other"):
        nbformat.write(notebook(), source / f"{name}.ipynb")
    (source / "numbers.csv").write_text("1,2\n")
    (source / "__pycache__").mkdir()
    (source / "__pycache__" / "old.pyc").write_bytes(b"old")
    run(root, "generate_assignment", ASSIGNMENT)
    set_due_date(f"sqlite:///{root}/gradebook.db")
    return root


def set_due_date(db_url: str) -> None:
    """As `nbgrader db assignment add` does, without another start of nbgrader."""
    with Gradebook(db_url, "demo") as gradebook:
        gradebook.update_or_create_assignment(ASSIGNMENT, duedate="2026-01-01 12:00:00 UTC")


@pytest.fixture(scope="session")
def stock(generated: Path, tmp_path_factory: pytest.TempPathFactory) -> Course:
    """The course after stock nbgrader graded Ada: late, one of two notebooks, one test failed, one answer in words."""
    root = tmp_path_factory.mktemp("stock") / "course"
    shutil.copytree(generated, root)
    handed_in = root / "submitted" / "ada" / ASSIGNMENT
    handed_in.mkdir(parents=True)
    answer = nbformat.read(root / "release" / ASSIGNMENT / "main.ipynb", as_version=4)
    answer.cells[0].source = "def square(x):\n    return x * abs(x)"
    answer.cells[3].source = "Because."
    nbformat.write(answer, handed_in / "main.ipynb")
    (handed_in / "timestamp.txt").write_text("2026-01-01 12:00:30 UTC")
    (handed_in / "notes.txt").write_text("mine")
    run(root, "autograde", ASSIGNMENT)
    run(root, "generate_feedback", ASSIGNMENT)
    return load(root)


@dataclass
class Postgres:
    """A server on a socket in its own folder; ``copies`` are databases with the generated course in them."""

    folder: Path
    binaries: Path
    names: Iterator[int]

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def control(self, *arguments: str) -> None:
        data = str(self.folder / "data")
        self.run("pg_ctl", "-D", data, "-w", *arguments)

    def start(self) -> None:
        self.control("-l", str(self.folder / "log"), "-o", f"-k {self.folder} -c listen_addresses=''", "start")

    def stop(self) -> None:
        """As if the power failed, for its clients."""
        self.control("-m", "immediate", "stop")

    def run(self, program: str, *arguments: str) -> None:
        # A server refuses to be root's. Its output goes nowhere: the server would keep a pipe open.
        other = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        command = [*other, str(self.binaries / program), *arguments]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(command, check=True, cwd="/", timeout=60, **quiet)  # type: ignore[call-overload]

    def copy(self) -> str:
        return self.create(f"copy{next(self.names)}", "TEMPLATE generated")

    def empty(self) -> str:
        return self.create(f"empty{next(self.names)}")

    def create(self, name: str, how: str = "") -> str:
        with psycopg.connect(f"host={self.folder} user=postgres dbname=postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} {how}")
        return self.url(name)


@pytest.fixture(scope="session")
def postgres(generated: Path) -> Iterator[Postgres]:
    """A real server with the generated course, or a reported skip."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("no PostgreSQL server below /usr/lib/postgresql: `apt-get install postgresql`")
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))  # short, as a socket's path must be, and not below root's
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    server = Postgres(folder, found[-1].parent, count())
    try:
        server.run("initdb", "-D", str(folder / "data"), "-A", "trust", "-U", "postgres", "--no-sync")
        server.start()
        try:
            address = server.create("generated")
            run(generated, "generate_assignment", ASSIGNMENT, "--force", f"--CourseDirectory.db_url={address}")
            set_due_date(address)
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def make_course(generated: Path, tmp_path: Path) -> Callable[..., Course]:
    """Copies of the generated course; ``db`` names another gradebook than the copy's own."""
    names = count()

    def make(db: str | None = None) -> Course:
        root = tmp_path / f"course{next(names)}"
        shutil.copytree(generated, root)
        return load(root, db=db)

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def course(request: pytest.FixtureRequest, make_course: Callable[..., Course]) -> Course:
    """A fresh course, with the gradebook in either database."""
    return make_course(request.getfixturevalue("postgres").copy() if request.param == "postgresql" else None)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallCourse:
    """A small course with its assignment released; nobody has handed in anything. Work on copies."""
    root = tmp_path_factory.mktemp("small")
    (root / "nbgrader_config.py").write_text('c = get_config()\nc.CourseDirectory.course_id = "demo"\n')
    course = SmallCourse(root, f"sqlite:///{root}/gradebook.db")
    course.generate()
    return course
