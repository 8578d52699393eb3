"""Knocks at the machine's services through their sockets in the file system: containers, buses, displays, databases.

Deserves: 5.
Guard: a file system of its own has none of them.
"""

import glob
import socket

places = ["/run/docker.sock", "/run/containerd/*.sock", "/run/dbus/*", "/run/user/*/bus", "/run/systemd/private"]
places += ["/tmp/.X11-unix/*", "/tmp/.s.PGSQL.*", "/run/postgresql/.s.PGSQL.*", "/tmp/ssh-*/agent*", "/run/user/*/*"]
for place in places:
    for path in glob.glob(place):
        with socket.socket(socket.AF_UNIX) as wire:
            try:
                wire.connect(path)
                report("service at " + path)
            except OSError:
                pass
