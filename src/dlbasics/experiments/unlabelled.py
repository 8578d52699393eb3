"""How many unlabelled images contrastive pretraining takes, and a data set on which it pays little.

Every encoder gets the same number of steps, whether it sees a hundred images often or fifty thousand hardly once. The
second data set is scikit-learn's handwritten digits, enlarged to 28x28; nothing mirrors them, since a mirrored digit is
no digit.

Values: ``pool[size]`` and ``random``, tables of E lists (seeds) of R validation accuracies (label draws) of a linear
probe; ``digits[method][budget]``, the same for digits, where E = 1 stands for a method without encoders.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from torch import nn

from dlbasics import data, evaluation, finetuning, pretraining
from dlbasics.augment import LIGHT, NOTHING, STRONG, Augment
from dlbasics.data import Images
from dlbasics.evaluation import Scale
from dlbasics.experiments.declaration import Experiment, Workspace
from dlbasics.experiments.label_efficiency import Table
from dlbasics.experiments.probing import Prober
from dlbasics.experiments.transfer import digits
from dlbasics.models import ConvBackbone, seeded
from dlbasics.training import Recipe

DIGITS_TO_LEARN_FROM = 1000  # of 1,797, see `transfer.digits`; accuracy is measured on the others


def run(workspace: Workspace) -> dict[str, Any]:
    """The pools of garments, then the digits."""
    settings, seeds = workspace.settings, workspace.settings["seeds"]
    course = data.load(name=settings["data"])
    prober = _prober(
        data.balanced_subset(course.train, settings["labels_from"], seed=0),
        course.validation[: settings["evaluate_on"]],
        settings,
    )

    def from_pool(size: int, seed: int) -> list[float]:
        pool = course.train if size >= len(course.train) else data.balanced_subset(course.train, size, seed=seed)
        return _probes(prober, _pretrained(pool, settings, seed, views=STRONG), settings["labels"])

    def untrained(seed: int) -> list[float]:
        with seeded(seed):
            return _probes(prober, ConvBackbone(width=settings["width"]), settings["labels"])

    pool = {
        str(size): [workspace.part(f"pool-{size}-{seed}", partial(from_pool, size, seed)) for seed in seeds]
        for size in settings["pools"]
    }
    random = [workspace.part(f"random-{seed}", partial(untrained, seed)) for seed in seeds]
    return {"pool": pool, "random": random, "digits": _digits(workspace)}


def _digits(workspace: Workspace) -> dict[str, dict[str, Table]]:
    """Every method on the same label draws of the digits."""
    settings = workspace.settings
    pool, reporting = digits()
    prober = _prober(pool, reporting, settings)
    draws = range(settings["draws"])

    def scratch(n: int, draw: int, augment: Augment) -> float:
        labelled, _ = data.label_budget(pool, n, seed=draw)
        recipe = replace(_shortened(finetuning.scratch_recipe(n, seed=draw), settings), augment=augment)
        model = finetuning.from_scratch(labelled, width=settings["width"], settings=recipe, progress=False)
        return evaluation.accuracy(model, reporting)

    def contrastive(seed: int) -> dict[str, dict[str, list[float]]]:
        encoder = _pretrained(pool, settings, seed, views=replace(STRONG, flip=False))
        embedded = evaluation.embed(encoder, pool.pixels)
        found: dict[str, dict[str, list[float]]] = {"probe": {}, "fine-tuned": {}}
        for n in settings["digit_budgets"]:
            found["probe"][str(n)] = _probes(prober, encoder, n)
            found["fine-tuned"][str(n)] = []
            for draw in draws:
                rows = data.label_rows(pool, n, seed=draw)[0]
                head = evaluation.linear_probe(embedded[rows], pool.labels[rows], scale=Scale.of(embedded))
                recipe = _shortened(finetuning.fine_tuning_recipe(n, seed=draw), settings)
                model = finetuning.fine_tune(encoder, head, pool[rows], settings=recipe, progress=False)
                found["fine-tuned"][str(n)].append(evaluation.accuracy(model, reporting))
        return found

    tables: dict[str, dict[str, Table]] = {}
    encoders = [workspace.part(f"digits-contrastive-{s}", partial(contrastive, s)) for s in settings["seeds"]]
    for n in settings["digit_budgets"]:
        found = {f"contrastive {kind}": [encoder[kind][str(n)] for encoder in encoders] for kind in encoders[0]}
        found["pixels probe"] = [_probes(prober, nn.Flatten(), n, shared=True)]
        for name, augment in {"scratch": replace(LIGHT, flip=False), "scratch, no augmentation": NOTHING}.items():
            part = f"digits-{n}-{'bare' if augment is NOTHING else 'light'}"
            found[name] = [[workspace.part(f"{part}-{draw}", partial(scratch, n, draw, augment)) for draw in draws]]
        for name, table in found.items():
            tables.setdefault(name, {})[str(n)] = table
    return tables


def _prober(pool: Images, reporting: Images, settings: dict[str, Any]) -> Prober:
    return Prober(
        pool, reporting, draws=settings["draws"], choosing_draws=settings["choosing_draws"],
        strengths=settings["strengths"],
    )  # fmt: skip


def _probes(prober: Prober, encoder: nn.Module, labels: int, *, shared: bool = False) -> list[float]:
    """Accuracies over the label draws, with the penalty that suits this encoder."""
    pool, reporting = (evaluation.embed(encoder, images.pixels) for images in (prober.pool, prober.validation))
    strength = prober.strength(pool, reporting, labels=labels, shared=shared)
    return prober.accuracies(pool, reporting, labels=labels, strength=strength, shared=shared)


def _pretrained(pool: Images, settings: dict[str, Any], seed: int, *, views: Augment) -> ConvBackbone:
    """A contrastive encoder after the same number of steps, whatever the pool."""
    size = min(settings["batch_size"], len(pool))
    # as many epochs of one batch: the usual recipe for any number of steps
    recipe = pretraining.recipe(size, epochs=settings["steps"], batch_size=size, seed=seed)
    recipe = replace(recipe, look_every=settings["steps"])
    return pretraining.contrastive(pool, recipe, width=settings["width"], augment=views).backbone


def _shortened(recipe: Recipe, settings: dict[str, Any]) -> Recipe:
    """The recipe, cut short in miniature."""
    return replace(recipe, steps=settings["most_steps"], look_every=1) if settings["most_steps"] else recipe


UNLABELLED = Experiment(
    name="unlabelled",
    version=1,
    settings={
        "data": "fashion-mnist",
        "pools": [100, 1000, 10_000, 50_000],
        "labels": 100,
        "labels_from": 5000,
        "evaluate_on": 5000,
        "digit_budgets": [10, 50, 200],
        "draws": 4,
        "choosing_draws": 2,
        "strengths": [0.01, 0.03, 0.1],
        "seeds": [0, 1, 2],
        "width": 12,
        "batch_size": 64,
        "steps": 400,
        "most_steps": 0,
    },
    miniature={
        "pools": [30, 60],
        "labels": 10,
        "labels_from": 60,
        "evaluate_on": 60,
        "digit_budgets": [10, 20],
        "draws": 2,
        "choosing_draws": 1,
        "strengths": [0.03],
        "seeds": [0, 1],
        "width": 2,
        "batch_size": 16,
        "steps": 2,
        "most_steps": 2,
    },
    run=run,
)
