"""The result channel of sandboxed Python, seen from outside.

What arrives there was written by a program that may lie about anything: a claim, a value that the program says it computed.
It is data and never a verdict; whoever holds the expected value compares.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from proctor.sandbox.encoding import decode


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
    """Read the one frame that a result channel may hold: eight bytes of length, then an encoded object.

    Args:
        received: everything that came through the channel.
        nonce: of the request, which the frame must repeat, so that no frame answers another request. It is no secret.
    """
    if not received:
        return Malformed("no result was reported")
    if len(received) != 8 + int.from_bytes(received[:8], "big"):
        return Malformed("the result channel does not hold exactly one frame")
    try:
        reply = decode(received[8:])
    except (ValueError, OverflowError, RecursionError) as error:
        return Malformed(f"the reported result is malformed: {error}")
    match reply:
        case {"nonce": str() as given, "raised": str() as name, **rest} if given == nonce and not rest:
            return Raised(name[:200])
        case {"nonce": str() as given, "value": value, **rest} if given == nonce and not rest:
            return Returned(value)
    return Malformed("the reported result is malformed")
