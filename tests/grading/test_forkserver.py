"""The process from which all kernels are forked."""

from pathlib import Path

import pytest

from grader.records import Walls
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
    assert line[-1] == b"math"
    assert not {b"a_threaded", b"b_broken", b"c_threaded"} & set(line)


def _python_of(server: ForkServer) -> int:
    """The innermost child of a fork server's process: bubblewrap's own stand around it."""
    pid = server.process.pid
    while children := Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        pid = int(children[0])
    return pid
