"""Pretraining looks at images, never at labels; its seed decides it; patches are hidden as asked."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from dlbasics import losses, pretraining
from dlbasics.augment import LIGHT, STRONG, Augment, two_views
from dlbasics.data import Images
from dlbasics.models import ConvBackbone, Decoder
from dlbasics.pretraining import random_patches

METHODS = {"contrastive": pretraining.contrastive, "autoencoder": pretraining.autoencoder, "masked": pretraining.masked}


@pytest.fixture
def images() -> Images:
    generator = torch.Generator().manual_seed(0)
    blobs = torch.rand(48, 1, 7, 7, generator=generator).repeat_interleave(4, 2).repeat_interleave(4, 3)
    return Images(blobs, torch.arange(48) % 10, tuple("0123456789"))


def run(method: str, images: Images, *, seed: int = 0, epochs: int = 1, **options) -> pretraining.Pretrained:
    recipe = pretraining.recipe(48, epochs=epochs, batch_size=16, learning_rate=1e-2, seed=seed)
    return METHODS[method](images, recipe, width=2, device="cpu", **options)


@pytest.mark.parametrize("method", METHODS)
def test_labels_are_not_looked_at(images, method):
    shuffled = replace(images, labels=images.labels.flip(0))
    first, second = run(method, images), run(method, shuffled)
    for name, value in first.backbone.state_dict().items():
        assert torch.equal(value, second.backbone.state_dict()[name]), name


@pytest.mark.parametrize("method", METHODS)
def test_the_seed_decides_the_backbone_and_the_global_generator_has_no_say(images, method):
    found = []
    for seed in (1, 1, 2):
        torch.rand(3)
        found.append(run(method, images, seed=seed).backbone.blocks.block4[0].weight)
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


@pytest.mark.parametrize("method", METHODS)
def test_the_loss_falls_and_the_backbone_comes_back_in_eval_mode(images, method):
    made = run(method, images, epochs=8)
    assert made.history["train_loss"][-1] < made.history["train_loss"][0]
    assert not made.backbone.training
    assert made.backbone(images.pixels).shape == (48, 32)


@pytest.mark.parametrize("method", METHODS)
def test_pretraining_can_be_interrupted_and_resumed(images, method, tmp_path, monkeypatch):
    straight = run(method, images, epochs=3).backbone.state_dict()
    save, saved = torch.save, []

    def save_and_die(*arguments):
        save(*arguments)
        saved.append(arguments)
        if len(saved) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", save_and_die)
    with pytest.raises(KeyboardInterrupt):
        run(method, images, epochs=3, checkpoint=tmp_path / "run.pt")
    resumed = run(method, images, epochs=3, checkpoint=tmp_path / "run.pt").backbone.state_dict()
    for name, value in straight.items():
        assert torch.equal(resumed[name], value), name


def test_a_recipe_counts_epochs_in_whole_batches_warms_up_and_ends_at_nothing():
    recipe = pretraining.recipe(1000, epochs=10, batch_size=256, learning_rate=0.1, seed=3)
    assert (recipe.steps, recipe.look_every, recipe.seed) == (30, 3, 3)
    assert recipe.schedule(0) < recipe.schedule(2) == 1
    assert recipe.schedule(29) < 0.01
    assert not recipe.restore_best
    assert pretraining.recipe(10, epochs=4).steps == 4


def test_the_contrastive_loss_compares_two_views_of_the_same_batch(images):
    seen = []

    class Spy(torch.nn.Module):
        def forward(self, pixels):
            seen.append(pixels.clone())
            return pixels.flatten(1)

    loss = pretraining.contrastive_loss(LIGHT, temperature=0.2)
    value = loss(Spy(), images, torch.Generator().manual_seed(1))
    views = two_views(images.pixels, LIGHT, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(seen[0], torch.cat(views))
    torch.testing.assert_close(value, losses.nt_xent(*(view.flatten(1) for view in views), temperature=0.2))


def test_an_autoencoder_is_asked_for_the_view_that_it_was_shown(images):
    loss = pretraining.autoencoder_loss(Augment(flip=True, brightness=0.3))
    assert loss(torch.nn.Identity(), images, torch.Generator().manual_seed(0)) == 0


def test_a_masked_model_never_sees_what_it_is_asked_for(images):
    seen = []

    class Spy(torch.nn.Module):
        def forward(self, pixels):
            seen.append(pixels)
            return torch.zeros_like(pixels)

    bright = replace(images, pixels=images.pixels * 0.5 + 0.5)
    value = pretraining.masked_loss(0.5)(Spy(), bright, torch.Generator().manual_seed(0))
    hidden = seen[0] == 0
    assert hidden.float().mean() == 0.5
    assert torch.equal(seen[0][~hidden], bright.pixels[~hidden])
    torch.testing.assert_close(value, bright.pixels[hidden].square().mean())


@pytest.mark.parametrize(("hide", "count"), [(0.6, 10), (0.5, 8), (0.01, 1), (0.99, 16)])
def test_every_image_hides_the_same_number_of_patches_at_places_of_its_own(hide, count):
    hidden = random_patches(torch.rand(30, 2, 28, 28), hide=hide, generator=torch.Generator().manual_seed(0))
    assert hidden.shape == (30, 1, 28, 28)
    assert hidden.dtype == torch.bool
    patches = hidden.unfold(2, 7, 7).unfold(3, 7, 7)[:, 0].flatten(3)
    assert torch.equal(patches.all(dim=-1), patches.any(dim=-1))  # a patch is hidden whole or not at all
    whole = patches.all(dim=-1).flatten(1)
    assert whole.sum(dim=1).tolist() == [count] * 30
    if 1 < count < 16:
        assert len({tuple(row.tolist()) for row in whole}) > 20


def test_patches_that_do_not_tile_or_a_share_outside_its_range_are_named():
    for hide in (0.0, 1.0, 1.5):
        with pytest.raises(ValueError, match=f"hide must lie strictly between 0 and 1, got {hide}"):
            random_patches(torch.rand(2, 1, 28, 28), hide=hide)
    with pytest.raises(ValueError, match="patches of 7 pixels do not tile an image of 28 x 30"):
        random_patches(torch.rand(2, 1, 28, 30), hide=0.5)


def test_an_encoder_and_a_decoder_of_the_same_width_fit_together():
    backbone = ConvBackbone(width=3, channels=2)
    assert Decoder(backbone.dimension, width=3, channels=2)(backbone(torch.rand(4, 2, 28, 28))).shape == (4, 2, 28, 28)


def test_the_default_views_of_the_contrastive_loss_are_the_strong_ones(images):
    expected = pretraining.contrastive_loss(STRONG)(torch.nn.Flatten(), images, torch.Generator().manual_seed(0))
    assert torch.equal(
        pretraining.contrastive_loss()(torch.nn.Flatten(), images, torch.Generator().manual_seed(0)), expected
    )


def test_a_supervised_encoder_comes_with_the_head_that_names_the_classes(course):
    few = course.train[:300]
    made = pretraining.supervised(few, pretraining.recipe(300, epochs=8, batch_size=50), width=4)
    assert made.head.weight.shape == (few.n_classes, made.backbone.dimension)
    logits = made.head(made.backbone(few.pixels))
    assert (logits.argmax(dim=1) == few.labels).float().mean() > 0.5  # chance is 0.1
