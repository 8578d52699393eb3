"""Execute the book's pages side by side, keep what they gave, and run again only what has changed."""

import contextlib
import hashlib
import os
import platform
import re
import shutil
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn, JupyterCacheAbstract
from jupyter_cache.executors.utils import single_nb_execution
from jupyter_client.manager import AsyncKernelManager

from dlbasics_site.forked_kernels import forked_kernels
from dlbasics_site.pages import Book

SLOW_SECONDS = 45
"""What a page may take; the book promises its authors' readers a build of minutes."""

_CACHE_MARK = "__version__.txt"  # jupyter-cache writes it into each of its folders
_KEPT_CACHES = 3  # a branch, the branch it came from, and one to spare
_TRACEBACK_LINES = 15
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")

# One thread a kernel: pages run beside each other, and threads that outnumber cores slow all of them down.
_KERNEL_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "DLBASICS_BOOK": "1",
    "JUPYTER_PREFER_ENV_PATH": "1",  # this environment's kernel, not one of the same name in the user's home
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # or the debugger writes to stderr, which a page must not
}

_STARTUP_SECONDS = 300  # a kernel that starts beside other work on a busy machine
_QUIET_KERNEL = ["--log-level=ERROR"]  # or each kernel greets the terminal with a warning about its transport


@dataclass(frozen=True)
class PageRun:
    """How the execution of one page went.

    Attributes:
        page: its name.
        seconds: wall time.
        failure: None, or what failed, in words: the page, the cell and the end of the traceback.
    """

    page: str
    seconds: float
    failure: str | None


@contextlib.contextmanager
def kernel_environment() -> Iterator[None]:
    """Set what the kernels that start meanwhile find in their environment, and put back what was there."""
    before = {name: os.environ.get(name) for name in _KERNEL_ENVIRONMENT}
    os.environ.update(_KERNEL_ENVIRONMENT)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def usable_cores() -> int:
    """Cores that this process may use, which in a container can be fewer than the machine has."""
    with contextlib.suppress(AttributeError):  # only some systems know
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cache_folder(book: Book, extra: str = "") -> Path:
    """Where outputs are kept: another folder as soon as the package, the requirements or Python are other ones.

    Cells alone do not decide what a page shows; the code that they call does too.

    Args:
        book: the book.
        extra: whatever else the outputs depend on, such as the name of the data set that is used.
    """
    digest = hash_files(book.root, [*tree(book.root / "src" / "dlbasics"), book.root / "requirements.txt"])
    key = hashlib.sha256(f"{digest} {platform.python_version()} {extra}".encode()).hexdigest()[:16]
    return book.build_folder / ".jupyter_cache" / key


def tree(folder: Path) -> list[Path]:
    """Every source file under ``folder``, sorted; nothing that Python or git leave behind."""
    hidden = {"__pycache__", ".ipynb_checkpoints", ".DS_Store", "vendor"}
    return sorted(path for path in folder.rglob("*") if path.is_file() and not hidden.intersection(path.parts))


def hash_files(root: Path, paths: Iterable[Path]) -> str:
    """SHA-256 over names and contents; a file that is not there counts as such."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.relative_to(root).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest() if path.exists() else b"missing")
    return digest.hexdigest()


def execute(book: Book, cache_path: Path, *, jobs: int, expected_seconds: dict[str, float]) -> list[PageRun]:
    """Execute the pages whose outputs are not in the cache; say how each went as soon as it is done.

    Args:
        book: the book.
        cache_path: from ``cache_folder``.
        jobs: how many pages run at a time, >= 1.
        expected_seconds: how long pages took before, by name; the slow ones start first, so that none ends alone.

    Returns:
        A run for each page that was executed, none for those that were in the cache.
    """
    cache = _open_cache(cache_path)
    notebooks = {page: book.read_notebook(page) for page in book.toc if book.is_executed(page)}
    missing = [page for page, notebook in notebooks.items() if not _is_cached(cache, notebook)]
    if not missing:
        return []
    missing.sort(key=lambda page: -expected_seconds.get(page, float("inf")))
    print(f"Executing {_count(len(missing), 'page')}, {min(jobs, len(missing))} at a time", flush=True)

    runs: list[PageRun] = []
    timeout = book.sphinx_config["nb_execution_timeout"]
    with forked_kernels([notebooks[page] for page in missing]) as manager, ThreadPoolExecutor(jobs) as pool:
        started: dict[Future[PageRun], str] = {
            pool.submit(_execute_page, page, notebooks[page], timeout, manager): page for page in missing
        }
        for done in as_completed(started):
            run = done.result()
            runs.append(run)
            if run.failure is None:
                bundle = CacheBundleIn(
                    notebooks[run.page], str(book.source(run.page)), data={"execution_seconds": run.seconds}
                )
                cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
            outcome = "failed" if run.failure else "too slow" if run.seconds > SLOW_SECONDS else ""
            print(f"  [{len(runs)}/{len(missing)}] {run.page:<40} {run.seconds:6.1f} s  {outcome}".rstrip(), flush=True)
    return runs


def _open_cache(path: Path) -> JupyterCacheAbstract:
    path.mkdir(parents=True, exist_ok=True)
    path.touch()
    cache = get_cache(str(path))
    caches = [folder for folder in path.parent.iterdir() if (folder / _CACHE_MARK).exists()]
    caches.sort(key=lambda folder: folder.stat().st_mtime, reverse=True)
    for outdated in caches[_KEPT_CACHES:]:
        shutil.rmtree(outdated)
    return cache


def _is_cached(cache: JupyterCacheAbstract, notebook: nbformat.NotebookNode) -> bool:
    try:
        cache.match_cache_notebook(notebook)
    except KeyError:
        return False
    return True


def _execute_page(
    page: str, notebook: nbformat.NotebookNode, timeout: int, manager: type[AsyncKernelManager] | None
) -> PageRun:
    """Run one page in a kernel of its own, in an empty folder, so that a page leaves nothing behind."""
    how = {"kernel_manager_class": manager} if manager else {}
    reached: list[int] = []

    def note(cell: nbformat.NotebookNode, cell_index: int) -> None:
        reached.append(cell_index)

    started = time.perf_counter()
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        try:
            failure = single_nb_execution(
                notebook,
                cwd=folder,
                timeout=timeout,
                allow_errors=False,
                extra_arguments=_QUIET_KERNEL,
                on_cell_execute=note,
                startup_timeout=_STARTUP_SECONDS,
                **how,
            ).err
        except RuntimeError as error:  # the kernel did not start, or died
            failure = error
    words = None if failure is None else _failure_in_words(page, notebook, reached, failure)
    return PageRun(page, time.perf_counter() - started, words)


def _failure_in_words(page: str, notebook: nbformat.NotebookNode, reached: list[int], failure: Exception) -> str:
    """Name the page, the cell as a reader counts, the line of the source where it begins, and what went wrong."""
    place, traceback = "before its first cell", str(failure)
    if reached:
        number = sum(cell.cell_type == "code" for cell in notebook.cells[: reached[-1] + 1])
        lines = notebook.metadata.get("source_map")
        place = f"cell {number}" + (f" (line {lines[reached[-1]] + 1})" if lines else "")
        errors = [output for output in notebook.cells[reached[-1]].get("outputs", []) if output.output_type == "error"]
        traceback = "\n".join(errors[-1].traceback) if errors else traceback
    tail = _ANSI.sub("", traceback).strip().splitlines()[-_TRACEBACK_LINES:]
    return f"{page}, {place} failed:\n" + "\n".join(f"    {line}" for line in tail)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
