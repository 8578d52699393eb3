"""A laboratory of finished runs: the reader sets the choices and sees that run's curves; a verdict waits folded."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from dlbasics.figures import checked_alt

HERE = Path(__file__).parent
# The columns of a run, in the order in which the browser reads them.
COLUMNS = (
    "train_loss", "validation_loss", "train_accuracy", "validation_accuracy",
    "first_gradient", "last_gradient", "update_ratio", "dead", "saturated",
)  # fmt: skip


class RunLab(anywidget.AnyWidget):
    """One control for each choice, and the curves of the stored run that the choices name; needs no kernel process.

    Words are chosen from a list and numbers by a slider; a single value is not asked for. Three panels show losses,
    accuracies, and on a logarithmic axis gradients and update ratio; a line of words below says where the run ended.

    Args:
        choices: a name and its values, words or numbers.
        runs: for each combination, its values as words joined by "/" in the order of ``choices``, a list for each of
            `COLUMNS`, one value a look; None where there is no value.
        looks: the steps after which the runs were looked at.
        verdicts: for each combination what is said when the reader unfolds the verdict.
        presets: a name and the combination that its button sets; the first is shown first.
        alt: what there is to see, in a sentence.

    Raises:
        ValueError: a combination without its run or its verdict, a column of the wrong length, or an unknown preset.
    """

    _esm = HERE / "run_lab.js"
    _css = HERE / "run_lab.css"

    alt = traitlets.Unicode().tag(sync=True)
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    values = traitlets.List(traitlets.List(traitlets.Unicode())).tag(sync=True)
    sliders = traitlets.List(traitlets.Bool()).tag(sync=True)
    looks = traitlets.List(traitlets.Int()).tag(sync=True)
    runs = traitlets.Dict().tag(sync=True)
    verdicts = traitlets.Dict().tag(sync=True)
    presets = traitlets.List(traitlets.Any()).tag(sync=True)  # pairs, since a page sorts the keys of an object

    def __init__(
        self,
        choices: Mapping[str, Sequence[Any]],
        runs: Mapping[str, Mapping[str, Sequence[float | None]]],
        *,
        looks: Sequence[int],
        verdicts: Mapping[str, str],
        presets: Mapping[str, str],
        alt: str,
    ) -> None:
        values = [[_word(value) for value in options] for options in choices.values()]
        combinations = ["/".join(words) for words in itertools.product(*values)]
        for combination in combinations:
            if combination not in runs or combination not in verdicts:
                raise ValueError(f"{combination} has no run or no verdict")
            if any(len(runs[combination][name]) != len(looks) for name in COLUMNS):
                raise ValueError(f"each column of {combination} needs {len(looks)} values, one a look")
        unknown = sorted(set(presets.values()) - set(combinations))
        if unknown or not presets:
            raise ValueError(f"presets must name combinations, and at least one; unknown: {unknown}")
        super().__init__(
            alt=checked_alt(alt),
            names=list(choices),
            values=values,
            sliders=[not any(isinstance(value, str) for value in options) for options in choices.values()],
            looks=list(looks),
            runs={name: [list(runs[name][column]) for column in COLUMNS] for name in combinations},
            verdicts={name: verdicts[name] for name in combinations},
            presets=[[name, setting] for name, setting in presets.items()],
        )


def _word(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
