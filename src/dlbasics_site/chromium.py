"""A Chromium or Chrome without a window, told what to do over its DevTools protocol: it prints the pages."""

import base64
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import websocket

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

_OPTIONS = (
    "--headless=new",
    "--remote-debugging-port=0",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-default-browser-check",
    "--no-first-run",
    "--hide-scrollbars",
)
_LISTENS = re.compile(r"DevTools listening on ws://[^:]+:(?P<port>\d+)/")
_LONGEST_START = 60  # seconds, on a machine that does other things too
_LONGEST_CALL = 300  # seconds, of which printing a page with many figures takes the most


class BrowserError(RuntimeError):
    """The browser did not start, or could not do what it was asked."""


def find() -> Path | None:
    """What DLBASICS_BROWSER names, else the system's Chromium or Chrome; None where there is none."""
    if named := os.environ.get("DLBASICS_BROWSER"):
        return Path(named) if Path(named).is_file() else None
    on_path = [Path(found) for command in COMMANDS if (found := shutil.which(command))]
    candidates = [*on_path, *(Path(place).expanduser() for place in PLACES)]
    return next((candidate for candidate in candidates if candidate.is_file()), None)


class Tab:
    """One open page.

    Args:
        address: of the tab's web socket.
    """

    def __init__(self, address: str) -> None:
        self._socket = websocket.create_connection(address, timeout=_LONGEST_CALL, suppress_origin=True)
        self._calls = 0
        self._events: set[str] = set()

    def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        """Call a method of the DevTools protocol.

        Args:
            method: its name, for instance `Page.printToPDF`.
            **arguments: what it takes.

        Returns:
            What it gives back.

        Raises:
            BrowserError: the browser refuses.
        """
        self._calls += 1
        try:
            self._socket.send(json.dumps({"id": self._calls, "method": method, "params": arguments}))
            while (message := json.loads(self._socket.recv())).get("id") != self._calls:
                self._events.add(message.get("method", ""))
        except (websocket.WebSocketException, OSError) as error:
            raise BrowserError(f"{method}: the browser is gone or too slow ({error})") from error
        if refusal := message.get("error"):
            raise BrowserError(f"{method}: {refusal['message']}")
        return dict(message["result"])

    def open(self, url: str) -> None:
        """Go to a page, and wait until it has loaded."""
        self.call("Page.enable")
        self._events.clear()
        if problem := self.call("Page.navigate", url=url).get("errorText"):
            raise BrowserError(f"{url}: {problem}")
        while "Page.loadEventFired" not in self._events:
            self._events.add(json.loads(self._socket.recv()).get("method", ""))

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression; of what a promise brings, once it does."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if problem := answer.get("exceptionDetails"):
            raise BrowserError(problem.get("exception", {}).get("description") or problem["text"])
        return answer["result"].get("value")

    def print(self, **options: Any) -> bytes:
        """The page as a PDF; options are those of `Page.printToPDF`."""
        return base64.b64decode(self.call("Page.printToPDF", printBackground=True, **options)["data"])

    def close(self) -> None:
        """Let go of the page."""
        self._socket.close()


class Chromium:
    """A running browser.

    Args:
        address: where it listens, for instance `http://127.0.0.1:9222`.
    """

    def __init__(self, address: str) -> None:
        self._address = address

    @contextmanager
    def tab(self) -> Iterator[Tab]:
        """A new tab, closed again at the end."""
        target = requests.put(f"{self._address}/json/new?about:blank", timeout=_LONGEST_START).json()
        tab = Tab(target["webSocketDebuggerUrl"])
        try:
            yield tab
        finally:
            tab.close()
            requests.get(f"{self._address}/json/close/{target['id']}", timeout=_LONGEST_START)


@contextmanager
def launch() -> Iterator[Chromium]:
    """Start the browser with an empty profile, and end it again.

    Raises:
        BrowserError: there is none, or it does not start.
    """
    if (program := find()) is None:
        raise BrowserError(f"To print the book a browser is needed, and {MISSING}.")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []  # it cannot work for root
        command = [str(program), *_OPTIONS, *sandbox, f"--user-data-dir={folder}/profile", "about:blank"]
        log = Path(folder) / "log"
        with log.open("wb") as said:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said)
        try:
            yield Chromium(f"http://127.0.0.1:{_port(process, log)}")
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _port(process: subprocess.Popen, log: Path) -> int:
    """Where the browser listens, as it says itself; it also writes that into its profile, which Ubuntu hides."""
    until = time.monotonic() + _LONGEST_START
    while time.monotonic() < until and process.poll() is None:
        if listens := _LISTENS.search(log.read_text(encoding="utf-8", errors="replace")):
            return int(listens["port"])
        time.sleep(0.05)
    said = log.read_text(encoding="utf-8", errors="replace").strip()[-500:]
    raise BrowserError(f"The browser did not start within {_LONGEST_START} s. It said: {said or 'nothing'}")
