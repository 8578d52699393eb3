"""What ails a run: reads a network and its history for the usual signs, and says in words what it sees."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import nn

from dlbasics.data import Images
from dlbasics.readings import Readings, read
from dlbasics.signs import SIGNS, Column, Finding, Run
from dlbasics.training import History

__all__ = ["Diagnosis", "Finding", "diagnose"]


@dataclass(frozen=True)
class Diagnosis:
    """Findings, the likeliest cause first; those after it may follow from it.

    Attributes:
        findings: empty where nothing was found, which is no proof of health.
        start, now: the readings of the model before training and as it is; None where they were not taken.
    """

    findings: tuple[Finding, ...]
    start: Readings | None = None
    now: Readings | None = None

    @property
    def names(self) -> list[str]:
        """The findings' names, in order."""
        return [finding.name for finding in self.findings]

    def __str__(self) -> str:
        if not self.findings:
            return "No sign of sickness among those looked for. Compare with a baseline before you trust it."
        lines = [
            f"{place}. {finding.name} (look under {finding.letter})\n   seen: {finding.seen}\n   try:  {finding.try_}"
            for place, finding in enumerate(self.findings, 1)
        ]
        return "\n".join([*lines, *(["Mend the first, run again: the others may follow from it."] * (len(lines) > 1))])

    def _repr_html_(self) -> str:
        if not self.findings:
            return f"<p>{html.escape(str(self))}</p>"
        rows = "".join(
            f"<li><strong>{html.escape(found.name)}</strong> (look under {found.letter})<br>"
            f"{html.escape(found.seen[:1].upper() + found.seen[1:])}<br><em>Try:</em> {html.escape(found.try_)}</li>"
            for found in self.findings
        )
        more = "<p>Mend the first, run again: the others may follow from it.</p>" * (len(self.findings) > 1)
        return f"<ol>{rows}</ol>{more}"


def diagnose(
    model: nn.Module,
    history: History | Mapping[str, Sequence[float | None]] | None = None,
    *,
    images: Images | None = None,
    initial: nn.Module | None = None,
) -> Diagnosis:
    """Read the signs of a classifier and of its run; the more is given, the more can be seen.

    Nothing of the models is changed: not their weights, gradients, buffers or mode, nor the random numbers to come.

    Args:
        model: from images to logits (N, K), before or after training; or to embeddings (or a tuple that starts with
            them), of which only the idle units and the collapse can be read.
        history: of `dlbasics.training.fit`, or columns of that kind: ``train_loss``, ``validation_loss``,
            ``update_ratio``, all of one length; None or NaN where a validation was not measured.
        images: a batch to send through the models, best a few hundred of the training images.
        initial: the model before its first step (`copy.deepcopy`); it tells what was wrong from the start from what
            training did. Without a history, ``model`` is taken for it.

    Raises:
        ValueError: neither a history nor images, or a history without ``train_loss``.
    """
    if history is None and images is None:
        raise ValueError("give a history, images, or best both: there is nothing to read otherwise")
    now = None if images is None else read(model, images)
    start = read(initial, images) if initial is not None and images is not None else (now if history is None else None)
    chance = None if images is None or now is None else _chance(now, start, images)
    run = Run(now, start, {} if history is None else _columns(history), chance)
    found = [finding for sign in SIGNS if (finding := sign(run))]
    # Whoever has one of the other sicknesses fits badly and tells images apart badly; that is worth a word of its own
    # only where nothing else explains it. (A model that returns embeddings may be there for them alone.)
    explained = {"under-fitting"} | ({"collapse"} if chance is not None else set())
    own = [finding for finding in found if finding.name not in explained]
    return Diagnosis(tuple(own or found), start, now)


def _columns(history: History | Mapping[str, Sequence[float | None]]) -> dict[str, Column]:
    given = history.columns if isinstance(history, History) else history
    if not len(given.get("train_loss", ())):
        raise ValueError(f"the history needs a column train_loss with at least one row, got {sorted(given)}")
    columns = {name: np.array(values, dtype=float) for name, values in given.items()}
    rows = len(columns["train_loss"])
    if wrong := {name: len(values) for name, values in columns.items() if len(values) != rows}:
        raise ValueError(f"all columns need the {rows} rows of train_loss, got {wrong}")
    return columns


def _chance(now: Readings, start: Readings | None, images: Images) -> float | None:
    """Log K, if the model is a classifier: a model that is not finite any more tells by what it was at the start."""
    known = start if start is not None and start.finite else now
    return math.log(images.n_classes) if known.loss is not None else None
