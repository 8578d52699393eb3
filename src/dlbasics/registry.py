"""A run tracker and model registry of your own: MLflow on an SQLite file, with no server and no network."""

from __future__ import annotations

import copy
import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from dlbasics.training import History


def open_store(folder: Path | str, *, experiment: str) -> str:
    """Make MLflow keep runs and models in ``folder``, quietly; a store that is there already is used again.

    Runs and the registry go into ``mlflow.db``, files into ``artifacts/``. MLflow remembers the store for this process.
    Its usage reports are switched off before it is imported.

    Args:
        folder: made if need be.
        experiment: the name under which runs are collected.

    Returns:
        The experiment's id, for ``mlflow.start_run(experiment_id=...)``.
    """
    os.environ.update(
        MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true", MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR="false"
    )
    import mlflow  # takes seconds, and most readers of the package never need it

    for chatty in ("mlflow", "alembic"):  # they report each table that they create
        logging.getLogger(chatty).setLevel(logging.WARNING)
    folder = Path(folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    mlflow.set_tracking_uri(f"sqlite:///{(folder / 'mlflow.db').as_posix()}")
    known = mlflow.get_experiment_by_name(experiment)
    if known:
        return str(known.experiment_id)
    return str(mlflow.create_experiment(experiment, artifact_location=(folder / "artifacts").as_uri()))


def log_history(run_id: str, history: History) -> None:
    """Write every column of a history to a tracked run as a curve over its steps."""
    from mlflow import MlflowClient
    from mlflow.entities import Metric

    now = int(1000 * time.time())
    metrics = [
        Metric(name, value, now, int(step))
        for name, column in history.columns.items()
        if name != "step"
        for step, value in zip(history["step"], column, strict=True)
    ]
    client = MlflowClient()
    for start in range(0, len(metrics), 1000):  # the most that MLflow takes at once
        client.log_batch(run_id, metrics=metrics[start : start + 1000])


def exportable(model: nn.Module) -> nn.Module:
    """A copy to store: in eval mode, on the processor, its weights in plain memory order.

    Training leaves convolutions in channels-last order, which `torch.export` stores with a warning. Another order can
    round differently in the last digit.
    """
    copied = copy.deepcopy(model).eval().cpu()
    for parameter in copied.parameters():
        parameter.data = parameter.data.contiguous()
    return copied


def flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Nested settings with their path as name, as a tracker wants them: ``{"augment.flip": True, ...}``."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            found |= {f"{name}.{inner}": deeper for inner, deeper in flat(value).items()}
        else:
            found[name] = value
    return found
