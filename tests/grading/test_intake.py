"""Intake: real folders and zips as nbgrader, Canvas, Moodle and Gradescope leave them, and as an attacker would."""

import json
import os
import re
import shutil
import socket
import stat
import tempfile
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path, PurePosixPath

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.intake import Intake, collect
from grader.intake.caps import Caps, Refusal
from grader.intake.notebook_check import notebook_fault
from grader.records import Submission

NOTEBOOK = nbformat.writes(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = 1")])).encode()
OTHER = nbformat.writes(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = 2")])).encode()
GRADESCOPE = b"""\
submission_101:
  :submitters:
  - :name: Jane Doe
    :sid: '0042'
    :email: jane@example.org
  :created_at: 2026-11-20 10:00:00.123456789 Z
  :score: 3.0
submission_102:
  :submitters:
  - :name: Max Muster
    :sid: ''
    :email: max@example.org
  - :name: Eva Muster
    :sid:
    :email: eva@example.org
  :created_at: 2026-11-20 12:00:00.5 +02:00
  :results: !ruby/object:Thing
    note: "a\\tb"
"""

Pack = Callable[[dict[str, bytes]], Path]


def write(root: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def pack(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


@pytest.fixture(params=["folder", "zip"])
def packed(request: pytest.FixtureRequest, tmp_path: Path) -> Pack:
    """Makes files a folder, or a zip, as somebody would download them."""
    if request.param == "folder":
        return lambda files: write(tmp_path / "export", files)
    return lambda files: pack(tmp_path / "export.zip", files)


def take(source: Path, **settings: object) -> Intake:
    return collect(source, "backprop", **{"expected": {"backprop"}, **settings})  # type: ignore[arg-type]


def by_student(source: Path, **settings: object) -> dict[str, Submission]:
    submissions = list(take(source, **settings))
    found = {submission.student: submission for submission in submissions}
    assert len(found) == len(submissions)
    return found


def refusal(source: Path, student: str = "eve", **settings: object) -> str:
    """Why a student's submission is refused; the others must have come through."""
    found = by_student(source, **settings)
    refused = found.pop(student)
    assert refused.files == {}
    assert refused.refused
    assert all(other.refused is None for other in found.values())
    return refused.refused


def eve(tmp_path: Path, files: dict[str, bytes] | None = None) -> Path:
    """The folder of Eve's submission, beside Bob's good one in `submitted`."""
    write(tmp_path / "submitted", {"bob/backprop/backprop.ipynb": NOTEBOOK})
    folder = tmp_path / "submitted" / "eve" / "backprop"
    folder.mkdir(parents=True)
    return write(folder, {"backprop.ipynb": NOTEBOOK} if files is None else files)


def eve_zipped(tmp_path: Path, add: Callable[[zipfile.ZipFile], None]) -> Path:
    with zipfile.ZipFile(tmp_path / "submitted.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bob/backprop/backprop.ipynb", NOTEBOOK)
        archive.writestr("eve/backprop/backprop.ipynb", NOTEBOOK)
        add(archive)
    return tmp_path / "submitted.zip"


# ---- What the platforms hand out ----


def test_nbgraders_folder_gives_each_students_files_and_time(packed: Pack) -> None:
    source = packed(
        {
            "ann/backprop/backprop.ipynb": NOTEBOOK,
            "ann/backprop/timestamp.txt": b"2026-11-20 10:00:00.123456 UTC",
            "ann/backprop/data/points.csv": b"1,2\n",
            "ann/other/other.ipynb": OTHER,
            "bob/backprop/backprop.ipynb": OTHER,
            "carl/other/other.ipynb": OTHER,
            "README.md": b"not a student",
        }
    )
    assert take(source).layout == "nbgrader"
    found = by_student(source)
    assert set(found) == {"ann", "bob"}
    assert found["ann"].files == {
        "backprop.ipynb": NOTEBOOK,
        "timestamp.txt": b"2026-11-20 10:00:00.123456 UTC",
        "data/points.csv": b"1,2\n",
    }
    assert found["ann"].timestamp == datetime(2026, 11, 20, 10, 0, 0, 123456)
    assert found["bob"].timestamp is None
    assert found["ann"].refused is found["bob"].refused is None


def test_canvas_gives_back_the_names_and_the_latest_upload(packed: Pack) -> None:
    source = packed(
        {
            "doejane_LATE_12345_900_backprop-2.ipynb": NOTEBOOK,
            "doejane_12345_899_backprop-1.ipynb": OTHER,
            "doejane_12345_901_layers.py": b"x = 1\n",
            "doejane_12345_902_timestamp.txt": b"1999-01-01 00:00:00 UTC",
            "musterm_77_8_my work.ipynb": OTHER,
            "anon_aB3xY_10_backprop.ipynb": NOTEBOOK,
        }
    )
    assert take(source).layout == "Canvas"
    found = by_student(source)
    assert found["doejane_12345"].files == {"backprop.ipynb": NOTEBOOK, "layers.py": b"x = 1\n"}
    assert found["doejane_12345"].timestamp is None
    assert found["musterm_77"].files == {"backprop.ipynb": OTHER}
    assert set(found) == {"doejane_12345", "musterm_77", "anon_aB3xY"}


def test_canvas_upload_numbers_are_compared_as_numbers(packed: Pack) -> None:
    source = packed({"doe_1_99_backprop.ipynb": OTHER, "doe_1_100_backprop-1.ipynb": NOTEBOOK})
    assert by_student(source)["doe_1"].files == {"backprop.ipynb": NOTEBOOK}


def test_moodle_gives_folders_or_flat_files(packed: Pack) -> None:
    source = packed(
        {
            "Jané O'Doe_123_assignsubmission_file_/backprop.ipynb": NOTEBOOK,
            "Jané O'Doe_123_assignsubmission_file_/layers/a.py": b"a",
            "Jané O'Doe_123_assignsubmission_onlinetext_/onlinetext.html": b"<p>hello",
            "Max Muster_7_assignsubmission_file_backprop.ipynb": OTHER,
            "Participant_8_assignsubmission_file/homework/backprop (1).ipynb": OTHER,
        }
    )
    assert take(source).layout == "Moodle"
    found = by_student(source)
    assert found["Jané_O_Doe_123"].files == {
        "backprop.ipynb": NOTEBOOK,
        "layers/a.py": b"a",
        "onlinetext.html": b"<p>hello",
    }
    assert found["Max_Muster_7"].files == {"backprop.ipynb": OTHER}
    assert found["Participant_8"].files == {"backprop.ipynb": OTHER}


@pytest.mark.parametrize("wrapped", ["", "assignment_5_export/"])
def test_gradescope_gives_every_submitter_the_submission_and_its_time(packed: Pack, wrapped: str) -> None:
    source = packed(
        {
            f"{wrapped}submission_metadata.yml": GRADESCOPE,
            f"{wrapped}submission_101/backprop.ipynb": NOTEBOOK,
            f"{wrapped}submission_102/backprop.ipynb": OTHER,
            f"{wrapped}submission_103/backprop.ipynb": OTHER,
        }
    )
    assert take(source).layout == "Gradescope"
    found = by_student(source)
    assert set(found) == {"0042", "max", "eva", "submission_103"}
    assert found["0042"].files == {"backprop.ipynb": NOTEBOOK}
    assert found["0042"].timestamp == datetime(2026, 11, 20, 10, 0, 0, 123456)
    assert found["max"].timestamp == datetime(2026, 11, 20, 10, 0, 0, 500000)
    assert found["max"].digest == found["eva"].digest


def test_gradescopes_later_submission_of_a_student_counts(packed: Pack) -> None:
    record = "submission_{}:\n  :submitters:\n  - :sid: a\n    :email: a@b.org\n  :created_at: 2026-11-{} 10:00:00 Z\n"
    source = packed(
        {
            "submission_metadata.yml": (record.format(9, 21) + record.format(10, 20)).encode(),
            "submission_9/backprop.ipynb": NOTEBOOK,
            "submission_10/backprop.ipynb": OTHER,
        }
    )
    assert by_student(source)["a"].files == {"backprop.ipynb": NOTEBOOK}


def test_nobody_replaces_anothers_submission_by_typing_in_their_id(packed: Pack) -> None:
    record = "submission_{}:\n  :submitters:\n  - :sid: '7'\n    :email: {}@b.org\n"
    source = packed(
        {
            "submission_metadata.yml": (record.format(1, "ann") + record.format(2, "mallory")).encode(),
            "submission_1/backprop.ipynb": NOTEBOOK,
            "submission_2/backprop.ipynb": OTHER,
        }
    )
    assert "the accounts 'ann@b.org', 'mallory@b.org' share this student id" in refusal(source, "7")


def test_a_submission_without_any_file_is_told(packed: Pack) -> None:
    source = packed({"submission_metadata.yml": GRADESCOPE, "submission_102/backprop.ipynb": NOTEBOOK})
    assert refusal(source, "0042") == "there is no backprop.ipynb; seen: nothing"


def test_a_file_named_as_another_platform_would_does_not_confuse_the_layout(packed: Pack) -> None:
    trick = "Ann_1_assignsubmission_file_Bob_9_assignsubmission_file_doe_1_2_x.py"
    source = packed({"Ann_1_assignsubmission_file_backprop.ipynb": NOTEBOOK, trick: b"x"})
    found = by_student(source)
    assert set(found) == {"Ann_1"}
    assert set(found["Ann_1"].files) == {"backprop.ipynb", "Bob_9_assignsubmission_file_doe_1_2_x.py"}


def test_what_no_platform_would_name_so_is_refused_and_the_rest_goes_on(packed: Pack) -> None:
    source = packed({"doe_1_2_backprop.ipynb": NOTEBOOK, "grades.csv": b"1"})
    assert refusal(source, "grades.csv") == "it is not named as Canvas names a submission"


def test_only_the_students_asked_for_are_taken(packed: Pack) -> None:
    source = packed({f"{name}/backprop/backprop.ipynb": NOTEBOOK for name in ("ann", "bob", "eve")})
    intake = take(source, students={"bob", "zoe"})
    assert intake.students == ("bob",)
    assert [submission.student for submission in intake] == ["bob"]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "seen: nothing"),
        (
            {"ann/ps1/ps1.ipynb": NOTEBOOK, "notes.txt": b""},
            "seen: 'ann', 'notes.txt'; understood are nbgrader's STUDENT/backprop/",
        ),
        (
            {"doe_1_2_backprop.ipynb": NOTEBOOK, "Ann_1_assignsubmission_file_/backprop.ipynb": NOTEBOOK},
            "more than one platform; as Moodle: 'Ann_1_assignsubmission_file_'; as Canvas: 'doe_1_2_backprop.ipynb'",
        ),
        ({"submission_metadata.yml": b"{"}, "submission_metadata.yml is not YAML"),
        ({"submission_metadata.yml": b"- a\n"}, "should hold, for each submission, :submitters:"),
    ],
)
def test_an_unknown_or_ambiguous_layout_is_an_error_that_says_what_was_seen(
    packed: Pack, files: dict[str, bytes], words: str, tmp_path: Path
) -> None:
    (tmp_path / "export").mkdir()
    source = packed(files)
    with pytest.raises(ValueError, match=re.escape(words)):
        take(source)


def test_what_is_no_source_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="it should be a folder or a zip"):
        take(tmp_path / "nowhere")
    (tmp_path / "file").write_text("text")
    with pytest.raises(ValueError, match="neither a folder nor a zip"):
        take(tmp_path / "file")
    with pytest.raises(ValueError, match="cannot be an assignment's name"):
        collect(tmp_path, "../backprop", expected={"backprop"})
    with pytest.raises(ValueError, match="at least one notebook"):
        collect(tmp_path, "backprop", expected=())


# ---- Names of notebooks ----


@pytest.mark.parametrize(
    ("handed_in", "graded"),
    [
        ({"backprop-Copy1.ipynb": OTHER}, OTHER),
        ({"backprop.ipynb": NOTEBOOK, "backprop-Copy1.ipynb": OTHER}, NOTEBOOK),
        ({"backprop-9.ipynb": OTHER, "backprop-10.ipynb": NOTEBOOK}, NOTEBOOK),
        ({"Backprop (1).ipynb": OTHER, "draft.ipynb": b"not a notebook"}, OTHER),
        ({"final version.ipynb": OTHER}, OTHER),
    ],
)
def test_a_renamed_notebook_is_found(tmp_path: Path, handed_in: dict[str, bytes], graded: bytes) -> None:
    eve(tmp_path, handed_in)
    submission = by_student(tmp_path / "submitted")["eve"]
    assert submission.refused is None
    assert submission.files["backprop.ipynb"] == graded
    assert sorted(submission.files.values()) == sorted(handed_in.values())


def test_of_two_expected_notebooks_one_may_be_missing_and_numbers_in_names_stay(tmp_path: Path) -> None:
    eve(tmp_path, {"part-2.ipynb": OTHER, "part-1-1.ipynb": NOTEBOOK})
    found = by_student(tmp_path / "submitted", expected={"part-1", "part-2", "backprop"})
    assert found["eve"].files == {"part-1.ipynb": NOTEBOOK, "part-2.ipynb": OTHER}


def test_no_expected_notebook_is_refused_with_what_was_seen(tmp_path: Path) -> None:
    eve(tmp_path, {"a.ipynb": NOTEBOOK, "b.ipynb": NOTEBOOK, "deep/backprop.ipynb": NOTEBOOK})
    words = refusal(tmp_path / "submitted")
    assert words == "there is no backprop.ipynb; seen: 'a.ipynb', 'b.ipynb', 'deep/backprop.ipynb'"


def test_what_systems_and_editors_leave_behind_is_left_out(packed: Pack) -> None:
    junk = [".DS_Store", ".git/config", ".ipynb_checkpoints/backprop.ipynb", "__pycache__/a.pyc", "x/__MACOSX/._a"]
    source = packed(
        {"ann/backprop/backprop.ipynb": NOTEBOOK, "__MACOSX/ann": b"", ".gitkeep": b""}
        | {f"ann/backprop/{name}": b"junk" for name in junk}
    )
    assert by_student(source)["ann"].files == {"backprop.ipynb": NOTEBOOK}


# ---- What is refused: files that are none ----


def link(folder: Path) -> None:
    (folder / "secret.txt").symlink_to("/etc/passwd")


def link_in_a_folder(folder: Path) -> None:
    (folder / "data").symlink_to(folder.parents[2], target_is_directory=True)


def hard_link(folder: Path) -> None:
    (folder.parents[2] / "solution.txt").write_text("42")
    os.link(folder.parents[2] / "solution.txt", folder / "data.txt")


def fifo(folder: Path) -> None:
    os.mkfifo(folder / "pipe.csv")


def bound_socket(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        here = os.open(folder, os.O_RDONLY)
        try:
            server.bind(f"/proc/self/fd/{here}/s")  # the path itself may be too long for a socket
        finally:
            os.close(here)


@pytest.mark.parametrize(
    ("plant", "words"),
    [
        (link, "'secret.txt' is a symbolic link, where only plain files and folders are accepted"),
        (link_in_a_folder, "'data' is a symbolic link"),
        (hard_link, "is a hard link to a file outside; put a copy in its place"),
        (fifo, "'pipe.csv' is a FIFO"),
        (bound_socket, "'s' is a socket"),
    ],
)
def test_what_is_not_a_plain_file_is_refused(tmp_path: Path, plant: Callable[[Path], None], words: str) -> None:
    plant(eve(tmp_path))
    assert words in refusal(tmp_path / "submitted")


def test_a_hard_link_within_the_submission_is_harmless(tmp_path: Path) -> None:
    folder = eve(tmp_path)
    os.link(folder / "backprop.ipynb", folder / "same.txt")
    assert by_student(tmp_path / "submitted")["eve"].refused is None


@pytest.mark.parametrize("which", ["student", "assignment"])
def test_a_folder_that_is_itself_a_link_is_refused(tmp_path: Path, which: str) -> None:
    folder = eve(tmp_path)
    moved = folder if which == "assignment" else folder.parent
    moved.rename(tmp_path / "elsewhere")
    moved.symlink_to(tmp_path / "elsewhere")
    assert "is a symbolic link" in refusal(tmp_path / "submitted")


def test_the_source_itself_may_be_a_link(tmp_path: Path) -> None:
    eve(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "submitted")
    assert set(by_student(tmp_path / "link")) == {"bob", "eve"}


def test_a_file_where_the_assignment_should_be_is_refused(tmp_path: Path) -> None:
    eve(tmp_path)
    write(tmp_path / "submitted", {"mia/backprop": NOTEBOOK})
    assert "is a file where a folder was expected" in refusal(tmp_path / "submitted", "mia")


def test_an_unreadable_file_is_refused_in_the_systems_words() -> None:
    # Nothing is unreadable to root; and pytest's own folders are closed to everybody else.
    root = Path(tempfile.mkdtemp())
    root.chmod(0o755)
    (eve(root) / "backprop.ipynb").chmod(0o000)
    was = os.geteuid()
    try:
        if was == 0:
            os.seteuid(65534)
        assert refusal(root / "submitted") == "it cannot be read: 'Permission denied'"
    finally:
        os.seteuid(was)
        shutil.rmtree(root)


@pytest.mark.parametrize("swap", ["link", "fifo"])
def test_what_is_put_in_a_files_place_after_the_look_is_not_opened(tmp_path: Path, swap: str) -> None:
    notebook = eve(tmp_path) / "backprop.ipynb"
    with closing(take(tmp_path / "submitted")._source.files("eve/backprop", Caps())) as entries:
        _, content_up_to = next(entries)
        notebook.unlink()
        if swap == "link":
            notebook.symlink_to("/etc/passwd")
            with pytest.raises(OSError, match="Too many levels of symbolic links"):
                content_up_to(100)
        else:
            os.mkfifo(notebook)
            with pytest.raises(Refusal, match=r"'backprop\.ipynb' is a FIFO"):
                content_up_to(100)


# ---- What is refused: too much ----

SMALL = Caps(notebook=4096, file=2000, total=6000, files=5, path=40, depth=2)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (
            {"backprop.ipynb": b" " * 4097},
            "'backprop.ipynb' is larger than 4096 bytes, the most that a notebook",
        ),
        ({"backprop.ipynb": NOTEBOOK, "a.csv": b"1" * 2001}, "'a.csv' is larger than 2000 bytes, the most that a file"),
        ({f"{i}.csv": b"1" * 2000 for i in range(4)}, "its files are larger than 6000 bytes together"),
        ({f"{i}.csv": b"1" for i in range(6)}, "it has more than 5 files and folders"),
        ({"a/b/c/d.csv": b""}, "lies more than 2 folders deep"),
        ({f"{'a' * 41}": b""}, "is longer than 40 characters"),
    ],
)
def test_too_much_is_refused(packed: Pack, files: dict[str, bytes], words: str) -> None:
    source = packed(
        {"bob/backprop/backprop.ipynb": NOTEBOOK} | {f"eve/backprop/{name}": content for name, content in files.items()}
    )
    assert words in refusal(source, caps=SMALL)


def test_a_submission_just_at_its_caps_is_accepted(packed: Pack) -> None:
    notebook = NOTEBOOK + b" " * (4000 - len(NOTEBOOK))
    source = packed({"eve/backprop/backprop.ipynb": notebook, "eve/backprop/a.csv": b"1" * 2000})
    assert by_student(source, caps=SMALL)["eve"].refused is None


def test_a_sparse_file_of_a_terabyte_costs_nothing(tmp_path: Path) -> None:
    with (eve(tmp_path) / "huge.bin").open("wb") as file:
        file.truncate(1 << 40)
    tracemalloc.start()
    try:
        words = refusal(tmp_path / "submitted", caps=Caps(file=1 << 20))
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
    finally:
        tracemalloc.stop()
    assert words == "'huge.bin' is larger than 1 MB, the most that a file may have"


def test_an_archive_bomb_is_refused_by_its_ratio(tmp_path: Path) -> None:
    source = eve_zipped(tmp_path, lambda archive: archive.writestr("eve/backprop/bomb.csv", bytes(2 << 20)))
    assert "unpacks to more than 200 times its size: an archive bomb" in refusal(source)


def test_a_header_that_lies_about_the_size_is_not_believed(tmp_path: Path) -> None:
    source = eve_zipped(tmp_path, lambda archive: archive.writestr("eve/backprop/data.csv", os.urandom(3000)))
    content = bytearray(source.read_bytes())
    at = content.rindex(b"PK\x01\x02")
    content[at + 24 : at + 28] = (10).to_bytes(4, "little")
    source.write_bytes(content)
    # Ten bytes are all that come, and the checksum is not theirs.
    assert "Bad CRC-32" in refusal(source, caps=SMALL)
    content[at + 24 : at + 28] = (1 << 30).to_bytes(4, "little")
    source.write_bytes(content)
    assert "is larger than 2000 bytes" in refusal(source, caps=SMALL)


def test_a_zip_in_a_zip_is_just_a_file(tmp_path: Path) -> None:
    inner = pack(tmp_path / "inner.zip", {"bomb": bytes(8 << 20)}).read_bytes()
    source = eve_zipped(tmp_path, lambda archive: archive.writestr("eve/backprop/inner.zip", inner))
    assert by_student(source)["eve"].files["inner.zip"] == inner


# ---- What is refused: names ----


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("eve/backprop/../../x", "leads out of its folder"),
        ("eve/backprop//x", "holds an empty name"),
        ("eve/backprop/./x", "holds an empty name or '.'"),
        ("eve/backprop/C:\\x", "holds a backslash"),
        ("eve/backprop/C:x", "'C:x' begins with a drive"),
        ("eve/backprop/a\0b", r"'eve/backprop/a\x00b' holds a NUL character"),
        ("eve/backprop/a\nb", r"'eve/backprop/a\nb' holds a control character"),
        ("eve/backprop/backprop.ipynb", "'backprop.ipynb' is there twice"),
        ("eve/backprop/BACKPROP.ipynb", "are the same file on Windows and macOS"),
        ("eve/backprop/backprop.ipynb/x", "'backprop.ipynb' is both a file and a folder"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_an_evil_path_in_a_zip_is_refused(tmp_path: Path, name: str, words: str) -> None:
    member = zipfile.ZipInfo("placeholder")
    member.filename = name  # the constructor would cut it at a NUL
    assert words in refusal(eve_zipped(tmp_path, lambda archive: archive.writestr(member, b"x")))


@pytest.mark.parametrize(
    ("name", "student", "words"),
    [
        ("../x", "%2E%2E", "the student id '..' begins or ends with '.'"),
        ("/etc/x", "%", "has 0 characters"),
        ("e\x1b[2J_1_2_backprop.ipynb", "e%1B%5B2J_1", r"the student id 'e\x1b[2J_1' holds a character that cannot be"),
        ("a*_1_2_backprop.ipynb", "a%2A_1", "the student id 'a*_1' holds '*'; rename it"),
        (f"{'a' * 200}_1_2_backprop.ipynb", None, "has 202 characters, where 1 to 128 would be right"),
    ],
)
def test_an_id_unfit_for_a_path_is_refused_under_an_escaped_name(
    tmp_path: Path, name: str, student: str | None, words: str
) -> None:
    source = pack(tmp_path / "canvas.zip", {"doe_1_2_backprop.ipynb": NOTEBOOK, name: NOTEBOOK})
    found = by_student(source)
    assert found.pop("doe_1").refused is None
    (refused,) = found.values()
    assert student in (refused.student, None)
    assert refused.student in take(source).students
    assert len(refused.student) <= 128
    assert (refused.refused or "").startswith("the student id ")
    assert words in (refused.refused or "")


def test_an_unfit_folder_name_is_refused_too(tmp_path: Path) -> None:
    eve(tmp_path)
    write(tmp_path / "submitted", {"[a-z]*/backprop/backprop.ipynb": NOTEBOOK})
    Path(os.fsdecode(os.fsencode(tmp_path / "submitted") + b"/\xff/backprop")).mkdir(parents=True)
    found = by_student(tmp_path / "submitted")
    assert found["%5Ba-z%5D%2A"].refused == "the student id '[a-z]*' holds '['; rename it"
    assert found["%ED%B3%BF"].refused == r"the student id '\udcff' holds a character that cannot be printed; rename it"
    assert found["eve"].refused is found["bob"].refused is None


def test_a_file_name_that_is_not_utf8_or_holds_a_control_character_is_refused(tmp_path: Path) -> None:
    folder = eve(tmp_path)
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.txt")).write_text("x")
    assert refusal(tmp_path / "submitted") == r"the path '\udcff.txt' is not UTF-8"
    write(tmp_path / "canvas", {"doe_1_2_backprop.ipynb": NOTEBOOK, "eve_2_3_a\x1bb": b"", "eve_2_4_c\\d": b""})
    assert "holds a" in refusal(tmp_path / "canvas", "eve_2")


# ---- What is refused: zips that are not plain ----


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    source = eve_zipped(tmp_path, lambda archive: archive.writestr("eve/backprop/data.csv", b"x" * 50))
    content = bytearray(source.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.rindex(mark) + offset] |= 1
    source.write_bytes(content)
    assert refusal(source) == "'eve/backprop/data.csv' is encrypted; hand it in without a password"


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_python_can_unpack_only_in_one_go_is_refused(tmp_path: Path, method: int) -> None:
    source = eve_zipped(tmp_path, lambda archive: archive.writestr("eve/backprop/x", bytes(1 << 20), method))
    assert f"is packed in a way (method {method}) other than deflate" in refusal(source)


def test_a_damaged_member_is_refused(tmp_path: Path) -> None:
    source = eve_zipped(tmp_path, lambda archive: archive.writestr("eve/backprop/data.csv", os.urandom(500)))
    content = bytearray(source.read_bytes())
    at = content.rindex(b"data.csv", 0, content.index(b"PK\x01\x02"))
    content[at + 100 : at + 110] = bytes(10)
    source.write_bytes(content)
    assert "it cannot be read: " in refusal(source)


@pytest.mark.parametrize(
    ("kind", "words"), [(stat.S_IFLNK, "a symbolic link"), (stat.S_IFIFO, "a FIFO"), (stat.S_IFBLK, "a device")]
)
def test_a_link_or_device_in_a_zip_is_refused(tmp_path: Path, kind: int, words: str) -> None:
    member = zipfile.ZipInfo("eve/backprop/data")
    member.external_attr = (kind | 0o644) << 16
    assert f"'eve/backprop/data' is {words}" in refusal(
        eve_zipped(tmp_path, lambda z: z.writestr(member, b"/etc/passwd"))
    )


# ---- What is refused: notebooks that are none ----


def altered(**fields: object) -> bytes:
    return json.dumps({**json.loads(NOTEBOOK), **fields}).encode()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "'backprop.ipynb' is not JSON in UTF-8"),
        (b"<html>", "is not JSON in UTF-8"),
        (NOTEBOOK.decode().encode("utf-16"), "is not JSON in UTF-8"),
        (NOTEBOOK[:-5], "is not JSON in UTF-8"),
        (b'{"nbformat": ' + b"9" * 5000 + b"}", "is not JSON in UTF-8"),
        (altered(metadata={"a": "\ud800"}), "is not JSON in UTF-8"),
        (b"[]", "is JSON, but not a notebook"),
        (altered(nbformat=3), "has nbformat '3', where only 4 is understood"),
        (altered(nbformat=True), "has nbformat 'True'"),
        (altered(nbformat=4.0), "it has no nbformat"),
        (altered(nbformat_minor=None), "has no nbformat_minor"),
        (altered(metadata=[]), "has no metadata"),
        (altered(cells={}), "has no list of cells"),
        (altered(cells=[{"cell_type": "heading"}]), "has something for cell 1 that is not a cell"),
        (altered(cells=[{"cell_type": "code", "metadata": {}, "source": [1]}]), "cell 1 that is not a cell"),
        (b"[" * 100_000, "nests more than 64 lists in lists"),
        (b'{"a":' * 100_000, "nests more than 64 lists in lists"),
    ],
)
def test_what_is_no_notebook_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    eve(tmp_path, {"backprop.ipynb": content})
    assert words in refusal(tmp_path / "submitted")


def test_a_bomb_of_small_values_is_refused_before_it_is_parsed() -> None:
    bomb = b"[" + b"[]," * 3_000_000 + b"0]"
    tracemalloc.start()
    try:
        assert notebook_fault(bomb, Caps(marks=50_000)) == "holds more than 50,000 brackets, commas and strings"
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("end", [b"", b"\\"])
def test_a_string_that_never_ends_is_scanned_once(end: bytes) -> None:
    # Going back to every quote would take hours.
    assert "is not JSON" in (notebook_fault(b'"' + b'\\"' * 500_000 + end, Caps()) or "")


def test_brackets_in_a_string_do_not_count(tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell('"[[[[\\"' * 100 + "😀")])
    eve(tmp_path, {"backprop.ipynb": json.dumps(notebook).encode()})
    assert by_student(tmp_path / "submitted", caps=Caps(nesting=8))["eve"].refused is None


def test_one_unreadable_notebook_of_several_is_left_out_with_a_note_and_the_rest_stays(packed: Pack) -> None:
    rest = {"part-2.ipynb": OTHER, "data.csv": b"1,2"}
    files = {**rest, "part-1.ipynb": altered(nbformat=3), "part-3.ipynb": b"\x1b["}
    source = packed({f"ann/backprop/{path}": content for path, content in files.items()})
    found = by_student(source, expected={"part-1", "part-2", "part-3"})["ann"]
    assert found.refused is None
    assert found.files == rest
    first, third = found.notes
    assert first.startswith("'part-1.ipynb' has nbformat '3', where only 4 is understood")
    assert third.startswith("'part-3.ipynb' is not JSON in UTF-8")


def test_a_renamed_copy_that_is_unreadable_is_left_out_too(tmp_path: Path) -> None:
    eve(tmp_path, {"part-1-Copy1.ipynb": b"[" * 1000, "part-2.ipynb": OTHER})
    found = by_student(tmp_path / "submitted", students={"eve"}, expected={"part-1", "part-2"})["eve"]
    assert found.files == {"part-2.ipynb": OTHER}
    assert found.notes == ("'part-1.ipynb' nests more than 64 lists in lists",)


def test_where_no_notebook_of_several_is_readable_all_is_refused(tmp_path: Path) -> None:
    eve(tmp_path, {"part-1.ipynb": b"[]", "part-3.ipynb": b"[" * 1000, "data.csv": b"1,2"})
    write(tmp_path / "submitted", {"bob/backprop/part-2.ipynb": NOTEBOOK})
    words = refusal(tmp_path / "submitted", expected={"part-1", "part-2", "part-3"})
    assert words.startswith("'part-1.ipynb' is JSON, but not a notebook")
    assert words.endswith("; 'part-3.ipynb' nests more than 64 lists in lists")


def test_a_submission_without_a_fault_has_no_note_and_an_unreadable_notebook_nobody_expects_stays(
    tmp_path: Path,
) -> None:
    eve(tmp_path, {"part-1.ipynb": NOTEBOOK, "part-2.ipynb": OTHER, "draft.ipynb": b"<html>"})
    found = by_student(tmp_path / "submitted", students={"eve"}, expected={"part-1", "part-2"})["eve"]
    assert found.notes == ()
    assert found.files == {"part-1.ipynb": NOTEBOOK, "part-2.ipynb": OTHER, "draft.ipynb": b"<html>"}


@pytest.mark.parametrize("text", [b"yesterday", b"\xff", b"0001-01-01 00:00:00 +99999", b"9" * 99])
def test_a_timestamp_that_is_none_is_refused(tmp_path: Path, text: bytes) -> None:
    eve(tmp_path, {"backprop.ipynb": NOTEBOOK, "timestamp.txt": text})
    assert "which is no time such as '2026-11-25 10:00:00 UTC'" in refusal(tmp_path / "submitted")


# ---- Digests, laziness, and what always holds ----


def test_the_digest_depends_on_paths_and_contents_alone(tmp_path: Path) -> None:
    files = {"backprop.ipynb": NOTEBOOK, "a.csv": b"1", "b.csv": b"2"}
    here = write(tmp_path / "here", {f"ann/backprop/{name}": files[name] for name in files})
    there = pack(tmp_path / "there.zip", {f"ann/backprop/{name}": files[name] for name in reversed(files)})
    digest = by_student(here)["ann"].digest
    assert digest == by_student(there)["ann"].digest
    write(here, {"ann/backprop/a.csv": b"12", "ann/backprop/b.csv": b""})
    assert digest != by_student(here)["ann"].digest


def test_the_digest_of_a_refused_submission_changes_with_what_is_wrong(tmp_path: Path) -> None:
    folder = eve(tmp_path, {"backprop.ipynb": b"1"})
    digests = [by_student(tmp_path / "submitted")["eve"].digest]
    digests.append(by_student(tmp_path / "submitted")["eve"].digest)
    (folder / "backprop.ipynb").write_bytes(b"2")
    digests.append(by_student(tmp_path / "submitted")["eve"].digest)
    (folder / "backprop.ipynb").write_bytes(b"")
    digests.append(by_student(tmp_path / "submitted")["eve"].digest)
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


def test_the_digest_changes_with_a_notebook_that_is_left_out_and_with_the_reason(tmp_path: Path) -> None:
    folder = eve(tmp_path, {"part-1.ipynb": NOTEBOOK})

    def digest(**settings: object) -> str:
        found = by_student(tmp_path / "submitted", students={"eve"}, expected={"part-1", "part-2"}, **settings)["eve"]
        assert found.files == {"part-1.ipynb": NOTEBOOK}
        return found.digest

    digests = [digest()]
    for content in (b"", b"1", b"[" * 1000):
        (folder / "part-2.ipynb").write_bytes(content)
        digests.append(digest())
    digests.append(digest(caps=Caps(nesting=100)))
    assert len(set(digests)) == 5
    assert digests[-2] == digest()


def test_submissions_are_read_one_at_a_time_when_asked_for(packed: Pack) -> None:
    megabyte = os.urandom(1 << 20)
    source = packed(
        {f"s{i:02}/backprop/backprop.ipynb": NOTEBOOK for i in range(20)}
        | {f"s{i:02}/backprop/data.bin": megabyte for i in range(20)}
    )
    tracemalloc.start()
    try:
        intake = take(source)
        assert len(intake) == 20
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
        assert sum(len(submission.files["data.bin"]) for submission in intake) == 20 << 20
        assert tracemalloc.get_traced_memory()[1] < 6 << 20
    finally:
        tracemalloc.stop()


def test_a_submission_is_read_as_it_is_when_its_turn_comes(tmp_path: Path) -> None:
    folder = eve(tmp_path)
    submissions: Iterator[Submission] = iter(take(tmp_path / "submitted"))
    assert next(submissions).student == "bob"
    (folder / "backprop.ipynb").write_bytes(OTHER)
    assert next(submissions).files == {"backprop.ipynb": OTHER}


def test_no_file_stays_open(tmp_path: Path) -> None:
    fifo(eve(tmp_path))
    before = os.listdir("/proc/self/fd")  # noqa: PTH208 - only their number counts
    list(take(tmp_path / "submitted"))
    assert len(os.listdir("/proc/self/fd")) == len(before)  # noqa: PTH208


NAMES = ["..", ".", "", "a", "A", "backprop", "backprop.ipynb", "C:", "\\", "\x00", ".git", "submission_1", "x_1_2_y"]
PARTS = st.sampled_from(NAMES) | st.text(max_size=6)
PATHS = st.lists(PARTS, min_size=1, max_size=5).map("/".join).filter(lambda path: path.isprintable() or "\0" in path)


PREFIXES = st.sampled_from(["", "eve/backprop/", "eve_1_2_", "Eve_1_assignsubmission_file_/"])


@given(paths=st.lists(PATHS, max_size=6), below=PREFIXES)
@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_whatever_a_zip_holds_no_path_leaves_the_folder_and_the_good_one_passes(paths: list[str], below: str) -> None:
    good = {"": "ann", "eve/backprop/": "ann", "eve_1_2_": "ann_1", "Eve_1_assignsubmission_file_/": "Ann_2"}[below]
    name = {"ann_1": "ann_1_1_", "Ann_2": "Ann_2_assignsubmission_file_/"}.get(good, "ann/backprop/") + "backprop.ipynb"
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(Path(folder) / "export.zip", "w") as archive:
            archive.writestr(name, NOTEBOOK)
            for path in paths:
                member = zipfile.ZipInfo("x")
                member.filename = below + path
                archive.writestr(member, NOTEBOOK)
        try:
            found = list(collect(Path(folder) / "export.zip", "backprop", expected={"backprop"}))
        except ValueError as error:
            assert "more than one platform" in str(error)  # noqa: PT017 - it may also pass
            return
        assert [s.refused for s in found if s.student == good] == [None]
        for submission in found:
            assert "/" not in submission.student
            assert submission.student not in ("", ".", "..")
            assert not (submission.refused and submission.files)
            for path in submission.files:
                parts = PurePosixPath(path).parts
                assert "/".join(parts) == path
                assert parts
                assert not {"..", "/"} & set(parts)
                assert "\0" not in path
                assert "\\" not in path
