"""Inside the sandbox: imports what notebooks need once, then forks one kernel at a time, each behind walls of its own.

A request whose ``walls`` are false comes from `grader.unprotected`: then there is no sandbox, and the kernel is a
process like any other of the user's.

It serves one client, over the socket that is its standard input. A request brings the kernel's folder, limits and
side, and two sockets: one on which the kernel's life is reported and ended, and one that the kernel inherits and leaves
to the module of its side. No student's code ever runs in this process, and each child loses sight of it before it runs
any.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import itertools
import json
import os
import resource
import select
import shutil
import signal
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

JOBS = Path("/jobs")  # one folder a kernel: connection file and sockets in s, files to work on in w
RUN = Path("/run/kernel")  # where a kernel sees its s
WORK = Path("/home/work")  # and its own copy of w
WIRE = 3  # the descriptor that a kernel inherits

_NEWNS, _NEWUTS, _NEWIPC, _NEWUSER, _NEWPID, _NEWNET = 0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
_BIND, _REC, _PRIVATE, _RDONLY, _REMOUNT, _NOSUID, _NODEV = 4096, 16384, 1 << 18, 1, 32, 2, 4
_SET_DUMPABLE, _PDEATHSIG, _CAPBSET_DROP, _SUBREAPER, _NO_NEW_PRIVS = 4, 1, 24, 36, 38
_CAPABILITIES = 41
_libc = ctypes.CDLL(None, use_errno=True)

# What an IPython kernel imports on its way up: most of the time that it takes
_KERNEL = (
    "ipykernel.kernelapp",
    "ipykernel.debugger",
    "tornado.platform.asyncio",
    "IPython.core.completerlib",
    "IPython.core.magics",
    "IPython.extensions.storemagic",
    "sqlite3",
    "psutil",
    "grader.asking",
    "grader.answering",
)


def serve(steps: list[str]) -> None:
    """Take steps, say so, and fork a kernel for each request until the client is gone.

    A step that starts a thread, as importing pyarrow does, is left to the kernels: only what has one thread forks
    safely. So is one that fails: half of it would stay.

    Args:
        steps: statements, most of them imports, whose work no kernel then has to do.
    """
    from grader import shortcuts

    sys.modules["debugpy"] = None  # type: ignore[assignment] # nobody debugs here, and each kernel would import it
    for module in _KERNEL:
        importlib.import_module(module)
    shortcuts.take()
    for step in steps:
        if not _is_harmless(step):  # and nothing can be undone: begin again without it
            others = [other for other in steps if other != step]
            os.execv(sys.executable, [*sys.orig_argv[: len(sys.orig_argv) - len(steps)], *others])

    with socket.socket(fileno=os.dup(0)) as client:
        client.send(json.dumps({"threads": _threads()}).encode())
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        gc.collect()
        gc.freeze()  # pages shared with the children stay shared
        while True:
            request, descriptors, *_ = socket.recv_fds(client, 1 << 16, 2)
            if not request:
                return
            wanted = json.loads(request)
            if "modules" in wanted:
                _import_too(wanted["modules"])
            elif os.fork() == 0:
                client.close()
                os.close(0)
                _child(wanted, *descriptors)
            for descriptor in descriptors:
                os.close(descriptor)


def _is_harmless(step: str) -> bool:
    """Take a step; whether that did no harm."""
    try:
        exec(step, {})
    except Exception:  # a cell that does the same will say why
        return False
    return _threads() == 1


def _import_too(modules: list[str]) -> None:
    """Import what the tests of the kernels before have imported, as far as a child could before it came to harm."""
    ours, theirs = os.pipe()
    if os.fork() == 0:
        harmless = itertools.takewhile(lambda module: _is_harmless(f"import {module}"), modules)
        os.write(theirs, len(list(harmless)).to_bytes(4))
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as number:
        for module in modules[: int.from_bytes(number.read())]:
            importlib.import_module(module)
    gc.freeze()


def _threads() -> int:
    tasks = Path("/proc/self/task")
    return len(list(tasks.iterdir())) if tasks.exists() else 1


def _child(request: dict[str, Any], life: int, wire: int) -> None:
    """Be the keeper of one kernel; never returns."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        if request["walls"]:
            _isolate()
        else:  # no namespace ends what a kernel leaves behind: it becomes this process's child
            _libc.prctl(_SUBREAPER, 1, 0, 0, 0)
        kernel = os.fork()
        if kernel == 0:
            os.close(life)
            _libc.prctl(_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            _be_kernel(request, wire)
            os._exit(0)
        os.close(wire)
        status = _keep(kernel, life)
        if not request["walls"]:
            _end_children()
        with contextlib.suppress(OSError):
            os.write(life, f"ended {status}".encode())
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.write(life, f"failed {type(error).__name__}: {error}".encode())
    finally:
        os._exit(1)


def _keep(kernel: int, life: int) -> int:
    """Pass on signals, end the kernel when nobody listens any more, and return its exit status."""
    ended = os.pidfd_open(kernel)
    with contextlib.suppress(OSError):
        while True:
            ready, _, _ = select.select([ended, life], [], [])
            if ended in ready:
                break
            orders = os.read(life, 64).split()
            for order in orders or [b"9"]:
                os.kill(kernel, int(order))
            if not orders:
                break
    return os.waitstatus_to_exitcode(os.waitpid(kernel, 0)[1])


def _end_children() -> None:
    """End what a kernel has started, and what that has."""
    import psutil

    while children := psutil.Process().children(recursive=True):
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        psutil.wait_procs(children, timeout=1)


def _isolate() -> None:
    """New namespaces: own users, mounts, processes, network, messages and host name."""
    user, group = os.getuid(), os.getgid()
    _call("unshare", _NEWUSER | _NEWNS | _NEWPID | _NEWNET | _NEWIPC | _NEWUTS)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    with contextlib.suppress(OSError):  # a container around all this may forbid it, and has a name of its own
        socket.sethostname("sandbox")


def _be_kernel(request: dict[str, Any], wire: int) -> None:
    """Wall this process in, then be an IPython kernel until it ends."""
    os.setsid()  # or it could end its keeper by ending their group
    limits = request["limits"]
    run, work = _wall_in(request) if request["walls"] else _make_room(request)
    for name in ("DATA", "NPROC", "FSIZE", "CPU", "NOFILE", "CORE"):
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (limits[name], limits[name]))

    from ipykernel.kernelapp import IPKernelApp

    os.dup2(wire, WIRE, inheritable=True)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.closerange(WIRE + 1, 1024)
    sys.argv = ["ipykernel_launcher"]
    os.chdir(run)
    app = IPKernelApp.instance()
    app.initialize(["-f", str(run / "kernel.json"), "--HistoryManager.hist_file=:memory:", "--no-secure"])
    if request["walls"]:
        # From here on nothing that the kernel writes can reach the host's disk: its sockets are there already.
        _mount("none", str(RUN), None, _REMOUNT | _BIND | _RDONLY | _NOSUID | _NODEV)
    _drop_privileges()
    importlib.import_module(request["side"]).connect(WIRE)
    os.chdir(work)
    # as in a notebook; only now, so that no file of a student's is imported before the walls stand
    sys.path.insert(0, "")
    app.start()


def _make_room(request: dict[str, Any]) -> tuple[Path, Path]:
    """Without walls: a folder for the kernel's own files, and its folders of sockets and of work, as they are."""
    folder = Path(request["folder"])
    os.environ.update(request["environment"])
    tempfile.tempdir = None  # found already, by something that was imported
    Path(os.environ["TMPDIR"]).mkdir()
    return folder / "s", folder / "w"


def _wall_in(request: dict[str, Any]) -> tuple[Path, Path]:
    """Give this process a view of its own of the file system, and return its folders of sockets and of work."""
    folder, limits = JOBS / request["folder"], request["limits"]
    _mount("none", "/", None, _REC | _PRIVATE)
    _mount("tmpfs", str(WORK), "tmpfs", _NOSUID | _NODEV, f"size={limits['scratch']},mode=700,nr_inodes=20k")
    shutil.copytree(folder / "w", WORK, dirs_exist_ok=True)
    _mount(str(folder / "s"), str(RUN), None, _BIND)
    _mount("tmpfs", str(JOBS), "tmpfs", _NOSUID | _NODEV | _RDONLY, "size=4k,mode=755")
    for folder_of_its_own in (os.environ["TMPDIR"], "/dev/shm"):
        room = f"size={limits['scratch']},mode=1777,nr_inodes=20k"
        _mount("tmpfs", folder_of_its_own, "tmpfs", _NOSUID | _NODEV, room)
    try:
        _mount("proc", "/proc", "proc", _NOSUID | _NODEV)
        with contextlib.suppress(OSError):
            Path("/proc/sys/user/max_user_namespaces").write_text("0")  # no further namespaces, nor their kernel code
    except OSError:  # not allowed where the outer one is covered in part: better none than the outer one
        _mount("tmpfs", "/proc", "tmpfs", _NOSUID | _NODEV | _RDONLY, "size=4k")
    return RUN, WORK


def _drop_privileges() -> None:
    class Header(ctypes.Structure):
        _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))

    _libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)
    for capability in range(_CAPABILITIES):
        _libc.prctl(_CAPBSET_DROP, capability, 0, 0, 0)
    _call("capset", ctypes.byref(Header(0x20080522, 0)), ctypes.byref((ctypes.c_uint32 * 6)()))
    _libc.prctl(_SET_DUMPABLE, 1, 0, 0, 0)


def _mount(source: str, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    encoded = [text.encode() if text is not None else None for text in (source, target, kind)]
    _call("mount", *encoded, ctypes.c_ulong(flags), options.encode() if options else None)


def _call(name: str, *arguments: Any) -> None:
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
