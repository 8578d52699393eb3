"""What temperature, batch size and views do to a contrastive space: short runs over a grid, each read in the same way.

Every run sees the same images; at one batch size (and at one temperature) there are several seeds, elsewhere one.
Two more kinds of run stand beside the grid: other batch sizes with as many *steps* as the middle one, and no
augmentation. Maps of the projections (the first two principal components of `mapped` images) are kept as
``contrastive_sweep.safetensors``, one (N, 2) tensor a run of the first seed, named by `name_of`.

Values: ``runs``, a list of what `_measured` found, with the run's own settings; ``controls``, probes of untrained
encoders (one a seed) and of the pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from dlbasics import data, evaluation, pretraining, space
from dlbasics.augment import NOTHING, STRONG, two_views
from dlbasics.evaluation import Scale
from dlbasics.experiments.declaration import Experiment, Workspace
from dlbasics.models import ConvBackbone, projection_head, seeded
from dlbasics.training import fit

BINS = 40  # of the cosine similarities, over [-1, 1]
VIEWS = {"strong": STRONG, "nothing": NOTHING}


def run(workspace: Workspace) -> dict[str, Any]:
    """Train and read every run, then the controls."""
    study = _Study.prepare(workspace.settings)
    runs, maps = [], {}
    for wanted in _wanted(workspace.settings):
        found = workspace.part(name_of(**wanted).replace(" ", "_"), partial(study.train_and_read, **wanted))
        drawn = found.pop("map")
        if wanted["seed"] == workspace.settings["seeds"][0]:
            maps[name_of(**wanted)] = torch.tensor(drawn)
        runs.append(wanted | found)
    workspace.keep("contrastive_sweep", maps)
    controls = {
        "pixels": [workspace.part("pixels", partial(study.probes, nn.Flatten(), shared=True))],
        "random": [workspace.part(f"random-{s}", partial(study.untrained, s)) for s in workspace.settings["seeds"]],
    }
    return {"runs": runs, "controls": controls}


def name_of(*, temperature: float, batch_size: int, seed: int, steps: int, views: str) -> str:
    """What tells a run from the others."""
    return f"temperature {temperature:g} batch {batch_size} seed {seed} steps {steps} views {views}"


def _wanted(settings: dict[str, Any]) -> list[dict[str, Any]]:
    """The settings of each run."""
    middle_batch, middle_temperature = settings["middle_batch_size"], settings["middle_temperature"]

    def steps(batch_size: int) -> int:
        return int(settings["epochs"] * (settings["images"] // batch_size))

    def one(temperature: float, batch_size: int, seed: int, **other: Any) -> dict[str, Any]:
        usual = {"steps": steps(batch_size), "views": "strong"}
        return {"temperature": temperature, "batch_size": batch_size, "seed": seed} | usual | other

    first, *more = settings["seeds"]
    grid = [one(t, b, first) for t in settings["temperatures"] for b in settings["batch_sizes"]]
    line = [one(t, middle_batch, seed) for t in settings["temperatures"] for seed in more]
    others = [b for b in settings["batch_sizes"] if b != middle_batch]
    line += [one(middle_temperature, b, seed) for b in others for seed in more]
    for seed in settings["seeds"]:
        line += [one(middle_temperature, b, seed, steps=steps(middle_batch)) for b in others]
        line.append(one(middle_temperature, middle_batch, seed, views="nothing"))
    return grid + line


@dataclass(frozen=True)
class _Study:
    """The images that every run shares: to learn from, to choose a penalty on, to report on."""

    settings: dict[str, Any]
    pool: data.Images
    choosing: data.Images
    reporting: data.Images
    views: tuple[Tensor, Tensor]

    @classmethod
    def prepare(cls, settings: dict[str, Any]) -> _Study:
        course = data.load(name=settings["data"])
        pool = data.balanced_subset(course.train, settings["images"], seed=0)
        n = settings["evaluate_on"]
        choosing, reporting = course.validation[: n // 2], course.validation[n // 2 : n // 2 + n]
        generator = torch.Generator().manual_seed(0)
        views = two_views(reporting.pixels[: settings["mapped"] * 2], STRONG, generator=generator)
        return cls(settings, pool, choosing, reporting, views)

    def train_and_read(
        self, *, temperature: float, batch_size: int, seed: int, steps: int, views: str
    ) -> dict[str, Any]:
        rate = self.settings["learning_rate"]
        # as many epochs of one batch: the usual recipe for any number of steps
        recipe = pretraining.recipe(batch_size, epochs=steps, batch_size=batch_size, learning_rate=rate, seed=seed)
        recipe = replace(recipe, look_every=max(steps // self.settings["looks"], 1))
        with seeded(seed):
            backbone = ConvBackbone(width=self.settings["width"])
            model = nn.Sequential(backbone, projection_head(backbone.dimension))
        before = self.alignment_and_uniformity(model)
        history = fit(
            model, self.pool, recipe, loss=pretraining.contrastive_loss(VIEWS[views], temperature=temperature),
            measure=self.alignment_and_uniformity, progress=False,
        )  # fmt: skip
        return {
            "step": [0, *history["step"]],
            "loss": history["train_loss"],
            **{name: [value, *history[name]] for name, value in before.items()},
            "probe": {"embedding": self.probes(backbone), "projection": self.probes(model)},
            "cosines": self.cosines(model),
            "map": self.map(model),
        }

    def untrained(self, seed: int) -> dict[str, list[float]]:
        with seeded(seed):
            return self.probes(ConvBackbone(width=self.settings["width"]))

    def alignment_and_uniformity(self, model: nn.Module) -> dict[str, float]:
        """Of the projections of two fixed views."""
        z_a, z_b = (evaluation.embed(model, view) for view in self.views)
        return {"alignment": space.alignment(z_a, z_b), "uniformity": space.uniformity(z_a)}

    def probes(self, encoder: nn.Module, *, shared: bool = False) -> dict[str, list[float]]:
        """Accuracies over the label draws at each budget; the penalty is chosen on other images and another draw."""
        pool, choosing, reporting = (
            evaluation.embed(encoder, images.pixels) for images in (self.pool, self.choosing, self.reporting)
        )
        scale = Scale.of(pool, shared=shared)

        def probe(budget: int, draw: int, strength: float) -> evaluation.LinearProbe:
            rows = data.label_rows(self.pool, budget, seed=draw)[0]
            return evaluation.linear_probe(pool[rows], self.pool.labels[rows], scale=scale, strength=strength)

        found = {}
        for n in self.settings["budgets"]:

            def on_choosing(strength: float, n: int = n) -> float:
                return probe(n, self.settings["draws"], strength).accuracy(choosing, self.choosing.labels)

            best = max(self.settings["strengths"], key=on_choosing)
            found[str(n)] = [
                probe(n, draw, best).accuracy(reporting, self.reporting.labels)
                for draw in range(self.settings["draws"])
            ]
        return found

    def cosines(self, model: nn.Module) -> dict[str, list[float]]:
        """The shares of the cosine similarities in `BINS` bins, for three kinds of pairs of projections."""
        z_a, z_b = (nn.functional.normalize(evaluation.embed(model, view), dim=1) for view in self.views)
        labels = self.reporting.labels[: len(z_a)]
        similarity = (z_a @ z_b.T).clamp(-1, 1)  # rounding may go beyond, and `histc` leaves such values out
        same = labels[:, None] == labels
        own = torch.eye(len(z_a), dtype=torch.bool)
        kinds = {"positive": own, "same class": same & ~own, "other class": ~same}
        return {name: (similarity[kind].histc(BINS, -1, 1) / kind.sum()).tolist() for name, kind in kinds.items()}

    def map(self, model: nn.Module) -> list[list[float]]:
        """The first two principal components of the unit-length projections of the first images, unaltered."""
        z = evaluation.embed(model, self.reporting.pixels[: self.settings["mapped"]])
        centred = nn.functional.normalize(z, dim=1)
        centred = centred - centred.mean(dim=0)
        return (centred @ torch.linalg.svd(centred, full_matrices=False).Vh[:2].T).tolist()


CONTRASTIVE_SWEEP = Experiment(
    name="contrastive_sweep",
    version=1,
    settings={
        "data": "fashion-mnist",
        "images": 8000,
        "epochs": 3,
        "width": 12,
        "learning_rate": 2e-3,
        "temperatures": [0.05, 0.1, 0.2, 0.5, 1.0, 2.0],
        "batch_sizes": [16, 64, 256],
        "middle_temperature": 0.5,
        "middle_batch_size": 64,
        "seeds": [0, 1, 2],
        "looks": 8,
        "budgets": [100, 1000],
        "draws": 5,
        "strengths": [0.01, 0.1],
        "evaluate_on": 4000,
        "mapped": 400,
    },
    miniature={
        "images": 64,
        "epochs": 1,
        "width": 2,
        "temperatures": [0.5],
        "batch_sizes": [16, 32],
        "middle_batch_size": 32,
        "seeds": [0, 1],
        "looks": 2,
        "budgets": [10, 20],
        "draws": 2,
        "strengths": [0.1],
        "evaluate_on": 60,
        "mapped": 20,
    },
    run=run,
)
