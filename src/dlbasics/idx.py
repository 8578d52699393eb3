"""Read an IDX file, the format of MNIST and its kin, only if it is exactly the one that is meant."""

from __future__ import annotations

import gzip
import hashlib
import math
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dlbasics.download import DamagedFileError


@dataclass(frozen=True)
class IdxFile:
    """A known gzip-wrapped IDX file; what is inside counts, for two publishers may wrap the same bytes differently.

    Attributes:
        name: its file name.
        shape: of the uint8 array inside.
        sha256: of the unwrapped bytes, header included, in hexadecimal.

    Source: LeCun, Cortes & Burges, "The MNIST database of handwritten digits", which defines the format.
    """

    name: str
    shape: tuple[int, ...]
    sha256: str

    def read(self, path: Path) -> np.ndarray:
        """The uint8 array in the file at ``path``, of shape ``shape``.

        Raises:
            DamagedFileError: the file is truncated, or holds anything but what is described here.
            OSError: it cannot be opened.
        """
        header = 4 + 4 * len(self.shape)  # the type and the number of axes, then the length of each
        size = header + math.prod(self.shape)
        try:
            with gzip.open(path) as file:
                content = file.read(size + 1)  # one more than expected: enough to notice, however much there is
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise DamagedFileError(
                f"{path} is truncated or damaged: expected {size:,} bytes inside, found {path.stat().st_size:,} "
                f"that do not unpack ({error})"
            ) from error
        if len(content) != size:
            found = f"more than {size:,}" if len(content) > size else f"{len(content):,}"
            raise DamagedFileError(f"{path} is damaged: expected {size:,} bytes inside, found {found}")
        digest = hashlib.sha256(content).hexdigest()
        if digest != self.sha256:
            raise DamagedFileError(f"{path} is damaged: expected SHA-256 {self.sha256} inside, found {digest}")
        # a copy, because an array over bytes is read-only, and torch warns about those
        return np.frombuffer(content, np.uint8, offset=header).reshape(self.shape).copy()
