"""What holds of random views for any recipe, any images and any seed."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from dlbasics.augment import LIGHT, NOTHING, STRONG, Augment, two_views

seeds = st.integers(0, 2**32)
areas = st.tuples(st.floats(0.1, 1), st.floats(0.1, 1)).map(sorted).map(tuple)
recipes = st.builds(
    Augment,
    area=areas,
    aspect=st.floats(1, 2),
    rotation=st.floats(0, 180),
    shift=st.floats(0, 0.5),
    flip=st.booleans(),
    brightness=st.floats(0, 0.9),
    contrast=st.floats(0, 2),
    erase=st.floats(0, 1),
    noise=st.floats(0, 1),
)


@st.composite
def batches(draw: st.DrawFn) -> Tensor:
    shape = [draw(st.integers(*bounds)) for bounds in ((1, 4), (1, 3), (4, 20), (4, 20))]
    dtype = draw(st.sampled_from([torch.float32, torch.float64]))
    generator = torch.Generator().manual_seed(draw(seeds))
    pixels = torch.rand(shape, generator=generator, dtype=dtype)
    return pixels.round() if draw(st.booleans()) else pixels  # black and white meets the ends of the range


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@settings(deadline=None, max_examples=60)
@given(batches(), recipes, seeds)
def test_a_view_keeps_shape_type_and_range_and_leaves_its_image_alone(pixels, augment, seed):
    before = pixels.clone()
    view = augment(pixels, generator=seeded(seed))
    assert (view.shape, view.dtype, view.device) == (pixels.shape, pixels.dtype, pixels.device)
    assert view.isfinite().all()
    assert view.min() >= 0
    assert view.max() <= 1
    assert torch.equal(pixels, before)


@settings(deadline=None, max_examples=30)
@given(batches(), recipes, seeds)
def test_the_same_seed_gives_the_same_views(pixels, augment, seed):
    first, second = (two_views(pixels, augment, generator=seeded(seed)) for _ in range(2))
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])


@settings(deadline=None, max_examples=20)
@given(batches(), recipes, seeds)
def test_a_generator_of_its_own_leaves_the_global_one_alone(pixels, augment, seed):
    before = torch.get_rng_state()
    augment(pixels, generator=seeded(seed))
    assert torch.equal(torch.get_rng_state(), before)


@settings(deadline=None, max_examples=20)
@given(batches(), seeds)
def test_a_recipe_of_nothing_is_the_identity(pixels, seed):
    assert torch.equal(NOTHING(pixels, generator=seeded(seed)), pixels)


@settings(deadline=None, max_examples=20)
@given(recipes, st.integers(1, 4), st.integers(4, 20), st.integers(4, 20))
def test_views_can_be_planned_on_the_meta_device(augment, n, height, width):
    view = augment(torch.empty(n, 1, height, width, device="meta"), generator=None)
    assert view.device.type == "meta"
    assert view.shape == (n, 1, height, width)


@settings(deadline=None, max_examples=30)
@given(batches(), seeds)
def test_a_flip_gives_the_image_or_its_mirror(pixels, seed):
    view = Augment(flip=True)(pixels, generator=seeded(seed))
    for image, mirrored, found in zip(pixels, pixels.flip(-1), view, strict=True):
        distance = min((found - image).abs().max(), (found - mirrored).abs().max())
        assert distance < 1e-4  # resampled, so not to the last bit


@settings(deadline=None, max_examples=40)
@given(st.floats(0.01, 0.4), st.integers(2, 17), st.integers(2, 13), seeds)
def test_a_shift_moves_the_mass_by_at_most_its_share_of_the_side_or_out_of_sight(shift, top, left, seed):
    height, width = 20, 16
    pixels = torch.zeros(8, 1, height, width, dtype=torch.float64)
    pixels[:, :, top - 1 : top + 2, left - 1 : left + 2] = 1
    view = Augment(shift=shift)(pixels, generator=seeded(seed))
    ys, xs = torch.arange(height, dtype=torch.float64), torch.arange(width, dtype=torch.float64)
    for image in view[:, 0]:
        mass = image.sum()
        assert mass <= 9 + 1e-6
        if mass > 9 - 1e-6:
            assert abs((image.sum(1) @ ys) / mass - top) <= shift * height + 1e-6
            assert abs((image.sum(0) @ xs) / mass - left) <= shift * width + 1e-6


@settings(deadline=None, max_examples=30)
@given(areas, st.floats(1, 2), st.floats(0.1, 1), seeds)
def test_a_crop_stays_inside_the_image(area, aspect, grey, seed):
    pixels = torch.full((6, 1, 12, 18), grey, dtype=torch.float64)
    view = Augment(area=area, aspect=aspect)(pixels, generator=seeded(seed))
    # The outermost row may be interpolated with what lies beyond the edge, by less than half a pixel.
    torch.testing.assert_close(view[..., 1:-1, 1:-1], pixels[..., 1:-1, 1:-1])


@settings(deadline=None, max_examples=40)
@given(st.integers(8, 40), st.integers(8, 40), seeds)
def test_erasing_blackens_one_rectangle_and_nothing_else(height, width, seed):
    pixels = torch.rand(6, 2, height, width, generator=seeded(seed)) * 0.9 + 0.1
    view = Augment(erase=1.0)(pixels, generator=seeded(seed))
    for image, found in zip(pixels, view, strict=True):
        gone = (found == 0).all(dim=0)
        assert torch.equal(found, image.masked_fill(gone, 0))
        rows, columns = gone.any(dim=1), gone.any(dim=0)
        assert torch.equal(gone, rows[:, None] & columns)
        for side in (rows, columns):  # without gaps
            assert side.int().diff().clamp(min=0).sum() + side[0].int() == 1
        # 5 to 25 % of the area, each side rounded to whole pixels
        high, wide = rows.sum().item(), columns.sum().item()
        assert (high - 1) * (wide - 1) <= 0.25 * height * width
        assert (high + 1) * (wide + 1) >= 0.05 * height * width


@settings(deadline=None, max_examples=30)
@given(st.floats(0.01, 0.9), seeds)
def test_brightness_is_one_factor_for_a_whole_image(brightness, seed):
    pixels = torch.rand(6, 1, 5, 7, generator=seeded(seed), dtype=torch.float64) * 0.9 + 0.1
    view = Augment(brightness=brightness)(pixels, generator=seeded(seed))
    for image, found in zip(pixels, view, strict=True):
        unclipped = found < 1
        factors = (found / image)[unclipped]
        assert (factors.max() - factors.min()) < 1e-4
        assert 1 - brightness - 1e-4 <= factors.min() <= factors.max() <= 1 + brightness + 1e-4


@settings(deadline=None, max_examples=30)
@given(st.floats(0.01, 2), seeds)
def test_contrast_bends_intensities_by_a_gamma_within_its_bounds(contrast, seed):
    pixels = torch.rand(6, 1, 5, 7, generator=seeded(seed), dtype=torch.float64) * 0.8 + 0.1
    view = Augment(contrast=contrast)(pixels, generator=seeded(seed))
    for image, found in zip(pixels, view, strict=True):
        gammas = found.log() / image.log()
        assert (gammas.max() - gammas.min()) < 1e-3
        assert 1 / (1 + contrast) - 1e-3 <= gammas.min() <= gammas.max() <= 1 + contrast + 1e-3


@settings(deadline=None, max_examples=20)
@given(st.floats(0.01, 0.08), seeds)
def test_noise_stays_below_its_largest_deviation(noise, seed):
    pixels = torch.full((4, 1, 40, 40), 0.5, dtype=torch.float64)  # far enough from both ends of the range
    added = Augment(noise=noise)(pixels, generator=seeded(seed)) - pixels
    deviations = added.flatten(1).std(dim=1)
    assert (deviations <= 1.1 * noise).all()  # 1600 draws: six standard errors
    assert (added.flatten(1).mean(dim=1).abs() <= 6 * deviations / 40).all()


@pytest.mark.parametrize("augment", [LIGHT, STRONG])
@settings(deadline=None, max_examples=10)
@given(seed=seeds)
def test_the_two_views_of_an_image_differ(augment, seed):
    pixels = torch.rand(3, 1, 12, 12, generator=seeded(seed))
    z_a, z_b = two_views(pixels, augment, generator=seeded(seed))
    assert (z_a != z_b).flatten(1).any(dim=1).all()
