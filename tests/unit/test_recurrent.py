"""Networks that read step by step: their cells, the gate that keeps, the task that needs memory."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from dlbasics.models import seeded
from dlbasics.recurrent import READERS, SequenceClassifier, recall_first, set_gate_bias


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("n", [1, 3])
def test_every_reader_answers_once_a_sequence(reader, n):
    model = SequenceClassifier(5, reader=reader, width=8, length=6)
    assert model(torch.randint(5, (n, 6))).shape == (n, 5)


@pytest.mark.parametrize("reader", READERS)
def test_the_answer_depends_on_every_symbol_and_on_their_order(reader):
    with seeded(1):
        model = SequenceClassifier(5, reader=reader, width=8, length=6).double()
    symbols = torch.tensor([[0, 1, 2, 3, 4, 4]])
    answer = model(symbols)
    for place in range(6):
        other = symbols.clone()
        other[0, place] = (other[0, place] + 2) % 5
        assert not torch.allclose(model(other), answer, rtol=0, atol=1e-9)
    assert not torch.allclose(model(symbols[:, [1, 0, 2, 3, 4, 5]]), answer, rtol=0, atol=1e-9)


def test_the_plain_reader_is_the_recurrence_by_hand():
    model = SequenceClassifier(4, reader="rnn", width=3, length=5).double()
    symbols = torch.randint(4, (2, 5), generator=generator())
    cell, h = model.read, torch.zeros(2, 3, dtype=torch.float64)
    for x in model.embed(symbols).unbind(dim=1):
        h = torch.tanh(x @ cell.weight_ih_l0.T + cell.bias_ih_l0 + h @ cell.weight_hh_l0.T + cell.bias_hh_l0)
    torch.testing.assert_close(model(symbols), model.head(h))


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_a_gate_wide_open_keeps_the_state_and_a_shut_one_forgets_it(kind):
    cell = kind(2, 3, batch_first=True)
    x = torch.zeros(1, 4, 2)
    start = torch.tensor([[[0.9, -0.5, 0.3]]])
    first = (start, start) if kind is nn.LSTM else start

    def kept() -> torch.Tensor:
        last = cell(x, first)[1]
        return last[1] if kind is nn.LSTM else last

    with torch.no_grad():
        cell.weight_hh_l0.zero_()
        cell.bias_ih_l0.zero_()
        cell.bias_hh_l0.zero_()  # so that the candidate is 0, and the state is scaled by the gate alone
        for bias in (40.0, 1.5, -40.0):
            set_gate_bias(cell, bias)
            torch.testing.assert_close(kept(), start * torch.tensor(bias).sigmoid() ** 4)


def test_an_open_gate_can_be_asked_for_and_only_of_what_has_one():
    model = SequenceClassifier(4, reader="lstm", width=3, length=5, gate_bias=4.0)
    sum_of_biases = model.read.bias_ih_l0 + model.read.bias_hh_l0
    assert torch.equal(sum_of_biases[3:6], torch.full((3,), 4.0))
    assert (sum_of_biases[[0, 1, 2, 6, 7, 8, 9, 10, 11]].abs() < 1.2).all()
    for reader in ("rnn", "transformer"):
        with pytest.raises(ValueError, match="an LSTM or a GRU has the gate, got"):
            SequenceClassifier(4, reader=reader, width=4, length=5, gate_bias=1.0)


def test_an_unknown_reader_is_named():
    with pytest.raises(ValueError, match="unknown reader 'mamba'; choose from rnn, gru, lstm, transformer"):
        SequenceClassifier(4, reader="mamba", width=4, length=5)


def test_the_task_asks_for_the_first_symbol_and_repeats_with_its_seed():
    symbols, first = recall_first(500, lag=7, n_symbols=3, generator=generator())
    assert symbols.shape == (500, 8)
    assert torch.equal(first, symbols[:, 0])
    assert set(symbols.unique().tolist()) == {0, 1, 2}
    again, _ = recall_first(500, lag=7, n_symbols=3, generator=generator())
    other, _ = recall_first(500, lag=7, n_symbols=3, generator=generator(1))
    assert torch.equal(symbols, again)
    assert not torch.equal(symbols, other)


def test_nothing_but_the_first_symbol_tells_the_answer():
    symbols, first = recall_first(20_000, lag=3, n_symbols=4, generator=generator())
    for later in symbols[:, 1:].T:
        assert (later == first).float().mean().item() == pytest.approx(1 / 4, abs=0.02)


def test_a_lag_below_one_is_refused():
    with pytest.raises(ValueError, match="lag must be at least 1, got 0"):
        recall_first(2, lag=0, n_symbols=3, generator=generator())


@pytest.mark.parametrize("reader", ["rnn", "gru"])
def test_a_short_lag_is_learnt(reader):
    with seeded(0):
        model = SequenceClassifier(4, reader=reader, width=16, length=3)
    optimiser, source = torch.optim.Adam(model.parameters(), lr=0.02), generator()
    for _ in range(80):
        symbols, first = recall_first(32, lag=2, n_symbols=4, generator=source)
        loss = F.cross_entropy(model(symbols), first)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    symbols, first = recall_first(200, lag=2, n_symbols=4, generator=generator(5))
    assert (model(symbols).argmax(dim=1) == first).float().mean() > 0.9
