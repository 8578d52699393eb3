from typing import Any

import pytest

from dlbasics.run_lab import COLUMNS, RunLab

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
