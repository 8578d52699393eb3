"""On a Dask cluster it is the same; its machines have neither the course nor the gradebook, and come and go."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

import grader.executors
from grading.small import SmallCourse, deserved, wait_for
from grading.walls import needs_walls

pytestmark = needs_walls
SLOW = 0.5  # seconds that a submission takes at least, where something is to happen meanwhile


class Cluster:
    """A scheduler, and workers that are started and killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running: list[subprocess.Popen[bytes]] = []
        where = folder / "scheduler.json"
        self.scheduler = self.run(
            "dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(where)
        )
        wait_for(where.exists, 120)
        wait_for(lambda: where.read_text().strip().endswith("}"), 120)
        self.address = json.loads(where.read_text())["address"]

    def worker(self) -> subprocess.Popen[bytes]:
        """As `dask worker ADDRESS --nthreads 1` on a machine that has the course's packages and nothing else."""
        options = ["--host", "127.0.0.1", "--nthreads", "1", "--no-dashboard", "--death-timeout", "120"]
        return self.run("dask_worker", self.address, *options, "--local-directory", str(self.folder))

    def run(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.{program}", *arguments]
        names = ("PYTHONPATH", "OMP_NUM_THREADS")
        environment = {name: os.environ[name] for name in names if name in os.environ}
        environment |= {"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "LANG": "C.UTF-8"}
        with (self.folder / f"{program}.log").open("ab") as log:
            started = subprocess.Popen(
                [*command, "--dashboard-address", "127.0.0.1:0"],
                cwd=self.folder,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.running.append(started)
        return started

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """As if the machine's plug had been pulled: what it has started goes, too."""
        self.running.remove(process)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def close(self) -> None:
        for process in list(self.running):
            process.terminate()
        for process in list(self.running):
            process.wait(30)


def grades(worker: subprocess.Popen[bytes]) -> bool:
    """Whether a worker has got work: there is a sandbox below it."""
    return any(process.name() == "bwrap" for process in psutil.Process(worker.pid).children(recursive=True))


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A scheduler without workers."""
    with tempfile.TemporaryDirectory(prefix="dask-") as folder:
        cluster = Cluster(Path(folder))
        try:
            yield cluster
        finally:
            cluster.close()


@pytest.fixture
def course(small: SmallCourse, tmp_path: Path) -> SmallCourse:
    return small.copy(tmp_path / "course")


def test_it_gives_the_marks_of_a_local_run_and_workers_need_neither_course_nor_gradebook(
    course: SmallCourse, cluster: Cluster
) -> None:
    workers = [cluster.worker(), cluster.worker()]
    kinds = course.hand_in_all(6, slow=SLOW)
    with course.start("--cluster", cluster.address, "--json") as running:
        wait_for(lambda: all(map(grades, workers)) or running.poll() is not None, 120)
        out, err = running.communicate(timeout=120)
    assert running.returncode == 0, err
    assert [row["problem"] for row in json.loads(out)] == [None] * len(kinds)
    assert course.marks() == deserved(kinds)
    for step, ending in (("autograded", "ipynb"), ("feedback", "html")):
        assert len(list((course.root / step).glob(f"*/*/sums.{ending}"))) == len(kinds)
    assert "Traceback" not in (cluster.folder / "dask_worker.log").read_text()
    wait_for(lambda: not any(map(grades, workers)), 20)  # it leaves no sandbox behind
    assert not list(cluster.folder.rglob("*.ipynb"))
    assert not list(cluster.folder.rglob("*.db"))


@pytest.mark.full
def test_a_worker_that_joins_while_it_runs_gets_work(course: SmallCourse, cluster: Cluster) -> None:
    cluster.worker()
    kinds = course.hand_in_all(24, slow=2)
    with course.start("--cluster", cluster.address) as running:
        wait_for(lambda: len(course.graded_so_far()) > 0, 120)
        late = cluster.worker()
        wait_for(lambda: grades(late) or running.poll() is not None, 120)
        assert running.poll() is None  # it has got some, and that before the end
        _, err = running.communicate(timeout=300)
    assert running.returncode == 0, err
    assert course.marks() == deserved(kinds)


@pytest.mark.full
def test_all_workers_are_killed_and_with_a_new_one_it_goes_on(course: SmallCourse, cluster: Cluster) -> None:
    workers = [cluster.worker(), cluster.worker()]
    kinds = course.hand_in_all(8, slow=SLOW)
    with course.start("--cluster", cluster.address) as running:
        wait_for(lambda: len(course.graded_so_far()) > 1, 120)
        for worker in workers:
            cluster.kill(worker)
        cluster.worker()
        _, err = running.communicate(timeout=120)
    assert running.returncode == 0, err
    assert course.marks() == deserved(kinds)


@pytest.mark.full
def test_the_scheduler_is_killed_and_what_was_done_is_kept(course: SmallCourse, cluster: Cluster) -> None:
    cluster.worker()
    kinds = course.hand_in_all(6, slow=SLOW)
    with course.start("--cluster", cluster.address) as running:
        wait_for(lambda: len(course.graded_so_far()) > 1, 120)
        cluster.kill(cluster.scheduler)
        out, err = running.communicate(timeout=120)
    assert (running.returncode, out) == (2, ""), err
    assert "the cluster went away; what is done is kept, and the same command goes on" in err
    assert "Traceback" not in err, err
    done = course.graded()
    assert 2 <= len(done) < len(kinds)
    assert course.marks() == deserved({student: kinds[student] for student in done})
    assert course.grade().status == 0
    assert course.graded().items() > done.items()
    assert course.marks() == deserved(kinds)


@pytest.mark.full
def test_workers_with_several_threads_give_the_same_marks(course: SmallCourse, cluster: Cluster) -> None:
    cluster.run("dask_worker", cluster.address, "--host", "127.0.0.1", "--nthreads", "3", "--no-dashboard")
    kinds = course.hand_in_all(9)
    with course.start("--cluster", cluster.address) as running:
        _, err = running.communicate(timeout=180)
    assert running.returncode == 0, err
    assert course.marks() == deserved(kinds)


@pytest.mark.full
def test_two_graders_share_a_cluster(course: SmallCourse, small: SmallCourse, tmp_path: Path, cluster: Cluster) -> None:
    other = small.copy(tmp_path / "other")
    other.generate(hidden="### BEGIN HIDDEN TESTS\nassert total([1, 2, 4]) == 3\n### END HIDDEN TESTS")
    for _ in range(2):
        cluster.worker()
    kinds = {one: one.hand_in_all(6, slow=SLOW) for one in (course, other)}
    both = [one.start("--cluster", cluster.address) for one in kinds]
    for running in both:
        with running:
            _, err = running.communicate(timeout=180)
        assert running.returncode == 0, err
    assert course.marks() == deserved(kinds[course])
    wrong = {"perfect": 0, "partial": 3, "crashing": 0}  # by the other's hidden test
    found = {student: score for (student, _, cell), (score, _, _) in other.marks().items() if cell == "hidden"}
    assert found == {student: wrong[kind] for student, kind in kinds[other].items()}


def test_without_workers_it_says_how_to_start_some(
    course: SmallCourse, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grader.executors, "_PATIENCE", 3)
    course.hand_in_all(1)
    done = course.grade("--cluster", cluster.address)
    assert (done.status, done.out) == (2, "")
    assert f"the scheduler at {cluster.address} has no worker" in done.err
    assert f"dask worker {cluster.address} --nthreads 1" in done.err
    assert not course.graded()


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "127.0.0.1:9", "nonsense", "http://127.0.0.1:9"])
def test_an_address_where_no_scheduler_answers_is_named(
    course: SmallCourse, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grader.executors, "_PATIENCE", 2)
    course.hand_in_all(1)
    done = course.grade("--cluster", address)
    assert (done.status, done.out) == (2, "")
    assert f"'{address}'" in done.err
    assert "tcp://10.0.0.5:8786" in done.err
    assert "Traceback" not in done.err


def test_patience_with_a_cluster_is_half_a_minute() -> None:
    assert grader.executors._PATIENCE <= 30
