"""`download` against a real local server that misbehaves in the ways real ones do."""

from __future__ import annotations

import hashlib
import random
import re
import socket
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from dlbasics.download import DamagedFileError, DownloadError, download

CONTENT = random.Random(7).randbytes(300_001)
PATIENCE: dict[str, Any] = {"answer_seconds": 2.0, "stall_seconds": 0.3, "pause_seconds": 0.01}


def check(path: Path) -> None:
    found = path.read_bytes()
    if hashlib.sha256(found).digest() != hashlib.sha256(CONTENT).digest():
        raise DamagedFileError(f"{path} is damaged: {len(found)} bytes")


class Handler(BaseHTTPRequestHandler):
    server: UnrulyServer

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
        start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked else 0
        self.server.next_behaviour()(self, start)

    def log_message(self, *_: object) -> None:
        pass

    def send(self, body: bytes, *, start: int = 0, length: int | None = -1, **headers: str) -> None:
        """Answer 206 from ``start``, or 200; ``length`` is what the header claims (None: nothing)."""
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        if length is not None:
            self.send_header("Content-Length", str(len(body) if length == -1 else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


Behaviour = Callable[[Handler, int], None]


class UnrulyServer(ThreadingHTTPServer):
    """Behaves as told, request by request; the last behaviour goes on for ever."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server_port}/file.gz"
        self.behaviours: list[Behaviour] = [whole]
        self.ranges: list[str | None] = []
        self.closing = Event()

    def next_behaviour(self) -> Behaviour:
        return self.behaviours.pop(0) if len(self.behaviours) > 1 else self.behaviours[0]


def whole(handler: Handler, start: int) -> None:
    if start >= len(CONTENT):
        handler.send_error(416)
    else:
        handler.send(CONTENT[start:], start=start)


def ignoring_ranges(handler: Handler, start: int) -> None:
    handler.send(CONTENT)


def corrupting(handler: Handler, start: int) -> None:
    body = bytearray(CONTENT[start:])
    body[len(body) // 2] ^= 1
    handler.send(bytes(body), start=start)


def stalling(after: int) -> Behaviour:
    def behave(handler: Handler, start: int) -> None:
        handler.send(CONTENT[start : start + after], start=start, length=len(CONTENT) - start)
        handler.server.closing.wait(timeout=10)

    return behave


def closing_early(after: int) -> Behaviour:
    def behave(handler: Handler, start: int) -> None:
        handler.send(CONTENT[start : start + after], start=start, length=len(CONTENT) - start)

    return behave


def closing_early_without_a_length(handler: Handler, start: int) -> None:
    handler.send(CONTENT[start : len(CONTENT) // 2], start=start, length=None)


def answering(status: int) -> Behaviour:
    return lambda handler, start: handler.send_error(status)


def silent(handler: Handler, start: int) -> None:
    handler.server.closing.wait(timeout=10)


def declaring_an_encoding(handler: Handler, start: int) -> None:
    handler.send(CONTENT, Content_Encoding="gzip")


def sending_another_range(handler: Handler, start: int) -> None:
    handler.send(CONTENT[start + 1 :], start=start + 1)


@pytest.fixture
def servers() -> Iterator[Callable[..., UnrulyServer]]:
    running = []

    def start(*behaviours: Behaviour) -> UnrulyServer:
        server = UnrulyServer()
        server.behaviours = list(behaviours)
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        running.append(server)
        return server

    yield start
    for server in running:
        server.closing.set()
        server.shutdown()
        server.server_close()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "new" / "folder" / "file.gz"


@pytest.fixture
def part(target: Path) -> Path:
    target.parent.mkdir(parents=True)
    return target.with_name("file.gz.part")


def test_a_file_arrives_whole_and_leaves_no_part_behind(servers, target):
    assert download([servers(whole).address], target, check=check, **PATIENCE) == target
    assert target.read_bytes() == CONTENT
    assert list(target.parent.iterdir()) == [target]


def test_a_good_file_costs_no_request(servers, target, part):
    server = servers(answering(404))
    target.write_bytes(CONTENT)
    download([server.address], target, check=check, **PATIENCE)
    assert server.ranges == []
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("failing", [stalling(200_000), closing_early(200_000)], ids=["stalls", "closes early"])
def test_a_transfer_that_breaks_goes_on_where_it_stopped(servers, target, failing):
    server = servers(failing, whole)
    download([server.address], target, check=check, **PATIENCE)
    assert target.read_bytes() == CONTENT
    first, second = server.ranges
    assert first is None
    assert int(second.removeprefix("bytes=").removesuffix("-")) > 100_000


def test_a_part_of_an_earlier_run_is_continued(servers, target, part):
    server = servers(whole)
    part.write_bytes(CONTENT[:123_456])
    download([server.address], target, check=check, **PATIENCE)
    assert server.ranges == ["bytes=123456-"]
    assert target.read_bytes() == CONTENT


def test_the_next_address_continues_what_the_first_began(servers, target):
    first, second = servers(closing_early(200_000), answering(404)), servers(whole)
    download([first.address, second.address], target, check=check, **PATIENCE)
    assert target.read_bytes() == CONTENT
    assert second.ranges[0] is not None


@pytest.mark.parametrize("seed", range(5))
def test_any_sequence_of_breaks_adds_up_to_the_whole_file(servers, target, seed):
    draw = random.Random(seed)
    breaks = [draw.choice([closing_early, stalling])(draw.randrange(100_000)) for _ in range(3)]
    recovering = [behaviour for stop in breaks for behaviour in (stop, answering(503))]
    download([servers(*recovering, whole).address], target, check=check, attempts=7, **PATIENCE)
    assert target.read_bytes() == CONTENT


def test_a_server_that_cannot_resume_starts_the_file_afresh(servers, target, part):
    part.write_bytes(CONTENT[:100_000])
    server = servers(ignoring_ranges)
    download([server.address], target, check=check, **PATIENCE)
    assert target.read_bytes() == CONTENT
    assert len(server.ranges) == 1, "its whole answer is the file, not something to add to the part"


def test_a_server_that_sends_another_range_is_not_believed(servers, target, part):
    part.write_bytes(CONTENT[:100_000])
    with pytest.raises(DownloadError, match="other bytes than those from 100,000 on"):
        download([servers(sending_another_range).address], target, check=check, **PATIENCE)
    assert part.read_bytes() == CONTENT[:100_000]


def test_corrupt_bytes_are_named_discarded_and_had_from_the_next_address(servers, target, capsys):
    corrupt, good = servers(corrupting), servers(whole)
    download([corrupt.address, good.address], target, check=check, **PATIENCE)
    assert target.read_bytes() == CONTENT
    assert len(corrupt.ranges) == 1, "an address that serves a corrupt file will serve it again"
    assert good.ranges == [None], "corrupt bytes must not be continued"
    said = capsys.readouterr().out
    assert corrupt.address in said
    assert "file.gz.part is damaged" in said


@pytest.mark.parametrize(
    "stale", [bytes(1000), bytes(len(CONTENT)), bytes(len(CONTENT) + 5)], ids=["shorter", "as long", "longer"]
)
def test_a_corrupt_part_is_discarded_and_fetched_afresh(servers, target, part, stale, capsys):
    server = servers(whole)
    part.write_bytes(stale)
    download([server.address], target, check=check, **PATIENCE)
    assert target.read_bytes() == CONTENT
    assert server.ranges[-1] is None
    assert "Discarded" in capsys.readouterr().out


def test_a_part_that_is_already_complete_is_taken(servers, target, part):
    part.write_bytes(CONTENT)
    download([servers(whole).address], target, check=check, **PATIENCE)
    assert target.read_bytes() == CONTENT
    assert not part.exists()


def test_a_file_cut_short_by_a_server_that_gives_no_length_is_noticed(servers, target):
    with pytest.raises(DownloadError, match="damaged"):
        download([servers(closing_early_without_a_length).address], target, check=check, **PATIENCE)
    assert not target.exists()


def test_a_gzip_file_declared_as_an_encoding_stays_packed(servers, target):
    download([servers(declaring_an_encoding).address], target, check=check, **PATIENCE)
    assert target.read_bytes() == CONTENT


def test_a_server_error_that_passes_is_waited_out(servers, target):
    server = servers(answering(500), answering(429), whole)
    download([server.address], target, check=check, **PATIENCE)
    assert len(server.ranges) == 3
    assert target.read_bytes() == CONTENT


def test_a_missing_file_is_asked_for_once_at_each_address(servers, target):
    first, second = servers(answering(404), whole), servers(answering(404), whole)
    with pytest.raises(DownloadError, match=r"HTTP 404.*HTTP 404"):
        download([first.address, second.address], target, check=check, **PATIENCE)
    assert (len(first.ranges), len(second.ranges)) == (1, 1)


def test_an_address_that_never_answers_is_given_up_within_its_time(servers, target):
    mute = servers(silent)
    began = time.monotonic()
    download(
        [mute.address, servers(whole).address],
        target,
        check=check,
        **PATIENCE | {"answer_seconds": 0.4, "stall_seconds": 5},
    )
    assert time.monotonic() - began < 2
    assert target.read_bytes() == CONTENT
    assert len(mute.ranges) == 1


def test_a_closed_port_fails_at_once_and_says_so(target):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    began = time.monotonic()
    with pytest.raises(DownloadError, match=rf"127\.0\.0\.1:{port} cannot be reached"):
        download([f"http://127.0.0.1:{port}/file.gz"], target, check=check, **PATIENCE)
    assert time.monotonic() - began < 1


def test_attempts_are_bounded_and_what_came_is_kept_for_the_next_run(servers, target):
    server = servers(closing_early(40_000))
    with pytest.raises(DownloadError, match=r"broke off after .* \(attempt 3 of 3\)"):
        download([server.address], target, check=check, attempts=3, **PATIENCE)
    assert len(server.ranges) == 3
    kept = target.with_name("file.gz.part").read_bytes()
    assert kept
    assert CONTENT.startswith(kept)
    assert not target.exists()


@pytest.mark.parametrize(
    "behaviour", [closing_early(100), corrupting, answering(404)], ids=["cut", "corrupt", "missing"]
)
def test_what_bears_the_name_stays_until_something_whole_replaces_it(servers, target, part, behaviour):
    target.write_bytes(CONTENT[:-1])
    with pytest.raises(DownloadError):
        download([servers(behaviour).address], target, check=check, attempts=2, **PATIENCE)
    assert target.read_bytes() == CONTENT[:-1]
    download([servers(whole).address], target, check=check, **PATIENCE)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize(("book", "silent_"), [("1", True), ("", False)], ids=["in the book", "live"])
def test_the_progress_bar_shows_only_outside_the_book(servers, target, monkeypatch, capsys, book, silent_):
    monkeypatch.setenv("DLBASICS_BOOK", book)
    download([servers(whole).address], target, check=check, **PATIENCE)
    assert (capsys.readouterr().err == "") is silent_
