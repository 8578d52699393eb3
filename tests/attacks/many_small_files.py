"""Makes 20,000 empty files, and sparse ones that look huge.

Deserves: 5.
Guard: a tmpfs counts its files too; nothing copies what the student's code left behind.
"""

import tempfile

with tempfile.TemporaryDirectory() as place:
    try:
        for number in range(20_000):
            open(f"{place}/{number}", "w").close()
        os.truncate(f"{place}/0", 1 << 40)
    except OSError:
        pass
