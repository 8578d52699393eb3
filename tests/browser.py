"""Find the system's Chromium or Chrome for the tests; run as a program, install Debian's where that is allowed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PLACES = (  # where macOS and Windows keep what is not on PATH
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "~/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Google/Chrome/Application/chrome.exe",
    "~/AppData/Local/Google/Chrome/Application/chrome.exe",
)
MISSING = "no Chromium or Chrome was found: install one, or name it in DLBASICS_BROWSER"
LONGEST_INSTALL = 900  # seconds


def find() -> Path | None:
    """The browser that the tests drive: what DLBASICS_BROWSER names, else the system's; None where there is none."""
    if named := os.environ.get("DLBASICS_BROWSER"):
        return Path(named) if Path(named).is_file() else None
    on_path = (shutil.which(command) for command in COMMANDS)
    candidates = [*filter(None, on_path), *(Path(place).expanduser() for place in PLACES)]
    return next((Path(candidate) for candidate in candidates if Path(candidate).is_file()), None)


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
