"""Quiz questions: how they are read, what is refused, and how they look in a notebook and on a page."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from dlbasics_site.plain_markdown import plain_markdown
from dlbasics_site.quiz import QuizError, read_question

QUESTION = """What is $1 + 1$?

- [ ] `1`, the largest
  of both.

  That is the maximum.
- [x] 2

  Count them.

  Twice.
"""


def test_a_question_is_read_with_its_choices_and_their_reasons() -> None:
    question = read_question(QUESTION.splitlines())
    assert question.words == "What is $1 + 1$?"
    assert [(c.right, c.words, c.why) for c in question.choices] == [
        (False, "`1`, the largest of both.", "That is the maximum."),
        (True, "2", "Count them.\n\nTwice."),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- [x] a\n\n  b\n- [ ] c\n\n  d", "starts with its question"),
        ("Q?\n\n- [x] a\n\n  b", "at least two choices"),
        ("Q?\n\n- [x] a\n\n  b\n- [x] c\n\n  d", "exactly one choice is right"),
        ("Q?\n\n- [ ] a\n\n  b\n- [ ] c\n\n  d", "exactly one choice is right"),
        ("Q?\n\n- [x] a\n\n  b\n- [ ] c", "the choice 'c' explains nothing"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(QuizError, match=said):
        read_question(text.splitlines())


def test_in_a_notebook_the_choices_unfold() -> None:
    shown = plain_markdown(f":::{{quiz}} sum\n{QUESTION}:::\nAfter.")
    assert shown.startswith(
        "What is $1 + 1$?\n\n<details><summary>`1`, the largest of both.</summary>\n\n**Not this one.**"
    )
    assert "<summary>2</summary>\n\n**Right.** Count them.\n\nTwice.\n\n</details>" in shown
    assert shown.endswith("After.")


PAGE = f"# Page\n\n## Check yourself\n:::{{quiz}} sum\n{QUESTION}:::\n"


@pytest.fixture(scope="module")
def quiz_page(empty_book: Path, build_book: Callable, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = shutil.copytree(empty_book, tmp_path_factory.mktemp("quiz") / "book")
    (root / "book" / "index.md").write_text(PAGE, encoding="utf-8")
    outcome = build_book(root)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return root / "_build" / "html" / "book" / "index.html"


@pytest.mark.browser
def test_a_reader_opens_choices_by_keyboard_and_sees_which_is_right(chromium: Browser, quiz_page: Path) -> None:
    page = chromium.new_context(java_script_enabled=False).new_page()
    page.goto(quiz_page.as_uri())
    group = page.get_by_role("group", name="What is")
    assert group.count() == 1
    assert not page.get_by_text("Count them.").is_visible()
    right = page.locator("details.dlb-right > summary")
    right.focus()
    page.keyboard.press("Enter")
    assert page.get_by_text("Count them.").is_visible()
    assert not page.get_by_text("That is the maximum.").is_visible()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Space")
    assert page.get_by_text("That is the maximum.").is_visible()
    page.context.close()


def test_a_faulty_question_fails_the_build_and_is_named(scratch: Path, build_book: Callable) -> None:
    (scratch / "book" / "index.md").write_text(PAGE.replace("[x]", "[ ]"), encoding="utf-8")
    outcome = build_book(scratch)
    assert outcome.returncode == 1
    assert "quiz sum: exactly one choice is right" in outcome.stderr
