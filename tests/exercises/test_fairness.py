"""The grader is graded: right solutions are accepted, mistakes caught, and nearly all called by their name."""

import ast
from collections import Counter

import pytest

from coursework import ASSIGNMENTS
from dlbasics.checking.fairness import Verdict, stored
from dlbasics.checking.tasks import load_tasks, same_signature
from dlbasics_course import fairness
from dlbasics_course.assignment import Assignment, is_solution

NAMED = 0.9
STYLES = 4


@pytest.fixture(scope="module")
def verdicts(assignment: Assignment) -> list[Verdict]:
    return list(fairness.judge(assignment))


def test_the_reference_gets_every_point_and_the_stub_none(verdicts: list[Verdict]) -> None:
    for verdict in verdicts:
        assert verdict.reference, verdict.problems
        assert verdict.stub, verdict.problems


def test_every_right_solution_is_accepted(verdicts: list[Verdict]) -> None:
    for verdict in verdicts:
        assert verdict.accepted == verdict.right, verdict.problems


def test_every_mistake_of_the_bank_is_caught(verdicts: list[Verdict]) -> None:
    for verdict in verdicts:
        assert verdict.caught == verdict.wrong, verdict.problems
    assert sum(verdict.wrong for verdict in verdicts) > 100


def test_mistakes_are_called_by_their_names(verdicts: list[Verdict]) -> None:
    named, wrong = sum(v.named for v in verdicts), sum(v.wrong for v in verdicts)
    assert named >= NAMED * wrong, [problem for v in verdicts for problem in v.problems]


def test_every_task_has_right_solutions_of_several_styles(assignment: Assignment) -> None:
    styles = Counter(variant.task for variant in assignment.accepted())
    assert {task: styles[task] for step in assignment.steps for task in step.tasks if styles[task] < STYLES} == {}


def code_of(task: str, source: str) -> str:
    """How a cell writes a function, its words and layout apart."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    own = [node for node in tree.body if getattr(node, "name", None) == task]
    return ast.dump(own[0] if own else tree)


def test_no_right_solution_is_a_copy(assignment: Assignment) -> None:
    """Neither of the reference nor of another."""
    written: dict[str, str] = {}
    for step in assignment.steps:
        for cell in filter(is_solution, step.cells):
            written |= {code_of(task, cell.source): f"the reference {task}" for task in step.tasks}
    for variant in assignment.accepted():
        code = code_of(variant.task, variant.source)
        if len(ast.parse(variant.source).body) == 1:  # with helpers of its own it may call them in the same words
            assert code not in written, f"{variant.task}, {variant.name}, is a copy of {written.get(code)}"
        written[code] = f"{variant.task}, {variant.name}"


def test_the_book_shows_what_was_judged(assignment: Assignment, verdicts: list[Verdict]) -> None:
    shown = [verdict for verdict in stored() if verdict.assignment == assignment.name]
    assert shown == verdicts, "run `make release`"


def test_a_fingerprint_is_no_answer() -> None:
    """Only a few numbers of each wrong result are shipped: none that could be read back."""
    for assignment in ASSIGNMENTS:
        for task in load_tasks(assignment).values():
            for mistake in task.mistakes:
                assert len(mistake.signatures) == len(task.cases)
                for signature in mistake.signatures:
                    assert all(len(part[1]) == 3 for part in signature if isinstance(part, list))
                    assert same_signature(signature, signature)
