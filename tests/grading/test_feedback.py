"""What a student reads: words, no line of a test, and nothing that a browser would run."""

from html.parser import HTMLParser

import jinja2
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from grader.feedback import WordsOnly, markdown

PAGE = jinja2.Environment()
PAGE.filters["markdown2html"] = markdown
PAGE = PAGE.from_string("{{ cell.source | markdown2html }}")


class Tags(HTMLParser):
    """Which tags there are, and the values of their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags, self.values = set(), []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.values += [value or "" for _, value in attributes]


def shown(source: str, **attachments: dict[str, str]) -> str:
    return PAGE.render(cell=new_markdown_cell(source, attachments=attachments))


@pytest.mark.parametrize(
    "source",
    [
        "<script>RUN()</script>",
        "<img src=x onerror=RUN()>",
        "[link](javascript:RUN())",
        "[link](JaVaScRiPt&#58;RUN())",
        "<a href='data:text/html,<script>RUN()</script>'>link</a>",
        "![picture](data:text/html,RUN())",
        "<svg onload=RUN()></svg>",
        "<iframe src='javascript:RUN()'></iframe>",
        "<p style='background:url(javascript:RUN())'>text</p>",
        "<form action='javascript:RUN()'><button>send</button></form>",
        "<math><mtext><style><img src onerror=RUN()></style></mtext></math>",
    ],
)
def test_nothing_in_markdown_is_left_to_run(source):
    found = Tags()
    found.feed(shown(source))
    assert found.tags <= {"p", "a", "img"}
    assert not [value for value in found.values if "RUN" in value]


@pytest.mark.parametrize(("link", "kept"), [("https://a.b", True), ("javascript:RUN()", False), ("data:x", False)])
def test_a_link_in_a_formula_leads_to_the_web_or_nowhere(link, kept):
    assert (rf"\href{{{link}}}" in shown(rf"$\href{{{link}}}{{x}}$")) == kept


def test_what_honest_markdown_is_made_of_stays():
    html = shown(
        "# Why\n\n*Because* $a < b$, see [the book](https://a.b).\n\n| x |\n| - |\n| 1 |\n\n```python\nx < 1\n```"
    )
    for part in ("<h1", "<em>Because</em>", "$a &lt; b$", 'href="https://a.b"', "<td>1</td>", "&lt;"):
        assert part in html


def test_a_pasted_picture_is_shown_by_any_of_its_names():
    picture = {"image/png": "iVBORw0KGgo="}
    assert 'src="data:image/png;base64,iVBORw0KGgo="' in shown("![p](attachment:a.png)", **{"a.png": picture})
    assert 'src="data:image/png;base64,iVBORw0KGgo="' in shown("![p](attachment:a%20b.png)", **{"a b.png": picture})


def test_a_picture_that_is_missing_does_not_cost_the_page():
    assert 'src="data:image/gif;base64,' in shown("![p](attachment:gone.png)")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("AssertionError", "twice x", ["twice x"]),
        ("AssertionError", "", ["AssertionError"]),
        ("ValueError", "\x1b[31modd\x1b[0m", ["ValueError: odd"]),
        (
            "CellTimeoutError",
            "?",
            ["This test did not end in time. Is there a loop that never ends, or a very slow one?"],
        ),
        ("KeyError", "word " * 30, [f"KeyError: {'word ' * 17}word", ("word " * 12).strip()]),
    ],
)
def test_an_error_keeps_its_words_and_loses_the_lines_around_it(name, value, words):
    error = new_output("error", ename=name, evalue=value, traceback=["----> 1 assert hidden(1) == 2"])
    flags = {"grade": True, "locked": True, "solution": False, "schema_version": 3, "grade_id": "t", "points": 1}
    cell = new_code_cell("assert hidden(1) == 2", outputs=[error], metadata={"nbgrader": flags})
    cell, _ = WordsOnly().preprocess_cell(cell, {}, 0)
    assert cell.outputs[0].traceback == words
