from collections.abc import Iterator
from typing import Any

import ipywidgets
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from ipywidgets.embed import embed_data
from matplotlib.figure import Figure

from dlbasics import figures
from dlbasics.explore import _values as values
from dlbasics.explore import explore, live, still


def named(width: int, activation: str) -> str:
    return f"<b>{width} {activation}</b>"


CHOICES: dict[str, list[Any]] = {"width": [1, 2, 4], "activation": ["relu", "tanh"]}


def controls_of(box: ipywidgets.VBox) -> dict[str, ipywidgets.Widget]:
    return {control.description: control for control in box.children[0].children}


def links_of(box: ipywidgets.VBox) -> list[dict]:
    state = embed_data(views=[box], drop_defaults=False)["manager_state"]["state"]
    return [model["state"] for model in state.values() if model["model_name"] == "LinkModel"]


def frame_behind(box: ipywidgets.VBox, **index: int) -> str:
    """The frame that a reader sees who moved each control to this index: the links are followed as the browser does."""
    controls = {control.model_id: name for name, control in controls_of(box).items()}
    places = {}
    for link in links_of(box):
        (source, attribute), (target, selected) = link["source"], link["target"]
        control = controls.get(source.removeprefix("IPY_MODEL_"))
        if control is not None:  # ipywidgets exports the links of other boxes as well
            assert (attribute, selected) == ("index", "selected_index")
            places[target.removeprefix("IPY_MODEL_")] = index[control]
    shown = box.children[1]
    while isinstance(shown, ipywidgets.Stack):
        shown = shown.children[places[shown.model_id]]
    return shown.value


def test_without_a_kernel_every_combination_stands_behind_its_controls() -> None:
    box = still(named, "A word.", CHOICES)
    for i, width in enumerate(CHOICES["width"]):
        for j, activation in enumerate(CHOICES["activation"]):
            assert named(width, activation) in frame_behind(box, width=i, activation=j)


def test_the_first_of_each_choice_is_shown_first() -> None:
    box = still(named, "A word.", CHOICES)
    assert {name: control.value for name, control in controls_of(box).items()} == {"width": 1, "activation": "relu"}
    shown = box.children[1]
    while isinstance(shown, ipywidgets.Stack):
        shown = shown.children[shown.selected_index]
    assert named(1, "relu") in shown.value


def test_with_a_kernel_a_moved_control_computes_again() -> None:
    calls = []
    box = live(lambda width: calls.append(width) or f"<i>{width}</i>", "A word.", {"width": [1, 2, 4]})
    controls_of(box)["width"].value = 4
    assert calls == [1, 4]
    assert "<i>4</i>" in box.children[1].value


def test_with_a_kernel_a_failure_takes_the_place_of_the_figure() -> None:
    box = live(lambda width: f"{1 / (2 - width):.2f}", "A number.", {"width": [1, 2]})
    controls_of(box)["width"].value = 2
    assert "the figure failed at width=2: ZeroDivisionError" in box.children[1].value
    controls_of(box)["width"].value = 1
    assert "1.00" in box.children[1].value


@pytest.mark.parametrize(
    ("values", "kind", "words"),
    [
        ([1, 2.5, 1000], ipywidgets.SelectionSlider, ["1", "2.5", "1000"]),
        (["a", "b"], ipywidgets.ToggleButtons, ["a", "b"]),
        ([False, True], ipywidgets.ToggleButtons, ["no", "yes"]),
        (list("abcde"), ipywidgets.Dropdown, list("abcde")),
    ],
)
def test_each_choice_has_the_control_that_suits_it(values: list, kind: type, words: list[str]) -> None:
    box = still(lambda label_noise: str(label_noise), "A word.", {"label_noise": values})
    control = controls_of(box)["label noise"]
    assert type(control) is kind
    assert [label for label, _ in control.options] == words


def test_numpy_numbers_reach_the_function_as_plain_ones() -> None:
    def draw(rate: float) -> str:
        return type(rate).__name__

    box = live(draw, "A type.", {"rate": values("rate", np.array([0.1, 0.2]))})
    assert "float<" in box.children[1].value


def test_each_frame_says_which_combination_it_shows() -> None:
    def draw(width: int) -> Figure:
        figure, axes = figures.subplots()
        axes.plot([0, width])
        return figure

    box = still(draw, "A line.", {"width": [1, 2]})
    assert 'aria-label="A line. (width=2)"' in frame_behind(box, width=1)
    box = still(draw, lambda width: f"A line that rises to {width}.", {"width": [1, 2]})
    assert 'aria-label="A line that rises to 2."' in frame_behind(box, width=1)


def test_too_many_frames_are_refused_before_the_first_is_made() -> None:
    with pytest.raises(ValueError, match=r"at most 200 frames .* 20 a x 11 b = 220"):
        still(lambda a, b: pytest.fail("was called"), "A word.", {"a": list(range(20)), "b": list(range(11))})


def test_heavy_frames_are_reported() -> None:
    with pytest.warns(UserWarning, match=r"2 frames weigh 4\.0 MB, and a page should stay under 3 MB"):
        still(lambda size: "x" * size, "Much.", {"size": [2_000_000, 2_000_001]})


def test_a_failure_names_its_combination() -> None:
    with pytest.raises(RuntimeError, match=r"failed at width=0, activation='relu': ZeroDivisionError"):
        still(lambda width, activation: 1 / width, "A word.", {"width": [0], "activation": ["relu"]})


def test_what_is_neither_figure_nor_html_is_named() -> None:
    with pytest.raises(TypeError, match=r"at width=1 a matplotlib figure or HTML was expected, got int"):
        still(lambda width: width, "A word.", {"width": [1]})


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({}, "at least one choice"),
        ({"width": []}, "width has no value"),
        ({"width": "relu"}, "width must be a list of values, got 'relu'"),
        ({"width": 3}, "width must be a list of values, got 3"),
    ],
)
def test_choices_that_offer_nothing_are_named(choices: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        explore(named, alt="A word.", **choices)


def test_a_frame_needs_words_too() -> None:
    with pytest.raises(ValueError, match="alt must say"):
        still(named, " ", CHOICES)


@pytest.fixture
def notebook() -> Iterator[None]:
    InteractiveShell.instance()
    yield
    InteractiveShell.clear_instance()


@pytest.mark.parametrize("book", [True, False])
@pytest.mark.usefixtures("notebook")
def test_the_book_links_and_the_kernel_computes(book: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if book:
        monkeypatch.setenv("DLBASICS_BOOK", "1")
    calls = []
    with capture_output() as captured:
        explore(lambda width: calls.append(width) or "<b>x</b>", alt="A word.", width=[1, 2, 3])
    assert calls == ([1, 2, 3] if book else [1])
    (output,) = captured.outputs
    assert "application/vnd.jupyter.widget-view+json" in output.data
