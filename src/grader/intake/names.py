"""Names that students and their systems choose: which are fit, and how to show those that are not."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection

from grader.intake.caps import Caps, Refusal

_JUNK = {"__MACOSX", "__pycache__", "Icon\r", "Thumbs.db", "desktop.ini"}  # hidden ones, .DS_Store and the like, aside


def is_junk(path: str) -> bool:
    """Whether a path leads through what a system or an editor left behind; it is not even looked at."""
    return any(part in _JUNK or (part.startswith(".") and part not in (".", "..")) for part in path.split("/"))


def check_path(path: str, caps: Caps, *, below: str = "") -> None:
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
            raise Refusal(f"the path {shown(path)} {fault}")


# nbgrader looks for submissions with globs, so their marks are unfit as well; % is what unfit ones are escaped with.
_UNFIT = re.compile(r'[/\\*?\[\]:|<>"%]|^\.|^\s|\s$')


def unfit(name: str) -> str | None:
    """Why a name can be neither a student's id in the gradebook nor a folder; None if it can."""
    if not 0 < len(name) <= 128:
        return f"has {len(name)} characters, where 1 to 128 would be right"
    if not name.isprintable():
        return "holds a character that cannot be printed"
    if match := _UNFIT.search(name):
        return f"holds {match[0]!r}" if match[0] not in (".", " ") else f"begins or ends with {match[0]!r}"
    return None


def escaped(name: str) -> str:
    """A name itself if it is fit for an id; else one that is fit but for percent signs, another for each name."""
    if not unfit(name):
        return name
    safe = "".join(
        character
        if character.isalnum() or character in "_-@+," or (character in ". " and 0 < at < len(name) - 1)
        else "".join(f"%{byte:02X}" for byte in character.encode(errors="surrogatepass"))
        for at, character in enumerate(name)
    )
    # The digest keeps apart what cutting makes the same.
    return (safe if len(safe) <= 100 else f"{safe[:80]}%{hashlib.sha256(safe.encode()).hexdigest()[:12]}") or "%"


def shown(text: str) -> str:
    """A student's text in quotes, made harmless for a terminal, and cut."""
    cut = text if len(text) <= 100 else text[:100] + "…"
    return "'" + "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut) + "'"


def listed(names: Collection[str]) -> str:
    """The first five of some names, shown, and how many more there are."""
    some = ", ".join(shown(name) for name in sorted(names)[:5])
    return some + (f" and {len(names) - 5} more" if len(names) > 5 else "") if names else "nothing"
