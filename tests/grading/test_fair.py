"""Honest work gets what stock nbgrader gives it, cell by cell: nbgrader's own example assignment."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from grading.rows import grade, rows
from grading.walls import needs_walls

pytestmark = needs_walls


def solved(name: str) -> Callable[[str], str]:
    """A source cell as a kind of student hands it in."""

    def solve(source: str) -> str:
        body = re.search(r"### BEGIN SOLUTION\n(.*?)\s*### END SOLUTION", source, re.DOTALL)
        if body is None:
            return source
        return {
            "perfect": source,
            "partial": source if "squares" not in source or "sum" in source else source.replace("if n < 1", "if n < 0"),
            "crashing": "def broken(:\n",
            "printing": 'print("a line of the student\'s")\n' + source,
        }[name]

    return solve


@pytest.fixture(scope="module")
def course(tmp_path_factory, nbgrader) -> Path:
    """The course that `nbgrader quickstart` makes, graded by nbgrader itself; the gradebook before lies beside it."""
    root = tmp_path_factory.mktemp("quickstart") / "demo"
    root.parent.chmod(0o755)
    nbgrader(root.parent, "quickstart", "demo")
    nbgrader(root, "generate_assignment", "ps1")
    for source in sorted((root / "source" / "ps1").glob("*.ipynb")):
        for student in ("perfect", "partial", "crashing", "printing", "empty"):
            folder = root / "submitted" / student / "ps1"
            folder.mkdir(parents=True, exist_ok=True)
            if student == "empty":
                shutil.copy(root / "release" / "ps1" / source.name, folder)
                continue
            notebook = nbformat.read(source, as_version=4)
            released = {
                cell.metadata.get("nbgrader", {}).get("grade_id"): cell
                for cell in nbformat.read(root / "release" / "ps1" / source.name, as_version=4).cells
            }
            for cell in notebook.cells:
                flags = cell.metadata.get("nbgrader", {})
                if flags.get("locked"):
                    cell.source = released[flags["grade_id"]].source
                elif flags.get("solution") and cell.cell_type == "code":
                    cell.source = solved(student)(cell.source)
            nbformat.write(notebook, folder / source.name)
        for extra in (root / "release" / "ps1").iterdir():
            if extra.suffix != ".ipynb":
                for student in (root / "submitted").iterdir():
                    shutil.copy(extra, student / "ps1")
    shutil.copy(root / "gradebook.db", root / "ours.db")
    nbgrader(root, "autograde", "ps1")
    return root


def test_nbgraders_own_example_gets_the_same_marks(course):
    done = grade(course, "ps1", "--db", f"sqlite:///{course}/ours.db", "--workers", "0")
    assert done.returncode == 0, done.stderr
    stock = rows(f"sqlite:///{course}/gradebook.db", "ps1")
    assert rows(f"sqlite:///{course}/ours.db", "ps1") == stock
    scores = {
        student: sum(score or 0 for (s, _, _), (score, _, _) in stock.items() if s == student)
        for student, _, _ in stock
    }
    assert scores["perfect"] > scores["partial"] > scores["empty"]


def test_a_notebook_that_cannot_be_read_costs_only_its_own_marks_and_the_instructor_is_told(course):
    shutil.copy(course / "ours.db", course / "unreadable.db")
    folder = course / "submitted" / "unreadable" / "ps1"
    shutil.copytree(course / "submitted" / "perfect" / "ps1", folder)
    (folder / "problem1.ipynb").write_text("<html>")
    database = f"sqlite:///{course}/unreadable.db"
    done = grade(course, "ps1", "--db", database, "--workers", "0", "--students", "unreadable", "--json")
    assert done.returncode == 0, done.stderr
    assert "unreadable: left out: 'problem1.ipynb' is not JSON in UTF-8" in done.stderr
    assert [row["flags"] for row in json.loads(done.stdout)] == [["unreadable"]]

    def marks(database: str, student: str) -> dict[tuple[str, str], float]:
        found = rows(f"sqlite:///{course}/{database}", "ps1").items()
        return {(notebook, cell): score or 0 for (who, notebook, cell), (score, _, _) in found if who == student}

    perfect = marks("gradebook.db", "perfect")
    kept = {key: score if key[0] != "problem1" else 0 for key, score in perfect.items()}
    assert kept != perfect
    assert marks("unreadable.db", "unreadable") == kept
