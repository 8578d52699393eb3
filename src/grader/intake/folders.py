"""A folder on disk, read without following a link, however quickly it changes."""

from __future__ import annotations

import itertools
import os
import stat
from collections import defaultdict
from collections.abc import Generator, Iterator
from functools import partial
from pathlib import Path

from grader.intake.caps import Caps, ReadUpTo, Refusal, oddity, pieces
from grader.intake.names import is_junk, shown

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK  # a FIFO put there since we looked must not block us


class Folder:
    """A folder on disk. Each name is opened from its open folder: no link is followed, not even one put there now."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def names(self) -> dict[str, str]:
        """What lies at the top: "folder", "file" or "other" by name; junk left out."""
        with os.scandir(self._root) as entries:
            seen = [entry for entry in entries if not is_junk(entry.name)]
        return {entry.name: _kind(entry) for entry in seen}

    def holds(self, path: str) -> bool:
        """Whether there is anything at that path, and be it a link that leads nowhere."""
        return os.path.lexists(self._root / path)

    def inside(self, folder: str) -> Folder:
        """The same for a folder at the top."""
        return Folder(self._root / folder)

    def files(self, place: str, caps: Caps) -> Generator[tuple[str, ReadUpTo], None, None]:
        """Every file below a place, in order, as `Source.files` has it; close it, for it holds folders open.

        Raises:
            Refusal: something is neither a plain file nor a folder, there is too much, or a file is also elsewhere.
            OSError: something cannot be read, or was replaced by a link.
        """
        links: dict[tuple[int, int], list[str]] = defaultdict(list)
        counts: dict[tuple[int, int], int] = {}

        def read(folder: int, name: str, path: str, most: int) -> bytes:
            with os.fdopen(os.open(name, _FILE, dir_fd=folder), "rb") as file:
                state = os.fstat(file.fileno())
                if not stat.S_ISREG(state.st_mode):
                    raise Refusal(f"{shown(path)} is {oddity(state.st_mode)}")
                links[state.st_dev, state.st_ino].append(path)
                counts[state.st_dev, state.st_ino] = state.st_nlink
                return b"".join(pieces(file, most))

        seen = itertools.count(1)

        def walk(folder: int, name: str, path: str) -> Generator[tuple[str, ReadUpTo], None, None]:
            mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
            if stat.S_ISREG(mode):
                yield path, partial(read, folder, name, path or name)
            elif not stat.S_ISDIR(mode):
                raise Refusal(f"{shown(path or name)} is {oddity(mode)}")
            else:
                below = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
                try:
                    for child in _children(below, seen, caps):
                        yield from walk(below, child, f"{path}/{child}" if path else child)
                finally:
                    os.close(below)

        *above, name = place.split("/")
        folder = os.open(self._root, _FOLDER)
        try:
            for part in above:
                outer, folder = folder, os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
                os.close(outer)
            yield from walk(folder, name, "")
        finally:
            os.close(folder)
        for inode, paths in links.items():
            # Where its other name is cannot be told: it may be the solution's. One that stays in here is harmless.
            if counts[inode] > len(paths):
                raise Refusal(f"{shown(paths[0])} is a hard link to a file outside; put a copy in its place")


def _children(folder: int, seen: Iterator[int], caps: Caps) -> list[str]:
    names = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if not is_junk(entry.name):
                if next(seen) > caps.files:
                    raise Refusal(f"it has more than {caps.files} files and folders")
                names.append(entry.name)
    return sorted(names)


def _kind(entry: os.DirEntry[str]) -> str:
    if entry.is_dir(follow_symlinks=False):
        return "folder"
    return "file" if entry.is_file(follow_symlinks=False) else "other"
