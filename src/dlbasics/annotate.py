"""Words and lines on matplotlib axes: curves named at their ends, reference lines, legends, logarithmic ticks."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter

from dlbasics.look import FONT_SIZE, INK, method_label

# More curves than this are named in a legend, not at their ends.
MOST_END_LABELS = 6
DASHES: dict[str, Any] = {"color": INK, "linewidth": 1, "linestyle": (0, (2, 2))}


def name_curves(
    axes: Axes, drawn: Mapping[str, Any], *, height: float, level: Mapping[str, float] | None = None
) -> None:
    """Write each curve's name at its right end, names a line apart; where there are many, a legend.

    Args:
        axes: with all curves drawn.
        drawn: a name and its matplotlib line.
        height: of the axes, about, in inches.
        level: a name and the height of a horizontal reference line, named in the same column.
    """
    level = dict(level or {})
    for value in level.values():
        axes.axhline(value, **DASHES)
    in_legend = len(drawn) > MOST_END_LABELS
    if in_legend:
        for name, line in drawn.items():
            line.set_label(method_label(name))
        legend_above(axes, 2)
    ends = {name: (0.0, value) for name, value in level.items()}
    for name, line in drawn.items() if not in_legend and len(drawn) + len(level) > 1 else ():
        x, y = line.get_data()
        last = np.flatnonzero(np.isfinite(y))[-1:]
        if len(last):
            ends[name] = (x[last[0]], y[last[0]])
    axes.get_xlim(), axes.get_ylim()  # matplotlib settles the limits only when they are asked for
    distance = FONT_SIZE * 1.15 / 72 / height
    to_axes = axes.transData + axes.transAxes.inverted()
    places = {name: to_axes.transform(end)[1] for name, end in ends.items()}
    for name, place in _spread(places, distance).items():
        axes.annotate(
            method_label(name), (1, place), (6, 0), xycoords="axes fraction", textcoords="offset points", va="center",
            color=drawn[name].get_color() if name in drawn else INK, fontweight="bold" if name in drawn else "normal",
        )  # fmt: skip


def legend_above(axes: Axes, columns: int, *, raised: bool = False) -> None:
    """The legend in rows of ``columns`` names over the plot (``raised``: over the names of marked places, too)."""
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1.12 if raised else 1.02),
        ncols=columns,
        columnspacing=1.2,
        handlelength=1.1,
        handletextpad=0.5,
    )


def mark_places(axes: Axes, mark: Mapping[str, float]) -> None:
    """Named vertical dashed lines."""
    for name, place in mark.items():
        axes.axvline(place, **DASHES)
        beside_line(axes, place, name)


def beside_line(axes: Axes, place: float, words: str) -> None:
    """Words above the plot at a vertical line, on the side where there is more room."""
    low, high = axes.get_xlim()
    right = place > (low + high) / 2
    axes.annotate(
        words, (place, 1), (0, 4), xycoords=("data", "axes fraction"), textcoords="offset points", va="bottom",
        ha="right" if right else "left",
    )  # fmt: skip


def log_axis(axis: Any, set_scale: Any) -> None:
    """A logarithmic axis whose ticks read 10, 100, 1,000 where that is short, and powers of ten elsewhere."""
    set_scale("log")
    low, high = axis.get_view_interval()
    if low >= 1e-3 and high <= 1e5:
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axis.set_minor_formatter(NullFormatter())


def _spread(places: Mapping[str, float], distance: float) -> dict[str, float]:
    """Places moved as little as need be so that no two are closer than ``distance``."""
    names = sorted(places, key=lambda name: places[name])
    if not names:
        return {}
    moved = np.array([places[name] for name in names])
    # Pushing close neighbours apart by half the missing space settles quickly for a handful of labels.
    for _ in range(200):
        missing = distance - np.diff(moved)
        if (missing <= 1e-6).all():
            break
        push = np.clip(missing, 0, None) / 2
        moved[:-1] -= push
        moved[1:] += push
    return dict(zip(names, moved.tolist(), strict=True))
