"""Whether a file is a notebook that can be graded, found out without harm to whoever looks."""

from __future__ import annotations

import json
import re

from grader.intake.caps import Caps
from grader.intake.names import shown

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
        return f"is not JSON in UTF-8: {shown(str(error))}"
    if not isinstance(notebook, dict) or not isinstance(version := notebook.get("nbformat"), int):
        return "is JSON, but not a notebook: it has no nbformat"
    if version != 4 or isinstance(version, bool):
        return f"has nbformat {shown(str(version))}, where only 4 is understood; open it in Jupyter and save it again"
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
