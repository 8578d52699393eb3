"""The two networks that the page on architectures compares are of one size, and see what the page says they see."""

from __future__ import annotations

import torch

from dlbasics.data import Images
from dlbasics.experiments.image_architectures import IMAGE_ARCHITECTURES, VIEWS, make_network, moved, shuffled
from dlbasics.models import count_parameters


def random_images(n: int = 200) -> Images:
    pixels = torch.rand(n, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    return Images(pixels, torch.arange(n) % 10, tuple("abcdefghij"))


def test_both_networks_have_about_as_many_weights():
    cnn, vit = (count_parameters(make_network(name, IMAGE_ARCHITECTURES.settings)) for name in ("CNN", "ViT"))
    assert abs(cnn / vit - 1) < 0.1


def test_shuffling_is_one_order_for_all_and_loses_nothing():
    images = random_images()
    mixed = shuffled(images)
    order = torch.randperm(784, generator=torch.Generator().manual_seed(0))
    back = mixed.pixels.flatten(1)[:, order.argsort()]
    assert torch.equal(back, images.pixels.flatten(1))
    assert not torch.equal(mixed.pixels, images.pixels)
    assert torch.equal(mixed.labels, images.labels)


def test_every_image_moves_by_its_own_draw_and_what_enters_is_black():
    point = torch.zeros(300, 1, 28, 28)
    point[:, :, 14, 14] = 1
    found = moved(Images(point, torch.zeros(300, dtype=torch.int64), ("a",)), by=6, seed=0).pixels
    assert torch.equal(found.sum(dim=(1, 2, 3)), torch.ones(300))
    rows, columns = found[:, 0].nonzero()[:, 1:].T - 14
    for offsets in (rows, columns):
        assert set(offsets.tolist()) == set(range(-6, 7))
    assert not torch.equal(rows, columns)


def test_moving_follows_its_seed():
    images = random_images(20)
    assert torch.equal(moved(images, seed=1).pixels, moved(images, seed=1).pixels)
    assert not torch.equal(moved(images, seed=1).pixels, moved(images, seed=2).pixels)


def test_each_view_keeps_labels_and_shape():
    images = random_images(12)
    for change in VIEWS.values():
        seen = change(images, 3)
        assert seen.pixels.shape == images.pixels.shape
        assert torch.equal(seen.labels, images.labels)
