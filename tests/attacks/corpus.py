"""The hostile submissions beside this file: reads what each says of itself, and hands in notebooks made with them.

A file is one attack. Its docstring says what it tries, then `Deserves:` how many of the ten points, `Guard:` what stops
it, and perhaps `Flags:` what the table of results should show at least. Below it is one of two things:

- code of a student, put behind `PRELUDE` and wrong answers into the cell `double`; what follows a line `# %% before ID`
  or `# %% after ID` becomes a cell of its own beside the cell of that grade_id;
- a function `submit(notebook, folder)`, which changes the notebook, writes other files, or returns the bytes to hand in
  as the notebook (None: as it stands; an empty string: no file, it made its own).

All are harmless where nothing guards: they leave marks below one folder and only if it exists, talk to this machine's
port 47653 alone, and what hoards or runs on ends by itself.
"""

from __future__ import annotations

import ast
import json
import re
import runpy
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

NOTEBOOK = "attacked.ipynb"
PORT = 47653  # where a test listens: TCP and UDP on 127.0.0.1, and the abstract socket "\0grader-attack-47653"
REACH = Path("/tmp/grader-reached")  # marks appear below it; a test names its own
SCRIPT = "graderAttack"  # the function that every script calls: no page may let it run
TESTS = ("test_double", "test_double_hidden", "test_honest")

# Names that the code of an attack may use. A secret is never spelt out, or a search of memory would find itself.
PRELUDE = """\
import os, re
REACH, PORT, LOOT = "{reach}", 47653, []
def report(what):  # something that should be impossible
    LOOT.append("STO" + "LEN: " + what)
    print(LOOT[-1])
def steal(where, text):  # a secret in what could be read
    text = text if isinstance(text, str) else bytes(text).decode("latin1")
    for name in set(re.findall("SECRET[-](HIDDEN-TEST|SOLUTION|OTHER-STUDENT|ENVIRONMENT|GRADEBOOK)", text)):
        report(name + " from " + where)
def reach(how, root=""):  # a mark where no student's code should come
    if os.path.isdir(root + REACH):
        open(root + REACH + "/" + how, "w").close()
"""
WRONG = """\
def double(x):
    return x + 1

def summary(x):
    return {"mean": -1.0, "shape": []}
"""
RIGHT = """\
def honest(n):
    return sum(range(n + 1))
"""
CONFESSION = "print(*LOOT, sep='\\n')"  # whatever was stolen while the tests ran


@dataclass(frozen=True)
class Attack:
    """A hostile submission.

    Attributes:
        name: of its file.
        tries: what it is after.
        deserves: points, of ten, that its honest part earns; 0 where nothing should be graded at all.
        flags: what the table of results should show at least.
        path: its file.
    """

    name: str
    tries: str
    deserves: float
    flags: frozenset[str]
    path: Path

    def write(self, folder: Path, released: nbformat.NotebookNode, *, reach: Path = REACH) -> None:
        """Hand in the attack.

        Args:
            folder: the submission's own; made if need be.
            released: the notebook as students get it.
            reach: the folder in which marks are left wherever no student's code should come.
        """
        folder.mkdir(parents=True, exist_ok=True)
        notebook = deepcopy(released)
        prelude = PRELUDE.format(reach=reach)
        named(notebook, "double").source = WRONG
        named(notebook, "honest").source = RIGHT
        source = self.path.read_text()
        if re.search(r"^def submit\(", source, re.MULTILINE):
            given = {"named": named, "prelude": prelude, "PORT": PORT, "REACH": str(reach), "SCRIPT": SCRIPT}
            content = runpy.run_path(str(self.path), init_globals=given)["submit"](notebook, folder)
        else:
            content = None
            _insert(notebook, _body(source), prelude)
        if content != "":
            (folder / NOTEBOOK).write_bytes(json.dumps(notebook, indent=1).encode() if content is None else content)


def named(notebook: nbformat.NotebookNode, grade_id: str) -> Any:
    """The first cell of that grade_id."""
    for cell in notebook.cells:
        nbgrader = cell.metadata.get("nbgrader")
        if isinstance(nbgrader, dict) and nbgrader.get("grade_id") == grade_id:
            return cell
    raise KeyError(f"no cell has the grade_id {grade_id!r}")


def stolen(notebook: nbformat.NotebookNode) -> list[str]:
    """What an attack says in the notebook's outputs that it could read or do."""
    outputs = json.dumps([cell.get("outputs", []) for cell in notebook.cells])
    return re.findall(r"STOLEN: [^\"\\]*", outputs)


def _body(source: str) -> str:
    """The code below the docstring."""
    end = ast.parse(source).body[0].end_lineno
    return "\n".join(source.splitlines()[end:]).strip() + "\n"


def _insert(notebook: nbformat.NotebookNode, body: str, prelude: str) -> None:
    """Put code into the cell `double`, and what its marks divide off into cells of their own."""
    first, *others = re.split(r"^# %% (before|after) (\w+)\n", body, flags=re.MULTILINE)
    named(notebook, "double").source = f"{prelude}\n{WRONG}\n{first}"
    for side, grade_id, source in zip(others[::3], others[1::3], others[2::3], strict=True):
        place = notebook.cells.index(named(notebook, grade_id)) + (side == "after")
        notebook.cells.insert(place, nbformat.v4.new_code_cell(source))
    notebook.cells.append(nbformat.v4.new_code_cell(CONFESSION))


def _read(path: Path) -> Attack:
    """Read what a file says of itself.

    Raises:
        ValueError: it does not say what it tries, what it deserves, and which guard stops it.
    """
    text = ast.get_docstring(ast.parse(path.read_text())) or ""
    said = re.fullmatch(r"(.+?)\n\nDeserves: ([\d.]+)\.\n(?:Flags: ([a-z, ]+)\.\n)?Guard: .+", text, re.DOTALL)
    if not said:
        raise ValueError(f"{path.name} must say what it tries, then 'Deserves: N.', 'Guard: ...'; it says {text!r}")
    flags = frozenset(said[3].split(", ")) if said[3] else frozenset()
    return Attack(path.stem, " ".join(said[1].split()), float(said[2]), flags, path)


ATTACKS = [_read(path) for path in sorted(Path(__file__).parent.glob("*.py")) if path != Path(__file__)]
