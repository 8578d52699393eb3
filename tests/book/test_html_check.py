import json
from pathlib import Path

import pytest

from dlbasics_site.html_check import check_page, check_stylesheet


def problems(tmp_path: Path, body: str) -> list[str]:
    page = tmp_path / "page.html"
    page.write_text(
        f"<html><head><title>t</title></head><body><h1>Top<a>#</a></h1>{body}</body></html>", encoding="utf-8"
    )
    return check_page(page, "book/page")


def widget(*models: dict) -> str:
    state = {str(index): model for index, model in enumerate(models)}
    return (
        f'<script type="application/vnd.jupyter.widget-state+json">{json.dumps({"state": state})}</script>'
        '<div class="cell" id="cell-7"><div>'
        '<script type="application/vnd.jupyter.widget-view+json">{"model_id": "0"}</script></div></div>'
    )


@pytest.mark.parametrize(
    "figure",
    [
        '<img src="a.png" alt="A wave.">',
        '<img src="a.png" alt="" role="presentation">',
        '<img src="a.png" aria-hidden="true">',
        '<svg role="img" aria-label="A wave."></svg>',
        '<svg role="img"><title>A wave.</title><path/></svg>',
        "<svg><path/></svg>",
        '<div class="dlb-plotly" aria-label="A wave."></div>',
        '<a href="https://elsewhere.example/">a link is not a request</a>',
        "<pre>{term}`loss`</pre>",
        "<p>a set {1, 2}</p>",
        '<script src="../_static/a.js"></script>',
        "<script>// see https://elsewhere.example/\nconst a = 'https://elsewhere.example/';</script>",
    ],
)
def test_a_figure_with_words_and_a_local_script_pass(tmp_path: Path, figure: str) -> None:
    assert problems(tmp_path, figure) == []


@pytest.mark.parametrize(
    ("figure", "said"),
    [
        ("<p>brings <code>points {glue:text}</code></p>", "markup that was not understood, {glue:text}"),
        ('<img src="a.png">', "an image without alt text (a.png)"),
        ('<img src="a.png" alt=" ">', "an image without alt text"),
        ('<svg role="img"><path/></svg>', "an SVG figure without alt text"),
        ('<div class="dlb-plotly" aria-label=""></div>', "a plotly figure without alt text"),
        ('<script src="https://cdn.example/a.js"></script>', "<script> fetches https://cdn.example/a.js"),
        ('<img alt="x" src="//cdn.example/a.png">', "<img> fetches //cdn.example/a.png"),
        ('<link rel="stylesheet" href="https://cdn.example/a.css">', "<link> fetches https://cdn.example/a.css"),
        ('<p style="background: url(https://cdn.example/a.png)">', "<p> fetches https://cdn.example/a.png"),
        ("<style>@import 'https://cdn.example/a.css'</style>", "a style fetches https://cdn.example/a.css"),
        ("<script>fetch('https://api.example/x')</script>", "a script fetches https://api.example/x"),
        (
            '<script type="module">import a from "https://esm.example/a"</script>',
            "a script fetches https://esm.example/a",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, figure: str, said: str) -> None:
    (problem,) = problems(tmp_path, f'<div class="cell" id="cell-2"><div>{figure}</div></div><img src="b" alt="b">')
    assert problem.startswith(f"book/page, cell 2: {said}")
    (problem,) = problems(tmp_path, f'<div class="cell" id="cell-1"><div></div></div><h2>Where next</h2>{figure}')
    assert problem.startswith(f'book/page, under "Where next": {said}')


def test_figures_inside_widgets_are_looked_at_too(tmp_path: Path) -> None:
    box = {"model_name": "VBoxModel", "state": {"children": ["IPY_MODEL_1"]}}
    good = {"model_name": "HTMLModel", "state": {"value": '<svg role="img" aria-label="A wave."></svg>'}}
    bad = {"model_name": "HTMLModel", "state": {"value": '<svg role="img"></svg>'}}
    assert problems(tmp_path, widget(box, good)) == []
    assert problems(tmp_path, widget(box, bad)) == [
        "book/page, cell 7: an SVG figure without alt text: give it an aria-label"
    ]


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ({"model_name": "ImageModel", "state": {}}, "an Image widget"),
        ({"model_name": "AnyModel", "state": {"alt": "", "_esm": ""}}, "an interactive figure without alt text"),
        ({"model_name": "AnyModel", "state": {"alt": "x", "_esm": 'import d from "https://esm.example/d"'}}, "fetches"),
    ],
)
def test_a_widget_that_cannot_speak_or_asks_elsewhere_is_named(tmp_path: Path, model: dict, said: str) -> None:
    (problem,) = problems(tmp_path, widget(model))
    assert problem.startswith("book/page, cell 7: ")
    assert said in problem


def test_a_style_sheet_may_not_ask_elsewhere(tmp_path: Path) -> None:
    sheet = tmp_path / "a.css"
    sheet.write_text("a { background: url('fonts/a.woff2') } b { background: url(data:image/png;base64,AA==) }")
    assert check_stylesheet(sheet) == []
    sheet.write_text("@font-face { src: url(https://fonts.example/a.woff2) }")
    assert check_stylesheet(sheet) == ["a.css fetches https://fonts.example/a.woff2 from another host"]
