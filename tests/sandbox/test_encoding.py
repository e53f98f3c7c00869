"""What leaves a sandbox: exact, bounded, and read without trusting anything."""

from __future__ import annotations

import contextlib
import math
import time
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.sandbox.claims import Malformed, Raised, Returned, decode_claim
from proctor.sandbox.encoding import MAX_DEPTH, decode, encode

leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary() | st.complex_numbers(allow_nan=False)
keys = st.none() | st.booleans() | st.integers() | st.text() | st.tuples(st.integers(), st.text())
values = st.recursive(leaves, lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(keys, inner) | st.frozensets(keys), max_leaves=20)


def typed(value: Any) -> Any:
    """A value with the types of all its parts, so that True and 1 differ."""
    if isinstance(value, (list, tuple)):
        return type(value), [typed(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return frozenset, sorted(map(repr, value))
    if isinstance(value, dict):
        return dict, sorted((repr(key), repr(typed(item))) for key, item in value.items())
    return type(value), value


@given(values)
def test_what_is_encoded_comes_back_with_its_types(value: Any) -> None:
    assert typed(decode(encode(value))) == typed(value)


@given(st.binary(max_size=200))
def test_bytes_of_anybody_give_a_value_or_a_value_error(received: bytes) -> None:
    with contextlib.suppress(ValueError):
        decode(received)


@given(values, st.data())
def test_a_damaged_encoding_never_does_worse(value: Any, data: st.DataObject) -> None:
    encoded = bytearray(encode(value))
    position = data.draw(st.integers(0, len(encoded) - 1))
    encoded[position] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ValueError):
        decode(bytes(encoded))


def test_the_form_is_the_documented_one() -> None:
    assert encode([1, -255, True, None, 0.5, "é", b"\0", (2,), {3}, {"k": 1j}]) == (
        b"l10:i1;i-ff;TNf0x1.0000000000000p-1;s2:\xc3\xa9b1:\x00t1:i2;e1:i3;d1:s1:kc0x0.0p+0;0x1.0000000000000p+0;"
    )
    assert decode(b"d1:s1:ai10;") == {"a": 16}


def test_standard_mappings_are_mappings_and_special_numbers_survive() -> None:
    assert decode(encode([OrderedDict(a=1), defaultdict(int, b=2), Counter("cc")])) == [{"a": 1}, {"b": 2}, {"c": 2}]
    found = decode(encode([math.inf, -math.inf, math.nan, -0.0, "\ud800", 10**5000]))
    assert found[:2] == [math.inf, -math.inf] and math.isnan(found[2]) and math.copysign(1, found[3]) == -1 and found[4:] == ["\ud800", 10**5000]


class Int(int):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = int.__hash__


class Dict(dict):  # type: ignore[type-arg]
    def items(self) -> Any:
        return [("forged", 1)]


@pytest.mark.parametrize(
    "value",
    [Int(5), Dict(), [Int(5)], {Int(5): 1}, object(), deque([1]), namedtuple("P", "x")(1), range(3), int, lambda: 0],
    ids=lambda value: type(value).__name__,
)
def test_anything_but_exact_types_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="is not plain data"):
        encode(value)


def test_depth_is_bounded_on_both_sides() -> None:
    value: Any = 0
    for _ in range(MAX_DEPTH):
        value = [value]
    assert decode(encode(value)) == value
    with pytest.raises(ValueError, match="nested"):
        encode([value])
    with pytest.raises(ValueError, match="nested"):
        decode(b"l1:" * 100_000 + b"N")


@pytest.mark.parametrize(
    "received",
    [
        b"",
        b"x",
        b"i",
        b"i5",
        b"izz;",
        b"s9:abc",
        b"s-1:",
        b"l99999999999:",
        b"lx:N",
        b"N N",
        b"NN",
        b"e2:i1;i1;",
        b"d2:i1;Ni1;N",
        b"e1:l0:",
        b"d1:l0:N",
        b"s1:\xff",
        b"f1x;",
    ],
)
def test_malformed_bytes_are_refused(received: bytes) -> None:
    with pytest.raises(ValueError):
        decode(received)


def test_a_large_count_costs_nothing() -> None:
    began = time.process_time()
    for tag in b"lted":
        with pytest.raises(ValueError):
            decode(bytes([tag]) + b"9" * 18 + b":" + b"N" * 100)
    assert time.process_time() - began < 1


def frame(content: Any) -> bytes:
    body = encode(content)
    return len(body).to_bytes(8, "big") + body


def test_a_claim_is_one_frame_with_the_nonce_of_its_request() -> None:
    good = frame({"nonce": "n", "value": [1]})
    assert decode_claim(good, "n") == Returned([1])
    assert decode_claim(frame({"nonce": "n", "raised": "KeyError"}), "n") == Raised("KeyError")
    for bad in (
        b"",
        good[:-1],
        good + b"x",
        good + good,
        good[:7],
        b"\xff" * 8,
        frame({"nonce": "n"}),
        frame({"nonce": "n", "value": 1, "raised": "x"}),
        frame([1]),
    ):
        assert isinstance(decode_claim(bad, "n"), Malformed)
    assert isinstance(decode_claim(good, "another"), Malformed)
    assert isinstance(decode_claim(frame({"nonce": 1, "value": 2}), "1"), Malformed)
    assert isinstance(decode_claim(frame({"nonce": "n", "value": 1, "passed": True}), "n"), Malformed)
