"""The parts of `dlbasics.experiments.compute` that have a known answer."""

import pytest
import torch

from dlbasics.experiments.compute import count_flops, inverse_root, make_network


def test_a_dense_network_takes_two_operations_a_weight_and_image():
    weights = 784 * 16 + 16 * 16 + 16 * 10
    assert count_flops(make_network("MLP", 16)) == 2 * weights
    assert count_flops(make_network("MLP", 16), batch=7) == 7 * 2 * weights


def test_the_backward_pass_costs_twice_the_forward_one_but_for_the_gradient_of_the_pixels():
    forward = 2 * (784 * 16 + 16 * 16 + 16 * 10)
    assert count_flops(make_network("MLP", 16), training=True) == 3 * forward - 2 * 784 * 16


def test_counting_leaves_no_gradient_behind():
    model = make_network("CNN", 2)
    count_flops(model, training=True)
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("kind", ["MLP", "plain MLP", "CNN", "ViT"])
def test_every_kind_of_network_answers_with_ten_logits(kind: str):
    assert make_network(kind, 8)(torch.zeros(3, 1, 28, 28)).shape == (3, 10)


def test_the_rate_rises_to_one_then_falls_as_one_over_the_root():
    schedule = inverse_root(20)
    assert [schedule(step) for step in (0, 9, 19, 79, 319)] == pytest.approx([0.05, 0.5, 1, 0.5, 0.25])
