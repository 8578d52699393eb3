"""Questions to ask of data before and after a model goes to work: are the labels right, are these the same images?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import stats
from sklearn import linear_model, model_selection
from threadpoolctl import threadpool_limits
from torch import Tensor

from dlbasics.evaluation import Scale, linear_probe


def plant_label_errors(
    labels: Tensor, *, share: float, n_classes: int, seed: int, mistaken_for: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Make a known share of labels wrong, to see whether a check finds them.

    Args:
        labels: int in [0, K), shape (N,); left unchanged.
        share: of the labels that become wrong, in [0, 1); ``round(share * N)`` of them.
        n_classes: K, at least 2.
        seed: decides which labels, and what becomes of them.
        mistaken_for: the class that each class is taken for, shape (K,); None takes any other class, all alike.

    Returns:
        (labels with errors, wrong): int64 and bool, shape (N,) each.

    Raises:
        ValueError: a share outside [0, 1), fewer than two classes, or a class that is mistaken for itself.
    """
    if not 0 <= share < 1:
        raise ValueError(f"share must lie in [0, 1), got {share}")
    if n_classes < 2:
        raise ValueError(f"a wrong label needs at least two classes, got {n_classes}")
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randperm(len(labels), generator=generator)[: round(share * len(labels))]
    true = labels.cpu().long()
    if mistaken_for is None:
        others = (true[rows] + torch.randint(1, n_classes, (len(rows),), generator=generator)) % n_classes
    else:
        if (mistaken_for == torch.arange(n_classes)).any():
            raise ValueError(f"mistaken_for must name another class for each, got {mistaken_for.tolist()}")
        others = mistaken_for[true[rows]]
    wrong = torch.zeros(len(true), dtype=torch.bool)
    wrong[rows] = True
    return true.index_put((rows,), others), wrong


def out_of_fold_probabilities(
    embeddings: Tensor, labels: Tensor, *, scale: Scale, strength: float = 0.01, folds: int = 5, seed: int = 0
) -> Tensor:
    """Class probabilities of each image from a linear probe that did not see its label.

    The images are cut into ``folds`` parts, and each part is judged by a probe fitted on the others. A probe that had
    seen the label would partly believe it, wrong or not.

    Args:
        embeddings: shape (N, D).
        labels: int in [0, K), shape (N,); each class at least ``folds`` times.
        scale, strength: as in `dlbasics.evaluation.linear_probe`.
        folds: parts, at least 2.
        seed: of the cut.

    Returns:
        Shape (N, K); rows sum to 1.
    """
    found = torch.empty(len(labels), int(labels.max()) + 1)
    splitter = model_selection.StratifiedKFold(folds, shuffle=True, random_state=seed)
    for others, part in splitter.split(embeddings, labels):
        probe = linear_probe(embeddings[others], labels[others], scale=scale, strength=strength)
        found[part] = probe.logits(embeddings[part]).softmax(dim=1)
    return found


@dataclass(frozen=True)
class DomainTest:
    """Whether a classifier can tell two sets of images apart.

    Attributes:
        auc: chance that of an image from each set it gives the arriving one the higher score; 0.5 is guessing.
        p_value: chance of an AUC as large, were there no difference.
    """

    auc: float
    p_value: float


def domain_test(reference: Tensor, arriving: Tensor, *, seed: int = 0, strength: float = 0.01) -> DomainTest:
    """Train a classifier to tell two sets apart on one half of each, and measure it on the other half.

    The halves that measure took no part in training, so under "no difference" their scores are exchangeable, and
    Mann and Whitney's test of the scores' ranks gives the p-value.

    Args:
        reference, arriving: embeddings, shape (N, D) and (M, D), on a common scale; at least 4 each.
        seed: of the halves.
        strength: scikit-learn's C of the logistic regression; > 0.

    Raises:
        ValueError: another shape, or too few embeddings.

    Source: Lopez-Paz & Oquab, "Revisiting Classifier Two-Sample Tests", ICLR 2017.
    """
    if reference.ndim != 2 or arriving.ndim != 2 or reference.shape[1] != arriving.shape[1]:
        raise ValueError(
            f"expected embeddings (N, D) and (M, D), got {tuple(reference.shape)} and {tuple(arriving.shape)}"
        )
    if min(len(reference), len(arriving)) < 4:
        raise ValueError(f"each set needs at least 4 embeddings, got {len(reference)} and {len(arriving)}")
    generator = torch.Generator().manual_seed(seed)
    halves = []
    for group in (reference, arriving):
        order = torch.randperm(len(group), generator=generator)
        halves.append((group[order[::2]], group[order[1::2]]))
    (reference_a, reference_b), (arriving_a, arriving_b) = halves
    judge = linear_model.LogisticRegression(C=strength, max_iter=200, class_weight="balanced")
    with threadpool_limits(limits=1, user_api="blas"):
        judge.fit(torch.cat([reference_a, arriving_a]).numpy(), np.repeat([0, 1], [len(reference_a), len(arriving_a)]))
        scores_reference, scores_arriving = (
            judge.decision_function(group.numpy()) for group in (reference_b, arriving_b)
        )
    u, p_value = stats.mannwhitneyu(scores_arriving, scores_reference, alternative="greater")
    return DomainTest(float(u / (len(reference_b) * len(arriving_b))), float(p_value))


def class_counts_p_value(reference: Tensor, arriving: Tensor, *, n_classes: int) -> float:
    """How surprising the proportions of the predicted classes are beside those of a reference sample.

    Pearson's chi-squared test of the two rows of counts: it hears a class that stays away, which a test of how images
    look hardly can, and is deaf to a change that leaves the predicted classes as they are.

    Args:
        reference, arriving: predicted classes, int in [0, K), shape (N,) and (M,); at least one each.
        n_classes: K.

    Returns:
        In [0, 1]; 1 where both samples hold one class, the same.

    Raises:
        ValueError: an empty sample.
    """
    if not len(reference) or not len(arriving):
        raise ValueError(f"both samples need data, got {len(reference)} and {len(arriving)} classes")
    counts = torch.stack([classes.bincount(minlength=n_classes) for classes in (reference, arriving)]).numpy()
    return float(stats.chi2_contingency(counts[:, counts.sum(axis=0) > 0]).pvalue)


def drift_p_value(reference: Tensor, window: Tensor) -> float:
    """How surprising a window of new data is beside a reference sample, over all its columns together.

    Each column is compared by Kolmogorov and Smirnov's test; the smallest p-value is multiplied by the number of
    columns (Bonferroni), so that an alarm below 0.05 is false in at most about 5 % of windows without drift.

    Args:
        reference, window: shape (N, D) and (M, D), for instance a model's class probabilities.

    Returns:
        In [0, 1].

    Raises:
        ValueError: another shape or an empty sample.

    Source: Rabanser et al., "Failing Loudly: An Empirical Study of Methods for Detecting Dataset Shift", NeurIPS 2019.
    """
    if reference.ndim != 2 or window.ndim != 2 or reference.shape[1] != window.shape[1]:
        raise ValueError(f"expected shapes (N, D) and (M, D), got {tuple(reference.shape)} and {tuple(window.shape)}")
    if not len(reference) or not len(window):
        raise ValueError(f"both samples need data, got {len(reference)} and {len(window)} rows")
    p_values = [
        stats.ks_2samp(before, now, method="asymp").pvalue
        for before, now in zip(reference.numpy().T, window.numpy().T, strict=True)
    ]
    return float(min(1.0, min(p_values) * len(p_values)))
