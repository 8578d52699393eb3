"""A small course that grades in no time: a notebook of plain Python, and as many students as wanted, of three kinds."""

import contextlib
import io
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.exc import DatabaseError

from grader.__main__ import main
from grading.rows import Rows, environment, rows

NAME = "sums"
ANSWERS = {"perfect": "return sum(numbers)", "partial": "return numbers[0] + numbers[1]", "crashing": "return ("}
MARKS = {"perfect": (2, 3), "partial": (2, 0), "crashing": (0, 0)}  # of the test in sight, and of the hidden one
KINDS = list(MARKS)

SOLUTION = "def total(numbers):\n    ### BEGIN SOLUTION\n    return sum(numbers)\n    ### END SOLUTION"
TEST = "assert total([1, 2]) == 3"
HIDDEN = "### BEGIN HIDDEN TESTS\nassert total([1, 2, 4]) == 7\n### END HIDDEN TESTS"


def notebook(hidden: str = HIDDEN) -> nbformat.NotebookNode:
    """The instructor's: what students write, two tests, and a question for a person to read."""

    def meta(name: str, **flags: Any) -> dict[str, Any]:
        plain = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3}
        return {"nbgrader": plain | {"grade_id": name} | flags}

    cells = [
        new_code_cell(SOLUTION, id="total", metadata=meta("total", solution=True)),
        new_code_cell(TEST, id="seen", metadata=meta("seen", grade=True, locked=True, points=2)),
        new_code_cell(hidden, id="hidden", metadata=meta("hidden", grade=True, locked=True, points=3)),
        new_markdown_cell("Why?", id="why", metadata=meta("why", grade=True, solution=True, points=1)),
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel})


class Done(NamedTuple):
    """What came of the command."""

    status: int
    out: str
    err: str


@dataclass(frozen=True)
class SmallCourse:
    """A course's folder, and the address of its gradebook."""

    root: Path
    db: str

    def generate(self, hidden: str = HIDDEN) -> None:
        """Write the assignment and have nbgrader release it, whether it has before or not."""
        folder = self.root / "source" / NAME
        folder.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook(hidden), folder / "sums.ipynb")
        command = [sys.executable, "-m", "nbgrader", "generate_assignment", NAME, "--force"]
        command.append(f"--CourseDirectory.db_url={self.db}")
        done = subprocess.run(command, cwd=self.root, env=environment(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def hand_in(self, student: str, kind: str, *, to: Path | None = None, slow: float = 0) -> Path:
        """Write a student's notebook, into nbgrader's folder or another; it may take some seconds to run."""
        folder = to or self.root / "submitted" / student / NAME
        folder.mkdir(parents=True, exist_ok=True)
        made = deepcopy(nbformat.read(self.root / "release" / NAME / "sums.ipynb", as_version=4))
        wait = f"import time\ntime.sleep({slow})\n" if slow else ""
        made.cells[0].source = f"{wait}def total(numbers):\n    {ANSWERS[kind]}"
        made.cells[-1].source = "Because."
        nbformat.write(made, folder / "sums.ipynb")
        return folder / "sums.ipynb"

    def hand_in_all(self, count: int, *, slow: float = 0) -> dict[str, str]:
        """A class of that many, of all kinds in turn; who is of what kind."""
        kinds = {f"s{number:02}": KINDS[number % len(KINDS)] for number in range(count)}
        for student, kind in kinds.items():
            self.hand_in(student, kind, slow=slow)
        return kinds

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """The command as a process of its own, in a group of its own, not waited for."""
        command = [sys.executable, "-m", "grader", NAME, "--course", str(self.root), "--db", self.db, *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command,
            stdout=pipe,
            stderr=pipe,
            text=True,
            env=environment(),
            start_new_session=True,
            # as in a terminal, even where whoever runs the tests ignores Ctrl-C, as a shell's background jobs do
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def grade(self, *arguments: str, name: str = NAME) -> Done:
        """The command in this process, which has imported all that it needs."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main([name, "--course", str(self.root), "--db", self.db, "--workers", "0", *arguments])
        return Done(status, out.getvalue(), err.getvalue())

    def told(self, *arguments: str, status: int = 0) -> dict[str, dict[str, Any]]:
        """The command's JSON, by student."""
        done = self.grade("--json", *arguments)
        assert done.status == status, done.err
        return {row["student"]: row for row in json.loads(done.out)}

    def marks(self) -> Rows:
        """What the gradebook holds."""
        return rows(self.db, NAME)

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Read from the gradebook's database."""
        engine = create_engine(self.db, poolclass=NullPool)
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(statement))]

    def graded(self) -> dict[str, str]:
        """By student, when the ledger says they were graded."""
        return dict(self.query("SELECT student, graded FROM grader_ledger"))  # type: ignore[arg-type]

    def graded_so_far(self) -> dict[str, str]:
        """The same, where the ledger may not have been made yet."""
        try:
            return self.graded()
        except DatabaseError:
            return {}

    def copy(self, root: Path) -> "SmallCourse":
        """The same with an SQLite gradebook in another folder."""
        shutil.copytree(self.root, root)
        return SmallCourse(root, f"sqlite:///{root}/gradebook.db")


def deserved(kinds: Mapping[str, str]) -> Rows:
    """What the gradebook should hold of students of these kinds."""
    return {
        (student, "sums", cell): found
        for student, kind in kinds.items()
        for cell, found in {
            "seen": (MARKS[kind][0], 2, False),
            "hidden": (MARKS[kind][1], 3, False),
            "why": (None, 1, True),
        }.items()
    }


def wait_for(what: Callable[[], bool], seconds: float = 90) -> None:
    """Wait until something is so, which must come."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)
