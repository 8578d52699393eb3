"""The grader is graded: right solutions are accepted, mistakes caught, and nearly all called by their name."""

from collections import Counter
from itertools import combinations

import pytest

from coursework import ASSIGNMENTS
from dlbasics.checking.tasks import same_signature
from dlbasics_course import fairness
from dlbasics_course.assignment import Assignment
from dlbasics_course.fairness import Verdict

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
        assert verdict.caught == verdict.wrong > 0, verdict.problems


def test_mistakes_are_called_by_their_names(verdicts: list[Verdict]) -> None:
    named, wrong = sum(v.named for v in verdicts), sum(v.wrong for v in verdicts)
    assert named >= NAMED * wrong, [problem for v in verdicts for problem in v.problems]


def test_every_task_has_right_solutions_of_several_styles(assignment: Assignment) -> None:
    styles = Counter(variant.task for variant in assignment.accepted())
    assert {task: styles[task] for step in assignment.steps for task in step.tasks if styles[task] < STYLES} == {}


def lines(source: str) -> set[str]:
    """What a solution computes, line by line."""
    return {line.strip() for line in source.splitlines() if "return" in line or "=" in line}


def test_no_right_solution_is_a_copy(assignment: Assignment) -> None:
    """Of another or of the reference, blanks and comments apart."""
    reference = {line for cell in assignment.notebook.cells if cell.cell_type == "code" for line in lines(cell.source)}
    for variant in assignment.accepted():
        assert not lines(variant.source) <= reference, f"{variant.task}, {variant.name}"
    for one, other in combinations(assignment.accepted(), 2):
        assert one.task != other.task or lines(one.source) != lines(other.source), (
            f"{one.task}, {one.name}, {other.name}"
        )


def test_the_book_shows_what_was_judged(assignment: Assignment, verdicts: list[Verdict]) -> None:
    stored = [verdict for verdict in fairness.stored() if verdict.assignment == assignment.name]
    assert stored == verdicts, "run `make release`"


def test_a_fingerprint_is_no_answer() -> None:
    """Only a few numbers of each wrong result are shipped: none that could be read back."""
    for assignment in ASSIGNMENTS:
        for task in fairness.load_tasks(assignment).values():
            for mistake in task.mistakes:
                assert len(mistake.signatures) == len(task.cases)
                for signature in mistake.signatures:
                    assert all(len(part[1]) == 3 for part in signature if isinstance(part, list))
                    assert same_signature(signature, signature)
