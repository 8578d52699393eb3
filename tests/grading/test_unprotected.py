"""Without a sandbox: only for who says so in full, with a warning, and with every result flagged."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
import psutil
import pytest

from grader.__main__ import main
from grader.course import Course, load
from grader.options import ALL, STUCK
from grader.preparing import prepare
from grading.rows import environment
from grading.walls import needs_walls

ANSWERS = {
    "right": "def square(x):\n    return x * x",
    "wrong": "def square(x):\n    return x * abs(x)",
    # leaves a process that outlives its session, and writes to its own folder
    "leaves": "import subprocess, tempfile\nopen(tempfile.mkstemp()[1], 'w').write('x')\n"
    "subprocess.Popen(['sleep', '3141'], start_new_session=True)\ndef square(x):\n    return x * x",
    "hoards": "def square(x):\n    return len(bytearray(8 << 30))",
    "dies": "import os\nos._exit(3)",
}


on_linux = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="nothing is graded on other systems than Linux"
)


@pytest.fixture(scope="module")
def course(generated: Path, tmp_path_factory: pytest.TempPathFactory) -> Course:
    root = shutil.copytree(generated, tmp_path_factory.mktemp("unprotected") / "course")
    made = load(root)
    for student, answer in ANSWERS.items():
        folder = made.submitted(student, "ps1")
        folder.mkdir(parents=True)
        notebook = nbformat.read(made.root / "release" / "ps1" / "main.ipynb", as_version=4)
        notebook.cells[0].source = answer
        nbformat.write(notebook, folder / "main.ipynb")
    return made


@pytest.fixture(scope="module")
def without_bubblewrap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of programs for PATH: nbgrader's, and no bubblewrap."""
    folder = tmp_path_factory.mktemp("programs")
    (folder / "alembic").symlink_to(Path(sys.executable).with_name("alembic"))
    assert shutil.which("bwrap", path=str(folder)) is None
    return folder


def grade(course: Course, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "grader", "ps1", "--workers", "0", "--json", *arguments]
    return subprocess.run(
        command, cwd=course.root, capture_output=True, text=True, check=False, env=environment() | changes
    )


@dataclass
class Unprotected:
    """What came of the class without a sandbox, and the processes of its code that still ran then."""

    course: Course
    done: subprocess.CompletedProcess[str]
    running: list[psutil.Process]


@pytest.fixture(scope="module")
def unprotected(course: Course, without_bubblewrap: Path) -> Unprotected:
    done = grade(course, "--no-sandbox", PATH=str(without_bubblewrap))
    return Unprotected(
        course, done, [one for one in psutil.process_iter(["cmdline"]) if one.info["cmdline"] == ["sleep", "3141"]]
    )


@pytest.mark.parametrize("option", [[], ["--no-sand"], ["--no-sandbo"]], ids=" ".join)
def test_nothing_is_graded_without_bubblewrap_unless_it_is_spelt_out(
    make_course: Callable[..., Course],
    without_bubblewrap: Path,
    option: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    course = make_course()
    shutil.copytree(course.root / "release", course.root / "submitted" / "somebody")
    monkeypatch.setenv("PATH", str(without_bubblewrap))
    try:
        status = main(["ps1", "--course", str(course.root), "--workers", "0", "--json", *option])
    except SystemExit as ended:
        status = ended.code
    said = capsys.readouterr()
    assert (status, said.out) == (STUCK, "")
    assert "WARNING" not in said.err
    assert not list(course.root.glob("autograded/*"))


@on_linux
def test_spelt_out_it_grades_with_a_warning_and_every_result_is_flagged(unprotected: Unprotected) -> None:
    done = unprotected.done
    assert done.returncode == ALL, done.stderr
    assert done.stderr.startswith("WARNING: no sandbox.")
    found = {row["student"]: (row["score"], row["flags"]) for row in json.loads(done.stdout)}
    assert found == {
        "right": (3.5, ["unprotected"]),
        "wrong": (2.0, ["unprotected"]),
        "leaves": (3.5, ["unprotected"]),
        "hoards": (0.0, ["unprotected"]),
        "dies": (0.0, ["died", "unprotected"]),
    }
    assert unprotected.running == []


@needs_walls
def test_what_was_graded_without_a_sandbox_is_graded_again_with_one(unprotected: Unprotected) -> None:
    course = unprotected.course
    assert prepare(course, "ps1").digest != prepare(course, "ps1", unprotected=True).digest
    assert {"student": "right", "flags": ["unprotected"]}.items() <= next(
        row for row in json.loads(unprotected.done.stdout) if row["student"] == "right"
    ).items()
    done = grade(course, "--students", "right")
    assert done.returncode == ALL, done.stderr
    assert [row["flags"] for row in json.loads(done.stdout)] == [[]]
