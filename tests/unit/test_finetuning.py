"""Fine-tuning starts from the probe, and leaves what it was given alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from dlbasics import finetuning
from dlbasics.augment import LIGHT
from dlbasics.data import Images
from dlbasics.evaluation import LinearProbe, Scale, embed, linear_probe
from dlbasics.models import ConvBackbone, seeded
from dlbasics.training import Recipe, predict_logits


@pytest.fixture
def labelled() -> Images:
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(24) % 3
    pixels = 0.5 * torch.rand(24, 1, 28, 28, generator=generator)
    for row, label in enumerate(labels.tolist()):
        pixels[row, 0, 8 * label : 8 * label + 8] += 0.5
    return Images(pixels, labels, ("high", "middle", "low"))


@pytest.fixture
def backbone() -> ConvBackbone:
    with seeded(0):
        made = ConvBackbone(width=2)
    made(torch.rand(32, 1, 28, 28))  # statistics of its own
    return made.eval()


@pytest.fixture
def probe(backbone: ConvBackbone, labelled: Images) -> LinearProbe:
    embeddings = embed(backbone, labelled.pixels)
    return linear_probe(embeddings, labelled.labels, scale=Scale.of(embeddings), strength=1.0)


def test_fine_tuning_starts_as_the_backbone_with_the_probe_as_its_head(backbone, probe, labelled):
    for part in backbone.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.momentum = 0.0  # the statistics stay, so that all that could differ is learnt
    settings = Recipe(steps=1, learning_rate=1e-12, batch_size=24)
    model = finetuning.fine_tune(backbone, probe, labelled, settings=settings, device="cpu", progress=False)
    expected = probe.logits(embed(backbone, labelled.pixels))
    torch.testing.assert_close(predict_logits(model, labelled.pixels), expected, atol=1e-4, rtol=1e-4)


def test_fine_tuning_leaves_the_given_backbone_and_probe_untouched(backbone, probe, labelled):
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    weight, bias = probe.weight.clone(), probe.bias.clone()
    settings = Recipe(steps=5, learning_rate=1e-2, batch_size=8)
    model = finetuning.fine_tune(backbone, probe, labelled, settings=settings, device="cpu", progress=False)
    assert not backbone.training
    for name, value in backbone.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert torch.equal(probe.weight, weight)
    assert torch.equal(probe.bias, bias)
    moved = model.backbone.state_dict()["blocks.block1.0.weight"]
    assert not torch.equal(moved, before["blocks.block1.0.weight"])
    assert not torch.equal(model.head.weight, weight)


def test_fine_tuning_uses_the_recipe_for_its_number_of_labels(backbone, probe, labelled):
    default = finetuning.fine_tune(backbone, probe, labelled, device="cpu", progress=False)
    said = finetuning.fine_tune(
        backbone, probe, labelled, settings=finetuning.fine_tuning_recipe(24), device="cpu", progress=False
    )
    assert torch.equal(default.head.weight, said.head.weight)


def test_training_from_scratch_learns_and_its_seed_decides_it(labelled):
    settings = replace(finetuning.scratch_recipe(24, seed=1), steps=60, look_every=60, schedule=None)
    first, again, other = (
        finetuning.from_scratch(labelled, width=2, settings=replace(settings, seed=seed), device="cpu", progress=False)
        for seed in (1, 1, 2)
    )
    assert torch.equal(first.head.weight, again.head.weight)
    assert not torch.equal(first.head.weight, other.head.weight)
    right = predict_logits(first, labelled.pixels).argmax(dim=1) == labelled.labels
    assert right.float().mean() > 0.8


@pytest.mark.parametrize("recipe", [finetuning.fine_tuning_recipe, finetuning.scratch_recipe])
@pytest.mark.parametrize("n_labels", [10, 50, 100, 1000])
def test_a_recipe_fits_its_number_of_labels_and_ends_gently(recipe, n_labels):
    made = recipe(n_labels, seed=4)
    assert 0 < made.batch_size <= n_labels
    assert made.seed == 4
    rates = [made.schedule(step) for step in range(made.steps)]
    assert max(rates) == 1
    assert rates.index(max(rates)) == pytest.approx(0.05 * made.steps, abs=2)
    assert 0 < rates[-1] < 0.01
    assert made.patience is None  # no validation images are spent on stopping


def test_scratch_gets_more_steps_larger_ones_and_always_augmentation():
    for n_labels in (10, 1000):
        tuned, scratch = finetuning.fine_tuning_recipe(n_labels), finetuning.scratch_recipe(n_labels)
        assert tuned.steps < scratch.steps
        assert tuned.learning_rate < scratch.learning_rate
        assert scratch.augment == LIGHT


def test_a_frozen_backbone_neither_learns_nor_changes_its_statistics_in_training(backbone, labelled):
    frozen = finetuning.freeze(backbone)
    assert frozen is backbone
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    model = finetuning.Classifier(frozen, dimension=32, n_classes=3)
    finetuning.fit(model, labelled, Recipe(steps=4, batch_size=8), device="cpu", progress=False)
    for name, value in backbone.state_dict().items():
        assert torch.equal(value, before[name]), name
