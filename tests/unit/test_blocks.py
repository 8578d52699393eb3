"""Deep stacks: what a block computes, what a shortcut adds, and how weights are drawn."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from dlbasics.blocks import INITIALISATIONS, NORMALISATIONS, Block, deep_mlp, initialise
from dlbasics.models import ACTIVATIONS, count_parameters


def dense_layers(model: nn.Module) -> list[nn.Linear]:
    return [layer for layer in model.modules() if isinstance(layer, nn.Linear)]


def test_a_block_adds_its_input_before_the_last_activation():
    block = Block(6, activation="tanh").double()
    first, second = dense_layers(block)
    h = torch.randn(5, 6, dtype=torch.float64)
    inner = torch.tanh(h @ first.weight.T + first.bias) @ second.weight.T + second.bias
    torch.testing.assert_close(block(h), torch.tanh(h + inner))
    block.skip = False
    torch.testing.assert_close(block(h), torch.tanh(inner))


def test_a_block_with_a_shortcut_and_no_weights_passes_on_what_it_received():
    block = Block(4)
    for layer in dense_layers(block):
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
    h = torch.rand(3, 4)
    assert torch.equal(block(h), h)


@pytest.mark.parametrize("depth", [2, 4, 10])
@pytest.mark.parametrize("normalise", NORMALISATIONS)
def test_depth_counts_the_dense_layers_and_a_shortcut_costs_no_parameter(depth, normalise):
    plain, skipping = (deep_mlp(depth, width=6, inputs=12, outputs=3, normalise=normalise, skip=s) for s in (0, 1))
    assert len(dense_layers(plain)) == depth
    assert count_parameters(plain) == count_parameters(skipping)
    assert plain(torch.randn(5, 1, 3, 4)).shape == (5, 3)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_plain_stack_is_dense_layers_with_activations_between(activation):
    model = deep_mlp(4, width=7, inputs=12, outputs=3, activation=activation).double()
    h = torch.randn(5, 12, dtype=torch.float64)
    result = model(h.reshape(5, 1, 3, 4))
    *hidden, last = dense_layers(model)
    for layer in hidden:
        h = ACTIVATIONS[activation]()(layer(h))
    torch.testing.assert_close(result, last(h))


@pytest.mark.parametrize("normalise", ["batch", "layer"])
def test_normalisation_follows_every_dense_layer_but_the_last_and_undoes_the_scale_of_the_weights(normalise):
    model = initialise(deep_mlp(6, width=9, inputs=12, normalise=normalise), "He", seed=0).double()
    assert sum(isinstance(part, NORMALISATIONS[normalise]) for part in model.modules()) == 5
    x = torch.randn(8, 12, dtype=torch.float64)
    before = model(x)
    with torch.no_grad():
        for layer in dense_layers(model)[:-1]:
            layer.weight *= 50
    torch.testing.assert_close(model(x), before, rtol=0.01, atol=0.01)


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        ("small", 0.01),
        ("large", 0.2),
        ("default", (1 / 1200) ** 0.5),
        ("Xavier", (2 / 700) ** 0.5),
        ("He", (2 / 400) ** 0.5),
    ],
)
def test_weights_have_the_standard_deviation_of_their_scheme(scheme, expected):
    layer = nn.Linear(400, 300)
    initialise(nn.Sequential(layer), scheme, seed=3)
    assert layer.weight.std().item() == pytest.approx(expected, rel=0.02)
    assert layer.weight.mean().abs().item() < 0.02 * expected
    assert bool(layer.bias.any()) == (scheme == "default")


def test_a_kernel_counts_its_cells_among_the_inputs():
    layer = nn.Conv2d(30, 40, kernel_size=5)
    initialise(layer, "He", seed=0)
    assert layer.weight.std().item() == pytest.approx((2 / (30 * 25)) ** 0.5, rel=0.03)
    initialise(layer, "Xavier", seed=0)
    assert layer.weight.std().item() == pytest.approx((2 / (70 * 25)) ** 0.5, rel=0.03)


@pytest.mark.parametrize("scheme", INITIALISATIONS)
def test_weights_depend_on_the_seed_alone(scheme):
    one, same, other = (initialise(deep_mlp(4, width=5), scheme, seed=seed) for seed in (1, 1, 2))
    for layers in zip(dense_layers(one), dense_layers(same), dense_layers(other), strict=True):
        assert torch.equal(layers[0].weight, layers[1].weight)
        assert torch.equal(layers[0].bias, layers[1].bias)
        assert not torch.equal(layers[0].weight, layers[2].weight)


def test_drawing_weights_leaves_the_global_generator_and_other_layers_alone():
    model = deep_mlp(4, width=5, normalise="batch", skip=True)
    norms = [part for part in model.modules() if isinstance(part, nn.BatchNorm1d)]
    for norm in norms:
        nn.init.constant_(norm.weight, 3)
    state = torch.get_rng_state()
    initialise(model, "He", seed=0)
    assert torch.equal(torch.get_rng_state(), state)
    assert all((norm.weight == 3).all() for norm in norms)


def test_what_cannot_be_built_is_named():
    with pytest.raises(ValueError, match=r"depth must be even and at least 2 .*, got 5"):
        deep_mlp(5)
    with pytest.raises(ValueError, match=r"depth must be even and at least 2 .*, got 0"):
        deep_mlp(0)
    with pytest.raises(ValueError, match="unknown activation 'swish'; choose from relu"):
        deep_mlp(4, activation="swish")
    with pytest.raises(ValueError, match="unknown normalisation 'group'; choose from none, batch, layer"):
        deep_mlp(4, normalise="group")
    with pytest.raises(ValueError, match="unknown initialisation 'he'; choose from small"):
        initialise(deep_mlp(2), "he", seed=0)


def test_he_weights_keep_the_size_of_a_wide_relu_stack_and_xavier_weights_that_of_a_linear_one():
    h = torch.randn(16, 2000, generator=torch.Generator().manual_seed(0))
    relu = initialise(nn.Linear(2000, 2000), "He", seed=1)
    linear = initialise(nn.Linear(2000, 2000), "Xavier", seed=1)
    with torch.no_grad():
        assert relu(F.relu(h)).square().mean().item() == pytest.approx(h.square().mean().item(), rel=0.05)
        assert linear(h).square().mean().item() == pytest.approx(h.square().mean().item(), rel=0.05)
