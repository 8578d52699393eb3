"""An exercise as a student meets it: opened in JupyterLab, typed into, told what is wrong, put right, and graded."""

import json
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
import requests
from nbformat.reader import NotJSONError
from playwright.sync_api import Browser, Locator, Page, expect

from coursework import ASSIGNMENTS
from dlbasics.sources import cache_folder
from dlbasics_course.assignment import is_solution, read_variants
from dlbasics_course.release import release
from grading.rows import environment, grade
from grading.small import wait_for
from grading.walls import needs_walls

BACKPROP = ASSIGNMENTS["backprop"]
MISTAKE = next(one for one in read_variants(BACKPROP.folder / "mistakes.md") if one.name == "The bias is subtracted")
PATIENCE = 120_000  # milliseconds for what a busy machine does


@pytest.fixture(scope="module")
def lab(root: Path) -> Iterator[str]:
    """The address of JupyterLab in the folder of exercises, with this one released."""
    release(BACKPROP, root)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    home = root / "home"  # no settings of this machine's user
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--IdentityProvider.token="]
    command += ["--ip=127.0.0.1", f"--port={address.rpartition(':')[2]}", "--ServerApp.port_retries=0"]
    own = environment() | {"HOME": str(home), "JUPYTER_CONFIG_DIR": str(home / "config")}
    own |= {"JUPYTER_RUNTIME_DIR": str(home / "run"), "IPYTHONDIR": str(home / "ipython")}
    own |= {"DLBASICS_DATA": str(cache_folder().parent)}
    home.mkdir()
    with (
        (home / "log").open("wb") as log,  # to be read when it does not start
        subprocess.Popen(command, cwd=root / "exercises", env=own, stdout=log, stderr=log) as server,
    ):
        try:
            wait_for(lambda: _answers(address))
            yield address
        finally:
            server.terminate()


def _answers(address: str) -> bool:
    try:
        return requests.get(f"{address}/api", timeout=5).ok
    except requests.ConnectionError:
        return False


def write(page: Page, cell: Locator, source: str) -> None:
    """Replace what a cell holds, as somebody who types."""
    cell.locator(".cm-content").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(source)


def run(page: Page, cell: Locator) -> None:
    """Run a cell, and wait until it has ended; keys that a busy page has not heard are pressed again."""
    prompt = cell.locator(".jp-InputPrompt").first
    before = prompt.inner_text()
    for left in reversed(range(8)):
        cell.locator(".cm-content").click()
        page.keyboard.press("Control+Enter")
        try:
            expect(prompt).not_to_have_text(before, timeout=PATIENCE / 8)
            break
        except AssertionError:
            if not left:
                raise
    expect(prompt).to_have_text(re.compile(r"\[\d+\]"), timeout=PATIENCE)


def words(cell: Locator) -> str:
    """What a cell shows below itself."""
    return " ".join(cell.locator(".jp-OutputArea-output").all_inner_texts())


def sources(path: Path) -> list[str]:
    """The cells of a notebook; none while it is being written."""
    try:
        return [cell.source for cell in nbformat.read(path, as_version=4).cells]
    except NotJSONError:
        return []


@needs_walls
@pytest.mark.browser
def test_a_student_is_told_what_is_wrong_puts_it_right_and_gets_the_points(
    chromium: Browser, lab: str, root: Path
) -> None:
    step = BACKPROP.steps[0]
    right = next(filter(is_solution, step.cells)).source
    wrong = f"{MISTAKE.source}\n\n{right[right.index('def affine_backward') :]}"
    page = chromium.new_page(viewport={"width": 1280, "height": 1400})
    page.goto(f"{lab}/lab/tree/backprop/backprop.ipynb", timeout=PATIENCE)
    cells = page.locator(".jp-Notebook .jp-CodeCell")
    set_up, affine, check = (cells.nth(number) for number in range(3))
    expect(check).to_contain_text("affine_backward", timeout=PATIENCE)
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]", timeout=PATIENCE)

    run(page, set_up)
    write(page, affine, wrong)
    run(page, affine)
    run(page, check)
    assert MISTAKE.says in words(check)

    write(page, affine, right)
    run(page, affine)
    run(page, check)
    assert MISTAKE.says not in words(check)
    assert "affine_backward" in words(check)

    page.keyboard.press("ControlOrMeta+s")
    written = root / "exercises" / "backprop" / "backprop.ipynb"
    wait_for(lambda: right in sources(written))
    page.close()

    handed_in = root / ".nbgrader" / "submitted" / "ada" / "backprop"
    handed_in.mkdir(parents=True)
    shutil.copy(written, handed_in)
    done = grade(root, "backprop", "--workers", "0", "--json")
    assert done.returncode == 0, done.stderr
    assert [(row["student"], row["score"], row["flags"]) for row in json.loads(done.stdout)] == [
        ("ada", step.points, [])
    ]
