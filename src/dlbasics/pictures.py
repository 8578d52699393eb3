"""Pictures of data and of decisions: images, points in the plane, a confusion matrix."""

import math
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from numpy.typing import ArrayLike

from dlbasics.annotate import legend_above
from dlbasics.columns import as_array, as_rgb
from dlbasics.look import CLASS_COLOURS, FONT_SIZE, WIDTH, hide_spines, subplots

# A scatter draws the points in as many turns.
ROUNDS = 8


def image_grid(images: Any, titles: Sequence[str] | None = None, *, columns: int | None = None) -> Figure:
    """Images in rows, each pixel a crisp square, with an optional title above each.

    Args:
        images: shape (N, H, W), (N, 1, H, W) or (N, 3, H, W); floats in [0, 1] or uint8.
        titles: N short strings; a long one breaks at its spaces.
        columns: images in a row; by default 8, or 5 where there are titles.

    Raises:
        ValueError: another shape, floats outside [0, 1], or a number of titles that is not N.
    """
    pixels = as_rgb(images)
    count, height, width, _ = pixels.shape
    if titles is not None and len(titles) != count:
        raise ValueError(f"{count} images need {count} titles, got {len(titles)}")
    columns = min(count, columns or (5 if titles is not None else 8))
    rows = math.ceil(count / columns)
    gap = max(1, width // 14)
    # Title lines take their place in pixels of the images: an image is `size` inches wide on the figure.
    size = WIDTH / (columns + (columns - 1) * gap / width)
    letters = max(1, int(size * 72 / (0.6 * FONT_SIZE)))  # a letter is about 0.6 of its size wide
    words = [textwrap.fill(title.replace("/", "/ "), letters).replace("/ ", "/") for title in titles or ()]
    line = FONT_SIZE * 1.2 / 72 / size * width
    above = math.ceil(max((word.count("\n") + 1 for word in words), default=0) * line)
    mosaic = np.zeros((rows * (height + gap + above) - gap, columns * (width + gap) - gap, 4), np.uint8)
    corners = []
    for index, image in enumerate(pixels):
        top = index // columns * (height + gap + above) + above
        left = index % columns * (width + gap)
        mosaic[top : top + height, left : left + width, :3] = image
        mosaic[top : top + height, left : left + width, 3] = 255
        corners.append((left, top))
    figure, axes = subplots(width=WIDTH, height=WIDTH * mosaic.shape[0] / mosaic.shape[1])
    axes.set_position((0, 0, 1, 1))  # which also takes the axes out of the layout that would leave a margin
    axes.imshow(mosaic, interpolation="none", aspect="auto")
    axes.set_axis_off()
    for word, (left, top) in zip(words, corners, strict=False):
        axes.text(left + width / 2 - 0.5, top - line * 0.3, word, ha="center", va="bottom", linespacing=1.1)
    return figure


def scatter(
    points: ArrayLike,
    labels: ArrayLike | None = None,
    class_names: Sequence[str] | None = None,
    *,
    xlabel: str = "",
    ylabel: str = "",
    size: float = 3,
) -> Figure:
    """Points in the plane, coloured by class; the numbers on the axes are left out where they have no name.

    Args:
        points: shape (N, 2).
        labels: the class of each point, integers in [0, K), shape (N,).
        class_names: K names for the legend.
        size: diameter of a point, in units of the drawing (403 to its width).

    Raises:
        ValueError: points of another shape, or as many labels as there are not points.
    """
    places = np.asarray(as_array(points), dtype=float)
    if places.ndim != 2 or places.shape[1] != 2:
        raise ValueError(f"points must have shape (N, 2), got {places.shape}")
    classes = np.zeros(len(places), int) if labels is None else np.asarray(as_array(labels))
    if classes.shape != (len(places),):
        raise ValueError(f"{len(places)} points need labels of shape ({len(places)},), got {classes.shape}")
    figure, axes = subplots(height=WIDTH * 0.85)
    # One path of dots for many points: as separate circles, thousands of them would weigh megabytes.
    # Drawn in rounds over the classes, so that no class covers all the others.
    rounds = np.arange(len(places)) * ROUNDS // max(len(places), 1)
    for turn in range(ROUNDS):
        for k in np.unique(classes[rounds == turn]):
            draw_dots(axes, places[(rounds == turn) & (classes == k)], class_number=k, size=size)
    axes.autoscale_view()
    axes.set(xlabel=xlabel, ylabel=ylabel)
    if not xlabel and not ylabel:
        axes.set(xticks=[], yticks=[])
        hide_spines(axes)
    if class_names is not None:
        for order, name in enumerate(class_names):
            axes.plot([], [], "o", color=CLASS_COLOURS[order % 10], label=name)
        legend_above(axes, 3)
    return figure


def draw_dots(axes: Axes, points: np.ndarray, *, class_number: int, size: float) -> None:
    """Add points (N, 2) of one class to axes, as a single path of dots of diameter ``size``."""
    path = Path(np.repeat(points, 2, axis=0), [Path.MOVETO, Path.LINETO] * len(points))
    path.should_simplify = False  # matplotlib would take long paths of dots for lines and merge them
    colour = CLASS_COLOURS[class_number % 10]
    axes.add_patch(PathPatch(path, edgecolor=colour, linewidth=size, capstyle="round", fill=False, alpha=0.75))


def confusion(matrix: ArrayLike, class_names: Sequence[str]) -> Figure:
    """A confusion matrix in per cent of each true class: right answers in blue, mistakes in orange.

    Args:
        matrix: counts, shape (K, K), rows the true class, columns the predicted one.
        class_names: K names.

    Raises:
        ValueError: a matrix that is not (K, K), or negative counts.
    """
    counts = np.asarray(matrix, dtype=float)
    classes = len(class_names)
    if counts.shape != (classes, classes):
        raise ValueError(f"{classes} class names need a matrix of shape ({classes}, {classes}), got {counts.shape}")
    if counts.min() < 0:
        raise ValueError(f"counts cannot be negative, got {counts.min():g}")
    totals = counts.sum(axis=1, keepdims=True)
    percent = 100 * counts / np.where(totals > 0, totals, 1)
    figure, axes = subplots(height=WIDTH * 0.93)
    # Mistakes are few: their colour is full at the worst one, not at 100 %.
    worst = max(1.0, (percent - np.diag(np.diag(percent))).max())
    cells = np.zeros((classes, classes, 4))
    for row in range(classes):
        for column_ in range(classes):
            value = percent[row, column_]
            right = row == column_
            colour = (0.247, 0.565, 0.855) if right else (0.91, 0.38, 0.06)
            cells[row, column_] = (*colour, 0.75 * value / (100 if right else worst))
            if round(value) > 0:
                axes.text(column_, row, f"{value:.0f}", ha="center", va="center", fontsize=FONT_SIZE - 0.5)
    axes.imshow(cells, interpolation="none")
    axes.set_xticks(range(classes), class_names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(classes), class_names)
    axes.set(xlabel="predicted", ylabel="true")
    axes.grid(visible=False)
    hide_spines(axes)
    return figure
