"""The Containerfile's own steps, taken in a plain Debian root file system, and a course graded in what they made."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest

from grader.course import Course
from grading.walls import needs_walls

ANSWERS = {"right": "def square(x):\n    return x * x", "wrong": "def square(x):\n    return x * abs(x)"}


def steps(containerfile: Path) -> Iterator[tuple[str, str]]:
    """Each instruction and its argument, its lines joined."""
    lines = [line for line in containerfile.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    for line in "\n".join(lines).replace("\\\n", "").splitlines():
        if line.strip():
            instruction, _, argument = line.partition(" ")
            yield instruction, argument.strip()


def test_what_the_container_is_made_of_is_there_and_it_is_not_root_s(project_root: Path) -> None:
    taken = list(steps(project_root / "Containerfile"))
    for _, argument in (step for step in taken if step[0] == "COPY"):
        assert all((project_root / source).exists() for source in argument.split()[:-1]), argument
    assert [argument for instruction, argument in taken if instruction == "USER"] == ["grader"]
    assert json.loads(dict(taken)["ENTRYPOINT"]) == ["grade"]


def pip_settings() -> dict[str, str]:
    """What pip is told on this machine, as variables of the environment: elsewhere it may find nothing otherwise."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = dict(line.split("=", 1) for line in said.splitlines())
    return {
        f"PIP_{name.rpartition('.')[2].replace('-', '_').upper()}": " ".join(shlex.split(value)).replace("\\n", " ")
        for name, value in found.items()
    }


class Container:
    """A root file system that commands run in, each as if a container engine ran it."""

    def __init__(self, root: Path) -> None:
        self.root, self.folder, self.environment = root, "/", {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}

    def take(self, instruction: str, argument: str, context: Path) -> None:
        if instruction == "RUN":
            settings = pip_settings() if "pip install" in argument else {}
            self.run(["sh", "-c", argument], {"DEBIAN_FRONTEND": "noninteractive", **settings}, as_root=True)
        elif instruction == "COPY":
            *sources, target = argument.split()
            for source in sources:
                self._copy(context / source, self.root / self.folder.lstrip("/") / target)
        elif instruction == "WORKDIR":
            self.folder = argument
            (self.root / argument.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif instruction == "ENV":
            name, _, value = argument.partition("=")
            self.environment[name] = value
        else:
            assert instruction in ("FROM", "ARG", "USER", "ENTRYPOINT"), instruction

    def _copy(self, source: Path, target: Path) -> None:
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            shutil.copy(source, target / source.name)

    def run(
        self, command: list[str], environment: dict[str, str], *, as_root: bool, mounts: dict[Path, str] | None = None
    ) -> str:
        rights = ["--cap-add", "ALL"] if as_root else ["--unshare-user", "--uid", "1000", "--gid", "1000"]
        outer = ["bwrap", "--die-with-parent", *rights, "--bind", str(self.root), "/", "--dev", "/dev"]
        outer += ["--bind", "/proc", "/proc", "--ro-bind", "/etc/resolv.conf", "/etc/resolv.conf", "--clearenv"]
        for value in environment.values():  # pip's wheels and certificates, where they lie on this machine's disk
            for path in (Path(word.removeprefix("file://")) for word in value.split()):
                if path.is_absolute() and path.exists():
                    place = path if path.is_file() else Path(*path.parts[:3])
                    outer += ["--ro-bind", str(place), str(place)]
        for path, place in (mounts or {}).items():
            outer += ["--bind", str(path), place]
        for name, value in {**self.environment, **environment}.items():
            outer += ["--setenv", name, value]
        done = subprocess.run(
            [*outer, "--chdir", self.folder, "--", *command], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stdout[-2000:]} {done.stderr[-4000:]}"
        return done.stdout


@pytest.mark.full
@needs_walls
@pytest.mark.skipif(not shutil.which("mmdebstrap"), reason="mmdebstrap is not installed (Debian: apt-get install it)")
@pytest.mark.skipif(sys.platform == "linux" and os.geteuid() != 0, reason="making a root file system takes root")
def test_the_containerfile_s_steps_make_a_system_that_grades(
    make_course: Callable[..., Course], project_root: Path, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", "bookworm", str(root)], check=True)
    container = Container(root)
    taken = list(steps(project_root / "Containerfile"))
    assert taken[0] == ("FROM", "debian:bookworm-slim")
    for instruction, argument in taken:
        container.take(instruction, argument, project_root)

    course = make_course()
    for student, answer in ANSWERS.items():
        folder = course.submitted(student, "ps1")
        folder.mkdir(parents=True)
        for name in ("main", "other"):
            notebook = nbformat.read(course.root / "release" / "ps1" / f"{name}.ipynb", as_version=4)
            notebook.cells[0].source = answer
            nbformat.write(notebook, folder / f"{name}.ipynb")
    entry = json.loads(dict(taken)["ENTRYPOINT"])
    said = container.run([*entry, "ps1", "--json"], {}, as_root=False, mounts={course.root: container.folder})
    scores = {row["student"]: (row["score"], row["flags"]) for row in json.loads(said)}
    assert scores == {"right": (7.0, []), "wrong": (4.0, [])}

    where = "from dlbasics.sources import fashion_mnist; print(fashion_mnist(source='debian').name)"
    assert container.run(["python", "-c", where], {}, as_root=False).strip() == "fashion-mnist"
