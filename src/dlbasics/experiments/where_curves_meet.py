"""Validation accuracy from ten labels to all of them, with pretraining and without: where do the curves meet?

Up to `crossed_to` labels every encoder meets every label draw; beyond, where draws differ little and runs are long,
encoder ``e`` meets draw ``e`` alone, and from scratch the run of draw ``e``. Fine-tuned and from scratch train for the
same number of steps at every budget, and choose between the same recipes. These are chosen on a label draw and, like
the penalties, on validation images that nothing is reported on; beyond `choose_to` labels the choices of the largest
smaller budget stay.

Values: ``accuracy[method][budget]`` as in `dlbasics.experiments.label_efficiency`: E lists (encoders) of R accuracies
(draws), where E = 1 stands for a method without encoders; ``chosen[method][budget]`` is the name of a recipe or, for a
probe, the penalty's place in `strengths`. Autoencoder and random encoder stop at `second_to` labels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dlbasics import data, evaluation, finetuning, schedules
from dlbasics.augment import LIGHT, NOTHING
from dlbasics.evaluation import LinearProbe, Scale
from dlbasics.experiments.declaration import Experiment, Workspace
from dlbasics.experiments.encoders import AUTOENCODERS, CONTRASTIVE
from dlbasics.experiments.label_efficiency import CHOOSING_SEED, Table
from dlbasics.experiments.storage import Result, encoder
from dlbasics.intervals import Interval, mean_interval, paired_difference
from dlbasics.models import Classifier, ConvBackbone
from dlbasics.training import Recipe

PROBED = ("contrastive", "autoencoder", "random", "pixels")
TRAINED = ("scratch", "contrastive fine-tuned")
RECIPES = {  # learning rate and augmentation
    "fast": (1e-3, LIGHT),
    "gentle": (3e-4, NOTHING),
}


def run(workspace: Workspace) -> dict[str, Any]:
    """Fill the tables, one method after the other."""
    study = _Study.prepare(workspace)
    settings = workspace.settings
    accuracy: dict[str, dict[str, Table]] = {}
    chosen: dict[str, dict[str, Any]] = {}

    def fill(method: str, n: int, choice: Any, table: Table) -> None:
        accuracy.setdefault(method, {})[str(n)] = table
        chosen.setdefault(method, {})[str(n)] = choice

    for name in PROBED:
        place = 0
        for n in study.budgets(name):
            if n <= settings["choose_to"]:
                place = workspace.part(f"{name}-penalty-{n}", partial(study.choose_penalty, name, n))
            table = workspace.part(f"{name}-probe-{n}", partial(study.probes, name, n, settings["strengths"][place]))
            fill(f"{name} probe", n, place, table)
    for method in TRAINED:
        recipe = next(iter(RECIPES))
        for n in settings["budgets"]:
            if n <= settings["choose_to"]:
                recipe = max(RECIPES, key=partial(study.choosing_accuracy, method, n))
            pairs = enumerate(study.pairs(n, encoders=method != "scratch"))
            table = [[study.reported_accuracy(method, n, recipe, e, draw) for draw in draws] for e, draws in pairs]
            fill(method, n, recipe, table)
    return {"accuracy": accuracy, "chosen": chosen}


@dataclass(frozen=True)
class _Space:
    """An encoder and what it makes of the pool, the choosing and the reporting images."""

    backbone: nn.Module
    pool: Tensor
    choosing: Tensor
    reporting: Tensor
    scale: Scale


@dataclass(frozen=True)
class _Study:
    """The images and the settings that every cell of the table shares."""

    workspace: Workspace
    pool: data.Images
    choosing: data.Images
    reporting: data.Images

    @classmethod
    def prepare(cls, workspace: Workspace) -> _Study:
        settings = workspace.settings
        course = data.load(name=settings["data"])
        n = settings["choose_on"]
        reporting = course.validation[n : n + settings["evaluate_on"]]
        return cls(workspace, course.train[: settings["pool"]], course.validation[:n], reporting)

    @property
    def settings(self) -> dict[str, Any]:
        return self.workspace.settings

    def budgets(self, name: str) -> list[int]:
        """All of them for what the question is about; the others stop earlier."""
        last = self.settings["second_to"] if name in ("autoencoder", "random") else math.inf
        return [n for n in self.settings["budgets"] if n <= last]

    def pairs(self, n: int, *, encoders: bool) -> list[list[int]]:
        """For each encoder, the draws it meets."""
        if n > self.settings["crossed_to"]:
            return [[seed] for seed in self.settings["seeds"]]
        return [list(range(self.settings["draws"]))] * (len(self.settings["seeds"]) if encoders else 1)

    @cached_property
    def spaces(self) -> dict[str, list[_Space]]:
        width, results = self.settings["width"], self.workspace.results
        found = {
            name: [
                self._space(encoder(name, seed=seed, width=width, results=results)) for seed in self.settings["seeds"]
            ]
            for name in PROBED[:3]
        }
        return found | {"pixels": [self._space(nn.Flatten())]}

    def _space(self, backbone: nn.Module) -> _Space:
        pool, choosing, reporting = (
            evaluation.embed(backbone, images.pixels) for images in (self.pool, self.choosing, self.reporting)
        )
        scale = Scale.of(pool, shared=isinstance(backbone, nn.Flatten))
        return _Space(backbone, pool, choosing, reporting, scale)

    def rows(self, n: int, draw: int) -> Tensor:
        """The rows of the pool that carry a label in this draw; of all labels there is one draw."""
        return torch.arange(n) if n == len(self.pool) else data.label_rows(self.pool, n, seed=draw)[0]

    def probe(self, space: _Space, n: int, draw: int, strength: float) -> LinearProbe:
        rows = self.rows(n, draw)
        return evaluation.linear_probe(space.pool[rows], self.pool.labels[rows], scale=space.scale, strength=strength)

    def choose_penalty(self, name: str, n: int) -> int:
        """The place of the penalty that is best on the choosing images, for the first encoder and draw."""
        space = self.spaces[name][0]
        found = [
            self.probe(space, n, 0, strength).accuracy(space.choosing, self.choosing.labels)
            for strength in self.settings["strengths"]
        ]
        return int(np.argmax(found))

    def probes(self, name: str, n: int, strength: float) -> Table:
        spaces = self.spaces[name]

        def accuracy(encoder: int, draw: int) -> float:
            space = spaces[encoder % len(spaces)]
            return self.probe(space, n, draw, strength).accuracy(space.reporting, self.reporting.labels)

        pairs = self.pairs(n, encoders=len(spaces) > 1)
        if n == len(self.pool) and len(spaces) == 1:  # all labels: every draw is the same one
            return [[accuracy(0, 0)]] * len(pairs)
        return [[accuracy(encoder, draw) for draw in draws] for encoder, draws in enumerate(pairs)]

    def recipe(self, name: str, n: int, draw: int) -> Recipe:
        """With the steps of the label budget, whatever it starts from."""
        learning_rate, augment = RECIPES[name]
        steps = self.settings["steps"][str(n)]
        warm = steps // 20
        return Recipe(
            steps=steps,
            batch_size=self.settings["batch_size"][str(n)],
            learning_rate=learning_rate,
            schedule=schedules.warm_up(schedules.cosine(steps - warm), steps=warm),
            augment=augment,
            look_every=steps,
            seed=draw,
        )

    def choosing_accuracy(self, method: str, n: int, recipe: str) -> float:
        """What chooses the recipe: of the first encoder, on a draw and on images that are not reported."""
        return self._part(method, n, recipe, 0, CHOOSING_SEED, self.choosing)

    def reported_accuracy(self, method: str, n: int, recipe: str, encoder: int, draw: int) -> float:
        return self._part(method, n, recipe, encoder, draw, self.reporting)

    def _part(self, method: str, n: int, recipe: str, encoder: int, draw: int, images: data.Images) -> float:
        def compute() -> float:
            return evaluation.accuracy(self._trained(method, n, recipe, encoder, draw), images)

        name = f"{method.replace(' ', '-')}-{n}-{recipe}-{encoder}-{draw}"
        return float(self.workspace.part(name, compute))

    def _trained(self, method: str, n: int, recipe: str, encoder: int, draw: int) -> Classifier:
        rows = self.rows(n, draw)
        labelled, settings = self.pool[rows], self.recipe(recipe, n, draw)
        if method == "scratch":
            return finetuning.from_scratch(labelled, width=self.settings["width"], settings=settings, progress=False)
        space = self.spaces["contrastive"][encoder]
        head = self.probe(space, min(n, self.settings["head_labels"]), draw, self.settings["head_strength"])
        assert isinstance(space.backbone, ConvBackbone)
        return finetuning.fine_tune(space.backbone, head, labelled, settings=settings, progress=False)


def mean_and_spread(result: Result, method: str) -> tuple[list[int], list[float], list[float]]:
    """A method's budgets, its mean accuracy at each, and its standard deviation over all encoders and draws."""
    tables = {int(n): np.asarray(table) for n, table in result["accuracy"][method].items()}
    means = [float(table.mean()) for table in tables.values()]
    return list(tables), means, [float(table.std(ddof=1)) for table in tables.values()]


def difference(result: Result, method: str, control: str, budget: int, *, confidence: float = 0.95) -> Interval:
    """Mean of ``method - control`` over paired runs, in accuracy, with its interval.

    A control without encoders meets every encoder of the method with its one result for the draw. Where each encoder
    has one draw of its own, the differences are independent: Student's t.
    """
    a, b = (np.asarray(result["accuracy"][name][str(budget)]) for name in (method, control))
    a, b = np.broadcast_arrays(a, b)
    if a.shape[1] == 1:
        return mean_interval((a - b)[:, 0], confidence=confidence)
    return paired_difference(a, b, confidence=confidence)


WHERE_CURVES_MEET = Experiment(
    name="where_curves_meet",
    version=2,
    settings={
        "data": "fashion-mnist",
        "pool": 50_000,
        "choose_on": 3000,
        "evaluate_on": 7000,
        "budgets": [10, 100, 1000, 10_000, 50_000],
        "second_to": 10_000,
        "draws": 4,
        "crossed_to": 100,
        "choose_to": 1000,
        "seeds": [0, 1, 2],
        "width": 24,
        "strengths": [0.003, 0.03, 0.3],
        "head_strength": 0.03,
        "head_labels": 10_000,
        "steps": {"10": 200, "100": 400, "1000": 800, "10000": 800, "50000": 1200},
        "batch_size": {"10": 10, "100": 32, "1000": 32, "10000": 64, "50000": 64},
    },
    miniature={
        "pool": 600,
        "choose_on": 100,
        "evaluate_on": 200,
        "budgets": [10, 30, 600],
        "second_to": 30,
        "draws": 2,
        "crossed_to": 10,
        "choose_to": 30,
        "seeds": [0, 1],
        "width": 4,
        "strengths": [0.03],
        "head_labels": 30,
        "steps": {"10": 2, "30": 2, "600": 3},
        "batch_size": {"10": 10, "30": 30, "600": 32},
    },
    run=run,
    needs=(CONTRASTIVE, AUTOENCODERS),
)
