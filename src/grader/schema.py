"""nbgrader's check of its cells' metadata, which checks its own schema anew with each cell: half of nbgrader's time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from jsonschema.exceptions import best_match
from jsonschema.validators import validator_for
from nbgrader.nbgraderformat import common


def _validate(instance: Any, schema: dict[str, Any]) -> None:
    """As `jsonschema.validate`, with a schema that is known to be one."""
    if error := best_match(validator_for(schema)(schema).iter_errors(instance)):
        raise error


@contextlib.contextmanager
def schema_taken_as_given() -> Iterator[None]:
    """Meanwhile nbgrader's schema is believed to be a schema, in this process; cells are checked by it as ever."""
    usual, common.jsonschema = common.jsonschema, SimpleNamespace(validate=_validate)
    try:
        yield
    finally:
        common.jsonschema = usual
