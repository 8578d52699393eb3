"""Grading a very large class, by simulation: is the cost of a submission flat, and memory bounded?

Real: the command, its intake, what it writes into the gradebook and the folders. Sampled: what a worker answers, which
is one of a few real results, under each student's name; workers are alike, so their part only adds up.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import io
import itertools
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from grader import executors
from grader.__main__ import main as command
from grader.job import grade_one
from grader.options import ALL
from grader.records import Assignment, Result, Submission
from grading import KINDS, hand_in

NAME = "backprop"


class Sampled:
    """A worker that grades the first few, and answers with these for all others."""

    def __init__(self) -> None:
        self.results: list[Result] = []
        self.turns = itertools.cycle(range(len(KINDS)))

    def __call__(self, assignment: Assignment, submission: Submission, *, feedback: bool) -> Result:
        """What `grade_one` would answer."""
        if len(self.results) < len(KINDS):
            self.results.append(grade_one(assignment, submission, feedback=feedback))
            self.done = time.perf_counter()
        one = self.results[next(self.turns)]
        return dataclasses.replace(one, student=submission.student, submission=submission.digest)


def grade(root: Path) -> dict[str, float]:
    """Run the command in this process; rows printed, seconds, those after the samples, the most memory held in MiB."""
    os.chdir(root)
    began, table = time.perf_counter(), io.StringIO()
    executors.grade_one = worker = Sampled()
    worker.done = began
    with contextlib.redirect_stdout(table):
        status = command([NAME, "--workers=0", "--json"])
    assert status == ALL
    ended, memory = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows = len(json.loads(table.getvalue()))
    return {"rows": rows, "seconds": ended - began, "rest": ended - worker.done, "memory": memory}


def measured(root: Path) -> dict[str, float]:
    """The same in a process of its own, whose memory is then its own."""
    done = subprocess.run([sys.executable, __file__, "--in", str(root)], stdout=subprocess.PIPE, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    """Grade classes of growing size and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1000, 10_000], help="of the classes")
    parser.add_argument("--in", dest="root", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.root:
        print(json.dumps(grade(options.root)))
        return
    print("| submissions | each, worker apart | each, nothing new | most memory |\n| ---: | ---: | ---: | ---: |")
    for size in options.sizes:
        with TemporaryDirectory() as folder:
            root = Path(folder)
            root.chmod(0o755)
            hand_in(root, NAME, size)
            first, again = measured(root), measured(root)
        assert first["rows"] == size
        each = 1000 * first["rest"] / (size - len(KINDS))
        idle, memory = 1000 * again["seconds"] / size, first["memory"]
        print(f"| {size:,} | {each:.0f} ms | {idle:.1f} ms | {memory:.0f} MiB |", flush=True)


if __name__ == "__main__":
    main()
