"""The networks: their shapes, sizes and seeds."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from dlbasics.models import (
    ACTIVATIONS,
    Classifier,
    ConvBackbone,
    Decoder,
    conv_block,
    count_parameters,
    mlp,
    projection_head,
    seeded,
)


def test_an_mlp_flattens_images_and_is_affine_maps_with_activations_between():
    model = mlp((12, 7, 5, 3), activation="tanh").double()
    images = torch.randn(4, 1, 3, 4, dtype=torch.float64)
    first, second, third = (layer for layer in model if isinstance(layer, nn.Linear))
    hidden = torch.tanh(images.reshape(4, 12) @ first.weight.T + first.bias)
    hidden = torch.tanh(hidden @ second.weight.T + second.bias)
    torch.testing.assert_close(model(images), hidden @ third.weight.T + third.bias)


def test_without_activations_an_mlp_is_one_affine_map():
    model = mlp((6, 5, 4), activation="none").double()
    x, y = torch.randn(2, 3, 6, dtype=torch.float64)
    torch.testing.assert_close(model(0.3 * x + 0.7 * y), 0.3 * model(x) + 0.7 * model(y))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_can_be_named(name):
    assert type(mlp((2, 3, 1), activation=name)[2]) is ACTIVATIONS[name]


def test_normalisation_and_dropout_stand_between_the_layers_and_not_after_the_last():
    kinds = [type(layer).__name__ for layer in mlp((4, 3, 3, 2), normalise=True, dropout=0.5)]
    block = ["Linear", "BatchNorm1d", "ReLU", "Dropout"]
    assert kinds == ["Flatten", *block, *block, "Linear"]


def test_two_sizes_make_a_linear_model():
    assert [type(layer) for layer in mlp((4, 2))] == [nn.Flatten, nn.Linear]


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match=r"an input and an output, got \(4,\)"):
        mlp((4,))
    with pytest.raises(ValueError, match="unknown activation 'swish'; choose from relu, tanh"):
        mlp((4, 2), activation="swish")
    with pytest.raises(ValueError, match="width must be at least 1, got 0"):
        ConvBackbone(width=0)


@pytest.mark.parametrize(("stride", "size"), [(1, (9, 6)), (2, (5, 3))])
def test_a_convolution_block_keeps_the_size_or_halves_it_rounded_up(stride, size):
    assert conv_block(2, 5, stride=stride)(torch.rand(3, 2, 9, 6)).shape == (3, 5, *size)


@pytest.mark.parametrize(("width", "channels"), [(2, 1), (4, 3)])
def test_a_backbone_turns_images_of_any_size_into_embeddings(width, channels):
    backbone = ConvBackbone(width=width, channels=channels)
    assert backbone.dimension == 16 * width
    for height, side in ((28, 28), (20, 32)):
        assert backbone(torch.rand(3, channels, height, side)).shape == (3, 16 * width)


def test_the_default_backbone_has_the_size_it_says():
    backbone = ConvBackbone()
    assert backbone.dimension == 512
    assert 235_000 < count_parameters(backbone) < 245_000


def test_an_embedding_remembers_where_a_feature_was():
    backbone = ConvBackbone(width=4).eval()
    corner = torch.zeros(1, 1, 28, 28)
    corner[..., 2:8, 2:8] = 1
    assert not torch.allclose(backbone(corner), backbone(corner.roll((18, 18), dims=(2, 3))), atol=1e-4)


def test_a_classifier_reads_the_embedding_with_one_affine_map():
    backbone = ConvBackbone(width=2)
    model = Classifier(backbone, dimension=32, n_classes=5).eval()
    images = torch.rand(4, 1, 28, 28)
    torch.testing.assert_close(model(images), backbone(images) @ model.head.weight.T + model.head.bias)


def test_a_projection_head_ends_in_the_size_asked_for():
    assert projection_head(32, hidden=16, out=8)(torch.rand(4, 32)).shape == (4, 8)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_decoder_paints_images_with_intensities_in_range(channels):
    painted = Decoder(32, width=4, channels=channels)(100 * torch.randn(5, 32))
    assert painted.shape == (5, channels, 28, 28)
    assert 0 <= painted.min() <= painted.max() <= 1


def test_only_trainable_numbers_are_counted():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    assert count_parameters(model) == (3 * 4 + 4) + 2 * 4 + (4 * 2 + 2)
    model[0].requires_grad_(False)
    assert count_parameters(model) == 2 * 4 + (4 * 2 + 2)


def test_a_seed_decides_the_initial_weights_and_nothing_else():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    weights = []
    for seed in (1, 1, 2):
        with seeded(seed):
            weights.append(nn.utils.parameters_to_vector(ConvBackbone(width=2).parameters()))
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    assert torch.equal(torch.rand(3), expected)
