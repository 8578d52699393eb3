"""What a student gets back: the instructor's words, no line of a hidden test, and nothing that a browser would run."""

from __future__ import annotations

import re
import textwrap
from typing import Any
from urllib.parse import unquote

import bleach
from jinja2 import BytecodeCache, Environment, pass_context
from jinja2.bccache import Bucket
from jinja2.runtime import Context
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.preprocessors import ClearHiddenTests

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_WORDS = 2000  # characters of an error's message
_COLUMNS = 100  # of a line of it: a page does not wrap what an error says
_SAID = {
    "CellTimeoutError": "This test did not end in time. Is there a loop that never ends, or a very slow one?",
    "DeadKernelError": "The kernel died while this test ran: too much memory, or a call that ends the process?",
}
_TAGS = {
    *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "div", "span", "pre", "details", "summary", "img"),
    *("table", "thead", "tbody", "tr", "th", "td", "del", "s", "sup", "sub", "kbd", "dl", "dt", "dd"),
}
_FORMULA_LINK = re.compile(r"\\href(?!\s*\{\s*https?:)")  # MathJax would let one run a script
_PIXEL = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"  # a transparent one
_PICTURE = re.compile(r"data:image/(png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=\s]*|(?!data:).*", re.IGNORECASE)


class WordsOnly(ClearHiddenTests):
    """First of `GenerateFeedback.preprocessors`: hidden tests leave a graded cell, its errors keep their words only.

    A traceback shows the lines around the one that failed, and in a graded cell these are the instructor's.
    """

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict[str, Any], cell_index: int
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """One cell."""
        cell, resources = super().preprocess_cell(cell, resources, cell_index)
        if cell.cell_type == "code" and utils.is_grade(cell) and utils.is_locked(cell):
            for output in cell.outputs:
                if output.output_type == "error":
                    output.evalue = str(output.evalue)[:_WORDS]
                    output.traceback = _lines(words(output)) or [output.ename]
        return cell, resources


class Page(HTMLExporter):
    """nbconvert's exporter to HTML, whose templates a process compiles once, and not once a page."""

    def _create_environment(self) -> Environment:
        environment: Environment = super()._create_environment()
        environment.bytecode_cache = _compiled
        return environment


class _Compiled(BytecodeCache):
    def __init__(self) -> None:
        self._templates: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._templates:
            bucket.bytecode_from_string(self._templates[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._templates[bucket.key] = bucket.bytecode_to_string()


_compiled = _Compiled()


def words(error: NotebookNode) -> str:
    """What an error says, without a line of code."""
    said = _SAID.get(error.ename) or _COLOURS.sub("", str(error.evalue))
    if error.ename in ("AssertionError", "CheckFailedError") and said:
        return said
    return said if error.ename in _SAID else f"{error.ename}: {said}".rstrip(": ")


def _lines(said: str) -> list[str]:
    return [part for line in said.splitlines() for part in textwrap.wrap(line, _COLUMNS) or [""]]


@pass_context
def markdown(context: Context, source: str) -> str:
    """In place of nbconvert's filter `markdown2html`: HTML that runs nothing, and shows what was pasted into the cell.

    nbconvert's own sanitiser is not called by nbgrader's template.
    """
    pasted = _Pasted(context.get("cell", {}).get("attachments", {}))
    rendered = MarkdownWithMath(renderer=IPythonRenderer(escape=False, attachments=pasted)).render(source)
    clean: str = bleach.clean(
        _FORMULA_LINK.sub(r"\\mbox", rendered),
        tags=bleach.ALLOWED_TAGS | _TAGS,
        attributes={"*": ["class", "id", "title"], "a": _is_link, "img": _is_picture},
        protocols=bleach.ALLOWED_PROTOCOLS | {"data"},  # for pictures only, see below
        strip=True,
    )
    return clean


class _Pasted(dict[str, dict[str, str]]):
    """Pictures by the names that a text calls them; nbconvert would refuse a whole notebook for one that is missing."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> dict[str, str]:
        return self.get(unquote(name), {"image/gif": _PIXEL})


def _is_link(tag: str, name: str, value: str) -> bool:
    return name in ("class", "id", "title") or (name == "href" and not value.strip().lower().startswith("data:"))


def _is_picture(tag: str, name: str, value: str) -> bool:
    return name in ("class", "alt", "title", "width", "height") or (
        name == "src" and bool(_PICTURE.fullmatch(value.strip()))
    )
