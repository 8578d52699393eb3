"""From the reference solution to expected results, and from the bank of mistakes to fingerprints."""

from __future__ import annotations

import inspect
from dataclasses import replace
from pathlib import Path

import dlbasics.checking
from dlbasics.checking.check import Outcome
from dlbasics.checking.tasks import Mistake, Task, provisional, to_json
from dlbasics_course.assignment import Assignment, AssignmentError, Variant
from dlbasics_course.session import Session, prepare

FOLDER = Path(dlbasics.checking.__file__).parent / "fingerprints"


def complete_tasks(assignment: Assignment) -> dict[str, Task]:
    """An assignment's tasks with what the reference solution gives, and the fingerprints of the bank.

    Raises:
        AssignmentError: the reference fails on a case, a mistake gives what is right, or a mistake is of no task.
    """
    declared = assignment.declared_tasks()
    mistakes = assignment.mistakes()
    if strangers := {mistake.task for mistake in mistakes} - declared.keys():
        raise AssignmentError(f"{assignment.folder / 'mistakes.md'}: no such task: {', '.join(sorted(strangers))}")
    with provisional(assignment.name, declared):
        return {
            name: _complete(assignment, name, task, [mistake for mistake in mistakes if mistake.task == name])
            for name, task in declared.items()
        }


def write_fingerprints(assignment: Assignment, folder: Path = FOLDER) -> Path:
    """Write `<assignment>.json`, which the package ships; the same from run to run."""
    path = folder / f"{assignment.name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(to_json(complete_tasks(assignment)), encoding="utf-8", newline="\n")
    return path


def _complete(assignment: Assignment, name: str, task: Task, mistakes: list[Variant]) -> Task:
    with prepare(assignment, assignment.step_of(name), until=name) as session:
        if name not in session.names:
            raise AssignmentError(f"{assignment.folder.name}: the reference solution has no {name}")
        outcomes = _outcomes(session, name, task)
        arguments = list(inspect.signature(session.names[name]).parameters)
    for case, outcome in zip(task.cases, outcomes, strict=True):
        if problem := outcome.problem(()):
            raise AssignmentError(f"{assignment.folder.name}: the reference {name}, on {case.about}: {problem}")
    cases = [replace(case, expected=outcome.result) for case, outcome in zip(task.cases, outcomes, strict=True)]
    completed = replace(task, cases=cases, arguments=arguments)
    return replace(completed, mistakes=[_fingerprint(assignment, completed, mistake) for mistake in mistakes])


def _fingerprint(assignment: Assignment, task: Task, mistake: Variant) -> Mistake:
    step = assignment.step_of(mistake.task)
    with prepare(assignment, step, variant=mistake, until=mistake.task) as session:
        outcomes = _outcomes(session, mistake.task, task)
    if not any(outcome.difference(case, task) for case, outcome in zip(task.cases, outcomes, strict=True)):
        raise AssignmentError(
            f"{assignment.folder / 'mistakes.md'}, {mistake.task}, {mistake.name}: "
            "no case tells this mistake from the right answer; add one that does to cases.py"
        )
    return Mistake(mistake.name, mistake.says, [outcome.signature for outcome in outcomes])


def _outcomes(session: Session, name: str, task: Task) -> list[Outcome]:
    function = session.names[name]
    return [Outcome.of(function, case.args, case.kwargs, autograd=task.autograd) for case in task.cases]
