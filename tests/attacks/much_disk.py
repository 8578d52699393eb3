"""Fills the disk with 60 files of 8 MB, and one that would be 300 MB.

Deserves: 5.
Guard: the student's files lie in a tmpfs that has a size; files have a limit of size.
"""

import tempfile

with tempfile.TemporaryDirectory() as place:
    try:
        for number in range(60):
            with open(f"{place}/{number}", "wb") as file:
                file.write(bytes(8 << 20))
    except OSError:
        pass
    try:
        with open(f"{place}/large", "wb") as file:
            for _ in range(30):
                file.write(bytes(10 << 20))
    except OSError:
        pass
