from collections import Counter

import pytest
import torch
from torch import nn

from dlbasics.experiments.contrastive_sweep import BINS, CONTRASTIVE_SWEEP, _Study, _wanted, name_of

SETTINGS = CONTRASTIVE_SWEEP.settings


@pytest.fixture(scope="module")
def study() -> _Study:
    """On noise: what is tested holds for any image."""
    from dlbasics.data import Images

    generator = torch.Generator().manual_seed(0)
    pixels = torch.rand(60, 1, 28, 28, generator=generator)
    images = Images(pixels, torch.arange(60) % 3, ("a", "b", "c"))
    small = CONTRASTIVE_SWEEP.small().settings
    return _Study(small, images, images[:20], images[20:], (pixels[:30], pixels[:30]))


def test_no_run_is_made_twice_and_each_has_a_name_of_its_own():
    wanted = _wanted(SETTINGS)
    assert max(Counter(name_of(**one) for one in wanted).values()) == 1
    assert len({tuple(one.values()) for one in wanted}) == len(wanted)


def test_every_temperature_has_all_seeds_at_the_middle_batch_size():
    usual = [one for one in _wanted(SETTINGS) if one["views"] == "strong" and one["batch_size"] == 64]
    assert Counter(one["temperature"] for one in usual) == dict.fromkeys(SETTINGS["temperatures"], 3)


def test_equal_steps_and_equal_epochs_are_both_there_for_the_other_batch_sizes():
    half = [one for one in _wanted(SETTINGS) if one["temperature"] == 0.5 and one["batch_size"] != 64]
    steps = {(one["batch_size"], one["steps"]): 0 for one in half}
    assert set(steps) == {(16, 1500), (256, 93), (16, 375), (256, 375)}


def test_two_equal_views_are_perfectly_aligned_and_all_positives_are_in_the_last_bin(study):
    encoder = nn.Flatten()
    assert study.alignment_and_uniformity(encoder)["alignment"] == pytest.approx(0, abs=1e-6)
    shares = study.cosines(encoder)
    assert shares["positive"][-1] == pytest.approx(1)
    for kind in shares.values():
        assert len(kind) == BINS
        assert sum(kind) == pytest.approx(1, abs=1e-4)


def test_a_map_keeps_the_spread_of_the_space_and_is_centred(study):
    flat = torch.tensor(study.map(nn.Flatten()))
    assert flat.shape == (20, 2)
    assert flat.mean(dim=0).abs().max() < 1e-5
    unit = nn.functional.normalize(study.reporting.pixels[:20].flatten(1), dim=1)
    values = torch.linalg.svdvals(unit - unit.mean(dim=0))[:2]
    torch.testing.assert_close(flat.norm(dim=0), values, atol=1e-4, rtol=1e-4)
