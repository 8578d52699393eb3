"""How good an embedding is: what simple readers (probe, neighbours, clusters) find in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from sklearn import cluster, linear_model, metrics, neighbors
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from dlbasics.data import Images
from dlbasics.training import predict_logits


def embed(backbone: nn.Module, pixels: Tensor) -> Tensor:
    """Embeddings of images under a frozen backbone in eval mode: (N, C, H, W) -> (N, D), float32 on the processor."""
    return predict_logits(backbone, pixels).cpu()


@dataclass(frozen=True)
class Scale:
    """Shift and scale that give each dimension mean 0 and deviation 1 over the images it was fitted on.

    Fit it on the unlabelled pool: the statistics of a handful of labelled images are a trap, since a
    dimension that hardly varies among these few is blown up.
    """

    mean: Tensor
    deviation: Tensor

    @classmethod
    def of(cls, embeddings: Tensor, *, shared: bool = False) -> Scale:
        """From embeddings (N, D), N >= 2; a dimension that never varies is only shifted.

        Args:
            shared: one deviation for all dimensions, where they have one unit already: a pixel of the margin, which
                hardly ever varies, would otherwise be blown up to the size of the others.
        """
        deviation = embeddings.std().expand(embeddings.shape[1]) if shared else embeddings.std(dim=0)
        return cls(embeddings.mean(dim=0), torch.where(deviation > 1e-6, deviation, 1.0))

    def __call__(self, embeddings: Tensor) -> Tensor:
        """The embeddings on this scale, (N, D) -> (N, D)."""
        return (embeddings - self.mean) / self.deviation


@dataclass(frozen=True)
class LinearProbe:
    """A linear classifier on a frozen embedding.

    Attributes:
        weight: shape (K, D).
        bias: shape (K,). Both act on unscaled embeddings, so a network's head can start from them.
    """

    weight: Tensor
    bias: Tensor

    def logits(self, embeddings: Tensor) -> Tensor:
        """(N, D) -> (N, K)."""
        return embeddings @ self.weight.T + self.bias

    def accuracy(self, embeddings: Tensor, labels: Tensor) -> float:
        """Share of right answers, in [0, 1]."""
        return (self.logits(embeddings).argmax(dim=1) == labels).float().mean().item()


def linear_probe(embeddings: Tensor, labels: Tensor, *, scale: Scale, strength: float = 0.03) -> LinearProbe:
    """Multinomial logistic regression with an L2 penalty (scikit-learn's), on embeddings put to one scale.

    Args:
        embeddings: shape (N, D).
        labels: int in [0, K), shape (N,); every class present.
        scale: fitted on unlabelled images.
        strength: scikit-learn's C; smaller is a stronger penalty; > 0.

    Raises:
        ValueError: a strength that is not positive, a single class, or a class below the largest that has no label.
    """
    if not strength > 0:
        raise ValueError(f"strength must be positive, got {strength}")
    present = labels.unique().tolist()
    if len(present) < 2 or present != list(range(len(present))):
        raise ValueError(f"the probe needs at least two classes and every class from 0 on, got labels of {present}")
    reader = linear_model.LogisticRegression(C=strength, max_iter=500)
    # one thread: for a problem this small two took 20 times the processor time
    with threadpool_limits(limits=1, user_api="blas"):
        reader.fit(scale(embeddings).numpy(), labels.cpu().numpy())
    coefficients, intercepts = torch.from_numpy(reader.coef_).float(), torch.from_numpy(reader.intercept_).float()
    if len(present) == 2:  # scikit-learn writes two classes as one row: the logit of class 1 over class 0
        coefficients = torch.cat([-coefficients, coefficients]) / 2
        intercepts = torch.cat([-intercepts, intercepts]) / 2
    weight = coefficients / scale.deviation
    return LinearProbe(weight, intercepts - weight @ scale.mean)


def knn_accuracy(
    embeddings: Tensor, labels: Tensor, queries: Tensor, query_labels: Tensor, *, k: int = 5, metric: str = "cosine"
) -> float:
    """Accuracy of a vote among the ``k`` nearest labelled embeddings (all, where there are fewer), in [0, 1]."""
    reader = neighbors.KNeighborsClassifier(n_neighbors=min(k, len(labels)), metric=metric)
    reader.fit(embeddings.numpy(), labels.cpu().numpy())
    return float(reader.score(queries.numpy(), query_labels.cpu().numpy()))


def few_shot(
    embeddings: Tensor, labels: Tensor, *, ways: int = 5, shots: int = 1, episodes: int = 200, seed: int = 0
) -> tuple[float, float]:
    """Mean and standard error of nearest-class-mean accuracy over random episodes.

    Each episode picks ``ways`` classes and ``shots`` labelled images of each; the others of these are the queries.

    Source: Snell et al., "Prototypical Networks for Few-shot Learning", NeurIPS 2017.
    """
    classes = labels.unique()
    if not 2 <= ways <= len(classes):
        raise ValueError(f"ways must lie between 2 and the {len(classes)} classes present, got {ways}")
    smallest = int(labels.bincount()[classes].min())
    if not 1 <= shots < smallest:
        raise ValueError(f"shots must lie between 1 and {smallest - 1} (the smallest class less a query), got {shots}")
    generator = torch.Generator().manual_seed(seed)
    scores = []
    for _ in range(episodes):
        picked = classes[torch.randperm(len(classes), generator=generator)[:ways]]
        centres, queries, truth = [], [], []
        for way, label in enumerate(picked):
            members = (labels == label).nonzero().flatten()
            members = members[torch.randperm(len(members), generator=generator)]
            centres.append(embeddings[members[:shots]].mean(dim=0))
            queries.append(embeddings[members[shots:]])
            truth.append(torch.full((len(members) - shots,), way))
        nearest = torch.cdist(torch.cat(queries), torch.stack(centres)).argmin(dim=1)
        scores.append((nearest == torch.cat(truth)).float().mean().item())
    return float(np.mean(scores)), float(np.std(scores, ddof=1) / np.sqrt(episodes)) if episodes > 1 else float("nan")


def clustering(embeddings: Tensor, labels: Tensor, *, seed: int = 0) -> dict[str, float]:
    """k-means with as many clusters as classes, scored against the labels it never saw.

    Returns:
        ``nmi`` in [0, 1], ``ari`` (0 by chance, 1 perfect), ``silhouette`` of the clusters in [-1, 1] (2,000 points).
    """
    points, truth = embeddings.numpy(), labels.cpu().numpy()
    found = cluster.KMeans(n_clusters=len(np.unique(truth)), n_init=4, random_state=seed).fit_predict(points)
    return {
        "nmi": float(metrics.normalized_mutual_info_score(truth, found)),
        "ari": float(metrics.adjusted_rand_score(truth, found)),
        "silhouette": float(
            metrics.silhouette_score(points, found, sample_size=min(2000, len(points)), random_state=seed)
        ),
    }


def accuracy(model: nn.Module, images: Images) -> float:
    """Share of ``images`` the classifier gets right, in [0, 1]."""
    logits = predict_logits(model, images.pixels)
    return (logits.argmax(dim=1) == images.labels.to(logits.device)).float().mean().item()
