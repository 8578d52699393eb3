"""Stays in one call of C for minutes, where Python looks at no signal.

Deserves: 5.
Flags: timed out.
Guard: a cell has a limit; who does not stop is killed.
"""

import hashlib
import time

end = time.monotonic() + 120
while time.monotonic() < end:
    try:
        hashlib.pbkdf2_hmac("sha512", b"", b"", 30_000_000)
    except BaseException:
        pass
