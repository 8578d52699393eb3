from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from dlbasics import finetuning
from dlbasics.experiments.unlabelled import DIGITS_TO_LEARN_FROM, _shortened, digits


def test_the_digits_are_cut_into_two_parts_that_share_no_image():
    pool, reporting = digits()
    assert (len(pool), len(reporting)) == (DIGITS_TO_LEARN_FROM, 1797 - DIGITS_TO_LEARN_FROM)
    counts = np.bincount(torch.cat([pool.labels, reporting.labels]).numpy())
    assert counts.tolist() == np.bincount(load_digits().target).tolist()
    assert torch.cdist(reporting.pixels.flatten(1), pool.pixels.flatten(1)).min() > 0


def test_an_enlarged_digit_shrinks_back_to_what_it_was():
    pool, reporting = digits()
    pixels = torch.cat([pool.pixels, reporting.pixels])
    assert pixels.shape[1:] == (1, 28, 28)
    assert 0 <= pixels.min() < pixels.max() <= 1
    total = torch.from_numpy(load_digits().images).mean() / 16
    assert pixels.mean().item() == pytest.approx(total.item(), rel=0.02)


def test_a_recipe_is_cut_short_in_miniature_alone():
    recipe = finetuning.scratch_recipe(10)
    assert _shortened(recipe, {"most_steps": 0}) is recipe
    assert _shortened(recipe, {"most_steps": 3}) == replace(recipe, steps=3, look_every=1)
