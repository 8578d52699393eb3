"""Hands in JSON that is nested 100,000 deep.

Deserves: 0.
Flags: refused.
Guard: the intake reads a notebook carefully before anybody else does, and says what is wrong with it.
"""


def submit(notebook, folder):
    return b'{"cells": ' + b"[" * 100_000 + b"]" * 100_000 + b', "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
