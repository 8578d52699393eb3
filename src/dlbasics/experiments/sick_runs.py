"""Runs that were made sick on purpose, and healthy ones: does `diagnose` name what was planted, and nothing else?

Values: ``runs``, each with its ``case``, its ``seed``, and for each sickness the ``places`` at which `diagnose` named
it (1 first, 0 not at all); `names_by_case` reads them.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn

from dlbasics import data, models
from dlbasics.attention import VisionTransformer
from dlbasics.blocks import deep_mlp, initialise
from dlbasics.data import Images
from dlbasics.diagnosis import diagnose
from dlbasics.experiments.declaration import Experiment, Workspace
from dlbasics.siamese import Siamese, siamese_loss
from dlbasics.training import History, Loss, Recipe, TrainingDivergedError, fit, validator

HEALTHY = "healthy"
WATCHED = 500  # validation images
LOOKED_AT = 300  # training images that diagnose sees


@dataclass(frozen=True, kw_only=True)
class Case:
    """One run of the bank.

    Attributes:
        sickness: what `diagnose` should say first, or `HEALTHY`.
        make: a network from a seed.
        rate: the learning rate.
        plain: SGD without momentum instead of AdamW.
        steps: updates of 64 images.
        images: to train on.
        weight_decay: of AdamW.
        loss: None for cross-entropy.
    """

    sickness: str
    make: Callable[[int], nn.Module]
    rate: float
    plain: bool = False
    steps: int = 100
    images: int = 2000
    weight_decay: float = 1e-4
    loss: Loss | None = None


@dataclass(frozen=True)
class Outcome:
    """A run that is over: the network before and after, what it wrote down, and what it learnt from."""

    initial: nn.Module
    model: nn.Module
    history: History
    images: Images


def carry_out(case: Case, course: data.Dataset, *, seed: int, steps: int | None = None) -> Outcome:
    """Train as the case says; a run that diverges ends there.

    Args:
        steps: instead of the case's.
    """
    model = case.make(seed)
    initial = copy.deepcopy(model)
    images = data.balanced_subset(course.train, case.images, seed=seed)
    recipe = Recipe(
        steps=steps or case.steps, batch_size=64, learning_rate=case.rate, weight_decay=case.weight_decay,
        look_every=10, restore_best=False, seed=seed,
    )  # fmt: skip
    rule = torch.optim.SGD(model.parameters(), lr=case.rate) if case.plain else None
    measure = None if case.loss else validator(course.validation[:WATCHED])
    try:
        history = fit(
            model, images, recipe, loss=case.loss, measure=measure, optimiser=rule, device="cpu",
            mixed_precision=False, progress=False,
        )  # fmt: skip
    except TrainingDivergedError as error:
        history = error.history
    return Outcome(initial, model, history, images)


def names_of(outcome: Outcome) -> list[str]:
    """What `diagnose` finds in a run, in its order."""
    looked_at = outcome.images[:LOOKED_AT]
    return diagnose(outcome.model, outcome.history, images=looked_at, initial=outcome.initial).names


def _mlp(seed: int, *hidden: int, bias: float | None = None, **options: Any) -> nn.Module:
    with models.seeded(seed):
        model = models.mlp((784, *hidden, 10), **options)
    for layer in list(_dense(model))[:-1] if bias is not None else ():
        nn.init.constant_(layer.bias, bias or 0.0)
    return model


def _cnn(seed: int) -> nn.Module:
    with models.seeded(seed):
        backbone = models.ConvBackbone(width=8)
        return models.Classifier(backbone, dimension=backbone.dimension, n_classes=10)


def _transformer(seed: int) -> nn.Module:
    with models.seeded(seed):
        backbone = VisionTransformer(dimension=32)
        return models.Classifier(backbone, dimension=backbone.dimension, n_classes=10)


def _siamese(seed: int) -> nn.Module:
    with models.seeded(seed):
        backbone = models.ConvBackbone(width=8)
        return Siamese(backbone, dimension=backbone.dimension)


@torch.no_grad()
def _deep(seed: int, depth: int, scheme: str, *, hidden_times: float = 1, **options: Any) -> nn.Module:
    """Dense layers of 64 units; the weights of all but the last multiplied after they were drawn."""
    model = initialise(deep_mlp(depth, width=64, **options), scheme, seed=seed)
    for layer in list(_dense(model))[:-1]:
        layer.weight.mul_(hidden_times)
    return model


@torch.no_grad()
def _loud(make: Callable[[int], nn.Module], times: float, seed: int) -> nn.Module:
    """With the weights of its last layer so many times too large."""
    model = make(seed)
    list(_dense(model))[-1].weight.mul_(times)
    return model


def _dense(model: nn.Module) -> list[nn.Linear]:
    return [layer for layer in model.modules() if isinstance(layer, nn.Linear)]


def _two_layers(seed: int) -> nn.Module:
    return _mlp(seed, 64, 64)


CASES: dict[str, Case] = {
    "MLP, Adam": Case(sickness=HEALTHY, make=_two_layers, rate=1e-3, steps=150),
    "MLP, SGD": Case(sickness=HEALTHY, make=_two_layers, rate=0.1, plain=True, steps=200),
    "MLP, tanh": Case(sickness=HEALTHY, make=lambda s: _mlp(s, 64, 64, activation="tanh"), rate=1e-3, steps=150),
    "MLP, batch norm": Case(sickness=HEALTHY, make=lambda s: _mlp(s, 64, 64, normalise=True), rate=2e-3),
    "CNN, Adam": Case(sickness=HEALTHY, make=_cnn, rate=2e-3),
    "CNN, SGD": Case(sickness=HEALTHY, make=_cnn, rate=0.1, plain=True),
    "transformer": Case(sickness=HEALTHY, make=_transformer, rate=2e-3),
    "8 layers, He": Case(sickness=HEALTHY, make=lambda s: _deep(s, 8, "He"), rate=1e-3, steps=150),
    "residual, layer norm": Case(
        sickness=HEALTHY, make=lambda s: _deep(s, 10, "He", normalise="layer", skip=True), rate=1e-3
    ),
    "siamese": Case(sickness=HEALTHY, make=_siamese, rate=1e-3, steps=100, images=1000, loss=siamese_loss()),
    "MLP, Adam at 0.00001": Case(sickness="rate too low", make=_two_layers, rate=1e-5),
    "MLP, SGD at 0.001": Case(sickness="rate too low", make=_two_layers, rate=1e-3, plain=True),
    "CNN, Adam at 0.00002": Case(sickness="rate too low", make=_cnn, rate=2e-5),
    "MLP, Adam at 0.1": Case(sickness="rate too high", make=_two_layers, rate=0.1),
    "MLP, SGD at 1.5": Case(sickness="rate too high", make=_two_layers, rate=1.5, plain=True),
    "CNN, Adam at 0.3": Case(sickness="rate too high", make=_cnn, rate=0.3),
    "6 layers, SGD at 5": Case(sickness="divergence", make=lambda s: _deep(s, 6, "He"), rate=5, plain=True),
    "8 sigmoids": Case(
        sickness="vanishing gradients", make=lambda s: _deep(s, 8, "default", activation="sigmoid"), rate=1e-3
    ),
    "20 layers, default weights": Case(
        sickness="vanishing gradients", make=lambda s: _deep(s, 20, "default"), rate=0.1, plain=True
    ),
    "8 layers, He times 3": Case(
        sickness="exploding signals", make=lambda s: _deep(s, 8, "He", hidden_times=3), rate=1e-3
    ),
    "10 layers, He times 2.5": Case(
        sickness="exploding signals", make=lambda s: _deep(s, 10, "He", hidden_times=2.5), rate=0.01, plain=True
    ),
    "biases at -3": Case(sickness="dead units", make=lambda s: _mlp(s, 64, 64, bias=-3), rate=1e-3),
    "biases at -1": Case(sickness="dead units", make=lambda s: _mlp(s, 64, 64, bias=-1), rate=0.1, plain=True),
    "tanh, weights times 8": Case(
        sickness="saturation", make=lambda s: _deep(s, 4, "Xavier", hidden_times=8, activation="tanh"), rate=1e-3
    ),
    "tanh, weights times 6": Case(
        sickness="saturation", make=lambda s: _deep(s, 4, "Xavier", hidden_times=6, activation="tanh"), rate=0.03,
        plain=True,
    ),
    "MLP, 100 images": Case(
        sickness="over-fitting", make=lambda s: _mlp(s, 128, 128), rate=1e-3, steps=300, images=100
    ),
    "CNN, 150 images": Case(sickness="over-fitting", make=_cnn, rate=2e-3, steps=200, images=150),
    "MLP, last layer times 200": Case(sickness="loud start", make=partial(_loud, _two_layers, 200), rate=1e-3),
    "CNN, last layer times 30": Case(sickness="loud start", make=partial(_loud, _cnn, 30), rate=2e-3),
    "1 hidden unit": Case(
        sickness="under-fitting", make=lambda s: _mlp(s, 1, activation="none"), rate=1e-2, steps=700
    ),
    "dropout 0.9": Case(
        sickness="under-fitting", make=lambda s: _mlp(s, 64, 64, dropout=0.9, activation="gelu"), rate=2e-3, steps=400
    ),
    "weight decay 10": Case(
        sickness="under-fitting", make=_two_layers, rate=3e-3, steps=400, weight_decay=10.0
    ),
    "siamese, nothing detached": Case(
        sickness="collapse", make=_siamese, rate=1e-3, steps=100, images=1000, loss=siamese_loss(stop_gradient=False)
    ),
}  # fmt: skip
SICKNESSES = tuple(dict.fromkeys(case.sickness for case in CASES.values() if case.sickness != HEALTHY))
# What may come first in place of what was planted, being its direct effect.
EFFECTS = {"rate too high": ("divergence",)}


def is_hit(case: Case, names: list[str]) -> bool:
    """Whether what was planted is named, and comes first or after its direct effect; healthy: nothing is named."""
    if case.sickness == HEALTHY:
        return not names
    return case.sickness in names and names[0] in (case.sickness, *EFFECTS.get(case.sickness, ()))


def names_by_case(values: dict[str, Any]) -> dict[str, list[list[str]]]:
    """From the experiment's values: for each case, what `diagnose` named in each of its runs, in its order."""
    found: dict[str, list[list[str]]] = {}
    for run in values["runs"]:
        places = {place: name for name, place in run["places"].items() if place}
        found.setdefault(run["case"], []).append([places[place] for place in sorted(places)])
    return found


def _run(workspace: Workspace) -> dict[str, Any]:
    settings = workspace.settings
    course = data.load(name=settings["data"])

    def places(case: Case, seed: int) -> dict[str, int]:
        names = names_of(carry_out(case, course, seed=seed, steps=settings["steps"] or None))
        return {name: names.index(name) + 1 if name in names else 0 for name in SICKNESSES}

    return {
        "runs": [
            {
                "case": name,
                "seed": seed,
                "places": workspace.part(f"{number}-{seed}", partial(places, CASES[name], seed)),
            }
            for number, name in enumerate(settings["cases"])
            for seed in settings["seeds"]
        ]
    }


SICK_RUNS = Experiment(
    name="sick_runs",
    version=4,
    settings={"data": "fashion-mnist", "cases": list(CASES), "seeds": [10, 11, 12, 13], "steps": 0},
    miniature={"cases": ["MLP, Adam", "biases at -3"], "seeds": [0], "steps": 20},
    run=_run,
)
