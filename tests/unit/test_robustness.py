"""Corruptions do what their names say, to every image alike."""

from __future__ import annotations

import pytest
import torch

from dlbasics import robustness
from dlbasics.data import Images


@pytest.fixture
def pixels() -> torch.Tensor:
    return torch.rand(3, 2, 20, 14, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("by", [0, 1, 5])
def test_a_shift_moves_every_pixel_down_and_right_and_lets_black_in(pixels, by):
    shifted = robustness.shift(pixels, by=by)
    assert torch.equal(shifted[..., by:, by:], pixels[..., : 20 - by, : 14 - by])
    assert (shifted[..., :by, :] == 0).all()
    assert (shifted[..., :, :by] == 0).all()


def test_a_turn_of_nothing_is_the_image(pixels):
    torch.testing.assert_close(robustness.rotate(pixels, degrees=0), pixels, atol=1e-5, rtol=0)
    torch.testing.assert_close(robustness.zoom(pixels, factor=1), pixels, atol=1e-5, rtol=0)


def test_half_a_turn_is_both_mirrors():
    pixels = torch.rand(2, 1, 12, 12)
    torch.testing.assert_close(robustness.rotate(pixels, degrees=180), pixels.flip(2, 3), atol=1e-4, rtol=0)


def test_a_square_image_shrinks_to_the_square_of_the_factor_about_its_centre():
    pixels = torch.ones(1, 1, 40, 40)
    shrunk = robustness.zoom(pixels, factor=0.5)
    assert shrunk.sum().item() == pytest.approx(400, rel=0.02)
    assert (shrunk[..., 11:29, 11:29] > 0.99).all()
    assert (shrunk[..., :9, :] == 0).all()


def test_occluding_blackens_the_middle_square_and_nothing_else(pixels):
    covered = robustness.occlude(pixels, side=6)
    inside = torch.zeros(20, 14, dtype=torch.bool)
    inside[7:13, 4:10] = True
    assert (covered[..., inside] == 0).all()
    assert torch.equal(covered[..., ~inside], pixels[..., ~inside])


def test_noise_has_its_deviation_stays_in_range_and_is_the_same_for_every_model():
    grey = torch.full((4, 1, 50, 50), 0.5)
    noisy = robustness.add_noise(grey, deviation=0.1)
    assert (noisy - grey).std().item() == pytest.approx(0.1, rel=0.05)
    assert torch.equal(noisy, robustness.add_noise(grey, deviation=0.1))
    assert not torch.equal(noisy, robustness.add_noise(grey, deviation=0.1, seed=1))
    loud = robustness.add_noise(grey, deviation=2)
    assert 0 <= loud.min() <= loud.max() <= 1


def test_dimming_multiplies(pixels):
    assert torch.equal(robustness.dim(pixels, factor=0.25), pixels * 0.25)


@pytest.mark.parametrize("name", robustness.CORRUPTIONS)
def test_a_corruption_keeps_shape_range_and_the_original(pixels, name):
    before = pixels.clone()
    worse = robustness.CORRUPTIONS[name](pixels)
    assert worse.shape == pixels.shape
    assert worse.dtype == pixels.dtype
    assert worse.min() >= 0
    assert worse.max() <= 1
    assert torch.equal(pixels, before)
    assert torch.equal(worse, pixels) == (name == "clean")


def test_all_corruptions_of_a_set_come_with_its_labels_the_clean_one_first():
    images = Images(torch.rand(4, 1, 28, 28), torch.arange(4), tuple("abcd"))
    worse = robustness.corrupted(images)
    assert list(worse) == list(robustness.CORRUPTIONS)
    assert next(iter(worse)) == "clean"
    assert all(torch.equal(each.labels, images.labels) for each in worse.values())
