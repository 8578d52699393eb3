"""What stands in for an earlier step that is not green yet: the exercises' functions, built on torch and the package.

They are here to be called, and may be read: they call what torch does in compiled code, which is what a step forbids.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dlbasics.checking.fallbacks import backprop, cnn, contrastive

_FUNCTIONS = {"backprop": backprop.FUNCTIONS, "cnn": cnn.FUNCTIONS, "contrastive": contrastive.FUNCTIONS}

TESTED_BY = {
    "Node": "expression_gradients",
    "SmallCNN": "cnn_logits",
    "train_step": "steps_taken",
    "predict": "predictions",
}
"""What is no function of data is handed on when the check of another task is green."""


class Fallback:
    """A function of the course under a student's name; calling it calls the function.

    Attributes:
        task: the name.
    """

    def __init__(self, task: str, function: Callable[..., Any]) -> None:
        self.task, self._function = task, function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function."""
        return self._function(*args, **kwargs)


def fallback(assignment: str, task: str) -> Any:
    """The course's own for a task: a `Fallback`, or a class.

    Raises:
        ValueError: the assignment has none of that name.
    """
    functions = _FUNCTIONS.get(assignment, {})
    if task not in functions:
        known = ", ".join(functions) or "nothing"
        raise ValueError(f"{assignment} has nothing to stand in for {task!r}; it has {known}")
    own = functions[task]
    return own if isinstance(own, type) else Fallback(task, own)


def lent_for(value: Any) -> str | None:
    """The task for which the course has lent this function or class; None for a student's own."""
    if isinstance(value, Fallback):
        return value.task
    for functions in _FUNCTIONS.values():
        for task, own in functions.items():
            if isinstance(own, type) and value is own:
                return task
    return None
