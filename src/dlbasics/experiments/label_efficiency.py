"""The headline: accuracy against the number of labels, for every method and its controls, on the test split.

Every method sees the same label draws, and every encoder meets every draw, so differences are paired. The penalty of
each linear reader is chosen on validation, with label draws of its own.

Values: ``accuracy[method][budget]`` is a list of E lists (encoders) of R test accuracies (draws), E = 1 for a method
without stored encoders; ``strength[method][budget]`` is the penalty chosen for a probe.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from torch import Tensor, nn

from dlbasics import data, evaluation, finetuning
from dlbasics.evaluation import LinearProbe, Scale
from dlbasics.experiments.declaration import Experiment, Workspace
from dlbasics.experiments.encoders import AUTOENCODERS, CONTRASTIVE
from dlbasics.experiments.storage import Result, encoder
from dlbasics.intervals import Interval, paired_difference
from dlbasics.models import ConvBackbone

CHOOSING_SEED = 10_000  # the draws for choices start here, those of the table at 0: they are never the same
PRETRAINED = ("contrastive", "autoencoder")

Table = list[list[float]]


def run(workspace: Workspace) -> dict[str, Any]:
    """Fill the table, cell by cell."""
    study = _Study.prepare(workspace)
    accuracy: dict[str, dict[str, Table]] = {}
    strength: dict[str, dict[str, float]] = {}

    def fill(method: str, budget: int, table: Table) -> None:
        accuracy.setdefault(method, {})[str(budget)] = table

    for n in workspace.settings["budgets"]:
        fill("scratch", n, [[workspace.part(f"scratch-{n}-{r}", partial(study.scratch, n, r)) for r in study.draws]])
    for method in ("pixels", "random", *PRETRAINED):
        spaces = study.spaces(method)
        for n in workspace.settings["budgets"]:
            chosen = workspace.part(f"{method}-strength-{n}", partial(study.choose_strength, spaces[0], n))
            strength.setdefault(method, {})[str(n)] = chosen
            fill(f"{method} probe", n, workspace.part(f"{method}-probe-{n}", partial(study.probes, spaces, n, chosen)))
            if method == "pixels":
                fill("pixels kNN", n, workspace.part(f"knn-{n}", partial(study.neighbours, spaces[0], n)))
            if method in PRETRAINED:
                fill(
                    f"{method} fine-tuned",
                    n,
                    [
                        [
                            workspace.part(f"{method}-tuned-{n}-{e}-{r}", partial(study.tune, space, n, r, chosen))
                            for r in study.draws
                        ]
                        for e, space in enumerate(spaces)
                    ],
                )
    return {"accuracy": accuracy, "strength": strength}


@dataclass(frozen=True)
class _Space:
    """An embedding of all the images: of the pool it was learnt from, of validation and of test."""

    backbone: nn.Module
    pool: Tensor
    validation: Tensor
    test: Tensor
    scale: Scale


@dataclass(frozen=True)
class _Study:
    """The splits and the settings that every cell of the table shares."""

    workspace: Workspace
    pool: data.Images
    validation: data.Images
    test: data.Images

    @classmethod
    def prepare(cls, workspace: Workspace) -> _Study:
        settings = workspace.settings
        course = data.load(name=settings["data"])
        test = course.open_test(because="P3: the headline table of the Pipeline part")
        limit = settings["evaluate_on"]
        return cls(workspace, course.train[: settings["pool"]], course.validation[:limit], test[:limit])

    @property
    def draws(self) -> range:
        return range(self.workspace.settings["draws"])

    def labelled(self, budget: int, draw: int) -> Tensor:
        """The rows of the pool that carry a label in this draw."""
        return data.label_rows(self.pool, budget, seed=draw)[0]

    def spaces(self, method: str) -> list[_Space]:
        """One for each encoder of the method; for the pixels, the pixels."""
        if method == "pixels":
            return [self._space(nn.Flatten())]
        width, results = self.workspace.settings["width"], self.workspace.results
        return [
            self._space(encoder(method, seed=seed, width=width, results=results))
            for seed in self.workspace.settings["seeds"]
        ]

    def _space(self, backbone: nn.Module) -> _Space:
        bare = isinstance(backbone, nn.Flatten)
        pool, validation, test = (
            split.pixels.flatten(1) if bare else evaluation.embed(backbone, split.pixels)
            for split in (self.pool, self.validation, self.test)
        )
        return _Space(backbone, pool, validation, test, Scale.of(pool, shared=bare))

    def probe(self, space: _Space, budget: int, draw: int, strength: float) -> LinearProbe:
        rows = self.labelled(budget, draw)
        return evaluation.linear_probe(space.pool[rows], self.pool.labels[rows], scale=space.scale, strength=strength)

    def choose_strength(self, space: _Space, budget: int) -> float:
        """The penalty with the best mean accuracy on validation, for the method's first encoder."""
        settings = self.workspace.settings

        def total(strength: float) -> float:
            draws = range(CHOOSING_SEED, CHOOSING_SEED + settings["choosing_draws"])
            probes = (self.probe(space, budget, draw, strength) for draw in draws)
            return sum(probe.accuracy(space.validation, self.validation.labels) for probe in probes)

        return max(settings["strengths"], key=total)

    def probes(self, spaces: list[_Space], budget: int, strength: float) -> Table:
        return [
            [self.probe(space, budget, draw, strength).accuracy(space.test, self.test.labels) for draw in self.draws]
            for space in spaces
        ]

    def neighbours(self, space: _Space, budget: int) -> Table:
        """One nearest neighbour below 100 labels, where five would be half of a class; five from there on."""
        return [
            [
                evaluation.knn_accuracy(
                    space.pool[rows], self.pool.labels[rows], space.test, self.test.labels,
                    k=1 if budget < 100 else 5, metric="euclidean",
                )
                for rows in (self.labelled(budget, draw) for draw in self.draws)
            ]
        ]  # fmt: skip

    def tune(self, space: _Space, budget: int, draw: int, strength: float) -> float:
        assert isinstance(space.backbone, ConvBackbone)
        model = finetuning.fine_tune(
            space.backbone,
            self.probe(space, budget, draw, strength),
            self.pool[self.labelled(budget, draw)],
            settings=finetuning.fine_tuning_recipe(budget, seed=draw),
            progress=False,
        )
        return evaluation.accuracy(model, self.test)

    def scratch(self, budget: int, draw: int) -> float:
        model = finetuning.from_scratch(
            self.pool[self.labelled(budget, draw)],
            width=self.workspace.settings["width"],
            settings=finetuning.scratch_recipe(budget, seed=draw),
            progress=False,
        )
        return evaluation.accuracy(model, self.test)


def mean_and_spread(result: Result, method: str) -> tuple[list[float], list[float]]:
    """A method's mean accuracy at each budget, and its standard deviation over all encoders and draws."""
    tables = [np.asarray(result["accuracy"][method][str(n)]) for n in result.settings["budgets"]]
    return [float(table.mean()) for table in tables], [float(table.std(ddof=1)) for table in tables]


def difference(result: Result, method: str, control: str, budget: int, *, confidence: float = 0.95) -> Interval:
    """Mean of ``method - control`` over paired label draws, with its interval (`dlbasics.intervals.paired_difference`).

    A control without stored encoders meets every encoder of the method with its one result for the draw.
    """
    a, b = (np.asarray(result["accuracy"][name][str(budget)]) for name in (method, control))
    a, b = np.broadcast_arrays(a, b)
    return paired_difference(a, b, confidence=confidence)


def labels_saved(
    result: Result,
    method: str,
    controls: Sequence[str],
    budget: int,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """The label-efficiency factor: how many times as many labels the controls need to reach the method at ``budget``.

    At each budget the best of the controls counts. Their curve is read off between the budgets, linearly in the
    logarithm of the labels. A factor below 1: the controls need fewer. Infinite if they do not get there within the
    budgets measured. The interval is a percentile bootstrap over label draws, which all budgets and methods share (a
    draw's labels at one budget are among its labels at the next), and over the method's encoders; the test images stay.

    Args:
        controls: methods without stored encoders, at least one.
        resamples: of the bootstrap; 2,000 make the ends of a 95 % interval steady.
    """
    budgets = result.settings["budgets"]

    def table(name: str, n: int) -> np.ndarray:
        return np.asarray(result["accuracy"][name][str(n)])

    reached = table(method, budget)
    curves = np.array([[table(control, n)[0] for n in budgets] for control in controls])  # (controls, budgets, draws)

    def factor(encoders: np.ndarray, draws: np.ndarray) -> float:
        curve = np.maximum.accumulate(curves[:, :, draws].mean(axis=2).max(axis=0))
        target = reached[np.ix_(encoders, draws)].mean()
        if target > curve[-1]:
            return float("inf")
        return float(np.exp(np.interp(target, curve, np.log(budgets))) / budget)

    chance = np.random.default_rng(seed)
    e, r = map(int, reached.shape)
    found = [factor(chance.integers(e, size=e), chance.integers(r, size=r)) for _ in range(resamples)]
    low, high = np.quantile(found, [(1 - confidence) / 2, (1 + confidence) / 2], method="closest_observation")
    return Interval(factor(np.arange(e), np.arange(r)), float(low), float(high))


LABEL_EFFICIENCY = Experiment(
    name="label_efficiency",
    version=1,
    settings={
        "data": "fashion-mnist",
        "pool": 50_000,
        "evaluate_on": 10_000,
        "budgets": [10, 50, 100, 500, 1000],
        "draws": 10,
        "choosing_draws": 4,
        "seeds": [0, 1, 2],
        "width": 24,
        "strengths": [0.001, 0.003, 0.01, 0.03, 0.1, 0.3],
    },
    miniature={
        "pool": 600,
        "evaluate_on": 300,
        "budgets": [10, 50],
        "draws": 2,
        "choosing_draws": 1,
        "seeds": [0, 1],
        "width": 4,
        "strengths": [0.01],
    },
    run=run,
    needs=(CONTRASTIVE, AUTOENCODERS),
)
