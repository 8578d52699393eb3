"""Curves and distributions: a value over steps, over layers, or how often it occurs."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from dlbasics.annotate import DASHES, beside_line, legend_above, log_axis, mark_places, name_curves
from dlbasics.columns import as_array, column
from dlbasics.look import CONTROLS, METHOD_COLOURS, METHOD_MARKERS, colour_of, method_label, subplots

SPLIT_COLOURS = {"train": METHOD_COLOURS["scratch"], "validation": METHOD_COLOURS["contrastive"]}


def lines(
    x: ArrayLike,
    curves: Mapping[str, ArrayLike],
    *,
    xlabel: str,
    ylabel: str,
    bands: Mapping[str, tuple[ArrayLike, ArrayLike]] | None = None,
    log_x: bool = False,
    log_y: bool = False,
    markers: bool = False,
    mark: Mapping[str, float] | None = None,
    level: Mapping[str, float] | None = None,
    colours: Mapping[str, str] | None = None,
    height: float | None = None,
) -> Figure:
    """Named curves over one axis, each labelled at its end; methods keep their colours.

    Args:
        x: shape (N,).
        curves: a name and its values, shape (N,); NaN leaves a gap.
        bands: for a name, the low and high edge of a band around its curve, shape (N,) each.
        log_x, log_y: logarithmic axes; their values must be positive.
        markers: draw the points as well.
        mark: a name and the ``x`` where a vertical line stands.
        level: a name and the ``y`` where a horizontal line lies, such as chance.
        colours: a name and its colour, where it shall not have the usual one (a class: ``CLASS_COLOURS``).
        height: of the whole figure, in inches.

    Raises:
        ValueError: no curve, or one whose length is not that of ``x``.
    """
    positions = column(x, "x")
    if not curves:
        raise ValueError("curves is empty: give at least one name and its values")
    figure, axes = subplots(height=height)
    drawn = {}
    for order, (name, values) in enumerate(curves.items()):
        heights = column(values, name, length=len(positions))
        colour = (colours or {}).get(name) or colour_of(name, order)
        marker = METHOD_MARKERS.get(name, "o") if markers else None
        (drawn[name],) = axes.plot(
            positions, heights, color=colour, marker=marker, linestyle="--" if name in CONTROLS else "-"
        )
        if bands and name in bands:
            low, high = (column(edge, f"the band of {name}", length=len(positions)) for edge in bands[name])
            axes.fill_between(positions, low, high, color=colour, alpha=0.18)
    if log_x:
        log_axis(axes.xaxis, axes.set_xscale)
    if log_y:
        log_axis(axes.yaxis, axes.set_yscale)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    if (positions == positions.round()).all() and not log_x:
        axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    mark_places(axes, mark or {})
    name_curves(axes, drawn, height=0.7 * figure.get_figheight(), level=level)
    return figure


def history(
    columns: Mapping[str, Sequence[float]], *, stopped_at: float | None = None, xlabel: str | None = None
) -> Figure:
    """Training and validation loss, and accuracy below it where it was measured, over the steps of one run.

    Args:
        columns: columns of equal length: ``step`` (or ``epoch``), and any of ``train_loss``, ``validation_loss``,
            ``train_accuracy``, ``validation_accuracy``. NaN or None where a value was not measured at that step.
        stopped_at: the step whose weights were kept (early stopping); by default it is not marked.
        xlabel: the name of the horizontal axis; by default "step" or "epoch".

    Raises:
        ValueError: neither ``step`` nor ``epoch``, no loss and no accuracy, or columns of unequal length.
    """
    clock = next((name for name in ("step", "epoch") if name in columns), None)
    panels = [kind for kind in ("loss", "accuracy") if any(f"{split}_{kind}" in columns for split in SPLIT_COLOURS)]
    if clock is None or not panels:
        raise ValueError(
            f"history needs 'step' or 'epoch' and a column such as 'train_loss' or 'validation_accuracy', "
            f"got {sorted(columns)}"
        )
    steps = column(columns[clock], clock)
    figure, grid = subplots(len(panels), 1, height=1.2 + 1.7 * len(panels), sharex=True, squeeze=False)
    for axes, kind in zip(grid[:, 0], panels, strict=True):
        drawn = {}
        for split, colour in SPLIT_COLOURS.items():
            name = f"{split}_{kind}"
            if name not in columns:
                continue
            values = column(columns[name], name, length=len(steps))
            measured = np.isfinite(values)
            (drawn[split],) = axes.plot(steps[measured], values[measured], color=colour)
        axes.set_ylabel(kind)
        axes.yaxis.set_major_locator(MaxNLocator(5))
        name_curves(axes, drawn, height=1.4)
        if stopped_at is not None:
            axes.axvline(stopped_at, **DASHES)
    if stopped_at is not None:
        beside_line(grid[0, 0], stopped_at, "weights kept")
    grid[-1, 0].set_xlabel(xlabel or clock)
    grid[-1, 0].xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    return figure


def gradients(
    layers: Sequence[str], statistics: Mapping[str, ArrayLike], *, xlabel: str = "gradient norm", log: bool = True
) -> Figure:
    """One statistic of each layer, from the input (top) to the output (bottom), for one or several networks.

    Args:
        layers: L names, in the order in which the data pass them.
        statistics: a network's name and its L values; positive where ``log``. A value of 0 is left out.
        xlabel: the statistic's name and unit.
        log: logarithmic axis, since gradients differ by powers of ten.

    Raises:
        ValueError: lengths that differ, or nothing to draw.
    """
    if not statistics:
        raise ValueError("statistics is empty: give at least one name and its values")
    figure, axes = subplots(height=1.1 + 0.3 * max(len(layers), 4))
    rows = np.arange(len(layers))
    for order, (name, values) in enumerate(statistics.items()):
        numbers = column(values, name, length=len(layers))
        visible = numbers > 0 if log else np.isfinite(numbers)
        axes.plot(numbers[visible], rows[visible], marker="o", color=colour_of(name, order), label=method_label(name))
    if log:
        log_axis(axes.xaxis, axes.set_xscale)
    axes.set_yticks(rows, layers)
    axes.invert_yaxis()
    axes.set_xlabel(xlabel)
    if len(statistics) > 1:
        legend_above(axes, min(3, len(statistics)))
    return figure


def histogram(
    samples: Mapping[str, ArrayLike], *, xlabel: str, bins: int = 30, mark: Mapping[str, float] | None = None
) -> Figure:
    """The share of each sample that falls into each of the common bins.

    Args:
        samples: a name and its values, any shape; values that are not finite are refused.
        xlabel: what is counted, with its unit.
        bins: their number, over the range of all samples.
        mark: a name and the ``x`` where a vertical line stands.

    Raises:
        ValueError: an empty sample, or values that are not finite.
    """
    values = {name: column(np.ravel(as_array(sample)), name) for name, sample in samples.items()}
    for name, numbers in values.items():
        if not len(numbers) or not np.isfinite(numbers).all():
            raise ValueError(f"{name} must hold finite numbers and at least one, got {numbers!r:.80}")
    edges = np.histogram_bin_edges(np.concatenate(list(values.values())), bins)
    figure, axes = subplots()
    for order, (name, numbers) in enumerate(values.items()):
        share = np.histogram(numbers, edges)[0] / len(numbers)
        colour = colour_of(name, order)
        axes.stairs(share, edges, fill=True, color=colour, alpha=0.3)
        axes.stairs(share, edges, color=colour, linewidth=1.8, label=method_label(name))
    axes.set(xlabel=xlabel, ylabel="share", ylim=(0, None))
    mark_places(axes, mark or {})
    if len(values) > 1:
        legend_above(axes, min(3, len(values)), raised=bool(mark))
    return figure
