"""Tries the walls before anybody is graded behind them: whatever gets through is named, and nothing is graded."""

from __future__ import annotations

import ast
import atexit
import gc
import os
import secrets
import socket
import tempfile
from pathlib import Path

from jupyter_core.utils import run_sync

from grader.grading import Grading
from grader.pair import Pair
from grader.records import Assignment, Walls
from grader.sandbox import ForkServer, SandboxError
from grader.unprotected import OpenForkServer

_PROBE = """
import os, socket
def works(attempt):
    try:
        return bool(attempt())
    except BaseException:
        return False
def connects(address, kind=socket.AF_INET):
    with socket.socket(kind) as s:
        s.settimeout(1)
        s.connect(address)
    return True
def writes(path):
    open(path, "a").close()
    return True
numbers = [name for name in os.listdir("/proc") if name.isdigit()]
def environments():
    return b"".join(open(f"/proc/{n}/environ", "rb").read() for n in numbers if int(n) != os.getpid())
def privileged():
    return "CapEff:\\t0000000000000000" not in open("/proc/self/status").read()
found = {
    "the network was reached": works(lambda: connects(("127.0.0.1", PORT))),
    "a socket of the machine was reached": works(lambda: connects("\\0SECRET", socket.AF_UNIX)),
    "a file outside was read": works(lambda: open(FILE).read()),
    "a folder outside was seen": works(lambda: os.listdir(os.path.dirname(FILE))),
    "the environment was read": works(lambda: "SECRET" in os.environ.values()),
    "another process's environment was read": works(lambda: b"SECRET" in environments()),
    "a process outside was seen": works(lambda: "PID" in numbers and PID > 1000),
    "a system's file could be written": works(lambda: writes("/usr/grader-was-here")),
    "a setting of the system could be written": works(lambda: writes("/proc/sys/kernel/hostname")),
    "the folder of the kernel's sockets could be written": works(lambda: writes("/run/kernel/x")),
    "the rights of root were had": works(lambda: os.setuid(0) is None) or works(privileged),
}
"""


_servers: dict[Walls, ForkServer] = {}


def tried_server(assignment: Assignment) -> ForkServer:
    """This process's fork server for an assignment: started, and its walls tried, when it is first needed.

    Raises:
        SandboxError: it does not start, or its walls do not hold; the message says how.
    """
    server = _servers.get(assignment.walls)
    if server is None or not server.alive():
        close_servers()
        server = OpenForkServer(assignment.walls) if assignment.walls.none else ForkServer(assignment.walls)
        if server.walled and (holes := find_holes(server, assignment)):
            server.close()
            raise SandboxError(
                f"The sandbox does not hold on {socket.gethostname()}: {'; '.join(holes)}. Nothing was graded there."
            )
        _servers[assignment.walls] = server
        gc.collect()
        gc.freeze()  # what was imported stays; to look through it for what could go took a tenth of a job's time
    return server


@atexit.register
def close_servers() -> None:
    """End this process's fork servers; the next submission starts one again."""
    while _servers:
        _servers.popitem()[1].close()


def find_holes(server: ForkServer, assignment: Assignment) -> list[str]:
    """What code in a sandbox could do that it should not."""
    secret = secrets.token_hex()
    os.environ["GRADER_SELFTEST"] = secret
    try:
        with tempfile.TemporaryDirectory() as folder, _listener() as port, _abstract(secret):
            hidden = Path(folder, "hidden.txt")
            hidden.write_text(secret)
            probe = _PROBE.replace("SECRET", secret).replace("PORT", str(port)).replace("FILE", repr(str(hidden)))
            probe = probe.replace("PID", str(os.getpid()))
            answer = run_sync(_ask)(server, assignment, probe)
    finally:
        del os.environ["GRADER_SELFTEST"]
    return [hole for hole, open_ in ast.literal_eval(answer).items() if open_]


async def _ask(server: ForkServer, assignment: Assignment, probe: str) -> str:
    with tempfile.TemporaryDirectory() as empty:
        async with Pair(Grading(server, assignment.limits, Path(empty)), Path(empty)) as pair:
            return str(await pair.quietly("student", probe, 30, value="found"))


def _listener() -> _Port:
    return _Port(socket.AF_INET, ("127.0.0.1", 0))


def _abstract(name: str) -> _Port:
    return _Port(socket.AF_UNIX, f"\0{name}")


class _Port:
    def __init__(self, kind: socket.AddressFamily, address: tuple[str, int] | str) -> None:
        self.socket = socket.socket(kind)
        self.socket.bind(address)
        self.socket.listen(8)

    def __enter__(self) -> int:
        name = self.socket.getsockname()
        return int(name[1]) if isinstance(name, tuple) else 0

    def __exit__(self, *error: object) -> None:
        self.socket.close()
