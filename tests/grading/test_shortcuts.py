"""What the kernels leave out changes nothing: cells are read, and tracebacks written, as IPython does it."""

import inspect
import os
import subprocess
import sys

import pytest
from IPython.core.inputtransformer2 import TransformerManager

from grader import shortcuts

CELLS = [
    "x = 1\n\nprint(x)",
    "\n\n  \nx = 1",
    "x = (5\n%2)",
    "'''\n%magic\n!ls\nhelp?\n'''",
    "x = 5 \\\n%2",
    "a = 'what?'\nb = '!'",
    "def f():\n    return 1 # ends with?",
    "%matplotlib inline\nx = 1",
    "%%time\nx = 1",
    "files = !ls\nwhat = %pwd",
    "if True:\n    !ls\n    %pwd",
    "print?",
    "np.lo*?",
    "/print 1\n;f 1 2\n,f 1 2",
    ">>> x = 1\n... y = 2",
    "In [1]: x = 1\n   ...: y = 2",
    "    x = 1\n    y = 2",
    "await f()",
    "x = = 1",
    "x = '\\d'",
    "",
    "x = 1\0",
    "é = 1; print(f'{é!r}')",
    "(" * 300 + ")" * 300,
]


@pytest.fixture
def usual(monkeypatch: pytest.MonkeyPatch) -> TransformerManager:
    """IPython as it comes; in the test that asks for it the shortcuts can be taken."""
    monkeypatch.setattr(TransformerManager, "do_token_transforms", TransformerManager.do_token_transforms)
    monkeypatch.setattr(inspect, "getmodule", inspect.getmodule)
    return TransformerManager()


@pytest.mark.parametrize("cell", CELLS)
def test_a_cell_is_read_as_ever(cell: str, usual: TransformerManager) -> None:
    expected = usual.transform_cell(cell)
    shortcuts.take()
    assert TransformerManager().transform_cell(cell) == expected


def test_what_is_no_cell_is_in_the_module_that_it_is_in(usual: TransformerManager) -> None:
    cell = compile("def f(): pass\nframe = __import__('sys')._getframe()", "/tmp/ipykernel_1/2.py", "exec")
    names: dict = {"__name__": "__main__"}
    exec(cell, names)
    things = [cell, names["frame"], names["f"], names["f"].__code__, shortcuts, shortcuts.take, TransformerManager, 3]
    things += [shortcuts.take.__code__, inspect.currentframe(), len, inspect]
    expected = [inspect.getmodule(thing) for thing in things]
    shortcuts.take()
    assert [inspect.getmodule(thing) for thing in things] == expected
    assert inspect.getmodule(shortcuts.take.__code__) is shortcuts


_TRACEBACK = """
import sys
from IPython.core.interactiveshell import InteractiveShell
from grader import shortcuts
if sys.argv[1:] == ["short"]:
    shortcuts.take()
shell = InteractiveShell.instance()
shell.compile.get_code_name = lambda raw, code, number: f"/tmp/ipykernel_1/{abs(hash(raw))}.py"
shell._showtraceback = lambda kind, error, lines: print("\\n".join(lines))
shell.run_line_magic("colors", "nocolor")
cells = "def f(x):\\n    return g(x)", "def g(x):\\n    return 1 / x", "import json", "f(0)", "json.loads('')", "x = ="
for cell in cells:
    shell.run_cell(cell)
"""


def test_a_traceback_is_written_as_ever() -> None:
    usual, short = (
        subprocess.run(
            [sys.executable, "-c", _TRACEBACK, way],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"PYTHONHASHSEED": "0"},
        ).stdout
        for way in ("usual", "short")
    )
    for words in ("----> 2     return 1 / x", "ZeroDivisionError", "JSONDecodeError", "SyntaxError"):
        assert words in usual
    assert short == usual
