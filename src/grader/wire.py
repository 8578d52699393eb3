"""What crosses between a student's process and the tests': data, numbers in bulk, and numbered references; no code.

Both sides import this module. A value becomes msgpack: scalars as themselves, everything else as a list that begins
with a tag. Nothing that a student's side sends can name a class, a function or a module, so decoding it runs nothing of
theirs.
"""

from __future__ import annotations

import math
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

import msgpack

DEPTH = 64  # of lists in lists; honest answers have a handful
MESSAGE = 128 << 20  # bytes in one message
_ITEMS = 1 << 22  # in one container
_DIGITS = 4096  # bytes of a whole number
_KINDS = "biufc"  # of numpy's dtypes: truth values, whole, real and complex numbers
_WHOLE = ["bool", "uint8", "int8", "int16", "int32", "int64"]  # torch's dtypes; by name, since torch may not be there
_DTYPES = [*_WHOLE, "float16", "bfloat16", "float32", "float64", "complex64", "complex128"]
_LENGTH = struct.Struct("!Q")


class WireError(ValueError):
    """What cannot cross, or what came and makes no sense."""


Refer = Callable[[Any], list[Any]]
"""From an object that is not data to a tagged list that stands for it; raises `WireError` where none can."""
Resolve = Callable[[str, Any], Any]
"""From the tag and the content of such a list to what stands for it here."""


def encode(value: Any, refer: Refer) -> bytes:
    """A value as bytes.

    Raises:
        WireError: it is too deep or too large, or `refer` cannot stand in for a part of it.
    """
    try:
        message = msgpack.packb(_plain(value, refer, DEPTH), use_bin_type=True)
    except (ValueError, TypeError, OverflowError) as error:  # lone surrogates among them
        raise WireError(f"cannot be sent: {error}") from error
    if len(message) > MESSAGE:
        raise WireError(f"{len(message):,} bytes are too much to send; at most {MESSAGE:,}")
    return bytes(message)


def decode(message: bytes, resolve: Resolve) -> Any:
    """The value that bytes stand for.

    Raises:
        WireError: they stand for none.
    """
    try:
        tree = msgpack.unpackb(
            message,
            raw=False,
            strict_map_key=True,
            max_array_len=_ITEMS,
            max_map_len=0,
            max_ext_len=0,
        )
        return _value(tree, resolve, DEPTH)
    except WireError:
        raise
    except Exception as error:  # whatever is wrong with it, it is the sender's
        raise WireError(f"makes no sense: {type(error).__name__}") from error


def send(connection: socket.socket, message: bytes) -> None:
    """Send one message, its length first."""
    connection.sendall(_LENGTH.pack(len(message)) + message)


def receive(connection: socket.socket, until: float | None = None) -> bytes:
    """Wait for one message.

    Args:
        connection: where it comes from.
        until: the moment, by `time.monotonic`, up to which all of it must be here; None to wait for ever.

    Raises:
        EOFError: the other side is gone.
        WireError: the message is too long.
        TimeoutError: it did not come in time.
    """
    (length,) = _LENGTH.unpack(_exactly(connection, _LENGTH.size, until))
    if length > MESSAGE:
        raise WireError(f"a message of {length:,} bytes; at most {MESSAGE:,}")
    return _exactly(connection, length, until)


def _exactly(connection: socket.socket, length: int, until: float | None) -> bytes:
    parts = bytearray()
    while len(parts) < length:
        if until is not None:  # each time anew: who sends drop by drop gains no time
            connection.settimeout(max(0.01, until - time.monotonic()))
        part = connection.recv(min(length - len(parts), 1 << 20))
        if not part:
            raise EOFError("the other side is gone")
        parts += part
        if until is not None and until < time.monotonic() and len(parts) < length:
            raise TimeoutError("it did not come in time")
    return bytes(parts)


def _plain(value: Any, refer: Refer, depth: int) -> Any:
    if depth == 0:
        raise WireError(f"nested more than {DEPTH} deep")
    if value is None or value is True or value is False:
        return value
    for kind in (int, float, str, bytes, complex):  # a subclass is sent as what it is based on
        if isinstance(value, kind):
            return _scalar(kind, value)
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    below = depth - 1
    for container in (list, set, frozenset):
        if isinstance(value, container):
            items = container.__iter__(value)  # type: ignore[arg-type]  # the class's own, whatever a subclass says
            return [container.__name__, [_plain(item, refer, below) for item in items]]
    if isinstance(value, tuple):
        tag = "size" if type(value).__name__ == "Size" and type(value).__module__ == "torch" else "tuple"
        return [tag, [_plain(item, refer, below) for item in tuple.__iter__(value)]]
    if isinstance(value, dict):
        return ["dict", [[_plain(part, refer, below) for part in item] for item in dict.items(value)]]
    if isinstance(value, slice):
        return ["slice", [_plain(part, refer, below) for part in (value.start, value.stop, value.step)]]
    if isinstance(value, range):
        return ["range", [value.start, value.stop, value.step]]
    if value is Ellipsis:
        return ["ellipsis", []]
    return _numbers(value) or refer(value)


def _scalar(kind: type, value: Any) -> Any:
    if kind is int:
        whole = int.__index__(value)
        if -(1 << 63) <= whole < 1 << 64:
            return whole
        length = whole.bit_length() // 8 + 1
        if length > _DIGITS:
            raise WireError(f"a whole number of {length:,} bytes; at most {_DIGITS:,}")
        return ["int", [whole.to_bytes(length, "big", signed=True)]]
    if kind is complex:
        return ["complex", [float(value.real), float(value.imag)]]
    if kind is float:
        return float.__float__(value)
    return str.__str__(value) if kind is str else bytes.__bytes__(value)


def _numbers(value: Any) -> list[Any] | None:
    """Arrays, tensors and their kinds; of numpy and torch only what is imported already is asked for."""
    if (numpy := sys.modules.get("numpy")) is not None:
        if isinstance(value, numpy.ndarray | numpy.generic) and value.dtype.kind in _KINDS:
            array = numpy.ascontiguousarray(value)
            tag = "scalar" if isinstance(value, numpy.generic) else "array"
            return [tag, [array.dtype.str, list(numpy.shape(value)), array.tobytes()]]
        if isinstance(value, numpy.dtype) and value.kind in _KINDS:
            return ["numpy dtype", [value.str]]
    if (torch := sys.modules.get("torch")) is not None:
        if isinstance(value, torch.Tensor) and str(value.dtype)[6:] in _DTYPES and value.layout == torch.strided:
            flat = value.detach().cpu().resolve_conj().resolve_neg().contiguous().reshape(-1)
            content = flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""
            return ["tensor", [str(value.dtype)[6:], list(value.shape), content]]
        if isinstance(value, torch.dtype):
            return ["dtype", [str(value)[6:]]]
        if isinstance(value, torch.device):
            return ["device", [str(value)]]
        if isinstance(value, torch.Generator):
            return ["generator", [value.get_state().numpy().tobytes()]]
    return None


def _value(tree: Any, resolve: Resolve, depth: int) -> Any:
    if depth == 0:
        raise WireError(f"nested more than {DEPTH} deep")
    if not isinstance(tree, list):
        return tree
    if len(tree) != 2 or type(tree[0]) is not str:
        raise WireError("a list without a tag")
    tag, content = tree
    build = _BUILDERS.get(tag)
    if build is None:
        return resolve(tag, content)
    if not isinstance(content, list):
        raise WireError(f"a {tag} without content")
    if tag == "dict":
        return {_value(key, resolve, depth - 1): _value(item, resolve, depth - 1) for key, item in content}
    if tag in ("list", "tuple", "size", "set", "frozenset", "slice"):
        return build(*(_value(item, resolve, depth - 1) for item in content))
    return build(*content)


def _collected(kind: Callable[[Iterable[Any]], Any]) -> Callable[..., Any]:
    return lambda *items: kind(items)


def _checked(shape: Any, itemsize: int, content: Any) -> list[int]:
    if not isinstance(content, bytes) or not all(type(n) is int and 0 <= n < 1 << 40 for n in shape):
        raise WireError("an array's shape is whole numbers, its content bytes")
    if len(shape) > 32 or math.prod(shape) * itemsize != len(content):
        raise WireError(f"{len(content):,} bytes are no array of shape {tuple(shape)}")
    return list(shape)


def _array(kind: str, shape: Any, content: Any) -> Any:
    import numpy as np

    dtype = np.dtype(kind)
    if dtype.kind not in _KINDS or dtype.subdtype is not None:
        raise WireError(f"no numbers: {kind!r}")
    return np.frombuffer(bytearray(content), dtype).reshape(_checked(shape, dtype.itemsize, content))


def _tensor(kind: str, shape: Any, content: Any) -> Any:
    import torch

    dtype = _dtype(kind)
    size = _checked(shape, dtype.itemsize, content)
    return (
        torch.frombuffer(bytearray(content), dtype=dtype).reshape(size) if content else torch.empty(size, dtype=dtype)
    )


def _dtype(kind: str) -> Any:
    import torch

    if kind not in _DTYPES:
        raise WireError(f"no kind of number: {kind!r}")
    return getattr(torch, kind)


def _numpy_dtype(kind: str) -> Any:
    return _array(kind, [0], b"").dtype


def _size(*items: Any) -> Any:
    import torch

    return torch.Size(items)


def _device(name: str) -> Any:
    import torch

    return torch.device(name)


def _generator(state: bytes) -> Any:
    import torch

    generator = torch.Generator()
    generator.set_state(torch.frombuffer(bytearray(state), dtype=torch.uint8))
    return generator


_BUILDERS: dict[str, Callable[..., Any]] = {
    "int": lambda digits: int.from_bytes(digits[:_DIGITS], "big", signed=True),
    "complex": complex,
    "list": _collected(list),
    "tuple": _collected(tuple),
    "set": _collected(set),
    "frozenset": _collected(frozenset),
    "size": _size,
    "dict": dict,
    "slice": slice,
    "range": range,
    "ellipsis": lambda: Ellipsis,
    "array": _array,
    "scalar": lambda *parts: _array(*parts)[()],
    "numpy dtype": _numpy_dtype,
    "tensor": _tensor,
    "dtype": _dtype,
    "device": _device,
    "generator": _generator,
}
