"""Fetch a data package of Debian's with the machine's own apt-get, as any user, without installing it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from dlbasics.building import building_book
from dlbasics.idx import IdxFile

# By default apt insists for a minute where there is no network; the download that comes after it is the patient one.
BRIEF = ("-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=5", "-o", "Acquire::https::Timeout=5")


class PackageError(OSError):
    """The package cannot be fetched here; the message says why."""


def fetch(package: str, source: Path, files: Sequence[IdxFile], target: Path, *, seconds: float = 120.0) -> None:
    """Put ``files`` of Debian's ``package`` into ``target``: all of them, each checked before the first is moved.

    Args:
        package: its name.
        source: the folder where the installed package would have the files.
        files: what is wanted of it.
        target: a folder, made if need be.
        seconds: for apt-get's download; 120 let 31 MB pass at 2 Mbit/s.

    Raises:
        PackageError: apt-get or dpkg-deb is missing, fails, or takes too long.
        DamagedFileError: a file of the package is not the one wanted.
        OSError: ``target`` cannot be written.
    """
    for program in ("apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            raise PackageError(f"there is no {program} on this machine")
    if not building_book():
        print(f"Fetching Debian's package {package} with apt-get ...", flush=True)
    target.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=target, prefix="apt-") as folder:  # on the same disk, so that a file moves in one step
        _run("apt-get", *BRIEF, "download", package, folder=folder, seconds=seconds)
        archive = next(Path(folder).glob("*.deb"), None)
        if archive is None:
            raise PackageError(f"apt-get brought no package {package}")
        _run("dpkg-deb", "--extract", archive.name, "unpacked", folder=folder, seconds=seconds)
        unpacked = Path(folder, "unpacked", *source.parts[1:])
        for file in files:
            file.read(unpacked / file.name)
        for file in files:
            (unpacked / file.name).replace(target / file.name)


def _run(*command: str, folder: str, seconds: float) -> None:
    try:
        subprocess.run(
            command, cwd=folder, timeout=seconds, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired as error:
        raise PackageError(f"{command[0]} did not finish within {seconds:g} s") from error
    except subprocess.CalledProcessError as error:
        complaint = (error.stderr.strip().splitlines() or [f"exit status {error.returncode}"])[-1]
        raise PackageError(f"{command[0]} failed ({complaint})") from error
