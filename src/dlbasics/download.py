"""Download a file so that it is either whole and checked, or not there at all; a stall or a restart loses nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import requests
import urllib3
from tqdm.auto import tqdm

from dlbasics.building import building_book

CHUNK_BYTES = 1 << 15  # at most this much is lost when a connection breaks


class DamagedFileError(ValueError):
    """A file is not what it should be; the message names it, with what was expected and what was seen."""


class DownloadError(OSError):
    """No address gave the file; the message says why, address by address."""


class _RefusedError(Exception):
    """The address does not answer, or does not have the file: asking again would not help."""


class _InterruptedError(Exception):
    """The address answers but did not finish: another attempt can go on from there."""


def download(
    addresses: Sequence[str],
    target: Path,
    *,
    check: Callable[[Path], object],
    answer_seconds: float = 6.0,
    stall_seconds: float = 15.0,
    attempts: int = 4,
    pause_seconds: float = 1.0,
) -> Path:
    """Bring ``target`` in from the first address that delivers it whole.

    Bytes gather in ``target`` + ``.part``, which a later attempt, or a later process, continues where it stops (a Range
    request). Only a file that passes ``check`` takes the target's name, in one step; a complete one that fails it is
    discarded. Until then whatever bears the target's name stays as it is. One process at a time may download a target.

    Args:
        addresses: http or https addresses of the same bytes, tried in order.
        target: where the file shall lie; if it is there and passes ``check``, nothing is fetched.
        check: called with a path; raises `DamagedFileError` if that is not the file wanted.
        answer_seconds: for looking the name up, connecting and the first line of the answer, all together; > 0.
        stall_seconds: the longest silence in the middle of a transfer; > 0.
        attempts: at each address that answers; >= 1. One that does not answer is tried once.
        pause_seconds: before the second attempt, doubling from there; >= 0.

    Returns:
        ``target``.

    Raises:
        DownloadError: no address delivered; what has come stays in the part for the next time.
        OSError: the target's folder cannot be written.
    """
    if _passes(check, target):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    reasons = []
    for address in addresses:
        reason = ""
        for attempt in range(attempts):
            if attempt:
                time.sleep(pause_seconds * 2 ** (attempt - 1))
            resumed = part.exists()
            try:
                _fetch(address, part, answer_seconds=answer_seconds, stall_seconds=stall_seconds)
                check(part)
            except _RefusedError as error:
                reason = str(error)
                break
            except _InterruptedError as error:
                reason = f"{error} (attempt {attempt + 1} of {attempts})"
            except DamagedFileError as error:
                part.unlink()
                reason = f"delivered a damaged file ({error})"
                print(f"Discarded what came from {address}: {error}", flush=True)
                if not resumed:  # every byte was this address's own, so it would deliver the same again
                    break
            else:
                part.replace(target)
                return target
        reasons.append(f"{urlsplit(address).netloc} {reason}")
    raise DownloadError(f"{target.name} could not be downloaded: {', '.join(reasons) or 'no address was given'}")


def _passes(check: Callable[[Path], object], path: Path) -> bool:
    if not path.exists():
        return False
    try:
        check(path)
    except DamagedFileError:
        return False
    return True


def _fetch(address: str, part: Path, *, answer_seconds: float, stall_seconds: float) -> None:
    """Add to ``part`` what it misses of the file at ``address``; start afresh where the server cannot resume."""
    start = part.stat().st_size if part.exists() else 0
    # "identity": a server that compresses on the fly would make byte ranges meaningless
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        response = _ask(address, headers, answer_seconds=answer_seconds, stall_seconds=stall_seconds)
    except (TimeoutError, requests.Timeout) as error:
        raise _RefusedError(f"did not answer within {answer_seconds:g} s") from error
    except requests.RequestException as error:
        raise _RefusedError(f"cannot be reached ({type(error).__name__})") from error

    with response:
        status = response.status_code
        if status == requests.codes.requested_range_not_satisfiable and start:
            return  # the part is already as long as the file, or longer: the check will tell which
        if status == requests.codes.too_many_requests or status >= 500:
            raise _InterruptedError(f"answered HTTP {status}")
        if status not in (requests.codes.ok, requests.codes.partial_content):
            raise _RefusedError(f"answered HTTP {status}")
        resumes = status == requests.codes.partial_content
        if resumes and not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            raise _RefusedError(f"sent other bytes than those from {start:,} on")
        _append(response, part, start=start if resumes else 0, stall_seconds=stall_seconds)


def _ask(address: str, headers: dict[str, str], *, answer_seconds: float, stall_seconds: float) -> requests.Response:
    """The opened answer; TimeoutError if it takes too long.

    In a thread, because looking a name up obeys no time-out, and a host with many addresses multiplies its own.
    """
    answer: Future[requests.Response] = Future()

    def ask() -> None:
        try:
            timeout = (answer_seconds, stall_seconds)
            answer.set_result(requests.get(address, headers=headers, stream=True, timeout=timeout))
        except BaseException as error:  # handed to the waiting thread, which raises it
            answer.set_exception(error)

    Thread(target=ask, daemon=True).start()
    try:
        return answer.result(timeout=answer_seconds)
    except TimeoutError:
        answer.add_done_callback(_hang_up)
        raise


def _hang_up(late: Future[requests.Response]) -> None:
    """Close a connection whose answer came when nobody waited any more."""
    if late.exception() is None:
        late.result().close()


def _append(response: requests.Response, part: Path, *, start: int, stall_seconds: float) -> None:
    """Write the body of ``response`` to ``part`` from byte ``start`` on, with a progress bar."""
    length = response.headers.get("Content-Length", "")
    bar = tqdm(
        desc=part.stem,
        initial=start,
        total=start + int(length) if length.isdigit() else None,
        unit="B",
        unit_scale=True,
        disable=building_book(),
    )
    received = start
    with bar, part.open("ab" if start else "wb") as file:
        try:
            # raw, because requests would unpack a .gz file that the server declares to be an encoding
            for chunk in response.raw.stream(CHUNK_BYTES, decode_content=False):
                received += file.write(chunk)
                bar.update(len(chunk))
        except urllib3.exceptions.ReadTimeoutError as error:
            raise _InterruptedError(f"fell silent for {stall_seconds:g} s after {received:,} bytes") from error
        except urllib3.exceptions.HTTPError as error:
            raise _InterruptedError(f"broke off after {received:,} bytes") from error
