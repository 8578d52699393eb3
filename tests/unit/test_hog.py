import math

import pytest
import torch

from dlbasics.hog import hog


def slope(degrees: float, side: int = 28) -> torch.Tensor:
    """An image that grows brighter in one direction: 0 to the right, 90 downwards; shape (1, 1, side, side)."""
    across = torch.arange(side, dtype=torch.float64) / side
    angle = math.radians(degrees)
    return (across[None, :] * math.cos(angle) + across[:, None] * math.sin(angle))[None, None]


def bins_of(features: torch.Tensor, bins: int = 9) -> torch.Tensor:
    """All votes for each direction, scaled to sum 1."""
    votes = features.view(-1, bins).sum(dim=0)
    return votes / votes.sum()


@pytest.mark.parametrize(("side", "cell", "bins"), [(28, 7, 9), (28, 4, 9), (14, 7, 6), (56, 7, 9)])
def test_there_are_four_cells_of_directions_for_each_block(side: int, cell: int, bins: int) -> None:
    features = hog(torch.rand(3, 1, side, side), cell=cell, bins=bins)
    assert features.shape == (3, (side // cell - 1) ** 2 * 4 * bins)


def inner(degrees: float) -> torch.Tensor:
    """The directions of a slope in the middle cells, where the repeated margin plays no part."""
    return bins_of(hog(slope(degrees)).view(1, 3, 3, 4, 9)[:, 1, 1])


@pytest.mark.parametrize("degrees", [0, 20, 40, 60, 80, 100, 120, 140, 160])
def test_a_slope_votes_for_its_own_direction(degrees: int) -> None:
    expected = torch.zeros(9, dtype=torch.float64)
    expected[degrees // 20] = 1
    torch.testing.assert_close(inner(degrees), expected, atol=1e-6, rtol=0)


def test_a_direction_between_two_bins_is_shared_by_its_distance() -> None:
    votes = inner(25)
    assert votes[1].item() == pytest.approx(0.75)
    assert votes[2].item() == pytest.approx(0.25)
    assert inner(170)[[8, 0]].tolist() == pytest.approx([0.5, 0.5])  # round the corner at 180 degrees


def test_brighter_on_the_other_side_is_the_same_direction() -> None:
    torch.testing.assert_close(inner(40), inner(220))


def test_contrast_and_brightness_do_not_matter() -> None:
    image = torch.rand(1, 1, 28, 28, dtype=torch.float64)
    torch.testing.assert_close(hog(image), hog(0.5 * image + 0.3))


def test_every_block_has_length_one_and_an_empty_image_none() -> None:
    lengths = hog(torch.rand(2, 1, 28, 28)).view(2, 9, 36).norm(dim=2)
    torch.testing.assert_close(lengths, torch.ones(2, 9))
    assert hog(torch.full((1, 1, 28, 28), 0.7)).abs().max() == 0


def test_a_turned_image_has_turned_cells_and_directions() -> None:
    image = torch.rand(1, 1, 28, 28, dtype=torch.float64)
    bins = 8  # so that 90 degrees is a whole number of bins
    upright = hog(image, bins=bins).view(3, 3, 2, 2, bins)
    turned = hog(image.rot90(1, (2, 3)), bins=bins).view(3, 3, 2, 2, bins)
    expected = upright.rot90(1, (0, 1)).rot90(1, (2, 3)).roll(bins // 2, dims=4)
    torch.testing.assert_close(turned, expected)


def test_the_image_is_left_as_it_was() -> None:
    image = torch.rand(1, 1, 28, 28)
    before = image.clone()
    hog(image)
    assert torch.equal(image, before)


@pytest.mark.parametrize("shape", [(1, 3, 28, 28), (1, 1, 28, 30), (1, 1, 7, 28)])
def test_what_has_no_whole_cells_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"cells of 7 pixels, got \(1, "):
        hog(torch.zeros(shape))
