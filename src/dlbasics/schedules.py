"""How the learning rate moves: each schedule is a function from the step (from 0) to a factor of the base rate."""

from __future__ import annotations

import math
from collections.abc import Callable

Schedule = Callable[[int], float]


def constant() -> Schedule:
    """Factor 1 throughout."""
    return lambda step: 1.0


def step_decay(every: int, *, factor: float = 0.1) -> Schedule:
    """Multiply by ``factor`` after each ``every`` steps."""
    if every < 1:
        raise ValueError(f"every must be at least 1 step, got {every}")
    return lambda step: factor ** (step // every)


def cosine(steps: int, *, final: float = 0.0) -> Schedule:
    """Half a cosine from 1 at step 0 to ``final`` at step ``steps``, and ``final`` from there on.

    Source: Loshchilov & Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017, eq. 5.
    """
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    return lambda step: final + (1 - final) * (1 + math.cos(math.pi * min(step / steps, 1))) / 2


def warm_up(after: Schedule, *, steps: int) -> Schedule:
    """Rise in equal parts to factor 1 over the first ``steps`` steps, then follow ``after`` from its own step 0.

    Source: Goyal et al., "Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour", 2017, section 2.2.
    """
    if steps < 0:
        raise ValueError(f"steps must not be negative, got {steps}")
    return lambda step: (step + 1) / steps if step < steps else after(step - steps)
