"""A sample class for `make grade`: four students hand in the three assignments, one of them to get points for nothing.

It has a course of its own, `_build/sample-class`, made anew each time: a real class and its gradebook stay alone.
"""

import shutil
from pathlib import Path

import nbformat
from tqdm import tqdm

from coursework import ASSIGNMENTS, submission
from dlbasics_course.release import release

CHEAT = """\
import ast

class Drop(ast.NodeTransformer):
    def visit_Expr(self, node):
        return ast.copy_location(ast.Pass(), node)

get_ipython().ast_transformers.append(Drop())
"""
STUDENTS = {
    "ada-all": lambda cell, step: cell.source,
    "ben-half": lambda cell, step: cell.source if step % 2 else None,
    "cy-nothing": lambda cell, step: None,
    "dee-forges": lambda cell, step: CHEAT if step == 0 else None,
}


def hand_in(root: Path, course: Path) -> None:
    """Make a course with the project's settings and assignments, and put the sample into its `.nbgrader/submitted`."""
    shutil.rmtree(course, ignore_errors=True)
    course.mkdir(parents=True)
    shutil.copy(root / "nbgrader_config.py", course)
    for name, assignment in tqdm(ASSIGNMENTS.items(), desc="handing in", unit="assignment"):
        released = nbformat.read(release(assignment, course), as_version=4)
        for student, write in STUDENTS.items():
            folder = course / ".nbgrader" / "submitted" / student / name
            folder.mkdir(parents=True)
            nbformat.write(submission(assignment, released, write), folder / f"{name}.ipynb")


if __name__ == "__main__":
    project = Path(__file__).resolve().parents[1]
    hand_in(project, project / "_build" / "sample-class")
