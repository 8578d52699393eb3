"""What crosses between a student's process and the tests': it arrives as it was, or it is refused; nothing else."""

import contextlib
import math
import socket
import struct
import threading
import time

import msgpack
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from grader import wire
from grader.wire import WireError, decode, encode, receive, send

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(1 << 2000), 1 << 2000)
    | st.floats(allow_nan=False)
    | st.complex_numbers(allow_nan=False)
    | st.text()
    | st.binary()
    | st.just(...)
)
HASHABLE = st.recursive(SCALARS, lambda below: st.tuples(below, below) | st.frozensets(below, max_size=3), max_leaves=4)
WHOLE = st.none() | st.integers(-(1 << 60), 1 << 60)
DATA = st.recursive(
    HASHABLE
    | st.sets(HASHABLE, max_size=3)
    | st.builds(slice, WHOLE, WHOLE, WHOLE)
    | st.builds(range, st.integers(-99, 99), st.integers(-99, 99), st.integers(1, 9)),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(HASHABLE, below, max_size=4) | st.tuples(below, below),
    max_leaves=12,
)
NUMBERS = arrays.boolean_dtypes() | arrays.integer_dtypes() | arrays.floating_dtypes(sizes=(16, 32, 64))
DTYPES = st.sampled_from([getattr(torch, name) for name in wire._DTYPES])
TAGS = st.sampled_from([*wire._BUILDERS, "object", "name", "function", "?"])
TREES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats()
    | st.text(max_size=8)
    | st.binary(),
    lambda below: st.lists(below, max_size=4) | st.tuples(TAGS, st.lists(below, max_size=4)) | st.tuples(TAGS, below),
    max_leaves=12,
)


class Unknown:
    """An object that is not data."""


def refuse(value):
    raise WireError(f"a {type(value).__name__} is no data")


def resolve(tag, content):
    if tag != "object":
        raise WireError(f"unknown tag {tag!r}")
    return content


def there(value):
    return decode(encode(value, refuse), resolve)


def same(a, b):
    """Equal, and of the same types all the way down; equal alone would let True pass for 1."""
    if type(a) is not type(b):
        return False
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return len(a) == len(b) and all(map(same, a, b)) and all(map(same, a.values(), b.values()))
    return a == b


@settings(max_examples=50)
@given(DATA)
def test_data_arrives_as_it_was(value):
    assert same(there(value), value)


@pytest.mark.parametrize("value", [math.nan, -0.0, math.inf, complex(math.nan, -math.inf)])
def test_odd_numbers_arrive_to_the_bit(value):
    assert repr(there(value)) == repr(value)


@settings(max_examples=50)
@given(arrays.arrays(NUMBERS, arrays.array_shapes(min_dims=0, min_side=0)))
def test_arrays_keep_their_dtype_shape_and_numbers(array):
    arrived = there(array)
    assert (arrived.dtype, arrived.shape) == (array.dtype, array.shape)
    assert arrived.tobytes() == array.tobytes()
    assert arrived.flags.writeable


@settings(max_examples=50)
@given(DTYPES, st.lists(st.integers(0, 4), max_size=3), st.integers(0, 2**32))
def test_tensors_keep_their_dtype_shape_and_numbers(dtype, shape, seed):
    tensor = torch.randint(0, 2 if dtype == torch.bool else 100, shape, generator=torch.Generator().manual_seed(seed))
    tensor = tensor.to(dtype).mT if len(shape) > 1 else tensor.to(dtype)
    arrived = there(tensor)
    assert (arrived.dtype, arrived.shape, arrived.requires_grad) == (tensor.dtype, tensor.shape, False)
    assert torch.equal(arrived, tensor)


def test_views_of_numbers_arrive_as_what_they_show():
    grid = torch.arange(12.0).reshape(3, 4)
    assert torch.equal(there(grid[:, 1:3].T), grid[:, 1:3].T)
    assert torch.equal(there(torch.tensor([1 + 2j]).conj()), torch.tensor([1 - 2j]))
    assert torch.equal(there(grid.clone().requires_grad_()), grid)
    assert (there(np.arange(6).reshape(2, 3)[:, ::-1]) == [[2, 1, 0], [5, 4, 3]]).all()


def test_what_torch_and_numpy_have_besides_arrays_arrives_too():
    assert there(torch.Size([2, 3])) == torch.Size([2, 3])
    assert type(there(torch.Size([2, 3]))) is torch.Size
    assert there(torch.bfloat16) is torch.bfloat16
    assert there(torch.device("cpu")) == torch.device("cpu")
    assert there(np.dtype("int16")) == np.dtype("int16")
    assert type(there(np.float32(0.5))) is np.float32
    generator = torch.Generator().manual_seed(7)
    assert torch.equal(torch.rand(3, generator=there(generator)), torch.rand(3, generator=generator))


def test_a_subclass_is_sent_as_what_it_is_based_on_and_is_not_asked():
    class Liar(int):
        def __eq__(self, other):
            return True

        def __index__(self):
            return 42

        __hash__ = int.__hash__

    class Endless(list):
        def __iter__(self):
            while True:
                yield 0

    assert same(there([Liar(3), Endless([1])]), [3, [1]])


def itself():
    endless = []
    endless.append(endless)
    return endless


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(Unknown(), id="an object"),
        pytest.param(Unknown, id="a class"),
        pytest.param("\ud800", id="half a character"),
        pytest.param(1 << (8 * wire._DIGITS), id="a gigantic number"),
        pytest.param(itself(), id="a list within itself"),
        pytest.param(np.array([Unknown()]), id="an array of objects"),
        pytest.param(np.array(["text"]), id="an array of texts"),
        pytest.param(torch.eye(2).to_sparse(), id="a sparse tensor"),
    ],
)
def test_what_is_no_data_is_refused(value):
    with pytest.raises(WireError):
        encode([value], refuse)


def test_a_message_has_a_largest_size(monkeypatch):
    monkeypatch.setattr(wire, "MESSAGE", 1000)
    with pytest.raises(WireError, match=r"1,00. bytes are too much to send; at most 1,000"):
        encode(bytes(1000), refuse)


def test_what_is_referred_to_comes_back_as_what_it_stands_for():
    one = Unknown()
    message = encode({"it": [one, 1]}, lambda value: ["object", 17])
    assert decode(message, lambda tag, content: (tag, content)) == {"it": [("object", 17), 1]}


def arrives_or_is_refused(message):
    with contextlib.suppress(WireError):
        decode(message, resolve)


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused(message):
    arrives_or_is_refused(message)


@settings(max_examples=200)
@given(TREES)
def test_no_tree_of_tags_does_more_than_be_refused(tree):
    arrives_or_is_refused(msgpack.packb(tree))


@settings(max_examples=50)
@given(DATA | arrays.arrays(NUMBERS, arrays.array_shapes()), st.data())
def test_no_spoilt_message_does_more_than_be_refused(value, data):
    message = bytearray(encode(value, refuse))
    place = data.draw(st.integers(0, len(message) - 1))
    message[place] = data.draw(st.integers(0, 255))
    arrives_or_is_refused(bytes(message[: data.draw(st.integers(place, len(message)))]))


@pytest.mark.parametrize(
    "tree",
    [
        ["array", ["|O", [1], b"12345678"]],
        ["array", ["f8,f8", [1], b"0" * 16]],
        ["array", ["<f8", [1 << 30], b"12345678"]],
        ["array", ["<f8", [-1, -1], b"12345678"]],
        ["array", ["<f8", [0] * 99, b""]],
        ["array", ["<f8", [True], b"12345678"]],
        ["tensor", ["float32", [1.0], b"1234"]],
        ["tensor", ["__class__", [1], b"1234"]],
        ["dtype", ["load"]],
        ["dict", [[["list", []], 1]]],
        ["set", [["list", []]]],
        ["int", ["12"]],
        ["generator", [b"no state"]],
        ["device", ["nowhere"]],
        ["range", [0, 1, 0]],
        {"a": 1},
        ["list"],
        [["list", []], []],
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(tree):
    with pytest.raises(WireError):
        decode(msgpack.packb(tree), resolve)


def test_depth_is_bounded_where_it_comes_in_and_where_it_goes_out():
    deep = 0
    for _ in range(wire.DEPTH):
        deep = [deep]
    with pytest.raises(WireError, match="nested more than 64 deep"):
        encode(deep, refuse)
    with pytest.raises(WireError):
        decode(b"\x92\xa4list\x91" * 5000 + b"\xc0", resolve)


@pytest.fixture
def ends():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(5)
        theirs.settimeout(5)
        yield ours, theirs


def test_messages_arrive_one_by_one_and_whole(ends):
    messages = [b"", b"one", bytes(3 << 20), b"last"]
    thread = threading.Thread(target=lambda: [send(ends[0], message) for message in messages])
    thread.start()
    assert [receive(ends[1]) for _ in messages] == messages
    thread.join()


def test_a_message_that_says_it_is_too_long_is_not_waited_for(ends):
    ends[0].sendall(struct.pack("!Q", wire.MESSAGE + 1))
    with pytest.raises(WireError, match="a message of 134,217,729 bytes; at most 134,217,728"):
        receive(ends[1])


@pytest.mark.parametrize("sent", [b"", b"\0\0", struct.pack("!Q", 9) + b"not nine"])
def test_a_message_that_breaks_off_says_that_the_other_side_is_gone(ends, sent):
    ends[0].sendall(sent)
    ends[0].close()
    with pytest.raises(EOFError):
        receive(ends[1])


def test_a_message_that_does_not_come_is_waited_for_no_longer_than_was_said(ends):
    ends[0].sendall(struct.pack("!Q", 9) + b"eight...")
    with pytest.raises(TimeoutError):
        receive(ends[1], time.monotonic() + 0.05)
