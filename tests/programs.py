"""The programs that the tests drive; run as a program, install Debian's packages where that is allowed."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from dlbasics_site.chromium import MISSING, find

LONGEST_INSTALL = 900  # seconds


def bubblewrap() -> Path | None:
    """The program that walls students' code in, where there is one."""
    found = shutil.which("bwrap")
    return Path(found) if found else None


def postgresql() -> Path | None:
    """The folder of a PostgreSQL server's programs, where there is one."""
    places = [shutil.which("initdb"), *sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)]
    return next((Path(place).parent for place in places if place), None)


def install(package: str, found: Callable[[], object]) -> str | None:
    """Install one of Debian's packages; returns why not, or None when it is there."""
    if sys.platform != "linux" or not shutil.which("apt-get"):
        return "only Debian's package is installed for you"
    if os.geteuid() != 0:
        return f"installing it takes root: sudo apt-get install {package}"
    command = ["apt-get", "install", "--yes", "--no-install-recommends", package]
    for step in (command, ["apt-get", "update"], command):  # the lists of a new machine are empty
        try:
            outcome = subprocess.run(
                step,
                env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=LONGEST_INSTALL,
            )
        except subprocess.TimeoutExpired:
            return f"'{' '.join(step)}' took more than {LONGEST_INSTALL} s"
        if found():
            return None
    return outcome.stderr.strip().splitlines()[-1] if outcome.stderr.strip() else f"apt-get installed no {package}"


def main() -> int:
    """Say which programs the tests will use. A machine without one can still run the rest, so this always succeeds."""
    for package, found, missing in (
        ("chromium", find, MISSING),
        ("bubblewrap", bubblewrap, "bubblewrap is missing"),
        ("postgresql", postgresql, "a PostgreSQL server is missing"),
    ):
        named = package == "chromium" and os.environ.get("DLBASICS_BROWSER")
        reason = None if found() or named else install(package, found)
        if there := found():
            print(f"For the tests: {there}")
        else:
            print(f"Tests that need it will be reported as not run: {missing}{f' ({reason})' if reason else ''}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
