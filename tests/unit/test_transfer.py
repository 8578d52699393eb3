"""The parts that the experiments on convolution and transfer are made of."""

from __future__ import annotations

import itertools

import pytest
import torch

from dlbasics import data
from dlbasics.experiments import localisation, transfer, weight_sharing
from dlbasics.experiments.decoding import fit_decoder
from dlbasics.models import count_parameters


@pytest.fixture(scope="module")
def images() -> data.Images:
    generator = torch.Generator().manual_seed(0)
    return data.Images(
        0.1 + 0.9 * torch.rand(12, 1, 28, 28, generator=generator), torch.arange(12) % 3, ("a", "b", "c")
    )


# ---- shuffled pixels


def test_shuffled_images_hold_the_same_pixels_in_one_other_order(images: data.Images) -> None:
    mixed = weight_sharing.shuffled(images)
    assert not torch.equal(mixed.pixels, images.pixels)
    assert torch.equal(mixed.labels, images.labels)
    order = [(images.pixels[0].flatten() == value).nonzero().item() for value in mixed.pixels[0].flatten()]
    assert sorted(order) == list(range(784))
    assert torch.equal(images.pixels.flatten(1)[:, order], mixed.pixels.flatten(1))


def test_the_same_seed_shuffles_training_and_validation_alike(images: data.Images) -> None:
    whole, part = weight_sharing.shuffled(images), weight_sharing.shuffled(images[3:5])
    assert torch.equal(whole.pixels[3:5], part.pixels)


def test_the_nets_have_the_parameters_their_shapes_ask_for() -> None:
    assert count_parameters(weight_sharing.network("dense", 16)) == 785 * 16 + 17 * 10
    channels = [1, 4, 8, 16, 16]  # 3x3 kernels without bias, and two numbers a channel for batch norm
    blocks = sum(9 * a * b + 2 * b for a, b in itertools.pairwise(channels))
    assert count_parameters(weight_sharing.network("convolutional", 4)) == blocks + (16 * 4 + 1) * 10


# ---- another data set


def test_the_digits_fall_into_two_parts_that_share_no_image() -> None:
    pool, validation = transfer.digits()
    assert (len(pool), len(validation)) == (1000, 797)
    assert pool.pixels.shape[1:] == (1, 28, 28)
    assert pool.pixels.min() >= 0
    assert pool.pixels.max() <= 1
    assert torch.cdist(pool.pixels.flatten(1), validation.pixels.flatten(1)).min() > 1e-3


# ---- where is it


def test_without_clutter_and_noise_the_garment_lies_where_its_centre_says(images: data.Images) -> None:
    canvases = localisation.canvases(images, 20, seed=0, pieces=0, noise=0)
    for canvas, (x, y) in zip(canvases.pixels, canvases.centres.int().tolist(), strict=True):
        inside = canvas[0, y - 14 : y + 14, x - 14 : x + 14]
        assert any(torch.equal(inside, image[0]) for image in images.pixels)
        assert (canvas > 0).sum() == 28 * 28


def test_centres_reach_everywhere_the_whole_garment_fits_and_nowhere_else(images: data.Images) -> None:
    centres = localisation.canvases(images, 2000, seed=0, pieces=0).centres
    assert (centres.amin(dim=0).tolist(), centres.amax(dim=0).tolist()) == ([14, 14], [42, 42])


def test_clutter_hides_nothing_of_the_garment(images: data.Images) -> None:
    canvases = localisation.canvases(images, 20, seed=0, noise=0)
    for canvas, (x, y) in zip(canvases.pixels, canvases.centres.int().tolist(), strict=True):
        inside = canvas[0, y - 14 : y + 14, x - 14 : x + 14]
        assert any((inside >= image[0]).all() for image in images.pixels)
        assert (canvas > 0).sum() > 28 * 28


def test_the_same_seed_makes_the_same_canvases(images: data.Images) -> None:
    one, other = localisation.canvases(images, 5, seed=3), localisation.canvases(images, 5, seed=3)
    assert torch.equal(one.pixels, other.pixels)
    assert not torch.equal(one.pixels, localisation.canvases(images, 5, seed=4).pixels)


def test_a_head_answers_the_place_of_the_cell_it_is_sure_of() -> None:
    head = localisation.WhereHead(1)
    head.score = torch.nn.Sequential()  # the map itself is the score
    sure = torch.zeros(1, 1, 7, 7)
    sure[0, 0, 2, 5] = 100  # third row, sixth column: 8 pixels a cell
    torch.testing.assert_close(head(sure), torch.tensor([[44.0, 20.0]]))
    torch.testing.assert_close(head(torch.zeros(1, 1, 7, 7)), torch.tensor([[28.0, 28.0]]))


def test_a_cell_of_the_pixels_holds_its_own_square(images: data.Images) -> None:
    pixels = torch.rand(2, 1, 56, 56)
    cells = localisation.features(None, pixels)
    assert cells.shape == (2, 64, 7, 7)
    assert torch.equal(cells[1, :, 3, 5].view(8, 8), pixels[1, 0, 24:32, 40:48])


def test_a_head_learns_to_find_what_is_easy_to_find() -> None:
    generator = torch.Generator().manual_seed(0)
    cells = torch.randint(49, (60,), generator=generator)
    maps = torch.nn.functional.one_hot(cells, 49).float().view(60, 1, 7, 7)
    centres = localisation.WhereHead(1).places[cells]
    head = localisation.fit_head(4 * maps, centres, steps=150, seed=0)
    assert localisation.distance(head, 4 * maps, centres) < 4
    assert (centres - centres.mean(dim=0)).norm(dim=1).mean() > 15


# ---- painting back


def test_a_decoder_paints_better_than_the_mean_image_what_its_code_holds(images: data.Images) -> None:
    code = torch.nn.functional.one_hot(torch.arange(3)).float().repeat(20, 1)
    pixels = images.pixels[:3].repeat(20, 1, 1, 1)
    decoder = fit_decoder(code, pixels, steps=60, seed=0)
    error = (decoder(code) - pixels).square().mean()
    assert error < 0.8 * (pixels - pixels.mean(dim=0)).square().mean()
