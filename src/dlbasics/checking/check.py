"""The check of a student's function: it runs it, compares, recognises the usual mistakes, and speaks."""

from __future__ import annotations

import contextlib
import copy
import functools
import io
import linecache
import textwrap
import traceback
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dlbasics.checking.fallbacks import TESTED_BY, fallback, lent_for
from dlbasics.checking.rules import forbidden, loop_depth, names_reached, read_code
from dlbasics.checking.tasks import Case, Signature, Task, load_tasks, signature
from dlbasics.checking.values import NotDataError, as_data, difference

_COLUMNS = 100


class CheckFailedError(AssertionError):
    """What is wrong with an answer, in words; a notebook shows the words alone, and no line of the check."""

    def _render_traceback_(self) -> list[str]:
        return wrapped(str(self))


def wrapped(words: str) -> list[str]:
    """A message in lines that fit on a screen: a notebook does not wrap what an exception says."""
    return [
        part for line in words.splitlines() for part in textwrap.wrap(line, _COLUMNS, break_long_words=False) or [""]
    ]


class Check:
    """The checks of one assignment, in the notebook whose names they are given.

    Args:
        assignment: its name.
        notebook: the notebook's names, ``globals()``; the cells that ran are read from ``In``.
    """

    def __init__(self, assignment: str, notebook: dict[str, Any]) -> None:
        self.assignment, self.notebook = assignment, notebook
        self._tasks = load_tasks(assignment)
        self._looked_at: dict[str, tuple[int, dict[str, str]]] = {}  # what `allowed` has found to be in order

    def step(self, task: str, function: Callable[..., Any]) -> None:
        """Run a function on its fixed cases, and say what is right, or what is wrong and which mistake gives just that.

        Args:
            task: the function's name.
            function: the student's.

        Raises:
            CheckFailedError: it is not right yet; the message says why.
        """
        asked = self._task(task)
        self.allowed(task, function)
        wrong = self._first_difference(task, asked, function)
        if wrong:
            raise CheckFailedError(wrong)
        print(f"✓ {asked.spoken(task)}: right on {_list_words([case.about for case in asked.cases])}.")

    def case(
        self,
        task: str,
        function: Callable[..., Any],
        args: Sequence[Any],
        expected: Any,
        *,
        about: str,
        kwargs: dict[str, Any] | None = None,
        tolerance: float | None = None,
    ) -> None:
        """One more call, of which the answer is known.

        Args:
            task: the function's name.
            function: the student's.
            args, kwargs: what to call it with; the function must leave them as they are.
            expected: what should come back.
            about: the case in words, after "on".
            tolerance: of the largest entry; None takes the usual one.

        Raises:
            CheckFailedError: another answer, an exception, an argument that was changed, or a name that is not allowed.
        """
        asked = self._task(task)
        got = self.call(task, function, *args, about=about, **(kwargs or {}))
        words = difference(got, as_data(expected), names=asked.outputs, tolerance=tolerance)
        if words:
            raise CheckFailedError(f"Not yet: {asked.spoken(task)}, on {about}.\n{_capital(words)}")

    def call(self, task: str, function: Callable[..., Any], *args: Any, about: str, **kwargs: Any) -> Any:
        """Call a student's function on copies, and return what it gave as plain data.

        Raises:
            CheckFailedError: it raised, changed an argument, gave something that is not data, or uses what its step
                does not allow.
        """
        self.allowed(task, function)
        asked = self._task(task)
        outcome = Outcome.of(function, args, kwargs, autograd=asked.autograd)
        problem = outcome.problem(asked.arguments)
        if problem:
            raise CheckFailedError(f"Not yet: {asked.spoken(task)}, on {about}.\n{_capital(problem)}")
        return outcome.result

    def value(self, get: Callable[[], Any], otherwise: str) -> Any:
        """What a cell of the student's has left under a name, as plain data.

        Args:
            get: looks it up, for instance ``lambda: losses``.
            otherwise: what the student reads where there is no such name, or it holds None.

        Raises:
            CheckFailedError: there is nothing.
        """
        try:
            found = get()
        except NameError:
            found = None
        self.that(found is not None, otherwise)
        return as_data(found)

    def that(self, right: bool | Tensor, otherwise: str) -> None:
        """Require something of an answer.

        Args:
            right: whether it holds.
            otherwise: what the student reads if not: the value seen, and where to look.

        Raises:
            CheckFailedError: it does not hold.
        """
        if not bool(right):
            raise CheckFailedError(f"Not yet: {otherwise}")

    def allowed(self, task: str, function: Any = None) -> None:
        """Look at the student's source for what the step does not allow; best effort.

        Raises:
            CheckFailedError: a name that is not allowed, loops that are nested too deep, or the course's own function.
        """
        asked = self._task(task)
        if lent_for(function) is not None:
            raise CheckFailedError(
                f"This `{task}` is the course's own, which a later step took because yours was not green.\n"
                "Run the cell with your own function again, then this check."
            )
        cells = self.notebook.get("In", [])
        lent = {n: lent_to for n, value in self.notebook.items() if (lent_to := lent_for(value)) is not None}
        if self._looked_at.get(task) == (len(cells), lent):
            return
        code = read_code([str(cell) for cell in cells])
        # what the course lends is not the student's doing, whatever they wrote under that name before
        for name in lent:
            code.bindings.pop(name, None)
        borrowed = [name for name in names_reached(code, task) if lent.get(name) == task]
        if borrowed:
            raise CheckFailedError(f"Not in this step: `{task}` calls `{borrowed[0]}`, the course's own `{task}`.")
        if seen := forbidden(code, task, forbids=asked.forbids, allows=asked.allows):
            raise CheckFailedError(
                f"Not in this step: the code of `{task}` uses `{seen}`, which is, or leads to, what you are to write.\n"
                "The step says what is allowed. It gets no points as long as that name is there."
            )
        if asked.loops is not None and (depth := loop_depth(code, task)) > asked.loops:
            raise CheckFailedError(
                f"Not yet: `{task}` nests {depth} loops, and this step allows "
                f"{'none' if asked.loops == 0 else f'at most {asked.loops}'}: the point is to let tensors do the work."
            )
        self._looked_at[task] = (len(cells), lent)

    def earlier(self, *tasks: str) -> Any:
        """What an earlier step was to build: the student's own where its check is green, else the course's.

        Args:
            tasks: names of functions.

        Returns:
            One function or class, or a tuple of them. Whatever a student's function gives, arrays or plain numbers,
            comes as tensors, so that a later step can go on with it.
        """
        functions, missing = [], []
        for task in tasks:
            own = self.notebook.get(task)
            if own is None or lent_for(own) is not None or self._is_wrong(TESTED_BY.get(task, task)):
                functions.append(fallback(self.assignment, task))
                missing.append(f"`{task}`")
            else:
                functions.append(own if isinstance(own, type) else _giving_tensors(own))
        if missing:
            verb = "is" if len(missing) == 1 else "are"
            print(
                f"{_list_words(missing)} {verb} not green yet: from here on the course's own stands in, built on torch."
            )
        return functions[0] if len(functions) == 1 else tuple(functions)

    def _is_wrong(self, task: str) -> bool:
        function = self.notebook.get(task)
        if function is None:
            return True
        try:
            self.allowed(task, function)
        except CheckFailedError:
            return True
        return self._first_difference(task, self._task(task), function) is not None

    def _first_difference(self, task: str, asked: Task, function: Callable[..., Any]) -> str | None:
        outcomes = [Outcome.of(function, case.args, case.kwargs, autograd=asked.autograd) for case in asked.cases]
        for case, outcome in zip(asked.cases, outcomes, strict=True):
            if words := outcome.difference(case, asked):
                mistakes = asked.recognise([outcome.signature for outcome in outcomes])
                lines = [f"Not yet: {asked.spoken(task)}, on {case.about}.", _capital(words)]
                if len(mistakes) > 1:
                    lines.append(f"{len(mistakes)} mistakes give exactly this:")
                return "\n".join([*lines, *(mistake.says for mistake in mistakes)])
        return None

    def _task(self, name: str) -> Task:
        if name not in self._tasks:
            raise ValueError(f"unknown task {name!r}; {self.assignment} has {', '.join(self._tasks)}")
        return self._tasks[name]


class Outcome:
    """What one call of a student's function led to.

    Attributes:
        result: plain data; None where there is none.
        error: what it raised, in words; None where it raised nothing.
        changed: positions of the arguments that it changed.
        signature: all of it, pressed into a few numbers.
    """

    def __init__(self, result: Any, error: str | None, changed: list[int], signature: Signature) -> None:
        self.result, self.error, self.changed, self.signature = result, error, changed, signature

    @classmethod
    def of(
        cls, function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], *, autograd: bool
    ) -> Outcome:
        """Call a function on copies of the arguments, with autograd or without, and note all that happens."""
        passed, named = copy.deepcopy(list(args)), copy.deepcopy(kwargs)
        try:
            # warnings, and words on stderr, would count as a failure in nbgrader
            with (
                warnings.catch_warnings(),
                contextlib.redirect_stderr(io.StringIO()),
                torch.set_grad_enabled(autograd),
            ):
                warnings.simplefilter("ignore")
                result = as_data(function(*passed, **named))
        except NotDataError as problem:
            return cls(None, f"the result is {problem}.", [], ["raised", "NotDataError"])
        except Exception as error:
            return cls(None, _error_words(error), [], ["raised", type(error).__name__])
        changed = [
            n for n, (before, after) in enumerate(zip(args, passed, strict=True)) if not _identical(before, after)
        ]
        return cls(result, None, changed, signature(result, changed=bool(changed)))

    def problem(self, arguments: Sequence[str]) -> str | None:
        """What went wrong whatever the result: an exception, or an argument that was changed; None if nothing did."""
        if self.error:
            return self.error
        if self.changed:
            place = self.changed[0]
            name = f"`{arguments[place]}`" if place < len(arguments) else f"number {place + 1}"
            return f"the function changed its argument {name}: work on a copy, for the caller still needs the original."
        return None

    def difference(self, case: Case, asked: Task) -> str | None:
        """What is wrong, the result included, in words; None if nothing is."""
        if self.error:
            return self.error
        words = difference(self.result, case.expected, names=asked.outputs, tolerance=case.tolerance)
        return words or self.problem(asked.arguments)


def _giving_tensors(function: Callable[..., Any]) -> Callable[..., Any]:
    """A student's function, with arrays and plain numbers in its result made tensors of its first argument's type."""

    def convert(result: Any, dtype: torch.dtype) -> Any:
        if isinstance(result, list | tuple):
            return type(result)(convert(item, dtype) for item in result)
        if isinstance(result, np.ndarray | np.floating | float):
            return torch.as_tensor(result).to(dtype)
        return result

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        dtypes = [a.dtype for a in args if isinstance(a, Tensor) and a.is_floating_point()]
        return convert(function(*args, **kwargs), dtypes[0] if dtypes else torch.get_default_dtype())

    return call


def _identical(before: Any, after: Any) -> bool:
    if isinstance(before, Tensor):
        return isinstance(after, Tensor) and before.shape == after.shape and torch.equal(before, after)
    if isinstance(before, list | tuple):
        return len(before) == len(after) and all(map(_identical, before, after))
    if isinstance(before, dict):
        return before.keys() == after.keys() and all(_identical(before[key], after[key]) for key in before)
    return bool(before == after)


def _error_words(error: Exception) -> str:
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_a_cell(frame.filename)]
    if isinstance(error, NotImplementedError) and not str(error):
        place = f"`{own[-1].name}`" if own and own[-1].name not in ("<module>", "<lambda>") else "it"
        return f"{place} is not written yet: replace the line `raise NotImplementedError()` by your code."
    words = f"it raised {type(error).__name__}: {error}".rstrip(": ")
    if own and own[-1].line:
        return f"{words}\nin line {own[-1].lineno} of its cell:  {own[-1].line.strip()}"
    return words


def _is_a_cell(filename: str) -> bool:
    return "ipykernel_" in filename or (filename.startswith("<") and bool(linecache.getline(filename, 1)))


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _list_words(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]
