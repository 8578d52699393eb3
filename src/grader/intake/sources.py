"""A source of submissions, be it a folder or a zip, and the places of submissions in it."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Protocol

from grader.intake.caps import Caps, ReadUpTo
from grader.intake.folders import Folder
from grader.intake.zips import Archive


class Source(Protocol):
    """Where submissions lie: what a folder and a zip have in common."""

    def names(self) -> dict[str, str]:
        """What lies at the top: "folder", "file" or "other" by name; junk left out."""

    def holds(self, path: str) -> bool:
        """Whether there is anything at that path."""

    def inside(self, folder: str) -> Source:
        """The same for a folder at the top."""

    def files(self, place: str, caps: Caps) -> Generator[tuple[str, ReadUpTo], None, None]:
        """Every file below a place by its path from there, "" for a file that is the place itself.

        A file must be read before the next one is asked for.

        Raises:
            Refusal: something is there that is not a plain file or folder, or not within caps, or has an evil name.
        """


def opened(source: Path) -> Source:
    """A folder or a zip, ready to be looked at.

    Raises:
        ValueError: it is neither, or a damaged zip.
        FileNotFoundError: there is no such thing.
    """
    if source.is_dir():
        return Folder(source)
    if source.is_file() and zipfile.is_zipfile(source):
        try:
            return Archive(zipfile.ZipFile(source))
        except (zipfile.BadZipFile, NotImplementedError, UnicodeError, struct.error) as error:
            raise ValueError(f"{source} is a damaged zip: {error}; download it again") from error
    if not source.exists():
        raise FileNotFoundError(f"there is no {source}; it should be a folder or a zip with submissions")
    raise ValueError(f"{source} is neither a folder nor a zip")


@dataclass(frozen=True)
class Found:
    """A submission's place, before it is read.

    Attributes:
        student: the student's id, fit or not.
        places: of each folder or file its path in the source, and the name that the file shall have ("" for a folder).
        renamed: whether it is an export's. Then a folder around all is taken off; and a `timestamp.txt`, which nbgrader
            would believe, is left out: the student wrote it.
        timestamp: when it was handed in, in UTC, if the platform says so.
        fault: why it is refused, if that is known already.
    """

    student: str
    places: tuple[tuple[str, str], ...]
    renamed: bool = True
    timestamp: datetime | None = None
    fault: str | None = None


class Plan(NamedTuple):
    """How one layout understands a source: which names at the top are its own, and what submissions they make."""

    own: set[str]
    found: list[Found]
