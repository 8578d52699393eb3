"""Receives one submission: all its files within caps, as nbgrader expects them, or the reason of its refusal."""

from __future__ import annotations

import hashlib
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime

from nbgrader.utils import parse_utc

from grader.intake.arranging import arranged
from grader.intake.caps import Caps, Refusal, amount
from grader.intake.names import check_path, escaped, is_junk, shown, unfit
from grader.intake.notebook_check import notebook_fault
from grader.intake.sources import Found, Source
from grader.records import Submission

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


def receive(source: Source, found: Found, expected: frozenset[str], caps: Caps) -> Submission:
    """Reads one submission, or says why not; raises nothing for whatever a student may have done."""
    read: dict[str, bytes] = {}
    try:
        if fault := unfit(found.student):
            raise Refusal(f"the student id {shown(found.student)} {fault}; rename it")
        _read(source, found, read, caps)
        if found.fault:
            raise Refusal(found.fault)
        files = arranged(read, expected, found.renamed)
        fit, notes = _fit(files, expected, caps)
        timestamp = found.timestamp if found.renamed else _timestamp(files.get("timestamp.txt", b""))
        return Submission(found.student, fit, _digest(files, notes=notes), timestamp, notes=notes)
    except Refusal as refusal:
        reason = str(refusal)
    except _UNREADABLE as error:
        # Only the system's own words: a path of this machine would make the digest another one elsewhere.
        what = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        reason = f"it cannot be read: {shown(what)}"
    return Submission(escaped(found.student), {}, _digest(read, reason), found.timestamp, reason)


def _read(source: Source, found: Found, read: dict[str, bytes], caps: Caps) -> None:
    """Reads all files of a submission into `read`, which also tells how far it came."""
    total = 0
    for place, name in found.places:
        with closing(source.files(place, caps)) as entries:
            for below, content_up_to in entries:
                path = unicodedata.normalize("NFC", "/".join(filter(None, (name, below))))
                if not path:
                    raise Refusal(f"{shown(place)} is a file where a folder was expected")
                check_path(path, caps)
                if is_junk(path) or (found.renamed and path == "timestamp.txt") or found.fault:
                    continue
                kind, most = ("notebook", caps.notebook) if path.endswith(".ipynb") else ("file", caps.file)
                content = content_up_to(min(most, caps.total - total))
                if len(content) > most:
                    raise Refusal(f"{shown(path)} is larger than {amount(most)}, the most that a {kind} may have")
                total += len(content)
                if total > caps.total:
                    raise Refusal(f"its files are larger than {amount(caps.total)} together, the most they may have")
                if path in read:
                    raise Refusal(f"{shown(path)} is there twice")
                read[path] = content


def _fit(files: dict[str, bytes], expected: frozenset[str], caps: Caps) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """The files without those expected notebooks that are none, and why these are left out.

    To nbgrader a notebook that is left out was not handed in, and scores 0; the others count as if it were fit.
    """
    paths = [path for name in sorted(expected) if (path := f"{name}.ipynb") in files]
    faults = {path: fault for path in paths if (fault := notebook_fault(files[path], caps))}
    notes = tuple(f"{shown(path)} {fault}" for path, fault in faults.items())
    if len(faults) == len(paths):
        raise Refusal("; ".join(notes))
    return {path: content for path, content in files.items() if path not in faults}, notes


def _timestamp(content: bytes) -> datetime | None:
    """The time in nbgrader's `timestamp.txt`, read as nbgrader reads it."""
    try:
        text = content[:100].decode().strip()
        return parse_utc(text) if text else None
    except (ValueError, OverflowError, TypeError, ArithmeticError):
        seen = shown(content[:40].decode(errors="replace"))
        raise Refusal(f"timestamp.txt says {seen}, which is no time such as '2026-11-25 10:00:00 UTC'") from None


def _digest(files: Mapping[str, bytes], reason: str = "", notes: tuple[str, ...] = ()) -> str:
    """SHA-256 of all paths and contents, left out or not, and of why something is. Lengths keep them apart."""
    digest = hashlib.sha256()
    for what, words in (("refused", reason), *(("left out", note) for note in notes)):
        if words:
            digest.update(f"{what} {len(words)}:{words}".encode(errors="backslashreplace"))
    for path in sorted(files):
        name = path.encode(errors="surrogateescape")
        digest.update(b"%d:%s%d:" % (len(name), name, len(files[path])))
        digest.update(files[path])
    return digest.hexdigest()
