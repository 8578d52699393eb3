"""A zip, read without unpacking it and without believing it."""

from __future__ import annotations

import stat
import zipfile
from collections import defaultdict
from collections.abc import Generator
from functools import partial

from grader.intake.caps import Caps, ReadUpTo, Refusal, oddity, pieces
from grader.intake.names import check_path, is_junk, shown

_SCRAP = 1 << 20  # what unpacks to less than 1 MB is no bomb, whatever its ratio


class Archive:
    """A zip, read without unpacking it. What its headers say of sizes is not believed."""

    def __init__(self, archive: zipfile.ZipFile, prefix: str = "") -> None:
        self._archive = archive
        self._prefix = prefix
        self._members: dict[str, list[tuple[str, zipfile.ZipInfo]]] = defaultdict(list)
        for member in archive.infolist():
            path = member.orig_filename  # `filename` is cut at a NUL already
            if path.startswith(prefix) and path != prefix:
                self._members[path.removeprefix(prefix).partition("/")[0]].append((path.removeprefix(prefix), member))

    def names(self) -> dict[str, str]:
        """What lies at the top: "folder" or "file" by name; junk left out."""
        return {
            name: "folder" if any("/" in path for path, _ in members) else "file"
            for name, members in self._members.items()
            if not is_junk(name)
        }

    def holds(self, path: str) -> bool:
        """Whether there is anything at that path or below it."""
        members = self._members.get(path.partition("/")[0], [])
        return any(member == path or member.startswith(f"{path}/") for member, _ in members)

    def inside(self, folder: str) -> Archive:
        """The same for a folder at the top."""
        return Archive(self._archive, f"{self._prefix}{folder}/")

    def files(self, place: str, caps: Caps) -> Generator[tuple[str, ReadUpTo], None, None]:
        """Every file below a place, in the zip's order, as `Source.files` has it.

        Raises:
            Refusal: a name is evil, there is too much, or something is a link or the like, encrypted, or a bomb.
            zipfile.BadZipFile, zlib.error, OSError: it is damaged.
        """
        seen = 0
        for path, member in self._members.get(place.partition("/")[0], []):
            if (path != place and not path.startswith(f"{place}/")) or is_junk(path):
                continue
            if (seen := seen + 1) > caps.files:
                raise Refusal(f"it has more than {caps.files} files and folders")
            check_path(path.removesuffix("/") if path != "/" else path, caps, below=f"{place}/")
            mode = member.external_attr >> 16
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise Refusal(f"{shown(path)} is {oddity(mode)}")
            if not path.endswith("/"):
                yield path.removeprefix(place).removeprefix("/"), partial(self._read, member, caps)

    def _read(self, member: zipfile.ZipInfo, caps: Caps, most: int) -> bytes:
        name = shown(member.orig_filename)
        if member.flag_bits & 0x41:  # bit 0: encrypted; bit 6: strongly
            raise Refusal(f"{name} is encrypted; hand it in without a password")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            # Python unpacks the others in one go, however large they become.
            raise Refusal(f"{name} is packed in a way (method {member.compress_type}) other than deflate")
        content = bytearray()
        with self._archive.open(member) as file:
            for piece in pieces(file, most):
                content += piece
                if len(content) > max(_SCRAP, caps.ratio * member.compress_size):
                    raise Refusal(f"{name} unpacks to more than {caps.ratio} times its size: an archive bomb")
        return bytes(content)
