"""What a gradebook holds of an assignment, cell by cell, so that two can be compared."""

import os
import subprocess
import sys
from pathlib import Path

from nbgrader.api import Gradebook

Rows = dict[tuple[str, str, str], tuple[float | None, float, bool]]


def rows(db_url: str, assignment: str) -> Rows:
    """By student, notebook and cell: the automatic score, the most there is to get, and whether a person must look."""
    found = {}
    with Gradebook(db_url) as gradebook:
        for submission in gradebook.assignment_submissions(assignment):
            for notebook in submission.notebooks:
                for grade in notebook.grades:
                    key = (submission.student_id, notebook.name, grade.name)
                    found[key] = (grade.auto_score, grade.max_score, bool(grade.needs_manual_grade))
    return found


def environment() -> dict[str, str]:
    """This process's, with the programs beside this Python in reach: nbgrader looks there for alembic."""
    return os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def grade(course: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a course's folder."""
    command = [sys.executable, "-m", "grader", *arguments]
    return subprocess.run(command, cwd=course, capture_output=True, text=True, check=False, env=environment())
