"""The build command on tiny books: what it runs again, what it refuses, and how it says so."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

Build = Callable[..., subprocess.CompletedProcess[str]]

RULE = "---\n"
HEADER = "---\nfile_format: mystnb\nkernelspec: {name: python3}\n---\n"
SECONDS_UNCHANGED = 8  # of one core

PROMISE = "objectives: [{id: small.read, can: read a small book}]\nminutes: 5\nneeds: [layers/dense]\n"
GOOD_PAGE = f"""{HEADER.removesuffix(RULE)}{PROMISE}{RULE}# A small book

```{{objectives}}
```

```{{code-cell}} ipython3
import os, pathlib
from IPython.display import HTML
answer = pathlib.Path(os.environ["SCRATCH"], "src/dlbasics/answer.py").read_text()
HTML(f'<svg role="img" aria-label="The answer: {{answer}}"></svg>')
```
"""


def write_page(root: Path, text: str) -> None:
    (root / "book" / "index.md").write_text(text, encoding="utf-8")


def cell(code: str) -> str:
    return f"\n```{{code-cell}} ipython3\n{code}\n```\n"


def cpu_seconds_of_children() -> float:
    """What the commands that were run have used: it does not depend on what else the machine does. Windows says 0."""
    used = os.times()
    return used.children_user + used.children_system


@pytest.fixture(scope="module")
def built(empty_book: Path, build_book: Build, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small book that has been built."""
    root = shutil.copytree(empty_book, tmp_path_factory.mktemp("built") / "book")
    write_page(root, GOOD_PAGE)
    outcome = build_book(root, SCRATCH=str(root))
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert "The answer: ANSWER = 41" in (root / "_build/html/book/index.html").read_text(encoding="utf-8")
    return root


def test_the_front_matter_becomes_the_card_of_the_page(built: Path) -> None:
    html = (built / "_build/html/book/index.html").read_text(encoding="utf-8")
    for words in ("In 5 minutes you will be able to", "read a small book", "You need dense (to come)."):
        assert words in html


def test_an_unchanged_book_takes_seconds(built: Path, build_book: Build) -> None:
    page = built / "_build/html/book/index.html"
    before, started = page.stat().st_mtime_ns, cpu_seconds_of_children()
    outcome = build_book(built, SCRATCH=str(built))
    assert outcome.returncode == 0
    assert "Nothing has changed" in outcome.stdout
    assert page.stat().st_mtime_ns == before
    assert cpu_seconds_of_children() - started < SECONDS_UNCHANGED


def test_changed_words_are_rendered_without_running_a_cell(built: Path, build_book: Build) -> None:
    write_page(built, GOOD_PAGE + "\nOther words.\n")
    outcome = build_book(built, SCRATCH=str(built))
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert "Executing" not in outcome.stdout
    assert "Other words." in (built / "_build/html/book/index.html").read_text(encoding="utf-8")


def test_changed_code_of_the_package_runs_the_pages_again(built: Path, build_book: Build) -> None:
    (built / "src/dlbasics/answer.py").write_text("ANSWER = 42\n", encoding="utf-8")
    address = "https://github.com/someone/something"
    outcome = build_book(built, SCRATCH=str(built), DLBASICS_REPOSITORY=address)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert "Executing 1 page" in outcome.stdout
    html = (built / "_build/html/book/index.html").read_text(encoding="utf-8")
    assert "The answer: ANSWER = 42" in html

    # In the same build, because each takes a while: with a repository the page can be opened on Colab and Binder.
    assert "colab.research.google.com/github/someone/something/blob/gh-pages/book/index.ipynb" in html
    assert "mybinder.org/v2/gh/someone/something/main?urlpath=lab/tree/book/index.md" in html
    first = nbformat.read(built / "_build/html/book/index.ipynb", as_version=4).cells[0]
    assert f'%pip install --quiet "dlbasics @ git+{address}"' in first.source


def test_without_a_repository_nothing_leads_elsewhere(empty_book: Path, project_root: Path) -> None:
    from dlbasics_site.notebooks import as_download
    from dlbasics_site.pages import read_book

    book = read_book(project_root)
    assert book.repository == ""
    assert "pip" not in as_download(book, "book/index").cells[0].source


def test_failing_cells_fail_the_build_and_are_named_each_time(scratch: Path, build_book: Build) -> None:
    failing = {
        "index": ('x = 1\nraise ValueError("the moon is too far")', "ValueError: the moon is too far"),
        "other": ("import os\nos._exit(1)", "Kernel died"),
    }
    toc = "format: jb-book\nroot: book/index\nchapters:\n- file: book/other\n"
    (scratch / "_toc.yml").write_text(toc, encoding="utf-8")
    for name, (code, _) in failing.items():
        text = f"{HEADER}# Page\n{cell('y = 2')}\nWords.\n{cell(code)}{cell('z = 3')}"
        (scratch / "book" / f"{name}.md").write_text(text, encoding="utf-8")
    for attempt in ("first", "second"):  # a failure is not forgotten
        outcome = build_book(scratch)
        assert outcome.returncode == 1, attempt
        for name, (_, said) in failing.items():
            assert f"book/{name}, cell 2 (line 14) failed" in outcome.stderr, attempt
            assert said in outcome.stderr, attempt
        assert not (scratch / "_build/html/book/index.html").exists()


def test_sphinx_warnings_and_stderr_fail_the_build_and_name_the_page(scratch: Path, build_book: Build) -> None:
    noisy = cell("import sys\nprint('careful', file=sys.stderr)")
    write_page(scratch, f"{HEADER}# Page\n\n{{ref}}`nowhere` and [a page](missing.md).\n{noisy}")
    outcome = build_book(scratch)
    assert outcome.returncode == 1
    for complaint in ("undefined label: 'nowhere'", "missing.md", "stderr was found in the cell outputs"):
        line = next(line for line in outcome.stderr.splitlines() if complaint in line)
        assert "index.md" in line


def test_a_figure_without_words_fails_the_build_and_names_page_and_cell(scratch: Path, build_book: Build) -> None:
    figures = [
        "from IPython.display import HTML\nHTML('<svg role=\"img\"></svg>')",
        "import ipywidgets\nipywidgets.VBox([ipywidgets.HTML('<img src=\"data:,\">')])",
        "import plotly.graph_objects as go\ngo.Figure(go.Scatter(y=[1, 2]))",
    ]
    write_page(scratch, f"{HEADER}# Page\n\n![](../book/_static/favicon.svg)\n{''.join(map(cell, figures))}")
    outcome = build_book(scratch)
    assert outcome.returncode == 1
    assert 'book/index, under "Page": an image without alt text' in outcome.stderr
    assert "book/index, cell 1: an SVG figure without alt text" in outcome.stderr
    assert "book/index, cell 2: an image without alt text" in outcome.stderr
    assert "book/index, cell 3: a plotly figure without alt text" in outcome.stderr


def test_a_page_that_is_not_there_is_named(scratch: Path, build_book: Build) -> None:
    (scratch / "_toc.yml").write_text(
        "format: jb-book\nroot: book/index\nchapters:\n- file: book/absent\n", encoding="utf-8"
    )
    outcome = build_book(scratch)
    assert outcome.returncode == 1
    assert "book/absent" in outcome.stderr
