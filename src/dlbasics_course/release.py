"""From `solutions/` to `exercises/`: text becomes a notebook, and nbgrader makes the student's version of it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat

from dlbasics_course.assignment import Assignment, AssignmentError

STUDENTS_LACK = ("solutions", "tests", "src/dlbasics_course", "src/grader", ".ci", ".github", "Containerfile")
"""What is not handed out: solutions, banks, hidden tests, and the tools that read them."""
INSTRUCTORS_READ = ("What is where", "Grade a class", "Tests", "Speed")
"""Sections of the README that tell of what is not handed out."""


def nbgrader(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one of nbgrader's own commands, with the settings of `nbgrader_config.py` under ``root``.

    Returns:
        The finished command; nbgrader says what it did on stderr.
    """
    tools = str(Path(sys.executable).parent)  # nbgrader calls alembic by its name
    return subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=root,
        env=os.environ | {"PATH": os.pathsep.join([tools, os.environ.get("PATH", "")])},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def release(assignment: Assignment, root: Path) -> Path:
    """Write one assignment's student version by `nbgrader generate_assignment`.

    Args:
        assignment: as its author wrote it.
        root: the folder with `nbgrader_config.py`; its gradebook learns of the assignment, its cells and points.

    Returns:
        The released notebook.

    Raises:
        AssignmentError: nbgrader refused it; the message has its log.
    """
    source = root / "solutions" / assignment.name / f"{assignment.name}.ipynb"
    source.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(assignment.notebook, source)
    outcome = nbgrader(root, "generate_assignment", assignment.name, "--force")
    if outcome.returncode != 0:
        raise AssignmentError(f"nbgrader could not release {assignment.name}:\n{outcome.stdout}{outcome.stderr}")
    return root / "exercises" / assignment.name / f"{assignment.name}.ipynb"


def export(root: Path, destination: Path) -> list[str]:
    """Copy what students get: exercises, package with fingerprints, book; of the files that git knows or would add.

    Args:
        root: the project's root.
        destination: a folder that is made anew.

    Returns:
        The files, as paths from the root.

    Raises:
        AssignmentError: the destination has something in it that no export has put there; or git does not know the
            project, as after an unpacked download.
    """
    mark = destination / ".exported"
    if destination.exists() and any(destination.iterdir()) and not mark.exists():
        raise AssignmentError(f"{destination} is not empty, and was not made by this command: name another folder")
    kept = [file for file in _known_to_git(root) if not f"{file}/".startswith(tuple(f"{n}/" for n in STUDENTS_LACK))]
    if destination.exists():
        shutil.rmtree(destination)
    for file in kept:
        target = destination / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / file, target)
    for name, rewrite in (("README.md", _students_readme), ("pyproject.toml", _without_grade)):
        copy = destination / name
        copy.write_text(rewrite(copy.read_text(encoding="utf-8")), encoding="utf-8")
    mark.touch()
    return kept


def _known_to_git(root: Path) -> list[str]:
    """The files that git tracks or would add, as paths from the root."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listing = subprocess.run(command, cwd=root, capture_output=True, text=True, encoding="utf-8", check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise AssignmentError(
            f"git knows which files to hand out, and cannot say so of {root}: install git, or clone the repository "
            f"instead of unpacking a download ({error})"
        ) from error
    return [file for file in listing.stdout.split("\0") if file and (root / file).is_file()]


def _students_readme(text: str) -> str:
    """The README without the sections that are for instructors, and without the commands that are not handed out."""
    start, *sections = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    kept = [section for section in sections if section.partition("\n")[0].removeprefix("## ") not in INSTRUCTORS_READ]
    text = re.sub(r"^make test .*\n", "", "".join([start, *kept]), flags=re.MULTILINE)
    return re.sub(r"(?ms)(^For instructors there are| Instructors find) .*?```\n\n", "\n\n", text)


def _without_grade(text: str) -> str:
    """The project's settings without a command whose package is not handed out."""
    return text.replace('[project.scripts]\ngrade = "grader.__main__:main"\n\n', "")
