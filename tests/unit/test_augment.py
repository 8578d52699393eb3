"""Recipes for views: what is refused, and that every image has a draw of its own."""

from __future__ import annotations

import math

import pytest
import torch

from dlbasics.augment import LIGHT, NOTHING, STRONG, Augment

PARTS = {
    "area": {"area": (0.3, 0.9)},
    "aspect": {"aspect": 2.0},
    "rotation": {"rotation": 30.0},
    "shift": {"shift": 0.2},
    "brightness": {"brightness": 0.5},
    "contrast": {"contrast": 0.5},
    "erase": {"erase": 1.0},
    "noise": {"noise": 0.2},
}


@pytest.mark.parametrize("part", PARTS)
def test_each_image_has_its_own_draw(part):
    one = torch.rand(1, 1, 40, 40, generator=torch.Generator().manual_seed(0)) * 0.8 + 0.1
    views = Augment(**PARTS[part])(one.repeat(12, 1, 1, 1), generator=torch.Generator().manual_seed(1))
    assert len({tuple(view.flatten().tolist()) for view in views}) == 12


def test_half_of_the_images_are_mirrored():
    image = torch.zeros(1, 1, 6, 6)
    image[..., :3] = 1
    views = Augment(flip=True)(image.repeat(1000, 1, 1, 1), generator=torch.Generator().manual_seed(0))
    assert 440 < (views[:, 0, 0, 0] < 0.5).sum() < 560  # four standard deviations of a fair coin


def test_erasing_spares_the_share_of_images_it_should():
    views = Augment(erase=0.3)(torch.ones(1000, 1, 12, 12), generator=torch.Generator().manual_seed(0))
    assert 240 < (views.flatten(1).min(dim=1).values == 0).sum() < 360


def test_a_rotation_keeps_a_disc_where_it_is():
    ys, xs = torch.meshgrid(torch.linspace(-1, 1, 41), torch.linspace(-1, 1, 41), indexing="ij")
    disc = torch.exp(-8 * (ys**2 + xs**2))[None, None].repeat(5, 1, 1, 1)
    views = Augment(rotation=180)(disc, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(views, disc, atol=0.01, rtol=0)


def test_a_crop_shows_the_image_larger():
    ys, xs = torch.meshgrid(torch.linspace(-1, 1, 41), torch.linspace(-1, 1, 41), indexing="ij")
    disc = (ys**2 + xs**2 < 0.04).float()[None, None]
    view = Augment(area=(0.64, 0.64))(disc, generator=torch.Generator().manual_seed(0))
    assert view.sum().item() == pytest.approx(disc.sum().item() / 0.64, rel=0.05)


def test_without_a_generator_the_global_one_decides():
    pixels = torch.rand(4, 1, 8, 8)
    views = []
    for _ in range(2):
        torch.manual_seed(3)
        views.append(STRONG(pixels))
    assert torch.equal(*views)


def test_the_named_recipes_go_from_nothing_to_strong():
    assert Augment() == NOTHING
    assert NOTHING.area == (1, 1) > LIGHT.area > STRONG.area
    for strength in ("aspect", "rotation", "shift", "flip", "brightness", "contrast", "erase", "noise"):
        nothing, light, strong = (getattr(recipe, strength) for recipe in (NOTHING, LIGHT, STRONG))
        assert nothing <= light <= strong, strength


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"area": (0, 1)}, r"0 < low <= high <= 1, got \(0, 1\)"),
        ({"area": (0.8, 0.5)}, r"0 < low <= high <= 1, got \(0.8, 0.5\)"),
        ({"area": (0.5, 1.1)}, r"got \(0.5, 1.1\)"),
        ({"aspect": 0.9}, "aspect must be at least 1, got 0.9"),
        ({"shift": 1.5}, r"shift must lie in \[0, 1\], got 1.5"),
        ({"brightness": -0.1}, r"brightness must lie in \[0, 1\], got -0.1"),
        ({"contrast": -1}, r"contrast must lie in \[0, inf\], got -1"),
        ({"erase": 2}, r"erase must lie in \[0, 1\], got 2"),
        ({"noise": math.nan}, r"noise must lie in \[0, inf\], got nan"),
    ],
)
def test_a_strength_that_makes_no_sense_is_named(setting, message):
    with pytest.raises(ValueError, match=message):
        Augment(**setting)
