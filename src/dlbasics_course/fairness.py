"""The grader is graded: does it accept every right solution, catch every wrong one, and name the mistake?"""

from __future__ import annotations

from collections.abc import Iterator

from dlbasics.checking.fairness import Verdict
from dlbasics.checking.tasks import load_tasks
from dlbasics_course.assignment import Assignment, Step, Variant, is_graded
from dlbasics_course.session import grade, prepare


def judge(assignment: Assignment) -> Iterator[Verdict]:
    """Grade everything that is known to be right or wrong, step by step, in this process."""
    for step in assignment.steps:
        yield _judge_step(assignment, step)


def _judge_step(assignment: Assignment, step: Step) -> Verdict:
    verdict = Verdict(assignment.name, step.title, step.objective, step.points)
    failures = _failures(assignment, step)
    verdict.reference = not failures
    verdict.problems += [f"the reference fails {cell}: {words}" for cell, words in failures.items()]

    failures = _failures(assignment, step, solved=False)
    graded = [cell.id for cell in step.cells if is_graded(cell)]
    verdict.stub = len(failures) == len(graded)
    verdict.problems += [f"the stub passes {cell}" for cell in graded if cell not in failures]

    for variant in assignment.accepted():
        if variant.task in step.tasks:
            verdict.right += 1
            failures = _failures(assignment, step, variant=variant)
            verdict.accepted += not failures
            verdict.problems += [f"{variant.task}, {variant.name}, is right, but {c}: {w}" for c, w in failures.items()]
    for variant in assignment.mistakes():
        if variant.task in step.tasks:
            _judge_mistake(assignment, step, variant, verdict)
    return verdict


def _judge_mistake(assignment: Assignment, step: Step, variant: Variant, verdict: Verdict) -> None:
    verdict.wrong += 1
    failures = _failures(assignment, step, variant=variant)
    named = any(variant.says in words for words in failures.values())
    verdict.caught += bool(failures)
    verdict.named += named
    if not failures:
        verdict.problems.append(f"{variant.task}, {variant.name}: not caught")
    elif not named:
        verdict.problems.append(f"{variant.task}, {variant.name}: not named, but {next(iter(failures.values()))}")


def _failures(
    assignment: Assignment, step: Step, *, solved: bool = True, variant: Variant | None = None
) -> dict[str, str]:
    with prepare(assignment, step, solved=solved, variant=variant) as session:
        return {cell: str(run.error) for cell, run in grade(session, step).items() if run.error is not None}


def indistinguishable(assignment: Assignment) -> list[list[str]]:
    """Groups of mistakes of one task that give the same on every case: a student reads the words of all of them."""
    groups = []
    for name, task in load_tasks(assignment.name).items():
        for mistake in task.mistakes:
            alike = [f"{name}: {other.name}" for other in task.recognise(mistake.signatures)]
            if len(alike) > 1 and alike not in groups:
                groups.append(alike)
    return groups
