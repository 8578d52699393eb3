"""How far back recurrent networks and a transformer remember: accuracy against lag at equal steps and about equal size.

The task is `dlbasics.recurrent.recall_first`; every batch is drawn anew, so that there is nothing to over-fit.

Values: ``accuracy[reader][lag]``, one number a seed, on fresh sequences; ``parameters[reader]`` at the shortest lag;
``tuning[reader][rate]``, the mean loss of the last steps at the tuning lag, from which the common rate was chosen.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from dlbasics.experiments.declaration import Experiment, Workspace
from dlbasics.models import count_parameters, seeded
from dlbasics.recurrent import SequenceClassifier, recall_first
from dlbasics.training import update

# Name: kind of reader, width (for about 10,000 weights), bias of the gate that keeps the old state.
SHAPES: dict[str, tuple[str, int, float | None]] = {
    "RNN": ("rnn", 68, None),
    "LSTM": ("lstm", 34, None),
    "GRU": ("gru", 39, None),
    "LSTM, gate open": ("lstm", 34, 4.0),
    "GRU, gate open": ("gru", 39, 4.0),
    "transformer": ("transformer", 28, None),
}


def build(name: str, *, lag: int, n_symbols: int, seed: int) -> SequenceClassifier:
    """A reader of `SHAPES`, made for sequences of ``lag + 1`` symbols."""
    reader, width, gate_bias = SHAPES[name]
    with seeded(seed):
        return SequenceClassifier(n_symbols, reader=reader, width=width, length=lag + 1, gate_bias=gate_bias)


def train(
    model: nn.Module, *, lag: int, n_symbols: int, steps: int, batch_size: int, rate: float, clip: float, seed: int
) -> list[float]:
    """Train in place on fresh batches of `recall_first`; the loss of each step, in nats."""
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(model.parameters(), lr=rate)
    losses = []
    for _ in range(steps):
        symbols, first = recall_first(batch_size, lag=lag, n_symbols=n_symbols, generator=generator)
        loss = F.cross_entropy(model(symbols), first)
        update(loss, model, optimiser, clip=clip)
        losses.append(loss.item())
    return losses


@torch.no_grad()
def score(model: nn.Module, *, lag: int, n_symbols: int, n: int, seed: int) -> float:
    """The share of ``n`` fresh sequences whose first symbol the model names."""
    generator = torch.Generator().manual_seed(1_000_000 + seed)  # far from the seeds of training
    symbols, first = recall_first(n, lag=lag, n_symbols=n_symbols, generator=generator)
    return (model(symbols).argmax(dim=1) == first).float().mean().item()


def run(workspace: Workspace) -> dict[str, Any]:
    """Tune the rate, then train every reader at every lag with every seed."""
    settings = workspace.settings
    task = {"n_symbols": settings["n_symbols"]}
    recipe = {name: settings[name] for name in ("steps", "batch_size", "clip")}

    def tuned(name: str, rate: float) -> float:
        model = build(name, lag=settings["tuning_lag"], seed=0, **task)
        losses = train(model, lag=settings["tuning_lag"], rate=rate, seed=0, **task, **recipe)
        late = losses[-settings["steps"] // 5 :]
        return sum(late) / len(late)

    def accuracy(name: str, lag: int, seed: int) -> float:
        model = build(name, lag=lag, seed=seed, **task)
        train(model, lag=lag, rate=settings["rate"], seed=seed, **task, **recipe)
        return score(model, lag=lag, n=settings["evaluate_on"], seed=seed, **task)

    return {
        "parameters": {
            name: count_parameters(build(name, lag=min(settings["lags"]), seed=0, **task)) for name in SHAPES
        },
        "tuning": {
            name: {
                str(rate): workspace.part(f"tune-{place}-{rate}", partial(tuned, name, rate))
                for rate in settings["rates"]
            }
            for place, name in enumerate(SHAPES)
        },
        "accuracy": {
            name: {
                str(lag): [
                    workspace.part(f"{place}-{lag}-{seed}", partial(accuracy, name, lag, seed))
                    for seed in settings["seeds"]
                ]
                for lag in settings["lags"]
            }
            for place, name in enumerate(SHAPES)
        },
    }


MEMORY = Experiment(
    name="memory",
    version=1,
    settings={
        "readers": {name: list(shape) for name, shape in SHAPES.items()},
        "n_symbols": 8, "lags": [5, 10, 20, 40, 80], "seeds": [0, 1, 2], "steps": 500, "batch_size": 32, "clip": 1.0,
        "rate": 1e-2, "rates": [1e-3, 3e-3, 1e-2], "tuning_lag": 10, "evaluate_on": 2000,
    },
    miniature={"lags": [2, 3], "seeds": [0, 1], "steps": 5, "batch_size": 4, "tuning_lag": 2, "evaluate_on": 50},
    run=run,
)  # fmt: skip
