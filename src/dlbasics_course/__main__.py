"""The commands: `python -m dlbasics_course release | judge | student`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dlbasics_course.assignment import AssignmentError


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: without the program's name; None takes them from the command line.

    Returns:
        The exit status: 0, or 1 after saying on stderr what is wrong.
    """
    parser = argparse.ArgumentParser(prog="python -m dlbasics_course", description="Author and release assignments.")
    parser.add_argument("--root", type=Path, default=Path(), help="the project's root (default: this folder)")
    commands = parser.add_subparsers(dest="command", required=True)
    releasing = commands.add_parser("release", help="write fingerprints and exercises/, and judge the checks")
    judging = commands.add_parser("judge", help="grade right and wrong solutions, and say what went as it should not")
    for command in (releasing, judging):
        command.add_argument("assignment", nargs="*", help="names (default: all)")
    student = commands.add_parser("student", help="copy what students get into a folder")
    student.add_argument("destination", type=Path, nargs="?", default=Path("_build/student"))
    options = parser.parse_args(arguments)
    try:
        if options.command == "student":
            return _student(options.root.resolve(), options.destination)
        return _assignments(options.root.resolve(), options.assignment, released=options.command == "release")
    except AssignmentError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1


def _assignments(root: Path, names: list[str], *, released: bool) -> int:
    import torch

    from dlbasics.checking.fairness import store
    from dlbasics_course import fairness
    from dlbasics_course.assignment import read_assignments
    from dlbasics_course.fingerprints import write_fingerprints
    from dlbasics_course.release import release

    assignments = [a for a in read_assignments(root / "solutions") if not names or a.name in names]
    if unknown := set(names) - {a.name for a in assignments}:
        raise AssignmentError(f"solutions/ has no {', '.join(sorted(unknown))}")
    torch.set_num_threads(1)  # small tensors: more threads only wait for each other
    verdicts = []
    for assignment in assignments:
        write_fingerprints(assignment)
        if released:
            print(release(assignment, root).relative_to(root))
        for verdict in fairness.judge(assignment):
            verdicts.append(verdict)
            right = f"accepted {verdict.accepted}/{verdict.right}"
            wrong = f"caught {verdict.caught}/{verdict.wrong}, named {verdict.named}"
            print(f"{assignment.name}: {verdict.step:<60} {verdict.points:3} points  {right}, {wrong}", flush=True)
            print("".join(f"    {problem}\n" for problem in verdict.problems), end="")
        for group in fairness.indistinguishable(assignment):
            print(f"    cannot be told apart: {'; '.join(group)}")
    if released and not names:
        store(verdicts)
    return int(any(verdict.problems for verdict in verdicts))


def _student(root: Path, destination: Path) -> int:
    from dlbasics_course.release import STUDENTS_LACK, export

    files = export(root, destination)
    print(f"{len(files)} files in {destination}: exercises, package and book, without {', '.join(STUDENTS_LACK)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
