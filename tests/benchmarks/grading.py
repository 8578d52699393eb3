"""Grading a class: `grade` against stock `nbgrader autograde`, the same submissions of a torch assignment in one run.

The floor of both is the time of the students' and the tests' own cells, one after the other in one process that has
imported everything before. What a grader takes beyond it is its overhead.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from IPython.core.interactiveshell import InteractiveShell
from tqdm import tqdm

from dlbasics_course.release import release
from grader.course import Course, load
from grader.intake import collect
from grader.job import grade_one
from grader.preparing import prepare
from grader.selftest import close_servers

PROJECT = Path(__file__).parents[2]
sys.path.insert(0, str(PROJECT / "tests"))
from coursework import ASSIGNMENTS, submission  # noqa: E402

KINDS = [
    lambda cell, step: cell.source,
    lambda cell, step: cell.source if step % 2 else None,
    lambda cell, step: None,
]


def hand_in(root: Path, name: str, number: int) -> None:
    """Make a course in which a class has handed in: a third of it all that was asked, a third half, a third nothing."""
    shutil.copy(PROJECT / "nbgrader_config.py", root)
    released = nbformat.read(release(ASSIGNMENTS[name], root), as_version=4)
    kinds = [submission(ASSIGNMENTS[name], released, write) for write in KINDS]
    for i in range(number):
        folder = root / ".nbgrader" / "submitted" / f"student-{i:05d}" / name
        folder.mkdir(parents=True)
        nbformat.write(kinds[i % len(kinds)], folder / f"{name}.ipynb")


def seconds_of(root: Path, *command: str) -> float:
    """Wall time of a command in the course's folder, which must succeed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # nbgrader looks there for alembic
    environment = os.environ | {"PATH": path, "OMP_NUM_THREADS": "1"}
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", *command], cwd=root, env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def seconds_of_cells(graded: Path) -> float:
    """Wall time of the cells of graded notebooks, hidden tests among them; the first notebook is run once to warm."""
    shell = InteractiveShell.instance()
    shell.showtraceback = lambda *_, **__: None
    paths = sorted(graded.glob("*/*/*.ipynb"))
    seconds = []
    for path in tqdm([paths[0], *paths], desc="cells alone", unit="submission"):
        cells = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
        shell.reset(new_session=False)
        began = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            for cell in cells:
                shell.run_cell(cell)
        seconds.append(time.perf_counter() - began)
    return sum(seconds[1:])


def phases(course: Course, name: str, number: int) -> dict[str, float]:
    """Where the time of a submission goes in a worker, in mean seconds over a few graded in this process."""
    assignment = prepare(course, name)
    folder = Path(course.directory.format_path(course.directory.submitted_directory, ".", "."))
    submissions = list(collect(folder, name, expected=sorted(assignment.cells)))[: number + 1]
    found = [grade_one(assignment, one).seconds for one in submissions][1:]  # the first waits for the fork server
    close_servers()
    mean = {phase: statistics.mean(seconds[phase] for seconds in found) for phase in found[0]}
    return {
        "two kernels started": mean["kernels"],
        "cells, asked and answered between the kernels": mean["cells"] - mean["kernels"],
        "nbgrader's converters": mean["autograde"] - mean["cells"],
        "the student's page": mean["all"] - mean["autograde"],
    }


def main() -> None:
    """Grade a class twice and print two tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--submissions", type=int, default=100, help="how many (default: 100)")
    parser.add_argument("--assignment", default="backprop", choices=sorted(ASSIGNMENTS))
    parser.add_argument("--workers", type=int, default=2, help="processes of `grade` (default: 2)")
    options = parser.parse_args()
    name, number, workers = options.assignment, options.submissions, options.workers
    with TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o755)  # the sandbox's user must be able to pass
        hand_in(root, name, number)
        shutil.copy(root / ".nbgrader" / "gradebook.db", root / "ours.db")
        ours = seconds_of(root, "grader", name, f"--workers={workers}", "--no-feedback", "--db=sqlite:///ours.db")
        shutil.rmtree(root / ".nbgrader" / "autograded")
        stock = seconds_of(root, "nbgrader", "autograde", name)
        cells = seconds_of_cells(root / ".nbgrader" / "autograded")
        spent = phases(load(root), name, 10)
    rows = {
        "`nbgrader autograde`": (stock, stock - cells),
        f"`grade --workers {workers}`": (ours, ours - cells / workers),
    }
    print(f"| {number} submissions of {name} | seconds | a minute | overhead each |\n| --- | ---: | ---: | ---: |")
    for which, (seconds, overhead) in rows.items():
        print(f"| {which} | {seconds:.0f} | {60 * number / seconds:.1f} | {overhead / number:.2f} s |")
    print(f"| ratio | | **{stock / ours:.1f}** | **{(stock - cells) / (ours - cells / workers):.1f}** |")
    print(f"\nCells alone: {cells / number:.2f} s each, which {workers} workers share. {os.cpu_count()} cores.\n")
    print("| a submission in one worker | seconds |\n| --- | ---: |")
    for phase, seconds in spent.items():
        print(f"| {phase} | {seconds:.2f} |")


if __name__ == "__main__":
    main()
