"""Experiments too long for a page: declared once, run by ``python -m dlbasics.experiments``, their results stored.

A page reads a stored result with `load`; a result whose settings or version no longer match its declaration is refused.
"""

from dlbasics.experiments.declaration import Experiment, Workspace
from dlbasics.experiments.storage import RESULTS, Result, StaleResultError, load, load_encoder, load_tensors

__all__ = ["RESULTS", "Experiment", "Result", "StaleResultError", "Workspace", "load", "load_encoder", "load_tensors"]
