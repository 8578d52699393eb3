"""The signs that something ails a run, in the order of cause and effect, and where their thresholds come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from dlbasics.readings import Readings
from dlbasics.signals import Signals

# Thresholds. Where a source gives a rule of thumb, it is named; the others were set on seeds 100 and 101 of the bank
# (`dlbasics.experiments.sick_runs`) and are reported on others.
LOUD = 2.5  # times log K: healthy networks start at 1.0 to 1.2, He's weights in a residual one at 1.9
FADED = 1e-3  # backwards, first layer over last: healthy .05 to 1, eight sigmoids below 1e-4
GROWN = 100.0  # forwards (last hidden layer over first) or backwards: healthy .3 to 3
RISEN = 1.1  # times the loss at the start (or log K): a step that makes it worse was too long
LEAP = 0.1  # of the weights in one update: a hundred times the rule of thumb (Karpathy, CS231n, "Learning")
CRAWL = 5e-4  # of the weights in one update: half of that rule of thumb; healthy .003 to .05 at its largest
MOVED = 0.2  # share of the first loss: a run that crawls and gained more is merely a careful one
MOST_DEAD = 0.6  # of a layer's units: healthy up to .3
WALL = 0.9  # dead to that share, a layer stops a gradient rather than lets it fade
MOST_FLAT = 0.5  # of a layer's tanh or sigmoid outputs: healthy up to .2
COLLAPSED = 0.95  # mean cosine between embeddings: healthy up to .9 (ReLU features share a direction)
TURNED = 1.15  # validation loss at the end over its lowest
BY_HEART = 0.1  # training loss over validation loss, where the gap is over-fitting though nothing turned
HALF = 0.5  # training loss over validation loss at the end, for a turn to be called over-fitting
HIGH = 0.3  # share of log K that a loss must keep to count as under-fitted
SETTLED = 0.1  # relative gain of the last third of a run that has stopped learning; healthy and short runs .14 to .25

SMALLER_STEPS = "a learning rate three to ten times smaller, or a warm-up."

Column = NDArray[np.float64]


@dataclass(frozen=True)
class Finding:
    """One sickness.

    Attributes:
        name: of the sickness, in the field's words.
        letter: where to look for the cure: "L" layer design, "A" activation, initial weights and regularisation,
            "O" optimisation.
        seen: what was measured, in words.
        try_: what to change; one thing at a time.
    """

    name: str
    letter: str
    seen: str
    try_: str


@dataclass(frozen=True)
class Run:
    """Everything a sign may look at; ``chance`` is log K, None where the model is no classifier or K is unknown."""

    now: Readings | None
    start: Readings | None
    columns: dict[str, Column]
    chance: float | None

    def losses(self, split: str) -> Column:
        """The finite ones, in order."""
        values = self.columns.get(f"{split}_loss", np.array([]))
        return values[np.isfinite(values)]

    @property
    def peak_ratio(self) -> float | None:
        """The largest update the history saw, as a share of the weights."""
        ratios = self.columns.get("update_ratio", np.array([]))
        ratios = ratios[np.isfinite(ratios)]
        return float(ratios.max()) if len(ratios) else None

    @property
    def at_first(self) -> Readings | None:
        """The readings before training, or else those there are."""
        return self.start or self.now

    @property
    def first_signals(self) -> Signals | None:
        """The signals by layer `at_first`; None below three layers, where they have nowhere to fade or to grow."""
        signals = self.at_first.signals if self.at_first else None
        return signals if signals is not None and len(signals.gradient) >= 3 else None


# The signs: each looks at a run and returns what it found.


def _exploding(run: Run) -> Finding | None:
    if (signals := run.first_signals) is None:
        return None
    forwards, backwards = signals.pre_activation, signals.gradient
    growth = float(forwards[-2] / forwards[0].clamp(min=1e-300))
    back = float(backwards[0] / backwards[-1].clamp(min=1e-300))
    if max(growth, back) < GROWN:
        return None
    return Finding(
        "exploding signals", "A",
        f"from the first layer to the last hidden one the pre-activations grow {growth:.2g} times, and the gradient "
        f"{back:.2g} times on its way back.",
        "initial weights that suit the activation (He for ReLU, Xavier for tanh); normalisation after each layer.",
    )  # fmt: skip


def _loud_start(run: Run) -> Finding | None:
    if run.chance is None or run.start is None or run.start.loss is None or run.start.loss < LOUD * run.chance:
        return None
    return Finding(
        "loud start", "A",
        f"the loss at the start is {run.start.loss:.3g}, and guessing would cost log K = {run.chance:.2f}: the network "
        "knows nothing and is sure of it.",
        "smaller initial weights in the last layer; inputs on a scale of about 1.",
    )  # fmt: skip


def _diverged(run: Run) -> Finding | None:
    losses = run.columns.get("train_loss", np.array([]))
    broken = np.flatnonzero(~np.isfinite(losses))
    if not len(broken) and (run.now is None or run.now.finite):
        return None
    steps = run.columns.get("step")
    place = "" if steps is None or not len(broken) else f" by step {steps[broken[0]]:.0f}"
    return Finding(
        "divergence", "O",
        f"the loss or the weights are no longer finite{place}.",
        "a learning rate ten times smaller; then warm-up or clipping. If the rate is modest already, look for a "
        "logarithm or a division that can meet 0.",
    )  # fmt: skip


def _rate_too_high(run: Run) -> Finding | None:
    losses, ratio = run.losses("train"), run.peak_ratio
    signs = []
    first = run.start.loss if run.start is not None else None
    reference = max(first or 0.0, run.chance or 0.0)
    if reference and len(losses) and losses.max() > RISEN * reference and (first or (ratio or 0) > LEAP / 2):
        signs.append(f"the training loss rose to {losses.max():.3g}, from {reference:.2f} before the first step")
    if ratio is not None and ratio > LEAP:
        signs.append(f"one update moved the weights by {ratio:.2g} of their size")
    if not signs:
        return None
    return Finding("rate too high", "O", "; ".join(signs) + ".", SMALLER_STEPS)


def _saturated(run: Run, *, born: bool) -> Finding | None:
    look = _worst(run, "saturated", MOST_FLAT, born=born)
    if look is None:
        return None
    layer, share = look
    return Finding(
        "saturation", "A" if born else "O",
        f"{share:.0%} of the outputs of activation {layer} lie where tanh or sigmoid is nearly flat, "
        f"{_since(run, born)}: hardly any gradient passes there.",
        "smaller initial weights (Xavier), inputs on a scale of about 1, normalisation before the activation, or ReLU."
        if born else SMALLER_STEPS,
    )  # fmt: skip


def _dead(run: Run, *, born: bool) -> Finding | None:
    look = _worst(run, "dead", MOST_DEAD, born=born)
    if look is None:
        return None
    layer, share = look
    return Finding(
        "dead units", "A" if born else "O",
        f"{share:.0%} of the units of ReLU {layer} are 0 on every image, {_since(run, born)}.",
        "biases of 0 and He's initial weights; a leaky ReLU or GELU; normalisation before the activation."
        if born else SMALLER_STEPS,
    )  # fmt: skip


def _worst(run: Run, name: str, most: float, *, born: bool) -> tuple[int, float] | None:
    """The first layer (from 1) whose share is above ``most``, and the share: from the start, or only since then."""
    if run.at_first is None or run.now is None:
        return None
    before, after = getattr(run.at_first, name), getattr(run.now, name)
    ill_before = [(layer, share) for layer, share in enumerate(before, 1) if share > most]
    ill_after = [(layer, share) for layer, share in enumerate(after, 1) if share > most]
    if born:
        return ill_before[0] if ill_before else None
    return ill_after[0] if ill_after and not ill_before else None


def _since(run: Run, born: bool) -> str:
    if run.start is None:
        return "by now"
    return "from the start" if born else "since the training began"


def _vanishing(run: Run) -> Finding | None:
    if (signals := run.first_signals) is None:
        return None
    back = float(signals.gradient[0] / signals.gradient[-1].clamp(min=1e-300))
    if back > FADED or max(run.at_first.dead if run.at_first else (), default=0) > WALL:
        return None
    return Finding(
        "vanishing gradients", "A",
        f"of the gradient at the last of {len(signals.gradient)} layers {back:.1g} arrives at the first, which "
        "can hardly learn.",
        "ReLU or GELU for sigmoid, with initial weights that suit it; normalisation; residual connections (L).",
    )  # fmt: skip


def _collapsed(run: Run) -> Finding | None:
    if run.now is None or run.now.cosine is None or run.now.spread is None or not run.now.cosine > COLLAPSED:
        return None
    return Finding(
        "collapse", "L",
        f"the embeddings of different images have a mean cosine of {run.now.cosine:.4f} and a spread of "
        f"{run.now.spread:.3f}: the network tells them hardly apart.",
        "in a siamese network, what keeps it from collapsing (a detached branch, negatives); in a classifier, what "
        "the other findings say.",
    )  # fmt: skip


def _rate_too_low(run: Run) -> Finding | None:
    losses, ratio = run.losses("train"), run.peak_ratio
    if ratio is None or ratio > CRAWL or len(losses) < 2 or losses[-1] < (1 - MOVED) * losses[0]:
        return None
    return Finding(
        "rate too low", "O",
        f"no update seen moved the weights by more than {ratio:.1g} of their size, and the training loss went from "
        f"{losses[0]:.3g} to {losses[-1]:.3g} only.",
        "a learning rate ten times larger; again until the loss falls, or rises.",
    )  # fmt: skip


def _over_fitting(run: Run) -> Finding | None:
    train, validation = run.losses("train"), run.losses("validation")
    if len(validation) < 3:
        return None
    turned = validation[-1] > TURNED * validation.min() and train[-1] < HALF * validation[-1]
    if not turned and not train[-1] < BY_HEART * validation[-1]:
        return None
    measured = np.isfinite(run.columns["validation_loss"])
    steps = run.columns.get("step", np.arange(1.0, len(measured) + 1))[measured]
    return Finding(
        "over-fitting", "A",
        f"the training loss is down to {train[-1]:.2g}; the validation loss was lowest at step "
        f"{steps[validation.argmin()]:.0f}, {validation.min():.2f}, and is {validation[-1]:.2f} at the end.",
        "augmentation, weight decay or dropout; more images; stopping at the turn.",
    )  # fmt: skip


def _under_fitting(run: Run) -> Finding | None:
    train, validation = run.losses("train"), run.losses("validation")
    if run.chance is None or len(train) < 6 or train[-1] < HIGH * run.chance:
        return None
    third = len(train) // 3
    before, after = train[-2 * third : -third].mean(), train[-third:].mean()
    if after < (1 - SETTLED) * before or (len(validation) and train[-1] < HALF * validation[-1]):
        return None
    return Finding(
        "under-fitting", "L",
        f"the training loss has settled at {after:.2f} (log K is {run.chance:.2f}) and fell by "
        f"{1 - after / before:.1%} in the last third of the run: the network does not even fit what it sees.",
        "a larger network (L); or, if dropout or weight decay is strong, less of it (A).",
    )  # fmt: skip


# In the order of cause and effect: what can bring about the others comes first. Idle units that a network was born with
# come before training, those that training made after what may be wrong with it.
SIGNS: tuple[Callable[[Run], Finding | None], ...] = (
    _exploding,
    partial(_saturated, born=True),
    _vanishing,
    partial(_dead, born=True),
    _loud_start,
    _diverged,
    _rate_too_high,
    partial(_saturated, born=False),
    partial(_dead, born=False),
    _collapsed,
    _rate_too_low,
    _over_fitting,
    _under_fitting,
)
