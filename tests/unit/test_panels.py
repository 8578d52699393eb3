"""Dots on axes, each drawn once in its class's colour; rows of markers at the values they stand for."""

from __future__ import annotations

import matplotlib.colors
import numpy as np
import pytest
import torch
from matplotlib.patches import PathPatch

from dlbasics import figures
from dlbasics.panels import dot_rows, dots


def test_every_point_is_drawn_in_the_colour_of_its_class() -> None:
    points, labels = torch.rand(9, 2), torch.tensor([0, 3, 3, 0, 7, 7, 7, 0, 3])
    _, axes = figures.subplots()
    dots(axes, points, labels)
    drawn = [patch for patch in axes.patches if isinstance(patch, PathPatch)]
    assert len(drawn) == 3
    for patch, k in zip(drawn, (0, 3, 7), strict=True):
        np.testing.assert_allclose(patch.get_path().vertices[::2], points[labels == k])
        assert matplotlib.colors.same_color(patch.get_edgecolor()[:3], figures.CLASS_COLOURS[k])
    assert axes.get_xlim()[0] <= points[:, 0].min()
    assert axes.get_xlim()[1] >= points[:, 0].max()


@pytest.mark.parametrize(("points", "labels"), [((4, 3), 4), ((4, 2), 3)])
def test_points_and_labels_that_do_not_fit_are_refused(points, labels) -> None:
    _, axes = figures.subplots()
    with pytest.raises(ValueError, match="expected points of shape"):
        dots(axes, torch.rand(points), torch.zeros(labels, dtype=torch.long))


def test_every_method_has_a_marker_in_every_row_at_its_value() -> None:
    series = {"random": ([1.0, 2, 3], [0.1, 0.2, 0.3]), "mine": ([3.0, 1, 2], [0, 0, 0])}
    (axes,) = dot_rows(["a", "b", "c"], series, xlabel="share, %").axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b", "c"]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the first row is on top
    for container, (means, _) in zip(axes.containers, series.values(), strict=True):
        x, y = container.lines[0].get_data()
        np.testing.assert_allclose(x, means)
        np.testing.assert_allclose(np.round(y), [0, 1, 2])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["Random encoder", "mine"]


def test_rows_without_series_or_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="series is empty"):
        dot_rows(["a"], {}, xlabel="x")
    with pytest.raises(ValueError, match="the means of mine"):
        dot_rows(["a", "b"], {"mine": ([1.0], [0.0])}, xlabel="x")
