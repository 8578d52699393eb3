"""Some hundreds of short runs over a grid of choices (layers, activation, optimiser): patients for the clinic.

Values: ``runs[setting]`` holds a list for each of `SIGNALS`, one value a look: null once the run has diverged, for dead
units where there is no ReLU, and for saturated outputs where there is no tanh. A setting is its choices, joined by /
(`name_of`). One run a setting.
"""

from __future__ import annotations

import itertools
import math
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dlbasics import data, models
from dlbasics.blocks import deep_mlp
from dlbasics.data import Batches, Images
from dlbasics.experiments.declaration import Experiment, Workspace
from dlbasics.experiments.regularisers import look
from dlbasics.readings import read

SIGNALS = (
    "train_loss", "validation_loss", "train_accuracy", "validation_accuracy",
    "first_gradient", "last_gradient", "update_ratio", "dead", "saturated",
)  # fmt: skip
CHOICES: dict[str, list[Any]] = {
    "architecture": ["shallow", "deep", "residual", "convolutional"],
    "activation": ["relu", "tanh"],
    "beside": ["nothing", "batch norm", "dropout"],
    "optimiser": ["SGD", "Adam"],
    "rate": [1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0],
}
DROPOUT = 0.5


def network(architecture: str, activation: str, beside: str, *, seed: int, depth: int = 20) -> nn.Module:
    """One of the grid's networks with torch's default weights, from (N, 1, 28, 28) to (N, 10).

    Args:
        architecture: "shallow" (one hidden layer of 128), "deep" (``depth`` dense layers, 64 wide), "residual" (the
            same with residual connections) or "convolutional" (two convolutions of 8 and 16 channels, stride 2).
        activation: a key of `models.ACTIVATIONS`.
        beside: "nothing", "batch norm" before every activation, or "dropout" of half the units after it.
        seed: of the weights.
    """
    normalise, act = beside == "batch norm", models.ACTIVATIONS[activation]
    with models.seeded(seed):
        if architecture == "convolutional":
            layers: list[nn.Module] = []
            for before, after in ((1, 8), (8, 16)):
                layers.append(nn.Conv2d(before, after, kernel_size=3, stride=2, padding=1))
                layers += [nn.BatchNorm2d(after)] * normalise + [act()]
            model: nn.Module = nn.Sequential(*layers, nn.Flatten(), nn.Linear(16 * 7 * 7, 10))
        elif architecture == "shallow":
            model = models.mlp((784, 128, 10), activation=activation, normalise=normalise)
        else:
            model = deep_mlp(
                depth, width=64, activation=activation, normalise="batch" if normalise else "none",
                skip=architecture == "residual",
            )  # fmt: skip
    if beside == "dropout":
        for part in list(model.modules()):
            for name, child in list(part.named_children()):
                if isinstance(child, act):
                    part.add_module(name, nn.Sequential(child, nn.Dropout(DROPOUT)))
    return model


def trained(
    model: nn.Module, train: Images, validation: Images, *, optimiser: str, rate: float, seed: int,
    looks: list[int], batch_size: int = 50,
) -> dict[str, list[float | None]]:  # fmt: skip
    """Train a network in place and look at it; returns a list for each of `SIGNALS`.

    Args:
        optimiser: "SGD" (plain) or "Adam".
        looks: the steps after which to look, 0 being before the first; the last ends the run.
    """
    kinds: dict[str, Any] = {"SGD": torch.optim.SGD, "Adam": torch.optim.Adam}
    steering = kinds[optimiser](model.parameters(), lr=rate, fused=True)  # fused: quicker, the same numbers
    batches = Batches(train, batch_size, seed=seed)
    matrices = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    columns: dict[str, list[float | None]] = {name: [] for name in SIGNALS}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # of the dropout
        for step in range(max(looks) + 1):
            model.train()
            batch = batches(step)
            loss = F.cross_entropy(model(batch.pixels), batch.labels)
            steering.zero_grad()
            loss.backward()
            if step not in looks:
                steering.step()
                continue
            row = _seen(model, train, validation)
            row["first_gradient"], row["last_gradient"] = (_norm(matrices[place].grad) for place in (0, -1))
            before = _flat(model)
            steering.step()
            row["update_ratio"] = ((_flat(model) - before).norm() / before.norm()).item()
            if not math.isfinite(row["validation_loss"] + row["train_loss"]):
                break
            for name in SIGNALS:
                columns[name].append(_short(row.get(name)))
    for values in columns.values():
        values += [None] * (len(looks) - len(values))
    return columns


def run(workspace: Workspace) -> dict[str, Any]:
    """Every setting of the grid, each once."""
    settings = workspace.settings
    course = data.load(name=settings["data"])
    validation = course.validation[: settings["evaluate_on"]]

    seed = settings["seed"]
    train = data.balanced_subset(course.train, settings["train_on"], seed=seed)

    def one(setting: tuple[Any, ...]) -> dict[str, list[float | None]]:
        architecture, activation, beside, optimiser, rate = setting
        model = network(architecture, activation, beside, seed=seed, depth=settings["depth"])
        return trained(
            model, train, validation, optimiser=optimiser, rate=rate, seed=seed, looks=settings["looks"],
            batch_size=settings["batch_size"],
        )  # fmt: skip

    def together(settings_of_part: list[tuple[Any, ...]]) -> dict[str, dict[str, list[float | None]]]:
        return {name_of(setting): one(setting) for setting in settings_of_part}

    grid = list(itertools.product(*settings["choices"].values()))
    parts = [grid[start : start + 12] for start in range(0, len(grid), 12)]
    found: dict[str, Any] = {}
    for place, some in enumerate(parts):
        found |= workspace.part(f"part-{place}", partial(together, some))
    return {"runs": found}


def name_of(setting: tuple[Any, ...]) -> str:
    """``shallow/relu/nothing/SGD/0.1``: the choices in the order of `CHOICES`."""
    return "/".join(f"{choice:g}" if isinstance(choice, float) else choice for choice in setting)


def _seen(model: nn.Module, train: Images, validation: Images) -> dict[str, float]:
    row = look(model, train, validation)
    seen = read(model, validation[:200])
    for name, shares in (("dead", seen.dead), ("saturated", seen.saturated)):
        if shares:
            row[name] = sum(shares) / len(shares)
    return row


def _flat(model: nn.Module) -> Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def _norm(gradient: Tensor | None) -> float:
    return 0.0 if gradient is None else gradient.norm().item()


def _short(value: float | None) -> float | None:
    """Three significant digits, which keep the stored file small; null for what is not finite."""
    return float(f"{value:.3g}") if value is not None and math.isfinite(value) else None


CLINIC = Experiment(
    name="clinic",
    version=2,
    settings={
        "data": "fashion-mnist", "train_on": 500, "evaluate_on": 1000, "batch_size": 50, "depth": 20,
        "looks": [0, 5, 10, 25, 50, 75, 100, 150], "choices": CHOICES, "seed": 0,
    },
    miniature={
        "train_on": 50, "evaluate_on": 100, "batch_size": 25, "depth": 4, "looks": [0, 2],
        "choices": CHOICES | {"rate": [10.0]},
    },
    run=run,
)  # fmt: skip
