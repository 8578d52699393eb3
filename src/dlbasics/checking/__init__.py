"""The checks of the exercises: they run a student's code, compare, and say in words what is wrong and where."""

from dlbasics.checking.check import Check, CheckFailedError
from dlbasics.checking.oracle import gradients

__all__ = ["Check", "CheckFailedError", "gradients"]
