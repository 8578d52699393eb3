"""Without a sandbox: only for who says so in full, with a warning, and with every result flagged."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import psutil
import pytest

from grader.course import Course
from grader.options import ALL, STUCK
from grader.preparing import prepare
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


@pytest.fixture
def course(make_course: Callable[..., Course]) -> Course:
    made = make_course()
    for student, answer in ANSWERS.items():
        folder = made.submitted(student, "ps1")
        folder.mkdir(parents=True)
        notebook = nbformat.read(made.root / "release" / "ps1" / "main.ipynb", as_version=4)
        notebook.cells[0].source = answer
        nbformat.write(notebook, folder / "main.ipynb")
    return made


def grade(course: Course, *arguments: str, path: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "grader", "ps1", "--workers", "0", "--json", *arguments]
    environment = os.environ | {"PATH": str(path)}
    return subprocess.run(command, cwd=course.root, capture_output=True, text=True, check=False, env=environment)


@pytest.fixture
def without_bubblewrap(tmp_path: Path) -> Path:
    """A folder of programs for PATH: nbgrader's, and no bubblewrap."""
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "alembic").symlink_to(Path(sys.executable).with_name("alembic"))
    assert shutil.which("bwrap", path=str(folder)) is None
    return folder


def test_nothing_is_graded_without_bubblewrap_unless_it_is_spelt_out(course: Course, without_bubblewrap: Path) -> None:
    for option in ([], ["--no-sand"], ["--no-sandbo"]):
        done = grade(course, *option, path=without_bubblewrap)
        assert (done.returncode, done.stdout) == (STUCK, "")
        assert "WARNING" not in done.stderr
    assert not list(course.root.glob("autograded/*"))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="nothing is graded on other systems than Linux")
def test_spelt_out_it_grades_with_a_warning_and_every_result_is_flagged(
    course: Course, without_bubblewrap: Path
) -> None:
    done = grade(course, "--no-sandbox", path=without_bubblewrap)
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
    assert not [one for one in psutil.process_iter(["cmdline"]) if one.info["cmdline"] == ["sleep", "3141"]]


@needs_walls
def test_what_was_graded_without_a_sandbox_is_graded_again_with_one(course: Course) -> None:
    assert prepare(course, "ps1").digest != prepare(course, "ps1", unprotected=True).digest
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    flags = []
    for options in (["--no-sandbox"], []):
        done = grade(course, "--students", "right", *options, path=path)
        assert done.returncode == ALL, done.stderr
        flags += [row["flags"] for row in json.loads(done.stdout)]
    assert flags == [["unprotected"], []]
