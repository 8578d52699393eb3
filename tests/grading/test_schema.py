"""Cells are checked by nbgrader's schema as nbgrader checks them, only quicker."""

import jsonschema
import pytest
from nbformat import NotebookNode
from nbgrader.nbgraderformat import ValidationError
from nbgrader.nbgraderformat.v3 import MetadataValidatorV3

from grader.schema import schema_taken_as_given

GOOD = {"schema_version": 3, "grade": True, "solution": False, "locked": True, "points": 2, "grade_id": "test"}
WRONG = [
    GOOD | {"grade": "yes"},
    GOOD | {"points": -1},
    GOOD | {"grade_id": "no blanks"},
    GOOD | {"cell_type": "prose"},
    {key: value for key, value in GOOD.items() if key != "locked"},
]


def validate(metadata: dict) -> None:
    MetadataValidatorV3().validate_cell(
        NotebookNode(cell_type="code", metadata=NotebookNode(nbgrader=NotebookNode(metadata)))
    )


def test_what_nbgrader_takes_is_taken() -> None:
    with schema_taken_as_given():
        validate(GOOD)


@pytest.mark.parametrize("metadata", WRONG)
def test_what_nbgrader_refuses_is_refused_in_the_same_words(metadata: dict) -> None:
    with pytest.raises(ValidationError) as usual:
        validate(metadata)
    with schema_taken_as_given(), pytest.raises(ValidationError) as quick:
        validate(metadata)
    assert str(quick.value) == str(usual.value)


def test_the_schema_is_not_checked_with_every_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    checked = []
    monkeypatch.setattr(jsonschema.Draft4Validator, "check_schema", checked.append)
    with schema_taken_as_given():
        validate(GOOD)
    assert not checked
    validate(GOOD)
    assert checked
