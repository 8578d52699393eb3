"""What several files of unit tests share."""

from __future__ import annotations

import pytest

from dlbasics import data


@pytest.fixture(scope="session")
def course() -> data.Dataset:
    """The course's images as this machine has them; read once for all tests."""
    return data.load()


@pytest.fixture
def fashion(course: data.Dataset) -> data.Dataset:
    """Fashion-MNIST itself: what is claimed about it says nothing of the digits that stand in for it."""
    if course.name != "fashion-mnist":
        pytest.skip(f"needs Fashion-MNIST, this machine has {course.origin}")
    return course
