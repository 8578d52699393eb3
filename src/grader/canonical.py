"""The first wall behind intake: of a submitted cell only which cell it is counts, and what a student may write in it.

Locked cells are the gradebook's, every flag, point and checksum is the gradebook's, and what is missing comes back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from nbformat import NotebookNode
from nbformat.corpus.words import generate_corpus_id
from nbgrader.api import Notebook
from nbgrader.preprocessors import NbGraderPreprocessor

_HIDDEN = re.compile(r"### BEGIN HIDDEN TESTS.*?(### END HIDDEN TESTS|\Z)", re.DOTALL)
_KEPT = ("kernelspec", "language_info")  # of a notebook's metadata
_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml")  # that may be pasted into a cell
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]+")
_IN_PROCESS = re.compile(r"^\s*#\s*grader:\s*in the student's process\b", re.MULTILINE | re.IGNORECASE)


@dataclass
class Cells:
    """What the gradebook knows of one notebook's cells.

    Attributes:
        stubs: by grade id, each cell that students write as it was handed out.
        locked: by grade id, the text of each cell that is the instructor's, hidden tests included.
        metadata: by grade id, nbgrader's metadata as they must be.
        order: grade ids from top to bottom.
    """

    stubs: dict[str, str] = field(default_factory=dict)
    locked: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, dict[str, Any]] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, known: Notebook) -> Cells:
        """Those of a notebook of an assignment, as a gradebook that is open has it."""
        points = {cell.name: cell.max_score for cell in [*known.grade_cells, *known.task_cells]}
        graded = {cell.name for cell in known.grade_cells}
        solutions = {cell.name for cell in known.solution_cells}
        tasks = {cell.name for cell in known.task_cells}
        cells = cls()
        for source in known.source_cells:
            name = source.name
            cells.order.append(name)
            (cells.locked if source.locked else cells.stubs)[name] = source.source or ""
            cells.metadata[name] = {
                "schema_version": 3,
                "grade_id": name,
                "cell_type": source.cell_type,
                "locked": source.locked,
                "checksum": source.checksum,
                "grade": name in graded,
                "solution": name in solutions,
                "task": name in tasks,
            } | ({"points": points[name]} if name in points else {})
        return cells

    def cell(self, name: str, source: str, handed_in: NotebookNode | None = None) -> NotebookNode:
        """A cell as it must be, with a text, and the pictures of the cell that was handed in."""
        cell = _new(self.metadata[name]["cell_type"], source, handed_in)
        cell.metadata["nbgrader"] = dict(self.metadata[name])
        if name in self.locked:
            cell.metadata.update(deletable=False, editable=False)
        return cell


def in_students_process(source: str) -> bool:
    """Whether the instructor has marked a test cell to run where the student's code runs: it can be forged there."""
    return bool(_IN_PROCESS.search(source))


class CanonicalMetadata(NbGraderPreprocessor):
    """In place of nbgrader's `OverwriteCells`, and first: rebuilds each cell from the gradebook and the student's text.

    ``resources["grader"]`` is the `grader.grading.Grading` of this submission; it learns whether anything that students
    should not touch was touched.
    """

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """One notebook."""
        grading = resources["grader"]
        rebuilt, touched = rebuild(nb.cells, grading.cells[resources["nbgrader"]["notebook"]])
        nb.cells = rebuilt
        nb.metadata = NotebookNode({k: v for k, v in nb.metadata.items() if k in _KEPT and isinstance(v, dict)})
        nb.nbformat, nb.nbformat_minor = 4, 5
        if touched:
            grading.flag("tampered", ", ".join(touched))
        return nb, resources


def rebuild(submitted: list[NotebookNode], cells: Cells) -> tuple[list[NotebookNode], list[str]]:
    """The cells to be graded, in the student's order, and the grade ids of those that were touched against the rules.

    A second cell of one grade id is the student's own: it runs, and is not graded.
    """
    rebuilt: list[NotebookNode] = []
    places: dict[str, int] = {}
    touched: list[str] = []
    for cell in submitted:
        claimed = cell.get("metadata", {}).get("nbgrader")
        name = claimed.get("grade_id") if isinstance(claimed, dict) else None
        source = _text(cell)
        if not isinstance(name, str) or name not in cells.metadata or name in places:
            own = _new(cell.get("cell_type", ""), source, cell)
            if isinstance(name, str) and name in places and name in cells.locked:
                touched.append(f"{name} doubled")
            rebuilt.append(own)
            continue
        places[name] = len(rebuilt)
        if (
            _differs(claimed, cells.metadata[name])
            or cell.get("cell_type") != cells.metadata[name]["cell_type"]
            or (name in cells.locked and _bare(source) != _bare(cells.locked[name]))
            or set(cell.get("metadata", {}).get("tags", ())) & {"skip-execution", "raises-exception"}
        ):
            touched.append(name)
        rebuilt.append(cells.cell(name, cells.locked.get(name, source), cell))
    for number, name in enumerate(cells.order):
        if name not in places:
            before = [places[other] for other in cells.order[:number] if other in places]
            place = max(before) + 1 if before else 0
            rebuilt.insert(place, cells.cell(name, cells.locked.get(name, cells.stubs.get(name, ""))))
            places = {other: at + (at >= place) for other, at in places.items()} | {name: place}
            touched.append(f"{name} missing")
    return rebuilt, touched


def _new(kind: Any, source: str, handed_in: NotebookNode | None) -> NotebookNode:
    kind = kind if kind in ("code", "markdown") else "raw"
    # not by nbformat's functions, which check each cell by the schema: the whole notebook is checked at the end
    cell = NotebookNode(id=generate_corpus_id(), cell_type=kind, metadata=NotebookNode(), source=source)
    if kind == "code":
        cell.update(execution_count=None, outputs=[])
    pictures = _pictures(handed_in.get("attachments")) if handed_in is not None else {}
    if cell.cell_type == "markdown" and pictures:
        cell["attachments"] = pictures
    return cell


def _pictures(attachments: Any) -> dict[str, dict[str, str]]:
    """What was pasted into a cell, as far as it is pictures."""
    pictures = {}
    for name, content in attachments.items() if isinstance(attachments, dict) else ():
        shown = (
            {kind: data for kind, data in content.items() if _shows(kind, data)} if isinstance(content, dict) else {}
        )
        if shown:
            pictures[name] = shown
    return pictures


def _shows(kind: Any, data: Any) -> bool:
    return kind in _PICTURES and isinstance(data, str) and bool(_BASE64.fullmatch(data))


def _text(cell: NotebookNode) -> str:
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(map(str, source)) if isinstance(source, list) else ""


def _differs(claimed: dict[str, Any], right: dict[str, Any]) -> bool:
    """Whether flags or points are not what was handed out; the checksum tells nothing: Jupyter leaves it alone."""
    flags = [key for key in ("locked", "grade", "solution", "task", "points") if key in right]
    return any(claimed.get(key, right[key]) != right[key] for key in flags)


def _bare(source: str) -> str:
    """A locked cell's text as students see it, blanks at the ends of lines apart."""
    return "\n".join(line.rstrip() for line in _HIDDEN.sub("", source).strip().splitlines())
