"""A checklist on a page: native boxes to tick, each with its evidence; a script lets the browser remember them."""

import re
from dataclasses import dataclass

from docutils import nodes

from dlbasics_site.listed import KEY, ListedDirective, raw_html, words_and_rest

_ITEM = re.compile(rf"^- \[(?P<key>{KEY})\]\s+(?P<words>.*)$")


class ChecklistError(ValueError):
    """A list that cannot be ticked off as it is written; the message says what is missing."""


@dataclass(frozen=True)
class Item:
    """One line to tick.

    Attributes:
        key: under which a browser remembers the tick; unique in the list, and kept when the words change.
        words: what is ticked, MyST Markdown of one paragraph, without links.
        evidence: where it is shown, MyST Markdown.
    """

    key: str
    words: str
    evidence: str


def read_items(lines: list[str]) -> list[Item]:
    """Read the content of a `checklist` directive.

    Args:
        lines: a list, each item `- [its-key] What to tick.`, an empty line, and its evidence indented by two spaces.

    Raises:
        ChecklistError: no item, a key that stands twice, an item without evidence, or words before the first item.
    """
    starts = [number for number, line in enumerate(lines) if _ITEM.match(line)]
    if not starts or any(line.strip() for line in lines[: starts[0]]):
        raise ChecklistError('a checklist is a list of items, each "- [its-key] What to tick."')
    items = [_item(lines[a:b]) for a, b in zip(starts, [*starts[1:], len(lines)], strict=True)]
    keys = [item.key for item in items]
    if twice := sorted({key for key in keys if keys.count(key) > 1}):
        raise ChecklistError(f"two items have the key {twice[0]!r}: one tick would tick both")
    return items


def _item(lines: list[str]) -> Item:
    first = _ITEM.match(lines[0])
    assert first  # where it starts is where this matched
    words, evidence = words_and_rest(first["words"], lines[1:])
    if not evidence:
        raise ChecklistError(f"{first['key']} has no evidence: add an empty line and an indented sentence with a link")
    return Item(first["key"], words, evidence)


def checklist_markdown(lines: list[str]) -> list[str]:
    """The same list for Jupyter, which shows plain Markdown: boxes to fill in by hand.

    Args:
        lines: the content of the directive.
    """
    shown = [f"- [ ] {item.words} {item.evidence}" for item in read_items(lines)]
    return [line for item in shown for line in item.replace("\n", "\n  ").split("\n")]


class ChecklistDirective(ListedDirective):
    """``:::{checklist} key``: items to tick; `read_items` tells how they are written."""

    def run(self) -> list[nodes.Node]:
        """Build the list."""
        key = self.arguments[0]
        if not re.fullmatch(KEY, key):
            raise self.error(f"a checklist key is lower-case words joined by hyphens, got {key!r}")
        try:
            items = read_items(list(self.content))
        except ChecklistError as error:
            raise self.error(f"checklist {key}: {error}") from error
        built: list[nodes.Node] = [raw_html(f'<div class="dlb-checklist" id="checklist-{key}" data-key="{key}">')]
        for item in items:
            box = f"checklist-{key}-{item.key}"
            evidence = nodes.container(classes=["dlb-evidence"], ids=[f"{box}-evidence"])
            self.parse(item.evidence, evidence)
            built += [
                raw_html(
                    f'<div class="dlb-item"><input type="checkbox" id="{box}" data-item="{item.key}" '
                    f'aria-describedby="{box}-evidence"><label for="{box}">'
                ),
                self.inline(item.words, "what is ticked"),
                raw_html("</label>"),
                evidence,
                raw_html("</div>"),
            ]
        return [*built, raw_html("</div>")]
