"""Where jobs run: in this process, in local processes, or on a Dask cluster; to the grader they look alike."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Generator, Iterator
from concurrent.futures import CancelledError
from itertools import chain, islice
from typing import cast
from uuid import uuid4

import dask
from dask.system import CPU_COUNT
from distributed import Client, Future, LocalCluster, Worker, WorkerPlugin, as_completed, get_worker
from distributed.scheduler import KilledWorker
from distributed.utils import silence_logging_cmgr

from grader.job import close_when_idle, grade_one
from grader.records import FAILED, Assignment, Result, Submission
from grader.sandbox import SandboxError
from grader.selftest import close_servers

_AHEAD = 3  # submissions for each worker that are on their way: enough to keep it busy, and memory bounded
_RETRIES = 2  # of a job in which the grader itself failed
_PATIENCE = 30  # seconds for a cluster to answer, and for its first worker
# Ctrl-C, or a SIGTERM to the whole group, is for the command; what a worker starts takes signals as ever
_UNTOUCHED = "import signal; [signal.signal(n, lambda *_: None) for n in (signal.SIGINT, signal.SIGTERM)]"
# What Dask watches of itself, many times a second, for nobody: a tenth of all time for the profile alone
_CALM = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "10s",
    "distributed.worker.memory.monitor-interval": "1s",
}
_SILENT = logging.CRITICAL  # what goes wrong is told by the results, and not by Dask at length
_GONE = "the cluster went away; what is done is kept, and the same command goes on"


class ClusterError(RuntimeError):
    """A cluster cannot be used, or went away; what it had graded until then is kept."""


def run(
    assignment: Assignment,
    submissions: Iterator[Submission],
    *,
    workers: int | None = None,
    cluster: str | None = None,
    feedback: bool = True,
) -> Generator[Result, None, None]:
    """Grade submissions; results come in the order in which they are done. Close it: the workers end with it.

    Args:
        assignment: by what.
        submissions: read only as fast as they are graded.
        workers: local processes; None for one a core, 0 for this process itself.
        cluster: the address of a Dask scheduler, instead of local processes.
        feedback: whether to make the students' pages.

    Raises:
        SandboxError: there are no walls where the jobs run.
        ClusterError: the cluster does not answer, has no worker that can grade, or went away.
    """
    if cluster is None and workers == 0:
        try:
            for submission in submissions:
                yield grade_one(assignment, submission, feedback=feedback)
        finally:
            close_servers()
        return
    for first in submissions:  # with none there is no need of workers
        with _remote(cluster) if cluster else _local(workers or CPU_COUNT) as client:
            yield from _on(client, assignment, chain([first], submissions), feedback)


@contextlib.contextmanager
def _local(workers: int) -> Iterator[Client]:
    with (
        dask.config.set(_CALM),
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            silence_logs=_SILENT,
            preload=[_UNTOUCHED],
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@contextlib.contextmanager
def _remote(address: str) -> Iterator[Client]:
    try:
        client = Client(address, timeout=_PATIENCE)
    except (OSError, ValueError) as error:
        raise ClusterError(
            f"no Dask scheduler answers at {address!r} ({error}); an address looks like tcp://10.0.0.5:8786"
        ) from error
    with silence_logging_cmgr(_SILENT), client:
        try:
            client.wait_for_workers(1, timeout=_PATIENCE)
        except TimeoutError as error:
            raise ClusterError(
                f"the scheduler at {address} has no worker; start some with `dask worker {address} --nthreads 1`"
            ) from error
        yield client


class _Holding(WorkerPlugin):
    """Has every worker hold the assignment, those too that join later."""

    def __init__(self, assignment: Assignment) -> None:
        self.assignment = assignment

    def teardown(self, worker: Worker) -> None:
        # not here, where the worker answers its scheduler: a submission, even another grader's, may be in hand
        threading.Thread(target=close_when_idle).start()


def _job(held_as: str, submission: Submission, feedback: bool) -> Result:
    held = cast(_Holding, get_worker().plugins[held_as])
    return grade_one(held.assignment, submission, feedback=feedback)


def _on(client: Client, assignment: Assignment, submissions: Iterator[Submission], feedback: bool) -> Iterator[Result]:
    held_as = f"grader-{uuid4().hex}"
    try:
        client.register_plugin(_Holding(assignment), name=held_as)
    except Exception as error:
        raise ClusterError(
            f"the workers cannot load the grader, whose packages each of them needs: {type(error).__name__}: {error}"
        ) from error
    asked: dict[Future, Submission] = {}
    done = as_completed()
    try:
        while True:
            for submission in islice(submissions, max(0, _AHEAD * _workers(client) - len(asked))):
                future = client.submit(_job, held_as, submission, feedback, pure=False, retries=_RETRIES)
                asked[future] = submission
                done.add(future)
            if not asked:
                return
            future = next(done)
            yield _result(future, assignment, asked.pop(future))
    finally:
        client.cancel(list(asked))
        with contextlib.suppress(Exception):  # the cluster may be gone
            client.unregister_worker_plugin(held_as)


def _workers(client: Client) -> int:
    """How many there are now; one to come, where they are all gone."""
    try:
        return max(1, len(client.nthreads()))
    except Exception as error:
        raise ClusterError(_GONE) from error


def _result(future: Future, assignment: Assignment, submission: Submission) -> Result:
    try:
        return future.result()
    except SandboxError:
        raise
    except CancelledError as error:  # nobody here has cancelled it
        raise ClusterError(_GONE) from error
    except KilledWorker:
        problem = "every worker that took it was gone before it was done; the next run tries again"
    except Exception as error:  # of one submission; the others go on
        problem = f"the grader itself failed on it, and the next run tries again: {type(error).__name__}: {error}"
    return Result(submission.student, submission.digest, assignment.digest, problem=problem, flags=(FAILED,))
