"""Fillers of hidden pixels, against closed forms and scikit-learn's regression."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LinearRegression
from torch import nn

from dlbasics import filling
from dlbasics.experiments.mask_ratio import masks, renew_statistics
from dlbasics.models import ConvBackbone
from dlbasics.pretraining import masked_loss


@pytest.fixture
def known() -> torch.Tensor:
    return torch.rand(300, 1, 4, 4, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def hidden() -> torch.Tensor:
    mask = torch.zeros(5, 1, 4, 4, dtype=torch.bool)
    mask[:, :, :2, 1:] = True
    return mask


FILLERS = {
    "visible mean": lambda pixels, hidden, known: filling.mean_of_visible(pixels, hidden),
    "mean image": lambda pixels, hidden, known: filling.mean_image(pixels, hidden, known=known),
    "nearest image": lambda pixels, hidden, known: filling.nearest_image(pixels, hidden, known=known),
    "gaussian": lambda pixels, hidden, known: filling.gaussian(pixels, hidden, known=known),
}


@pytest.mark.parametrize("name", FILLERS)
def test_a_filler_leaves_the_visible_alone_and_never_looks_at_the_hidden(name, known, hidden):
    pixels = known[:5] * 0.5
    filled = FILLERS[name](pixels, hidden, known)
    torch.testing.assert_close(filled[~hidden], pixels[~hidden])
    other = torch.where(hidden, 1 - pixels, pixels)
    torch.testing.assert_close(FILLERS[name](other, hidden, known), filled)


def test_the_error_counts_hidden_pixels_only(hidden):
    pixels = torch.zeros(5, 1, 4, 4)
    assert filling.hidden_error(torch.where(hidden, 0.5, 9.0), pixels, hidden) == pytest.approx(0.25)


def test_the_visible_mean_is_each_images_own():
    pixels = torch.tensor([[[[0.2, 0.4], [0.9, 0.9]]], [[[0.0, 0.0], [0.9, 0.9]]]])
    hidden = torch.tensor([[[[False, False], [True, True]]]]).expand(2, 1, 2, 2)
    assert filling.mean_of_visible(pixels, hidden)[:, 0, 1].flatten().tolist() == pytest.approx([0.3, 0.3, 0, 0])


def test_a_known_image_is_recognised_from_its_visible_part(known, hidden):
    found = filling.nearest_image(known[7:12], hidden, known=known)
    torch.testing.assert_close(found, known[7:12])


def test_the_gaussian_filler_is_linear_regression_on_the_visible_pixels(known, hidden):
    mixed = (known.flatten(1) @ (torch.eye(16) + 0.3)).view_as(known)
    mixed = (mixed - mixed.min()) / (mixed.max() - mixed.min())
    where = hidden[0].flatten().numpy()
    flat = mixed.flatten(1).double().numpy()
    expected = LinearRegression().fit(flat[:, ~where], flat[:, where]).predict(flat[:5][:, ~where])
    filled = filling.gaussian(mixed[:5], hidden, known=mixed, ridge=1e-10)
    np.testing.assert_allclose(filled.flatten(1)[:, where], expected, atol=1e-4)


def test_a_ridge_that_is_not_positive_is_refused(known, hidden):
    with pytest.raises(ValueError, match="ridge must be positive, got 0"):
        filling.gaussian(known[:5], hidden, known=known, ridge=0)


def test_filling_with_black_is_the_masked_loss_of_pretraining(course):
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 784), nn.Unflatten(1, (1, 28, 28)))
    batch = course.train[:20]
    found, expected = (
        loss(model, batch, torch.Generator().manual_seed(0)) for loss in (masked_loss(0.6, fill=0.0), masked_loss(0.6))
    )
    assert found.item() == pytest.approx(expected.item())
    grey = masked_loss(0.6, fill=0.5)(model, batch, torch.Generator().manual_seed(0))
    assert grey.item() != pytest.approx(expected.item())


@pytest.mark.parametrize("patches", [2, 14])
def test_the_masks_hide_the_asked_number_of_patches_and_are_always_the_same(patches):
    pixels = torch.zeros(6, 1, 28, 28)
    assert (masks(pixels, patches).sum(dim=(1, 2, 3)) == patches * 49).all()
    assert torch.equal(masks(pixels, patches), masks(pixels, patches))


def test_renewed_statistics_are_those_of_the_images():
    backbone = ConvBackbone(width=2)
    pixels = torch.rand(100, 1, 28, 28)
    for _ in range(3):
        backbone(pixels * 0)
    renew_statistics(backbone, pixels, batch_size=50)
    first = backbone.blocks.block1
    torch.testing.assert_close(first[1].running_mean, first[0](pixels).mean(dim=(0, 2, 3)), atol=1e-5, rtol=1e-4)
    assert not backbone.training
    assert first[1].momentum == 0.1
