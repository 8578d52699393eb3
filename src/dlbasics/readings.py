"""One look at a network, on a copy of it: the loss, the signals by layer, idle units, the spread of its embeddings."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dlbasics.data import Images
from dlbasics.signals import Signals, dead_units, measure_signals
from dlbasics.space import mean_cosine, spread

# A unit counts as saturated on an image where its slope is below this share of the steepest: |tanh| above .95.
FLAT = 0.1
BOUNDED = (nn.Tanh, nn.Sigmoid)


@dataclass(frozen=True)
class Readings:
    """What a batch of images shows of a network; None or an empty list where the network has no such thing.

    Attributes:
        finite: whether every weight is finite; if not, nothing else is read.
        loss, accuracy: of the logits, in eval mode, in nats and in [0, 1]; None where the model returns embeddings.
        signals: by layer, see `measure_signals`; None without logits or without a layer to measure.
        dead: by ReLU, the share of units that are 0 on every image.
        saturated: by tanh or sigmoid, the share of outputs whose slope is below a tenth of the steepest.
        spread, cosine: of the embeddings (what enters the last dense layer, or what the model returns where that is no
            logits), see `dlbasics.space`.
    """

    finite: bool
    loss: float | None = None
    accuracy: float | None = None
    signals: Signals | None = None
    dead: tuple[float, ...] = ()
    saturated: tuple[float, ...] = ()
    spread: float | None = None
    cosine: float | None = None


def read(model: nn.Module, images: Images) -> Readings:
    """Look at a network without touching it: its weights, ``.grad``, buffers, mode and the random numbers stay.

    It is read in eval mode. A batch norm that has not seen a batch yet, before the first step, takes the statistics of
    these images, as it would in training.

    Args:
        model: from (N, C, H, W) to logits (N, K); or to embeddings (N, D), or a tuple that starts with them.
        images: at least two; a few hundred tell more than a few.

    Raises:
        ValueError: fewer than two images.
        TypeError: the model returns something else.
    """
    if len(images) < 2:
        raise ValueError(f"at least two images are needed to read a model, got {len(images)}")
    if not all(parameter.isfinite().all() for parameter in model.parameters()):
        return Readings(finite=False)
    device = next((parameter.device for parameter in model.parameters()), images.pixels.device)
    images = images.to(device)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        return _read(_copy_to_read(model, images), images)


def _read(model: nn.Module, images: Images) -> Readings:
    saturated: list[float] = []
    entered: list[Tensor] = []

    def count(part: nn.Module, _: object, result: Tensor) -> None:
        slope = 1 - result.square() if isinstance(part, nn.Tanh) else 4 * result * (1 - result)
        saturated.append((slope < FLAT).double().mean().item())

    def remember(_: nn.Module, arrived: tuple[Tensor, ...]) -> None:
        entered[:] = [arrived[0]]

    parts = list(model.modules())
    hooks = [part.register_forward_hook(count) for part in parts if isinstance(part, BOUNDED)]
    hooks += [part.register_forward_pre_hook(remember) for part in parts if isinstance(part, nn.Linear)]
    with torch.no_grad():
        result = model(images.pixels)
    for hook in hooks:
        hook.remove()
    result = result[0] if isinstance(result, tuple) else result
    if not isinstance(result, Tensor) or result.ndim < 2:
        raise TypeError(f"the model must return logits (N, K) or embeddings (N, D), got {type(result).__name__}")
    has_relu = any(isinstance(part, nn.ReLU) for part in model.modules())
    dead = tuple(dead_units(model, images.pixels)) if has_relu else ()
    is_classifier = result.shape == (len(images), images.n_classes)
    embeddings = (entered[0] if entered else None) if is_classifier else result
    has_layers = any(isinstance(part, nn.Linear | nn.Conv2d) for part in model.modules())
    return Readings(
        finite=True,
        loss=F.cross_entropy(result, images.labels).item() if is_classifier else None,
        accuracy=(result.argmax(dim=1) == images.labels).double().mean().item() if is_classifier else None,
        signals=measure_signals(model, images) if is_classifier and has_layers else None,
        dead=dead,
        saturated=tuple(saturated),
        spread=None if embeddings is None else spread(embeddings.flatten(1)),
        cosine=None if embeddings is None else mean_cosine(embeddings.flatten(1)),
    )


def _copy_to_read(model: nn.Module, images: Images) -> nn.Module:
    """A copy in eval mode, whose every weight has a gradient and whose activations leave their input as it is."""
    model = copy.deepcopy(model).eval().requires_grad_(True)
    fresh = []
    for part in model.modules():
        if hasattr(part, "inplace"):
            setattr(part, "inplace", False)  # noqa: B010 - no module declares it, many have it
        if isinstance(part, nn.modules.batchnorm._BatchNorm) and part.num_batches_tracked == 0:
            fresh.append(part.train())
            part.momentum = 1.0
    if fresh:
        with torch.no_grad():
            model(images.pixels)
        model.eval()
    return model
