"""Every representation of the part under every measure, on the test split: encoders of three seeds beside the controls.

All readers see an embedding on one scale, fitted on unlabelled images. Where a method has no encoder (the pixels, and
their principal components), a seed is a draw of labels, clusters and episodes alone.

Values: ``scores[method][measure]``, one number a seed; ``strength[method]``, the probe's penalty, chosen on validation.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from sklearn.decomposition import PCA
from torch import Tensor, from_numpy, nn

from dlbasics import data, evaluation, finetuning
from dlbasics.data import Images
from dlbasics.evaluation import LinearProbe, Scale
from dlbasics.experiments.declaration import Experiment, Workspace
from dlbasics.experiments.encoders import AUTOENCODERS, CONTRASTIVE, MASKED, SUPERVISED
from dlbasics.experiments.label_efficiency import CHOOSING_SEED
from dlbasics.experiments.storage import encoder
from dlbasics.models import ConvBackbone
from dlbasics.robustness import CORRUPTIONS

METHODS = ("supervised", "contrastive", "masked", "autoencoder", "random", "pca", "pixels")
MEASURES = (  # more of each is better
    "linear probe", "kNN", "one shot", "five shots", "NMI", "ARI", "silhouette", "corrupted", "few labels",
    "fine-tuned",
)  # fmt: skip


class _Study:
    """The images that every cell of the table shares."""

    def __init__(self, workspace: Workspace) -> None:
        self.settings, self.workspace = workspace.settings, workspace
        course = data.load(name=self.settings["data"])
        self.pool = data.balanced_subset(course.train, self.settings["pool"], seed=0)
        self.validation = data.balanced_subset(course.validation, self.settings["choose_on"], seed=0)
        test = course.open_test(because="R9: the table of methods and measures of the Representations part")
        self.test = test[: self.settings["evaluate_on"]]

    def reader(self, method: str, seed: int) -> nn.Module:
        """What turns images into the method's embedding."""
        if method == "pixels":
            return nn.Flatten()
        if method == "pca":
            return _Components(self.pool.pixels, self.settings["components"])
        return encoder(method, seed=seed, width=self.settings["width"], results=self.workspace.results)

    def strength(self, method: str) -> float:
        """The penalty that does best on validation for the method's first seed."""
        reader = self.reader(method, self.settings["seeds"][0])
        pool, validation = _embed(reader, self.pool), _embed(reader, self.validation)

        def score(strength: float) -> float:
            probe = self._probe(method, pool, self.settings["labels"], CHOOSING_SEED, strength)
            return probe.accuracy(validation, self.validation.labels)

        return max(self.settings["strengths"], key=score)

    def row(self, method: str, seed: int, strength: float) -> dict[str, float]:
        """The method's scores under every measure, for one seed."""
        settings, test = self.settings, self.test
        reader = self.reader(method, seed)
        pool, embedded = _embed(reader, self.pool), _embed(reader, test)
        scale = Scale.of(pool, shared=method in ("pixels", "pca"))
        rows = data.label_rows(self.pool, settings["labels"], seed=seed)[0]
        probe = self._probe(method, pool, settings["labels"], seed, strength)
        few = self._probe(method, pool, settings["few"], seed, strength)
        part = test[: settings["cluster_on"]]
        scaled = scale(embedded[: len(part)])
        shots = partial(evaluation.few_shot, scaled, part.labels, episodes=settings["episodes"], seed=seed)
        scores = {
            "linear probe": probe.accuracy(embedded, test.labels),
            "kNN": evaluation.knn_accuracy(
                scale(pool[rows]), self.pool.labels[rows], scale(embedded), test.labels, metric="euclidean"
            ),
            "one shot": shots(shots=1)[0],
            "five shots": shots(shots=5)[0],
            "corrupted": self._under_corruption(reader, probe),
            "few labels": few.accuracy(embedded, test.labels),
        }
        clusters = evaluation.clustering(scaled, part.labels, seed=seed)
        scores |= {"NMI": clusters["nmi"], "ARI": clusters["ari"], "silhouette": clusters["silhouette"]}
        if isinstance(reader, ConvBackbone):
            scores["fine-tuned"] = self._fine_tuned(method, reader, few, seed)
        return scores

    def _probe(self, method: str, pool: Tensor, labels: int, draw: int, strength: float) -> LinearProbe:
        rows = data.label_rows(self.pool, labels, seed=draw)[0]
        scale = Scale.of(pool, shared=method in ("pixels", "pca"))
        return evaluation.linear_probe(pool[rows], self.pool.labels[rows], scale=scale, strength=strength)

    def _under_corruption(self, reader: nn.Module, probe: LinearProbe) -> float:
        part = self.test[: self.settings["cluster_on"]]
        accuracies = [
            probe.accuracy(evaluation.embed(reader, corrupt(part.pixels)), part.labels)
            for name, corrupt in CORRUPTIONS.items()
            if name != "clean"
        ]
        return sum(accuracies) / len(accuracies)

    def _fine_tuned(self, method: str, backbone: ConvBackbone, probe: LinearProbe, seed: int) -> float:
        """The whole network trained on the few labels; a random one gets the longer recipe that it needs."""
        few = self.settings["few"]
        labelled = self.pool[data.label_rows(self.pool, few, seed=seed)[0]]
        if method == "random":
            recipe = finetuning.scratch_recipe(few, seed=seed)
            model = finetuning.from_scratch(labelled, width=self.settings["width"], settings=recipe, progress=False)
        else:
            recipe = finetuning.fine_tuning_recipe(few, seed=seed)
            model = finetuning.fine_tune(backbone, probe, labelled, settings=recipe, progress=False)
        return evaluation.accuracy(model, self.test)


class _Components(nn.Module):
    """Images to their first principal components, fitted on unlabelled ones."""

    def __init__(self, pixels: Tensor, components: int) -> None:
        super().__init__()
        self.pca = PCA(components, random_state=0).fit(pixels.flatten(1).numpy())

    def forward(self, pixels: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, components)."""
        return from_numpy(self.pca.transform(pixels.flatten(1).numpy())).float()


def _embed(reader: nn.Module, images: Images) -> Tensor:
    return evaluation.embed(reader, images.pixels)


def run(workspace: Workspace) -> dict[str, Any]:
    """Fill the table, one row of one seed after the other."""
    study, seeds = _Study(workspace), workspace.settings["seeds"]
    scores: dict[str, dict[str, list[float]]] = {}
    strength = {}
    for method in METHODS:
        strength[method] = workspace.part(f"strength-{method}", partial(study.strength, method))
        rows = [
            workspace.part(f"{method}-{seed}", partial(study.row, method, seed, strength[method])) for seed in seeds
        ]
        scores[method] = {measure: [row[measure] for row in rows] for measure in MEASURES if measure in rows[0]}
    return {"scores": scores, "strength": strength}


MEASURED = Experiment(
    name="measures",
    version=1,
    settings={
        "data": "fashion-mnist", "pool": 10_000, "choose_on": 2000, "evaluate_on": 10_000, "cluster_on": 2000,
        "labels": 2000, "few": 100, "episodes": 100, "components": 64, "width": 24, "seeds": [0, 1, 2],
        "strengths": [0.001, 0.01, 0.1],
    },
    miniature={
        "pool": 300, "choose_on": 100, "evaluate_on": 300, "cluster_on": 200, "labels": 100, "few": 20, "episodes": 3,
        "components": 5, "width": 4, "seeds": [0, 1], "strengths": [0.01],
    },
    run=run,
    needs=(CONTRASTIVE, AUTOENCODERS, MASKED, SUPERVISED),
)  # fmt: skip
