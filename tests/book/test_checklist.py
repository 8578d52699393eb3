"""Checklists: how they are read, what is refused, how a notebook shows them, and that a browser remembers ticks."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from dlbasics_site.checklist import ChecklistError, read_items
from dlbasics_site.plain_markdown import plain_markdown

ITEMS = """- [labels] The *labels* were
  looked at.

  Shown on [another page](index.md).
- [new-images] New images are like the old ones.

  Tested, with a control.
"""


def test_items_are_read_with_their_keys_and_their_evidence() -> None:
    items = read_items(ITEMS.splitlines())
    assert [(item.key, item.words, item.evidence) for item in items] == [
        ("labels", "The *labels* were looked at.", "Shown on [another page](index.md)."),
        ("new-images", "New images are like the old ones.", "Tested, with a control."),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Only words.", "list of items"),
        ("Words.\n- [a] b\n\n  c", "list of items"),
        ("- [a] b", "a has no evidence"),
        ("- [a] b\n\n  c\n- [a] d\n\n  e", "two items have the key 'a'"),
    ],
)
def test_a_list_that_cannot_be_ticked_is_refused_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(ChecklistError, match=said):
        read_items(text.splitlines())


def test_in_a_notebook_the_items_are_boxes_to_fill_in() -> None:
    assert plain_markdown(f":::{{checklist}} release\n{ITEMS}:::\nAfter.") == (
        "- [ ] The *labels* were looked at. Shown on [another page](index.ipynb).\n"
        "- [ ] New images are like the old ones. Tested, with a control.\n\nAfter."
    )


PAGE = f"# Page\n\n:::{{checklist}} release\n{ITEMS}:::\n"


@pytest.fixture(scope="module")
def checklist_page(empty_book: Path, build_book: Callable, tmp_path_factory: pytest.TempPathFactory) -> str:
    root = shutil.copytree(empty_book, tmp_path_factory.mktemp("checklist") / "book")
    (root / "book" / "index.md").write_text(PAGE, encoding="utf-8")
    outcome = build_book(root)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return (root / "_build" / "html" / "book" / "index.html").as_uri()


@pytest.mark.browser
def test_a_tick_is_found_again_after_a_reload_and_can_be_cleared(chromium: Browser, checklist_page: str) -> None:
    page = chromium.new_context().new_page()
    page.goto(checklist_page)
    page.get_by_role("checkbox", name="The labels were looked at.").focus()
    page.keyboard.press("Space")
    assert page.get_by_role("status").inner_text() == "1 of 2 ticked"
    page.reload()
    assert page.get_by_role("checkbox", name="The labels were looked at.").is_checked()
    assert not page.get_by_role("checkbox", name="New images are like the old ones.").is_checked()
    page.keyboard.press("Tab")  # from the top of the page; what follows needs no pointer
    page.get_by_role("button", name="Clear").focus()
    page.keyboard.press("Enter")
    assert page.get_by_role("status").inner_text() == "0 of 2 ticked"
    page.reload()
    assert page.locator(":checked").count() == 0
    page.context.close()


@pytest.mark.browser
def test_what_another_version_of_the_page_stored_does_no_harm(chromium: Browser, checklist_page: str) -> None:
    page = chromium.new_context().new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(checklist_page)
    for stored in ("not JSON", "3", '["gone", "new-images"]'):
        page.evaluate("stored => localStorage.setItem('checklist:release', stored)", stored)
        page.reload()
    assert page.get_by_role("status").inner_text() == "1 of 2 ticked"
    page.context.close()
    assert complaints == []


@pytest.mark.browser
def test_without_a_script_the_boxes_can_still_be_ticked(chromium: Browser, checklist_page: str) -> None:
    page = chromium.new_context(java_script_enabled=False).new_page()
    page.goto(checklist_page)
    page.get_by_text("The labels were looked at.").click()
    assert page.get_by_role("checkbox", name="The labels were looked at.").is_checked()
    assert page.get_by_role("button", name="Clear").count() == 0
    page.context.close()


def test_a_faulty_list_fails_the_build_and_is_named(scratch: Path, build_book: Callable) -> None:
    (scratch / "book" / "index.md").write_text(PAGE.replace("[new-images]", "[labels]"), encoding="utf-8")
    outcome = build_book(scratch)
    assert outcome.returncode == 1
    assert "checklist release: two items have the key 'labels'" in outcome.stderr
