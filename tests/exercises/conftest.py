import pytest

from coursework import ASSIGNMENTS


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "assignment" in metafunc.fixturenames:
        metafunc.parametrize("assignment", ASSIGNMENTS.values(), ids=list(ASSIGNMENTS), scope="module")
