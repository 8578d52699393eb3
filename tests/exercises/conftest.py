import shutil
from pathlib import Path

import pytest

from coursework import ASSIGNMENTS


@pytest.fixture(scope="module")
def root(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a course with this one's settings, and nothing in it yet: its gradebook is made once."""
    root = tmp_path_factory.mktemp("course")
    shutil.copy(project_root / "nbgrader_config.py", root)
    return root


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "assignment" in metafunc.fixturenames:
        metafunc.parametrize("assignment", ASSIGNMENTS.values(), ids=list(ASSIGNMENTS), scope="module")
