"""The losses against closed forms, plain loops in double precision and automatic differentiation."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from dlbasics.losses import masked_reconstruction, nt_xent, reconstruction


def by_pairs(z_a: Tensor, z_b: Tensor, temperature: float) -> float:
    """NT-Xent written down from its definition: one pair of rows after the other, in Python's double precision."""
    rows = [[value / math.hypot(*row) for value in row] for row in torch.cat([z_a, z_b]).double().tolist()]
    n = len(z_a)
    total = 0.0
    for i, anchor in enumerate(rows):
        score = [math.fsum(a * b for a, b in zip(anchor, row, strict=True)) / temperature for row in rows]
        partner = (i + n) % (2 * n)
        excess = [score[j] - score[partner] for j in range(2 * n) if j not in (i, partner)]
        top = max(0.0, *excess)
        inner = math.fsum(math.exp(value - top) for value in excess)
        total += math.log1p(inner) if top == 0 else top + math.log(math.exp(-top) + inner)
    return total / (2 * n)


def views(n: int, d: int, *, seed: int = 0, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(n, d, generator=generator, dtype=dtype)
    return z, z + 0.5 * torch.randn(n, d, generator=generator, dtype=dtype)


@pytest.mark.parametrize("n", [2, 3, 8, 256])
@pytest.mark.parametrize("temperature", [0.005, 0.5, 10])
def test_a_collapsed_batch_costs_log_of_the_negatives(n, temperature):
    z = torch.tensor([[3.0, -4.0, 12.0]]).repeat(n, 1)
    assert nt_xent(z, z, temperature=temperature).item() == pytest.approx(math.log(2 * n - 1), rel=1e-5)


@pytest.mark.parametrize(("n", "d"), [(2, 1), (2, 7), (3, 2), (9, 5), (17, 33)])
@pytest.mark.parametrize("temperature", [0.005, 0.05, 0.5, 5])
def test_the_loss_is_that_of_explicit_pairs(n, d, temperature):
    z_a, z_b = views(n, d, seed=n * d)
    expected = by_pairs(z_a, z_b, temperature)
    assert nt_xent(z_a, z_b, temperature=temperature).item() == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_two_images_have_two_negatives_each():
    z_a, z_b = torch.eye(2, dtype=torch.float64), torch.eye(2, dtype=torch.float64)
    assert nt_xent(z_a, z_b, temperature=1.0).item() == pytest.approx(math.log1p(2 * math.exp(-1)), rel=1e-12)


@pytest.mark.parametrize("temperature", [0.05, 0.1, 0.5, 1])
def test_separated_images_cost_their_closed_form_even_when_that_is_tiny(temperature):
    n = 6
    z = torch.eye(n)
    expected = math.log1p((2 * n - 2) * math.exp(-1 / temperature))  # 2e-8 at 0.05: below float32's steps around 1
    assert nt_xent(z, z, temperature=temperature).item() == pytest.approx(expected, rel=1e-5)


def test_a_tiny_temperature_stays_finite_and_exact_in_single_precision():
    z_a, z_b = views(64, 16, dtype=torch.float32)
    z_a.requires_grad_()
    loss = nt_xent(z_a, z_b, temperature=0.005)
    loss.backward()
    assert loss.item() == pytest.approx(by_pairs(z_a.detach(), z_b, 0.005), rel=1e-4)
    assert z_a.grad is not None
    assert z_a.grad.isfinite().all()
    exact = z_a.detach().double().requires_grad_()
    nt_xent(exact, z_b.double(), temperature=0.005).backward()
    assert exact.grad is not None
    torch.testing.assert_close(z_a.grad.double(), exact.grad, rtol=1e-2, atol=1e-3 * exact.grad.abs().max().item())


@pytest.mark.parametrize("temperature", [0.05, 0.5])
@pytest.mark.parametrize(("n", "d"), [(2, 3), (5, 4)])
def test_the_gradient_agrees_with_finite_differences(n, d, temperature):
    z_a, z_b = (z.requires_grad_() for z in views(n, d, seed=3))
    assert torch.autograd.gradcheck(lambda a, b: 1.7 * nt_xent(a, b, temperature=temperature), (z_a, z_b))


def test_swapping_the_views_changes_nothing():
    z_a, z_b = views(7, 5)
    assert nt_xent(z_a, z_b).item() == pytest.approx(nt_xent(z_b, z_a).item(), rel=1e-12)


def test_only_the_direction_of_an_embedding_counts():
    z_a, z_b = views(7, 5)
    stretch = torch.linspace(0.01, 100, 7, dtype=torch.float64)[:, None]
    assert nt_xent(z_a * stretch, z_b * stretch.flip(0)).item() == pytest.approx(nt_xent(z_a, z_b).item(), rel=1e-12)


def test_an_image_is_paired_with_its_own_view_and_no_other():
    z_a, z_b = views(6, 8)
    assert nt_xent(z_a, z_b, temperature=0.1) < nt_xent(z_a, z_b.roll(1, dims=0), temperature=0.1)


def test_an_embedding_of_nothing_but_zeros_leaves_the_loss_finite():
    z_a, z_b = views(4, 3)
    z_a[0] = 0
    assert nt_xent(z_a, z_b).isfinite()


def test_the_embeddings_are_left_unchanged():
    z_a, z_b = views(5, 4)
    before = z_a.clone(), z_b.clone()
    nt_xent(z_a, z_b)
    assert torch.equal(z_a, before[0])
    assert torch.equal(z_b, before[1])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_embeddings_are_compared_in_single_precision(dtype):
    z_a, z_b = (z.to(dtype) for z in views(16, 8))
    loss = nt_xent(z_a, z_b, temperature=0.01)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(by_pairs(z_a, z_b, 0.01), rel=1e-4)


def test_mixed_precision_around_the_loss_does_not_make_it_coarse():
    z_a, z_b = views(16, 8, dtype=torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = nt_xent(z_a, z_b, temperature=0.01)
    assert loss.item() == pytest.approx(by_pairs(z_a, z_b, 0.01), rel=1e-4)


def test_bad_arguments_are_named_with_what_was_seen():
    z = torch.randn(4, 3)
    with pytest.raises(ValueError, match=r"one shape \(N, D\), got \(4, 3\) and \(3, 3\)"):
        nt_xent(z, z[:3])
    with pytest.raises(ValueError, match=r"\(2, 2, 3\)"):
        nt_xent(z.view(2, 2, 3), z.view(2, 2, 3))
    with pytest.raises(ValueError, match="at least 2 images to have negatives, got 1"):
        nt_xent(z[:1], z[:1])
    for temperature in (0.0, -0.5, math.nan):
        with pytest.raises(ValueError, match=f"temperature must be positive, got {temperature}"):
            nt_xent(z, z, temperature=temperature)


def test_reconstruction_is_the_mean_squared_difference_per_pixel():
    generator = torch.Generator().manual_seed(0)
    decoded, pixels = torch.rand(2, 3, 2, 4, 5, generator=generator)
    differences = [(a - b) ** 2 for a, b in zip(decoded.flatten().tolist(), pixels.flatten().tolist(), strict=True)]
    assert reconstruction(decoded, pixels).item() == pytest.approx(sum(differences) / len(differences), rel=1e-5)


def test_a_perfect_reconstruction_costs_nothing():
    pixels = torch.rand(3, 1, 4, 6)
    assert reconstruction(pixels, pixels) == 0
    assert masked_reconstruction(pixels, pixels, pixels > 0.5) == 0


def test_masked_reconstruction_is_the_mean_over_the_hidden_pixels():
    generator = torch.Generator().manual_seed(0)
    decoded, pixels = torch.rand(2, 3, 2, 4, 5, generator=generator)
    hidden = torch.rand(3, 1, 4, 5, generator=generator) < 0.4
    chosen = hidden.expand(3, 2, 4, 5)
    expected = F.mse_loss(decoded[chosen], pixels[chosen])
    torch.testing.assert_close(masked_reconstruction(decoded, pixels, hidden), expected)
    torch.testing.assert_close(masked_reconstruction(decoded, pixels, chosen), expected)


def test_what_the_encoder_could_see_earns_nothing_in_masked_reconstruction():
    decoded, pixels = torch.rand(2, 1, 6, 4, requires_grad=True), torch.rand(2, 1, 6, 4)
    hidden = torch.zeros(2, 1, 6, 4, dtype=torch.bool)
    hidden[0, 0, 1:3, 2:] = True
    masked_reconstruction(decoded, pixels, hidden).backward()
    assert decoded.grad is not None
    assert (decoded.grad[~hidden] == 0).all()
    assert (decoded.grad[hidden] != 0).all()


def test_a_mask_that_hides_nothing_gives_nan():
    pixels = torch.rand(1, 1, 2, 2)
    assert masked_reconstruction(pixels, pixels, torch.zeros(1, 1, 2, 2, dtype=torch.bool)).isnan()


@pytest.mark.parametrize("loss", [reconstruction, lambda a, b: masked_reconstruction(a, b, b > 0)])
def test_a_decoder_of_the_wrong_size_is_named(loss):
    with pytest.raises(ValueError, match=r"\(2, 1, 4, 4\) and \(2, 1, 4, 5\)"):
        loss(torch.rand(2, 1, 4, 4), torch.rand(2, 1, 4, 5))
