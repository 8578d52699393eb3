"""Features by block against the backbone's own arithmetic, and the measures of separation against pairs written out."""

from __future__ import annotations

import itertools

import pytest
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from torch.nn import functional as F

from dlbasics import probes
from dlbasics.models import ConvBackbone, seeded


def backbone(*, width: int = 3) -> ConvBackbone:
    with seeded(0):
        return ConvBackbone(width=width)


def cloud(n: int = 12, d: int = 4, *, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def test_the_layers_come_in_the_order_of_the_computation_with_their_own_sizes() -> None:
    features = probes.features_by_block(backbone(width=3), torch.rand(5, 1, 28, 28))
    assert {name: tuple(value.shape) for name, value in features.items()} == {
        "pixels": (5, 784),
        "block1": (5, 3 * 14 * 14),
        "block2": (5, 6 * 7 * 7),
        "block3": (5, 12 * 4 * 4),
        "block4": (5, 12 * 4 * 4),
        "embedding": (5, 48),
    }


def test_the_last_features_are_what_the_backbone_returns_in_eval_mode() -> None:
    pixels, network = torch.rand(7, 1, 28, 28), backbone()
    network(pixels)  # moves the running statistics of batch norm
    features = probes.features_by_block(network.train(), pixels, batch_size=3)
    with torch.no_grad():
        torch.testing.assert_close(features["embedding"], network.eval()(pixels))
    torch.testing.assert_close(features["pixels"], pixels.flatten(1))


def test_average_pooling_to_two_by_two_turns_the_last_block_into_the_embedding() -> None:
    features = probes.features_by_block(backbone(), torch.rand(4, 1, 28, 28), reduce=probes.average_pool(2))
    torch.testing.assert_close(features["block4"], features["embedding"])
    assert features["pixels"].shape == (4, 4)


def test_one_cell_is_the_mean_of_every_channel() -> None:
    maps = torch.rand(3, 2, 5, 7)
    torch.testing.assert_close(probes.average_pool(1)(maps), maps.mean(dim=(2, 3)))
    with pytest.raises(ValueError, match="at least 1, got 0"):
        probes.average_pool(0)


def test_a_random_projection_is_linear_and_the_same_for_every_batch() -> None:
    project, x = probes.random_projection(5, seed=3), cloud(6, 40)
    torch.testing.assert_close(project(2 * x[:2] + x[2:4]), 2 * project(x)[:2] + project(x)[2:4], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(probes.random_projection(5, seed=3)(x), project(x))
    assert not torch.allclose(probes.random_projection(5, seed=4)(x), project(x))


def test_a_random_projection_keeps_squared_distances_on_average_with_the_error_of_the_lemma() -> None:
    x, dimension = cloud(2, 900), 60
    squares = (
        torch.stack([(probes.random_projection(dimension, seed=s)(x).diff(dim=0) ** 2).sum() for s in range(300)])
        / (x.diff(dim=0) ** 2).sum()
    )
    assert squares.mean().item() == pytest.approx(1, abs=0.04)
    assert squares.std().item() == pytest.approx((2 / dimension) ** 0.5, rel=0.15)


def test_features_that_are_few_enough_stay_as_they_are() -> None:
    x = cloud(3, 8)
    assert torch.equal(probes.random_projection(8)(x), x)
    with pytest.raises(ValueError, match="at least 1, got 0"):
        probes.random_projection(0)


def test_the_distance_ratio_is_the_mean_over_pairs_within_classes_over_that_between_them() -> None:
    x, labels = cloud(9, 3), torch.tensor([0, 1, 2, 0, 1, 2, 0, 0, 2])
    within, between = [], []
    for i, j in itertools.combinations(range(9), 2):
        (within if labels[i] == labels[j] else between).append((x[i] - x[j]).norm().item())
    expected = (sum(within) / len(within)) / (sum(between) / len(between))
    assert probes.class_distance_ratio(x, labels) == pytest.approx(expected, rel=1e-5)
    assert probes.class_distance_ratio(100 * x + 7, labels) == pytest.approx(expected, rel=1e-4)


def test_the_triplet_error_counts_other_classes_that_lie_nearer() -> None:
    x, labels = cloud(10, 3), torch.tensor([0, 0, 0, 1, 1, 1, 1, 2, 2, 3])
    similarity = F.normalize(x, dim=1) @ F.normalize(x, dim=1).T
    by_anchor = []
    for a in range(10):
        same = [b for b in range(10) if b != a and labels[b] == labels[a]]
        others = [b for b in range(10) if labels[b] != labels[a]]
        if same:
            wrong = [float(similarity[a, o] > similarity[a, s]) for s in same for o in others]
            by_anchor.append(sum(wrong) / len(wrong))
    assert probes.triplet_error(x, labels) == pytest.approx(sum(by_anchor) / len(by_anchor), abs=1e-6)
    assert probes.triplet_error(17 * x, labels) == pytest.approx(probes.triplet_error(x, labels), abs=1e-6)


def test_classes_in_directions_of_their_own_are_never_confused_and_random_labels_half_the_time() -> None:
    labels = torch.arange(3).repeat(20)
    assert probes.triplet_error(torch.eye(3)[labels] + 0.05 * cloud(60, 3), labels) == 0
    noise = [probes.triplet_error(cloud(150, 8, seed=s), torch.arange(3).repeat(50)) for s in range(4)]
    assert sum(noise) / 4 == pytest.approx(0.5, abs=0.02)


def test_a_space_in_which_all_images_coincide_orders_by_chance() -> None:
    assert probes.triplet_error(torch.ones(8, 2), torch.arange(2).repeat(4)) == pytest.approx(0.5)


@pytest.mark.parametrize("measure", [probes.class_distance_ratio, probes.triplet_error])
@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2]])
def test_a_single_class_or_no_pair_within_one_is_refused(measure, labels) -> None:
    with pytest.raises(ValueError, match="at least two classes, one with two images"):
        measure(cloud(3, 2), torch.tensor(labels))


def three_classes() -> tuple[torch.Tensor, torch.Tensor]:
    labels = torch.tensor([2, 4, 6]).repeat(30)
    return cloud(90, 5) + 3 * cloud(7, 5, seed=1)[labels], labels


def test_the_discriminant_plane_is_scikit_learns_up_to_a_turn() -> None:
    x, labels = three_classes()
    oracle = LinearDiscriminantAnalysis(solver="eigen", shrinkage=0.3).fit(x, labels).transform(x[:20])
    found = probes.discriminant_plane(x, labels, x[:20])
    torch.testing.assert_close(torch.pdist(found.double()), torch.pdist(torch.from_numpy(oracle)), atol=1e-4, rtol=1e-4)


def test_the_classes_lie_lower_left_lower_right_and_above() -> None:
    x, labels = three_classes()
    left, right, above = (probes.discriminant_plane(x, labels, x)[labels == k].mean(dim=0) for k in (2, 4, 6))
    assert left[0] < above[0] < right[0]
    assert above[1] > max(left[1], right[1])


def test_a_plane_for_another_number_of_classes_is_refused() -> None:
    with pytest.raises(ValueError, match=r"three classes, got \[0, 1\]"):
        probes.discriminant_plane(cloud(4, 2), torch.tensor([0, 1, 0, 1]), cloud(1, 2))
