"""Planted label errors, out-of-fold beliefs, the domain test, the drift alarm: against other libraries and chance."""

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn import metrics

from dlbasics.data_checks import (
    class_counts_p_value,
    domain_test,
    drift_p_value,
    out_of_fold_probabilities,
    plant_label_errors,
)
from dlbasics.evaluation import Scale


def blobs(n, *, classes=3, seed=0):
    """Well separated clusters: embeddings (n, 5) and their labels."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % classes
    centres = 6 * torch.eye(classes, 5)
    return centres[labels] + torch.randn(n, 5, generator=generator), labels


def test_the_asked_share_of_labels_becomes_wrong_and_the_others_stay():
    labels = torch.arange(200) % 10
    before = labels.clone()
    given, wrong = plant_label_errors(labels, share=0.08, n_classes=10, seed=0)
    assert torch.equal(labels, before)
    assert wrong.sum() == 16
    assert torch.equal(given != labels, wrong)
    assert given.min() >= 0
    assert given.max() < 10


def test_a_seed_decides_which_labels_become_wrong():
    labels = torch.arange(100) % 10
    first, again, other = (plant_label_errors(labels, share=0.2, n_classes=10, seed=seed)[0] for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_careless_errors_name_the_class_that_is_mistaken_for_the_true_one():
    labels = torch.arange(60) % 3
    mistaken_for = torch.tensor([2, 0, 1])
    given, wrong = plant_label_errors(labels, share=0.5, n_classes=3, seed=0, mistaken_for=mistaken_for)
    assert torch.equal(given[wrong], mistaken_for[labels[wrong]])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"share": 1.0, "n_classes": 3}, "share must lie in"),
        ({"share": 0.1, "n_classes": 1}, "at least two classes"),
        ({"share": 0.1, "n_classes": 3, "mistaken_for": torch.tensor([0, 2, 1])}, "another class"),
    ],
)
def test_errors_that_cannot_be_planted_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        plant_label_errors(torch.zeros(10, dtype=torch.long), seed=0, **options)


def test_a_wrong_label_is_not_believed_by_a_probe_that_did_not_see_it():
    embeddings, labels = blobs(150)
    given, wrong = plant_label_errors(labels, share=0.1, n_classes=3, seed=0)
    beliefs = out_of_fold_probabilities(embeddings, given, scale=Scale.of(embeddings))
    assert torch.allclose(beliefs.sum(dim=1), torch.ones(150), atol=1e-5)
    assert torch.equal(beliefs.argmax(dim=1), labels)
    believed = beliefs[torch.arange(150), given]
    assert believed[wrong].max() < believed[~wrong].min()


def test_the_domain_test_is_silent_about_two_halves_of_one_set():
    p_values = [domain_test(*torch.randn(2, 200, 4, generator=torch.Generator().manual_seed(seed))).p_value
                for seed in range(60)]  # fmt: skip
    assert stats.kstest(p_values, "uniform").pvalue > 0.01


def test_the_domain_test_hears_a_shift():
    reference = torch.randn(200, 4, generator=torch.Generator().manual_seed(0))
    found = domain_test(reference, torch.randn(150, 4, generator=torch.Generator().manual_seed(1)) + 2)
    assert found.auc > 0.95
    assert found.p_value < 1e-6


def test_the_auc_of_the_domain_test_is_that_of_scikit_learn_for_a_single_feature():
    # With one column the judge's score is monotone in it, so its AUC is that of the column over the judged halves.
    generator = torch.Generator().manual_seed(3)
    reference, arriving = torch.randn(40, 1, generator=generator), torch.randn(30, 1, generator=generator) + 1.5
    halves = torch.Generator().manual_seed(0)
    judged = [group[torch.randperm(len(group), generator=halves)[1::2]] for group in (reference, arriving)]
    truth = torch.tensor([0] * len(judged[0]) + [1] * len(judged[1]))
    expected = metrics.roc_auc_score(truth, torch.cat(judged).flatten())
    assert domain_test(reference, arriving).auc == pytest.approx(expected)


def test_the_domain_test_refuses_what_it_cannot_compare():
    with pytest.raises(ValueError, match="expected embeddings"):
        domain_test(torch.zeros(10, 3), torch.zeros(10, 4))
    with pytest.raises(ValueError, match="at least 4"):
        domain_test(torch.zeros(10, 3), torch.zeros(3, 3))


def test_the_p_value_of_class_counts_is_pearsons_over_the_classes_present():
    reference, arriving = torch.tensor([0] * 30 + [1] * 50 + [3] * 20), torch.tensor([0] * 45 + [1] * 55 + [3] * 10)
    expected = np.array([[30, 50, 20], [45, 55, 10]])
    shares = expected.sum(axis=0) / 210
    statistic = sum(((row - row.sum() * shares) ** 2 / (row.sum() * shares)).sum() for row in expected)
    found = class_counts_p_value(reference, arriving, n_classes=5)
    assert found == pytest.approx(stats.chi2.sf(statistic, df=2))


def test_class_counts_hear_a_class_that_stays_away_and_are_mostly_silent_without_a_change():
    generator = torch.Generator().manual_seed(0)
    reference = torch.randint(10, (1000,), generator=generator)
    windows = torch.randint(10, (60, 200), generator=generator)
    quiet = sum(class_counts_p_value(reference, window, n_classes=10) < 0.05 for window in windows)
    assert quiet <= 8  # 3 expected; 9 or more: below 1 %
    assert class_counts_p_value(reference, windows[0][windows[0] != 4], n_classes=10) < 0.05
    assert class_counts_p_value(torch.zeros(5, dtype=torch.long), torch.zeros(3, dtype=torch.long), n_classes=2) == 1
    with pytest.raises(ValueError, match="both samples need data"):
        class_counts_p_value(reference, reference[:0], n_classes=10)


def test_the_drift_p_value_of_one_column_is_kolmogorov_and_smirnovs():
    before, now = torch.randn(2, 80, 1, generator=torch.Generator().manual_seed(0))
    expected = stats.ks_2samp(before[:, 0].numpy(), now[:, 0].numpy(), method="asymp").pvalue
    assert drift_p_value(before, now) == pytest.approx(expected)


def test_drift_in_one_of_many_columns_is_heard_and_quiet_windows_rarely_are():
    generator = torch.Generator().manual_seed(0)
    reference = torch.randn(1000, 10, generator=generator)
    windows = torch.randn(60, 200, 10, generator=generator)
    assert sum(drift_p_value(reference, window) < 0.05 for window in windows) <= 8  # 3 expected; 9 or more: below 1 %
    moved = windows[0].clone()
    moved[:, 4] += 1
    assert drift_p_value(reference, moved) < 1e-6


def test_the_drift_p_value_never_exceeds_one_and_refuses_empty_windows():
    same = torch.randn(50, 10, generator=torch.Generator().manual_seed(0))
    assert drift_p_value(same, same) == 1.0
    with pytest.raises(ValueError, match="both samples need data"):
        drift_p_value(same, same[:0])
    with pytest.raises(ValueError, match="expected shapes"):
        drift_p_value(same, same[:, :3])
