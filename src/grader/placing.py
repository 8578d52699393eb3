"""Puts a result's files where Formgrader looks: a whole folder at a time, so a kill leaves the old or the new."""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from nbgrader.converters import Autograde, GenerateFeedback

from grader.course import Course
from grader.records import Result

TIMESTAMP = "timestamp.txt"
RELEASED = (TIMESTAMP, "submission_secret.txt")  # nbgrader's exchange finds by them which submission a page is about
EXCHANGE = 2  # RENAME_EXCHANGE of renameat2(2)
HERE = -100  # AT_FDCWD


class PlacingError(Exception):
    """A result's files cannot be put where they belong; what was there before is still there."""


def place(course: Course, assignment: str, result: Result) -> None:
    """Put a result's notebooks, other files and feedback into the course's folders, as nbgrader would have.

    Both folders are replaced as wholes; one for which the result has nothing keeps what it holds, so that a refused
    submission takes nothing away. Doing it again changes nothing. A link in the place of a folder is replaced, or
    refused where it would lead elsewhere; it is never followed.

    Raises:
        PlacingError: a name would lead out of the folder, a link stands in the way, or the disk refuses.
    """
    directory = course.directory
    files = dict(result.files)
    if result.timestamp is not None:
        files.setdefault(TIMESTAMP, f"{result.timestamp} UTC".encode())
    try:
        if result.notebooks or not result.problem:
            mode = int(str(Autograde(coursedir=directory, config=course.config).permissions), 8)
            base = course.root / directory.autograded_directory
            _replace(course, base, course.autograded(result.student, assignment), files | result.notebooks, mode)
        if result.feedback:
            mode = int(str(GenerateFeedback(coursedir=directory, config=course.config).permissions), 8)
            pages = {name: files[name] for name in RELEASED if name in files} | result.feedback
            base = course.root / directory.feedback_directory
            _replace(course, base, course.feedback(result.student, assignment), pages, mode)
    except OSError as error:
        raise PlacingError(f"the files of {result.student!r} cannot be placed: {error}") from error


def _replace(course: Course, base: Path, folder: Path, files: Mapping[str, bytes], mode: int) -> None:
    """Make the folder hold exactly these files."""
    _open_way(base if folder.is_relative_to(base) else course.root, folder.parent)
    with _alone(folder.parent):
        new, old = (folder.with_name(f".{folder.name}.grader-{which}") for which in ("new", "old"))
        for left in (new, old):  # of a run that was killed
            _remove(left)
        new.mkdir()
        for name, data in files.items():
            path = new / _inside(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            path.chmod(mode)
        if course.directory.groupshared:
            for place in (new, *(path for path in new.rglob("*") if path.is_dir())):
                place.chmod(place.stat().st_mode & 0o7777 | 0o2770)
        _swap(new, folder, old)


def _open_way(base: Path, folder: Path) -> None:
    """Make the folders below the base; the base itself may be a link of the instructor's, to a larger disk."""
    base.mkdir(parents=True, exist_ok=True)
    for step in [*reversed(folder.relative_to(base).parents), folder.relative_to(base)]:
        path = base / step
        if path != base and path.is_symlink():
            raise PlacingError(f"{path} must be a folder, but it is a link to {path.readlink()}; remove it")
        path.mkdir(exist_ok=True)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two graders may run on one course; the lock ends with the process, however that ends."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _inside(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if not path.parts or path.is_absolute() or ".." in path.parts or "\0" in name:
        raise PlacingError(f"a file's name must lead to a place below its folder, got {name!r}")
    return path


def _swap(new: Path, folder: Path, old: Path) -> None:
    if not os.path.lexists(folder):
        new.rename(folder)
    elif _exchange(new, folder):
        _remove(new)
    else:  # some network file systems cannot: for a moment there is neither, and the next run mends it if killed then
        folder.rename(old)
        new.rename(folder)
        _remove(old)


def _exchange(one: Path, other: Path) -> bool:
    """Let two entries trade places in one step; False where the system or the file system has no such step."""
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    return call is not None and call(HERE, os.fsencode(one), HERE, os.fsencode(other), EXCHANGE) == 0


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
