"""What the book promises: each page's objectives, the section that teaches each, and what practises it."""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import yaml
from mdit_py_plugins.anchors.index import slugify

from dlbasics_site.pages import Book

_HEADING = re.compile(r"^#{1,4} +(?P<title>.+?) *$")
_FENCE = re.compile(r"^ *(?P<fence>`{3,}|~{3,})")
_QUIZ = re.compile(r"^:{3,}\{quiz\} +(?P<key>\S+)")
_MOVES = re.compile(r"^\s*(?:\w+\s*=\s*)?(?:explore|Atlas|\w+Lab)\(")
_STEP = re.compile(r"^## +(?P<title>Step (?P<number>\d+) · .+?) *$", re.MULTILINE)
_PARTS = ("layers", "representations", "lao", "pipeline", "pitfalls")
_QUIZ_SECTION = "check-yourself"


@dataclass(frozen=True)
class Practice:
    """What an objective is practised by.

    Attributes:
        kind: ``"quiz"`` (name: the key of a question of the page), ``"lab"`` (name: the slug of a section of the page
            whose figure moves) or ``"step"`` (name: an assignment and the number of its step, as ``"cnn 2"``).
    """

    kind: str
    name: str


@dataclass(frozen=True)
class Objective:
    """What a reader can do after a page.

    Attributes:
        name: unique in the book, ``<part>.<word>``.
        page: in the table of contents.
        can: completes "you can ...", MyST Markdown.
        taught: the slug of the section that teaches it.
        practised: at least one.
    """

    name: str
    page: str
    can: str
    taught: str
    practised: tuple[Practice, ...]


@dataclass(frozen=True)
class Anatomy:
    """What a page holds that an objective can point at.

    Attributes:
        sections: the title of each section by its slug.
        labs: the slugs of the sections with a figure that moves.
        quizzes: the keys of its questions, in order.
    """

    sections: dict[str, str]
    labs: frozenset[str]
    quizzes: tuple[str, ...]


def front_matter(source: Path) -> dict[str, Any]:
    """The YAML at the top of a page; empty where there is none."""
    text = source.read_text(encoding="utf-8")
    header = re.match(r"---\n(.*?)\n---\s*\n", text, re.DOTALL)
    return (yaml.safe_load(header[1]) or {}) if header else {}


def anatomy(text: str) -> Anatomy:
    """Find a page's sections, its labs and its questions.

    Args:
        text: MyST Markdown.
    """
    sections: dict[str, str] = {}
    labs, quizzes = set(), []
    here, fence = "", ""
    for line in text.splitlines():
        mark = _FENCE.match(line)
        if fence:
            if _MOVES.match(line):
                labs.add(here)
            if mark and mark["fence"].startswith(fence):
                fence = ""
        elif mark:
            fence = mark["fence"]
        elif heading := _HEADING.match(line):
            here = slugify(heading["title"])
            sections[here] = heading["title"]
        elif quiz := _QUIZ.match(line):
            quizzes.append(quiz["key"])
    return Anatomy(sections, frozenset(labs), tuple(quizzes))


def steps(book: Book) -> dict[str, tuple[str, str]]:
    """The steps of the assignments, as ``"cnn 2"``: the page and the title of each."""
    found = {}
    for page in book.toc:
        if page.startswith("exercises/"):
            assignment = page.rpartition("/")[2]
            for cell in nbformat.read(book.source(page), as_version=4).cells:
                for step in _STEP.finditer(cell.source) if cell.cell_type == "markdown" else ():
                    found[f"{assignment} {step['number']}"] = (page, step["title"])
    return found


def part_of(page: str) -> int:
    """The number of the part that a page of the table of contents stands in, from 1; 0 where it is in none."""
    folder = page.split("/")[1]
    return _PARTS.index(folder) + 1 if folder in _PARTS else 0


def pages_that_teach(book: Book) -> list[str]:
    """The pages of the five parts that are executed, in reading order."""
    return [page for page in book.toc if part_of(page) and book.is_executed(page)]


def read_objectives(book: Book) -> tuple[list[Objective], list[str]]:
    """The objectives of all pages, in reading order, and what is wrong with them.

    Returns:
        The objectives, and a sentence for every one that is not both taught and practised, or not well written.
    """
    objectives: list[Objective] = []
    wrong = []
    known_steps = steps(book)
    for page in pages_that_teach(book):
        declared = front_matter(book.source(page)).get("objectives", [])
        if not declared:
            wrong.append(f"{page}: its front matter has no objectives")
        holds = anatomy(book.source(page).read_text(encoding="utf-8"))
        wrong += [f"{page}: two questions have the key {key}" for key, n in Counter(holds.quizzes).items() if n > 1]
        for item in declared:
            objective = Objective(
                str(item.get("id", "")), page, str(item.get("can", "")), str(item.get("taught", "")),
                tuple(Practice(*pair) for entry in item.get("practised", []) for pair in entry.items()),
            )  # fmt: skip
            objectives.append(objective)
            wrong += [f"{page}, {objective.name}: {words}" for words in _missing(objective, holds, known_steps)]
    names = Counter(objective.name for objective in objectives)
    return objectives, wrong + [f"{name} is the id of {n} objectives" for name, n in names.items() if n > 1]


def _missing(objective: Objective, holds: Anatomy, known_steps: dict[str, tuple[str, str]]) -> list[str]:
    there = {"quiz": holds.quizzes, "lab": holds.labs, "step": known_steps}
    missing = []
    if not objective.name or not objective.can:
        missing.append("an objective needs an id and what a reader `can` do")
    if objective.taught not in holds.sections:
        missing.append(f"taught in {objective.taught!r}, but the page's sections are {', '.join(holds.sections)}")
    if not objective.practised:
        missing.append("nothing practises it: name a quiz, a lab or a step")
    for practice in objective.practised:
        if practice.kind not in there:
            missing.append(f"practised by a {practice.kind}; it can be a quiz, a lab or a step")
        elif practice.name not in there[practice.kind]:
            choices = ", ".join(sorted(there[practice.kind])) or "none"
            missing.append(f"practised by the {practice.kind} {practice.name!r}; there is {choices}")
    return missing


def curriculum_markdown(book: Book) -> str:
    """The map of the curriculum as MyST Markdown: pages with their objectives, and links to what teaches and practises.

    Raises:
        ValueError: an objective is not both taught and practised; the message says which and why.
    """
    objectives, wrong = read_objectives(book)
    if wrong:
        raise ValueError("; ".join(wrong))
    known_steps = steps(book)
    lines, part = [], ""
    for page in pages_that_teach(book):
        if (now := page.split("/")[1]) != part:
            part = now
            lines += [f"## {_title(book, f'book/{part}/index')}", ""]
        minutes = front_matter(book.source(page)).get("minutes")
        lines += [f"### [{_title(book, page)}](/{page}.md)", "", f"{minutes} minutes. You can", ""]
        sections = anatomy(book.source(page).read_text(encoding="utf-8")).sections
        for objective in (o for o in objectives if o.page == page):
            taught = f"[{sections[objective.taught]}](/{page}.md#{objective.taught})"
            practised = ", ".join(_link(p, page, sections, known_steps) for p in objective.practised)
            lines += [f"- {objective.can}.", f"  Taught in {taught}; practised by {practised}.", ""]
    return "\n".join(lines)


def _link(practice: Practice, page: str, sections: dict[str, str], known_steps: dict[str, tuple[str, str]]) -> str:
    if practice.kind == "quiz":
        return f"[a question](/{page}.md#{_QUIZ_SECTION})"
    if practice.kind == "lab":
        return f"[the figure that moves](/{page}.md#{practice.name})"
    exercise, title = known_steps[practice.name]
    assignment, number = practice.name.split()
    return f"[{assignment}, step {number}](/{exercise}.ipynb#{slugify(title)})"


def _title(book: Book, page: str) -> str:
    titles = re.findall(r"^# +(.+?) *$", book.source(page).read_text(encoding="utf-8"), re.MULTILINE)
    return titles[0] if titles else page
