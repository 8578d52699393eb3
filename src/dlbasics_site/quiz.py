"""A quiz question on a page: choices that unfold into their explanations, in plain HTML without a script."""

import re
from dataclasses import dataclass
from html import escape

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

_CHOICE = re.compile(r"^- \[(?P<mark>[ xX])\]\s+(?P<words>.*)$")
_KEY = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_VERDICT = {True: "Right.", False: "Not this one."}


class QuizError(ValueError):
    """A question that cannot be asked as it is written; the message says what is missing."""


@dataclass(frozen=True)
class Choice:
    """One answer to choose.

    Attributes:
        right: whether it is the right one.
        words: the answer, MyST Markdown of one paragraph.
        why: what choosing it shows, or confuses; MyST Markdown.
    """

    right: bool
    words: str
    why: str


@dataclass(frozen=True)
class Question:
    """What a `quiz` directive asks: MyST Markdown, and its choices in the order in which they are shown."""

    words: str
    choices: tuple[Choice, ...]


def read_question(lines: list[str]) -> Question:
    """Read the content of a `quiz` directive.

    Args:
        lines: the question; then a list of choices, each `- [ ]` or, the one right one, `- [x]`, with its answer, an
            empty line, and its explanation indented by two spaces.

    Raises:
        QuizError: no question, fewer than two choices, not one right choice, or a choice that explains nothing.
    """
    starts = [number for number, line in enumerate(lines) if _CHOICE.match(line)]
    question = "\n".join(lines[: starts[0]] if starts else lines).strip()
    if not question:
        raise QuizError("a quiz starts with its question")
    if len(starts) < 2:
        raise QuizError(f'a quiz needs at least two choices, "- [ ] ..." or "- [x] ...", got {len(starts)}')
    choices = tuple(_choice(lines[a:b]) for a, b in zip(starts, [*starts[1:], len(lines)], strict=True))
    right = sum(choice.right for choice in choices)
    if right != 1:
        raise QuizError(f"exactly one choice is right, marked [x]; got {right}")
    return Question(question, choices)


def _choice(lines: list[str]) -> Choice:
    first = _CHOICE.match(lines[0])
    assert first  # where it starts is where this matched
    rest = [line.removeprefix("  ") for line in lines[1:]]
    end = next((number for number, line in enumerate(rest) if not line.strip()), len(rest))
    words = " ".join([first["words"], *rest[:end]]).strip()
    why = "\n".join(rest[end:]).strip()
    if not why:
        raise QuizError(f"the choice {words!r} explains nothing: add an empty line and an indented sentence")
    return Choice(first["mark"] != " ", words, why)


def quiz_markdown(lines: list[str]) -> list[str]:
    """The same question for Jupyter, which shows plain Markdown: choices that unfold.

    Args:
        lines: the content of the directive.
    """
    question = read_question(lines)
    shown = [question.words, ""]
    for choice in question.choices:
        shown += [
            f"<details><summary>{escape(choice.words, quote=False)}</summary>", "",
            f"**{_VERDICT[choice.right]}** {choice.why}", "", "</details>",
        ]  # fmt: skip
    return [line for part in shown for line in part.split("\n")]


class QuizDirective(SphinxDirective):
    """``:::{quiz} key``: a question whose choices the reader opens; `read_question` tells how it is written."""

    has_content = True
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Build the question."""
        key = self.arguments[0]
        if not _KEY.fullmatch(key):
            raise self.error(f"a quiz key is lower-case words joined by hyphens, got {key!r}")
        try:
            question = read_question(list(self.content))
        except QuizError as error:
            raise self.error(f"quiz {key}: {error}") from error
        asked = nodes.container(classes=["dlb-question"], ids=[f"quiz-{key}-question"])
        self._parse(question.words, asked)
        built: list[nodes.Node] = [
            _html(f'<div class="dlb-quiz" id="quiz-{key}" role="group" aria-labelledby="quiz-{key}-question">'),
            asked,
        ]
        for choice in question.choices:
            kind = "dlb-right" if choice.right else "dlb-wrong"
            why = nodes.container(classes=["dlb-why"])
            self._parse(f"**{_VERDICT[choice.right]}** {choice.why}", why)
            built += [
                _html(f'<details class="dlb-choice {kind}"><summary>'),
                self._inline(choice.words),
                _html("</summary>"),
                why,
                _html("</details>"),
            ]
        return [*built, _html("</div>")]

    def _parse(self, markdown: str, into: nodes.Element) -> None:
        content = StringList(markdown.split("\n"), source=self.get_source_info()[0])
        self.state.nested_parse(content, self.content_offset, into)

    def _inline(self, markdown: str) -> nodes.inline:
        """One paragraph as what may stand inside a summary."""
        parsed = nodes.container()
        self._parse(markdown, parsed)
        if len(parsed) != 1 or not isinstance(parsed[0], nodes.paragraph):
            raise self.error(f"an answer to choose is one paragraph, got {markdown!r}")
        return nodes.inline("", "", *parsed[0].children)


def _html(text: str) -> nodes.raw:
    return nodes.raw("", text, format="html")
