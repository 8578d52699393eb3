"""Stored results: small tracked files that say how they came to be, refused when their declaration has moved on."""

from __future__ import annotations

import json
import os
import platform
import shutil
import time
from dataclasses import asdict, dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from dlbasics.device import best_device
from dlbasics.experiments.declaration import Experiment, Workspace
from dlbasics.models import ConvBackbone, seeded

RESULTS = Path(__file__).parent / "results"


class StaleResultError(RuntimeError):
    """A stored result is missing, or its settings are no longer those of its declaration."""


@dataclass(frozen=True)
class Result:
    """What an experiment found, and how.

    Attributes:
        values: what it measured, plain numbers and lists; each experiment's module says which.
        settings: what it was told, seeds included.
        key: of the declaration it ran under.
        made: date, hardware, versions, and the wall-clock ``seconds``, those of its interrupted runs' parts included.
    """

    name: str
    key: str
    settings: dict[str, Any]
    made: dict[str, Any]
    values: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.values[name]


def load(name: str, *, results: Path = RESULTS) -> Result:
    """The stored result of an experiment.

    Raises:
        KeyError: no experiment has this name.
        StaleResultError: the result is missing or belongs to other settings.
    """
    from dlbasics.experiments.catalogue import find  # the catalogue imports every experiment, which import this

    return stored(find(name), results=results)


def stored(experiment: Experiment, *, results: Path = RESULTS) -> Result:
    """The stored result of this declaration; raises `StaleResultError` as `load` does."""
    path = results / f"{experiment.name}.json"
    remedy = f"run: python -m dlbasics.experiments run {experiment.name}"
    if not path.exists():
        raise StaleResultError(f"{experiment.name} has no stored result; {remedy}")
    result = Result(**json.loads(path.read_text()))
    if result.key != experiment.key:
        declared = json.loads(compact(experiment.settings))  # as it would be stored: tuples are lists there
        changed = sorted(
            name for name in result.settings.keys() | declared.keys() if result.settings.get(name) != declared.get(name)
        )
        reason = f"settings {changed} differ" if changed else "its version, or what it needs, has changed"
        raise StaleResultError(f"the stored result of {experiment.name} is out of date ({reason}); {remedy}")
    return result


def run(experiment: Experiment, *, scratch: Path, results: Path = RESULTS, progress: bool = True) -> Result:
    """Run an experiment from its last finished part, and store its result.

    Raises:
        StaleResultError: a result that it needs is missing or belongs to other settings.
    """
    for needed in experiment.needs:
        stored(needed, results=results)
    started = time.perf_counter()
    workspace = Workspace(experiment, scratch=scratch, results=results, progress=progress)
    values = experiment.run(workspace)
    made = {
        "on": date.today().isoformat(),
        "seconds": round(time.perf_counter() - started + workspace.earlier_seconds, 1),
        "device": str(best_device()),
        "processor": f"{platform.machine()}, {os.cpu_count()} cores, {torch.backends.cpu.get_cpu_capability()}",
        "python": platform.python_version(),
        "versions": {package: version(package) for package in ("torch", "scikit-learn", "numpy", "umap-learn")},
    }
    result = Result(experiment.name, experiment.key, experiment.settings, made, values)
    path = results / f"{experiment.name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    partial.write_text(compact(asdict(result)) + "\n")
    partial.replace(path)
    shutil.rmtree(workspace.folder)  # its parts are in the result now
    return result


def compact(value: Any, *, indent: int = 0) -> str:
    """JSON that reads well in a diff: one line for each innermost list or object, floats cut to six digits."""
    flat = json.dumps(_round(value), ensure_ascii=False)
    if not isinstance(value, dict) or len(flat) + indent < 110:
        return flat
    pad = " " * (indent + 1)
    inner = ",\n".join(f"{pad}{json.dumps(k)}: {compact(v, indent=indent + 1)}" for k, v in value.items())
    return "{\n" + inner + "\n" + " " * indent + "}"


def load_tensors(name: str, *, results: Path = RESULTS) -> dict[str, Tensor]:
    """The tensors an experiment kept as ``<name>.safetensors``, floats back in single precision.

    Raises:
        FileNotFoundError: nothing is stored under this name; the message lists what is.
    """
    path = results / f"{name}.safetensors"
    if not path.exists():
        present = ", ".join(sorted(p.stem for p in results.glob("*.safetensors"))) or "none"
        raise FileNotFoundError(f"no stored tensors {path.name}; stored: {present}")
    return {key: value.float() if value.is_floating_point() else value for key, value in load_file(path).items()}


def load_encoder(method: str, *, seed: int = 0, results: Path = RESULTS) -> ConvBackbone:
    """A stored pretrained backbone, in eval mode on the processor.

    Args:
        method: ``"contrastive"``, ``"autoencoder"``, ``"masked"`` or ``"supervised"``.
        seed: which of the stored runs, from 0.

    Raises:
        FileNotFoundError: no such encoder is stored; the message lists what is.
    """
    weights = load_tensors(f"{method}-{seed}", results=results)
    width, channels = weights["blocks.block1.0.weight"].shape[:2]
    backbone = ConvBackbone(width=width, channels=channels)
    backbone.load_state_dict(weights)
    return backbone.eval()


def encoder(method: str, *, seed: int, width: int, results: Path = RESULTS) -> ConvBackbone:
    """A stored backbone as by `load_encoder`, or with the method ``"random"`` an untrained one, in eval mode.

    Args:
        width: of the untrained one; a stored one has its own.
    """
    if method != "random":
        return load_encoder(method, seed=seed, results=results)
    with seeded(seed):
        return ConvBackbone(width=width).eval()


def _round(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {name: _round(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_round(inner) for inner in value]
    return value
