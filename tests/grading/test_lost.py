"""Whoever is killed, and whenever: in the end everybody has been graded, once, and nothing of it lies about."""

import random
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from nbgrader.api import Gradebook

from grading.small import KINDS, NAME, SmallCourse, deserved
from grading.walls import needs_walls

pytestmark = needs_walls
WANTED = 12  # submissions
SLOW = 0.3  # seconds that each takes at least
CLASS = {f"s{number:02}": KINDS[number % len(KINDS)] for number in range(WANTED)}
BY_HAND = ["s00", "s01", "s02"]  # whom a person has looked at before; then they handed in again


class Watch:
    """Follows commands, and knows what they have started and which folders they used."""

    def __init__(self) -> None:
        self.seen: set[psutil.Process] = set()
        self.folders: set[Path] = set()

    def below(self, command: subprocess.Popen[str]) -> list[psutil.Process]:
        """All processes that the command has started, and those that they have."""
        try:
            found = psutil.Process(command.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        for process in set(found) - self.seen:
            for folder in re.findall(r"/tmp/grader-[^/\s]+", line(process)):
                self.folders.add(Path(folder))
        self.seen |= set(found)
        return found

    def until(self, command: subprocess.Popen[str], what: Callable[[], bool], seconds: float = 120) -> None:
        """Follow it until something is so, or it has ended."""
        end = time.monotonic() + seconds
        while command.poll() is None and not what():
            self.below(command)
            assert time.monotonic() < end, "it did not come"
            time.sleep(0.05)

    def for_seconds(self, command: subprocess.Popen[str], seconds: float) -> None:
        end = time.monotonic() + seconds
        self.until(command, lambda: time.monotonic() > end)

    def finish(self, command: subprocess.Popen[str]) -> tuple[str, str]:
        """Follow it to its end; what it said."""
        self.until(command, lambda: False)
        return command.communicate(timeout=10)

    def left(self) -> list[str]:
        """Processes that run, and folders that lie about, when all should be gone."""
        _, alive = psutil.wait_procs(self.seen, timeout=15)
        lines = [f"{process.pid}: {line(process)[:200]}" for process in alive]
        return lines + [str(path) for path in self.folders if path.exists()]


def line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return ""


@pytest.fixture
def watch() -> Iterator[Watch]:
    watch = Watch()
    yield watch
    for process in watch.seen:  # of a test that failed
        if process.is_running():
            process.kill()


def look(course: SmallCourse, student: str) -> None:
    """A person grades by hand, as Formgrader saves it."""
    with Gradebook(course.db) as gradebook:
        why = gradebook.find_grade("why", "sums", NAME, student)
        why.manual_score, why.needs_manual_grade = 0.75, False
        gradebook.find_grade("hidden", "sums", NAME, student).extra_credit = 0.5
        gradebook.find_comment("why", "sums", NAME, student).manual_comment = f"Well put, {student}."
        gradebook.db.commit()


@pytest.fixture(scope="module")
def waiting(small: SmallCourse, tmp_path_factory: pytest.TempPathFactory) -> SmallCourse:
    """A class that waits to be graded, some for the second time. Work on copies."""
    return hand_in(small.copy(tmp_path_factory.mktemp("waiting") / "course"))


@pytest.fixture
def handed_in(request: pytest.FixtureRequest, tmp_path: Path) -> SmallCourse:
    """The same for one test; the parameter says in which database."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return request.getfixturevalue("waiting").copy(tmp_path / "course")
    course = request.getfixturevalue("small").copy(tmp_path / "course")
    course = SmallCourse(course.root, request.getfixturevalue("postgres").empty())
    course.generate()
    return hand_in(course)


def hand_in(course: SmallCourse) -> SmallCourse:
    for student in BY_HAND:
        course.hand_in(student, "crashing")
    assert course.grade().status == 0
    for student in BY_HAND:
        look(course, student)
    assert course.hand_in_all(WANTED, slow=SLOW) == CLASS
    return course


def check(course: SmallCourse, watch: Watch) -> None:
    """Everybody has their marks, once; what a person gave is there; nothing is left over."""
    assert course.marks() == deserved(CLASS)
    once = [(student,) for student in sorted(CLASS)]
    assert course.query("SELECT student_id FROM submitted_assignment ORDER BY student_id") == once
    assert course.query("SELECT student FROM grader_ledger ORDER BY student") == once
    assert course.query("SELECT COUNT(*) FROM submitted_notebook") == [(WANTED,)]
    assert course.query("SELECT COUNT(*) FROM grade") == [(3 * WANTED,)]
    with Gradebook(course.db) as gradebook:
        for student in BY_HAND:
            assert gradebook.find_grade("why", "sums", NAME, student).manual_score == 0.75
            assert gradebook.find_grade("hidden", "sums", NAME, student).extra_credit == 0.5
            comment = gradebook.find_comment("why", "sums", NAME, student).manual_comment
            assert comment == f"Well put, {student}."
    for step, name in (("autograded", "sums.ipynb"), ("feedback", "sums.html")):
        found = sorted(str(path.relative_to(course.root / step)) for path in (course.root / step).rglob("*.*"))
        assert found == [f"{student}/{NAME}/{name}" for student in sorted(CLASS)]
    assert watch.left() == []


def started(course: SmallCourse) -> Callable[[], bool]:
    """Whether one more has been graded than at the time of asking."""
    before = sorted(course.graded().values())
    return lambda: sorted(course.graded().values()) != before


def finish(course: SmallCourse, watch: Watch, *arguments: str) -> None:
    with course.start(*arguments) as running:
        _, said = watch.finish(running)
    assert running.returncode == 0, said


@pytest.mark.parametrize(
    ("handed_in", "workers"),
    [
        ("sqlite", "0"),
        pytest.param("sqlite", "2", marks=pytest.mark.full),
        pytest.param("postgresql", "2", marks=pytest.mark.full),
    ],
    indirect=["handed_in"],
)
def test_the_command_is_killed_again_and_again(handed_in: SmallCourse, workers: str, watch: Watch) -> None:
    moments = random.Random(int(workers))
    for _ in range(3):
        with handed_in.start("--workers", workers) as running:
            watch.until(running, started(handed_in))
            watch.for_seconds(running, moments.uniform(0, 2 * SLOW))
            running.kill()
    assert len(handed_in.graded()) < WANTED
    finish(handed_in, watch, "--workers", workers)
    check(handed_in, watch)


@pytest.mark.full
def test_the_command_is_killed_while_it_starts(handed_in: SmallCourse, watch: Watch) -> None:
    moments = random.Random(3)
    for _ in range(8):
        with handed_in.start("--workers", "2") as running:
            watch.for_seconds(running, moments.uniform(0, 8))
            running.kill()
    finish(handed_in, watch, "--workers", "2")
    check(handed_in, watch)


def workers_of(watch: Watch, command: subprocess.Popen[str]) -> list[psutil.Process]:
    """Dask's processes that have a sandbox below them."""
    return [one for one in watch.below(command) if "spawn_main" in line(one) and one.children()]


def sandboxes_of(watch: Watch, command: subprocess.Popen[str]) -> list[psutil.Process]:
    """The outermost process of each fork server's sandbox."""
    found = [one for one in watch.below(command) if one.name() == "bwrap"]
    return [one for one in found if one.parent() not in found]


def test_a_worker_is_killed(handed_in: SmallCourse, watch: Watch) -> None:
    with handed_in.start("--workers", "2") as running:
        watch.until(running, started(handed_in))
        workers_of(watch, running)[0].kill()
        _, said = watch.finish(running)
    assert running.returncode == 0, said
    assert handed_in.marks() == deserved(CLASS)
    finish(handed_in, watch, "--force", "--students", "s00", "--workers", "0")  # clears up after the killed one
    check(handed_in, watch)


@pytest.mark.parametrize("workers", ["0", pytest.param("2", marks=pytest.mark.full)])
def test_a_fork_server_is_killed(handed_in: SmallCourse, workers: str, watch: Watch) -> None:
    with handed_in.start("--workers", workers) as running:
        for _ in range(2):
            watch.until(running, started(handed_in))
            watch.for_seconds(running, SLOW)
            sandboxes_of(watch, running)[0].kill()
        _, said = watch.finish(running)
    assert running.returncode == 0, said
    check(handed_in, watch)


@pytest.mark.parametrize("handed_in", ["postgresql"], indirect=True)
@pytest.mark.parametrize("workers", ["0", pytest.param("2", marks=pytest.mark.full)])
def test_the_database_server_stops_as_if_the_power_had_failed(
    handed_in: SmallCourse, workers: str, watch: Watch, postgres
) -> None:
    with handed_in.start("--workers", workers) as running:
        watch.until(running, started(handed_in))
        postgres.stop()
        try:
            _, said = watch.finish(running)
        finally:
            postgres.start()
    assert running.returncode == 2, said
    assert "Run the same command again once that is mended" in said
    assert "Traceback" not in said
    kept = handed_in.graded()
    assert len(kept) < WANTED
    finish(handed_in, watch, "--workers", workers)
    now = handed_in.graded()
    assert {student: now[student] for student in kept if student not in BY_HAND} == {
        student: when for student, when in kept.items() if student not in BY_HAND
    }
    check(handed_in, watch)
