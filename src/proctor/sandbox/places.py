"""How many jobs run at once on this machine's processors: the others wait in line, and their clocks have not begun.

Without a line, every thread that has a job makes all the others slower: the wall-clock limit of a program then depends on how
many others run, and the slowest calls take several times as long as the middle one.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections import deque
from typing import Self

HOLD_S = 0.05
PLACES_PER_CORE = 3


class Place:
    """A place held, until its job ends or has shown that it is a long one. Not shared between threads.

    Attributes:
        until: the `time.monotonic()` at which it is to be given up; infinite once it is.
    """

    def __init__(self, places: Places) -> None:
        self._places = places
        self.until = time.monotonic() + HOLD_S

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.give_up()

    def give_up(self) -> None:
        """Let the next in line run; may be called again."""
        if self.until < math.inf:
            self.until = math.inf
            self._places.free()


class Places:
    """A number of places, taken in the order of asking. A job that runs for over `HOLD_S` gives its own up, so that programs
    which sleep or hang keep nobody waiting for longer than that."""

    def __init__(self, count: int) -> None:
        self._num_free = count
        self._line: deque[threading.Lock] = deque()
        self._lock = threading.Lock()

    def take(self) -> Place:
        """Wait until it is this thread's turn."""
        with self._lock:
            if self._num_free:
                self._num_free -= 1
                return Place(self)
            turn = threading.Lock()
            turn.acquire()
            self._line.append(turn)
        turn.acquire()  # `free` hands the place over: nobody else can take it in between
        return Place(self)

    def free(self) -> None:
        """Hand a place to the first in line."""
        with self._lock:
            if self._line:
                self._line.popleft().release()
            else:
                self._num_free += 1


def machine_places() -> Places:
    """Return as many places as keep this process's cores busy while jobs start and end."""
    return Places(PLACES_PER_CORE * len(os.sched_getaffinity(0)))
