"""Intervals against their formulas, and the share of times that they hold the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from dlbasics.intervals import Interval, accuracy_interval, mean_interval, paired_difference


@pytest.mark.parametrize(("right", "total"), [(0, 10), (7, 10), (10, 10), (9123, 10_000)])
def test_an_accuracys_interval_is_wilsons(right, total):
    z, share = 1.959963984540054, right / total
    centre = (share + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z / (1 + z**2 / total) * math.sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
    found = accuracy_interval(right, total)
    assert found.estimate == share
    assert (found.low, found.high) == pytest.approx((centre - half, centre + half), abs=1e-12)


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_an_accuracys_interval_holds_the_truth_as_often_as_it_says(confidence):
    n = 60
    intervals = [accuracy_interval(right, n, confidence=confidence) for right in range(n + 1)]
    covered = [
        stats.binom.pmf(np.arange(n + 1), n, truth)[[i.low <= truth <= i.high for i in intervals]].sum()
        for truth in np.linspace(0.05, 0.95, 91)
    ]
    assert np.mean(covered) == pytest.approx(confidence, abs=0.015)  # exact: summed over all outcomes


@pytest.mark.parametrize(("right", "total"), [(-1, 10), (11, 10), (0, 0)])
def test_counts_that_make_no_sense_are_named(right, total):
    with pytest.raises(ValueError, match=f"got {right} of {total}"):
        accuracy_interval(right, total)


def test_an_interval_says_whether_it_excludes_zero():
    assert Interval(0.2, 0.1, 0.3).excludes_zero
    assert Interval(-0.2, -0.3, -0.1).excludes_zero
    assert not Interval(0.1, -0.1, 0.3).excludes_zero
    assert not Interval(0.1, 0.0, 0.2).excludes_zero


def test_a_paired_difference_of_a_known_table():
    found = paired_difference([[1, 3], [3, 5]], [[1, 1], [1, 1]])
    # both margins are (1, 3) around 2: each has variance 2 / 2, together 2, with 2 degrees of freedom
    half = 4.302652729911275 * math.sqrt(2)
    assert (found.estimate, found.low, found.high) == pytest.approx((2, 2 - half, 2 + half))


def test_where_only_draws_vary_it_is_the_paired_t_interval():
    draw = np.random.default_rng(0)
    difference = draw.normal(0.3, 1, size=12)
    other = draw.normal(size=(4, 12))
    found = paired_difference(other + difference, other, confidence=0.9)
    expected = stats.ttest_1samp(difference, 0).confidence_interval(0.9)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_what_both_methods_share_cancels():
    draw = np.random.default_rng(0)
    a, b, shared = draw.normal(size=(3, 4, 6))
    plain, shifted = paired_difference(a, b), paired_difference(a + 100 * shared, b + 100 * shared)
    assert (plain.low, plain.high) == pytest.approx((shifted.low, shifted.high))


def test_swapping_the_methods_mirrors_the_interval():
    a, b = np.random.default_rng(0).normal(size=(2, 4, 6))
    there, back = paired_difference(a, b), paired_difference(b, a)
    assert (there.estimate, there.low, there.high) == pytest.approx((-back.estimate, -back.high, -back.low))


def test_differences_without_spread_have_an_interval_of_no_width():
    assert paired_difference(np.full((2, 3), 0.75), np.full((2, 3), 0.5)) == Interval(0.25, 0.25, 0.25)


@pytest.mark.parametrize(("of_encoders", "of_draws", "of_the_rest"), [(1, 1, 1), (0.2, 1, 0.3), (1, 0.2, 0.3)])
def test_a_paired_difference_holds_the_truth_about_as_often_as_it_says(of_encoders, of_draws, of_the_rest):
    draw, truth, trials = np.random.default_rng(0), 0.7, 300
    held = 0
    for _ in range(trials):
        encoders, draws = draw.normal(0, of_encoders, (3, 1)), draw.normal(0, of_draws, (1, 10))
        difference = truth + encoders + draws + draw.normal(0, of_the_rest, (3, 10))
        found = paired_difference(difference, np.zeros((3, 10)))
        held += found.low <= truth <= found.high
    assert held / trials >= 0.92


@pytest.mark.parametrize(("a", "b"), [((3, 4), (3, 5)), ((1, 4), (1, 4)), ((4, 1), (4, 1)), ((4,), (4,))])
def test_tables_without_two_encoders_and_two_draws_are_named(a, b):
    with pytest.raises(ValueError, match=r"encoders >= 2, draws >= 2\), got \(.*\) and \("):
        paired_difference(np.zeros(a), np.zeros(b))


@pytest.mark.parametrize("confidence", [0.5, 0.95])
def test_the_interval_of_a_mean_is_students(confidence):
    sample = np.random.default_rng(0).normal(2, 1, size=9)
    found = mean_interval(sample, confidence=confidence)
    expected = stats.ttest_1samp(sample, 0).confidence_interval(confidence)
    assert (found.estimate, found.low, found.high) == pytest.approx((sample.mean(), expected.low, expected.high))


@pytest.mark.parametrize("values", [[1.0], [[1.0, 2.0], [3.0, 4.0]], 5.0])
def test_a_mean_needs_one_row_of_two_numbers(values):
    with pytest.raises(ValueError, match="one row of at least two numbers, got shape"):
        mean_interval(values)
