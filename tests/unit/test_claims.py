"""What the book claims, as tests that fail when it stops being true."""

from __future__ import annotations

from itertools import product

import pytest
import torch

from dlbasics import data, evaluation, experiments
from dlbasics.data import Dataset
from dlbasics.evaluation import Scale
from dlbasics.experiments.label_efficiency import difference, mean_and_spread
from dlbasics.models import ConvBackbone, seeded

# The stored table: three encoders, ten label draws, the test split


@pytest.fixture(scope="module")
def table() -> experiments.Result:
    return experiments.load("label_efficiency")


@pytest.mark.parametrize("budget", [50, 100])
def test_a_contrastive_encoder_beats_raw_pixels_where_labels_are_few(table, budget):
    gain = difference(table, "contrastive probe", "pixels probe", budget)
    assert gain.low > 0, f"contrastive probe - pixels at {budget} labels: {gain}"


@pytest.mark.parametrize("budget", [50, 100])
def test_a_contrastive_encoder_beats_a_random_one(table, budget):
    gain = difference(table, "contrastive probe", "random probe", budget)
    assert gain.low > 0, f"contrastive probe - random encoder at {budget} labels: {gain}"


@pytest.mark.parametrize("budget", [50, 100])
def test_fine_tuning_a_contrastive_encoder_beats_training_from_scratch(table, budget):
    gain = difference(table, "contrastive fine-tuned", "scratch", budget)
    assert gain.low > 0, f"contrastive fine-tuned - scratch at {budget} labels: {gain}"


def test_every_method_beats_chance_from_fifty_labels_on(table):
    for method in table["accuracy"]:
        means, spreads = mean_and_spread(table, method)
        for budget, mean, spread in zip(table.settings["budgets"], means, spreads, strict=True):
            if budget >= 50:
                assert mean - 2 * spread > 0.1, f"{method} at {budget} labels: {mean:.3f} +- {spread:.3f}"


def test_more_labels_help_every_method(table):
    for method in table["accuracy"]:
        means, _ = mean_and_spread(table, method)
        assert means == sorted(means), f"{method}: {means}"


# The same live, on a small budget: one encoder, two label draws, 2,000 validation images


@pytest.fixture(scope="module")
def accuracy(course: Dataset):
    """Mean accuracy of a linear probe on 100 labels, by embedding; controls may choose their settings afterwards."""
    if course.name != "fashion-mnist":
        pytest.skip(f"needs Fashion-MNIST, this machine has {course.origin}")
    pool, validation = data.balanced_subset(course.train, 5000, seed=0), course.validation[:2000]
    with seeded(0):
        random_encoder = ConvBackbone(width=24).eval()

    def measure(embed, strengths=(0.01,), scales=lambda embedded: [Scale.of(embedded)]) -> float:
        embedded, queries = embed(pool.pixels), embed(validation.pixels)
        means = []
        for strength, scale in product(strengths, scales(embedded)):
            found = []
            for draw in range(2):
                rows = data.label_rows(pool, 100, seed=draw)[0]
                probe = evaluation.linear_probe(embedded[rows], pool.labels[rows], scale=scale, strength=strength)
                found.append(probe.accuracy(queries, validation.labels))
            means.append(sum(found) / len(found))
        return max(means)

    contrastive = experiments.load_encoder("contrastive", seed=0)
    generous = (0.001, 0.01, 0.1)
    return {
        "contrastive": measure(lambda pixels: evaluation.embed(contrastive, pixels)),
        "random encoder": measure(lambda pixels: evaluation.embed(random_encoder, pixels), generous),
        "pixels": measure(
            lambda pixels: pixels.flatten(1), generous, lambda p: [Scale.of(p), Scale.of(p, shared=True)]
        ),
    }


@pytest.mark.parametrize("control", ["pixels", "random encoder"])
def test_a_hundred_labels_go_further_on_the_stored_encoder_than_on(accuracy, control):
    assert accuracy["contrastive"] > accuracy[control] + 0.01, accuracy


def test_the_stored_encoder_reads_clothes_far_better_than_chance(accuracy):
    assert accuracy["contrastive"] > 0.65, accuracy


def test_contrastive_spaces_have_not_collapsed():
    for seed, run in experiments.load("contrastive")["by_seed"].items():
        assert run["health"]["spread"] > 0.3, seed
        assert run["health"]["effective_rank"] > 20, seed
        assert run["health"]["mean_cosine"] < 0.9, seed


def test_a_contrastive_encoder_treats_two_views_of_an_image_as_nearly_the_same(course):
    encoder = experiments.load_encoder("contrastive", seed=0)
    pixels = course.validation.pixels[:500]
    embedded = evaluation.embed(encoder, pixels)
    mirrored = evaluation.embed(encoder, pixels.flip(-1))
    own = torch.cosine_similarity(embedded, mirrored).mean()
    others = torch.cosine_similarity(embedded, mirrored.roll(1, dims=0)).mean()
    assert own > others + 0.1
