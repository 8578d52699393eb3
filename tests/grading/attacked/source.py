"""The tiny assignment that every attack is handed in for: ten points, five of them for `honest`."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

SETUP = """\
import math
import torch

torch.manual_seed(0)
"""
DOUBLE = """\
def double(x):
    ### BEGIN SOLUTION
    return 2 * x  # SECRET-SOLUTION
    ### END SOLUTION


def summary(x):
    ### BEGIN SOLUTION
    return {"mean": x.mean().item(), "shape": list(x.shape)}
    ### END SOLUTION
"""
TEST_DOUBLE = """\
assert torch.allclose(double(torch.tensor([1.0, -2.5])), torch.tensor([2.0, -5.0]))
"""
TEST_DOUBLE_HIDDEN = """\
# More tensors, and what they are summed up to
### BEGIN HIDDEN TESTS
# SECRET-HIDDEN-TEST
many = [double(torch.ones(n)) for n in range(1, 33)]
inputs = [torch.arange(1.0, 1 + math.prod(shape)).reshape(shape) for shape in [(3,), (2, 3), (1, 2, 4)]]
for answer, x in zip(map(double, inputs), inputs):
    assert torch.allclose(answer, 2 * x), "double(x) is twice x, whatever its shape"
assert summary(torch.tensor([[1.0, 2.0], [3.0, 6.0]])) == {"mean": 3.0, "shape": [2, 2]}
### END HIDDEN TESTS
"""
HONEST = """\
def honest(n):
    ### BEGIN SOLUTION
    return n * (n + 1) // 2
    ### END SOLUTION
"""
TEST_HONEST = """\
assert honest(4) == 10
### BEGIN HIDDEN TESTS
# SECRET-HIDDEN-TEST
assert [honest(n) for n in range(4)] == [0, 1, 3, 6]
### END HIDDEN TESTS
"""
# grade_id, source, points of a test; None for what students write, 0 for what they are given
CELLS = [
    ("setup", SETUP, 0),
    ("double", DOUBLE, None),
    ("test_double", TEST_DOUBLE, 2),
    ("test_double_hidden", TEST_DOUBLE_HIDDEN, 3),
    ("honest", HONEST, None),
    ("test_honest", TEST_HONEST, 5),
]


def source() -> nbformat.NotebookNode:
    """The instructor's notebook, before nbgrader makes the students' from it."""
    cells = [new_markdown_cell("`double(x)`: twice `x`. `summary(x)`: its mean and shape. `honest(n)`: 1 + 2 + … + n.")]
    for grade_id, text, points in CELLS:
        nbgrader = {
            "schema_version": 3,
            "grade_id": grade_id,
            "grade": bool(points),
            "solution": points is None,
            "locked": points is not None,
            "task": False,
        }
        if points:
            nbgrader["points"] = points
        cells.append(new_code_cell(text.rstrip("\n"), id=grade_id, metadata={"nbgrader": nbgrader}))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells[0].id = "task"
    return new_notebook(cells=cells, metadata={"kernelspec": kernel})


def write_source(folder: Path) -> None:
    """Write the instructor's notebook into a folder, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(source(), folder / "attacked.ipynb")
