"""Several spaces beside one another: points on given axes, and values of several methods in rows."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from dlbasics.annotate import legend_above
from dlbasics.columns import as_array, column
from dlbasics.look import METHOD_MARKERS, colour_of, hide_spines, method_label, subplots
from dlbasics.pictures import draw_dots

MARKERS = tuple(METHOD_MARKERS.values())


def dots(axes: Axes, points: ArrayLike, labels: ArrayLike, *, size: float = 3) -> None:
    """Draw points coloured by class, without ticks; a single path for each class keeps thousands of points light.

    Args:
        points: shape (N, 2).
        labels: the class of each point, integers in [0, K), shape (N,).
        size: diameter of a point, in units of the drawing (403 to its width).

    Raises:
        ValueError: points of another shape, or as many labels as there are not points.
    """
    places, classes = np.asarray(as_array(points), dtype=float), np.asarray(as_array(labels))
    if places.ndim != 2 or places.shape[1] != 2 or classes.shape != (len(places),):
        raise ValueError(f"expected points of shape (N, 2) and N labels, got {places.shape} and {classes.shape}")
    for k in np.unique(classes):
        draw_dots(axes, places[classes == k], class_number=k, size=size)
    axes.autoscale_view()
    axes.set(xticks=[], yticks=[])
    hide_spines(axes)


def dot_rows(
    rows: Sequence[str],
    series: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    xlabel: str,
    columns: int = 3,
) -> Figure:
    """One row for each thing measured, in it a marker for each method, with its deviation as a bar.

    Args:
        rows: R names, the first on top.
        series: a method (key of ``METHOD_LABELS`` or any name), its R means and its R standard deviations.
        xlabel: what is measured, with its unit.
        columns: of the legend.

    Raises:
        ValueError: no series, or lengths that differ.
    """
    if not series:
        raise ValueError("series is empty: give at least one name with its means and standard deviations")
    lines_of_legend = -(-len(series) // columns)
    figure, axes = subplots(height=0.8 + 0.3 * lines_of_legend + (0.28 + 0.085 * len(series)) * len(rows))
    places = np.arange(len(rows))
    for order, (name, (means, sds)) in enumerate(series.items()):
        centre = column(means, f"the means of {name}", length=len(rows))
        spread = column(sds, f"the deviations of {name}", length=len(rows))
        aside = 0.62 * ((order + 0.5) / len(series) - 0.5)
        axes.errorbar(
            centre, places + aside, xerr=spread, linestyle="none", label=method_label(name),
            marker=METHOD_MARKERS.get(name, MARKERS[order % len(MARKERS)]), color=colour_of(name, order),
            markersize=7, elinewidth=1.4, alpha=0.9,
        )  # fmt: skip
    for edge in places[:-1] + 0.5:
        axes.axhline(edge, color="#868b93", linewidth=0.6)
    axes.set_yticks(places, rows)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(xlabel)
    hide_spines(axes, "left")
    legend_above(axes, columns)
    return figure
