"""Turn MyST Markdown into the plain Markdown that Jupyter and Colab show, so that a download reads well there."""

import re
from collections.abc import Iterator
from typing import Any

from dlbasics_site.checklist import checklist_markdown
from dlbasics_site.quiz import quiz_markdown

_FENCE = re.compile(r"^(?P<fence>:{3,}|`{3,}|~{3,})\s*\{(?P<name>[\w:.-]+)\}\s*(?P<argument>.*)$")
_OPTION = re.compile(r"^:(?P<key>[\w-]+):\s*(?P<value>.*)$")
_ROLE = re.compile(r"\{(?P<name>[\w:.-]+)\}(?P<ticks>`+)(?P<text>.+?)(?P=ticks)")
_TEXT_WITH_TARGET = re.compile(r"^(?P<text>.+?)\s*<[^>]*>$")
_TARGET_OR_COMMENT = re.compile(r"^(?:\([\w:.-]+\)=|%( .*)?|\+\+\+.*)$")
_EQUATION_LABEL = re.compile(r"^\$\$\s*\([\w:.-]+\)\s*$")
_PAGE_LINK = re.compile(r"\]\((?P<path>[^():#\s]+)\.md(?P<anchor>#[^)\s]*)?\)")

_ADMONITIONS = {"attention", "caution", "danger", "error", "hint", "important", "note", "seealso", "tip", "warning"}
_TITLED = {"admonition", "card", "dropdown", "grid-item-card", "exercise", "solution", "topic", "prf:theorem"}
_FIGURES = {"figure", "image"}
_NOTHING_TO_READ = {"bibliography", "contents", "tableofcontents", "toctree", "eval-rst", "index"}


def plain_markdown(text: str, front_matter: dict[str, Any] | None = None) -> str:
    """Replace directives and roles by what they mean in plain Markdown.

    Args:
        text: MyST Markdown without code cells.
        front_matter: the page's, from which the `objectives` directive takes its words.

    Returns:
        Markdown in which boxes are quotations, citations are keys in brackets, and computed numbers are the names under
        which the cells compute them.
    """
    lines = text.splitlines()
    return "\n".join(_plain_lines(lines, front_matter or {})).strip()


def objectives_markdown(front_matter: dict[str, Any]) -> str:
    """What the front matter promises: what a reader can do afterwards, and how long it takes.

    Args:
        front_matter: with `objectives`, a list of texts or of mappings with the text under `can`; perhaps `minutes`.
    """
    promises = [item["can"] if isinstance(item, dict) else str(item) for item in front_matter.get("objectives", [])]
    minutes = front_matter.get("minutes")
    opening = f"In {minutes} minutes you will be able to" if minutes else "Afterwards you will be able to"
    return "\n".join([opening, "", *(f"- {promise}" for promise in promises)])


def _plain_lines(lines: list[str], front_matter: dict[str, Any]) -> Iterator[str]:
    position = 0
    while position < len(lines):
        line = lines[position]
        position += 1
        if opening := _FENCE.match(line):
            end = _closing(lines, position, opening["fence"])
            yield from _plain_directive(opening["name"], opening["argument"], lines[position:end], front_matter)
            position = end + 1
        elif re.match(r"^(`{3,}|~{3,})", line):  # an ordinary block of code stays as it is
            end = _closing(lines, position, re.match(r"^(`+|~+)", line)[0])  # type: ignore[index]  # it matched one line above
            yield from lines[position - 1 : end + 1]
            position = end + 1
        elif not _TARGET_OR_COMMENT.match(line):
            yield _plain_line(line)


def _closing(lines: list[str], start: int, fence: str) -> int:
    closed = re.compile(rf"^{re.escape(fence[0])}{{{len(fence)},}}\s*$")
    return next((i for i in range(start, len(lines)) if closed.match(lines[i])), len(lines))


def _plain_directive(name: str, argument: str, body: list[str], front_matter: dict[str, Any]) -> Iterator[str]:
    options, body = _split_options(body)
    content = list(_plain_lines(body, front_matter))
    if name == "quiz":
        yield from _plain_lines(quiz_markdown(body), front_matter)
        yield ""
    elif name == "checklist":
        yield from _plain_lines(checklist_markdown(body), front_matter)
        yield ""
    elif name == "objectives":
        yield from _quotation(objectives_markdown(front_matter).splitlines())
    elif name in _ADMONITIONS or name in _TITLED:
        title = argument.strip() or name.capitalize()
        yield from _quotation([f"**{_plain_line(title)}**", "", *content])
    elif name in _FIGURES:
        yield f"![{options.get('alt', '')}]({argument.strip()})"
        yield from ["", *content] if content else []
    elif name == "math":
        yield from ["$$", *body, "$$"]
    elif name in ("code", "code-block"):
        yield from [f"```{argument.strip()}", *body, "```"]
    elif name == "raw":
        yield from body if argument.strip() == "html" else []
    elif name not in _NOTHING_TO_READ:
        yield from content


def _split_options(body: list[str]) -> tuple[dict[str, str], list[str]]:
    """Separate a directive's options, `:key: value` lines or a block between dashes, from its content."""
    options: dict[str, str] = {}
    position = 0
    if body and body[0].strip() == "---":
        while (position := position + 1) < len(body) and body[position].strip() != "---":
            key, _, value = body[position].partition(":")
            options[key.strip()] = value.strip()
        return options, body[position + 1 :]
    while position < len(body) and (option := _OPTION.match(body[position])):
        options[option["key"]] = option["value"]
        position += 1
    while position < len(body) and not body[position].strip():
        position += 1
    return options, body[position:]


def _quotation(lines: list[str]) -> Iterator[str]:
    yield from (f"> {line}".rstrip() for line in lines)
    yield ""  # or what follows would be read as part of it


def _plain_line(line: str) -> str:
    if _EQUATION_LABEL.match(line):
        return "$$"
    line = _ROLE.sub(lambda role: _plain_role(role["name"], role["text"]), line)
    return _PAGE_LINK.sub(lambda link: f"]({link['path']}.ipynb{link['anchor'] or ''})", line)


def _plain_role(name: str, text: str) -> str:
    if name == "math":
        return f"${text}$"
    if name.startswith("cite"):
        return f"[{text.replace(',', ', ')}]"
    if name.startswith("glue"):
        return f"`{text.split(':')[0]}`"
    if shown := _TEXT_WITH_TARGET.match(text):
        return shown["text"]
    return text
