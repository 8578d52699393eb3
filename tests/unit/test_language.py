"""Language models of characters: losses with known values, a loop that learns, texts and bits with closed forms."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dlbasics import language
from dlbasics.attention import CharacterModel
from dlbasics.models import seeded

N_SYMBOLS = 7


class Successor(nn.Module):
    """Gives the symbol after the one it sees a logit of ``sure``, and to all others 0."""

    def __init__(self, sure: float) -> None:
        super().__init__()
        self.sure = nn.Parameter(torch.tensor(sure))
        self.shown: list[int] = []

    def forward(self, characters: Tensor) -> Tensor:
        self.shown.append(characters.shape[1])
        return self.sure * F.one_hot((characters + 1) % N_SYMBOLS, N_SYMBOLS).float()


def counting(n: int) -> Tensor:
    return torch.arange(n) % N_SYMBOLS


def small(*, causal: bool, extra: int = 0, length: int = 8) -> CharacterModel:
    with seeded(0):
        return CharacterModel(N_SYMBOLS + extra, length=length, dimension=16, depth=1, heads=2, causal=causal)


# What is minimised


def test_a_model_that_knows_nothing_pays_the_log_of_the_vocabulary_for_each_character():
    windows = torch.randint(N_SYMBOLS, (5, 9), generator=torch.Generator().manual_seed(0))
    assert language.next_character_loss(Successor(0.0), windows).item() == pytest.approx(math.log(N_SYMBOLS))


def test_the_loss_of_the_next_character_is_that_of_what_follows_and_not_of_what_is_seen():
    windows = counting(21).view(3, 7)
    sure = math.log(1 + (N_SYMBOLS - 1) * math.exp(-2.0))
    assert language.next_character_loss(Successor(2.0), windows).item() == pytest.approx(sure, rel=1e-5)
    assert language.next_character_loss(Successor(2.0), windows.flip(1)).item() > 2


def test_a_window_of_one_character_has_nothing_to_predict():
    with pytest.raises(ValueError, match="got 1 characters"):
        language.next_character_loss(Successor(0.0), counting(3)[:, None])


def test_the_holes_alone_count_and_the_model_does_not_see_what_was_there():
    shown: list[Tensor] = []

    class Spy(nn.Module):
        def forward(self, characters: Tensor) -> Tensor:
            shown.append(characters)
            right = F.one_hot(windows, N_SYMBOLS + 1) * 30.0
            wrong = F.one_hot((windows + 1) % N_SYMBOLS, N_SYMBOLS + 1) * 30.0
            return torch.where((characters == N_SYMBOLS)[..., None], right, wrong)

    windows = torch.randint(N_SYMBOLS, (4, 20), generator=torch.Generator().manual_seed(1))
    loss = language.masked_character_loss(
        Spy(), windows, mask_symbol=N_SYMBOLS, hide=0.25, generator=torch.Generator().manual_seed(0)
    )
    assert loss.item() < 1e-6
    holes = shown[0] == N_SYMBOLS
    assert torch.equal(holes.sum(dim=1), torch.full((4,), 5))
    assert torch.equal(shown[0][~holes], windows[~holes])


@pytest.mark.parametrize(("hide", "length", "holes"), [(0.15, 64, 10), (0.01, 8, 1), (0.99, 8, 8), (0.5, 3, 2)])
def test_every_window_has_the_same_number_of_holes_and_at_least_one(hide, length, holes):
    found = language.random_holes(torch.zeros(50, length, dtype=torch.int64), hide=hide)
    assert torch.equal(found.sum(dim=1), torch.full((50,), holes))


def test_holes_fall_everywhere_and_follow_their_generator():
    windows = torch.zeros(400, 12, dtype=torch.int64)
    first, again, other = (
        language.random_holes(windows, hide=0.25, generator=torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert (first.float().mean(dim=0) - 0.25).abs().max() < 0.1


@pytest.mark.parametrize("hide", [0.0, 1.0, -0.2])
def test_a_share_that_hides_nothing_or_everything_is_refused(hide):
    with pytest.raises(ValueError, match=f"between 0 and 1, got {hide}"):
        language.random_holes(torch.zeros(2, 4), hide=hide)


# The loop


@pytest.mark.parametrize("kind", ["next", "masked"])
def test_a_small_transformer_learns_a_text_that_repeats_itself(kind):
    masked = kind == "masked"
    model = small(causal=not masked, extra=int(masked))
    generator = torch.Generator().manual_seed(0)
    loss = (
        partial(language.masked_character_loss, mask_symbol=N_SYMBOLS, generator=generator)
        if masked
        else language.next_character_loss
    )
    losses = language.train(
        model, counting(300), loss, steps=200, length=8, batch_size=16, learning_rate=1e-2, generator=generator
    )
    assert losses[0] > 0.9 * math.log(N_SYMBOLS)
    assert sum(losses[-10:]) / 10 < 0.5 * math.log(N_SYMBOLS)
    assert not model.training


def test_a_run_repeats_itself_exactly():
    def run() -> list[float]:
        return language.train(
            small(causal=True), counting(100), language.next_character_loss, steps=5, length=8,
            generator=torch.Generator().manual_seed(3),
        )  # fmt: skip

    assert run() == run()


def test_a_look_sees_the_model_before_every_step_and_after_the_last_in_eval_mode():
    seen: list[tuple[int, bool, float]] = []
    model = Successor(0.0)
    language.train(
        model, counting(50), language.next_character_loss, steps=3, length=5,
        look=lambda step, model: seen.append((step, model.training, model.sure.item())),
    )  # fmt: skip
    assert [step for step, _, _ in seen] == [0, 1, 2, 3]
    assert not any(training for _, training, _ in seen)
    values = [value for _, _, value in seen]
    assert values[0] == 0
    assert values == sorted(set(values))


# What it writes


def test_without_temperature_the_most_probable_character_is_always_taken():
    written = language.generate(Successor(1.0), counting(2), 20, length=5, temperature=0)
    assert torch.equal(written, counting(22))


def test_no_more_than_length_characters_are_shown_to_the_model():
    model = Successor(1.0)
    language.generate(model, counting(3), 6, length=5)
    assert model.shown == [3, 4, 5, 5, 5, 5]


def test_temperature_divides_the_logits():
    def share_of_successors(temperature: float) -> float:
        written = language.generate(
            Successor(2.0), counting(1), 3000, length=1, temperature=temperature,
            generator=torch.Generator().manual_seed(0),
        )  # fmt: skip
        return ((written[1:] - written[:-1]) % N_SYMBOLS == 1).double().mean().item()

    for temperature in (0.5, 1.0, 4.0):
        odds = math.exp(2 / temperature)
        assert share_of_successors(temperature) == pytest.approx(odds / (odds + N_SYMBOLS - 1), abs=0.03)


def test_a_text_follows_its_generator():
    texts = [
        language.generate(Successor(1.0), counting(1), 30, length=4, generator=torch.Generator().manual_seed(seed))
        for seed in (0, 0, 1)
    ]
    assert torch.equal(texts[0], texts[1])
    assert not torch.equal(texts[0], texts[2])


@pytest.mark.parametrize(("start", "temperature"), [(0, 1.0), (2, -0.1)])
def test_a_start_without_characters_and_a_negative_temperature_are_refused(start, temperature):
    with pytest.raises(ValueError, match="temperature must be at least 0 and start not empty"):
        language.generate(Successor(1.0), counting(start), 3, length=4, temperature=temperature)


def test_what_stands_in_a_hole_changes_nothing_and_the_hole_itself_is_never_the_answer():
    model = small(causal=False, extra=1).eval()
    hidden = torch.tensor([False, True, False, True, False])
    characters = counting(5)
    filled = language.fill_in(model, characters, hidden, mask_symbol=N_SYMBOLS)
    other = language.fill_in(model, characters.masked_fill(hidden, 6), hidden, mask_symbol=N_SYMBOLS)
    assert filled.shape == (2, N_SYMBOLS + 1)
    torch.testing.assert_close(filled, other)
    torch.testing.assert_close(filled.sum(dim=1), torch.ones(2))
    assert (filled[:, N_SYMBOLS] == 0).all()


# Bits


def test_bits_are_those_of_the_probabilities_whatever_the_windows():
    expected = math.log2(math.exp(3) + N_SYMBOLS - 1) - 3 / math.log(2)
    for length in (2, 5, 16):
        assert language.bits_per_character(Successor(3.0), counting(40), length=length) == pytest.approx(
            expected, rel=1e-5
        )


@pytest.mark.parametrize("characters", [2, 7, 8, 9, 12, 13, 23, 24, 41])
@pytest.mark.parametrize("length", [2, 7, 8])
def test_every_character_is_predicted_once_from_at_least_half_a_window(characters, length):
    """The model is asked how far each place lies from the start of its window, and which character it sees there."""

    class Distance(nn.Module):
        def forward(self, characters: Tensor) -> Tensor:
            return torch.stack([torch.arange(characters.shape[1]).expand_as(characters), characters], dim=-1)

    found = language.next_character_logits(Distance(), torch.arange(characters), length=length, batch_size=2)
    assert torch.equal(found[:, 1], torch.arange(characters - 1))
    assert (found[:, 0] < length).all()
    assert (found[:, 0] >= torch.arange(characters - 1).clamp(max=length // 2)).all()


def test_a_window_longer_than_the_text_gives_the_model_the_whole_text():
    model, text = small(causal=True, length=30).eval(), counting(20)
    torch.testing.assert_close(
        language.next_character_logits(model, text, length=30), model(text[None, :-1])[0].detach()
    )


@pytest.mark.parametrize(("characters", "length"), [(1, 8), (8, 1)])
def test_bits_need_two_characters_and_a_window_of_two(characters, length):
    with pytest.raises(ValueError, match=f"at least 2, got {characters} and {length}"):
        language.bits_per_character(Successor(0.0), counting(characters), length=length)
