"""Schedules against their formulas and torch's own schedulers."""

from __future__ import annotations

import math

import pytest
import torch

from dlbasics import schedules


def factors_of(make_scheduler, steps: int) -> list[float]:
    """What one of torch's schedulers does to a rate of 1, step by step."""
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = make_scheduler(optimiser)
    found = []
    for _ in range(steps):
        found.append(scheduler.get_last_lr()[0])
        optimiser.step()
        scheduler.step()
    return found


def test_constant_is_one_throughout():
    assert [schedules.constant()(step) for step in (0, 1, 10_000)] == [1, 1, 1]


@pytest.mark.parametrize(("every", "factor"), [(1, 0.5), (3, 0.1), (7, 0.9)])
def test_step_decay_is_torchs_step_scheduler(every, factor):
    expected = factors_of(lambda o: torch.optim.lr_scheduler.StepLR(o, every, gamma=factor), 20)
    decay = schedules.step_decay(every, factor=factor)
    assert [decay(step) for step in range(20)] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("steps", "final"), [(1, 0.0), (10, 0.0), (37, 0.05)])
def test_cosine_is_torchs_cosine_annealing_up_to_its_end(steps, final):
    expected = factors_of(lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, steps, eta_min=final), steps + 1)
    annealing = schedules.cosine(steps, final=final)
    assert [annealing(step) for step in range(steps + 1)] == pytest.approx(expected, abs=1e-12)


def test_cosine_stays_at_its_end_instead_of_rising_again():
    annealing = schedules.cosine(10, final=0.1)
    assert [annealing(step) for step in (10, 11, 20, 1000)] == [0.1] * 4
    assert annealing(5) == pytest.approx(0.55)


def test_warm_up_rises_in_equal_parts_and_then_follows_the_other_from_its_start():
    rise = schedules.warm_up(schedules.cosine(8), steps=4)
    assert [rise(step) for step in range(4)] == [0.25, 0.5, 0.75, 1]
    expected = [(1 + math.cos(math.pi * step / 8)) / 2 for step in range(9)]
    assert [rise(4 + step) for step in range(9)] == pytest.approx(expected)


def test_a_warm_up_of_no_steps_is_none():
    after = schedules.step_decay(2)
    rise = schedules.warm_up(after, steps=0)
    assert [rise(step) for step in range(6)] == [after(step) for step in range(6)]


def test_a_first_step_is_never_wasted_on_a_rate_of_zero():
    assert schedules.warm_up(schedules.constant(), steps=1000)(0) > 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: schedules.step_decay(0), "every must be at least 1 step, got 0"),
        (lambda: schedules.cosine(0), "steps must be at least 1, got 0"),
        (lambda: schedules.warm_up(schedules.constant(), steps=-1), "steps must not be negative, got -1"),
    ],
)
def test_a_length_that_makes_no_sense_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
