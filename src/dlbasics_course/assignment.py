"""An assignment as its author wrote it: text, fixed cases, the bank of mistakes, right solutions of other styles."""

from __future__ import annotations

import ast
import hashlib
import re
import runpy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jupytext
from markdown_it import MarkdownIt
from nbformat import NotebookNode

from dlbasics.checking.tasks import Task

_STEP = re.compile(r"^## (.+)$", re.MULTILINE)
_OBJECTIVE = re.compile(r"^\*\*You practise:\*\* (.+?)\.$", re.MULTILINE)
_KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


class AssignmentError(ValueError):
    """An assignment is not written as it should be; the message names the file and says what is wrong."""


@dataclass(frozen=True)
class Variant:
    """A way to write one function, wrong or right.

    Attributes:
        task: the function's name.
        name: of the mistake, or of the style.
        says: of a mistake what the student reads; empty for a right solution.
        source: the cell.
    """

    task: str
    name: str
    says: str
    source: str


@dataclass(frozen=True)
class Step:
    """A step of an assignment: the cells under one heading.

    Attributes:
        title: its heading.
        objective: what it practises: the words after "You practise:".
        tasks: the functions that its visible check asks for.
        cells: all of its code cells, in order.
    """

    title: str
    objective: str
    tasks: Sequence[str]
    cells: Sequence[NotebookNode]

    @property
    def points(self) -> int:
        """Points of all graded cells."""
        return sum(points(cell) for cell in self.cells)


@dataclass(frozen=True)
class Assignment:
    """An assignment under `solutions/`.

    Attributes:
        folder: where it lies; its name is the assignment's.
        notebook: with solutions and hidden tests.
    """

    folder: Path
    notebook: NotebookNode

    @property
    def name(self) -> str:
        """The assignment's name."""
        return self.folder.name

    @property
    def steps(self) -> list[Step]:
        """The steps in order; the cells before the first heading of a step are the set-up, and belong to none."""
        sections: list[tuple[str, list[NotebookNode]]] = [("", [])]
        for cell in self.notebook.cells:
            if cell.cell_type == "code":
                sections[-1][1].append(cell)
            elif _STEP.search(cell.source):
                sections.append((cell.source, []))
        return [_step(words, cells) for words, cells in sections if any(map(is_graded, cells))]

    @property
    def set_up(self) -> list[NotebookNode]:
        """The code cells before the first step."""
        first = self.steps[0].cells[0].id
        code = [cell for cell in self.notebook.cells if cell.cell_type == "code"]
        return code[: [cell.id for cell in code].index(first)]

    def step_of(self, task: str) -> Step:
        """The step that checks a function.

        Raises:
            AssignmentError: none does.
        """
        for step in self.steps:
            if task in step.tasks:
                return step
        raise AssignmentError(f'{self.folder / self.name}.md: no `check.step("{task}", ...)` in any step')

    def declared_tasks(self) -> dict[str, Task]:
        """The tasks of `cases.py`, without expected results and mistakes."""
        path = self.folder / "cases.py"
        tasks = runpy.run_path(str(path)).get("TASKS")
        if not isinstance(tasks, dict):
            raise AssignmentError(f"{path}: TASKS, a dictionary of functions' names and their Task, is missing")
        return tasks

    def mistakes(self) -> list[Variant]:
        """The bank of mistakes, `mistakes.md`."""
        return read_variants(self.folder / "mistakes.md")

    def accepted(self) -> list[Variant]:
        """Right solutions of other styles, `accepted.md`."""
        return read_variants(self.folder / "accepted.md")


def read_assignment(folder: Path) -> Assignment:
    """Read `solutions/<name>/<name>.md`.

    Each cell's id is its grade id, or a digest of its source: the notebook is the same from run to run.

    Raises:
        AssignmentError: two cells would have one id.
    """
    path = folder / f"{folder.name}.md"
    notebook = jupytext.reads(path.read_text(encoding="utf-8"), fmt="md:myst")
    seen: set[str] = set()
    for cell in notebook.cells:
        grading = cell.metadata.get("nbgrader", {})
        cell.id = grading.get("grade_id") or hashlib.sha256(cell.source.encode()).hexdigest()[:12]
        if cell.id in seen:
            raise AssignmentError(f"{path}: two cells have the id {cell.id!r}, the second begins {cell.source[:60]!r}")
        seen.add(cell.id)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    notebook.metadata = NotebookNode({"kernelspec": _KERNEL, "language_info": {"name": "python"}})
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return Assignment(folder, notebook)


def read_assignments(solutions: Path) -> list[Assignment]:
    """Every assignment under a folder, by name."""
    return [read_assignment(path.parent) for path in sorted(solutions.glob("*/*.md")) if path.stem == path.parent.name]


def read_variants(path: Path) -> list[Variant]:
    """Read `mistakes.md` or `accepted.md`: under the heading of a function one for each variant, its words, its code.

    Raises:
        AssignmentError: a block of code without both headings, or that is no Python.
    """
    variants: list[Variant] = []
    task, name, words = "", "", list[str]()
    tokens = MarkdownIt().parse(path.read_text(encoding="utf-8"))
    for token, following in zip(tokens, [*tokens[1:], *tokens[-1:]], strict=True):
        if token.type == "heading_open":
            if token.tag == "h2":
                task, name = following.content.strip("`"), ""
            elif token.tag == "h3":
                name, words = following.content, []
        elif token.type == "paragraph_open" and name:
            words.append(" ".join(following.content.split()))
        elif token.type == "fence":
            if not task or not name:
                raise AssignmentError(
                    f"{path}: code without a function's and a variant's heading: {token.content[:60]!r}"
                )
            try:
                ast.parse(token.content)
            except SyntaxError as error:
                raise AssignmentError(f"{path}, {task}, {name}: {error}") from error
            variants.append(Variant(task, name, "\n".join(words), token.content))
            words = []
    return variants


def is_graded(cell: NotebookNode) -> bool:
    """Whether a cell carries points."""
    return bool(cell.metadata.get("nbgrader", {}).get("grade"))


def is_solution(cell: NotebookNode) -> bool:
    """Whether a cell is for the student to write."""
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))


def points(cell: NotebookNode) -> int:
    """A cell's points; 0 where it is not graded."""
    return int(cell.metadata["nbgrader"]["points"]) if is_graded(cell) else 0


def _step(words: str, cells: Sequence[NotebookNode]) -> Step:
    title, objective = _STEP.search(words), _OBJECTIVE.search(words)
    return Step(title[1] if title else "", objective[1] if objective else "", _tasks_checked(cells), cells)


def _tasks_checked(cells: Sequence[NotebookNode]) -> list[str]:
    found = []
    for cell in cells:
        if not is_graded(cell):
            continue
        for node in ast.walk(ast.parse(cell.source)):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("step", "allowed")
                and node.args
                and isinstance(node.args[0], ast.Constant)
            ):
                found.append(str(node.args[0].value))
    return found
