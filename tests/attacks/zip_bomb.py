"""Hands in an archive of archives, 100 KB that unpack to 1 GB, and one with paths that lead out of its folder.

Deserves: 5.
Guard: what lies in a submission is never unpacked; a submission that is an archive is measured before it is.
"""

import io
import zipfile


def submit(notebook, folder):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(64 << 20))
    with zipfile.ZipFile(folder / "data.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(16):
            archive.writestr(f"{number}.zip", inner.getvalue())
        archive.writestr("../../outside.txt", "outside")
        archive.writestr("/tmp/grader-outside.txt", "outside")
