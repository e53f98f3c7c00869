"""What a worker may use, and what comes back from it.

A payload handed to a worker ends in exactly one of two ways: a `Result` with plain data, or a `Fault` that says which
limit or accident ended it. This module knows nothing of processes, and judges nobody: whether a fault is held against
a completion is decided by the room that sent it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """What one payload, and the worker that runs it, may use.

    Attributes:
        wall_s: seconds from the moment a payload is taken up until its reply; kept by the parent's clock.
        start_s: seconds that a fresh worker may take to start and import what its handler needs.
        memory_bytes: address space of the worker; None for no limit (CUDA reserves far more than it uses).
        file_bytes: largest file that the worker may write.
        output_bytes: largest reply.
    """

    wall_s: float = 10.0
    start_s: float = 60.0
    memory_bytes: int | None = 2048 * MEBIBYTE
    file_bytes: int = 64 * MEBIBYTE
    output_bytes: int = 4 * MEBIBYTE


class FaultKind(StrEnum):
    """What ended a payload without a reply."""

    TIMEOUT = "timeout"  # wall_s passed; the worker was killed
    CRASH = "crash"  # the worker died, or closed its pipe, while it ran the payload
    OUTPUT = "output"  # the reply was too large or malformed
    RAISE = "raise"  # the handler raised
    WORKER = "worker"  # no worker could be started, or it died before it took the payload: not the payload's doing


@dataclass(frozen=True, slots=True)
class Result:
    """The reply to one payload: None, bool, int, float (NaN and infinities included), str, and lists and dicts of them."""

    value: Any


@dataclass(frozen=True, slots=True)
class Fault:
    """No reply to one payload, and why, in words for people."""

    kind: FaultKind
    reason: str


@dataclass(frozen=True, slots=True)
class Counters:
    """What has happened in a pool since it was opened.

    Attributes:
        calls: payloads that ended, in either way.
        timeouts: of these, killed by the wall clock.
        crashes: of these, ended by the death of the worker or by a reply that could not be read.
        replaced: workers that were killed because of a fault, or renewed.
    """

    calls: int = 0
    timeouts: int = 0
    crashes: int = 0
    replaced: int = 0


class Workers(Protocol):
    """Runs payloads through one handler. `WorkerPool` does it in killable processes, `InProcess` in the caller's own."""

    @property
    def counters(self) -> Counters: ...

    def call(self, payload: Any) -> Result | Fault: ...

    def map(self, payloads: Sequence[Any]) -> list[Result | Fault]: ...

    def renew(self) -> None: ...

    def close(self) -> None: ...
