"""A sample class for `make grade`: four students hand in the three assignments, one of them to get points for nothing.

It makes the gradebook know the assignments first, and leaves alone what lies in `.nbgrader/submitted` already.
"""

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


def hand_in(root: Path) -> None:
    """Write what is missing of the sample below a course's `.nbgrader/submitted`."""
    for name, assignment in tqdm(ASSIGNMENTS.items(), desc="handing in", unit="assignment"):
        released = nbformat.read(release(assignment, root), as_version=4)
        for student, write in STUDENTS.items():
            folder = root / ".nbgrader" / "submitted" / student / name
            if not folder.exists():
                folder.mkdir(parents=True)
                nbformat.write(submission(assignment, released, write), folder / f"{name}.ipynb")


if __name__ == "__main__":
    hand_in(Path(__file__).resolve().parents[1])
