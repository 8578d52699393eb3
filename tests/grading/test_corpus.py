"""The corpus of attacks: what it says and hands in, and that its forgeries do fool nbgrader on its own."""

import ast
import json
import shutil

import nbformat
import pytest

from attacks.corpus import ATTACKS, NOTEBOOK, PRELUDE, RIGHT, TESTS, WRONG, named, stolen
from grading.attacked.source import source, write_source

# Deserve 5 of 10, and get 10 from nbgrader as it comes. All are harmless there.
QUICK = ("ast_transformer", "forged_execute_reply", "tag_skip_execution", "shadow_torch")  # one of each kind
OTHERS = ("input_transformer", "event_hook", "replaced_do_execute", "replaced_session_send", "result_before_test")
SETTINGS = "c = get_config()\nc.CourseDirectory.root = {root!r}\n"
UNREADABLE = {"not_a_notebook", "deep_notebook"}  # on purpose
SLOW = {"huge_notebook", "many_files"}  # what these hand in is looked at by the tests of the intake


@pytest.fixture(scope="module")
def attacked(tmp_path_factory, nbgrader):
    """A course with the assignment, released."""
    course = tmp_path_factory.mktemp("course")
    (course / "nbgrader_config.py").write_text(SETTINGS.format(root=str(course)))
    write_source(course / "source" / "attacked")
    nbgrader(course, "generate_assignment", "attacked")
    return course


@pytest.fixture(scope="module")
def released(attacked):
    return nbformat.read(attacked / "release" / "attacked" / NOTEBOOK, as_version=4)


def test_there_are_at_least_forty_attacks_and_no_two_are_the_same():
    assert len(ATTACKS) >= 40
    for what in (
        [attack.name for attack in ATTACKS],
        [attack.tries for attack in ATTACKS],
        [attack.path.read_text().partition('"""\n\n')[2] for attack in ATTACKS],
    ):
        assert len(set(what)) == len(what)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_says_what_it_tries_what_it_deserves_and_what_stops_it(attack):
    assert attack.tries.endswith(".")
    assert attack.flags <= {"timed out", "died", "refused", "tampered"}
    assert attack.deserves == 0 if "refused" in attack.flags else 5 <= attack.deserves < 10
    assert len(attack.path.read_text().splitlines()) <= 60
    assert not {"SECRET-HIDDEN", "STOLEN:"} & set(ast.get_docstring(ast.parse(attack.path.read_text())).split())


@pytest.mark.parametrize("attack", [a for a in ATTACKS if a.name not in SLOW], ids=lambda attack: attack.name)
def test_an_attack_hands_in_the_assignments_notebook_with_honest_right(attack, released, tmp_path):
    attack.write(tmp_path / "submission", released, reach=tmp_path / "reach")
    notebook = tmp_path / "submission" / NOTEBOOK
    if not notebook.is_file():  # a FIFO, or a link to what is not there
        assert attack.flags == {"refused"}
    elif attack.name in UNREADABLE:
        with pytest.raises((ValueError, RecursionError)):
            json.loads(notebook.read_bytes())
    else:
        cells = nbformat.from_dict(json.loads(notebook.read_text()))
        assert named(cells, "honest").source == RIGHT
        assert str(tmp_path / "reach") in notebook.read_text() or "def submit(" in attack.path.read_text()
        assert "STOLEN:" not in notebook.read_text()
        assert "SECRET-" not in notebook.read_text()


def test_the_code_of_every_attack_is_python(released, tmp_path):
    for attack in ATTACKS:
        if "def submit(" in attack.path.read_text():
            continue
        attack.write(tmp_path / attack.name, released)
        for cell in nbformat.read(tmp_path / attack.name / NOTEBOOK, as_version=4).cells:
            if cell.cell_type == "code":
                ast.parse(cell.source)


def test_the_released_notebook_gives_no_secret_away(released):
    assert "SECRET-" in json.dumps(source())
    assert "SECRET-" not in json.dumps(released)


def test_what_steals_is_seen_in_the_outputs(tmp_path):
    names = {"print": lambda *words: said.append(words[0])}
    said = []
    exec(PRELUDE.format(reach=tmp_path), names)
    names["steal"]("somewhere", "# SECRET-" + "SOLUTION")
    names["steal"]("its own source", PRELUDE)
    names["reach"]("mark")
    assert (tmp_path / "mark").exists()
    outputs = [nbformat.v4.new_output("stream", name="stdout", text="\n".join(said))]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(PRELUDE, outputs=outputs)])
    assert stolen(notebook) == ["STOLEN: SOLUTION from somewhere"]


@pytest.mark.parametrize("forgeries", [QUICK, pytest.param(OTHERS, marks=pytest.mark.full)], ids=["quick", "others"])
def test_nbgrader_alone_gives_forgeries_full_marks_and_honest_work_what_it_deserves(
    attacked, released, nbgrader, tmp_path, forgeries
):
    """Why there is a grader: the attacks are real, and stock nbgrader falls for them."""
    course = shutil.copytree(attacked, tmp_path / "course")
    (course / "nbgrader_config.py").write_text(SETTINGS.format(root=str(course)))
    by_name = {attack.name: attack for attack in ATTACKS}
    for name in forgeries:
        by_name[name].write(course / "submitted" / name / "attacked", released, reach=course / "reach")
    for name, double in (("wrong", WRONG), ("right", named(source(), "double").source)):
        notebook = nbformat.from_dict(json.loads(json.dumps(released)))
        named(notebook, "double").source = double
        named(notebook, "honest").source = RIGHT
        (course / "submitted" / name / "attacked").mkdir(parents=True)
        nbformat.write(notebook, course / "submitted" / name / "attacked" / NOTEBOOK)
    nbgrader(course, "autograde", "attacked", "--create")
    nbgrader(course, "export", "--to", "grades.csv")
    rows = [line.split(",") for line in (course / "grades.csv").read_text().splitlines()]
    student, score = rows[0].index("student_id"), rows[0].index("raw_score")
    scores = {row[student]: float(row[score]) for row in rows[1:] if row[0] == "attacked"}
    assert scores == dict.fromkeys(forgeries, 10.0) | {"wrong": 5.0, "right": 10.0}
    assert all(by_name[name].deserves == 5 for name in forgeries)
    assert set(TESTS) == {
        name for name in (cell.metadata.nbgrader.grade_id for cell in released.cells[1:]) if "test" in name
    }
