"""Takes memory in steps, up to 6 GiB, and keeps it.

Deserves: 5.
Guard: a limit of memory; MemoryError, or a dead kernel, costs the cell.
"""

held = []
for _ in range(24):
    held.append(b"x" * (256 << 20))
