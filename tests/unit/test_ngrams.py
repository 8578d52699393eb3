"""Counting as a language model: probabilities that add up, against a count by hand and in plain Python."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from torch import Tensor

from dlbasics.ngrams import counted_guesses, counted_probabilities

TRAIN = torch.tensor([0, 1, 0, 1, 0, 2, 1, 1, 0, 1, 2, 2, 0, 1])


def by_hand(train: list[int], context: list[int], character: int, n_symbols: int, strength: float) -> float:
    """The definition, one character at a time."""
    p = 1 / n_symbols
    for seen in range(len(context) + 1):
        tail = tuple(context[len(context) - seen :])
        stretches = Counter(tuple(train[i : i + seen + 1]) for i in range(len(train) - seen))
        of_context = sum(count for stretch, count in stretches.items() if stretch[:-1] == tail)
        p = (stretches[(*tail, character)] + strength * p) / (of_context + strength)
    return p


@pytest.mark.parametrize("order", [0, 1, 2, 3, 5])
def test_the_probabilities_are_those_of_the_definition(order):
    held_out = torch.tensor([2, 0, 1, 1, 2, 0, 0, 1])
    found = counted_probabilities(TRAIN, held_out, order=order, n_symbols=3, strength=1.5)
    for place, probability in enumerate(found.tolist()):
        context = held_out[max(place - order + 1, 0) : place].tolist() if order else []
        expected = by_hand(TRAIN.tolist(), context, held_out[place].item(), 3, 1.5) if order else 1 / 3
        assert probability == pytest.approx(expected)


@pytest.mark.parametrize("order", [0, 1, 2, 4])
def test_at_every_place_the_probabilities_of_all_characters_add_up_to_one(order):
    start = torch.tensor([2, 2, 0, 1, 0])
    total = sum(
        counted_probabilities(TRAIN, torch.cat([start, torch.tensor([c])]), order=order, n_symbols=4)[-1]
        for c in range(4)
    )
    assert total == pytest.approx(1)


def test_a_text_that_repeats_itself_costs_next_to_nothing_once_a_pair_is_counted():
    text = torch.arange(5).repeat(400)
    bits = [-counted_probabilities(text, text, order=order, n_symbols=5).log2().mean().item() for order in range(3)]
    assert bits[0] == pytest.approx(2.32193, abs=1e-4)
    assert bits[1] == pytest.approx(2.32193, abs=1e-4)
    assert bits[2] < 0.05


def test_a_character_never_seen_still_has_a_probability():
    assert counted_probabilities(TRAIN, torch.tensor([3]), order=2, n_symbols=4)[0] > 0


@pytest.mark.parametrize(
    ("options", "said"),
    [({"order": -1}, "got -1"), ({"order": 20, "n_symbols": 96}, r"96\^order below 2\^63, got 20"),
     ({"strength": 0.0}, "strength must be positive, got 0.0")],
)  # fmt: skip
def test_what_cannot_be_counted_is_refused(options, said):
    with pytest.raises(ValueError, match=said):
        counted_probabilities(TRAIN, TRAIN, **{"order": 2, "n_symbols": 3, "strength": 5.0} | options)


# Guesses


def guess(train: Tensor, text: list[int], neighbours: tuple[int, ...]) -> int:
    return counted_guesses(
        train, torch.tensor(text), torch.tensor([len(text) // 2]), neighbours=neighbours, n_symbols=9
    ).item()


def test_a_guess_is_what_stood_most_often_between_the_same_neighbours():
    train = torch.tensor([0, 1, 5, 2, 0, 1, 5, 2, 0, 1, 6, 2, 0, 1, 6, 3, 0, 1, 6, 3, 0, 1, 6, 3, 0, 0])
    assert guess(train, [1, 8, 2], (-1, 1)) == 5
    assert guess(train, [1, 8, 3], (-1, 1)) == 6
    assert guess(train, [1, 8, 3], (-1,)) == 6
    assert guess(train, [0, 1, 8, 2, 0], (-2, -1, 1)) == 5
    assert guess(train, [1, 8, 3], ()) == 0


def test_where_the_neighbours_were_never_seen_together_the_farthest_is_left_out():
    train = torch.tensor([1, 5, 2, 0, 1, 5, 2, 0, 4, 6, 3, 0])
    assert guess(train, [0, 4, 8, 2, 0], (-1, 1)) == 5  # never between 4 and 2, but before 2
    assert guess(train, [7, 7, 8, 7, 7], (-2, -1, 1)) == 0  # nothing known: the most common


def test_guesses_come_in_the_order_of_their_places():
    train = torch.tensor([0, 1, 2, 3] * 20)
    places = torch.tensor([5, 2, 9, 3])
    assert torch.equal(counted_guesses(train, train, places, neighbours=(-1,), n_symbols=4), train[places])
