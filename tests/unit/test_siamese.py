"""Two views, one network: what agreement is worth, and which branch learns from it."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from dlbasics.augment import NOTHING, STRONG, two_views
from dlbasics.data import Images
from dlbasics.models import ConvBackbone, seeded
from dlbasics.siamese import Siamese, siamese_loss


@pytest.fixture
def images() -> Images:
    return Images(
        torch.rand(12, 1, 28, 28, generator=torch.Generator().manual_seed(0)), torch.arange(12) % 3, tuple("abc")
    )


@pytest.fixture
def model() -> Siamese:
    with seeded(0):
        backbone = ConvBackbone(width=2)
        return Siamese(backbone, dimension=backbone.dimension, out=16)


def test_the_loss_is_minus_the_cosine_between_a_prediction_and_the_other_views_projection(images, model):
    value = siamese_loss(STRONG)(model, images, torch.Generator().manual_seed(1))
    view_a, view_b = two_views(images.pixels, STRONG, generator=torch.Generator().manual_seed(1))
    projected, predicted = model(torch.cat([view_a, view_b]))
    pairs = [(predicted[i], projected[(i + 12) % 24]) for i in range(24)]
    expected = -sum(p @ z / (p.norm() * z.norm()) for p, z in pairs) / 24
    torch.testing.assert_close(value, expected)


def test_with_the_gradient_stopped_the_projection_is_a_given(images):
    class Fixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.projection, self.prediction = nn.Parameter(torch.randn(24, 4)), nn.Parameter(torch.randn(24, 4))

        def forward(self, pixels):
            return self.projection, self.prediction

    for stop in (True, False):
        model = Fixed()
        siamese_loss(NOTHING, stop_gradient=stop)(model, images, torch.Generator().manual_seed(0)).backward()
        assert model.prediction.grad.abs().sum() > 0
        assert (model.projection.grad is None) == stop


def test_a_network_that_sends_every_image_to_one_point_has_the_least_loss(images):
    class Constant(nn.Module):
        def forward(self, pixels):
            point = torch.ones(len(pixels), 4)
            return point, 3 * point

    assert siamese_loss(stop_gradient=False)(Constant(), images, None).item() == pytest.approx(-1)


def test_projection_and_prediction_have_one_size_and_the_predictor_narrows(images, model):
    projected, predicted = model(images.pixels)
    assert projected.shape == predicted.shape == (12, 16)
    assert model.predictor[0].out_features == 4
    assert not torch.allclose(F.normalize(projected, dim=1), F.normalize(predicted, dim=1))
