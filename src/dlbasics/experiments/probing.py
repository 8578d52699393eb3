"""Probe accuracy of an embedding over several label draws, its penalty chosen on draws of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from dlbasics import evaluation
from dlbasics.data import Images, label_rows
from dlbasics.evaluation import LinearProbe, Scale
from dlbasics.experiments.label_efficiency import CHOOSING_SEED


@dataclass(frozen=True)
class Prober:
    """The images and the draws that every embedding of an experiment is probed with.

    Attributes:
        pool, validation: labels are drawn from the first, accuracy is measured on the second.
        draws: paired label draws for the accuracies; their seeds start at 0.
        choosing_draws: other draws, for the choice of the penalty.
        strengths: the penalties to choose from (scikit-learn's C).
    """

    pool: Images
    validation: Images
    draws: int
    choosing_draws: int
    strengths: Sequence[float]

    def strength(self, pool: Tensor, validation: Tensor, *, labels: int, shared: bool = False) -> float:
        """The penalty with the best mean validation accuracy; arguments as for `accuracies`."""

        def total(strength: float) -> float:
            draws = range(CHOOSING_SEED, CHOOSING_SEED + self.choosing_draws)
            return sum(self._score(pool, validation, labels, draw, strength, shared) for draw in draws)

        return max(self.strengths, key=total)

    def accuracies(
        self, pool: Tensor, validation: Tensor, *, labels: int, strength: float, shared: bool = False
    ) -> list[float]:
        """Validation accuracy of a linear probe, one a draw.

        Args:
            pool, validation: embeddings of the images of the same names, (N, D) and (M, D).
            labels: how many the probe learns from.
            strength: its penalty.
            shared: one scale for all dimensions (pixels).
        """
        return [self._score(pool, validation, labels, draw, strength, shared) for draw in range(self.draws)]

    def neighbours(self, pool: Tensor, validation: Tensor, *, labels: int) -> list[float]:
        """Validation accuracy of a vote of five neighbours by Euclidean distance, one a draw."""
        return [
            evaluation.knn_accuracy(
                pool[rows], self.pool.labels[rows], validation, self.validation.labels, metric="euclidean"
            )
            for rows in (label_rows(self.pool, labels, seed=draw)[0] for draw in range(self.draws))
        ]

    def _score(self, pool: Tensor, validation: Tensor, labels: int, draw: int, strength: float, shared: bool) -> float:
        rows, _ = label_rows(self.pool, labels, seed=draw)
        scale = Scale.of(pool, shared=shared)
        probe: LinearProbe = evaluation.linear_probe(pool[rows], self.pool.labels[rows], scale=scale, strength=strength)
        return probe.accuracy(validation, self.validation.labels)
