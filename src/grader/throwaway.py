"""The gradebook of one job: nbgrader opens it some ten times a submission, and it is thrown away afterwards.

Left to itself nbgrader makes an engine each time, which compiles every statement anew, looks whether all tables are
there, and has every commit reach the disk: most of its own time. Here the gradebook lies in memory, one engine serves a
process, and to open the gradebook is to begin a session.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator

from nbgrader.api import Authenticator, Gradebook
from sqlalchemy import StaticPool, create_engine
from sqlalchemy.orm import scoped_session, sessionmaker

_database = b""
_engine = create_engine("sqlite://", creator=lambda: _connect(), poolclass=StaticPool)
_session = sessionmaker(_engine, expire_on_commit=False)  # nobody else writes: what was read once holds


def _connect() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.deserialize(_database)
    return connection


def _open(
    self: Gradebook, db_url: str, course_id: str = "default_course", authenticator: Authenticator | None = None
) -> None:
    self.engine, self.course_id, self.authenticator = _engine, course_id, authenticator
    self.db = scoped_session(_session)


def _close(self: Gradebook) -> None:
    self.db.remove()


@contextlib.contextmanager
def throwaway_gradebook(database: bytes) -> Iterator[None]:
    """Whatever gradebook nbgrader opens meanwhile, in this process, is a copy of this one.

    Args:
        database: SQLite's bytes of it, with all tables and the course.
    """
    global _database
    usual, _database = (Gradebook.__init__, Gradebook.close), database
    Gradebook.__init__, Gradebook.close = _open, _close
    try:
        yield
    finally:
        Gradebook.__init__, Gradebook.close = usual
        _engine.dispose()
