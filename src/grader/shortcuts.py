"""Two searches of an IPython kernel's that take long and find nothing, left out: what comes of a cell is the same."""

from __future__ import annotations

import ast
import inspect
import sys
import types
import warnings
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager
from IPython.core.ultratb import AutoFormattedTB

_look_for_magics = TransformerManager.do_token_transforms
_look_for_module = inspect.getmodule


def _transformed(manager: TransformerManager, lines: list[str]) -> list[str]:
    """Magics stand in cells that are no Python; in one that is, they are looked for token by token, five times over."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they come when it is compiled
            ast.parse("".join(lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _look_for_magics(manager, lines)
    return lines


def _module(object: Any, _filename: str | None = None) -> types.ModuleType | None:  # noqa: A002 - as it is called
    """No module has a cell's file; for each line of a traceback all that are loaded would be searched."""
    code = object.f_code if inspect.isframe(object) else object
    if inspect.iscode(code) and "ipykernel_" in code.co_filename:
        return None
    return _look_for_module(object, _filename)


def take() -> None:
    """From now on, in this process and in those that it forks; a first traceback is made ahead of theirs."""
    TransformerManager.do_token_transforms = _transformed  # type: ignore[method-assign]
    inspect.getmodule = _module
    try:
        raise RuntimeError
    except RuntimeError:
        AutoFormattedTB(mode="Context").structured_traceback(*sys.exc_info())
