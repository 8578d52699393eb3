"""One training loop for the whole course: it watches, stops early, can be resumed, and speaks when a run diverges."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm.auto import tqdm

from dlbasics.augment import NOTHING, Augment
from dlbasics.building import building_book
from dlbasics.data import Batches, Images
from dlbasics.device import best_device, has_fast_bfloat16
from dlbasics.schedules import Schedule, constant

Loss = Callable[[nn.Module, Images, torch.Generator | None], Tensor]
Measure = Callable[[nn.Module], dict[str, float]]


class TrainingDivergedError(RuntimeError):
    """The loss became NaN or infinite; the message says where and what to try.

    Attributes:
        history: of the run up to there, the row that was not finite included; for `dlbasics.diagnosis`.
    """

    def __init__(self, message: str, history: History) -> None:
        super().__init__(message)
        self.history = history


@dataclass
class History:
    """What a run wrote down: one row each time it looked up, kept as plain columns.

    Attributes:
        columns: ``step``, ``train_loss`` (mean since the last row), ``learning_rate``, ``gradient_norm`` (the largest
            since the last row), ``update_ratio`` (the last update's size over the weights'), ``seconds``, and what the
            measure returned (``validation_loss``, ``validation_accuracy``).
        best_step: the step whose weights the model carries at the end; None without a measure to choose by.
        stopped_early: whether patience ran out.
    """

    columns: dict[str, list[float]] = field(default_factory=dict)
    best_step: int | None = None
    stopped_early: bool = False

    def append(self, row: dict[str, float]) -> None:
        """Add a row; every row has the same names."""
        for name, value in row.items():
            self.columns.setdefault(name, []).append(float(value))

    def __getitem__(self, name: str) -> list[float]:
        return self.columns[name]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides a run besides model, data and loss; print it, store it, compare it.

    Attributes:
        steps: updates to make.
        batch_size: images an update.
        learning_rate: peak rate of AdamW.
        weight_decay: of AdamW, on weights and biases alike.
        schedule: a factor of the rate by step (`dlbasics.schedules`); None keeps it constant.
        augment: applied to each training batch.
        clip: largest gradient norm; None leaves gradients alone.
        look_every: steps between two rows of the history, and between two validations.
        patience: looks without a lower ``validation_loss`` before the run stops; None never stops early.
        restore_best: end with the weights of the lowest validation loss instead of the last ones.
        seed: of the shuffling and the augmentation.
    """

    steps: int
    batch_size: int = 128
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    schedule: Schedule | None = None
    augment: Augment = NOTHING
    clip: float | None = None
    look_every: int = 50
    patience: int | None = None
    restore_best: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "look_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate must be positive, got {self.learning_rate}")

    def describe(self) -> dict[str, Any]:
        """The settings as plain values, for a log or a tracker; the schedule by its values at five steps."""
        settings = asdict(self) | {"augment": asdict(self.augment)}
        schedule = self.schedule or constant()
        settings["schedule"] = [
            round(schedule(round(share * (self.steps - 1))), 4) for share in (0, 0.25, 0.5, 0.75, 1)
        ]
        return settings


def fit(
    model: nn.Module,
    images: Images,
    recipe: Recipe,
    *,
    loss: Loss | None = None,
    measure: Measure | None = None,
    optimiser: torch.optim.Optimizer | None = None,
    device: str | torch.device | None = None,
    checkpoint: Path | str | None = None,
    mixed_precision: bool | None = None,
    progress: bool | None = None,
    description: str = "training",
) -> History:
    """Train ``model`` in place; by default a classifier, with cross-entropy.

    Args:
        model: moved to ``device`` and left there, in eval mode; its frozen parts (`dlbasics.finetuning.freeze`) stay as
            they are, batch-norm statistics included.
        images: to train on; moved to ``device`` whole.
        recipe: the settings.
        loss: from (model, augmented batch, generator) to a scalar; None is cross-entropy of the model's logits.
        measure: called on the model in eval mode at every look (for instance `validator`); its ``validation_loss``
            chooses the best weights and decides about early stopping.
        optimiser: over the model's parameters, on ``device``; None makes AdamW from the recipe.
        checkpoint: a file to write at every look. If it exists the run goes on from it and ends as if it had never been
            interrupted; it is removed when the run is complete.
        mixed_precision: bfloat16 autocast; None uses it where it is measured to be faster (`has_fast_bfloat16`).
        progress: show a bar; None shows one unless a book is being built.

    Returns:
        The history.

    Raises:
        TrainingDivergedError: the loss is NaN or infinite.
        ValueError: patience without a measure, or a checkpoint written under other settings.
    """
    if recipe.patience is not None and measure is None:
        raise ValueError("patience needs a measure that returns validation_loss, got measure=None")
    device = best_device(device)
    nn.utils.convert_conv2d_weight_memory_format(model.to(device), torch.channels_last)
    _train_mode(model)
    batches = Batches(images.to(device), recipe.batch_size, seed=recipe.seed)
    generator = torch.Generator(device).manual_seed(recipe.seed)
    optimiser = optimiser or adamw(model, recipe)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimiser, recipe.schedule or constant())
    run = _Run(model, optimiser, scheduler, generator, recipe)
    path = Path(checkpoint) if checkpoint else None
    if path and path.exists():
        run.resume(path)

    show = not building_book() if progress is None else progress
    autocast = _autocast(device, mixed_precision)
    losses, norms, started = [], [], time.perf_counter()
    with tqdm(total=recipe.steps, initial=run.step, desc=description, disable=not show, leave=False) as bar:
        while run.step < recipe.steps and not run.history.stopped_early:
            looks = (run.step + 1) % recipe.look_every == 0 or run.step + 1 == recipe.steps
            batch = batches(run.step)
            batch = Images(recipe.augment(batch.pixels, generator=generator), batch.labels, batch.class_names)
            before = _flat(model) if looks else torch.empty(0)
            with autocast():
                value = (loss or cross_entropy)(model, batch, generator)
            norms.append(update(value, model, optimiser, clip=recipe.clip))
            rate = scheduler.get_last_lr()[0]
            scheduler.step()
            losses.append(value.detach())
            run.step += 1
            bar.update()
            if looks:
                row = {
                    "step": run.step,
                    "train_loss": torch.stack(losses).mean().item(),
                    "learning_rate": rate,
                    "gradient_norm": torch.stack(norms).max().item(),
                    "update_ratio": ((_flat(model) - before).norm() / before.norm()).item(),
                    "seconds": run.seconds_before + time.perf_counter() - started,
                }
                _stop_if_diverged(row, run.history)
                losses, norms = [], []
                run.look(row, measure)
                bar.set_postfix({"loss": f"{row['train_loss']:.3f}"})
                if path:
                    run.save(path)
    run.finish()
    if path:
        path.unlink(missing_ok=True)
    return run.history


def adamw(model: nn.Module, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW over all of the model's parameters, with the recipe's rate and decay.

    Source: Loshchilov & Hutter, "Decoupled Weight Decay Regularization", ICLR 2019.
    """
    return torch.optim.AdamW(model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)


def cross_entropy(model: nn.Module, batch: Images, generator: torch.Generator | None = None) -> Tensor:
    """Cross-entropy of the model's logits against the labels, a scalar in nats."""
    return F.cross_entropy(model(batch.pixels.contiguous(memory_format=torch.channels_last)), batch.labels)


def update(loss: Tensor, model: nn.Module, optimiser: torch.optim.Optimizer, *, clip: float | None = None) -> Tensor:
    """The bare step: backward, an optional clip, one update. Returns the gradient's norm before the clip, a scalar."""
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), math.inf if clip is None else clip)
    optimiser.step()
    return norm.detach()


@torch.no_grad()
def predict_logits(model: nn.Module, pixels: Tensor, *, batch_size: int = 1000) -> Tensor:
    """The model's logits in eval mode, shape (N, K); the mode of each of its parts is put back afterwards."""
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    device = next((parameter.device for parameter in model.parameters()), pixels.device)
    parts = [
        model(part.to(device).contiguous(memory_format=torch.channels_last)).float()
        for part in pixels.split(batch_size)
    ]
    for part, was_training in modes:
        part.training = was_training
    return torch.cat(parts)


def validator(images: Images) -> Measure:
    """A measure for `fit`: ``validation_loss`` (mean cross-entropy, nats) and ``validation_accuracy`` on ``images``."""

    def measure(model: nn.Module) -> dict[str, float]:
        logits = predict_logits(model, images.pixels)
        labels = images.labels.to(logits.device)
        return {
            "validation_loss": F.cross_entropy(logits, labels).item(),
            "validation_accuracy": (logits.argmax(dim=1) == labels).float().mean().item(),
        }

    return measure


class _Run:
    """The state of a run: what a checkpoint has to hold so that nothing is lost."""

    def __init__(
        self,
        model: nn.Module,
        optimiser: torch.optim.Optimizer,
        scheduler: torch.optim.lr_scheduler.LambdaLR,
        generator: torch.Generator,
        recipe: Recipe,
    ) -> None:
        self.model, self.optimiser, self.scheduler = model, optimiser, scheduler
        self.generator, self.recipe = generator, recipe
        self.history = History()
        self.step, self.seconds_before, self.looks_since_best = 0, 0.0, 0
        self.best_loss = math.inf
        self.best_weights: dict[str, Any] | None = None

    def look(self, row: dict[str, float], measure: Measure | None) -> None:
        """Measure, write the row, remember the best weights, lose patience."""
        if measure:
            self.model.eval()
            row |= measure(self.model)
            _train_mode(self.model)
        self.history.append(row)
        loss = row.get("validation_loss")
        if loss is None:
            return
        if loss < self.best_loss:
            self.best_loss, self.looks_since_best = loss, 0
            self.history.best_step = self.step
            if self.recipe.restore_best:
                self.best_weights = copy.deepcopy(self.model.state_dict())
        else:
            self.looks_since_best += 1
        patience = self.recipe.patience
        self.history.stopped_early = patience is not None and self.looks_since_best >= patience

    def finish(self) -> None:
        if self.best_weights is not None:
            self.model.load_state_dict(self.best_weights)
        self.model.eval()

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        state = {
            "recipe": self.recipe.describe(),
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "scheduler": {k: v for k, v in self.scheduler.state_dict().items() if k != "lr_lambdas"},
            "generator": self.generator.get_state(),
            "global_generator": torch.get_rng_state(),
            "history": asdict(self.history),
            "progress": (self.step, self.looks_since_best, self.best_loss),
            "best_weights": self.best_weights,
        }
        partial = path.with_suffix(path.suffix + ".part")
        torch.save(state, partial)
        partial.replace(path)  # a run killed while it saves keeps its last whole checkpoint

    def resume(self, path: Path) -> None:
        state = torch.load(path, map_location="cpu", weights_only=True)
        if state["recipe"] != (now := self.recipe.describe()):
            changed = [name for name in now if state["recipe"].get(name) != now[name]]
            raise ValueError(f"{path} was written under other settings ({', '.join(changed)}); delete it to start anew")
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.scheduler.load_state_dict({**self.scheduler.state_dict(), **state["scheduler"]})
        self.generator.set_state(state["generator"])
        torch.set_rng_state(state["global_generator"])  # dropout draws from it
        self.history = History(**state["history"])
        self.step, self.looks_since_best, self.best_loss = state["progress"]
        self.best_weights = state["best_weights"]
        self.seconds_before = self.history["seconds"][-1]


def _autocast(device: torch.device, mixed_precision: bool | None) -> Callable[[], AbstractContextManager[Any]]:
    enabled = has_fast_bfloat16(device) if mixed_precision is None else mixed_precision
    return (lambda: torch.autocast(device.type, dtype=torch.bfloat16)) if enabled else nullcontext


def _train_mode(model: nn.Module) -> None:
    """Train mode for what learns; a part whose parameters are all frozen keeps its statistics, and drops nothing."""
    model.train()
    for part in model.modules():
        parameters = list(part.parameters())
        if parameters and not any(parameter.requires_grad for parameter in parameters):
            part.eval()


def _flat(model: nn.Module) -> Tensor:
    """All parameters as one vector, detached."""
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def _stop_if_diverged(row: dict[str, float], history: History) -> None:
    if not math.isfinite(row["train_loss"]):
        rows = {name: [*history.columns.get(name, []), value] for name, value in row.items()}
        raise TrainingDivergedError(
            f"the loss was {row['train_loss']} by step {row['step']} (learning rate {row['learning_rate']:.2g}, "
            f"gradient norm {row['gradient_norm']:.3g}). Try a learning rate ten times smaller, a warm-up or clip=1.0, "
            "and look for a log or a division that can meet 0.",
            History(rows),
        )
