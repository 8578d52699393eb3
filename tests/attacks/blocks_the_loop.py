"""Leaves something in the kernel's event loop that blocks it as soon as the cell has ended, where questions wait.

Deserves: 5.
Flags: died.
Guard: who does not answer in time fails the test; the other cells are run again in a new kernel, without this one.
"""

import asyncio
import time

asyncio.get_running_loop().call_soon(time.sleep, 100)
