"""What holds of NT-Xent for any embeddings and any temperature."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from dlbasics.losses import nt_xent

temperatures = st.floats(math.log(0.005), math.log(10)).map(math.exp)


@st.composite
def views(draw: st.DrawFn) -> tuple[Tensor, Tensor]:
    n, d, seed = draw(st.integers(2, 9)), draw(st.integers(1, 9)), draw(st.integers(0, 2**32))
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.randn(2, n, d, generator=generator, dtype=torch.float64))


@settings(deadline=None, max_examples=40)
@given(views(), temperatures)
def test_the_loss_is_cross_entropy_of_choosing_the_partner(pair, temperature):
    z = torch.nn.functional.normalize(torch.cat(pair), dim=1)
    n = len(z) // 2
    logits = (z @ z.T / temperature).fill_diagonal_(-torch.inf)
    expected = torch.nn.functional.cross_entropy(logits, torch.arange(2 * n).roll(n))
    assert nt_xent(*pair, temperature=temperature).item() == pytest.approx(expected.item(), rel=1e-8, abs=1e-8)


@settings(deadline=None, max_examples=40)
@given(views(), temperatures, st.integers(0, 2**32))
def test_neither_the_order_of_views_and_images_nor_their_length_matters(pair, temperature, seed):
    z_a, z_b = pair
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(z_a), generator=generator)
    length = torch.rand(len(z_a), 1, generator=generator, dtype=torch.float64) * 10 + 0.1
    expected = nt_xent(z_a, z_b, temperature=temperature).item()
    found = nt_xent(z_b[order] * length, z_a[order], temperature=temperature).item()
    assert found == pytest.approx(expected, rel=1e-8, abs=1e-10)


@settings(deadline=None, max_examples=40)
@given(views(), temperatures)
def test_the_loss_lies_between_nothing_and_the_worst_case(pair, temperature):
    loss = nt_xent(*pair, temperature=temperature).item()
    assert 0 <= loss <= 2 / temperature + math.log(2 * len(pair[0]) - 1) + 1e-9
