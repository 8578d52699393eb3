"""The printed book: what is folded or waits on the screen is there on paper, and links lead from page to page."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from pypdf import PageObject, PdfReader
from pypdf.generic import DictionaryObject

from dlbasics_site import chromium
from dlbasics_site.__main__ import main
from dlbasics_site.chromium import BrowserError
from dlbasics_site.pages import BookError, read_book, read_parts
from dlbasics_site.pdf import print_book

FIRST = """# First page

A [link](second.md#below) to another page.

## Check yourself
:::{quiz} sum
What is $1 + 1$?

- [ ] One

  The larger of both.
- [x] Two

  Count them on your fingers.
:::

## A figure far below
```{raw} html
<div style="height: 2000px"></div>
<div class="dlb-plotly" role="img" aria-label="A line." style="min-height: 300px">
<script type="application/json">{"data": [{"y": [1, 2]}], "layout": {"title": {"text": "Drawn late"}}}</script>
</div>
```
"""
SECOND = "# Second page\n\nTop.\n\n```{raw} html\n<div style='height: 2000px'></div>\n```\n\n## Below\n\nBottom.\n"
TOC = """format: jb-book
root: book/index
parts:
  - caption: A part
    chapters:
      - file: book/first
      - file: book/second
"""


@pytest.fixture(scope="module")
def paper(
    browser_path: Path, empty_book: Path, build_book: Callable, tmp_path_factory: pytest.TempPathFactory
) -> PdfReader:
    """A small book on paper: a quiz, a figure that waits for a reader to come near, a link to a section of a page."""
    root = shutil.copytree(empty_book, tmp_path_factory.mktemp("pdf") / "book")
    (root / "_toc.yml").write_text(TOC, encoding="utf-8")
    for name, text in (("first", FIRST), ("second", SECOND)):
        (root / "book" / f"{name}.md").write_text(text, encoding="utf-8")
    outcome = build_book(root)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return PdfReader(print_book(read_book(root)))


def words(sheets: PdfReader) -> str:
    return re.sub(r"\s+", " ", " ".join(sheet.extract_text() for sheet in sheets.pages))


@pytest.mark.browser
def test_quiz_answers_are_open_and_figures_are_drawn_on_paper(paper: PdfReader) -> None:
    printed = words(paper)
    assert "Count them on your fingers." in printed
    assert "The larger of both." in printed
    assert "Drawn late" in printed
    assert printed.count("First page") == 1 + 1 + sheets_of(paper, "First page")  # contents, heading, and each footer


@pytest.mark.browser
def test_each_page_is_found_from_the_outline(paper: PdfReader) -> None:
    home, part, pages = paper.outline
    assert (home.title, part.title, [page.title for page in pages]) == (
        "A small book", "A part", ["First page", "Second page"],
    )  # fmt: skip
    for item in (home, *pages):
        assert item.title in paper.pages[paper.get_destination_page_number(item)].extract_text()


@pytest.mark.browser
def test_a_link_leads_to_the_section_of_the_other_page(paper: PdfReader) -> None:
    _, _, (first, second) = paper.outline
    start, end = paper.get_destination_page_number(first), paper.get_destination_page_number(second)
    places = [link["/Dest"] for sheet in paper.pages[start:end] for link in links(sheet) if "/Dest" in link]
    below = next(number for number, sheet in enumerate(paper.pages) if "Bottom." in sheet.extract_text())
    assert below > end
    assert paper.pages[below].indirect_reference in [place[0] for place in places]
    assert not [link for sheet in paper.pages for link in links(sheet) if "127.0.0.1" in str(link.get("/A"))]


def sheets_of(paper: PdfReader, heading: str) -> int:
    """How many sheets carry a heading in their footers, that is beside their number."""
    return sum(bool(re.search(rf"{heading}\s*{n}\b", s.extract_text())) for n, s in enumerate(paper.pages, 1))


def links(sheet: PageObject) -> list[DictionaryObject]:
    return [link.get_object() for link in sheet.get("/Annots", [])]


def test_a_book_without_a_browser_is_not_printed_and_the_reason_is_said(
    scratch: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (scratch / "_build" / "html" / "book").mkdir(parents=True)
    (scratch / "_build" / "html" / "book" / "index.html").touch()
    monkeypatch.setattr(chromium, "find", lambda: None)
    assert main(["--root", str(scratch), "pdf"]) == 1
    assert "DLBASICS_BROWSER" in capsys.readouterr().err


def test_a_page_that_is_not_built_is_named(scratch: Path) -> None:
    with pytest.raises(BookError, match="There is no book/index in"):
        print_book(read_book(scratch))


@pytest.mark.browser
def test_what_fails_in_the_page_fails_the_printing(browser_path: Path) -> None:
    with chromium.launch() as browser, browser.tab() as tab:
        assert tab.run("Promise.resolve(6 * 7)") == 42
        with pytest.raises(BrowserError, match="not there"):
            tab.run("Promise.reject(new Error('not there'))")
        with pytest.raises(BrowserError, match="ERR_"):
            tab.open("http://127.0.0.1:9/")


def test_parts_hold_every_page_of_the_contents_once(project_root: Path) -> None:
    listed = [page for _, pages in read_parts(project_root) for page in pages]
    assert tuple(listed) == read_book(project_root).toc
