"""Files of results lie where Formgrader looks, whole, and never where a link or a name would lead them."""

import os
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest

import grader.placing
from grader.course import Course, load
from grader.placing import PlacingError, place
from grader.records import Result


@pytest.fixture
def course(tmp_path: Path) -> Course:
    (tmp_path / "course").mkdir()
    return load(tmp_path / "course")


def made(notebook: bytes = b"graded", **files: bytes) -> Result:
    return Result(
        "ada",
        "digest",
        "by",
        notebooks={"main.ipynb": notebook},
        files=files,
        feedback={"main.html": b"<p>" + notebook},
    )


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def mode(path: Path) -> str:
    return oct(path.stat().st_mode & 0o7777)


def test_a_folder_is_replaced_as_a_whole(course: Course) -> None:
    place(course, "ps1", made(b"old", gone=b"1"))
    place(course, "ps1", made(b"new", **{"deep/kept.txt": b"2"}))
    assert tree(course.root) == {
        "autograded/ada/ps1/main.ipynb": b"new",
        "autograded/ada/ps1/deep/kept.txt": b"2",
        "feedback/ada/ps1/main.html": b"<p>new",
    }


def test_graded_files_are_read_only_and_feedback_can_be_written_as_with_nbgrader(course: Course) -> None:
    place(course, "ps1", made(**{"data.csv": b""}))
    folder = course.autograded("ada", "ps1")
    assert (mode(folder / "main.ipynb"), mode(folder / "data.csv")) == ("0o444", "0o444")
    assert mode(course.feedback("ada", "ps1") / "main.html") == "0o644"


def test_a_course_that_a_group_shares_gets_the_modes_of_nbgrader(tmp_path: Path) -> None:
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.groupshared = True\n")
    course = load(tmp_path)
    place(course, "ps1", made(**{"deep/data.csv": b""}))
    folder = course.autograded("ada", "ps1")
    assert (mode(folder / "main.ipynb"), mode(folder / "deep" / "data.csv")) == ("0o664", "0o664")
    assert (mode(folder), mode(folder / "deep")) == ("0o2775", "0o2775")


def test_the_time_and_the_exchange_s_secret_stand_beside_the_feedback(course: Course) -> None:
    noted = {"timestamp.txt": b"2026-01-01 12:00:00.5 UTC", "submission_secret.txt": b"s", "data.csv": b""}
    place(course, "ps1", made(**noted))
    del noted["data.csv"]
    assert tree(course.feedback("ada", "ps1")) == {"main.html": b"<p>graded", **noted}


def test_a_time_that_only_the_result_knows_is_written_as_nbgrader_reads_it(course: Course) -> None:
    noted = datetime(2026, 1, 1, 12, 30)
    result = Result("ada", "digest", "by", notebooks={"main.ipynb": b""}, timestamp=noted)
    place(course, "ps1", result)
    assert course.directory.get_existing_timestamp(str(course.autograded("ada", "ps1"))) == noted


def test_a_refused_submission_takes_no_file_away(course: Course) -> None:
    place(course, "ps1", made())
    before = tree(course.root)
    place(course, "ps1", Result("ada", "second", "by", problem="holds a link"))
    assert tree(course.root) == before


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil", "", "a\0b"])
def test_a_name_that_leads_out_is_refused_and_the_old_folder_stays(course: Course, name: str) -> None:
    place(course, "ps1", made(b"old"))
    before = tree(course.root)
    with pytest.raises(PlacingError, match="must lead to a place below its folder"):
        place(course, "ps1", made(b"new", **{name: b"evil"}))
    assert {name: data for name, data in tree(course.root).items() if "grader-new" not in name} == before
    place(course, "ps1", made(b"newer"))
    assert sorted(os.listdir(course.root / "autograded" / "ada")) == ["ps1"]  # noqa: PTH208


def test_a_link_in_the_place_of_the_folder_is_replaced_and_not_followed(course: Course, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").write_bytes(b"mine")
    folder = course.autograded("ada", "ps1")
    folder.parent.mkdir(parents=True)
    folder.symlink_to(elsewhere)
    (folder.parent / ".ps1.grader-new").symlink_to(elsewhere)
    place(course, "ps1", made())
    assert not folder.is_symlink()
    assert tree(folder) == {"main.ipynb": b"graded"}
    assert tree(elsewhere) == {"precious": b"mine"}


def test_a_link_in_the_place_of_a_student_s_folder_is_refused(course: Course, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (course.root / "autograded").mkdir()
    (course.root / "autograded" / "ada").symlink_to(elsewhere)
    with pytest.raises(PlacingError, match="is a link to"):
        place(course, "ps1", made())
    assert list(elsewhere.iterdir()) == []


def test_an_instructor_may_keep_all_graded_work_on_another_disk(course: Course, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (course.root / "autograded").symlink_to(tmp_path / "disk")
    place(course, "ps1", made())
    assert tree(tmp_path / "disk") == {"ada/ps1/main.ipynb": b"graded"}


def test_where_folders_cannot_trade_places_they_are_moved_one_by_one(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grader.placing, "EXCHANGE", 1 << 20)  # a flag that no system knows: the call fails, as on NFS
    place(course, "ps1", made(b"old", gone=b""))
    place(course, "ps1", made(b"new"))
    assert tree(course.root / "autograded" / "ada") == {"ps1/main.ipynb": b"new"}


PLACING = """
import sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from grader.course import load
from grader.placing import place
from grader.records import Result
course = load(Path(sys.argv[1]))
print("ready", flush=True)
for turn in range(10**9):
    files = {f"file{n}": str(turn).encode() for n in range(50)}
    place(course, "ps1", Result("ada", "d", "a", files=files))
"""


def test_killed_at_any_moment_the_folder_holds_the_files_of_one_result(course: Course, project_root: Path) -> None:
    folder = course.autograded("ada", "ps1")
    place(course, "ps1", Result("ada", "d", "a", files={f"file{n}": b"-1" for n in range(50)}))
    command = [sys.executable, "-c", PLACING, str(course.root), str(project_root / "src")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as grading:
        assert grading.stdout is not None
        assert grading.stdout.readline() == "ready\n"
        end = time.monotonic() + 0.5
        while time.monotonic() < end:  # a reader, meanwhile, never finds it missing
            assert folder.is_dir()
        grading.send_signal(signal.SIGKILL)
    found = tree(folder)
    assert len(found) == 50
    assert len(set(found.values())) == 1
    place(course, "ps1", made(b"after"))
    assert tree(folder.parent) == {"ps1/main.ipynb": b"after"}
