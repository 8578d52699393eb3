"""Searches the memory of its own process, through /proc/self/mem, for what the grader had there.

Deserves: 5.
Guard: the fork server and the student's kernel never held a secret.
"""

import time

pattern = re.compile(b"SECRET[-](?:HIDDEN-TEST|SOLUTION|OTHER-STUDENT|ENVIRONMENT|GRADEBOOK)")


def double(x):
    end = time.monotonic() + 3
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
        for line in maps:
            first, last = (int(part, 16) for part in line.split()[0].split("-"))
            if "rw" not in line or last - first > 256 << 20 or time.monotonic() > end:
                continue
            try:
                memory.seek(first)
                for found in pattern.findall(memory.read(last - first)):
                    steal("own memory", found)
            except (OSError, ValueError, OverflowError):
                pass
    return x + 1
