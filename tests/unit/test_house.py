import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from nbgrader.coursedir import CourseDirectory
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from traitlets.config import PyFileConfigLoader

import dlbasics

ROOMS = {  # from the ground up: a module may import from its own room and from those before it
    "device": {"building", "device"},
    "data": {"download", "idx", "debian", "digits", "sources", "data", "text"},
    "augment": {"augment"},
    "models": {"models", "attention", "recurrent", "blocks", "graphs"},
    "losses": {"losses", "schedules"},
    "training": {"training", "pretraining", "siamese", "autoencoders", "language"},
    "evaluation": {
        "data_checks", "evaluation", "finetuning", "hog", "intervals", "robustness", "signals", "space", "registry",
        "readings", "signs", "diagnosis",
        "probes", "invariance", "filling", "calibration", "ngrams", "looking",
    },
    "experiments": {"experiments"},
    "checking": {"checking"},
    "figures": {
        "look", "columns", "annotate", "curves", "pictures", "comparisons", "figures", "explore", "atlas", "kernel_lab",
        "run_lab", "panels", "attention_pictures",
    },
}  # fmt: skip
FLOORS = {module: floor for floor, modules in enumerate(ROOMS.values()) for module in modules}
MOST_KILOBYTES = 1000  # of one tracked file; embeddings for a page are the largest there should be


@pytest.fixture(scope="module")
def project(project_root: Path) -> dict:
    return tomllib.loads((project_root / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_package_says_the_version_of_the_distribution(project: dict) -> None:
    assert dlbasics.__version__ == project["version"]


def imports(source: Path) -> set[str]:
    """The modules that a file imports, anywhere in it, as `dlbasics.data` or `torch.nn`."""
    found = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "dlbasics":
            found |= {f"dlbasics.{name.name}" for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


# What is installed


def pins(file: Path) -> dict[str, str]:
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line and not line.startswith(("#", "-"))]
    return {
        canonicalize_name(name): line.split(" ;")[0].partition("==")[2]
        for line in lines
        if (name := re.split(r"[=\s]", line)[0])
    }


@pytest.mark.parametrize(
    "name", ["requirements.txt", "requirements-grade.txt", "requirements-dev.txt", "requirements-bench.txt"]
)
def test_every_requirement_is_one_exact_version_without_an_address(project_root: Path, name: str) -> None:
    for line in (project_root / name).read_text(encoding="utf-8").splitlines():
        if line not in ("-e .", "-r requirements.txt", "-r requirements-grade.txt") and not line.startswith("#"):
            assert re.fullmatch(r"[a-z0-9-]+==[\w.]+( ; .+)?", line)


def test_the_exact_versions_lie_within_the_declared_ranges(project: dict, project_root: Path) -> None:
    product = pins(project_root / "requirements.txt")
    grade = product | pins(project_root / "requirements-grade.txt")
    tests = grade | pins(project_root / "requirements-dev.txt")
    bench = product | pins(project_root / "requirements-bench.txt")
    extras = project["optional-dependencies"]
    ranges = [
        (project["dependencies"], product),
        (extras["grade"], grade),
        (extras["dev"], tests),
        (extras["bench"], bench),
    ]
    for declared, pinned in ranges:
        for requirement in map(Requirement, declared):
            assert pinned[canonicalize_name(requirement.name)] in requirement.specifier, requirement


def test_pip_is_left_to_take_the_cuda_packages_that_its_torch_asks_for(project_root: Path) -> None:
    assert not [name for name in pins(project_root / "requirements.txt") if re.match("nvidia|cuda|triton", name)]


def test_what_the_packages_import_is_declared(project: dict, project_root: Path) -> None:
    extras = project["optional-dependencies"]
    always, grade = (
        {canonicalize_name(Requirement(line).name) for line in lines}
        for lines in (project["dependencies"], extras["grade"])
    )
    providers = packages_distributions()
    own = {"dlbasics", "dlbasics_course", "dlbasics_site", "grader"}
    for file in (project_root / "src").rglob("*.py"):
        declared = always | grade if file.parent.name == "grader" else always
        for name in {module.split(".")[0] for module in imports(file)} - sys.stdlib_module_names - own:
            provided_by = {canonicalize_name(provider) for provider in providers.get(name, [])}
            assert declared & provided_by, f"{file} imports {name}"


# Where things are


def modules(project_root: Path) -> dict[str, list[Path]]:
    """Each module or subpackage of `dlbasics`, and its files."""
    package = project_root / "src" / "dlbasics"
    found = {file.stem: [file] for file in package.glob("*.py") if file.stem != "__init__"}
    return found | {
        folder.parent.name: sorted(folder.parent.glob("**/*.py")) for folder in package.glob("*/__init__.py")
    }


def test_every_module_has_its_room(project_root: Path) -> None:
    homeless = set(modules(project_root)) - set(FLOORS)
    assert not homeless, f"say in ROOMS above, and in CONTRIBUTING.md, in which room {homeless} belongs"


def test_data_flows_one_way(project_root: Path) -> None:
    upward = [
        f"{module} imports {imported}"
        for module, files in modules(project_root).items()
        for file in files
        for imported in sorted(imports(file))
        if imported.startswith("dlbasics.") and (target := imported.split(".")[1]) in FLOORS
        if FLOORS[target] > FLOORS.get(module, len(ROOMS))
    ]
    assert not upward


def test_the_package_never_imports_what_builds_the_book_or_authors_the_exercises(project_root: Path) -> None:
    for file in (project_root / "src" / "dlbasics").rglob("*.py"):
        assert not [name for name in imports(file) if name.startswith(("dlbasics_site", "dlbasics_course"))], file


def test_contributing_describes_the_same_rooms(project_root: Path) -> None:
    words = (project_root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    drawn = re.search(r"^device → .*$", words, flags=re.MULTILINE)
    assert drawn
    assert drawn[0].split(" → ") == list(ROOMS)


def test_contributing_maps_every_module_of_the_grader(project_root: Path) -> None:
    words = (project_root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    mapped = re.findall(r"^\| `(\w+)` \| ", words.partition("`src/grader` grades")[2], flags=re.MULTILINE)
    package = project_root / "src" / "grader"
    there = {path.stem for path in package.glob("*.py")} | {path.parent.name for path in package.glob("*/__init__.py")}
    assert sorted(mapped) == sorted(there - {"__init__"})


def tracked_files(project_root: Path) -> list[Path]:
    if not shutil.which("git") or not (project_root / ".git").exists():
        pytest.skip("this is not a git checkout")
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=project_root, capture_output=True, text=True, check=True)
    return [path for name in listing.stdout.split("\0") if name and (path := project_root / name).is_file()]


def test_what_is_tracked_is_small_and_is_source(project_root: Path) -> None:
    for path in tracked_files(project_root):
        assert path.stat().st_size <= MOST_KILOBYTES * 1000, path


def test_tracked_notebooks_hold_no_outputs(project_root: Path) -> None:
    for path in tracked_files(project_root):
        if path.suffix == ".ipynb":
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            assert not [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")], path


# What is promised


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", ".ci/run", ".github/workflows/book.yml"])
def test_the_make_commands_that_are_promised_exist(project_root: Path, name: str) -> None:
    targets = set(
        re.findall(r"^([a-z-]+):", (project_root / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    )
    promised = set(
        re.findall(
            r"(?:^|`|run: |\$ )make ([a-z-]+)", (project_root / name).read_text(encoding="utf-8"), flags=re.MULTILINE
        )
    )
    assert promised
    assert promised <= targets


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_the_files_that_are_linked_exist(project_root: Path, name: str) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", (project_root / name).read_text(encoding="utf-8")):
        assert (project_root / target).exists(), target


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "Makefile", ".github/workflows/book.yml"])
def test_the_python_commands_that_are_promised_exist(project_root: Path, name: str) -> None:
    words = (project_root / name).read_text(encoding="utf-8")
    for module in set(re.findall(r"-m (dlbasics[\w.]*)", words)):
        place = (project_root / "src").joinpath(*module.split("."))
        program = place / "__main__.py" if place.is_dir() else place.with_suffix(".py")
        assert '__name__ == "__main__"' in program.read_text(encoding="utf-8"), module


def test_make_lists_every_command_that_a_person_calls(project_root: Path) -> None:
    if not shutil.which("make") or not shutil.which("awk"):
        pytest.skip("make or awk is not installed")
    listed = subprocess.run(["make", "help"], cwd=project_root, capture_output=True, text=True, check=True).stdout
    for command in ("book", "serve", "lab", "release", "student", "test", "test-full", "lint", "experiments", "clean"):
        assert f"make {command} " in listed


def test_an_old_python_is_refused_by_name(project_root: Path, tmp_path: Path) -> None:
    if not shutil.which("make") or sys.platform == "win32":
        pytest.skip("make is not installed")
    old = tmp_path / "python2.7"
    old.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    old.chmod(0o755)
    told = subprocess.run(
        ["make", "book", f"PYTHON={old}", f"VENV={tmp_path / 'venv'}"], cwd=project_root, capture_output=True, text=True
    )
    assert told.returncode != 0
    assert "Python 3.11 or newer is needed" in told.stdout
    assert not (tmp_path / "venv").exists()


def test_the_workflow_is_valid(project_root: Path) -> None:
    workflows = sorted((project_root / ".github" / "workflows").glob("*.yml"))
    assert workflows
    subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows],
        check=True,
    )


# Teaching


def test_nbgrader_keeps_what_it_writes_out_of_sight(project_root: Path) -> None:
    course = CourseDirectory(config=PyFileConfigLoader("nbgrader_config.py", path=str(project_root)).load_config())
    assert (course.source_directory, course.release_directory) == ("solutions", "exercises")
    written = (course.submitted_directory, course.autograded_directory, course.feedback_directory, course.db_url)
    assert all(".nbgrader/" in place for place in written)
