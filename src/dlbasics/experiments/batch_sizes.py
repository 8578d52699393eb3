"""How many steps a dense network needs to a given accuracy, by the size of its batches, each at its own learning rate.

Plain SGD with momentum at a constant rate. The rate of a batch size is the one of ``rates`` that reached ``chosen_for``
in the fewest steps with a seed that is not reported. Values: ``rate[batch]``; ``steps[batch]``, at which validation was
looked at; ``tuning[batch][rate]``, the validation accuracy at those steps with the tuning seed, and ``accuracy[batch]``
likewise at the chosen rate, one list a seed; both end once ``target`` is passed at ``stop_after`` looks or steps run
out. ``milliseconds[batch]``: of one core for a step.
"""

from __future__ import annotations

import math
import time
from functools import partial
from typing import Any

import torch

from dlbasics import data, evaluation
from dlbasics.experiments.declaration import Experiment, Workspace
from dlbasics.models import mlp, seeded
from dlbasics.training import cross_entropy, update


def looks(steps: int, *, factor: float = 1.15) -> list[int]:
    """Steps from 1 to ``steps``, each about ``factor`` times the one before."""
    found = [1]
    while found[-1] < steps:
        found.append(min(steps, max(found[-1] + 1, round(factor * found[-1]))))
    return found


def steps_to(target: float, accuracy: list[float], steps: list[int]) -> float:
    """The first of ``steps`` at which ``accuracy`` is at least ``target``; infinite if it never is."""
    return next((float(step) for step, reached in zip(steps, accuracy, strict=False) if reached >= target), math.inf)


def run(workspace: Workspace) -> dict[str, Any]:
    """Choose a rate for each batch size, then count steps with every seed."""
    settings = workspace.settings
    course = data.load(name=settings["data"])
    train, validation = course.train[: settings["train_on"]], course.validation[: settings["evaluate_on"]]

    def trained(batch: int, rate: float, seed: int, steps: int) -> dict[str, Any]:
        with seeded(seed):
            model = mlp((784, settings["hidden"], 10))
        optimiser = torch.optim.SGD(model.parameters(), lr=rate, momentum=settings["momentum"])
        batches, reached, above = data.Batches(train, batch, seed=seed), [], 0
        due, spent, done = looks(steps), 0.0, 0
        for step in due:
            started = time.process_time()
            for place in range(done, step):
                update(cross_entropy(model, batches(place)), model, optimiser)
            spent, done = spent + time.process_time() - started, step
            reached.append(evaluation.accuracy(model, validation))
            above += reached[-1] >= settings["target"]
            if above >= settings["stop_after"]:
                break
        return {"accuracy": reached, "milliseconds": 1000 * spent / done}

    rates, tuning, accuracy, milliseconds, steps = {}, {}, {}, {}, {}
    for batch, most in zip(settings["batches"], settings["most_steps"], strict=True):
        name, steps[str(batch)] = str(batch), looks(most)
        tried = {
            f"{rate:g}": workspace.part(
                f"tune-{batch}-{rate:g}", partial(trained, batch, rate, settings["tuning_seed"], most)
            )["accuracy"]
            for rate in settings["rates"]
        }
        needed = {
            rate: (steps_to(settings["chosen_for"], reached, steps[name]), -max(reached))
            for rate, reached in tried.items()
        }
        rates[name] = float(min(needed, key=needed.__getitem__))
        tuning[name] = tried
        runs = [
            workspace.part(f"{batch}-{seed}", partial(trained, batch, rates[name], seed, most))
            for seed in settings["seeds"]
        ]
        accuracy[name] = [one["accuracy"] for one in runs]
        milliseconds[name] = [one["milliseconds"] for one in runs]
    return {"rate": rates, "steps": steps, "tuning": tuning, "accuracy": accuracy, "milliseconds": milliseconds}


BATCH_SIZES = Experiment(
    name="batch_sizes",
    version=2,
    settings={
        "data": "fashion-mnist", "train_on": 50_000, "evaluate_on": 2000, "hidden": 64, "momentum": 0.9,
        "batches": [8, 32, 128, 512, 2048], "most_steps": [2500, 1500, 800, 400, 250],
        "rates": [0.003, 0.01, 0.03, 0.1, 0.3, 1.0], "chosen_for": 0.8, "target": 0.84, "stop_after": 1,
        "seeds": [0, 1, 2], "tuning_seed": 100,
    },
    miniature={
        "train_on": 300, "evaluate_on": 100, "hidden": 8, "batches": [16, 256], "most_steps": [6, 4],
        "rates": [0.01, 0.1], "chosen_for": 0.8, "target": 0.9, "seeds": [0, 1],
    },
    run=run,
)  # fmt: skip
