"""Reads the connection file and joins as another client: runs code, forges results on iopub, asks for a shutdown.

Deserves: 5.
Guard: the tests run in another kernel, whose connection file and sockets are not to be seen from here.
"""

import glob
import json

from jupyter_client import BlockingKernelClient

places = ["/run", "/tmp", os.path.expanduser("~"), os.environ.get("JUPYTER_RUNTIME_DIR", "/nowhere")]
for place in places:
    for name in glob.glob(place + "/**/*.json", recursive=True)[:50]:
        try:
            known = json.load(open(name))
            if "shell_port" not in known or known["key"] == get_ipython().kernel.session.key.decode():
                continue
            client = BlockingKernelClient()
            client.load_connection_info(known)
            client.start_channels()
            client.wait_for_ready(timeout=3)
            report("another kernel answers at " + name)
            client.stop_channels()
        except Exception:
            pass
