"""Squeezing images into few numbers: reconstruction, denoising and probe accuracy by code size, method and seed.

Values, each ``[method][size]`` a list over seeds (one, where nothing is random): ``error``, mean squared error per
pixel of the validation images given back; ``denoised``, the same when noise was added to the input; ``probe`` and
``knn``, for each seed a list of accuracies over label draws; ``strength``, the penalty chosen for the probe. ``long``
holds the errors of the largest code after ``long_epochs``; ``pixels`` the accuracies without any code;
``linear_denoiser`` and ``noisy`` the errors of the best affine denoiser, without a narrow middle, and of noisy images.

Kept: ``codes``, what the page draws: ``<method>/<size>/clean`` and ``.../noisy`` (uint8, seed 0), the reconstructions
of `shown` images and of their ``noisy`` versions, and ``weights/...``, the convolutional autoencoder of ``kept_size``.
"""

from __future__ import annotations

from functools import cached_property, partial
from typing import Any

import torch
from sklearn.decomposition import PCA
from torch import Tensor, nn

from dlbasics import data, evaluation, pretraining
from dlbasics.autoencoders import add_noise, conv_autoencoder, denoising_loss, linear_autoencoder
from dlbasics.experiments.declaration import Experiment, Workspace
from dlbasics.experiments.probing import Prober
from dlbasics.models import seeded
from dlbasics.training import Loss, fit, predict_logits

LEARNT = ("linear", "autoencoder", "denoising")
NOISE_SEED = 7


def shown(course: data.Dataset, n: int) -> data.Images:
    """The validation images whose reconstructions are kept."""
    return data.balanced_subset(course.validation, 10, seed=3)[list(range(n))]


def ridge_map(inputs: Tensor, targets: Tensor, *, ridge: float = 1e-3) -> tuple[Tensor, Tensor]:
    """The affine map with the least squared error from ``inputs`` (N, D) to ``targets`` (N, P).

    Args:
        ridge: added to every input's variance.

    Returns:
        Weight (D, P) and bias (P,): ``inputs @ weight + bias``.
    """
    x, y = inputs - inputs.mean(dim=0), targets - targets.mean(dim=0)
    weight = torch.linalg.solve(x.T @ x / len(x) + ridge * torch.eye(x.shape[1]), x.T @ y / len(x))
    return weight, targets.mean(dim=0) - inputs.mean(dim=0) @ weight


def run(workspace: Workspace) -> dict[str, Any]:
    """Fit every method at every size, seed by seed."""
    settings = workspace.settings
    course = data.load(name=settings["data"])
    pool = data.balanced_subset(course.train, settings["images"], seed=0)
    validation = course.validation[: settings["evaluate_on"]]
    study = _Study(workspace, pool, validation, shown(course, settings["shown"]))
    values: dict[str, dict[str, dict[str, Any]]] = {}
    for method in ("pca", "random", *LEARNT):
        for size in settings["sizes"]:
            seeds = [0] if method == "pca" else settings["seeds"]
            for seed in seeds:
                found = workspace.part(f"{method}-{size}-{seed}", partial(study.one, method, size, seed))
                for name, value in found.items():
                    values.setdefault(name, {}).setdefault(method, {}).setdefault(str(size), []).append(value)
    flat = pool.pixels.flatten(1), validation.pixels.flatten(1)
    result = {
        "long": [workspace.part(f"long-{seed}", partial(study.long, seed)) for seed in settings["seeds"]],
        "pixels": workspace.part("pixels", partial(study.read, *flat, shared=True)),
        **workspace.part("denoiser", study.denoiser),
    }
    workspace.keep("codes", study.pictures())
    return values | result


class _Study:
    """The images that all methods share, and what is done with each."""

    def __init__(self, workspace: Workspace, pool: data.Images, validation: data.Images, few: data.Images) -> None:
        self.workspace, self.settings = workspace, workspace.settings
        self.pool, self.validation, self.few = pool, validation, few
        generator = torch.Generator().manual_seed(NOISE_SEED)
        noise = self.settings["noise"]
        self.noisy = add_noise(validation.pixels, noise, generator=generator)
        self.noisy_few = add_noise(few.pixels, noise, generator=generator)
        self.prober = Prober(
            pool, validation, self.settings["draws"], self.settings["choosing_draws"], self.settings["strengths"]
        )

    def one(self, method: str, size: int, seed: int) -> dict[str, Any]:
        """Fit one, and measure it."""
        if method == "pca":
            model = _as_autoencoder(*self.components, size)
        else:
            with seeded(seed):
                model = self._linear(size) if method == "linear" else self._network(size)
            if method != "random":
                self._train(model, seed, _loss(method, self.settings["noise"]), **self.settings["own"].get(method, {}))
        encoder = model[0].eval()
        found = self.read(*(evaluation.embed(encoder, images.pixels) for images in (self.pool, self.validation)))
        if method != "random":
            found["error"] = _error(predict_logits(model, self.validation.pixels), self.validation.pixels)
            found["denoised"] = _error(predict_logits(model, self.noisy), self.validation.pixels)
        if seed == 0 and method in ("autoencoder", "denoising"):
            torch.save(model.state_dict(), self._file(method, size))
        return found

    @cached_property
    def components(self) -> tuple[Tensor, Tensor]:
        """PCA's axes, as many as the largest code has numbers, and the mean image."""
        found = PCA(n_components=max(self.settings["sizes"]), svd_solver="covariance_eigh")
        found.fit(self.pool.pixels.flatten(1).numpy())
        return torch.from_numpy(found.components_), torch.from_numpy(found.mean_)

    def read(self, pool: Tensor, validation: Tensor, *, shared: bool = False) -> dict[str, Any]:
        """Accuracies of the readers on these embeddings."""
        labels = self.settings["labels"]
        chosen = self.prober.strength(pool, validation, labels=labels, shared=shared)
        return {
            "probe": self.prober.accuracies(pool, validation, labels=labels, strength=chosen, shared=shared),
            "knn": self.prober.neighbours(pool, validation, labels=labels),
            "strength": chosen,
        }

    def long(self, seed: int) -> float:
        """Error of the convolutional autoencoder with the largest code after many more epochs."""
        with seeded(seed):
            model = self._network(self.settings["sizes"][-1])
        self._train(model, seed, pretraining.autoencoder_loss(), epochs=self.settings["long_epochs"])
        return _error(predict_logits(model, self.validation.pixels), self.validation.pixels)

    def denoiser(self) -> dict[str, float]:
        """The best affine map from noisy to clean images, fitted on the pool with fresh noise."""
        generator = torch.Generator().manual_seed(NOISE_SEED + 1)
        clean = self.pool.pixels.flatten(1)
        spoilt = add_noise(clean, self.settings["noise"], generator=generator)
        weight, bias = ridge_map(spoilt, clean)
        given_back = self.noisy.flatten(1) @ weight + bias
        return {
            "linear_denoiser": _error(given_back, self.validation.pixels.flatten(1)),
            "noisy": _error(self.noisy, self.validation.pixels),
        }

    def pictures(self) -> dict[str, Tensor]:
        """What the page draws, from the weights of seed 0."""
        kept = {"noisy": _bytes(self.noisy_few)}
        for method in ("autoencoder", "denoising"):
            for size in self.settings["sizes"]:
                model = self._network(size)
                model.load_state_dict(torch.load(self._file(method, size), weights_only=True))
                kept[f"{method}/{size}/clean"] = _bytes(predict_logits(model, self.few.pixels))
                kept[f"{method}/{size}/noisy"] = _bytes(predict_logits(model, self.noisy_few))
                if method == "autoencoder" and size == self.settings["kept_size"]:
                    kept |= {f"weights/{name}": value for name, value in model.state_dict().items()}
        return kept

    def _linear(self, size: int) -> nn.Sequential:
        """The linear autoencoder, starting from the mean image as PCA does."""
        model, mean = linear_autoencoder(size), self.components[1]
        weights = model.state_dict()
        model.load_state_dict(weights | {"0.1.bias": -weights["0.1.weight"] @ mean, "1.0.bias": mean})
        return model

    def _network(self, size: int) -> nn.Sequential:
        return conv_autoencoder(size, width=self.settings["width"])

    def _train(self, model: nn.Module, seed: int, loss: Loss, **own: Any) -> None:
        usual = {name: self.settings[name] for name in ("epochs", "batch_size", "learning_rate")}
        recipe = pretraining.recipe(len(self.pool), seed=seed, **(usual | own))
        fit(model, self.pool, recipe, loss=loss, progress=False)

    def _file(self, method: str, size: int) -> str:
        return str(self.workspace.checkpoint(f"{method}-{size}-0"))


def _loss(method: str, noise: float) -> Loss:
    return denoising_loss(noise) if method == "denoising" else pretraining.autoencoder_loss()


def _as_autoencoder(axes: Tensor, mean: Tensor, size: int) -> nn.Sequential:
    """PCA as the linear autoencoder it is."""
    model, axes = linear_autoencoder(size), axes[:size]
    weights = {"0.1.weight": axes, "0.1.bias": -axes @ mean, "1.0.weight": axes.T, "1.0.bias": mean}
    model.load_state_dict(weights)
    return model


def _error(decoded: Tensor, pixels: Tensor) -> float:
    return (decoded - pixels).square().mean().item()


def _bytes(images: Tensor) -> Tensor:
    return (images.clamp(0, 1) * 255).round().to(torch.uint8)


CODES = Experiment(
    name="codes",
    version=1,
    settings={
        "data": "fashion-mnist",
        "images": 10_000,
        "evaluate_on": 5000,
        "width": 8,
        "sizes": [2, 4, 8, 16, 32, 64],
        "seeds": [0, 1, 2],
        "epochs": 5,
        "long_epochs": 15,
        "batch_size": 64,
        "learning_rate": 4e-3,
        "own": {"linear": {"epochs": 10, "learning_rate": 8e-3}},  # cheap, and slow to turn the last axes
        "noise": 0.3,
        "labels": 500,
        "draws": 5,
        "choosing_draws": 2,
        "strengths": [0.003, 0.03, 0.3, 3.0],
        "shown": 6,
        "kept_size": 16,
    },
    miniature={
        "images": 300, "evaluate_on": 100, "width": 2, "sizes": [2, 16], "seeds": [0, 1], "epochs": 1, "own": {},
        "long_epochs": 1, "labels": 20, "draws": 2, "choosing_draws": 1, "strengths": [0.03, 0.3], "shown": 2,
    },
    run=run,
)  # fmt: skip
