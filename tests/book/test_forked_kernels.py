"""Kernels forked from one process: the imports are shared, and nothing else."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from dlbasics_site.forked_kernels import shared_imports

Build = Callable[..., subprocess.CompletedProcess[str]]

PAGES = ("index", "second", "third", "fourth")
HEADER = "---\nfile_format: mystnb\nkernelspec: {name: python3}\n---\n# Page\n"
CELL = """
```{code-cell} ipython3
import sys
found = {"early": "statistics" in sys.modules, "strange": hasattr(sys, "left_behind")}
import json, os, statistics
sys.left_behind = True
found |= {"kernel": os.getpid(), "parent": os.getppid(), "folder": os.listdir(), "backend": os.environ["MPLBACKEND"]}
print("found", json.dumps(found))
```
"""


def notebook(*cells: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])


def test_what_more_than_three_pages_import_is_shared():
    common = "import torch\nfrom dlbasics import data"
    books = [notebook(common, "import torch") for _ in range(4)] + [notebook("import scipy"), notebook("%magic\nx = (")]
    assert shared_imports(books) == ["torch", "dlbasics", "dlbasics.data"]
    assert shared_imports(books[:3]) == []


def test_a_page_imports_when_it_is_called():
    inside = "def later():\n    from scipy import stats"
    assert "scipy.stats" in shared_imports([notebook(inside)] * 4)


def write_pages(root: Path, text: str) -> None:
    chapters = "".join(f"  - file: book/{page}\n" for page in PAGES[1:])
    (root / "_toc.yml").write_text(f"format: jb-book\nroot: book/index\nchapters:\n{chapters}", encoding="utf-8")
    for page in PAGES:
        # pages with the same cells would be run once
        (root / "book" / f"{page}.md").write_text(text.replace("import sys", f"import sys  # {page}"), encoding="utf-8")


def gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only")
def test_pages_share_imports_and_nothing_else(scratch: Path, build_book: Build):
    write_pages(scratch, HEADER + CELL)
    outcome = build_book(scratch)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    found = []
    for page in PAGES:
        html = (scratch / f"_build/html/book/{page}.html").read_text(encoding="utf-8")
        found.append(json.loads(re.search(r"found (\{.*?\})", re.sub(r"<[^>]*>", "", html).replace("&quot;", '"'))[1]))
    assert all(page["early"] and not page["strange"] and not page["folder"] for page in found)
    assert all("inline" in page["backend"] for page in found)
    assert len({page["kernel"] for page in found}) == len(PAGES)
    (parent,) = {page["parent"] for page in found}
    assert gone(parent)
    assert all(gone(page["kernel"]) for page in found)


@pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only")
def test_a_forked_kernel_that_dies_is_named(scratch: Path, build_book: Build):
    write_pages(scratch, HEADER + CELL)
    (scratch / "book/third.md").write_text(HEADER + CELL + CELL.replace("import sys", "import os; os._exit(3)"))
    outcome = build_book(scratch)
    assert outcome.returncode == 1
    assert "book/third, cell 2 (line 17) failed" in outcome.stderr
    assert "Kernel died" in outcome.stderr
    assert "[4/4]" in outcome.stdout
