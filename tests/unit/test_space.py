"""The health of a space against closed forms and pairs written out."""

from __future__ import annotations

import math

import pytest
import torch

from dlbasics import space


def gaussian(n: int = 400, d: int = 16, *, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def test_spread_is_one_where_all_directions_are_used_and_zero_after_a_collapse():
    assert space.spread(gaussian()) == pytest.approx(1, abs=0.02)
    assert space.spread(torch.ones(50, 8) + 1e-4 * gaussian(50, 8)) < 1e-3
    assert space.spread(100 * gaussian()) == pytest.approx(space.spread(gaussian()), rel=1e-5)


@pytest.mark.parametrize(("n", "d"), [(2, 3), (9, 4)])
def test_mean_cosine_is_the_mean_over_pairs_of_different_images(n, d):
    z = gaussian(n, d)
    pairs = [torch.cosine_similarity(z[i], z[j], dim=0).item() for i in range(n) for j in range(n) if i != j]
    assert space.mean_cosine(z) == pytest.approx(sum(pairs) / len(pairs), abs=1e-6)


def test_embeddings_that_point_one_way_have_a_mean_cosine_of_one():
    assert space.mean_cosine(torch.rand(20, 1) @ torch.rand(1, 5)) == pytest.approx(1)


@pytest.mark.parametrize("k", [1, 3, 8])
def test_the_effective_rank_of_k_equal_directions_is_k_whatever_the_scale(k):
    z = torch.zeros(2 * k, 12)
    for direction in range(k):  # +/- along each axis: centred, all singular values alike
        z[2 * direction, direction], z[2 * direction + 1, direction] = 1, -1
    for scale in (1e-3, 1, 1e4):
        assert space.effective_rank(scale * z + 5) == pytest.approx(k, rel=1e-4)


def test_unequal_directions_have_the_effective_rank_of_their_entropy():
    z = torch.diag(torch.tensor([3.0, 1.0])).repeat(2, 1) * torch.tensor([[1.0], [1], [-1], [-1]])
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert space.effective_rank(z) == pytest.approx(math.exp(entropy), rel=1e-5)


def test_the_effective_rank_of_a_single_point_is_not_a_number():
    assert math.isnan(space.effective_rank(torch.ones(5, 3)))


def test_two_views_at_the_same_place_are_aligned_and_opposite_ones_as_far_as_can_be():
    z = gaussian(20, 5)
    assert space.alignment(z, z) == 0
    assert space.alignment(z, 7 * z) == pytest.approx(0, abs=1e-6)
    assert space.alignment(z, -z) == pytest.approx(4, rel=1e-5)


def test_alignment_is_twice_one_minus_the_mean_cosine_of_the_pairs():
    z_a, z_b = gaussian(20, 5), gaussian(20, 5, seed=1)
    cosines = torch.cosine_similarity(z_a, z_b, dim=1)
    assert space.alignment(z_a, z_b) == pytest.approx((2 - 2 * cosines).mean().item(), rel=1e-5)


def test_uniformity_is_the_log_of_the_mean_kernel_over_pairs():
    z = gaussian(30, 4)
    unit = z / z.norm(dim=1, keepdim=True)
    distances = torch.cdist(unit.double(), unit.double())
    kernel = torch.exp(-2 * distances**2)[~torch.eye(30, dtype=torch.bool)]
    assert space.uniformity(z) == pytest.approx(kernel.mean().log().item(), rel=1e-5)


def test_uniformity_is_zero_after_a_collapse_and_smaller_on_a_fuller_sphere():
    assert space.uniformity(torch.ones(10, 3)) == pytest.approx(0, abs=1e-6)
    assert space.uniformity(gaussian(200, 16)) < space.uniformity(gaussian(200, 16) + 2) < 0
    assert space.uniformity(torch.tensor([[1.0, 0], [-1.0, 0]])) == pytest.approx(-8)
