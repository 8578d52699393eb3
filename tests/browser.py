"""The Chromium or Chrome that the tests drive; run as a program, install Debian's where that is allowed."""

import os
import shutil
import subprocess
import sys

from dlbasics_site.chromium import MISSING, find

LONGEST_INSTALL = 900  # seconds


def install() -> str | None:
    """Install Debian's package; returns why not, or None when it is there."""
    if sys.platform != "linux" or not shutil.which("apt-get"):
        return "only Debian's package is installed for you"
    if os.geteuid() != 0:
        return "installing it takes root: sudo apt-get install chromium"
    package = ["apt-get", "install", "--yes", "--no-install-recommends", "chromium"]
    for command in (package, ["apt-get", "update"], package):  # the lists of a new machine are empty
        try:
            outcome = subprocess.run(
                command,
                env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=LONGEST_INSTALL,
            )
        except subprocess.TimeoutExpired:
            return f"'{' '.join(command)}' took more than {LONGEST_INSTALL} s"
        if find():
            return None
    return outcome.stderr.strip().splitlines()[-1] if outcome.stderr.strip() else "apt-get installed no browser"


def main() -> int:
    """Say which browser the tests will use. A machine without one can still run the rest, so this always succeeds."""
    reason = None if find() or os.environ.get("DLBASICS_BROWSER") else install()
    if found := find():
        print(f"Browser for the tests: {found}")
    else:
        print(f"Browser tests will be reported as not run: {MISSING}{f' ({reason})' if reason else ''}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
