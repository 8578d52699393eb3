"""The built book, served on this machine, and one browser for all the tests that open its pages."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from filelock import FileLock

from dlbasics_site.assets import fetch_site_assets, fetch_test_assets
from dlbasics_site.serve import make_server

LONGEST_BUILD = 1800  # seconds; a cold build on a slow machine


def pages_in(toc: Path) -> list[str]:
    """Every page of a table of contents, in its order."""

    def below(entry: dict) -> Iterator[str]:
        yield from [entry["file"]] if "file" in entry else []
        for child in [*entry.get("parts", []), *entry.get("chapters", []), *entry.get("sections", [])]:
            yield from below(child)

    contents = yaml.safe_load(toc.read_text(encoding="utf-8"))
    return [contents["root"], *below(contents)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "page_name" in metafunc.fixturenames:
        # module: a page's tests follow each other, and share what was opened
        metafunc.parametrize("page_name", pages_in(metafunc.config.rootpath / "_toc.yml"), scope="module")


@pytest.fixture(scope="session")
def book(project_root: Path) -> Path:
    """The finished site; built now unless it is up to date."""
    command = [sys.executable, "-m", "dlbasics_site", "build"]
    (project_root / "_build").mkdir(exist_ok=True)
    with FileLock(project_root / "_build" / "book.lock"):  # the tests' workers share one book
        built = subprocess.run(
            command, cwd=project_root, capture_output=True, text=True, encoding="utf-8", timeout=LONGEST_BUILD,
            check=False,
        )  # fmt: skip
    if built.returncode != 0:
        pytest.fail(f"the book does not build:\n{built.stdout}\n{built.stderr}", pytrace=False)
    return project_root / "_build" / "html"


@pytest.fixture(scope="session")
def address(book: Path) -> Iterator[str]:
    """Where the site is served."""
    with make_server(book, 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def axe(project_root: Path) -> str:
    """The source of axe-core."""
    return (fetch_test_assets(project_root) / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def empty_book(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with the book's own configuration, looks and scripts, a small package, and one page without cells."""
    fetch_site_assets(project_root)
    root = tmp_path_factory.mktemp("scratch")
    for name in ("_static", "_templates"):
        shutil.copytree(project_root / "book" / name, root / "book" / name)
    shutil.copy(project_root / "_config.yml", root)
    (root / "_toc.yml").write_text("format: jb-book\nroot: book/index\n", encoding="utf-8")
    for empty in ("requirements.txt", "book/references.bib"):
        (root / empty).write_text("", encoding="utf-8")
    (root / "src" / "dlbasics").mkdir(parents=True)
    (root / "src" / "dlbasics" / "answer.py").write_text("ANSWER = 41\n", encoding="utf-8")
    (root / "book" / "index.md").write_text("# A small book\n\nWithout a cell.\n", encoding="utf-8")
    return root


@pytest.fixture
def scratch(empty_book: Path, tmp_path: Path) -> Path:
    """A copy of the empty book for one test to fill."""
    return shutil.copytree(empty_book, tmp_path / "book", dirs_exist_ok=True)


Build = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def build_book() -> Build:
    """Run the build command on a root, as a person would."""

    def run(root: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "dlbasics_site", "build", "--jobs", "2"],
            cwd=root,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=LONGEST_BUILD,
            check=False,
        )

    return run
