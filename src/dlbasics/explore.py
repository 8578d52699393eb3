"""Figures with controls: recomputed where a kernel runs, looked up among frames made beforehand in the built book."""

import html
import math
import numbers
import traceback
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import ipywidgets
from IPython.display import display
from matplotlib.figure import Figure

from dlbasics import figures
from dlbasics.building import building_book

# More frames than this cost the reader more to load, and the author more to build, than they show.
MOST_FRAMES = 200
# Bytes of frames in one page from which the author is told.
HEAVY = 3_000_000
# More words than this are chosen from a list, fewer from buttons that show them all.
MOST_BUTTONS = 4

FULL_WIDTH = {"width": "100%"}
ROW = {"width": "100%", "margin": "2px 0"}
# ipywidgets puts the label of buttons on a line of its own; this puts it beside them, as with the other controls.
BUTTON_ROW = {**ROW, "display": "flex", "flex_flow": "row wrap"}

Frame = Callable[..., Figure | str]


def explore(f: Frame, *, alt: str | Callable[..., str], **choices: Iterable[Any]) -> None:
    """Display the figure of ``f`` under one control for each of its arguments.

    In a live kernel a control that moves calls ``f`` again. In the built book (``DLBASICS_BOOK=1``) ``f`` is called
    once for every combination, and the controls choose among the results with no kernel: so ``f`` must be quick, and
    the choices few.

    Args:
        f: called as ``f(width=4, activation="relu")``; returns a matplotlib figure or a string of HTML.
        alt: what the figure shows, in a sentence; or a function of the same choices that says it.
        choices: for each argument of ``f`` its values: numbers make a slider, up to four words buttons, more a list.

    Raises:
        ValueError: no choice, a choice without values, or more than 200 combinations in the book.
        TypeError: ``f`` returns something else.
        RuntimeError: ``f`` fails; the message names the combination.
    """
    values = {name: _values(name, choice) for name, choice in choices.items()}
    if not values:
        raise ValueError("explore needs at least one choice, such as width=[1, 2, 4]")
    if building_book():
        display(still(f, alt, values))
    else:
        display(live(f, alt, values))


def live(f: Frame, alt: str | Callable[..., str], values: Mapping[str, Sequence[Any]]) -> ipywidgets.VBox:
    """Controls whose every change computes the frame anew; arguments as for ``explore``."""
    controls = _controls(values)
    frame = ipywidgets.HTML(
        _frame(f, alt, {name: control.value for name, control in controls.items()}),
        layout=FULL_WIDTH,
    )

    def recompute(_: object) -> None:
        combination = {name: control.value for name, control in controls.items()}
        try:
            frame.value = _frame(f, alt, combination)
        except Exception:
            # Jupyter shows nothing of an error in a callback, so it takes the figure's place.
            frame.value = f'<pre role="alert">{html.escape(traceback.format_exc(limit=-3))}</pre>'

    for control in controls.values():
        control.observe(recompute, "value")
    return _together(controls, frame)


def still(f: Frame, alt: str | Callable[..., str], values: Mapping[str, Sequence[Any]]) -> ipywidgets.VBox:
    """Controls linked in the browser to frames that are all computed now; arguments as for ``explore``."""
    count = math.prod(len(options) for options in values.values())
    if count > MOST_FRAMES:
        sizes = " x ".join(f"{len(options)} {name}" for name, options in values.items())
        raise ValueError(
            f"at most {MOST_FRAMES} frames can be made beforehand, got {sizes} = {count}: offer fewer values"
        )
    controls = _controls(values)
    weights = []

    def frames(chosen: dict[str, Any], open_choices: Sequence[str]) -> ipywidgets.Widget:
        if not open_choices:
            # In the caller's order again, which the messages of `_frame` follow.
            frame = _frame(f, alt, {name: chosen[name] for name in values})
            weights.append(len(frame.encode()))
            return ipywidgets.HTML(frame, layout=FULL_WIDTH)
        name, *others = open_choices
        pages = [frames({**chosen, name: value}, others) for value in values[name]]
        stack = ipywidgets.Stack(pages, selected_index=0, layout=FULL_WIDTH)
        ipywidgets.jslink((controls[name], "index"), (stack, "selected_index"))
        return stack

    # The shortest choice outermost: that makes the fewest Stacks.
    picture = frames({}, sorted(values, key=lambda name: len(values[name])))
    if sum(weights) > HEAVY:
        warnings.warn(
            f"{count} frames weigh {sum(weights) / 1e6:.1f} MB, and a page should stay under {HEAVY / 1e6:.0f} MB: "
            "offer fewer values, or draw fewer points",
            stacklevel=3,
        )
    return _together(controls, picture)


def _values(name: str, choice: Iterable[Any]) -> list[Any]:
    if isinstance(choice, str) or not isinstance(choice, Iterable):
        raise ValueError(f"{name} must be a list of values, got {choice!r}")
    options = [value.item() if hasattr(value, "item") else value for value in choice]
    if not options:
        raise ValueError(f"{name} has no value to choose from: give at least one")
    return options


def _controls(values: Mapping[str, Sequence[Any]]) -> dict[str, ipywidgets.Widget]:
    """A labelled control for each choice, its first value chosen."""
    style = {"description_width": f"{max(len(name) for name in values) + 1}ch"}
    controls = {}
    for name, options in values.items():
        common = {
            "options": [(_in_words(value), value) for value in options],
            "value": options[0],
            "description": name.replace("_", " "),
            "tooltip": name.replace("_", " "),  # without one, the pointer reads "null"
        }
        if all(isinstance(value, numbers.Real) and not isinstance(value, bool) for value in options):
            controls[name] = ipywidgets.SelectionSlider(**common, style=style, layout=ROW)
        elif len(options) <= MOST_BUTTONS:
            controls[name] = ipywidgets.ToggleButtons(
                **common, style={**style, "button_width": "auto"}, layout=BUTTON_ROW
            )
        else:
            controls[name] = ipywidgets.Dropdown(**common, style=style, layout=ROW)
    return controls


def _in_words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _frame(f: Frame, alt: str | Callable[..., str], combination: Mapping[str, Any]) -> str:
    """The HTML of one combination, with its description."""
    here = ", ".join(f"{name}={value!r}" for name, value in combination.items())
    try:
        picture = f(**combination)
    except Exception as error:
        raise RuntimeError(f"the figure failed at {here}: {type(error).__name__}: {error}") from error
    words = alt(**combination) if callable(alt) else f"{figures.checked_alt(alt)} ({here})"
    if isinstance(picture, Figure):
        return figures.as_html(picture, alt=words)
    if isinstance(picture, str):
        return f'<div role="group" aria-label="{html.escape(figures.checked_alt(words))}">{picture}</div>'
    raise TypeError(f"at {here} a matplotlib figure or HTML was expected, got {type(picture).__name__}")


def _together(controls: Mapping[str, ipywidgets.Widget], picture: ipywidgets.Widget) -> ipywidgets.VBox:
    panel = ipywidgets.VBox(
        list(controls.values()), layout=ipywidgets.Layout(width="100%", max_width="544px", margin="0 auto 8px")
    )
    box = ipywidgets.VBox([panel, picture], layout=FULL_WIDTH)
    box.add_class("dlb-explore")
    return box
