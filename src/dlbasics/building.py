"""Whether this process executes a page of the book: what even a module without torch may have to know."""

from __future__ import annotations

import os


def building_book() -> bool:
    """Whether pages are being executed for the book, where a progress bar's standard error would fail the build."""
    return os.environ.get("DLBASICS_BOOK") == "1"
