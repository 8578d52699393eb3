"""Build the book: web assets, executed pages, strict HTML, notebooks to download, and a check of what came out."""

import contextlib
import hashlib
import importlib
import json
import platform
import shutil
import time
from dataclasses import dataclass
from html import escape
from pathlib import Path

from jupyter_book.sphinx import build_sphinx

from dlbasics_site.assets import fetch_site_assets
from dlbasics_site.execution import (
    SLOW_SECONDS,
    PageRun,
    cache_folder,
    execute,
    hash_files,
    kernel_environment,
    tree,
)
from dlbasics_site.html_check import check_page, check_stylesheet
from dlbasics_site.notebooks import write_notebooks
from dlbasics_site.pages import Book, BookError, read_book

_SLOWEST_SHOWN = 3


@dataclass
class BuildRecord:
    """What the last complete build was made of, kept in `_build/book.json`.

    Attributes:
        inputs: digest of everything that decides what the site looks like.
        seconds: how long each page took when it was last executed.
    """

    inputs: str
    seconds: dict[str, float]


def build(root: Path, *, jobs: int) -> Path:
    """Build the book under ``root``, or find that the one that is there is up to date.

    Args:
        root: the project's root, with `_config.yml` and `_toc.yml`.
        jobs: how many pages are executed at a time, >= 1.

    Returns:
        The folder of the finished site.

    Raises:
        BookError: a page failed, Sphinx warned, or a figure has no words; the message says which and where.
        AssetError: the web assets could not be fetched.
    """
    started = time.perf_counter()
    book = read_book(root)
    data_set = _data_set(book)
    inputs = _digest(book, data_set)
    record = _read_record(book)
    if record.inputs == inputs and (book.html / "index.html").exists():
        print(f"Nothing has changed since the last build ({time.perf_counter() - started:.1f} s).")
        return _finish(book)

    fetch_site_assets(root)
    cache = cache_folder(book, extra=data_set)
    with kernel_environment():
        runs = execute(book, cache, jobs=jobs, expected_seconds=record.seconds)
    seconds = record.seconds | {run.page: run.seconds for run in runs if run.failure is None}
    _write_record(book, BuildRecord("", seconds))  # whatever fails from here on, the next build starts again
    _report_runs(runs)

    _render(book, cache)
    notebooks = write_notebooks(book)
    _check(book)
    _write_record(book, BuildRecord(inputs, seconds))
    print(f"Built {len(book.toc)} pages and {len(notebooks)} notebooks in {time.perf_counter() - started:.0f} s.")
    return _finish(book)


def _data_set(book: Book) -> str:
    """The name of the data set that the pages will find, for with another one they show other numbers."""
    if not (book.root / "src" / "dlbasics" / "sources.py").exists():
        return ""
    return str(importlib.import_module("dlbasics.sources").fashion_mnist().name)


def _digest(book: Book, data_set: str) -> str:
    """One digest of all that goes into the site."""
    folders = [tree(book.root / name) for name in ("book", "src")]
    outside = [source for page in book.toc if not (source := book.source(page)).is_relative_to(book.root / "book")]
    single = [book.root / name for name in ("_config.yml", "_toc.yml", "requirements.txt")]
    files = hash_files(book.root, [*single, *outside, *(path for folder in folders for path in folder)])
    builder = Path(__file__).parent
    rest = f"{hash_files(builder, tree(builder))} {platform.python_version()} {data_set} {book.repository}"
    return hashlib.sha256(f"{files} {rest}".encode()).hexdigest()


def _read_record(book: Book) -> BuildRecord:
    with contextlib.suppress(FileNotFoundError, json.JSONDecodeError, TypeError):
        return BuildRecord(**json.loads((book.build_folder / "book.json").read_text(encoding="utf-8")))
    return BuildRecord("", {})


def _write_record(book: Book, record: BuildRecord) -> None:
    book.build_folder.mkdir(exist_ok=True)
    (book.build_folder / "book.json").write_text(json.dumps(vars(record), indent=1), encoding="utf-8")


def _report_runs(runs: list[PageRun]) -> None:
    slowest = sorted(runs, key=lambda run: -run.seconds)[:_SLOWEST_SHOWN]
    if len(runs) > 1:
        print("Slowest: " + ", ".join(f"{run.page} {run.seconds:.0f} s" for run in slowest))
    for run in runs:
        if run.seconds > SLOW_SECONDS:
            print(f"Warning: {run.page} took {run.seconds:.0f} s; a page may take {SLOW_SECONDS} s.")
    if failures := [run.failure for run in runs if run.failure]:
        raise BookError("\n\n".join(failures))


def _render(book: Book, cache: Path) -> None:
    """Let Sphinx write every page afresh: it repeats a warning only for the pages that it reads."""
    for outdated in (book.html, book.build_folder / ".doctrees"):
        if outdated.exists():
            shutil.rmtree(outdated)
    print("Rendering", flush=True)
    with kernel_environment():  # for a page that is edited after it was executed: Sphinx then executes it itself
        status = build_sphinx(
            book.root,
            book.html,
            noconfig=True,
            path_config=book.root / "_config.yml",
            confoverrides={
                "external_toc_path": "_toc.yml",
                "latex_individualpages": False,
                "nb_execution_mode": "cache",
                "nb_execution_cache_path": str(cache),
            },
            warningiserror=True,
            keep_going=True,
            quiet=True,
        )
    if status != 0:
        raise BookError("Sphinx found something wrong; its messages above name the page and the line.")
    home = f"{book.toc[0]}.html"
    title = escape(str(book.sphinx_config["html_title"]))
    (book.html / "index.html").write_text(
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta http-equiv="refresh" content="0; url={home}"><link rel="canonical" href="{home}"></head>'
        f'<body><p><a href="{home}">{title}</a></p></body></html>\n',
        encoding="utf-8",
    )


def _check(book: Book) -> None:
    problems = [problem for page in book.toc for problem in check_page(book.html / f"{page}.html", page)]
    for sheet in sorted((book.html / "_static").rglob("*.css")):
        problems += check_stylesheet(sheet)
    if problems:
        raise BookError("\n".join(problems))


def _finish(book: Book) -> Path:
    print(f"The book: {book.html / 'index.html'}\nSee it:   make serve   (or: python -m dlbasics_site serve)")
    return book.html
