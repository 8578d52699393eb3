"""Puts the files of a submission under the names that nbgrader expects."""

from __future__ import annotations

import re
from collections.abc import Mapping

from grader.intake.caps import Refusal
from grader.intake.names import listed, shown


def arranged(read: Mapping[str, bytes], expected: frozenset[str], renamed: bool) -> dict[str, bytes]:
    """The files under the names that nbgrader expects.

    Args:
        read: contents by path.
        expected: names of the notebooks, without `.ipynb`. A copy is taken for one that is missing.
        renamed: whether to take off the folders around all files, as exports have them.

    Raises:
        Refusal: none of the expected notebooks is there, or two paths cannot both be there on every system.
    """
    files = dict(read)
    while renamed and files and len({path.partition("/")[:2] for path in files}) == 1 and "/" in next(iter(files)):
        files = {path.partition("/")[2]: content for path, content in files.items()}
    notebooks = sorted(path for path in files if "/" not in path and path.endswith(".ipynb"))
    for name in sorted(expected):
        copies = [path for path in notebooks if meant(path, expected) == name]
        if f"{name}.ipynb" not in files and len(expected) == len(notebooks) == 1:
            copies = notebooks
        if f"{name}.ipynb" not in files and copies:
            files[f"{name}.ipynb"] = files.pop(max(copies, key=_copy_number))
    if not any(f"{name}.ipynb" in files for name in expected):
        wanted = " or ".join(f"{name}.ipynb" for name in sorted(expected))
        raise Refusal(f"there is no {wanted}; seen: {listed(files)}")
    folded: dict[str, str] = {}
    for path in sorted(files):
        if (twin := folded.setdefault(path.casefold(), path)) != path:
            raise Refusal(f"{shown(twin)} and {shown(path)} are the same file on Windows and macOS")
    for path in files:
        for end in [i for i, character in enumerate(path) if character == "/"]:
            if path[:end].casefold() in folded:
                raise Refusal(f"{shown(path[:end])} is both a file and a folder")
    return files


_COPY = re.compile(r"(?:-Copy\d+|-\d+| ?\(\d+\))$")  # Jupyter's, Canvas's, and the browsers' marks


def meant(path: str, expected: frozenset[str]) -> str | None:
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
