"""A quiz question on a page: choices that unfold into their explanations, in plain HTML without a script."""

import re
from dataclasses import dataclass
from html import escape

from docutils import nodes

from dlbasics_site.listed import KEY, ListedDirective, raw_html, words_and_rest

_CHOICE = re.compile(r"^- \[(?P<mark>[ xX])\]\s+(?P<words>.*)$")
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
    words, why = words_and_rest(first["words"], lines[1:])
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


class QuizDirective(ListedDirective):
    """``:::{quiz} key``: a question whose choices the reader opens; `read_question` tells how it is written."""

    def run(self) -> list[nodes.Node]:
        """Build the question."""
        key = self.arguments[0]
        if not re.fullmatch(KEY, key):
            raise self.error(f"a quiz key is lower-case words joined by hyphens, got {key!r}")
        try:
            question = read_question(list(self.content))
        except QuizError as error:
            raise self.error(f"quiz {key}: {error}") from error
        asked = nodes.container(classes=["dlb-question"], ids=[f"quiz-{key}-question"])
        self.parse(question.words, asked)
        built: list[nodes.Node] = [
            raw_html(f'<div class="dlb-quiz" id="quiz-{key}" role="group" aria-labelledby="quiz-{key}-question">'),
            asked,
        ]
        for choice in question.choices:
            kind = "dlb-right" if choice.right else "dlb-wrong"
            why = nodes.container(classes=["dlb-why"])
            self.parse(f"**{_VERDICT[choice.right]}** {choice.why}", why)
            built += [
                raw_html(f'<details class="dlb-choice {kind}"><summary>'),
                self.inline(choice.words, "an answer to choose"),
                raw_html("</summary>"),
                why,
                raw_html("</details>"),
            ]
        return [*built, raw_html("</div>")]
