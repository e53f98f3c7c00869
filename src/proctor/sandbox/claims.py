"""The result channel of sandboxed Python: tagged plain data, written by a program that may lie about anything.

What arrives is a claim: a value that the program says it computed. It is data and never a verdict; whoever holds the
expected value compares.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from proctor.sandbox.encoding import MAX_DEPTH

MAX_ITEMS = 1_000_000


@dataclass(frozen=True, slots=True)
class Returned:
    """The program says that the function returned this value."""

    value: Any


@dataclass(frozen=True, slots=True)
class Raised:
    """The program says that an exception of this type ended it."""

    name: str


@dataclass(frozen=True, slots=True)
class Malformed:
    """There is no frame, more than one, or one that cannot be read."""

    reason: str


def decode_claim(received: bytes, nonce: str) -> Returned | Raised | Malformed:
    """Read the one frame that a result channel may hold: eight bytes of length, then a JSON object.

    Args:
        received: everything that came through the channel.
        nonce: of the request, which the frame must repeat, so that no frame answers another request. It is no secret.
    """
    if not received:
        return Malformed("no result was reported")
    size = int.from_bytes(received[:8], "big")
    if len(received) != 8 + size:
        return Malformed("the result channel does not hold exactly one frame")
    try:
        reply = json.loads(received[8:])
    except (ValueError, RecursionError):
        return Malformed("the reported result is not JSON")
    match reply:
        case {"nonce": str() as given, "raised": str() as name, **rest} if given == nonce and not rest:
            return Raised(name[:200])
        case {"nonce": str() as given, "value": value, **rest} if given == nonce and not rest:
            try:
                return Returned(_decode(value, 0, [MAX_ITEMS]))
            except (ValueError, TypeError, OverflowError, RecursionError) as error:
                return Malformed(f"the reported result is malformed: {error}")
    return Malformed("the reported result is malformed")


def _decode(value: Any, depth: int, budget: list[int]) -> Any:
    budget[0] -= 1
    if depth > MAX_DEPTH or budget[0] < 0:
        raise ValueError("it is too deep or too large")
    match value:
        case None | bool() | str():
            return value
        case ["i", str() as digits]:
            return int(digits, 16)
        case ["f", str() as number]:
            return float.fromhex(number)
        case ["c", str() as real, str() as imaginary]:
            return complex(float.fromhex(real), float.fromhex(imaginary))
        case ["b", str() as digits]:
            return bytes.fromhex(digits)
        case ["l" | "t" | "s" as tag, list() as items]:
            decoded = [_decode(item, depth + 1, budget) for item in items]
            return decoded if tag == "l" else tuple(decoded) if tag == "t" else _distinct(decoded)
        case ["d", list() as pairs]:
            entries = [(_decode(key, depth + 1, budget), _decode(item, depth + 1, budget)) for key, item in pairs]
            result = dict(entries)
            if len(result) < len(entries):
                raise ValueError("a key stands twice")
            return result
    raise ValueError("an unknown tag")


def _distinct(items: list[Any]) -> frozenset[Any]:
    result = frozenset(items)
    if len(result) < len(items):
        raise ValueError("an element stands twice")
    return result
