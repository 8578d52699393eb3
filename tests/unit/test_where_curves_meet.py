import math

import numpy as np
import pytest

from dlbasics.augment import LIGHT, NOTHING
from dlbasics.experiments import Result
from dlbasics.experiments.label_efficiency import CHOOSING_SEED
from dlbasics.experiments.where_curves_meet import WHERE_CURVES_MEET, _Study, difference, mean_and_spread
from dlbasics.intervals import mean_interval, paired_difference

CROSSED = {"pretrained": [[0.5, 0.6], [0.6, 0.7]], "control": [[0.4, 0.55]]}
DIAGONAL = {"pretrained": [[0.8], [0.82], [0.81]], "control": [[0.79], [0.8], [0.8]]}


@pytest.fixture
def result() -> Result:
    accuracy = {name: {"10": CROSSED[name], "1000": DIAGONAL[name]} for name in CROSSED}
    return Result(name="where_curves_meet", key="", settings={}, made={}, values={"accuracy": accuracy})


def test_where_every_encoder_meets_every_draw_both_sources_of_chance_count(result):
    expected = paired_difference([[0.5, 0.6], [0.6, 0.7]], [[0.4, 0.55], [0.4, 0.55]])
    assert difference(result, "pretrained", "control", 10) == expected


def test_where_each_encoder_has_a_draw_of_its_own_the_differences_are_independent(result):
    found = difference(result, "pretrained", "control", 1000)
    expected = mean_interval([0.01, 0.02, 0.01])
    assert (found.estimate, found.low, found.high) == pytest.approx((expected.estimate, expected.low, expected.high))


def test_a_methods_mean_and_spread_come_with_the_budgets_it_was_measured_at(result):
    budgets, means, spreads = mean_and_spread(result, "pretrained")
    assert budgets == [10, 1000]
    assert means == pytest.approx([0.6, 0.81])
    assert spreads == pytest.approx([np.std([0.5, 0.6, 0.6, 0.7], ddof=1), 0.01])


class Settings:
    """What `_Study` needs of a workspace."""

    settings = WHERE_CURVES_MEET.settings


@pytest.fixture
def study(fashion) -> _Study:
    return _Study(Settings(), fashion.train, fashion.validation[:3000], fashion.validation[3000:])


def test_few_labels_are_crossed_and_many_are_not(study):
    assert study.pairs(10, encoders=True) == [[0, 1, 2, 3]] * 3
    assert study.pairs(10, encoders=False) == [[0, 1, 2, 3]]
    assert study.pairs(50_000, encoders=True) == study.pairs(50_000, encoders=False) == [[0], [1], [2]]


def test_fine_tuning_and_training_from_scratch_take_equally_many_steps(study):
    for n in WHERE_CURVES_MEET.settings["budgets"]:
        fast, gentle = study.recipe("fast", n, 1), study.recipe("gentle", n, 1)
        assert (fast.augment, gentle.augment) == (LIGHT, NOTHING)
        assert gentle.learning_rate < fast.learning_rate
        assert (gentle.steps, gentle.batch_size) == (fast.steps, fast.batch_size)
        assert fast.batch_size <= n
        assert fast.schedule(fast.steps) == pytest.approx(0)
        assert max(fast.schedule(step) for step in range(fast.steps)) == pytest.approx(1)


def test_a_smaller_label_budget_is_part_of_a_larger_one_of_the_same_draw(study):
    small, large = (set(study.rows(n, 2).tolist()) for n in (1000, 10_000))
    assert small < large
    assert len(study.rows(50_000, 2).unique()) == 50_000


def test_the_images_and_the_draw_that_choose_are_not_those_that_report():
    settings = WHERE_CURVES_MEET.settings
    assert CHOOSING_SEED not in {*range(settings["draws"]), *settings["seeds"]}
    assert settings["choose_on"] + settings["evaluate_on"] <= 10_000
    assert math.isclose(settings["pool"], 50_000)
