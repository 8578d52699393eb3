"""The curriculum: what the book's pages promise is taught and practised, and a promise that is not is found."""

import re
import shutil
from pathlib import Path

import pytest

from dlbasics_site.curriculum import anatomy, curriculum_markdown, pages_that_teach, part_of, read_objectives
from dlbasics_site.pages import Book, read_book


@pytest.fixture(scope="module")
def real(project_root: Path) -> Book:
    return read_book(project_root)


def test_every_objective_of_the_book_is_taught_and_practised(real: Book) -> None:
    objectives, wrong = read_objectives(real)
    assert wrong == []
    assert {objective.page for objective in objectives} == set(pages_that_teach(real))


def test_every_page_that_teaches_asks_three_to_five_questions(real: Book) -> None:
    for page in pages_that_teach(real):
        held = anatomy(real.source(page).read_text(encoding="utf-8"))
        assert 3 <= len(held.quizzes) <= 5, f"{page} asks {len(held.quizzes)}"
        assert {"check-yourself", "take-away"} <= set(held.sections), page


def test_the_right_choice_is_not_always_in_the_same_place(real: Book) -> None:
    for page in pages_that_teach(real):
        questions = real.source(page).read_text(encoding="utf-8").split(":::{quiz} ")[1:]
        places = {
            [mark != " " for mark in re.findall(r"^- \[([ xX])\]", question, re.MULTILINE)].index(True)
            for question in questions
        }
        assert len(places) > 1, page


def test_the_map_shows_every_page_and_every_promise(real: Book) -> None:
    shown = curriculum_markdown(real)
    objectives, _ = read_objectives(real)
    for objective in objectives:
        assert f"- {objective.can}." in shown
        assert f"(/{objective.page}.md#{objective.taught})" in shown


def test_the_parts_are_numbered_as_readers_count_them(real: Book) -> None:
    for page in pages_that_teach(real):
        index = real.root / Path(page).parent / "index.md"
        assert index.read_text(encoding="utf-8").startswith(f"# Part {part_of(page)}: "), page
    assert part_of("book/index") == part_of("book/reference/faq") == 0


PAGE = """---
file_format: mystnb
kernelspec: {name: python3}
objectives:
  - id: layers.sum
    can: add
    taught: adding
    practised: [{quiz: sum}, {lab: adding}]
minutes: 5
---
# Sums

## Adding
```{code-cell} ipython3
explore(f, alt="", n=[1, 2])
```

## Check yourself
:::{quiz} sum
What is 1 + 1?

- [x] 2

  Yes.
- [ ] 3

  No.
:::
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("", "", None),
        ("taught: adding", "taught: subtracting", "taught in 'subtracting', but the page's sections are"),
        ("practised: [{quiz: sum}, {lab: adding}]", "practised: []", "nothing practises it"),
        ("{quiz: sum}", "{quiz: product}", "practised by the quiz 'product'; there is sum"),
        ("{lab: adding}", "{lab: check-yourself}", "practised by the lab 'check-yourself'; there is adding"),
        ("{lab: adding}", "{step: cnn 99}", "practised by the step 'cnn 99'"),
        ("{lab: adding}", "{song: x}", "practised by a song"),
        ("can: add", "note: add", "needs an id and what a reader `can` do"),
        ("objectives:", "objections:", "has no objectives"),
    ],
)
def test_a_promise_that_is_not_kept_is_found(
    empty_book: Path, tmp_path: Path, old: str, new: str, said: str | None
) -> None:
    root = shutil.copytree(empty_book, tmp_path / "book")
    (root / "book" / "layers").mkdir()
    (root / "book" / "layers" / "sums.md").write_text(PAGE.replace(old, new, 1) if old else PAGE, encoding="utf-8")
    (root / "_toc.yml").write_text(
        "format: jb-book\nroot: book/index\nchapters:\n- file: book/layers/sums\n", encoding="utf-8"
    )
    _, wrong = read_objectives(read_book(root))
    assert (wrong == []) if said is None else any(said in words for words in wrong), wrong
