"""What holds of every label budget: as many as asked, even over the classes, and the rest left as the pool."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dlbasics.data import Images, label_budget


@st.composite
def budgets(draw: st.DrawFn) -> tuple[Images, int]:
    """Images numbered by their only pixel, classes of unequal size, and a budget that the smallest class allows."""
    n_classes, smallest = draw(st.integers(2, 7)), draw(st.integers(1, 8))
    sizes = [smallest + draw(st.integers(0, 5)) for _ in range(n_classes)]
    labels = draw(st.permutations([label for label, size in enumerate(sizes) for _ in range(size)]))
    pixels = torch.arange(len(labels)).float().view(-1, 1, 1, 1)
    n = draw(st.integers(n_classes, n_classes * smallest))
    return Images(pixels, torch.tensor(labels), tuple("abcdefg"[:n_classes])), n


@settings(deadline=None, max_examples=60)
@given(budgets(), st.integers(0, 2**31))
def test_a_budget_draws_what_was_asked_evenly_and_leaves_the_rest(budget, seed):
    images, n = budget
    labelled, pool = label_budget(images, n, seed=seed)
    assert (len(labelled), len(pool)) == (n, len(images) - n)
    counts = labelled.labels.bincount(minlength=images.n_classes)
    assert counts.max() - counts.min() <= 1
    numbers = torch.cat([labelled.pixels, pool.pixels]).flatten().long()
    assert sorted(numbers.tolist()) == list(range(len(images)))
    assert torch.equal(torch.cat([labelled.labels, pool.labels]), images.labels[numbers])


@settings(deadline=None, max_examples=30)
@given(budgets(), st.integers(0, 2**31))
def test_the_same_seed_draws_the_same_labels(budget, seed):
    images, n = budget
    first, second = (label_budget(images, n, seed=seed) for _ in range(2))
    assert torch.equal(first[0].pixels, second[0].pixels)
    assert torch.equal(first[1].pixels, second[1].pixels)


@settings(deadline=None, max_examples=30)
@given(budgets(), st.integers(0, 2**31))
def test_drawing_leaves_the_images_and_the_global_generator_alone(budget, seed):
    images, n = budget
    before = images.pixels.clone(), images.labels.clone(), torch.get_rng_state()
    label_budget(images, n, seed=seed)
    assert torch.equal(images.pixels, before[0])
    assert torch.equal(images.labels, before[1])
    assert torch.equal(torch.get_rng_state(), before[2])
