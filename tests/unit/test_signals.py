"""What is measured of the signals in a network, against pencil and paper and against autograd."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from dlbasics.blocks import deep_mlp, initialise
from dlbasics.data import Images
from dlbasics.models import ConvBackbone, mlp
from dlbasics.signals import dead_units, measure_signals


@pytest.fixture
def images() -> Images:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.rand(6, 1, 28, 28, generator=generator)
    return Images(pixels, torch.tensor([0, 1, 2, 0, 1, 2]), ("a", "b", "c"))


def test_sizes_and_gradients_are_those_of_a_pass_by_hand(images):
    model = mlp((784, 5, 3), activation="tanh").double()
    first, second = model[1], model[3]
    x = images.pixels.double().flatten(1)
    a1 = first(x)
    h = torch.tanh(a1)
    a2 = second(h)
    loss = F.cross_entropy(a2, images.labels)
    slopes = torch.autograd.grad(loss, [a1, a2, first.weight, second.weight])
    found = measure_signals(model, images)

    def size(t):
        return t.detach().square().mean().sqrt()

    torch.testing.assert_close(found.arriving, torch.stack([size(x), size(h)]))
    torch.testing.assert_close(found.pre_activation, torch.stack([size(a1), size(a2)]))
    torch.testing.assert_close(found.gradient, 6 * torch.stack([size(slopes[0]), size(slopes[1])]))
    torch.testing.assert_close(found.weight_gradient, torch.stack([slopes[2].norm(), slopes[3].norm()]))


def test_the_cosine_is_the_mean_over_pairs_of_different_images(images):
    model = mlp((784, 4, 3)).double()
    found = measure_signals(model, images)
    a = model[1](images.pixels.double().flatten(1)).detach()
    pairs = [F.cosine_similarity(a[i], a[j], dim=0) for i in range(6) for j in range(6) if i != j]
    assert found.cosine[0].item() == pytest.approx(torch.stack(pairs).mean().item())


def test_the_gradient_of_an_image_does_not_shrink_with_the_batch(images):
    model = mlp((784, 4, 3)).double()
    twice = Images(images.pixels.repeat(2, 1, 1, 1), images.labels.repeat(2), images.class_names)
    torch.testing.assert_close(measure_signals(model, images).gradient, measure_signals(model, twice).gradient)


def test_layers_are_listed_in_the_order_in_which_they_run(images):
    class Backwards(nn.Module):
        def __init__(self):
            super().__init__()
            self.last, self.first = nn.Linear(4, 3), nn.Linear(784, 4)

        def forward(self, x):
            return self.last(100 * self.first(x.flatten(1)))

    model = Backwards()
    found = measure_signals(model, images)
    assert found.arriving[1] > 10 * found.pre_activation[0]
    assert found.arriving[0].item() == pytest.approx(images.pixels.square().mean().sqrt().item(), rel=1e-4)


def test_measuring_changes_nothing_about_the_model(images):
    model = deep_mlp(4, width=6, outputs=3)
    model[1].weight.grad = torch.ones_like(model[1].weight)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    measure_signals(model, images)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(model[1].weight.grad, torch.ones_like(model[1].weight))
    assert all(parameter.grad is None for name, parameter in model.named_parameters() if name != "1.weight")
    assert not any(part._forward_hooks for part in model.modules())


def test_convolutions_are_measured_too_and_their_feature_maps_compared_as_wholes(images):
    model = nn.Sequential(ConvBackbone(width=2), nn.Linear(32, 3))
    found = measure_signals(model, images)
    assert all(len(values) == 5 for values in vars(found).values())
    assert all(values.isfinite().all() for values in vars(found).values())


def test_tiny_signals_are_seen_in_double_precision(images):
    model = initialise(deep_mlp(40, width=16, outputs=3), "small", seed=0).double()
    assert 0 < measure_signals(model, images).pre_activation[-1] < 1e-40


def test_what_cannot_be_measured_is_named(images):
    with pytest.raises(ValueError, match=r"at least two images .* got 1"):
        measure_signals(mlp((784, 3)), images[:1])
    with pytest.raises(ValueError, match="no dense or convolutional layer"):
        measure_signals(nn.Flatten(), images)
    with pytest.raises(ValueError, match="no ReLU module"):
        dead_units(mlp((784, 4, 3), activation="tanh"), images.pixels)


def test_dead_are_the_units_that_no_image_wakes(images):
    model = mlp((784, 8, 8, 3))
    with torch.no_grad():
        model[1].weight.abs_()
        model[1].bias.copy_(torch.tensor([-1e6] * 3 + [1.0] * 5))
        model[3].weight.zero_()
        model[3].bias.copy_(torch.tensor([-1.0] * 2 + [1.0] * 6))
    assert dead_units(model, images.pixels) == [3 / 8, 2 / 8]


def test_one_image_that_wakes_a_unit_is_enough(images):
    model = mlp((784, 1, 3))
    with torch.no_grad():
        model[1].weight.zero_()
        model[1].weight[0, 0] = 1
        model[1].bias.fill_(-0.5)
    pixels = torch.zeros(5, 1, 28, 28)
    assert dead_units(model, pixels) == [1.0]
    pixels[3, 0, 0, 0] = 1
    assert dead_units(model, pixels) == [0.0]


def test_a_channel_is_one_unit_and_the_mode_is_put_back(images):
    model = ConvBackbone(width=4).train()
    statistics = model.blocks.block1[1].running_mean.clone()
    nn.init.constant_(model.blocks.block1[1].bias[:1], -100)
    assert dead_units(model, images.pixels)[0] == 1 / 4
    assert model.training
    assert torch.equal(model.blocks.block1[1].running_mean, statistics)


def test_a_units_gradient_is_zero_where_it_is_dead(images):
    model = mlp((784, 6, 3))
    nn.init.constant_(model[1].bias, -100)
    F.cross_entropy(model(images.pixels), images.labels).backward()
    assert dead_units(model, images.pixels) == [1.0]
    assert not model[1].weight.grad.any()
