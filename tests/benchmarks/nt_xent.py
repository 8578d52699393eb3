"""NT-Xent, forward and backward: time and peak memory against lightly's and pytorch-metric-learning's."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import MagicMock

import torch
from pytorch_metric_learning.losses import NTXentLoss as MetricLearningNTXent
from pytorch_metric_learning.losses import SelfSupervisedLoss
from timing import OURS, Row, Stopwatch, compare, milliseconds, run
from torch import Tensor

from dlbasics.losses import nt_xent

D = 128
TEMPERATURE = 0.5
TOLERANCE = 1e-5
MEBIBYTE = 2**20

Loss = Callable[[Tensor, Tensor], Tensor]


def lightly_nt_xent() -> Loss:
    """lightly's loss, without torchvision, which lightly imports and this loss never calls."""
    absent = [name for name in ("torchvision", "torchvision.ops") if name not in sys.modules]
    sys.modules.update({name: MagicMock() for name in absent})
    try:
        from lightly.loss.ntx_ent_loss import NTXentLoss
    finally:
        for name in absent:  # who asks for torchvision later shall hear that it is not there
            del sys.modules[name]
    return NTXentLoss(temperature=TEMPERATURE)


def benchmark(stopwatch: Stopwatch) -> list[Row]:
    """N = 256 and 1024; there, one matrix of pytorch-metric-learning's would hold 2048 x 4,192,256 numbers: 32 GiB."""
    losses: dict[str, Loss] = {
        OURS: lambda z_a, z_b: nt_xent(z_a, z_b, temperature=TEMPERATURE),
        "lightly": lightly_nt_xent(),
    }
    slow: dict[str, Loss] = {
        "pytorch-metric-learning": SelfSupervisedLoss(MetricLearningNTXent(temperature=TEMPERATURE))
    }
    return measure(256, losses | slow, stopwatch) + measure(1024, losses, stopwatch)


def measure(n: int, losses: dict[str, Loss], stopwatch: Stopwatch) -> list[Row]:
    """Agreement first, then time, then memory."""
    z_a, z_b = torch.randn(2, n, D, generator=torch.Generator().manual_seed(0))
    z_b = z_a + z_b  # two views of one image lie closer than two images
    values: dict[str, float] = {}

    def training_step(name: str) -> Callable[[], None]:
        def step() -> None:
            a, b = z_a.detach().requires_grad_(), z_b.detach().requires_grad_()
            loss = losses[name](a, b)
            loss.backward()
            values[name] = loss.item()

        return step

    steps = {name: training_step(name) for name in losses}
    rows = compare(f"NT-Xent forward + backward, N = {n}", stopwatch.interleave(steps), milliseconds)
    assert all(abs(value - values[OURS]) < TOLERANCE for value in values.values()), values

    peaks = {name: peak_bytes(step) for name, step in steps.items()}
    shown = {name: f"{peak / MEBIBYTE:,.1f} MiB" for name, peak in peaks.items()}
    return rows + [
        Row(f"NT-Xent peak memory, N = {n}", shown[OURS], name, shown[name], peaks[name] / peaks[OURS])
        for name in losses
        if name != OURS
    ]


def peak_bytes(call: Callable[[], None]) -> int:
    """The most bytes of tensors that ``call`` holds at one time, by torch's own allocator."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        call()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        profile.export_chrome_trace(str(path))
        events = json.loads(path.read_text())["traceEvents"]
    changes = sorted((e["ts"], e["args"]["Bytes"]) for e in events if e["name"] == "[memory]")
    held = peak = 0
    for _, change in changes:
        held += change
        peak = max(peak, held)
    return peak


if __name__ == "__main__":
    run(benchmark)
