import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from torch.nn import functional as F

from dlbasics.calibration import expected_calibration_error, fit_temperature, reliability


def predictions(
    n: int = 2000, k: int = 5, *, sharpness: float = 2.0, seed: int = 0
) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits, and labels drawn from their own softmax: a model that is calibrated by construction."""
    generator = torch.Generator().manual_seed(seed)
    logits = sharpness * torch.randn(n, k, generator=generator)
    labels = torch.multinomial(logits.softmax(dim=1), 1, generator=generator).squeeze(1)
    return logits, labels


def test_a_model_that_is_always_sure_and_right_half_the_time_is_off_by_a_half() -> None:
    logits = torch.tensor([[1000.0, 0.0]] * 10)
    labels = torch.tensor([0, 1] * 5)
    found = reliability(logits, labels)
    assert found.confidence.tolist() == [1.0]
    assert found.accuracy.tolist() == [0.5]
    assert found.error == 0.5


def test_even_logits_are_calibrated_on_balanced_labels() -> None:
    # every confidence is 1/4, and the first class, which the tie gives, is right a quarter of the time
    assert expected_calibration_error(torch.zeros(8, 4), torch.arange(8) % 4) == pytest.approx(0, abs=1e-12)


def test_the_error_is_the_gap_weighted_by_how_many_predictions_have_it() -> None:
    def sure(p: float) -> list[float]:
        return [math.log(p / (1 - p)), 0.0]

    logits = torch.tensor([sure(0.9)] * 3 + [sure(0.6)], dtype=torch.double)
    labels = torch.tensor([0, 0, 1, 0])
    assert expected_calibration_error(logits, labels, bins=10) == pytest.approx(0.75 * (0.9 - 2 / 3) + 0.25 * 0.4)


def test_the_curve_is_that_of_scikit_learn() -> None:
    logits, labels = predictions(k=2)
    found = reliability(logits, labels, bins=10)
    confidence, prediction = logits.double().softmax(dim=1).max(dim=1)
    accuracy, mean = calibration_curve((prediction == labels).numpy(), confidence.numpy(), n_bins=10)
    np.testing.assert_allclose(found.accuracy, accuracy, atol=1e-12)
    np.testing.assert_allclose(found.confidence, mean, atol=1e-12)


def test_the_shares_sum_to_one_and_empty_bins_are_left_out() -> None:
    logits, labels = predictions(n=7)
    found = reliability(logits, labels, bins=100)
    assert len(found.share) <= 7
    assert found.share.sum().item() == pytest.approx(1)


def test_a_confidence_on_an_edge_belongs_to_the_bin_below() -> None:
    logits = torch.tensor([[0.0, 0.0], [math.log(0.51 / 0.49), 0.0]], dtype=torch.double)
    assert len(reliability(logits, torch.tensor([0, 0]), bins=2).share) == 2


def test_one_bin_leaves_only_the_difference_of_the_means() -> None:
    logits, labels = predictions()
    confidence, prediction = logits.double().softmax(dim=1).max(dim=1)
    difference = abs(confidence.mean() - (prediction == labels).double().mean())
    assert expected_calibration_error(logits, labels, bins=1) == pytest.approx(difference.item())


def test_a_model_calibrated_by_construction_has_a_small_error_and_needs_no_temperature() -> None:
    logits, labels = predictions(20_000)
    assert expected_calibration_error(logits, labels) < 0.02
    assert fit_temperature(logits, labels) == pytest.approx(1, abs=0.05)


@settings(max_examples=8, deadline=None)
@given(scale=st.floats(0.2, 5))
def test_scaled_logits_need_their_scale_as_temperature(scale: float) -> None:
    logits, labels = predictions()
    assert fit_temperature(scale * logits, labels) == pytest.approx(scale * fit_temperature(logits, labels), rel=1e-2)


def test_the_temperature_lowers_the_cross_entropy_and_the_error_of_an_over_confident_model() -> None:
    logits, labels = predictions()
    logits = 3 * logits
    cooled = logits / fit_temperature(logits, labels)
    assert F.cross_entropy(cooled, labels) < F.cross_entropy(logits, labels)
    assert expected_calibration_error(cooled, labels) < expected_calibration_error(logits, labels) / 2
    assert torch.equal(cooled.argmax(dim=1), logits.argmax(dim=1))


def test_where_every_prediction_is_right_the_temperature_goes_to_an_end_of_its_range() -> None:
    assert 1 / 50 <= fit_temperature(torch.eye(3), torch.arange(3)) < 1 / 20


def test_gradients_do_not_flow_into_the_temperature_and_nothing_is_changed() -> None:
    logits, labels = predictions(50)
    before = logits.clone()
    assert isinstance(fit_temperature(logits.requires_grad_(), labels), float)
    reliability(logits.detach(), labels)
    assert torch.equal(logits, before)


@pytest.mark.parametrize("labels", [torch.zeros(3, dtype=torch.long), torch.zeros(4, 1, dtype=torch.long)])
def test_shapes_that_do_not_fit_are_named(labels: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=r"got \(4, 2\) and"):
        reliability(torch.zeros(4, 2), labels)
    with pytest.raises(ValueError, match=r"got \(4, 2\) and"):
        fit_temperature(torch.zeros(4, 2), labels)


def test_no_prediction_and_no_bin_are_refused() -> None:
    with pytest.raises(ValueError, match="N >= 1"):
        reliability(torch.zeros(0, 2), torch.zeros(0, dtype=torch.long))
    with pytest.raises(ValueError, match="bins must be at least 1, got 0"):
        reliability(torch.zeros(1, 2), torch.zeros(1, dtype=torch.long), bins=0)
