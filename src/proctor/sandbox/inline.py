"""The opt-out: handlers run in the caller's own process, without limits.

For functions that cannot be shipped (they need a loaded model, an open connection). Nothing here can stop a function
that hangs, and nothing stops one that exits the process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from proctor.sandbox.base import Counters, Fault, FaultKind, Result


class InProcess:
    """Calls the handler directly, one payload after another; a `Workers` without workers."""

    def __init__(self, handler: Callable[[Any], Any]) -> None:
        self._handler = handler
        self._counters = Counters()
        self._lock = threading.Lock()

    @property
    def counters(self) -> Counters:
        return self._counters

    def call(self, payload: Any) -> Result | Fault:
        """Run one payload; an exception becomes a fault, everything else is the caller's risk."""
        try:
            return Result(self._handler(payload))
        except Exception as error:
            return Fault(FaultKind.RAISE, f"{type(error).__name__}: {error}")
        finally:
            with self._lock:
                self._counters = replace(self._counters, calls=self._counters.calls + 1)

    def map(self, payloads: Sequence[Any]) -> list[Result | Fault]:
        return [self.call(payload) for payload in payloads]

    def renew(self) -> None:
        """Nothing to renew: there is one process, and it is the caller's."""

    def close(self) -> None:
        """Nothing to close."""
