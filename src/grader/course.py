"""Reads an nbgrader course: its settings, its folders, and an assignment as one value that a worker can hold."""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from jupyter_core.application import JupyterApp
from nbgrader import api
from nbgrader.apps import NbGrader
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import Execute
from nbgrader.utils import find_all_files
from sqlalchemy import Connection, Engine, Table, create_engine, insert, make_url, select
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from traitlets.config import Application, Config

from grader.records import Assignment, Limits

WAIT_SECONDS = 60  # for a gradebook that another program is writing, far above the milliseconds of one transaction
TABLES: dict[str, Table] = api.Base.metadata.tables
_RELEASE = "run `nbgrader generate_assignment {}` or the course's own release command, such as `make release`"
Rows = dict[str, list[dict[str, Any]]]


class CourseError(Exception):
    """The course, as it is, cannot be graded; the words are for its instructor."""


@dataclass(frozen=True)
class Course:
    """A course as nbgrader sees it.

    Attributes:
        root: the folder that holds nbgrader_config.py.
        config: all that was configured, the user's and the system's Jupyter settings included.
        directory: nbgrader's own view of the course's folders.
    """

    root: Path
    config: Config
    directory: CourseDirectory

    @property
    def db_url(self) -> str:
        """SQLAlchemy's address of the gradebook; it may hold a password."""
        return str(self.directory.db_url)

    def submitted(self, student: str, assignment: str) -> Path:
        """Where nbgrader expects what a student handed in."""
        return self._folder(self.directory.submitted_directory, student, assignment)

    def autograded(self, student: str, assignment: str) -> Path:
        """Where Formgrader expects the graded notebooks."""
        return self._folder(self.directory.autograded_directory, student, assignment)

    def feedback(self, student: str, assignment: str) -> Path:
        """Where nbgrader expects the pages for the student."""
        return self._folder(self.directory.feedback_directory, student, assignment)

    def source(self, assignment: str) -> Path:
        """Where the instructor's version lies."""
        _one_name("assignment", assignment)
        return Path(self.directory.format_path(self.directory.source_directory, ".", assignment))

    def _folder(self, step: str, student: str, assignment: str) -> Path:
        _one_name("student", student)
        _one_name("assignment", assignment)
        return Path(self.directory.format_path(step, student, assignment))


def load(root: Path, *, db: str | None = None) -> Course:
    """Read a course's settings in nbgrader's order: Jupyter's folders, then the course's own file.

    As nbgrader does, it lets the settings import modules that lie in the course's folder.

    Args:
        root: the course's folder. Settings may name another root; nbgrader follows them, and so does this.
        db: the gradebook's address, instead of the configured one.

    Raises:
        CourseError: there is no such folder, its settings cannot be read, or the address is none.
    """
    root = root.resolve()
    if not root.is_dir():
        raise CourseError(f"the course's folder must exist, got {root}")
    if str(root) not in sys.path:
        sys.path.append(str(root))  # at the end, where it shadows nothing; nbgrader puts it first
    reader = NbGrader(raise_config_file_errors=True)
    try:
        JupyterApp.load_config_file(reader)
        reader.update_config(Config({"CourseDirectory": {"root": str(root)}}))
        Application.load_config_file(reader, "nbgrader_config.py", path=str(root))
        config = reader.config
        if db is not None:
            config.CourseDirectory.db_url = db
        directory = CourseDirectory(config=config)
        directory.db_url = config.CourseDirectory.db_url = _anchored(directory.db_url, Path(directory.root))
    except Exception as error:  # a settings file is a program: anything may come out of it
        raise CourseError(f"the settings of {root} cannot be read: {type(error).__name__}: {error}") from error
    return Course(root=Path(directory.root), config=config, directory=directory)


def connect(course: Course) -> Engine:
    """An engine on the course's gradebook, which must exist; connections that went away are replaced.

    Raises:
        CourseError: there is no gradebook yet, or no driver for its address.
    """
    url = make_url(course.db_url)
    backend = url.get_backend_name()
    if backend == "sqlite" and not Path(url.database or "").is_file():
        raise CourseError(f"there is no gradebook at {url.database}: {_RELEASE.format('NAME')}")
    waits = {"sqlite": {"timeout": WAIT_SECONDS}, "postgresql": {"connect_timeout": WAIT_SECONDS}}
    try:
        return create_engine(url, pool_pre_ping=True, connect_args=waits.get(backend, {}))
    except (ImportError, NoSuchModuleError) as error:
        raise CourseError(
            f"no driver for the gradebook {url.render_as_string()} ({error}); for PostgreSQL, "
            "`pip install 'psycopg[binary]'` and write postgresql+psycopg://…"
        ) from error


def snapshot(course: Course, assignment: str, limits: Limits | None = None) -> Assignment:
    """All that a worker needs to grade an assignment, copied out of the course; nobody's work is in it.

    Args:
        course: where the assignment is.
        assignment: its name in the gradebook.
        limits: what a submission may use; the seconds for a cell give way to nbgrader's own setting where there is one.

    Raises:
        CourseError: the gradebook does not know it, its language is not Python, or the gradebook cannot be read.
    """
    engine = connect(course)
    try:
        with engine.connect() as connection:
            rows = _rows(connection, assignment)
    except SQLAlchemyError as error:
        where = engine.url.render_as_string()
        raise CourseError(
            f"the gradebook {where} cannot be read ({error}); if it is new and empty, {_RELEASE.format(assignment)}; "
            "if it is older than this nbgrader, run `nbgrader db upgrade`"
        ) from error
    finally:
        engine.dispose()
    for notebook in rows["notebook"]:
        _check_language(notebook)
    given = _given(course, assignment)
    limits = _limits(course, limits or Limits())
    return Assignment(assignment, _database(rows), given, limits, _digest(rows, given, limits))


def _one_name(what: str, value: str) -> None:
    """Names become folders: one that climbs or digs would write elsewhere."""
    if value in {"", ".", ".."} or "/" in value or "\0" in value:
        raise CourseError(f"a name of a {what} must be one plain folder name, got {value!r}")


def _anchored(db_url: str, root: Path) -> str:
    """A relative SQLite path counts from the course's root, where nbgrader is run, wherever this runs."""
    try:
        url = make_url(db_url)
    except ArgumentError as error:
        raise ValueError(f"the gradebook's address must look like sqlite:///gradebook.db, got {db_url!r}") from error
    if url.get_backend_name() == "sqlite" and url.database:
        return url.set(database=str(root / url.database)).render_as_string(hide_password=False)
    return db_url  # as it was written: another spelling may hold a %, which nbgrader's migrations cannot read


def _rows(connection: Connection, name: str) -> Rows:
    """The assignment's rows in every table that describes it, a row before those that refer to it."""

    def read(table: str, column: str, values: list[Any]) -> list[dict[str, Any]]:
        chosen = TABLES[table]
        return [dict(row) for row in connection.execute(select(chosen).where(chosen.c[column].in_(values))).mappings()]

    found = read("assignment", "name", [name])
    if not found:
        known = sorted(connection.scalars(select(TABLES["assignment"].c.name)))
        raise CourseError(
            f"the gradebook has no assignment {name!r}; it knows {', '.join(known) or 'none'}. "
            f"To make it known, {_RELEASE.format(name)}"
        )
    rows = {"course": read("course", "id", [found[0]["course_id"]]), "assignment": found}
    rows["notebook"] = read("notebook", "assignment_id", [found[0]["id"]])
    notebooks = [notebook["id"] for notebook in rows["notebook"]]
    rows["source_cell"] = read("source_cell", "notebook_id", notebooks)
    rows["base_cell"] = read("base_cell", "notebook_id", notebooks)
    cells = [cell["id"] for cell in rows["base_cell"]]
    return rows | {kind: read(kind, "id", cells) for kind in ("grade_cells", "solution_cells", "task_cells")}


def _database(rows: Rows) -> bytes:
    """A fresh SQLite gradebook with these rows alone."""
    engine = create_engine("sqlite://")
    try:
        with engine.begin() as connection:
            api.Base.metadata.create_all(connection)
            for table, found in rows.items():
                if found:
                    connection.execute(insert(TABLES[table]), found)
        with engine.connect() as connection:
            return bytes(connection.connection.driver_connection.serialize())  # type: ignore[union-attr]
    finally:
        engine.dispose()


def _check_language(notebook: dict[str, Any]) -> None:
    spec = json.loads(notebook["kernelspec"] or "{}")  # without one, the notebook runs on Jupyter's default, Python
    language = str(spec.get("language") or spec.get("name") or "python").lower()
    if not language.startswith("python"):
        raise CourseError(f"only Python can be graded; notebook {notebook['name']!r} asks for the kernel {spec}")


def _given(course: Course, assignment: str) -> dict[str, bytes]:
    """The files that nbgrader puts over the student's: all but notebooks, and what the settings except."""
    source = course.source(assignment).resolve()
    kept = set(Autograde(coursedir=course.directory, config=course.config).exclude_overwriting.get(assignment, []))
    paths = sorted(Path(path) for path in find_all_files(str(source), [*course.directory.ignore, "*.ipynb"]))
    files = {path.relative_to(source).as_posix(): path for path in paths}
    return {name: path.read_bytes() for name, path in files.items() if name not in kept}


def _limits(course: Course, limits: Limits) -> Limits:
    sections = [section.__name__ for section in Execute.mro() if section.__name__ in course.config]
    seconds = Execute(config=course.config).timeout
    if any("timeout" in course.config[section] for section in sections) and seconds is not None and seconds > 0:
        return replace(limits, cell_seconds=float(seconds))
    return limits


def _digest(rows: Rows, given: dict[str, bytes], limits: Limits) -> str:
    """A hash of what matters to a score: ids are random, and the same content may lie under others, in any order."""
    names = {row["id"]: row["name"] for row in rows["notebook"]}
    names |= {cell["id"]: f"{names[cell['notebook_id']]}/{cell['name']}" for cell in rows["base_cell"]}

    def named(row: dict[str, Any]) -> str:
        plain = {column: value for column, value in row.items() if column != "id" and not column.endswith("_id")}
        return json.dumps([names.get(row.get("notebook_id")), names.get(row["id"]), plain], sort_keys=True, default=str)

    cells = {table: sorted(map(named, found)) for table, found in rows.items() if table != "course"}
    files = {name: hashlib.sha256(data).hexdigest() for name, data in given.items()}
    return hashlib.sha256(json.dumps([cells, files, asdict(limits)], sort_keys=True).encode()).hexdigest()
