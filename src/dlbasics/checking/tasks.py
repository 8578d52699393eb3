"""What an assignment asks of each function: the fixed cases of its check, and the usual mistakes by their fingerprints.

They lie in `fingerprints/<assignment>.json`, written by `make release`. A fingerprint is what a wrong implementation
gives on the fixed cases, pressed into a few numbers: enough to recognise it, too little to say how it was written.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import resources
from typing import Any

import torch
from torch import Tensor

from dlbasics.checking.values import as_tensor, leaves

Signature = list[Any]
"""Of one call: ``["raised", type]``, or ``["changed" | "kept", part, ...]`` with a part for each tensor or word."""

_provisional: dict[str, dict[str, Task]] = {}
_CLOSE = 2e-4  # relative; float32 on another processor stays far below


@dataclass(frozen=True)
class Case:
    """One call of a task's function, and what comes back.

    Attributes:
        about: the case in words, after "on", for instance "a batch of 3".
        args, kwargs: what the function is called with; plain data.
        expected: what comes back; None until the reference solution has been run.
        tolerance: of the largest entry; None takes the usual one.
    """

    about: str
    args: Sequence[Any]
    kwargs: dict[str, Any] = field(default_factory=dict)
    expected: Any = None
    tolerance: float | None = None


@dataclass(frozen=True)
class Mistake:
    """A usual mistake.

    Attributes:
        name: a few words.
        says: what the student reads: what the result is, and where to look.
        signatures: what it gives on each case.
    """

    name: str
    says: str
    signatures: Sequence[Signature]


@dataclass(frozen=True)
class Task:
    """What one function has to do.

    Attributes:
        cases: the fixed calls of the visible check.
        outputs: names of the parts of a result with several.
        forbids: names that the function, and what it calls of the student's, may not use.
        allows: of `dlbasics`, which is otherwise forbidden, and of the names in `forbids`.
        loops: how deep loops may be nested; None sets no limit.
        arguments: names of the function's arguments.
        title: what messages call it; empty: the function's name. For a function that is given, and calls the student's.
        mistakes: the usual ones.
    """

    cases: Sequence[Case]
    outputs: Sequence[str] = ()
    forbids: Sequence[str] = ()
    allows: Sequence[str] = ()
    loops: int | None = None
    arguments: Sequence[str] = ()
    title: str = ""
    mistakes: Sequence[Mistake] = ()

    def recognise(self, signatures: Sequence[Signature]) -> list[Mistake]:
        """The mistakes that give the same on every case; several where they cannot be told apart.

        None where nothing came back on any case: an exception has many causes, and words of its own.
        """
        if all(signature[0] == "raised" for signature in signatures):
            return []
        return [m for m in self.mistakes if all(map(same_signature, signatures, m.signatures))]

    def spoken(self, name: str) -> str:
        """What messages call the task whose function has this name."""
        return self.title or f"`{name}`"

    @property
    def autograd(self) -> bool:
        """Whether the function may use torch's autograd; where it may not, it is called without."""
        return "autograd" not in self.forbids


def signature(result: Any, *, changed: bool) -> Signature:
    """A result pressed into a few numbers.

    Args:
        result: plain data.
        changed: whether the function changed one of its arguments.
    """
    return ["changed" if changed else "kept", *map(_part, leaves(result))]


def _part(leaf: Any) -> Any:
    if leaf is None or isinstance(leaf, str | bool):
        return leaf
    tensor = as_tensor(leaf).double()
    finite = torch.where(torch.isfinite(tensor), tensor, 0).flatten()
    n = max(len(finite), 1)
    place = torch.arange(len(finite), dtype=torch.float64)
    # two fixed directions: arrays that differ agree in both only by a coincidence of the digits
    numbers = [float((finite * torch.cos(place * pace + 0.3)).sum()) / math.sqrt(n) for pace in (1.7, 0.37)]
    size = float(finite.square().mean().sqrt()) if len(finite) else 0.0
    odd = [int(torch.isnan(tensor).sum()), int(torch.isinf(tensor).sum())]
    return [list(tensor.shape), [float(f"{value:.7g}") for value in (*numbers, size)], odd]


def same_signature(a: Signature, b: Signature) -> bool:
    """Whether two signatures are the same up to rounding; a number is the same as a tensor of one."""
    return len(a) == len(b) and all(map(_same_part, a, b))


def _same_part(a: Any, b: Any) -> bool:
    if not isinstance(a, list) or not isinstance(b, list):
        return bool(a == b)
    one = math.prod(a[0]) == math.prod(b[0]) == 1
    scale = max(abs(a[1][2]), abs(b[1][2]), 1e-6)
    return (
        (a[0] == b[0] or one)
        and a[2] == b[2]
        and all(abs(x - y) <= _CLOSE * scale for x, y in zip(a[1], b[1], strict=True))
    )


# Files

_FOLDER = resources.files("dlbasics.checking") / "fingerprints"


def load_tasks(assignment: str) -> dict[str, Task]:
    """The tasks of an assignment by the names of their functions.

    Raises:
        ValueError: there is no such assignment.
    """
    return _provisional.get(assignment) or _read_tasks(assignment)


def load_ahead() -> None:
    """Read the tasks of all assignments, for this process and for each that is forked from it."""
    for assignment in _assignments():
        _read_tasks(assignment)


@contextmanager
def provisional(assignment: str, tasks: dict[str, Task]) -> Iterator[None]:
    """Let an assignment have other tasks than its file says, while that is being made."""
    _provisional[assignment] = tasks
    try:
        yield
    finally:
        del _provisional[assignment]


@cache
def _read_tasks(assignment: str) -> dict[str, Task]:
    if assignment not in (known := _assignments()):
        raise ValueError(f"unknown assignment {assignment!r}; the course has {', '.join(known)}")
    return from_json((_FOLDER / f"{assignment}.json").read_text(encoding="utf-8"))


def _assignments() -> list[str]:
    return sorted(entry.name.removesuffix(".json") for entry in _FOLDER.iterdir() if entry.name.endswith(".json"))


def to_json(tasks: dict[str, Task]) -> str:
    """Tasks as text, the same from run to run."""
    lines = [f"{json.dumps(name)}: {json.dumps(_encode(asdict(task)), sort_keys=True)}" for name, task in tasks.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def from_json(text: str) -> dict[str, Task]:
    """The tasks that `to_json` wrote."""
    tasks = {}
    for name, entry in _decode(json.loads(text)).items():
        entry["cases"] = [Case(**case) for case in entry["cases"]]
        entry["mistakes"] = [Mistake(**mistake) for mistake in entry["mistakes"]]
        tasks[name] = Task(**entry)
    return tasks


def _encode(value: Any) -> Any:
    if isinstance(value, Tensor):
        digits = 9 if value.dtype == torch.float64 else 8
        data = [float(f"{v:.{digits}g}") if isinstance(v, float) else v for v in value.flatten().tolist()]
        return {"tensor": data, "shape": list(value.shape), "dtype": str(value.dtype).removeprefix("torch.")}
    if isinstance(value, list | tuple):
        return [_encode(item) for item in value]
    if isinstance(value, dict):
        return {key: _encode(item) for key, item in value.items()}
    return value


def _decode(value: Any) -> Any:
    if isinstance(value, dict) and value.keys() == {"tensor", "shape", "dtype"}:
        return torch.tensor(value["tensor"], dtype=getattr(torch, value["dtype"])).reshape(value["shape"])
    if isinstance(value, list):
        return [_decode(item) for item in value]
    if isinstance(value, dict):
        return {key: _decode(item) for key, item in value.items()}
    return value
