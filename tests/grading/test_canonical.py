"""Of a submitted cell only which cell it is counts, whatever was done to the notebook."""

import base64
from copy import deepcopy

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

from grader.canonical import Cells, in_students_process, rebuild

HIDDEN = "assert f(1) == 2\n### BEGIN HIDDEN TESTS\nassert f(2) == 3\n### END HIDDEN TESTS"
ASKED = [  # grade_id, cell type, text as students get it, flags that are set, points
    ("intro", "markdown", "What to do", {"locked"}, None),
    ("setup", "code", "import math", {"locked"}, None),
    ("f", "code", "def f(x):\n    ...", {"solution"}, None),
    ("test_f", "code", "assert f(1) == 2", {"grade", "locked"}, 3.0),
    ("why", "markdown", "YOUR ANSWER HERE", {"grade", "solution"}, 2.0),
    ("draw", "markdown", "Draw below", {"task", "locked"}, 1.0),
]
NAMES = [name for name, *_ in ASKED]
PNG = base64.b64encode(b"\x89PNG").decode()


def metadata(name, kind, flags, points):
    given = {"grade_id": name, "schema_version": 3, "cell_type": kind, "checksum": f"sum of {name}"}
    given |= {flag: flag in flags for flag in ("grade", "locked", "solution", "task")}
    return given if points is None else given | {"points": points}


def cells() -> Cells:
    known = Cells(order=list(NAMES))
    for name, kind, text, flags, points in ASKED:
        known.metadata[name] = metadata(name, kind, flags, points)
        source = HIDDEN if name == "test_f" else text
        (known.locked if "locked" in flags else known.stubs)[name] = source
    return known


def released() -> list[nbformat.NotebookNode]:
    made = []
    for name, kind, text, flags, points in ASKED:
        cell = new_code_cell(text) if kind == "code" else new_markdown_cell(text)
        cell.metadata["nbgrader"] = metadata(name, kind, flags, points)
        made.append(cell)
    return made


def at(notebook, name):
    return next(cell for cell in notebook if cell.metadata.get("nbgrader", {}).get("grade_id") == name)


def named(notebook):
    return [cell.metadata.nbgrader.grade_id for cell in notebook if "nbgrader" in cell.metadata]


def test_honest_work_is_left_as_it_is_and_gets_its_hidden_tests_back():
    notebook = released()
    at(notebook, "f").source = "def f(x):\n    return x + 1"
    notebook.insert(3, new_code_cell("f(1)"))
    rebuilt, touched = rebuild(notebook, cells())
    assert touched == []
    assert named(rebuilt) == NAMES
    assert [cell.source for cell in rebuilt] == [
        HIDDEN if c.source == "assert f(1) == 2" else c.source for c in notebook
    ]


def test_blanks_at_the_ends_of_lines_are_no_tampering():
    notebook = released()
    at(notebook, "setup").source += "  \n\n"
    assert rebuild(notebook, cells())[1] == []


@pytest.mark.parametrize(
    "change",
    [
        lambda cell: cell.update(source="assert True"),
        lambda cell: cell.update(cell_type="markdown"),
        lambda cell: cell.metadata.nbgrader.update(points=100),
        lambda cell: cell.metadata.nbgrader.update(locked=False),
        lambda cell: cell.metadata.nbgrader.update(grade="no"),
        lambda cell: cell.metadata.update(tags=["skip-execution"]),
        lambda cell: cell.metadata.update(tags=["raises-exception", "mine"]),
    ],
)
def test_a_changed_test_is_put_right_and_noted(change):
    notebook = released()
    change(at(notebook, "test_f"))
    rebuilt, touched = rebuild(notebook, cells())
    assert touched == ["test_f"]
    test = at(rebuilt, "test_f")
    assert (test.cell_type, test.source, test.metadata.get("tags")) == ("code", HIDDEN, None)
    assert test.metadata.nbgrader == cells().metadata["test_f"]


def test_a_deleted_test_comes_back_where_it_stood():
    notebook = [cell for cell in released() if cell.metadata.nbgrader.grade_id not in ("intro", "test_f")]
    rebuilt, touched = rebuild(notebook, cells())
    assert named(rebuilt) == NAMES
    assert touched == ["intro missing", "test_f missing"]


def test_the_second_of_two_cells_runs_as_the_students_own():
    notebook = released()
    notebook.append(deepcopy(at(notebook, "test_f")))
    rebuilt, touched = rebuild(notebook, cells())
    assert named(rebuilt) == NAMES
    assert touched == ["test_f doubled"]
    assert (rebuilt[-1].source, dict(rebuilt[-1].metadata)) == ("assert f(1) == 2", {})


def test_a_grade_id_that_nobody_gave_out_counts_for_nothing():
    notebook = released()
    notebook.append(new_code_cell("assert True", metadata={"nbgrader": metadata("bonus", "code", {"grade"}, 9)}))
    rebuilt, touched = rebuild(notebook, cells())
    assert (named(rebuilt), touched) == (NAMES, [])


ODD = st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2)


@st.composite
def handed_in(draw):
    """A notebook with cells doubled, deleted, swapped, edited, retagged, and of the student's own."""
    notebook = released()
    for _ in range(draw(st.integers(0, 8))):
        place = draw(st.integers(0, len(notebook) - 1)) if notebook else 0
        what = draw(st.sampled_from(["double", "delete", "move", "edit", "retag", "flag", "type", "strip", "own"]))
        if what == "own" or not notebook:
            make = draw(st.sampled_from([new_code_cell, new_markdown_cell, new_raw_cell]))
            notebook.insert(place, make(draw(st.text(max_size=5))))
        elif what == "double":
            notebook.insert(draw(st.integers(0, len(notebook))), deepcopy(notebook[place]))
        elif what == "delete":
            del notebook[place]
        elif what == "move":
            notebook.insert(draw(st.integers(0, len(notebook) - 1)), notebook.pop(place))
        elif what == "edit":
            notebook[place].source = draw(st.text(max_size=5) | st.lists(st.text(max_size=3), max_size=2))
        elif what == "retag":
            notebook[place].metadata["tags"] = [draw(st.sampled_from(["skip-execution", "raises-exception", "x"]))]
        elif what == "type":
            notebook[place]["cell_type"] = draw(st.sampled_from(["code", "markdown", "raw", "heading"]))
        elif what == "strip":
            notebook[place].metadata["nbgrader"] = draw(ODD)
        elif isinstance(notebook[place].metadata.get("nbgrader"), dict):
            key = draw(st.sampled_from(["grade_id", "grade", "solution", "locked", "task", "points", "checksum"]))
            notebook[place].metadata["nbgrader"][key] = draw(st.sampled_from(NAMES) | ODD)
    return notebook


def claimed(cell):
    nbgrader = cell.metadata.get("nbgrader")
    name = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
    return name if isinstance(name, str) and name in NAMES else None


@given(handed_in())
def test_whatever_was_done_each_cell_is_there_once_as_the_gradebook_knows_it(notebook):
    known, before = cells(), deepcopy(notebook)
    rebuilt, touched = rebuild(notebook, known)
    assert sorted(named(rebuilt)) == sorted(NAMES)
    for name in NAMES:
        cell = at(rebuilt, name)
        assert cell.metadata.nbgrader == known.metadata[name]
        assert cell.cell_type == known.metadata[name]["cell_type"]
        assert "tags" not in cell.metadata
        if name in known.locked:
            assert cell.source == known.locked[name]
    for name, text in known.stubs.items():
        texts = ["".join(cell.source) for cell in before if claimed(cell) == name]
        assert at(rebuilt, name).source == (texts[0] if texts else text)
    first = [name for place, cell in enumerate(before) if (name := claimed(cell)) not in map(claimed, before[:place])]
    first = [name for name in first if name]
    assert [name for name in named(rebuilt) if name in first] == first, "the student's order"
    assert len(rebuilt) == len(before) + len(set(NAMES) - set(first)), "no cell of the student's own is lost"
    assert {f"{name} missing" for name in set(NAMES) - set(first)} <= set(touched)
    nbformat.validate(new_notebook(cells=rebuilt))


def test_pictures_that_were_pasted_stay_and_nothing_else_does():
    notebook = released()
    at(notebook, "why")["attachments"] = {
        "plot one.png": {"image/png": PNG, "text/html": PNG},
        "page.html": {"text/html": PNG},
        "quoted.png": {"image/png": "x' onerror='alert(1)"},
        "odd.png": {"image/png": ["a", "b"]},
        "odder.png": None,
    }
    rebuilt, touched = rebuild(notebook, cells())
    assert at(rebuilt, "why")["attachments"] == {"plot one.png": {"image/png": PNG}}
    assert touched == []


@pytest.mark.parametrize("odd", [None, 1, "text", ["list"]])
def test_attachments_of_other_types_are_no_attachments(odd):
    notebook = released()
    at(notebook, "why")["attachments"] = odd
    assert "attachments" not in at(rebuild(notebook, cells())[0], "why")


def test_a_test_says_in_a_comment_that_it_runs_in_the_students_process():
    assert in_students_process("# grader: in the student's process\nassert isinstance(net, Net)")
    assert not in_students_process("print('# grader: in the student\\'s process')")
    assert not in_students_process("assert f(1) == 2")
