"""An assignment made ready for workers: its cells, what its notebooks import, and what the sandbox must show."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from nbgrader import utils
from nbgrader.api import Gradebook
from traitlets import Dict, Int, List, Unicode
from traitlets.config import Configurable

from grader.canonical import Cells
from grader.course import Course, snapshot
from grader.records import Assignment, Limits, Walls
from grader.throwaway import throwaway_gradebook


class Sandbox(Configurable):
    """What a course's `nbgrader_config.py` may say of the sandbox, as ``c.Sandbox.read_only = [...]``."""

    read_only = List(Unicode(), help="files and folders that notebooks read: data sets, for instance").tag(config=True)
    environment = Dict(
        key_trait=Unicode(), value_trait=Unicode(), help="variables of the environment, on top of a minimal few"
    ).tag(config=True)
    modules = List(Unicode(), help="modules to import once for all, besides those the notebooks import").tag(
        config=True
    )
    prepare = List(
        Unicode(), help="statements to execute once for all, after the imports: to load a data set, for instance"
    ).tag(config=True)
    memory = Int(Limits.memory, help="bytes of data that one process may hold").tag(config=True)
    processes = Int(Limits.processes, help="processes and threads at a time").tag(config=True)
    scratch = Int(Limits.scratch, help="bytes of files that may be written").tag(config=True)
    notebook_seconds = Int(int(Limits.notebook_seconds), help="seconds for one notebook").tag(config=True)


def prepare(course: Course, name: str, *, unprotected: bool = False) -> Assignment:
    """Everything that grading an assignment takes, as one value.

    Args:
        course: where it is.
        name: nbgrader's name of it.
        unprotected: whether to grade without any walls.

    Raises:
        CourseError: the course does not know the assignment, or it is not in Python.
    """
    settings = Sandbox(config=course.config)
    limits = Limits(
        memory=settings.memory,
        processes=settings.processes,
        scratch=settings.scratch,
        notebook_seconds=settings.notebook_seconds,
    )
    assignment = snapshot(course, name, limits)
    with throwaway_gradebook(assignment.database), Gradebook(course.db_url) as copy:
        known = {notebook.name: Cells.of(notebook) for notebook in copy.find_assignment(name).notebooks}
    imports = {path.stem: _imports_handed_out(path) for path in sorted(course.source(name).glob("*.ipynb"))}
    sources = [source for cells in known.values() for source in (*cells.stubs.values(), *cells.locked.values())]
    modules = {module for source in [*sources, *imports.values()] for module in _modules(source)}
    installed = sorted(module for module in [*modules, *settings.modules] if _is_installed(module))
    walls = Walls(
        modules=tuple(installed),
        prepare=tuple(settings.prepare),
        read_only=tuple(settings.read_only),
        environment=tuple(sorted(settings.environment.items())),
        none=unprotected,
    )
    digest = hashlib.sha256(repr((assignment.digest, sorted(imports.items()), walls)).encode()).hexdigest()
    return replace(assignment, imports=imports, cells=known, walls=walls, digest=digest)


def _imports_handed_out(path: Path) -> str:
    """What the cells of an instructor's notebook import that students may change: tests may count on it.

    A test that says ``np.allclose`` means the instructor's ``np``, whatever a student makes of that name.
    """
    notebook = nbformat.read(path, as_version=4)
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code" and not utils.is_locked(cell)]
    found = [statement for source in sources for statement in _parsed(source).body]
    return "\n".join(ast.unparse(one) for one in found if isinstance(one, ast.Import | ast.ImportFrom))


def _modules(source: str) -> Iterator[str]:
    for node in ast.walk(_parsed(source)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def _parsed(source: str) -> ast.Module:
    try:
        return ast.parse(TransformerManager().transform_cell(source))
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def _is_installed(module: str) -> bool:
    """Whether its package is here; to look for a module inside, that would be imported."""
    try:
        return importlib.util.find_spec(module.partition(".")[0]) is not None
    except (ImportError, ValueError, AttributeError):
        return False
