"""The process from which all kernels are forked."""

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_core.utils import run_sync

from grader.grading import Grading
from grader.pair import Pair
from grader.provisioner import SandboxProvisioner
from grader.records import Limits, Walls
from grader.sandbox import ForkServer
from grading.walls import needs_walls

pytestmark = needs_walls

THREADED = "import threading, time\nthreading.Thread(target=time.sleep, args=(600,), daemon=True).start()\n"


def test_a_module_that_starts_a_thread_or_fails_is_left_to_the_kernels_and_the_others_are_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a_threaded.py").write_text(THREADED)
    (tmp_path / "b_broken.py").write_text("raise ImportError('as it says')")
    (tmp_path / "c_threaded.py").write_text(THREADED)
    monkeypatch.syspath_prepend(tmp_path)
    modules = ("a_threaded", "b_broken", "c_threaded", "math")
    with ForkServer(Walls(modules=modules, read_only=(), environment=())) as server:
        assert server.greeting == {"threads": 1}
        line = Path(f"/proc/{_python_of(server)}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
    assert line[-1] == b"import math"
    assert not {b"import a_threaded", b"import b_broken", b"import c_threaded"} & set(line)


def test_what_was_prepared_is_there_in_each_kernel_as_if_nobody_had_touched_it(tmp_path: Path) -> None:
    steps = ("raise ValueError", "import textwrap; textwrap.ready = [7]")

    async def change_and_look(server: ForkServer) -> list[str]:
        async with Pair(Grading(server, Limits(), tmp_path), tmp_path) as pair:
            change = "import textwrap; textwrap.ready.append('changed')"
            await pair.quietly("student", change, 60)
            return [await pair.quietly(side, "import textwrap", 60, value="textwrap.ready") for side in pair.clients]

    with ForkServer(Walls(modules=("textwrap",), prepare=steps)) as server:
        for _ in range(2):
            assert run_sync(change_and_look)(server) == ["[7, 'changed']", "[7]"]


def test_a_kernel_that_ends_while_it_starts_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    launch = SandboxProvisioner.launch_kernel

    async def launch_and_kill(self: SandboxProvisioner, *arguments: Any, **options: Any) -> Any:
        launched = await launch(self, *arguments, **options)
        self.process.kill()
        return launched

    async def start(server: ForkServer) -> None:
        async with Pair(Grading(server, Limits(), tmp_path), tmp_path):
            pass

    monkeypatch.setattr(SandboxProvisioner, "launch_kernel", launch_and_kill)
    with ForkServer(Walls()) as server, pytest.raises(RuntimeError, match="ended before it answered"):
        run_sync(start)(server)


def _python_of(server: ForkServer) -> int:
    """The innermost child of a fork server's process: bubblewrap's own stand around it."""
    pid = server.process.pid
    while children := Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        pid = int(children[0])
    return pid


@contextlib.contextmanager
def elsewhere() -> Iterator[Path]:
    """The folder of a fork server of another process, which is killed in the end."""
    program = (
        "from grader.sandbox import ForkServer, Walls; server = ForkServer(Walls()); print(server.folder); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-u", "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Path(process.stdout.readline().strip())
        finally:
            process.kill()


def test_the_folders_of_who_was_killed_are_removed_and_no_others() -> None:
    with elsewhere() as working:
        with elsewhere() as killed:
            pass
        assert killed.exists()
        with ForkServer(Walls()) as server:
            assert (killed.exists(), working.exists(), server.folder.exists()) == (False, True, True)
    with ForkServer(Walls()):
        assert not working.exists()


def test_a_folder_whose_removal_was_cut_short_is_removed_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    def cut_short(path: Path, *_: Any, **__: Any) -> None:
        raise OSError(f"{path} stays")

    with monkeypatch.context() as patch, ForkServer(Walls()) as stopped:
        patch.setattr(shutil, "rmtree", cut_short)
        stopped.close()
        assert stopped.jobs.exists()
    with ForkServer(Walls()):
        assert not stopped.folder.exists()
