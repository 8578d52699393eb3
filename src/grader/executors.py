"""Where jobs run: in this process, in local processes, or on a Dask cluster; to the grader they look alike."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from concurrent.futures import CancelledError

from distributed import Client, Future, LocalCluster, as_completed
from distributed.scheduler import KilledWorker

from grader.job import close_fork_servers, grade_one
from grader.records import Assignment, Result, Submission
from grader.sandbox import SandboxError
from grader.selftest import require_walls

_AHEAD = 3  # submissions for each worker that are on their way: enough to keep it busy, and memory bounded
_RETRIES = 2  # of a job whose worker went away


def run(
    assignment: Assignment,
    submissions: Iterator[Submission],
    *,
    workers: int | None = None,
    cluster: str | None = None,
    feedback: bool = True,
) -> Iterator[Result]:
    """Grade submissions; results come in the order in which they are done.

    Args:
        assignment: by what.
        submissions: read only as fast as they are graded.
        workers: local processes; None for one a core, 0 for this process itself.
        cluster: the address of a Dask scheduler, instead of local processes.
        feedback: whether to make the students' pages.

    Raises:
        SandboxError: there are no walls where the jobs run.
    """
    if cluster is None and workers == 0:
        require_walls(assignment)
        try:
            for submission in submissions:
                yield grade_one(assignment, submission, feedback=feedback)
        finally:
            close_fork_servers()
        return
    with _client(workers, cluster) as client:
        yield from _on(client, assignment, submissions, feedback)


@contextlib.contextmanager
def _client(workers: int | None, cluster: str | None) -> Iterator[Client]:
    if cluster is not None:
        with Client(cluster, timeout="30s") as client:
            yield client
        return
    count = workers or len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else workers or os.cpu_count()
    with (
        LocalCluster(
            n_workers=count, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None
        ) as local,
        Client(local) as client,
    ):
        yield client


def _on(client: Client, assignment: Assignment, submissions: Iterator[Submission], feedback: bool) -> Iterator[Result]:
    shared = client.scatter(assignment, broadcast=True, hash=False)
    for future in client.map(require_walls, [shared] * len(client.scheduler_info()["workers"]), pure=False):
        future.result()
    width = _AHEAD * max(1, sum(client.nthreads().values()))
    asked: dict[Future, Submission] = {}

    def ask() -> Future | None:
        submission = next(submissions, None)
        if submission is None:
            return None
        future = client.submit(grade_one, shared, submission, feedback=feedback, pure=False, retries=_RETRIES)
        asked[future] = submission
        return future

    first = [future for future in (ask() for _ in range(width)) if future is not None]
    done = as_completed(first)
    try:
        for future in done:
            submission = asked.pop(future)
            yield _result(future, assignment, submission)
            if (another := ask()) is not None:
                done.add(another)
    finally:
        client.cancel(list(asked))


def _result(future: Future, assignment: Assignment, submission: Submission) -> Result:
    try:
        return future.result()
    except SandboxError:
        raise
    except (KilledWorker, CancelledError) as error:
        problem = f"whatever worker took it was gone before it was done ({type(error).__name__})"
    except Exception as error:  # of one submission; the others go on
        problem = f"the grader itself failed on it: {type(error).__name__}: {error}"
    return Result(submission.student, submission.digest, assignment.digest, problem=problem, flags=("failed",))
