"""The book's build, in a copy of the project: cold (nothing built yet), after one edited page, and with no change."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

PROJECT = Path(__file__).parents[2]
LEFT_OUT = shutil.ignore_patterns(".*", "_build", "__pycache__", "*.egg-info", "mlruns", "*.log")


def seconds_to_build(root: Path) -> float:
    """Wall time of the command; what it says goes to stderr, so that the table stays clean."""
    started = time.perf_counter()
    # the copy's own package, not the one installed from this project
    environment = os.environ | {"PYTHONPATH": str(root / "src")}
    subprocess.run(
        [sys.executable, "-m", "dlbasics_site", "build"], cwd=root, env=environment, stdout=sys.stderr, check=True
    )
    return time.perf_counter() - started


def main() -> None:
    """Build three times and print a table."""
    with TemporaryDirectory() as folder:
        root = Path(folder) / "project"
        shutil.copytree(PROJECT, root, ignore=LEFT_OUT)
        if not (root / "book" / "_static" / "vendor").exists():  # a download would be timed, not the build
            subprocess.run([sys.executable, "-m", "dlbasics_site", "assets"], cwd=root, stdout=sys.stderr, check=True)
        builds = {"cold: every page executed": seconds_to_build(root)}
        page = root / "book" / "index.md"
        page.write_text(page.read_text(encoding="utf-8") + "\nOne more sentence.\n", encoding="utf-8")
        builds["one page's prose edited"] = seconds_to_build(root)
        builds["warm: nothing changed"] = seconds_to_build(root)
    print("| the book's build | seconds |\n| --- | ---: |")
    for name, seconds in builds.items():
        print(f"| {name} | {seconds:,.1f} |")
    print(f"\n{os.cpu_count()} cores")


if __name__ == "__main__":
    main()
