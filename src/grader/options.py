"""What ``grade`` can be told, and what its exit status says; it can be imported where nothing can be graded."""

from __future__ import annotations

import argparse
from pathlib import Path

# Exit status: every submission has a score; not every; it could not go on, and said why; it was interrupted.
ALL, SOME, STUCK, STOPPED = 0, 1, 2, 130


def parser() -> argparse.ArgumentParser:
    """Reads the command line."""
    made = argparse.ArgumentParser(
        prog="grade", description="Grades what students handed in, behind walls.", allow_abbrev=False
    )
    made.add_argument("assignment", help="nbgrader's name of the assignment")
    made.add_argument("--students", metavar="ID,ID,…", help="only these")
    made.add_argument(
        "--from",
        dest="source",
        type=Path,
        metavar="PATH",
        help="a folder or zip that Canvas, Moodle or Gradescope exported, instead of the course's submitted folder",
    )
    made.add_argument("--course", type=Path, default=Path(), metavar="FOLDER", help="where nbgrader_config.py lies")
    made.add_argument("--workers", type=_count, metavar="N", help="local processes; one a core if not said, 0: none")
    made.add_argument("--cluster", metavar="ADDRESS", help="a Dask scheduler, such as tcp://10.0.0.5:8786")
    made.add_argument("--db", metavar="URL", help="the gradebook, such as postgresql+psycopg://localhost/course")
    made.add_argument("--force", action="store_true", help="grade all again, also what has not changed")
    made.add_argument("--no-feedback", action="store_true", help="make no pages for students")
    made.add_argument(
        "--no-sandbox",
        action="store_true",
        help="grade WITHOUT walls: students' code can then do all that you can; results are flagged 'unprotected'",
    )
    made.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return made


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a number from 0 up, got {text!r}")
    return int(text)
