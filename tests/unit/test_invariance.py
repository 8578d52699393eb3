"""Invariance against pairs written out, and reading back against scikit-learn's ridge."""

from __future__ import annotations

import pytest
import torch
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from torch.nn import functional as F

from dlbasics import invariance


def cloud(n: int = 20, d: int = 6, *, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def test_others_nearer_counts_the_images_that_come_before_the_own_one() -> None:
    z, views = cloud(7), cloud(7) + 0.8 * cloud(7, seed=1)
    similarity = F.normalize(views, dim=1) @ F.normalize(z, dim=1).T
    nearer = [float(similarity[i, j] > similarity[i, i]) for i in range(7) for j in range(7) if i != j]
    assert invariance.others_nearer(z, views) == pytest.approx(sum(nearer) / len(nearer))


def test_a_change_that_is_ignored_costs_nothing_and_any_other_image_is_chance() -> None:
    z = cloud(300)
    assert invariance.others_nearer(z, z) == 0
    assert invariance.found_again(z, z) == 1
    assert invariance.others_nearer(z, cloud(300, seed=5)) == pytest.approx(0.5, abs=0.06)
    assert invariance.found_again(z, cloud(300, seed=5)) < 0.03


def test_the_unit_of_the_space_does_not_matter() -> None:
    z, views = cloud(40), cloud(40) + 0.8 * cloud(40, seed=1)
    for measure in (invariance.others_nearer, invariance.found_again):
        assert measure(100 * z, 100 * views) == pytest.approx(measure(z, views), abs=1e-6)


def test_a_collapsed_space_is_no_better_than_chance() -> None:
    same = torch.ones(11, 3)
    assert invariance.others_nearer(same, same) == pytest.approx(0.5)
    assert invariance.found_again(same, same) == pytest.approx(1 / 11)


@pytest.mark.parametrize("measure", [invariance.others_nearer, invariance.found_again])
def test_views_of_another_shape_are_refused(measure) -> None:
    with pytest.raises(ValueError, match=r"got \(5, 6\) and \(4, 6\)"):
        measure(cloud(5), cloud(4))
    with pytest.raises(ValueError, match="N >= 2"):
        measure(cloud(1), cloud(1))


@pytest.mark.parametrize(("n", "d", "targets"), [(50, 4, 3), (8, 20, 1)])
def test_ridge_is_scikit_learns_with_the_penalty_counted_per_image(n, d, targets) -> None:
    x, y, new = cloud(n, d), cloud(n, targets, seed=1) + 3, cloud(9, d, seed=2)
    oracle = Ridge(alpha=0.2 * n).fit(x.double().numpy(), y.double().numpy()).predict(new.double().numpy())
    found = invariance.ridge(x, y, new, strength=0.2)
    torch.testing.assert_close(found, torch.from_numpy(oracle).float().view(9, targets), atol=1e-5, rtol=1e-5)


def test_what_is_there_is_read_back_and_what_is_not_is_not() -> None:
    x, new = cloud(400, 5), cloud(200, 5, seed=1)
    rotation, _ = torch.linalg.qr(cloud(5, 5, seed=2))
    assert invariance.read_back(x, x @ rotation + 2, new, new @ rotation + 2, strength=1e-6) == pytest.approx(1)
    half = invariance.read_back(x[:, :3], x, new[:, :3], new, strength=1e-6)
    assert half == pytest.approx((new[:, :3].var(dim=0).sum() / new.var(dim=0).sum()).item(), abs=0.03)
    assert invariance.read_back(x, cloud(400, 2, seed=3), new, cloud(200, 2, seed=4)) == pytest.approx(0, abs=0.05)


def test_the_share_read_back_is_r2_weighted_by_variance() -> None:
    x, new = cloud(60, 4), cloud(30, 4, seed=1)
    weight = cloud(4, 3, seed=2) * torch.tensor([1.0, 5, 0.2])
    y, new_y = x @ weight + cloud(60, 3, seed=3), new @ weight + cloud(30, 3, seed=4)
    oracle = r2_score(new_y, invariance.ridge(x, y, new), multioutput="variance_weighted")
    assert invariance.read_back(x, y, new, new_y) == pytest.approx(oracle, rel=1e-5)


def test_random_features_let_a_linear_reader_bend() -> None:
    x, new = cloud(800, 2), cloud(300, 2, seed=1)
    y, new_y = (x[:, :1] * x[:, 1:]), (new[:, :1] * new[:, 1:])
    assert invariance.read_back(x, y, new, new_y) < 0.1
    bend = invariance.with_random_features
    assert invariance.read_back(bend(x), y, bend(new), new_y, strength=1e-4) > 0.9
    assert torch.equal(bend(x)[:, :2], x)
    assert bend(x, count=7).shape == (800, 9)


def test_a_penalty_that_is_not_positive_and_targets_that_never_vary_are_refused() -> None:
    x = cloud(10, 2)
    with pytest.raises(ValueError, match="positive, got 0"):
        invariance.read_back(x, x, x, x, strength=0)
    with pytest.raises(ValueError, match="never vary"):
        invariance.read_back(x, x, x, torch.ones(10, 2))
