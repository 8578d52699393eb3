"""Connects to this machine with other programs: curl, bash's /dev/tcp, a shell escape, pip.

Deserves: 5.
Guard: a network namespace of its own holds for every process in it.
"""

import subprocess

get_ipython().system(f"timeout 3 bash -c 'echo attack > /dev/tcp/127.0.0.1/{PORT}' 2> /dev/null")
get_ipython().run_cell_magic("bash", "--err nothing", f"timeout 3 curl -s http://127.0.0.1:{PORT}/attack || true")
command = [
    "timeout",
    "5",
    "pip",
    "download",
    "-q",
    "--index-url",
    f"http://127.0.0.1:{PORT}/",
    "--retries",
    "0",
    "no-such",
]
subprocess.run(command, capture_output=True)
