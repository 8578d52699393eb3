"""The parts of `dlbasics.experiments.depth_or_width` that have a known answer."""

import pytest
import torch

from dlbasics.blocks import deep_mlp
from dlbasics.experiments.depth_or_width import filters_alike, width_for
from dlbasics.models import count_parameters


@pytest.mark.parametrize("hidden", [1, 3, 7, 31])
def test_no_other_width_comes_nearer_to_the_budget(hidden: int):
    budget = 50_000
    width = width_for(hidden, parameters=budget)
    off = {w: abs(count_parameters(deep_mlp(hidden + 1, width=w)) - budget) for w in (width - 1, width, width + 1)}
    assert min(off, key=lambda w: off[w]) == width


def test_a_network_without_a_hidden_layer_has_no_width():
    with pytest.raises(ValueError, match="at least 1 layer, got 0"):
        width_for(0, parameters=1000)


def test_orthogonal_filters_are_not_alike_and_use_every_direction():
    found = filters_alike(3 * torch.eye(5, 8))
    assert found == pytest.approx({"pairs": 0, "nearest": 0, "rank": 5})


def test_copies_are_alike_whatever_their_length_and_sign_and_use_one_direction():
    found = filters_alike(torch.tensor([[1.0], [-2.0], [0.5]]) * torch.arange(1.0, 7.0))
    assert found == pytest.approx({"pairs": 1, "nearest": 1, "rank": 1})
