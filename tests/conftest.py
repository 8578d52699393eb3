"""What every test can rely on: fixed seeds, one thread, no book being built; and a summary of what was not run."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings
from playwright.sync_api import Browser, sync_playwright

import programs

os.environ.setdefault("MPLBACKEND", "agg")
# What the tests start does without what is hidden there, as they do by `pythonpath`.
WITHOUT = str(Path(__file__).with_name("without"))
os.environ["PYTHONPATH"] = os.pathsep.join([WITHOUT, *filter(None, [os.environ.get("PYTHONPATH")])])
torch.set_num_threads(1)  # small tensors: more threads only wait for each other

# The same examples on every run, and no clock: a machine that is busy is not a bug.
settings.register_profile("house", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("house")

BROWSER_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

_deselected = pytest.StashKey[list[pytest.Item]]()


@pytest.fixture(autouse=True)
def _repeatable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws that a test does not seed itself are the same every time, and nothing thinks that a book is being built."""
    monkeypatch.delenv("DLBASICS_BOOK", raising=False)
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - libraries that draw from NumPy's global state are what it is for
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def browser_path() -> Path:
    """The system's Chromium or Chrome; a test that needs it is reported as not run where there is none."""
    found = programs.find()
    if found is None:
        pytest.skip(programs.MISSING)
    return found


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The folder that holds pyproject.toml."""
    return Path(__file__).resolve().parents[1]


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_deselected] = []


def pytest_deselected(items: list[pytest.Item]) -> None:
    if items:
        items[0].config.stash[_deselected].extend(items)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    lines = [*_skips(terminalreporter)]
    left = sum(item.get_closest_marker("full") is not None for item in config.stash[_deselected])
    if left:
        lines.append(f"marked full: {left}, which take minutes; make test-full runs them")
    if lines:
        terminalreporter.section("Not run here")
        for line in lines:
            terminalreporter.line(line)


def _skips(reporter: pytest.TerminalReporter) -> Iterator[str]:
    for report in reporter.stats.get("skipped", []):
        _, _, reason = report.longrepr
        yield f"{report.nodeid}: {reason.removeprefix('Skipped: ')}"


@pytest.fixture(scope="session")
def chromium(browser_path: Path) -> Iterator[Browser]:
    """One browser for all tests of a worker: a second one beside it would find its event loop running."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(browser_path), args=BROWSER_ARGUMENTS)
        yield browser
        browser.close()
