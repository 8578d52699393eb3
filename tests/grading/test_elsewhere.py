"""Where nothing can be graded, the command says so, and what to do; it needs nothing that only Linux has."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from grader import options

# Python as it is on another system: what it lacks there cannot be imported or found.
SYSTEM = """
import ctypes, os, runpy, shutil, signal, socket, subprocess, sys, tempfile
import filelock, psutil  # which have a part for every system
sys.platform, *lacking = {lacking!r}
for name in lacking:
    module, _, attribute = name.partition(".")
    if attribute:
        delattr(sys.modules[module], attribute)
    else:
        sys.modules[name] = None
sys.argv = ["grade", *{arguments!r}]
runpy.run_module("grader", run_name="__main__")
"""
MACOS = ("darwin", "os.pidfd_open", "os.sched_getaffinity", "socket.SOCK_SEQPACKET")
WINDOWS = (
    "win32",
    *("fcntl", "resource", "pwd", "grp", "termios"),
    *(f"os.{name}" for name in ("pidfd_open", "sched_getaffinity", "geteuid", "chown", "fork", "setsid")),
    *(f"os.{name}" for name in ("O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC")),
    *(f"socket.{name}" for name in ("AF_UNIX", "SOCK_SEQPACKET", "send_fds", "recv_fds", "socketpair")),
    "ctypes.CDLL",
    "signal.SIGCHLD",
)


def run(*arguments: str, lacking: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    program = SYSTEM.format(lacking=lacking, arguments=arguments)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("lacking", [MACOS, WINDOWS], ids=["macOS", "Windows"])
def test_other_systems_than_linux_are_told_of_the_container(lacking: tuple[str, ...]) -> None:
    done = run("ps1", lacking=lacking)
    assert done.returncode == options.STUCK
    assert done.stderr.startswith("grade: Students' code is walled in by bubblewrap, which there is on Linux only")
    assert repr(lacking[0]) in done.stderr
    assert "Containerfile" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("lacking", [MACOS, WINDOWS], ids=["macOS", "Windows"])
def test_other_systems_than_linux_can_read_what_the_command_can_do(lacking: tuple[str, ...]) -> None:
    done = run("--help", lacking=lacking)
    assert (done.returncode, done.stderr) == (0, "")
    assert "--cluster" in done.stdout


def test_linux_without_bubblewrap_is_told_how_to_get_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "grader", "ps1"]
    environment = os.environ | {"PATH": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == options.STUCK
    assert "apt install bubblewrap" in done.stderr
    assert "Containerfile" in done.stderr
