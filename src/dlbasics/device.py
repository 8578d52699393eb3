"""What this process computes on: the best accelerator present, else the processor."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache

import torch

from dlbasics.building import building_book


def best_device(request: str | torch.device | None = None) -> torch.device:
    """The device to compute on, said once per process.

    Args:
        request: a device name such as ``"cuda:1"``; None takes the environment variable ``DLBASICS_DEVICE``, and
            without it the first present of CUDA, MPS (Apple), XPU (Intel), CPU.

    Raises:
        ValueError: the requested device is unknown to torch or absent from this machine; the message lists the others.
    """
    wanted = request if request is not None else os.environ.get("DLBASICS_DEVICE") or None
    if wanted is None:
        device = torch.device(present_devices()[0])
    else:
        try:
            device = torch.device(wanted)
        except RuntimeError as error:
            raise ValueError(f"unknown device {wanted!r}; this machine has {', '.join(present_devices())}") from error
        if device.type not in (*present_devices(), "meta"):
            raise ValueError(f"this machine has no {device.type!r} device; it has {', '.join(present_devices())}")
    _announce(str(device))
    return device


def present_devices() -> list[str]:
    """The device types of this machine, best first; ``"cpu"`` is always the last."""
    accelerators: dict[str, Callable[[], bool]] = {
        "cuda": torch.cuda.is_available,
        "mps": torch.backends.mps.is_available,
        "xpu": torch.xpu.is_available,
    }
    return [name for name, is_available in accelerators.items() if is_available()] + ["cpu"]


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 autocast speeds training up here: CUDA and XPU, and processors with bf16 units.

    A processor without such units emulates it, slower than float32: the default is measured, not hoped for.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "xpu":
        return True
    # torch has no public question for this yet; where the private one is missing we stay in float32
    return device.type == "cpu" and any(
        getattr(torch.cpu, name, lambda: False)() for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    )


@cache
def _announce(device: str) -> None:
    """Tell the reader once which device was chosen; a built page stays free of it."""
    if not building_book():
        print(f"dlbasics computes on {device} (set DLBASICS_DEVICE to choose another)")
