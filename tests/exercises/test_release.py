"""What students get: the same as `solutions/` gives, and nothing that gives it away."""

import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from coursework import ASSIGNMENTS, kept_back
from dlbasics.checking.tasks import from_json, same_signature, to_json
from dlbasics.checking.values import difference
from dlbasics_course.assignment import Assignment, AssignmentError, read_assignment
from dlbasics_course.fingerprints import FOLDER, complete_tasks
from dlbasics_course.release import export, release


def test_exercises_are_what_solutions_give(assignment: Assignment, project_root: Path, tmp_path: Path) -> None:
    shutil.copy(project_root / "nbgrader_config.py", tmp_path)
    released = release(assignment, tmp_path)
    tracked = project_root / "exercises" / assignment.name
    assert released.read_bytes() == (tracked / released.name).read_bytes(), "run `make release`"
    assert [path.name for path in released.parent.iterdir()] == [path.name for path in tracked.glob("*.*")]


def test_fingerprints_are_what_the_bank_gives(assignment: Assignment) -> None:
    """Up to rounding: another processor adds up in another order."""
    kept = from_json((FOLDER / f"{assignment.name}.json").read_text(encoding="utf-8"))
    made = from_json(to_json(complete_tasks(assignment)))
    assert kept.keys() == made.keys(), "run `make release`"
    for name, task in made.items():
        plain = [replace(t, mistakes=[], cases=[]) for t in (task, kept[name])]
        assert plain[0] == plain[1], f"{name}: run `make release`"
        for case, other in zip(task.cases, kept[name].cases, strict=True):
            assert (case.about, case.tolerance) == (other.about, other.tolerance), f"{name}: run `make release`"
            for one, two in [(case.args, other.args), (case.kwargs, other.kwargs), (case.expected, other.expected)]:
                assert difference(one, two, tolerance=1e-7) is None, f"{name}: run `make release`"
        for mistake, other in zip(task.mistakes, kept[name].mistakes, strict=True):
            assert (mistake.name, mistake.says) == (other.name, other.says), f"{name}: run `make release`"
            assert all(map(same_signature, mistake.signatures, other.signatures)), f"{name}: run `make release`"


def test_no_solution_and_no_hidden_test_is_released(assignment: Assignment, project_root: Path) -> None:
    released = (project_root / "exercises" / assignment.name / f"{assignment.name}.ipynb").read_text(encoding="utf-8")
    notebook = nbformat.reads(released, as_version=4)
    sources = "\n".join(cell.source for cell in notebook.cells)
    assert not re.search(r"(BEGIN|END) (SOLUTION|HIDDEN)", sources)
    for what in ("SOLUTION", "HIDDEN TESTS"):
        secret = kept_back(assignment, what)
        assert len(secret) > 20
        assert [line for line in secret if line in sources] == []


def test_every_step_has_two_hints_and_says_when_to_move_on(assignment: Assignment) -> None:
    text = (assignment.folder / f"{assignment.name}.md").read_text(encoding="utf-8")
    steps = re.split(r"^## (?=Step)", text, flags=re.MULTILINE)[1:]
    assert len(steps) == len(assignment.steps)
    for step in steps:
        title = step.splitlines()[0]
        assert re.search(r"^\*\d+ points · about \d+ minutes · [★☆]{3}\*$", step, re.MULTILINE), title
        assert len(re.findall(r"<details><summary>Hint \d", step)) == 2, title
        assert re.search(r"^\*\*You practise:\*\* .+\.$", step, re.MULTILINE), title
        assert re.search(r"^(Move on|\*\*Done)", step, re.MULTILINE), title


def test_the_points_in_the_text_are_those_of_the_cells(assignment: Assignment) -> None:
    text = (assignment.folder / f"{assignment.name}.md").read_text(encoding="utf-8")
    promised = [int(number) for number in re.findall(r"^\*(\d+) points · ", text, re.MULTILINE)]
    assert promised == [step.points for step in assignment.steps]


@pytest.fixture(scope="module")
def exported(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    destination = tmp_path_factory.mktemp("student") / "course"
    export(project_root, destination)
    return destination


def test_students_get_exercises_package_and_book_without_solutions(exported: Path) -> None:
    for name in ASSIGNMENTS:
        assert (exported / f"exercises/{name}/{name}.ipynb").exists()
        assert (exported / f"src/dlbasics/checking/fingerprints/{name}.json").exists()
    for needed in ("book/index.md", "_toc.yml", "requirements.txt", "Makefile", "README.md"):
        assert (exported / needed).exists()
    for private in ("solutions", "tests", "src/dlbasics_course", "src/grader", "Containerfile"):
        assert not (exported / private).exists()
    everything = [path for path in exported.rglob("*") if path.suffix in (".md", ".ipynb", ".py", ".json")]
    for assignment in ASSIGNMENTS.values():
        secret = [variant.source for variant in (*assignment.mistakes(), *assignment.accepted())]
        for path in everything:
            text = path.read_text(encoding="utf-8")
            assert not [code for code in secret if len(code) > 80 and code in text], path


def test_what_students_get_is_a_book_that_can_be_read(exported: Path) -> None:
    from dlbasics_site.pages import read_book

    book = read_book(exported)
    for page in book.toc:
        assert "dlbasics_course" not in re.findall(
            r"^(?:from|import) (\w+)", book.source(page).read_text("utf-8"), re.MULTILINE
        )


def test_what_students_get_promises_no_command_that_it_lacks(exported: Path) -> None:
    readme = (exported / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^(?:make|python -m|grade) ?(\S*)", readme, re.MULTILINE)) == {
        "book", "serve", "lab", "pdf", "pip", "dlbasics.data", "dlbasics_site",
    }  # fmt: skip
    assert "## Exercises" in readme
    assert not re.search(r"nstructor|gradebook|make (test|release|student|grade)", readme)
    project = tomllib.loads((exported / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "scripts" not in project


def test_without_git_an_export_says_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(AssignmentError, match="clone the repository"):
        export(tmp_path / "nowhere", tmp_path / "student")
    assert not (tmp_path / "student").exists()


def test_an_export_overwrites_nothing_of_anybody_else(project_root: Path, tmp_path: Path) -> None:
    (tmp_path / "diary.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(AssignmentError, match="is not empty"):
        export(project_root, tmp_path)
    assert (tmp_path / "diary.txt").exists()


# Authoring

CELL = """```{{code-cell}} ipython3
---
nbgrader: {{grade: true, grade_id: {}, locked: true, points: 1, schema_version: 3, solution: false, task: false}}
---
{}
```
"""
RIGHT = """## relu_forward

### No mistake
It is right.

```python
def relu_forward(a):
    return (a + a.abs()) / 2
```
"""


def test_two_cells_of_one_id_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    text = "---\nkernelspec: {name: python3, display_name: Python 3}\n---\n# Small\n\n## Step 1\n\n"
    (folder / "small.md").write_text(text + CELL.format("a", "x = 1") + CELL.format("a", "x = 2"), encoding="utf-8")
    with pytest.raises(AssignmentError, match=r"small\.md: two cells have the id 'a'"):
        read_assignment(folder)


def test_a_mistake_that_no_case_tells_from_right_is_named(tmp_path: Path) -> None:
    folder = shutil.copytree(ASSIGNMENTS["backprop"].folder, tmp_path / "backprop")
    (folder / "mistakes.md").write_text(RIGHT, encoding="utf-8")
    with pytest.raises(AssignmentError, match="No mistake: no case tells this mistake from the right answer"):
        complete_tasks(read_assignment(folder))


def test_code_without_a_heading_is_named(tmp_path: Path) -> None:
    folder = shutil.copytree(ASSIGNMENTS["backprop"].folder, tmp_path / "backprop")
    (folder / "mistakes.md").write_text("```python\nx = 1\n```\n", encoding="utf-8")
    with pytest.raises(AssignmentError, match=r"mistakes\.md: code without a function's"):
        read_assignment(folder).mistakes()


def test_the_commands_say_what_they_do(project_root: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "dlbasics_course", "judge", "knitting"],
        cwd=project_root, capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip
    assert told.returncode == 1
    assert "solutions/ has no knitting" in told.stderr
