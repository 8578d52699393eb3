"""Whether confidence means what it says: the reliability curve, the error it sums up to, and the usual repair."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from scipy import optimize
from torch import Tensor
from torch.nn import functional as F

# Temperatures are searched between 1/50 and 50: beyond, a softmax is all but one-hot, or all but even.
WIDEST = 50.0


@dataclass(frozen=True)
class Reliability:
    """Predictions sorted into bins by their confidence; empty bins are left out.

    Attributes:
        confidence: mean confidence in each bin, in [0, 1], shape (B,), rising.
        accuracy: share of right predictions in each bin, in [0, 1], shape (B,).
        share: of all predictions that fell into the bin, shape (B,); sums to 1.
    """

    confidence: Tensor
    accuracy: Tensor
    share: Tensor

    @property
    def error(self) -> float:
        """Expected calibration error: the mean gap between confidence and accuracy, in [0, 1]."""
        return (self.share * (self.confidence - self.accuracy).abs()).sum().item()


def reliability(logits: Tensor, labels: Tensor, *, bins: int = 15) -> Reliability:
    """Confidence (the largest softmax probability) against accuracy, in bins of equal width.

    Args:
        logits: shape (N, K), N >= 1.
        labels: int in [0, K), shape (N,).
        bins: at least 1. Even a perfectly calibrated model has an `error` above 0: accuracies in bins are noisy.

    Raises:
        ValueError: shapes that do not fit, no prediction, or no bin.

    Source: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, section 2.
    """
    _check(logits, labels)
    if bins < 1:
        raise ValueError(f"bins must be at least 1, got {bins}")
    confidence, prediction = logits.double().softmax(dim=1).max(dim=1)
    right = (prediction == labels).double()
    # A confidence on an edge belongs to the bin below it, as in the paper: bin b is (b / bins, (b + 1) / bins].
    place = ((confidence * bins).ceil().long() - 1).clamp(0, bins - 1)
    count = place.bincount(minlength=bins).double()
    used = count > 0
    total = torch.zeros(bins, dtype=torch.double, device=logits.device)
    return Reliability(
        confidence=(total.index_add(0, place, confidence) / count)[used],
        accuracy=(total.index_add(0, place, right) / count)[used],
        share=(count / len(labels))[used],
    )


def expected_calibration_error(logits: Tensor, labels: Tensor, *, bins: int = 15) -> float:
    """Mean gap between confidence and accuracy over bins, in [0, 1]; arguments and errors as for `reliability`.

    Source: Naeini et al., "Obtaining Well Calibrated Probabilities Using Bayesian Binning", AAAI 2015.
    """
    return reliability(logits, labels, bins=bins).error


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """The temperature T > 0 for which ``logits / T`` has the least cross-entropy.

    Fit it on data that neither trained the model nor will judge it. Dividing by T changes no prediction.

    Args:
        logits: shape (N, K), N >= 1.
        labels: int in [0, K), shape (N,).

    Returns:
        T in [1/50, 50]; above 1 where the model is over-confident. Near an end of the range no T is best, for instance
        where every prediction is right.

    Raises:
        ValueError: shapes that do not fit, or no prediction.

    Source: Guo et al., ICML 2017, section 4.2.
    """
    _check(logits, labels)
    fixed = logits.detach().double()

    def loss(log_temperature: float) -> float:
        return F.cross_entropy(fixed / math.exp(log_temperature), labels).item()

    widest = math.log(WIDEST)
    # Convex in 1/T, so it has one valley in log T as well.
    found = optimize.minimize_scalar(loss, bounds=(-widest, widest), method="bounded", options={"xatol": 1e-4})
    return math.exp(found.x)


def _check(logits: Tensor, labels: Tensor) -> None:
    if logits.ndim != 2 or labels.shape != logits.shape[:1] or not len(labels):
        raise ValueError(
            f"expected logits (N, K) and labels (N,) with N >= 1, got {tuple(logits.shape)} and {tuple(labels.shape)}"
        )
