"""Methods side by side, each in its fixed colour: over the number of labels, as bars, as paired differences."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from dlbasics.columns import column
from dlbasics.look import (
    CONTROLS,
    INK,
    METHOD_MARKERS,
    PAPER,
    PLOTLY_TEMPLATE,
    colour_of,
    hide_spines,
    method_label,
    subplots,
)

# Keeps a number legible where it stands on a line.
PAPER_BOX = {"facecolor": PAPER, "edgecolor": "none", "pad": 0.5}
# plotly's names for the markers of METHOD_MARKERS.
PLOTLY_SYMBOLS = {
    "o": "circle",
    "s": "square",
    "D": "diamond",
    "^": "triangle-up",
    "X": "x",
    "v": "triangle-down",
    "P": "cross",
    "p": "pentagon",
    "h": "hexagon",
}


def label_curves(
    budgets: Sequence[int],
    methods: Mapping[str, tuple[ArrayLike, ArrayLike | None]],
    *,
    ylabel: str = "accuracy",
    chance: float | None = None,
) -> go.Figure:
    """Accuracy over the number of labels, one curve a method; values and spread on hover.

    The curves stand a little beside each other, so that their error bars do not hide one another.

    Args:
        budgets: B numbers of labels, positive.
        methods: a method (key of ``METHOD_LABELS`` or any name), its means and standard deviations, shape (B,) each;
            None for the latter draws no error bars.
        ylabel: what is measured; fractions in [0, 1].
        chance: where a dotted line shows what guessing reaches.

    Raises:
        ValueError: no method, lengths that differ, or a budget that is not positive.
    """
    labels = column(budgets, "budgets")
    if not methods:
        raise ValueError("methods is empty: give at least one name with its means and standard deviations")
    if labels.min() <= 0:
        raise ValueError(f"numbers of labels must be positive on a logarithmic axis, got {labels.min():g}")
    figure = go.Figure()
    for order, (method, (means, sds)) in enumerate(methods.items()):
        heights = column(means, f"the means of {method}", length=len(labels))
        colour = colour_of(method, order)
        aside = 1.025 ** (order - (len(methods) - 1) / 2)
        words = [f"{budget:,} labels" for budget in budgets]
        error = None
        if sds is not None:
            spread = column(sds, f"the standard deviations of {method}", length=len(labels))
            error = {"array": spread, "color": colour, "thickness": 1.2, "width": 3}
            words = [f"{word}: {mean:.3f} ± {sd:.3f}" for word, mean, sd in zip(words, heights, spread, strict=True)]
        else:
            words = [f"{word}: {mean:.3f}" for word, mean in zip(words, heights, strict=True)]
        figure.add_scatter(
            x=labels * aside,
            y=heights,
            error_y=error,
            name=method_label(method),
            mode="lines+markers",
            line={"color": colour, "width": 2, "dash": "dot" if method in CONTROLS else "solid"},
            marker={"color": colour, "size": 8, "symbol": PLOTLY_SYMBOLS[METHOD_MARKERS.get(method, "o")]},
            text=words,
            hovertemplate="<b>%{fullData.name}</b><br>%{text}<extra></extra>",
        )
    if chance is not None:
        figure.add_hline(chance, line={"color": "#868b93", "dash": "dash", "width": 1})
    # On a phone the legend takes a line for each method: leave the plot its own room.
    figure.update_layout(template=PLOTLY_TEMPLATE, hovermode="closest", height=320 + 22 * len(methods))
    figure.update_xaxes(
        title="number of labels",
        type="log",
        tickvals=list(budgets),
        ticktext=[f"{budget:,}" for budget in budgets],
        tickfont={"size": 12},
    )
    figure.update_yaxes(title=ylabel, tickformat=".2f", tickfont={"size": 12})
    return figure


def bars(
    labels: Sequence[str],
    means: ArrayLike,
    sds: ArrayLike | None = None,
    *,
    xlabel: str,
    chance: float | None = None,
    form: str = ".3f",
) -> Figure:
    """Horizontal bars with their values, the first label on top; methods keep their colours and get their names.

    Args:
        labels: N names, or keys of ``METHOD_LABELS``.
        means, sds: shape (N,); a standard deviation is drawn as an error bar and written behind the value.
        chance: where a dashed line shows what guessing reaches.
        form: how a value is written.

    Raises:
        ValueError: lengths that differ.
    """
    lengths = column(means, "means", length=len(labels))
    spread = np.zeros(len(labels)) if sds is None else column(sds, "sds", length=len(labels))
    figure, axes = subplots(height=0.75 + 0.36 * len(labels))
    rows = np.arange(len(labels))
    colours = [colour_of(label, 0) for label in labels]
    axes.barh(rows, lengths, height=0.68, color=colours, alpha=0.85)
    if sds is not None:
        axes.errorbar(lengths, rows, xerr=spread, fmt="none", ecolor=INK, elinewidth=1.2, capsize=2.5)
    for row, length, sd in zip(rows, lengths, spread, strict=True):
        words = f"{length:{form}}" + (f" ± {sd:{form}}" if sds is not None else "")
        axes.annotate(words, (max(length + sd, 0), row), (5, 0), textcoords="offset points", va="center")
    axes.set_yticks(rows, [method_label(label) for label in labels])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(xlabel)
    hide_spines(axes, "left")
    # Room for the words behind the longest bar.
    axes.set_xlim(right=max(lengths + spread) * (1.42 if sds is not None else 1.18))
    if max(lengths) <= 1:  # then that room goes beyond what a share can be
        left, right = axes.get_xlim()
        axes.set_xticks([tick for tick in axes.get_xticks() if left <= tick <= min(right, 1)])
    if chance is not None:
        axes.axvline(chance, color=INK, linewidth=1, linestyle=(0, (2, 2)))
        axes.annotate(
            "chance", (chance, 1), (3, 2), xycoords=("data", "axes fraction"), textcoords="offset points", va="bottom"
        )
    return figure


def paired_differences(
    budgets: Sequence[int],
    mean: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    *,
    better: str,
    than: str,
    xlabel: str | None = None,
    scale: float = 100,
) -> Figure:
    """What one method gains over another on the same draws, with its interval, for each number of labels.

    An interval that holds zero is drawn hollow and grey: there the data do not tell which method is better.

    Args:
        budgets: B numbers of labels.
        mean, low, high: shape (B,), the mean paired difference (``better`` minus ``than``) and its interval.
        better, than: the methods, keys of ``METHOD_LABELS`` or names.
        xlabel: by default the accuracy gained, in percentage points.
        scale: factor from the differences to the axis; 100 for fractions to percentage points.

    Raises:
        ValueError: lengths that differ, or a mean outside its interval.
    """
    centre, left, right = (
        column(values, name, length=len(budgets)) * scale
        for name, values in (("mean", mean), ("low", low), ("high", high))
    )
    for budget, c, lo, hi in zip(budgets, centre, left, right, strict=True):
        if not lo <= c <= hi:
            raise ValueError(f"at {budget} labels the mean {c:g} lies outside its interval [{lo:g}, {hi:g}]")
    figure, axes = subplots(height=1.15 + 0.42 * len(budgets))
    rows = np.arange(len(budgets))
    for row, c, lo, hi in zip(rows, centre, left, right, strict=True):
        certain = lo > 0 or hi < 0
        colour = colour_of(better if c > 0 else than, 0) if certain else "#868b93"
        axes.plot([lo, hi], [row, row], color=colour, linewidth=2.5)
        axes.plot(c, row, "o", color=colour, markersize=9, markerfacecolor=colour if certain else "none", mew=2)
        words = f"{c:+.1f}".replace("-", "−")
        axes.annotate(words, (c, row), (0, 8), textcoords="offset points", ha="center", bbox=PAPER_BOX)
    axes.axvline(0, color=INK, linewidth=1.2)
    axes.set_yticks(rows, [f"{budget:,} labels" for budget in budgets])
    axes.set_ylim(len(budgets) - 0.5, -0.75)
    axes.grid(visible=False, axis="y")
    hide_spines(axes, "left")
    reach = max(np.abs([left, right]).max() * 1.1, 1e-9)
    axes.set_xlim(min(left.min() * 1.15, -0.3 * reach), max(right.max() * 1.15, 0.3 * reach))
    axes.set_xlabel(xlabel or f"accuracy gained over {_within_sentence(than)}, points")
    axes.annotate(
        f"{method_label(better)} better →", (0, 1), (6, 4), xycoords=("data", "axes fraction"),
        textcoords="offset points", va="bottom", color=colour_of(better, 0),
    )  # fmt: skip
    return figure


def _within_sentence(method: str) -> str:
    label = method_label(method)
    return label[0].lower() + label[1:]
