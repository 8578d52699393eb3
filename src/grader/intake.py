"""Intake: finds what students handed in for one assignment, and reads it within caps or says why it is refused.

`collect` understands four layouts, each as a folder or as a zip, which is read without unpacking it:

nbgrader: `STUDENT/ASSIGNMENT/NAME.ipynb`, with or without a `timestamp.txt`. The student's id is the folder's name.
Canvas: `doejane_LATE_12345_67890_NAME-1.ipynb`, all side by side. The id is `doejane_12345`: name and Canvas's number
    of the user.
Moodle: `Jane Doe_123_assignsubmission_file_`, a folder's name or the beginning of a file's. The id is `Jane_Doe_123`:
    name and participant's number; what is neither letter, digit, dot nor hyphen becomes an underscore.
Gradescope: `submission_123/NAME.ipynb`, with a `submission_metadata.yml`. The id is its `:sid:`, else what stands
    before the `@` of its `:email:`, else the folder's name. All submitters of a group get the group's submission.

Of two submissions of one student the latest counts: with Canvas the file with the higher number of its own (the second
in the file's name; it grows with every upload), with Gradescope the later `:created_at:`, then the higher number.
nbgrader and Moodle hand out the latest only.

A submission that is not what it should be never stops the others: it comes as one that is refused, with the reason.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple, Protocol

import yaml
from nbgrader.utils import parse_utc

from grader.records import Submission


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


@dataclass(frozen=True)
class Intake:
    """The submissions found for one assignment. Each is read only when it is its turn, and not kept.

    `len(intake)` tells how many there are before one is read; iterating again reads again.

    Attributes:
        layout: "nbgrader", "Canvas", "Moodle" or "Gradescope".
    """

    layout: str
    _found: tuple[_Found, ...] = field(repr=False)
    _source: _Source = field(repr=False)
    _expected: frozenset[str] = field(repr=False)
    _caps: Caps = field(repr=False)

    def __len__(self) -> int:
        return len(self._found)

    def __iter__(self) -> Iterator[Submission]:
        """In the order of the students' ids."""
        for found in self._found:
            yield _receive(self._source, found, self._expected, self._caps)

    @property
    def students(self) -> tuple[str, ...]:
        """The ids of all who handed something in, in order; unfit ones escaped, as they are in their submissions."""
        return tuple(_escaped(found.student) for found in self._found)


def collect(
    source: Path,
    assignment: str,
    *,
    expected: Collection[str],
    students: Collection[str] | None = None,
    caps: Caps | None = None,
) -> Intake:
    """Finds the submissions of an assignment; iterate over what comes back to read them one by one.

    Args:
        source: nbgrader's `submitted/`, or what Canvas, Moodle or Gradescope exported: a folder, or a zip. It may be a
            link; nothing below it may.
        assignment: nbgrader's name of the assignment.
        expected: names of its notebooks, without `.ipynb`. A copy that was renamed (`NAME-1`, `NAME (1)`, `NAME-Copy1`)
            is taken for a notebook that is missing; where only one is expected, so is the only one there is.
        students: ids of those to collect from; None: all. Who handed nothing in is not missed.
        caps: how much one submission may hold.

    Raises:
        ValueError: the layout of `source` is none that is understood, or could be two; or it is damaged.
        FileNotFoundError: there is no `source`.
    """
    if not expected:
        raise ValueError(f"the assignment {assignment!r} must expect at least one notebook, got none")
    if fault := _unfit(assignment):
        raise ValueError(f"{_shown(assignment)} cannot be an assignment's name: it {fault}")
    caps = caps or Caps()
    try:
        where = _opened(source)
        layout, where, found = _survey(where, str(source), assignment, frozenset(expected), caps)
    except _Refusal as refusal:
        raise ValueError(f"{source}: {refusal}") from refusal
    if students is not None:
        found = [one for one in found if one.student in students]
    found.sort(key=lambda one: (one.student, one.places))
    return Intake(layout, tuple(found), where, frozenset(expected), caps)


# ---- One submission ----


class _Refusal(Exception):  # noqa: N818 - it is no error of ours
    """Why a submission is refused, in words for the instructor."""


@dataclass(frozen=True)
class _Found:
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


# What Python's readers of files and zips raise for damaged or hostile input.
_UNREADABLE = (
    OSError,
    ValueError,
    ArithmeticError,
    EOFError,
    NotImplementedError,
    struct.error,
    zlib.error,
    zipfile.BadZipFile,
)


def _receive(source: _Source, found: _Found, expected: frozenset[str], caps: Caps) -> Submission:
    """Reads one submission, or says why not; raises nothing for whatever a student may have done."""
    read: dict[str, bytes] = {}
    try:
        if fault := _unfit(found.student):
            raise _Refusal(f"the student id {_shown(found.student)} {fault}; rename it")
        _read(source, found, read, caps)
        if found.fault:
            raise _Refusal(found.fault)
        files = _arranged(read, expected, found.renamed)
        for name in sorted(expected):
            if (path := f"{name}.ipynb") in files and (fault := notebook_fault(files[path], caps)):
                raise _Refusal(f"{_shown(path)} {fault}")
        timestamp = found.timestamp if found.renamed else _timestamp(files.get("timestamp.txt", b""))
        return Submission(found.student, files, _digest(files), timestamp)
    except _Refusal as refusal:
        reason = str(refusal)
    except _UNREADABLE as error:
        # Only the system's own words: a path of this machine would make the digest another one elsewhere.
        what = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        reason = f"it cannot be read: {_shown(what)}"
    return Submission(_escaped(found.student), {}, _digest(read, reason), found.timestamp, reason)


def _read(source: _Source, found: _Found, read: dict[str, bytes], caps: Caps) -> None:
    """Reads all files of a submission into `read`, which also tells how far it came."""
    total = 0
    for place, name in found.places:
        with closing(source.files(place, caps)) as entries:
            for below, content_up_to in entries:
                path = unicodedata.normalize("NFC", "/".join(filter(None, (name, below))))
                if not path:
                    raise _Refusal(f"{_shown(place)} is a file where a folder was expected")
                _check_path(path, caps)
                if _left_out(path) or (found.renamed and path == "timestamp.txt") or found.fault:
                    continue
                kind, most = ("notebook", caps.notebook) if path.endswith(".ipynb") else ("file", caps.file)
                content = content_up_to(min(most, caps.total - total))
                if len(content) > most:
                    raise _Refusal(f"{_shown(path)} is larger than {_size(most)}, the most that a {kind} may have")
                total += len(content)
                if total > caps.total:
                    raise _Refusal(f"its files are larger than {_size(caps.total)} together, the most they may have")
                if path in read:
                    raise _Refusal(f"{_shown(path)} is there twice")
                read[path] = content


def _arranged(read: Mapping[str, bytes], expected: frozenset[str], renamed: bool) -> dict[str, bytes]:
    """The files under the names that nbgrader expects."""
    files = dict(read)
    while renamed and files and len({path.partition("/")[:2] for path in files}) == 1 and "/" in next(iter(files)):
        files = {path.partition("/")[2]: content for path, content in files.items()}
    notebooks = sorted(path for path in files if "/" not in path and path.endswith(".ipynb"))
    for name in sorted(expected):
        copies = [path for path in notebooks if _meant(path, expected) == name]
        if f"{name}.ipynb" not in files and len(expected) == len(notebooks) == 1:
            copies = notebooks
        if f"{name}.ipynb" not in files and copies:
            files[f"{name}.ipynb"] = files.pop(max(copies, key=_copy_number))
    if not any(f"{name}.ipynb" in files for name in expected):
        wanted = " or ".join(f"{name}.ipynb" for name in sorted(expected))
        raise _Refusal(f"there is no {wanted}; seen: {_listed(files)}")
    folded: dict[str, str] = {}
    for path in sorted(files):
        if (twin := folded.setdefault(path.casefold(), path)) != path:
            raise _Refusal(f"{_shown(twin)} and {_shown(path)} are the same file on Windows and macOS")
    for path in files:
        for end in [i for i, character in enumerate(path) if character == "/"]:
            if path[:end].casefold() in folded:
                raise _Refusal(f"{_shown(path[:end])} is both a file and a folder")
    return files


_COPY = re.compile(r"(?:-Copy\d+|-\d+| ?\(\d+\))$")  # Jupyter's, Canvas's, and the browsers' marks


def _meant(path: str, expected: frozenset[str]) -> str | None:
    """Which of the expected notebooks a file is a copy of."""
    stem = path.removesuffix(".ipynb")
    if stem == path or len(path) > 255:  # no file's name is longer, and taking marks off takes its time
        return None
    names = {name.casefold(): name for name in expected}
    while stem not in expected and stem.casefold() not in names and (mark := _COPY.search(stem)):
        stem = stem[: mark.start()]
    return stem if stem in expected else names.get(stem.casefold())


def _copy_number(path: str) -> tuple[int, str]:
    digits = re.findall(r"\d{1,9}", path)
    return int(digits[-1]) if _COPY.search(path.removesuffix(".ipynb")) else 0, path


def _timestamp(content: bytes) -> datetime | None:
    """The time in nbgrader's `timestamp.txt`, read as nbgrader reads it."""
    try:
        text = content[:100].decode().strip()
        return parse_utc(text) if text else None
    except (ValueError, OverflowError, TypeError, ArithmeticError):
        seen = _shown(content[:40].decode(errors="replace"))
        raise _Refusal(f"timestamp.txt says {seen}, which is no time such as '2026-11-25 10:00:00 UTC'") from None


def _digest(files: Mapping[str, bytes], reason: str = "") -> str:
    """SHA-256 of all paths and contents; of a refused submission also of the reason. Lengths keep them apart."""
    digest = hashlib.sha256()
    if reason:
        digest.update(f"refused {len(reason)}:{reason}".encode(errors="backslashreplace"))
    for path in sorted(files):
        name = path.encode(errors="surrogateescape")
        digest.update(b"%d:%s%d:" % (len(name), name, len(files[path])))
        digest.update(files[path])
    return digest.hexdigest()


# ---- Notebooks ----

# A string, ended or not, or a mark of structure. Possessive, and it matches at every quote: so its time is linear.
_STRUCTURE = re.compile(rb'"(?:[^"\\]++|\\.?)*+"?|[\[{\]},]', re.DOTALL)


def notebook_fault(content: bytes, caps: Caps) -> str | None:
    """What keeps a file from being a notebook that can be graded, in words that go on after its name; None if nothing.

    Nesting and marks are counted before anything is parsed: a few MB of brackets take hundreds of MB as Python objects.
    """
    depth = 0
    for marks, match in enumerate(_STRUCTURE.finditer(content), 1):
        mark = content[match.start()]
        depth += (mark in b"[{") - (mark in b"]}")
        if depth > caps.nesting:
            return f"nests more than {caps.nesting} lists in lists"
        if marks > caps.marks:
            return f"holds more than {caps.marks:,} brackets, commas and strings"
    try:
        notebook = json.loads(content.decode())
        if re.search(rb"\\u[dD][89a-fA-F]", content):
            # Half of a surrogate pair is valid JSON, but no text: only writing it down again would fail.
            json.dumps(notebook, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        return f"is not JSON in UTF-8: {_shown(str(error))}"
    if not isinstance(notebook, dict) or not isinstance(version := notebook.get("nbformat"), int):
        return "is JSON, but not a notebook: it has no nbformat"
    if version != 4 or isinstance(version, bool):
        return f"has nbformat {_shown(str(version))}, where only 4 is understood; open it in Jupyter and save it again"
    if not isinstance(minor := notebook.get("nbformat_minor"), int) or isinstance(minor, bool) or minor < 0:
        return "has no nbformat_minor"
    if not isinstance(notebook.get("metadata"), dict):
        return "has no metadata"
    if not isinstance(cells := notebook.get("cells"), list):
        return "has no list of cells"
    for number, cell in enumerate(cells, 1):
        if not _is_cell(cell):
            return f"has something for cell {number} that is not a cell"
    return None


def _is_cell(cell: object) -> bool:
    if not isinstance(cell, dict) or cell.get("cell_type") not in ("code", "markdown", "raw"):
        return False
    source = cell.get("source")
    lines = source if isinstance(source, list) else [source]
    return isinstance(cell.get("metadata"), dict) and all(isinstance(line, str) for line in lines)


# ---- Names ----

_JUNK = {"__MACOSX", "__pycache__", "Icon\r", "Thumbs.db", "desktop.ini"}  # hidden ones, .DS_Store and the like, aside


def _left_out(path: str) -> bool:
    """Whether a path leads through what a system or an editor left behind; it is not even looked at."""
    return any(part in _JUNK or (part.startswith(".") and part not in (".", "..")) for part in path.split("/"))


def _check_path(path: str, caps: Caps, *, below: str = "") -> None:
    """Refuses a path that could lead out of the submission's folder `below`, or that not every system can hold."""
    parts = path.split("/")
    faults = {
        "holds a NUL character": "\0" in path,
        "is an absolute path": path.startswith("/"),
        "begins with a drive": re.match(r"[A-Za-z]:", path),
        "holds a backslash": "\\" in path,
        "leads out of its folder": ".." in parts,
        "holds an empty name or '.'": "" in parts or "." in parts,
        "is not UTF-8": not path.isascii() and re.search("[\ud800-\udfff]", path),
        "holds a control character": any(unicodedata.category(character) == "Cc" for character in path),
        f"is longer than {caps.path} characters": len(path) - len(below) > caps.path,
        f"lies more than {caps.depth} folders deep": path.count("/") - below.count("/") > caps.depth,
    }
    for fault, found in faults.items():
        if found:
            raise _Refusal(f"the path {_shown(path)} {fault}")


# nbgrader looks for submissions with globs, so their marks are unfit as well; % is what unfit ones are escaped with.
_UNFIT = re.compile(r'[/\\*?\[\]:|<>"%]|^\.|^\s|\s$')


def _unfit(name: str) -> str | None:
    """Why a name can be neither a student's id in the gradebook nor a folder; None if it can."""
    if not 0 < len(name) <= 128:
        return f"has {len(name)} characters, where 1 to 128 would be right"
    if not name.isprintable():
        return "holds a character that cannot be printed"
    if match := _UNFIT.search(name):
        return f"holds {match[0]!r}" if match[0] not in (".", " ") else f"begins or ends with {match[0]!r}"
    return None


def _escaped(name: str) -> str:
    """A name itself if it is fit for an id; else one that is fit but for percent signs, another for each name."""
    if not _unfit(name):
        return name
    safe = "".join(
        character
        if character.isalnum() or character in "_-@+," or (character in ". " and 0 < at < len(name) - 1)
        else "".join(f"%{byte:02X}" for byte in character.encode(errors="surrogatepass"))
        for at, character in enumerate(name)
    )
    # The digest keeps apart what cutting makes the same.
    return (safe if len(safe) <= 100 else f"{safe[:80]}%{hashlib.sha256(safe.encode()).hexdigest()[:12]}") or "%"


def _shown(text: str) -> str:
    """A student's text in quotes, made harmless for a terminal, and cut."""
    cut = text if len(text) <= 100 else text[:100] + "…"
    return "'" + "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut) + "'"


def _listed(names: Collection[str]) -> str:
    some = ", ".join(_shown(name) for name in sorted(names)[:5])
    return some + (f" and {len(names) - 5} more" if len(names) > 5 else "") if names else "nothing"


def _size(number: int) -> str:
    return f"{number / (1 << 20):.0f} MB" if number >= 1 << 20 else f"{number} bytes"


# ---- Folders and zips ----

_Read = Callable[[int], bytes]
"""Reads a file's content, or one byte more than the number given: then there is more than that."""

_SCRAP = 1 << 20  # what unpacks to less than 1 MB is no bomb, whatever its ratio


def _pieces(file: IO[bytes], most: int) -> Iterator[bytes]:
    """A file, up to one byte more than `most`, piece by piece: memory is taken only for what is there."""
    left = most + 1
    while left and (piece := file.read(min(left, 1 << 16))):
        left -= len(piece)
        yield piece


class _Source(Protocol):
    def names(self) -> dict[str, str]:
        """What lies at the top: "folder", "file" or "other" by name; junk left out."""

    def holds(self, path: str) -> bool:
        """Whether there is anything at that path."""

    def inside(self, folder: str) -> _Source:
        """The same for a folder at the top."""

    def files(self, place: str, caps: Caps) -> Generator[tuple[str, _Read], None, None]:
        """Every file below a place by its path from there, "" for a file that is the place itself.

        A file must be read before the next one is asked for.

        Raises:
            _Refusal: something is there that is not a plain file or folder, or not within caps, or has an evil name.
        """


def _opened(source: Path) -> _Source:
    if source.is_dir():
        return _Folder(source)
    if source.is_file() and zipfile.is_zipfile(source):
        try:
            return _Archive(zipfile.ZipFile(source))
        except (zipfile.BadZipFile, NotImplementedError, UnicodeError, struct.error) as error:
            raise ValueError(f"{source} is a damaged zip: {error}; download it again") from error
    if not source.exists():
        raise FileNotFoundError(f"there is no {source}; it should be a folder or a zip with submissions")
    raise ValueError(f"{source} is neither a folder nor a zip")


_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK  # a FIFO put there since we looked must not block us


class _Folder:
    """A folder on disk. Each name is opened from its open folder: no link is followed, not even one put there now."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def names(self) -> dict[str, str]:
        with os.scandir(self._root) as entries:
            seen = [entry for entry in entries if not _left_out(entry.name)]
        return {entry.name: _kind(entry) for entry in seen}

    def holds(self, path: str) -> bool:
        return os.path.lexists(self._root / path)

    def inside(self, folder: str) -> _Folder:
        return _Folder(self._root / folder)

    def files(self, place: str, caps: Caps) -> Generator[tuple[str, _Read], None, None]:
        links: dict[tuple[int, int], list[str]] = defaultdict(list)
        counts: dict[tuple[int, int], int] = {}

        def read(folder: int, name: str, path: str, most: int) -> bytes:
            with os.fdopen(os.open(name, _FILE, dir_fd=folder), "rb") as file:
                state = os.fstat(file.fileno())
                if not stat.S_ISREG(state.st_mode):
                    raise _Refusal(f"{_shown(path)} is {_oddity(state.st_mode)}")
                links[state.st_dev, state.st_ino].append(path)
                counts[state.st_dev, state.st_ino] = state.st_nlink
                return b"".join(_pieces(file, most))

        seen = itertools.count(1)

        def walk(folder: int, name: str, path: str) -> Generator[tuple[str, _Read], None, None]:
            mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
            if stat.S_ISREG(mode):
                yield path, partial(read, folder, name, path or name)
            elif not stat.S_ISDIR(mode):
                raise _Refusal(f"{_shown(path or name)} is {_oddity(mode)}")
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
                raise _Refusal(f"{_shown(paths[0])} is a hard link to a file outside; put a copy in its place")


def _children(folder: int, seen: Iterator[int], caps: Caps) -> list[str]:
    names = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if not _left_out(entry.name):
                if next(seen) > caps.files:
                    raise _Refusal(f"it has more than {caps.files} files and folders")
                names.append(entry.name)
    return sorted(names)


def _kind(entry: os.DirEntry[str]) -> str:
    if entry.is_dir(follow_symlinks=False):
        return "folder"
    return "file" if entry.is_file(follow_symlinks=False) else "other"


def _oddity(mode: int) -> str:
    names = {
        stat.S_IFLNK: "a symbolic link",
        stat.S_IFIFO: "a FIFO",
        stat.S_IFSOCK: "a socket",
        stat.S_IFDIR: "a folder",
    }
    return f"{names.get(stat.S_IFMT(mode), 'a device')}, where only plain files and folders are accepted"


class _Archive:
    """A zip, read without unpacking it. What its headers say of sizes is not believed."""

    def __init__(self, archive: zipfile.ZipFile, prefix: str = "") -> None:
        self._archive = archive
        self._prefix = prefix
        self._members: dict[str, list[tuple[str, zipfile.ZipInfo]]] = defaultdict(list)
        for member in archive.infolist():
            path = member.orig_filename  # `filename` is cut at a NUL already
            if path.startswith(prefix) and path != prefix:
                self._members[path.removeprefix(prefix).partition("/")[0]].append((path.removeprefix(prefix), member))

    def names(self) -> dict[str, str]:
        return {
            name: "folder" if any("/" in path for path, _ in members) else "file"
            for name, members in self._members.items()
            if not _left_out(name)
        }

    def holds(self, path: str) -> bool:
        members = self._members.get(path.partition("/")[0], [])
        return any(member == path or member.startswith(f"{path}/") for member, _ in members)

    def inside(self, folder: str) -> _Archive:
        return _Archive(self._archive, f"{self._prefix}{folder}/")

    def files(self, place: str, caps: Caps) -> Generator[tuple[str, _Read], None, None]:
        seen = 0
        for path, member in self._members.get(place.partition("/")[0], []):
            if (path != place and not path.startswith(f"{place}/")) or _left_out(path):
                continue
            if (seen := seen + 1) > caps.files:
                raise _Refusal(f"it has more than {caps.files} files and folders")
            _check_path(path.removesuffix("/") if path != "/" else path, caps, below=f"{place}/")
            mode = member.external_attr >> 16
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _Refusal(f"{_shown(path)} is {_oddity(mode)}")
            if not path.endswith("/"):
                yield path.removeprefix(place).removeprefix("/"), partial(self._read, member, caps)

    def _read(self, member: zipfile.ZipInfo, caps: Caps, most: int) -> bytes:
        name = _shown(member.orig_filename)
        if member.flag_bits & 0x41:  # bit 0: encrypted; bit 6: strongly
            raise _Refusal(f"{name} is encrypted; hand it in without a password")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            # Python unpacks the others in one go, however large they become.
            raise _Refusal(f"{name} is packed in a way (method {member.compress_type}) other than deflate")
        content = bytearray()
        with self._archive.open(member) as file:
            for piece in _pieces(file, most):
                content += piece
                if len(content) > max(_SCRAP, caps.ratio * member.compress_size):
                    raise _Refusal(f"{name} unpacks to more than {caps.ratio} times its size: an archive bomb")
        return bytes(content)


# ---- Layouts ----


class _Plan(NamedTuple):
    """How one layout understands a source: which names at the top are its own, and what submissions they make."""

    own: set[str]
    found: list[_Found]


def _survey(
    source: _Source, name: str, assignment: str, expected: frozenset[str], caps: Caps, *, deeper: int = 2
) -> tuple[str, _Source, list[_Found]]:
    """Finds out the layout of a source, or of the only folder in it (at most two deep), as zips are often packed."""
    names = source.names()
    # From the most telling to the least. A student may name a file as another platform would: so a layout must explain
    # all that the others do.
    plans = {
        "Gradescope": _gradescope(source, names, caps),
        "Moodle": _moodle(names),
        "Canvas": _canvas(names, expected),
        "nbgrader": _nbgrader(source, names, assignment),
    }
    everything = set().union(*(plan.own for plan in plans.values()))
    understood = (
        f"understood are nbgrader's STUDENT/{assignment}/, and the exports of Canvas (doejane_12345_67890_NAME.ipynb), "
        "Moodle (Jane Doe_123_assignsubmission_file_) and Gradescope (submission_metadata.yml)"
    )
    if not everything:
        if list(names.values()) == ["folder"] and deeper:
            (only,) = names
            return _survey(source.inside(only), f"{name}/{only}", assignment, expected, caps, deeper=deeper - 1)
        raise ValueError(f"{name} holds no submission of {assignment!r}; seen: {_listed(names)}; {understood}")
    for layout, plan in plans.items():
        if plan.own == everything:
            fault = f"it is not named as {layout} names a submission"
            odd = [
                _Found(one, ((one, "" if kind == "folder" else one),), fault=fault)
                for one, kind in names.items()
                if one not in plan.own and (layout != "nbgrader" or kind == "other")
            ]
            return layout, source, plan.found + odd
    some = "; ".join(f"as {layout}: {_listed(plan.own)}" for layout, plan in plans.items() if plan.own)
    raise ValueError(f"{name} could be the export of more than one platform; {some}; keep them apart; {understood}")


def _nbgrader(source: _Source, names: Mapping[str, str], assignment: str) -> _Plan:
    own = {name for name, kind in names.items() if kind == "folder" and source.holds(f"{name}/{assignment}")}
    return _Plan(own, [_Found(name, ((f"{name}/{assignment}", ""),), renamed=False) for name in own])


# Canvas takes such numbers out of names, so the first pair is Canvas's own, whatever the student calls the file.
_CANVAS = re.compile(r"(?P<name>.+?)(?:_LATE)?_(?P<user>\d+)_(?P<file>\d+)_(?P<rest>.+)", re.DOTALL)
_ANONYMOUS = re.compile(r"(?P<name>anon)(?:_LATE)?_(?P<user>[0-9A-Za-z]{5})_(?P<file>\d+)_(?P<rest>.+)", re.DOTALL)


def _canvas(names: Mapping[str, str], expected: frozenset[str]) -> _Plan:
    own = set()
    latest: dict[str, dict[str, tuple[int, str, str]]] = defaultdict(dict)
    for name, kind in names.items():
        if kind != "folder" and (match := _ANONYMOUS.fullmatch(name) or _CANVAS.fullmatch(name)):
            own.add(name)
            files = latest[f"{match['name']}_{match['user']}"]
            file = (int(match["file"][-18:]), name, match["rest"])
            key = _meant(match["rest"], expected) or f"/{match['rest']}"
            files[key] = max(files.get(key, file), file)
    found = [
        _Found(student, tuple((name, rest) for _, name, rest in sorted(files.values())))
        for student, files in latest.items()
    ]
    return _Plan(own, found)


# Moodle writes a name's underscores as spaces; a group without a number is its "Default group".
_MOODLE = re.compile(r"(?P<name>.+?)(?:_(?P<number>\d+))?_assignsubmission_[a-z]+(?:_(?P<rest>.*))?", re.DOTALL)


def _moodle(names: Mapping[str, str]) -> _Plan:
    own = set()
    places: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name in sorted(names):
        if match := _MOODLE.fullmatch(name):
            own.add(name)
            full_name = re.sub(r"[^\w.-]+", "_", unicodedata.normalize("NFC", match["name"])).strip("._")
            places["_".join(filter(None, (full_name, match["number"])))].append((name, match["rest"] or ""))
    return _Plan(own, [_Found(student, tuple(some)) for student, some in places.items()])


_METADATA = "submission_metadata.yml"
_NULL = re.compile(r"^(?:~|null)$")  # YAML's nothing, read as text


def _gradescope(source: _Source, names: Mapping[str, str], caps: Caps) -> _Plan:
    if _METADATA not in names:
        return _Plan(set(), [])
    metadata = _metadata(source, caps)
    submissions = metadata | {name: {} for name in names if name.startswith("submission_") and name not in metadata}
    submissions.pop(_METADATA, None)
    latest: dict[str, tuple[datetime, int, str]] = {}
    accounts: dict[str, set[str]] = defaultdict(set)
    for name, record in submissions.items():
        number = int((re.findall(r"\d{1,18}", name) or ["0"])[-1])
        for person in record.get(":submitters") or [{}]:
            sid, email = (_NULL.sub("", person.get(key, "").strip()) for key in (":sid", ":email"))
            student = sid or email.partition("@")[0] or name
            accounts[student].add(email.casefold())
            this = (_created(record.get(":created_at")) or datetime.min, number, name)
            latest[student] = max(latest.get(student, this), this)
    found = []
    for student, (created, _, name) in latest.items():
        # People can type in their own sid: "the latest counts" would let one replace another's work.
        fault = None
        if len(accounts[student]) > 1:
            some = _listed(accounts[student])
            fault = f"the accounts {some} share this student id; give each its own :sid: in {_METADATA}"
        places = ((name, "" if names[name] == "folder" else name),) if name in names else ()
        found.append(_Found(student, places, timestamp=None if created == datetime.min else created, fault=fault))
    return _Plan({_METADATA} | (set(names) & set(submissions)), found)


def _metadata(source: _Source, caps: Caps) -> dict[str, dict[str, Any]]:
    """Gradescope's records by the name of the folder."""
    content = b""
    with closing(source.files(_METADATA, caps)) as entries:
        for path, content_up_to in entries:
            content = b"" if path else content_up_to(caps.metadata)
    if len(content) > caps.metadata:
        raise ValueError(f"{_METADATA} is larger than {_size(caps.metadata)}")
    try:
        # The base loader reads everything as text: an id keeps its zeros, and Ruby's own types do no harm.
        records = yaml.load(content, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))
    except (yaml.YAMLError, UnicodeError, RecursionError) as error:
        raise ValueError(f"{_METADATA} is not YAML: {error}") from error
    if not isinstance(records, dict) or not all(_is_record(record) for record in records.values()):
        raise ValueError(f"{_METADATA} should hold, for each submission, :submitters: with their :sid: and :email:")
    return {str(name): record or {} for name, record in records.items()}


def _is_record(record: object) -> bool:
    if not record:
        return True
    if not isinstance(record, dict) or not isinstance(people := record.get(":submitters") or [], list):
        return False
    return all(
        isinstance(person, dict) and all(isinstance(person.get(key, ""), str) for key in (":sid", ":email"))
        for person in people
    )


def _created(value: object) -> datetime | None:
    """A time as Ruby writes it, such as "2026-11-25 10:00:00.123456789 Z", in UTC and without a zone."""
    text = value.get("utc", "") if isinstance(value, dict) else value  # a Rails time, where it was not made plain
    if not isinstance(text, str):
        return None
    try:
        time = datetime.fromisoformat(re.sub(r"\s+(?=(?:Z|[+-]\d\d:?\d\d)$)", "", text.strip()))
        return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time
    except (ValueError, OverflowError):
        return None
