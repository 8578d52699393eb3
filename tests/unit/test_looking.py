"""Tasks whose right map is known, and effects that a map should predict."""

from __future__ import annotations

import pytest
import torch

from dlbasics.attention import CharacterModel
from dlbasics.looking import (
    LOOKS,
    N_KEYS,
    PAIRS,
    PLACES,
    attention_weights,
    effects,
    looks,
    pairs,
    places_to_look_at,
    rank_correlation,
    summary_of_effects,
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_every_place_is_told_to_look_where_the_names_say():
    for here in range(PLACES):
        mirror, back, ahead, half = places_to_look_at()[:, here].tolist()
        assert mirror == PLACES - 1 - here
        assert (back, ahead) == ((here - 1) % PLACES, (here + 2) % PLACES)
        assert half == (here + PLACES // 2) % PLACES


def test_the_answers_are_the_symbols_at_those_places():
    symbols, answers = looks(5, generator=generator())
    assert answers.shape == (5, PLACES, len(LOOKS))
    for here, there in enumerate(places_to_look_at().T.tolist()):
        assert torch.equal(answers[:, here], symbols[:, there])


def test_pairs_are_shown_twice_and_the_place_of_each_value_is_told():
    sequences, where = pairs(200, generator=generator())
    assert sequences.shape == (200, 4 * PAIRS)
    for sequence, places in zip(sequences.tolist(), where.tolist(), strict=True):
        shown = dict(zip(sequence[0 : 2 * PAIRS : 2], sequence[1 : 2 * PAIRS : 2], strict=True))
        assert len(shown) == PAIRS
        assert all(key < N_KEYS <= value for key, value in shown.items())
        for key, value, place in zip(sequence[2 * PAIRS :: 2], sequence[2 * PAIRS + 1 :: 2], places, strict=True):
            assert shown[key] == value == sequence[place]
            assert sequence[place - 1] == key


def test_tasks_repeat_with_their_seed():
    for task in (looks, pairs):
        assert all(
            torch.equal(a, b)
            for a, b in zip(task(4, generator=generator(3)), task(4, generator=generator(3)), strict=True)
        )
        assert not torch.equal(task(4, generator=generator(3))[0], task(4, generator=generator(4))[0])


def test_a_map_is_found_in_every_layer():
    model = CharacterModel(6, length=5, dimension=8, depth=3, heads=2, causal=True)
    model(torch.zeros(2, 5, dtype=torch.int64))
    assert [weights.shape for weights in attention_weights(model)] == [(2, 2, 5, 5)] * 3


def test_a_character_that_is_not_attended_to_has_no_effect():
    model = CharacterModel(6, length=4, dimension=8, depth=1, heads=1, causal=True).double()
    with torch.no_grad():  # one head that looks at the place before its own: keys carry a place, queries the next one
        block, eye = model.transformer.blocks[0], torch.eye(4, dtype=torch.float64)
        model.embed.weight[:, :4] = 0
        model.transformer.positions.zero_()
        model.transformer.positions[:, :4] = 20 * eye
        block.norm_attention = torch.nn.Identity()
        block.attention.project.bias.zero_()
        weight = block.attention.project.weight.zero_()
        weight[:4, :4] = eye.roll(-1, dims=0)  # the query of place t points at t - 1
        weight[8:12, :4] = eye
        weight[16:, :] = torch.eye(8, dtype=torch.float64)
    windows = torch.randint(6, (30, 4), generator=generator())
    effect, attended = effects(model, windows, generator=generator())
    assert effect.shape == (30, 3)
    assert attended.shape == (30, 1, 3)
    torch.testing.assert_close(attended[:, 0], torch.tensor([[0.0, 0, 1]], dtype=torch.float64).expand(30, 3))
    assert effect[:, :2].max() < 1e-12
    assert effect[:, 2].max() > 1e-4


def test_the_summary_of_a_perfect_map_is_a_perfect_correlation():
    effect = torch.tensor([[0.1, 0.4, 0.2], [0.3, 0.2, 0.9]])
    found = summary_of_effects(effect, torch.stack([effect / 2, effect.flip(1)], dim=1))
    assert found["correlation"][0] == pytest.approx(1)
    assert found["most attended"][0] == pytest.approx(found["largest"]) == pytest.approx((0.4 + 0.9) / 2)
    assert found["any"] == pytest.approx(effect.mean().item())
    assert found["correlation of nearness"] == pytest.approx(0.5)
    assert found["nearest"] == pytest.approx((0.2 + 0.9) / 2)
    assert found["agreement"] == [1, 0.5]
    assert found["nearest agrees"] == 0.5


def test_rows_in_which_nothing_varies_do_not_count():
    a = torch.tensor([[1.0, 2, 3], [1, 1, 1]])
    with pytest.warns(match="constant"):
        assert rank_correlation(a, torch.tensor([[3.0, 2, 1], [1, 2, 3]])) == pytest.approx(-1)
