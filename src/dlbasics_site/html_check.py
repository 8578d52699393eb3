"""Check the finished pages: figures say in words what they show, no markup is left, no other host is asked."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

_WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
_WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"

# (element, attribute) pairs that make a browser fetch something without being asked.
_FETCHING = {
    ("script", "src"),
    ("img", "src"),
    ("img", "srcset"),
    ("source", "src"),
    ("source", "srcset"),
    ("video", "src"),
    ("video", "poster"),
    ("audio", "src"),
    ("iframe", "src"),
    ("embed", "src"),
    ("object", "data"),
    ("image", "href"),
    ("use", "href"),
    ("input", "src"),
}
_FETCHING_LINKS = {
    "stylesheet",
    "icon",
    "preload",
    "prefetch",
    "preconnect",
    "dns-prefetch",
    "modulepreload",
    "manifest",
}
_MARKUP = re.compile(r"\{(?:glue:\w+|term|cite(?::\w+)?|ref|numref|doc|download)\}")
_ELSEWHERE = re.compile(r"^\s*(?:https?:)?//", re.IGNORECASE)
_STYLE_FETCH = re.compile(r"(?:url\(|@import)\s*[\"']?\s*((?:https?:)?//[^\"')\s]+)", re.IGNORECASE)
_SCRIPT_FETCH = re.compile(
    r"(?:\bfetch\(|\bimport\s*\(|\bimport\b[^;\"'`]*|\bfrom\s*|\bsrc\s*=|url\()\s*\\?[\"'`]((?:https?:)?//[^\"'`\\\s]+)"
)


def check_page(path: Path, page: str) -> list[str]:
    """Look for figures without words, for markup that is shown, and for requests to other hosts in a finished page.

    Args:
        path: the HTML file.
        page: the page's name, for the messages.

    Returns:
        A message for each problem: the page, the cell or the heading above it, and what is wrong.
    """
    reader = _PageReader()
    reader.feed(path.read_text(encoding="utf-8"))
    reader.close()
    return [f"{page}, {problem}" for problem in [*reader.problems, *reader.widget_problems()]]


def check_stylesheet(path: Path) -> list[str]:
    """Look for requests to other hosts in a style sheet.

    Args:
        path: the CSS file.

    Returns:
        A message for each address found.
    """
    text = path.read_text(encoding="utf-8")
    return [f"{path.name} fetches {address} from another host" for address in _STYLE_FETCH.findall(text)]


class _PageReader(HTMLParser):
    """Reads a page from top to bottom and remembers where it is: in which cell, under which heading."""

    def __init__(self, place: str = "the page's head") -> None:
        super().__init__()
        self.problems: list[str] = []
        self.views: list[tuple[str, str]] = []  # (model id, place)
        self.state: dict[str, Any] = {}
        self._heading = place
        self._cell: str | None = None
        self._depth = 0  # of div elements
        self._cell_depth = 0
        self._text_of: str | None = None  # the element whose text is being collected
        self._script_type = ""
        self._text: list[str] = []
        self._code_depth = 0  # of pre elements, where markup may be what is shown
        self._unnamed_svg: str | None = None  # an svg figure without a label, which may still have a title

    @property
    def place(self) -> str:
        return self._cell or self._heading

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self._follow(tag, values)
        self._check_words(tag, values)
        self._check_hosts(tag, values)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == "pre":
            self._code_depth -= 1
        elif tag == "div":
            if self._cell and self._depth == self._cell_depth:
                self._cell = None
            self._depth -= 1
        elif tag == "svg" and self._unnamed_svg:
            self.problems.append(self._unnamed_svg)
            self._unnamed_svg = None
        if tag == self._text_of:
            self._take_text(tag, "".join(self._text))
            self._text_of, self._text = None, []

    def handle_data(self, data: str) -> None:
        if self._text_of:
            self._text.append(data)
        if not self._code_depth and self._text_of not in ("script", "style") and (left := _MARKUP.search(data)):
            self.problems.append(f"{self.place}: markup that was not understood, {left[0]}: is a backtick missing?")

    def widget_problems(self) -> Iterator[str]:
        """What is wrong with the figures inside widgets, which are data until a reader scrolls to them."""
        for model, place in self.views:
            for part in self._parts(model, set()):
                yield from _widget_problems(part, place)

    def _follow(self, tag: str, values: dict[str, str]) -> None:
        if tag == "pre":
            self._code_depth += 1
        elif tag == "div":
            self._depth += 1
            if re.fullmatch(r"cell-\d+", values.get("id", "")):
                self._cell, self._cell_depth = values["id"].replace("-", " "), self._depth
        elif tag in ("h1", "h2", "h3", "h4", "style", "script") and not self._text_of:
            self._text_of, self._text = tag, []
            self._script_type = values.get("type", "")
        elif tag == "title" and self._unnamed_svg:
            self._unnamed_svg = None

    def _check_words(self, tag: str, values: dict[str, str]) -> None:
        role = values.get("role")
        hidden = values.get("aria-hidden") == "true" or role == "presentation" or role == "none"
        named = bool((values.get("aria-label") or values.get("aria-labelledby") or "").strip())
        if tag == "img" and not hidden and not values.get("alt", "").strip() and not named:
            self.problems.append(f"{self.place}: an image without alt text ({values.get('src', '')[:60]})")
        elif tag == "svg" and role == "img" and not named:
            self._unnamed_svg = f"{self.place}: an SVG figure without alt text: give it an aria-label"
        elif tag == "div" and "dlb-plotly" in values.get("class", "").split() and not named:
            self.problems.append(f'{self.place}: a plotly figure without alt text: set layout.meta["alt"]')

    def _check_hosts(self, tag: str, values: dict[str, str]) -> None:
        fetched = [value for name, value in values.items() if (tag, name.removeprefix("xlink:")) in _FETCHING]
        if tag == "link" and _FETCHING_LINKS.intersection(values.get("rel", "").lower().split()):
            fetched.append(values.get("href", ""))
        fetched = [address for address in fetched if _ELSEWHERE.match(address)]
        fetched += _STYLE_FETCH.findall(values.get("style", ""))
        self.problems += [f"{self.place}: <{tag}> fetches {address} from another host" for address in fetched]

    def _take_text(self, tag: str, text: str) -> None:
        if tag == "style":
            self.problems += [
                f"{self.place}: a style fetches {a} from another host" for a in _STYLE_FETCH.findall(text)
            ]
        elif tag == "script" and self._script_type == _WIDGET_STATE:
            self.state = json.loads(text)["state"]
        elif tag == "script" and self._script_type == _WIDGET_VIEW:
            self.views.append((json.loads(text)["model_id"], self.place))
        elif tag == "script":
            self.problems += [
                f"{self.place}: a script fetches {a} from another host" for a in _SCRIPT_FETCH.findall(text)
            ]
        else:
            self._heading = f'under "{text.removesuffix("#").strip()}"'

    def _parts(self, model: str, seen: set[str]) -> Iterator[dict[str, Any]]:
        """The widget ``model`` and all that it holds."""
        if model in seen or model not in self.state:
            return
        seen.add(model)
        part = self.state[model]
        yield part
        for value in part.get("state", {}).values():
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, str) and item.startswith("IPY_MODEL_"):
                    yield from self._parts(item.removeprefix("IPY_MODEL_"), seen)


def _widget_problems(part: dict[str, Any], place: str) -> Iterator[str]:
    kind, state = part.get("model_name", ""), part.get("state", {})
    if kind == "ImageModel":
        yield f"{place}: an Image widget, which cannot have alt text: use an HTML widget with <img alt=…>"
    elif kind in ("HTMLModel", "HTMLMathModel"):
        inner = _PageReader(place)
        inner.feed(state.get("value", ""))
        inner.close()
        yield from inner.problems
    elif kind == "AnyModel":
        if "alt" in state and not str(state["alt"]).strip():
            yield f"{place}: an interactive figure without alt text: set its alt"
        yield from (
            f"{place}: a widget's script fetches {address} from another host"
            for address in _SCRIPT_FETCH.findall(str(state.get("_esm", "")))
            + _STYLE_FETCH.findall(str(state.get("_css", "")))
        )
