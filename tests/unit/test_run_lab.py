from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from dlbasics.run_lab import COLUMNS, HERE, RunLab

CHOICES: dict[str, Any] = {"optimiser": ["SGD", "Adam"], "rate": [1e-4, 1.0]}
SETTINGS = ("SGD/0.0001", "SGD/1", "Adam/0.0001", "Adam/1")


def runs(length: int = 2) -> dict[str, Any]:
    return {
        setting: {column: [float(place), None][:length] for column in COLUMNS} for place, setting in enumerate(SETTINGS)
    }


def lab(**changes: Any) -> RunLab:
    settings: dict[str, Any] = {
        "choices": CHOICES,
        "runs": runs(),
        "looks": [0, 5],
        "verdicts": dict.fromkeys(SETTINGS, "healthy"),
        "presets": {"Patient 1": "Adam/1"},
        "alt": "Runs by optimiser and rate.",
    }
    return RunLab(**{**settings, **changes})


def test_words_are_chosen_from_a_list_and_numbers_by_a_slider() -> None:
    assert lab().sliders == [False, True]


def test_a_run_arrives_column_by_column_under_the_words_of_its_choices() -> None:
    widget = lab()
    assert widget.values == [["SGD", "Adam"], ["0.0001", "1"]]
    assert widget.runs["Adam/1"] == [[3.0, None]] * len(COLUMNS)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"runs": {}}, "no run"),
        ({"verdicts": {}}, "no verdict"),
        ({"runs": runs(length=1)}, "2 values"),
        ({"presets": {}}, "at least one"),
        ({"presets": {"Patient 1": "Adam/2"}}, "Adam/2"),
        ({"alt": " "}, "alt"),
    ],
)
def test_what_the_browser_could_not_show_is_refused(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        lab(**changes)


def test_presets_keep_their_order() -> None:
    presets = {"Second by the alphabet": "SGD/1", "First": "Adam/1"}
    assert lab(presets=presets).presets == [list(pair) for pair in presets.items()]


# ---- in a browser --------------------------------------------------------------------------------------------------

# Stands for the widget's model as anywidget hands it to `render`: nothing but `get`.
OPEN = """async ({source, state}) => {
  const url = URL.createObjectURL(new Blob([source], {type: "text/javascript"}));
  const {default: lab} = await import(url);
  lab.render({model: {get: (name) => state[name]}, el: document.getElementById("here")});
}"""


def open_lab(page: Page, widget: RunLab) -> None:
    style, source = HERE / "run_lab.css", HERE / "run_lab.js"
    page.set_content(f"<style>{style.read_text(encoding='utf-8')}</style><div id=here></div>")
    names = ("alt", "names", "values", "sliders", "looks", "runs", "verdicts", "presets")
    state = {name: getattr(widget, name) for name in names}
    page.evaluate(OPEN, {"source": source.read_text(encoding="utf-8"), "state": state})
    page.wait_for_selector(".dlb-runs")


def run_of(**ends: float | None) -> dict[str, list[float | None]]:
    """A run that starts with every column at 1 and ends as told, else at 1; dead and saturated stay None untold."""
    idle = dict.fromkeys(("dead", "saturated"))
    return {column: [1.0, {**idle, **ends}.get(column, 1.0)] for column in COLUMNS}


@pytest.mark.browser
def test_another_setting_moves_the_curves_the_words_and_the_verdict(chromium: Browser) -> None:
    choices = {"activation": ["relu", "tanh"], "seeded": ["once"], "rate": [0.1, 1.0]}
    stored = {
        "relu/once/0.1": run_of(train_loss=0.5, first_gradient=1e-5, dead=0.25),
        "relu/once/1": run_of(train_loss=None, validation_loss=None),
        "tanh/once/0.1": run_of(train_loss=0.5, first_gradient=1e-5, saturated=0.75),
        "tanh/once/1": run_of(train_loss=0.25, first_gradient=0.1, saturated=1.0),
    }
    widget = lab(
        choices=choices,
        runs=stored,
        verdicts={setting: f"The verdict on {setting}." for setting in stored},
        presets={"A patient": "relu/once/0.1", "Another": "tanh/once/1"},
    )
    page = chromium.new_page(viewport={"width": 390, "height": 900})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    open_lab(page, widget)
    status, verdict = page.locator(".dlb-runs-status"), page.locator(".dlb-runs details")
    curves = page.locator(".dlb-runs > svg .curve")

    def drawn() -> list[str | None]:
        return [curve.get_attribute("d") for curve in curves.all()]

    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert curves.count() == len(COLUMNS) - 2  # dead units and saturated outputs are said in words
    assert page.get_by_role("combobox").count() == 1  # what has one value is not asked for
    assert not verdict.locator("p").is_visible()
    verdict.locator("summary").click()
    assert verdict.locator("p").text_content() == "The verdict on relu/once/0.1."
    assert "loss 0.5 in training" in str(status.text_content())
    assert str(status.text_content()).endswith("dead units 25 %.")
    first = drawn()

    # The activation alone: the same curves, other words; no number is said that the run does not have.
    page.get_by_role("combobox", name="activation").select_option("tanh")
    assert drawn() == first
    assert str(status.text_content()).endswith("saturated outputs 75 %.")
    assert "dead" not in str(status.text_content())
    assert verdict.locator("p").text_content() == "The verdict on tanh/once/0.1."

    # The rate, by key: the training loss ends lower (further down the drawing) and the first layer's gradient higher.
    rate = page.get_by_role("slider", name="rate")
    rate.press("ArrowRight")
    assert rate.get_attribute("aria-valuetext") == "1"
    assert verdict.locator("p").text_content() == "The verdict on tanh/once/1."
    assert "Gradient of the first layer 0.1" in str(status.text_content())
    moved = {COLUMNS[k] for k, (before, after) in enumerate(zip(first, drawn(), strict=True)) if before != after}
    assert moved == {"train_loss", "first_gradient"}
    heights = [[float(str(curve).split()[-1]) for curve in (each[0], each[4])] for each in (first, drawn())]
    assert heights[0][0] < heights[1][0]
    assert heights[0][1] > heights[1][1]
    pressed = page.get_by_role("button", pressed=True)
    assert pressed.all_text_contents() == ["Another"]

    # A run that diverged has no point there, and says when it ended.
    page.get_by_role("combobox", name="activation").select_option("relu")
    assert "no longer a number after step 0" in str(status.text_content())
    assert pressed.count() == 0

    # A patient comes with the verdict folded again.
    page.get_by_role("button", name="A patient").click()
    assert drawn() == first
    assert not verdict.locator("p").is_visible()
    assert pressed.all_text_contents() == ["A patient"]
    assert errors == []
    page.close()
