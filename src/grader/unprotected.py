"""Grading without walls, where the instructor says so: the fork server and its kernels are processes like any other."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import psutil

from grader.records import Limits, Walls
from grader.sandbox import ForkServer, environment, python_command, resources, scratch_environment

UNPROTECTED = "unprotected"  # the flag of whatever was graded so
WARNING = """\
WARNING: no sandbox. Students' code runs as you do. It can read, change and send away every file that you can, hidden
tests, other students' work and your passwords among them; it can use the network and leave programs running; and it can
change how it is tested, and so its own score. Only limits on time, on each process's memory, on the number of processes
and on the size of a file remain. Every result is flagged "unprotected". Do this only where you would miss nothing.\
"""


class OpenForkServer(ForkServer):
    """A fork server without a sandbox; each of its kernels has a folder of its own, which others can read."""

    walled = False

    def give(self, *paths: Path) -> None:
        """Change no owner: kernels run as the grader does."""

    def _command(self, walls: Walls) -> list[str]:
        return python_command(walls)

    def _environment(self, walls: Walls) -> dict[str, str]:
        scratch = self.folder / "scratch"
        scratch.mkdir()
        return environment(walls, str(scratch))

    def _request(self, folder: Path, limits: Limits) -> dict[str, Any]:
        limited = resources(limits)
        limited["NPROC"] += _threads()  # the system counts all that the user runs
        return {"folder": str(folder), "limits": limited, "environment": scratch_environment(str(folder / "scratch"))}


def _threads() -> int:
    """How many threads this user has."""
    mine = os.getuid()
    found = psutil.process_iter(["uids", "num_threads"])
    return sum(one.info["num_threads"] or 0 for one in found if one.info["uids"] and one.info["uids"].real == mine)
