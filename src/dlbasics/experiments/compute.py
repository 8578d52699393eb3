"""What compute buys: dense, convolutional and transformer networks of several widths, on little data and on much.

Every network trains by AdamW with warm-up and then a rate that falls as one over the root of the step, a schedule that
needs no end: each moment of a run may stand for a run of that length. Its peak rate is the best of ``rates`` on the
largest data set, for a seed that is not reported.

Values: ``networks[network]``: ``kind``, ``width``, ``parameters``, ``flops`` (forward, an image) and ``training_flops``
(a step, forward and backward); ``tuned[network][rate]``, the accuracy of the tuning runs; ``rate[network]``;
``accuracy[network][images][seed]``, the validation accuracy at each of ``marks[network]`` (steps);
``train_accuracy[network][images]``, at the end, one a seed.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from dlbasics import data, evaluation
from dlbasics.attention import VisionTransformer
from dlbasics.experiments.declaration import Experiment, Workspace
from dlbasics.models import Classifier, ConvBackbone, count_parameters, mlp, seeded
from dlbasics.schedules import Schedule
from dlbasics.training import Recipe, TrainingDivergedError, fit


def make_network(kind: str, width: int) -> nn.Module:
    """An ``"MLP"`` (two hidden layers), a ``"CNN"`` or a ``"ViT"`` (two blocks) for ten classes of 28x28 images.

    These have norms: batch norm the first two, layer norm the last. A ``"plain MLP"`` has none.
    """
    if kind.endswith("MLP"):
        return mlp((784, width, width, 10), normalise=kind == "MLP")
    backbone = ConvBackbone(width=width) if kind == "CNN" else VisionTransformer(dimension=width)
    return Classifier(backbone, dimension=backbone.dimension, n_classes=10)


def count_flops(model: nn.Module, *, batch: int = 1, training: bool = False) -> int:
    """Floating-point operations of the matrix products and convolutions for ``batch`` images; a multiply-add is two.

    Args:
        training: the backward pass too.

    Source: torch's own count, `torch.utils.flop_counter.FlopCounterMode`.
    """
    pixels, labels = torch.zeros(batch, 1, 28, 28), torch.zeros(batch, dtype=torch.long)
    with FlopCounterMode(display=False) as counter, torch.set_grad_enabled(training):
        loss = F.cross_entropy(model.eval()(pixels), labels)
        if training:
            torch.autograd.grad(loss, list(model.parameters()))
    return int(counter.get_total_flops())


def inverse_root(warm: int) -> Schedule:
    """Rise to 1 over ``warm`` steps, then fall as one over the root of the step.

    Source: Vaswani et al., "Attention Is All You Need", NeurIPS 2017, eq. 3.
    """
    return lambda step: min((step + 1) / warm, (warm / (step + 1)) ** 0.5)


def run(workspace: Workspace) -> dict[str, Any]:
    """Choose the rates, then train every network on every data set."""
    settings = workspace.settings
    course = data.load(name=settings["data"])
    validation = course.validation[: settings["evaluate_on"]]
    networks = {f"{kind} {width}": (kind, width) for kind, widths in settings["widths"].items() for width in widths}

    def trained(name: str, rate: float, images: int, seed: int, marks: list[int]) -> dict[str, Any]:
        kind, width = networks[name]
        train = data.balanced_subset(course.train, images, seed=seed)
        with seeded(seed):
            model = make_network(kind, width)
        reached: dict[int, float] = {}
        step = 0

        def measure(model: nn.Module) -> dict[str, float]:
            nonlocal step
            step += marks[0]
            if step in marks:
                reached[step] = evaluation.accuracy(model, validation)
            return {}

        recipe = Recipe(
            steps=marks[-1], batch_size=settings["batch_size"], learning_rate=rate, look_every=marks[0], seed=seed,
            schedule=inverse_root(settings["warm"]), restore_best=False,
        )  # fmt: skip
        try:
            fit(model, train, recipe, measure=measure, device="cpu", mixed_precision=False, progress=False)
        except TrainingDivergedError:
            return {"accuracy": [0.1] * len(marks), "train_accuracy": 0.1}
        return {
            "accuracy": [reached[mark] for mark in marks],
            "train_accuracy": evaluation.accuracy(model, train[: settings["evaluate_on"]]),
        }

    described, tuned, rates, accuracy, train_accuracy = {}, {}, {}, {}, {}
    for name, (kind, width) in networks.items():
        model = make_network(kind, width)
        described[name] = {
            "kind": kind, "width": width, "parameters": count_parameters(model), "flops": count_flops(model),
            "training_flops": count_flops(model, batch=settings["batch_size"], training=True),
        }  # fmt: skip
        marks, sizes = settings["marks"][kind], settings["images"][kind]
        slug = name.replace(" ", "-")
        tuned[name] = {
            f"{rate:g}": workspace.part(
                f"tune-{slug}-{rate:g}",
                partial(trained, name, rate, max(sizes), settings["tuning_seed"], marks[: settings["tuning_marks"]]),
            )["accuracy"][-1]
            for rate in settings["rates"]
        }
        rates[name] = float(max(tuned[name], key=tuned[name].__getitem__))
        runs = {
            str(images): [
                workspace.part(f"{slug}-{images}-{seed}", partial(trained, name, rates[name], images, seed, marks))
                for seed in settings["seeds"]
            ]
            for images in sizes
        }
        accuracy[name] = {images: [one["accuracy"] for one in some] for images, some in runs.items()}
        train_accuracy[name] = {images: [one["train_accuracy"] for one in some] for images, some in runs.items()}
    return {
        "networks": described, "tuned": tuned, "rate": rates, "accuracy": accuracy, "train_accuracy": train_accuracy,
    }  # fmt: skip


COMPUTE = Experiment(
    name="compute",
    version=2,
    settings={
        "data": "fashion-mnist", "evaluate_on": 1000, "batch_size": 32, "warm": 20,
        "widths": {"MLP": [16, 64, 256], "plain MLP": [16, 64, 256], "CNN": [4, 8, 16, 24], "ViT": [16, 32, 64]},
        "marks": {
            "MLP": [20, 40, 80, 160, 320, 640], "plain MLP": [20, 40, 80, 160, 320, 640],
            "CNN": [20, 40, 80, 160, 320], "ViT": [20, 40, 80, 160, 320],
        },
        "tuning_marks": 4,
        "images": {"MLP": [40_000], "plain MLP": [40_000], "CNN": [500, 4000, 40_000], "ViT": [40_000]},
        "rates": [0.0007, 0.002, 0.006, 0.02, 0.06], "seeds": [0, 1, 2], "tuning_seed": 100,
    },
    miniature={
        "evaluate_on": 100, "widths": {"MLP": [4, 8], "plain MLP": [4], "CNN": [1, 2], "ViT": [4, 8]},
        "marks": {"MLP": [1, 2, 4], "plain MLP": [1, 2], "CNN": [1, 2], "ViT": [1, 2]}, "tuning_marks": 1,
        "images": {"MLP": [128], "plain MLP": [128], "CNN": [64, 128], "ViT": [128]},
        "rates": [0.002, 0.006], "seeds": [0, 1],
    },
    run=run,
)  # fmt: skip
