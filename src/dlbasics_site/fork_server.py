"""A process that imports once what many pages import, and forks a kernel for each page; run as a script.

Its arguments are the modules. Once they are imported it writes how many threads it has. For each line that it then
reads, the arguments of a kernel as JSON, it forks one and writes its process number. When its input ends, so does it,
and so do the kernels.
"""

import contextlib
import gc
import importlib
import json
import os
import signal
import sys
from pathlib import Path

# Imported by these only when something of theirs is first called, and not cheap.
_LATER = {"myst_nb": "myst_nb.ext.glue", "torch": "torch._dynamo"}

_ENVIRONMENT = {
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",  # which a kernel sets before it imports anything
    "PYTORCH_NVML_BASED_CUDA_CHECK": "1",  # the other way to look for a GPU bars forked processes from using it
    "JE_ARROW_MALLOC_CONF": "background_thread:false",  # pandas brings pyarrow, and that a thread to free its memory
}


def main(modules: list[str]) -> None:
    """Import, then fork whenever asked."""
    answers = os.dup(1)
    os.dup2(2, 1)  # what a module prints is no answer
    os.environ.update(_ENVIRONMENT | {"JPY_PARENT_PID": str(os.getpid())})
    for module in ["ipykernel.kernelapp", *modules]:
        _import(module)
    for module, later in _LATER.items():
        if module in sys.modules:
            _import(later)
    gc.collect()
    gc.freeze()  # the kernels share this memory as long as none of them writes to it
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a kernel here
    os.write(answers, b"%d\n" % _threads())
    for line in sys.stdin:
        kernel = os.fork()
        if kernel == 0:
            os.close(answers)
            _be_kernel(**json.loads(line))
        os.write(answers, b"%d\n" % kernel)


def _import(module: str) -> None:
    with contextlib.suppress(Exception):  # whatever is wrong, the page that imports it will say so
        importlib.import_module(module)


def _threads() -> int:
    """How many this process has: after a fork only one of them would be there."""
    return len(list(Path("/proc/self/task").iterdir()))


def _be_kernel(arguments: list[str], folder: str) -> None:
    """Be an IPython kernel, as `python -m ipykernel_launcher` is; never returns."""
    from ipykernel.kernelapp import launch_new_instance

    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 0)
        os.chdir(folder)
        sys.argv = ["ipykernel_launcher", *arguments]
        launch_new_instance()
    finally:
        os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
