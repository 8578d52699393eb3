"""Show the built book on this machine, and only to it."""

import functools
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the base class's
        """Say nothing: a line for every request hides the one line that matters."""

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")  # a rebuilt page is seen at the next reload
        super().end_headers()


def make_server(folder: Path, port: int) -> ThreadingHTTPServer:
    """A server for the files in ``folder``, bound to 127.0.0.1.

    Args:
        folder: what to serve.
        port: 0 takes a free one; a port that is taken gives way to a free one too.

    Returns:
        The server; ``server_port`` is where it listens, ``serve_forever`` starts it.
    """
    handler = functools.partial(_QuietHandler, directory=str(folder))
    try:
        return ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError:
        return ThreadingHTTPServer(("127.0.0.1", 0), handler)


def serve(folder: Path, port: int) -> None:
    """Serve ``folder`` until Ctrl+C.

    Args:
        folder: what to serve.
        port: as ``make_server``.
    """
    with make_server(folder, port) as server:
        print(f"The book is at http://127.0.0.1:{server.server_port}/  (Ctrl+C stops)", flush=True)
        server.serve_forever()
