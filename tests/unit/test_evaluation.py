"""Readers of an embedding against scikit-learn, loops written out, and data whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn

from dlbasics import evaluation
from dlbasics.data import Images
from dlbasics.evaluation import LinearProbe, Scale, clustering, embed, few_shot, knn_accuracy, linear_probe
from dlbasics.models import Classifier, ConvBackbone, seeded


def clouds(
    n: int, *, classes: int = 4, distance: float = 1.0, dimension: int = 6, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Gaussian classes around corners ``distance`` away, each dimension with its own scale and shift."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % classes
    points = torch.randn(n, dimension, generator=generator) + distance * torch.eye(classes, dimension)[labels]
    return points * torch.logspace(-1, 1, dimension) + torch.arange(dimension), labels


def backbone() -> ConvBackbone:
    with seeded(0):
        return ConvBackbone(width=2)


def test_an_embedding_is_what_the_backbone_says_in_eval_mode_and_its_mode_is_kept():
    model, pixels = backbone(), torch.rand(7, 1, 28, 28)
    model(torch.rand(9, 1, 28, 28))  # moves the batch-norm statistics
    for training in (True, False):
        model.train(training)
        statistics = model.blocks.block1[1].running_mean.clone()
        found = embed(model, pixels)
        assert model.training is training
        assert torch.equal(model.blocks.block1[1].running_mean, statistics)
        torch.testing.assert_close(found, model.eval()(pixels).detach())
    assert (found.dtype, found.device.type, found.requires_grad) == (torch.float32, "cpu", False)


def test_a_scale_gives_every_dimension_mean_zero_and_deviation_one():
    points, _ = clouds(200)
    scaled = Scale.of(points)(points)
    torch.testing.assert_close(scaled.mean(dim=0), torch.zeros(6), atol=1e-5, rtol=0)
    torch.testing.assert_close(scaled.std(dim=0), torch.ones(6))


def test_a_shared_scale_keeps_the_sizes_of_the_dimensions_to_each_other():
    points, _ = clouds(200)
    scaled = Scale.of(points, shared=True)(points)
    torch.testing.assert_close(scaled.mean(dim=0), torch.zeros(6), atol=1e-5, rtol=0)
    torch.testing.assert_close(scaled.std(dim=0) / scaled.std(dim=0)[0], points.std(dim=0) / points.std(dim=0)[0])


def test_a_dimension_that_never_varies_is_only_shifted():
    points = torch.tensor([[1.0, 5.0], [3.0, 5.0]])
    assert Scale.of(points)(points)[:, 1].tolist() == [0, 0]
    assert Scale.of(points)(torch.tensor([[1.0, 6.0]]))[0, 1] == 1


@pytest.mark.parametrize("strength", [0.003, 1.0])
@pytest.mark.parametrize("classes", [2, 4])
def test_a_linear_probe_is_scikit_learns_scaled_logistic_regression(strength, classes):
    pool, _ = clouds(300, classes=classes, seed=1)
    points, labels = clouds(60, classes=classes, distance=1.5, seed=2)
    queries, truth = clouds(200, classes=classes, distance=1.5, seed=3)
    probe = linear_probe(points, labels, scale=Scale.of(pool), strength=strength)

    # scikit-learn divides variances by N and torch by N - 1: the same penalty needs a C that makes up for it
    oracle = make_pipeline(StandardScaler(), LogisticRegression(C=strength * 299 / 300, max_iter=2000))
    oracle[0].fit(pool.numpy())
    oracle[1].fit(oracle[0].transform(points.numpy()), labels.numpy())
    expected = oracle.predict_proba(queries.numpy())

    assert probe.weight.shape == (classes, 6)
    np.testing.assert_allclose(probe.logits(queries).softmax(dim=1).numpy(), expected, atol=2e-3)
    assert probe.accuracy(queries, truth) == pytest.approx(oracle.score(queries.numpy(), truth.numpy()), abs=0.006)


def test_a_probes_weights_act_on_unscaled_embeddings_so_that_a_head_can_start_from_them():
    model, pixels, labels = backbone(), torch.rand(30, 1, 28, 28), torch.arange(30) % 3
    embeddings = embed(model, pixels)
    probe = linear_probe(embeddings, labels, scale=Scale.of(embeddings))
    classifier = Classifier(model, dimension=32, n_classes=3).eval()
    with torch.no_grad():
        classifier.head.weight.copy_(probe.weight)
        classifier.head.bias.copy_(probe.bias)
        torch.testing.assert_close(classifier(pixels), probe.logits(embeddings))


def test_a_stronger_penalty_makes_smaller_weights():
    points, labels = clouds(60)
    sizes = [linear_probe(points, labels, scale=Scale.of(points), strength=c).weight.norm() for c in (1e-4, 1e-2, 1)]
    assert sizes == sorted(sizes)


def test_a_probe_refuses_a_strength_that_is_not_positive():
    points, labels = clouds(20)
    with pytest.raises(ValueError, match="strength must be positive, got 0"):
        linear_probe(points, labels, scale=Scale.of(points), strength=0)


def test_a_probe_refuses_labels_that_leave_a_class_out():
    points, labels = clouds(20)
    with pytest.raises(ValueError, match=r"every class .* got labels of \[0, 1, 3\]"):
        linear_probe(points[labels != 2], labels[labels != 2], scale=Scale.of(points))


def test_accuracy_counts_right_answers():
    probe = LinearProbe(torch.eye(3), torch.zeros(3))
    assert probe.accuracy(torch.eye(3), torch.tensor([0, 1, 1])) == pytest.approx(2 / 3)


@pytest.mark.parametrize(("metric", "distance"), [
    ("cosine", lambda a, b: 1 - torch.cosine_similarity(a, b, dim=0)),
    ("euclidean", lambda a, b: (a - b).norm()),
])  # fmt: skip
@pytest.mark.parametrize("k", [1, 3])
def test_neighbours_vote_as_counted_by_hand(metric, distance, k):
    points, labels = clouds(24, classes=3, seed=4)
    queries, truth = clouds(15, classes=3, seed=5)
    right = 0
    for query, answer in zip(queries, truth, strict=True):
        nearest = torch.stack([distance(query, point) for point in points]).argsort()[:k]
        right += int(labels[nearest].bincount(minlength=3).argmax() == answer)  # a tie goes to the first class
    assert knn_accuracy(points, labels, queries, truth, k=k, metric=metric) == pytest.approx(right / 15)


def test_more_neighbours_than_images_are_all_of_them():
    points, labels = torch.tensor([[0.0], [1.0], [1.1]]), torch.tensor([0, 1, 1])
    found = knn_accuracy(points, labels, torch.tensor([[0.0]]), torch.tensor([1]), k=50, metric="euclidean")
    assert found == 1.0


def test_few_shots_are_enough_for_separated_clusters_and_worth_chance_on_noise():
    points, labels = clouds(100, distance=100, dimension=4)
    assert few_shot(Scale.of(points)(points), labels, ways=4, shots=1, episodes=20) == (1.0, 0.0)
    noise = torch.randn(200, 8, generator=torch.Generator().manual_seed(0))
    mean, error = few_shot(noise, torch.arange(200) % 5, ways=4, shots=2, episodes=100)
    assert mean == pytest.approx(0.25, abs=0.04)
    assert 0 < error < 0.01


def test_more_shots_help_where_classes_overlap():
    points, labels = clouds(200, classes=5, distance=3)
    points = Scale.of(points)(points)
    one, five = (few_shot(points, labels, ways=5, shots=shots, episodes=60)[0] for shots in (1, 5))
    assert one + 0.05 < five


def test_episodes_are_the_same_for_the_same_seed_and_their_number_gives_the_error():
    points, labels = clouds(60, distance=2)
    assert few_shot(points, labels, ways=3, episodes=10) == few_shot(points, labels, ways=3, episodes=10)
    assert few_shot(points, labels, ways=3, episodes=10) != few_shot(points, labels, ways=3, episodes=10, seed=1)
    assert np.isnan(few_shot(points, labels, ways=3, episodes=1)[1])


def test_episodes_that_cannot_be_drawn_are_named():
    points, labels = clouds(20)
    for ways in (1, 5):
        with pytest.raises(ValueError, match=f"between 2 and the 4 classes present, got {ways}"):
            few_shot(points, labels, ways=ways)
    for shots in (0, 5):
        with pytest.raises(ValueError, match=f"shots must lie between 1 and 4 .*got {shots}"):
            few_shot(points, labels, ways=2, shots=shots)


def test_clusters_are_perfect_where_classes_are_apart_and_chance_on_noise():
    points, labels = clouds(120, distance=50, dimension=4)
    found = clustering(Scale.of(points)(points), labels)
    assert found["nmi"] == pytest.approx(1)
    assert found["ari"] == pytest.approx(1)
    assert 0.7 < found["silhouette"] <= 1
    noise = torch.randn(300, 4, generator=torch.Generator().manual_seed(0))
    assert abs(clustering(noise, torch.arange(300) % 4)["ari"]) < 0.05


def test_the_names_of_clusters_do_not_matter():
    points, labels = clouds(120, distance=2)
    assert clustering(points, labels) == pytest.approx(clustering(points, (labels + 1) % 4))


def test_a_classifiers_accuracy_is_its_share_of_right_answers():
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    with torch.no_grad():
        model[1].weight.copy_(torch.tensor([[1.0, 0, 0, 0], [0, 1.0, 0, 0]]))
        model[1].bias.zero_()
    pixels = torch.tensor([[0.9, 0.1, 0, 0], [0.2, 0.8, 0, 0], [0.7, 0.3, 0, 0]]).view(3, 1, 2, 2)
    images = Images(pixels, torch.tensor([0, 1, 1]), ("left", "right"))
    assert evaluation.accuracy(model, images) == pytest.approx(2 / 3)
