"""What an experiment is: settings, a version of its meaning, and a function that runs it in resumable parts."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from tqdm.auto import tqdm


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A long computation with a stored result.

    Attributes:
        name: of the result's file.
        version: raise it when the meaning of the result changes; a mere refactoring leaves it, and re-runs nothing.
        settings: everything that decides the result, as plain JSON values, seeds included.
        miniature: settings that replace their namesakes in the tests: the same code in seconds.
        run: from a `Workspace` to the result's values, plain JSON; files it keeps go through `Workspace.keep`.
        needs: the experiments whose stored results it reads; their keys are part of its key.
    """

    name: str
    version: int
    settings: dict[str, Any]
    miniature: dict[str, Any]
    run: Callable[[Workspace], dict[str, Any]] = field(repr=False)
    needs: tuple[Experiment, ...] = ()

    @property
    def key(self) -> str:
        """Changes with the settings, the version and the keys of what it needs, and with nothing else."""
        identity = [self.name, self.version, self.settings, [needed.key for needed in self.needs]]
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]

    def small(self) -> Experiment:
        """The experiment in miniature, and what it needs in miniature too.

        Raises:
            KeyError: the miniature names a setting that the experiment does not have.
        """
        unknown = self.miniature.keys() - self.settings.keys()
        if unknown:
            raise KeyError(f"{self.name}: the miniature sets {sorted(unknown)}, which are not settings")
        return replace(
            self, settings=self.settings | self.miniature, needs=tuple(needed.small() for needed in self.needs)
        )


class Workspace:
    """Where an experiment runs: its settings, its finished parts, the files it keeps.

    Args:
        experiment: what runs.
        scratch: a folder for finished parts; a run that was interrupted finds them there and goes on.
        results: a folder for the files that outlive the run, and where those of needed experiments are.

    Attributes:
        earlier_seconds: what the parts that were found finished had taken when they were computed.
    """

    def __init__(self, experiment: Experiment, *, scratch: Path, results: Path, progress: bool = True) -> None:
        self.settings, self.results = experiment.settings, results
        self.folder = scratch / f"{experiment.name}-{experiment.key}"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.earlier_seconds = 0.0
        self._bar = tqdm(desc=experiment.name, unit="part", disable=not progress)

    def part(self, name: str, compute: Callable[[], Any]) -> Any:
        """``compute()``, a plain JSON value, remembered under ``name``: a resumed run does not compute it again."""
        path = self.folder / f"{name}.json"
        self._bar.set_postfix_str(name)
        if path.exists():
            finished = json.loads(path.read_text())
            self.earlier_seconds += finished["seconds"]
        else:
            started = time.perf_counter()
            finished = {"value": compute(), "seconds": time.perf_counter() - started}
            partial = path.with_suffix(".part")
            partial.write_text(json.dumps(finished))
            partial.replace(path)
        self._bar.update()
        return finished["value"]

    def checkpoint(self, name: str) -> Path:
        """A file for `dlbasics.training.fit` to write to and resume from."""
        return self.folder / f"{name}.pt"

    def keep(self, name: str, tensors: dict[str, torch.Tensor]) -> None:
        """Store tensors beside the result, floats in half precision, as ``<name>.safetensors``."""
        from safetensors.torch import save_file

        self.results.mkdir(parents=True, exist_ok=True)
        half = {k: v.detach().cpu().half() if v.is_floating_point() else v.cpu() for k, v in tensors.items()}
        save_file({k: v.contiguous() for k, v in half.items()}, self.results / f"{name}.safetensors")
