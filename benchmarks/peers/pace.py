"""What `--paced` means: wait for a line on standard input before each pass (see `benchmarks/compare.py`)."""

from __future__ import annotations

import sys


class Pace:
    """Lets passes begin: at once, or each when it is asked for."""

    def __init__(self, *, is_paced: bool) -> None:
        self._is_paced, self._is_ready = is_paced, False

    def wait(self) -> None:
        """Called right before a pass; says once that everything is loaded."""
        if not self._is_paced:
            return
        if not self._is_ready:
            print('{"ready": 1}', flush=True)
            self._is_ready = True
        if not sys.stdin.readline():
            raise SystemExit(0)
