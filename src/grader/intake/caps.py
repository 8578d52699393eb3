"""How much one submission may hold, how no more of a file is read, and how the rest is refused."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO


class Refusal(Exception):  # noqa: N818 - it is no error of ours
    """Why a submission is refused, in words for the instructor."""


@dataclass(frozen=True)
class Caps:
    """How much one submission may hold.

    Attributes:
        notebook: bytes of one notebook. The course's fullest, with all its pictures, is below 1 MB.
        file: bytes of any other file.
        total: bytes of all files. A submission is held in memory, and travels to a worker as one message.
        files: files and folders together. Enough for a small package; a virtual environment has thousands.
        path: characters of a path below the submission's folder. Windows stops at 260, the course's folders included.
        depth: folders within folders.
        ratio: bytes unpacked for a byte packed. Text seldom passes 50; zip's own limit, for zeros, is 1,032.
        nesting: lists and dicts within each other in a notebook. Figures stay below 20, the parser stops near 1,000.
        marks: brackets, commas and strings in a notebook; each may take some 50 bytes of memory when parsed.
        metadata: bytes of Gradescope's `submission_metadata.yml`, which holds its logs of the whole class.
    """

    notebook: int = 16 << 20
    file: int = 32 << 20
    total: int = 64 << 20
    files: int = 200
    path: int = 200
    depth: int = 12
    ratio: int = 200
    nesting: int = 64
    marks: int = 2_000_000
    metadata: int = 64 << 20


ReadUpTo = Callable[[int], bytes]
"""Reads a file's content, or one byte more than the number given: then there is more than that."""


def pieces(file: IO[bytes], most: int) -> Iterator[bytes]:
    """A file, up to one byte more than `most`, piece by piece: memory is taken only for what is there."""
    left = most + 1
    while left and (piece := file.read(min(left, 1 << 16))):
        left -= len(piece)
        yield piece


def oddity(mode: int) -> str:
    """What lies there instead of a plain file or folder, in words that go on after its name."""
    names = {
        stat.S_IFLNK: "a symbolic link",
        stat.S_IFIFO: "a FIFO",
        stat.S_IFSOCK: "a socket",
        stat.S_IFDIR: "a folder",
    }
    return f"{names.get(stat.S_IFMT(mode), 'a device')}, where only plain files and folders are accepted"


def amount(number: int) -> str:
    """A number of bytes in words."""
    return f"{number / (1 << 20):.0f} MB" if number >= 1 << 20 else f"{number} bytes"
