"""From `solutions/` to `exercises/`: text becomes a notebook, and nbgrader makes the student's version of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat

from dlbasics_course.assignment import Assignment, AssignmentError

STUDENTS_LACK = ("solutions", "tests", "src/dlbasics_course", "src/grader", ".ci", ".github")
"""What is not handed out: solutions, banks, hidden tests, and the tools that read them."""


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
        AssignmentError: the destination has something in it that no export has put there.
    """
    mark = destination / ".exported"
    if destination.exists() and any(destination.iterdir()) and not mark.exists():
        raise AssignmentError(f"{destination} is not empty, and was not made by this command: name another folder")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=root,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    ).stdout.split("\0")
    kept = [file for file in listed if file and not file.startswith(tuple(f"{name}/" for name in STUDENTS_LACK))]
    if destination.exists():
        shutil.rmtree(destination)
    for file in kept:
        target = destination / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / file, target)
    mark.touch()
    return kept
