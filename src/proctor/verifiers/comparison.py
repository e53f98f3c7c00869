"""Compares what a program produced with what a test expects; always outside the program's process.

Text is compared as judges of programming contests do, values by kind and content. Tolerance and order are options of the
task, never guessed. Nothing of what is compared is called: no `__eq__` of the program's exists here.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Literal, get_args

from proctor.errors import ConfigError

Whitespace = Literal["lines", "tokens", "exact"]
_DECIMAL = re.compile(r"[-+]?(?:\d{1,40}\.?\d{0,40}|\.\d{1,40})(?:[eE][-+]?\d{1,3})?", re.ASCII)
_INTEGER = re.compile(r"[-+]?\d+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What counts as equal.

    Attributes:
        whitespace: for text: "lines" ignores what is blank at the ends of lines and of the whole, "tokens" all differences of
            white space, "exact" none.
        tolerance: allowed error of numbers, absolute or relative to the expected one, whichever is larger; integers that are written as
            integers stay exact. 0 compares text as text and values exactly.
        ignore_order: lines (with "tokens": tokens) of text, and elements of the outermost list, may come in any order.
    """

    whitespace: Whitespace = "lines"
    tolerance: float = 0.0
    ignore_order: bool = False

    def __post_init__(self) -> None:
        if self.whitespace not in get_args(Whitespace):
            raise ConfigError(f"there is no whitespace comparison {self.whitespace!r}; allowed: {', '.join(get_args(Whitespace))}")
        if not 0 <= self.tolerance < 1:
            raise ConfigError(f"tolerance must be in [0, 1), not {self.tolerance!r}")
        if self.ignore_order and (self.tolerance or self.whitespace == "exact"):
            raise ConfigError("ignore_order goes with neither a tolerance nor exact white space: which element answers which could not be said")


def same_text(expected: str, given: str, comparison: Comparison) -> bool:
    """Whether a program's output is the expected one."""
    if comparison.whitespace == "exact":
        return expected == given
    wanted, found = (_lines(text, comparison.whitespace) for text in (expected, given))
    if comparison.ignore_order:
        units = (
            (lambda lines: [token for line in lines for token in line])
            if comparison.whitespace == "tokens"
            else (lambda lines: [tuple(line) for line in lines])
        )
        return Counter(units(wanted)) == Counter(units(found))
    if not comparison.tolerance:
        return wanted == found
    return [len(line) for line in wanted] == [len(line) for line in found] and all(
        _same_token(token, other, comparison.tolerance) for line, others in zip(wanted, found, strict=True) for token, other in zip(line, others, strict=True)
    )


def same_value(expected: Any, given: Any, comparison: Comparison) -> bool:
    """Whether a returned value is the expected one.

    Kinds must agree: bool is no number and no text is one. Lists and tuples are both sequences, because tests written as
    JSON know only one of them. A set answers a list only where order is ignored.
    """
    if comparison.ignore_order and isinstance(expected, (list, tuple, set, frozenset)) and isinstance(given, (list, tuple, set, frozenset)):
        return Counter(map(_key, expected)) == Counter(map(_key, given))
    return _same(expected, given, comparison.tolerance)


def _lines(text: str, whitespace: Whitespace) -> list[list[str]]:
    if whitespace == "tokens":
        return [text.split()]
    lines = [line.rstrip() for line in text.rstrip().split("\n")]
    return [line.split(" ") for line in lines]


def _same_token(expected: str, given: str, tolerance: float) -> bool:
    if expected == given:
        return True
    if not _DECIMAL.fullmatch(expected) or not _DECIMAL.fullmatch(given):
        return False
    if _INTEGER.fullmatch(expected) and _INTEGER.fullmatch(given):
        return int(expected) == int(given)
    wanted, found = float(expected), float(given)
    return math.isfinite(wanted) and _close(wanted, found, tolerance)


def _close(expected: float, given: float, tolerance: float) -> bool:
    return expected == given or (math.isfinite(expected) and math.isfinite(given) and abs(expected - given) <= tolerance * max(1.0, abs(expected)))


def _same(expected: Any, given: Any, tolerance: float) -> bool:
    if isinstance(expected, bool) or isinstance(given, bool) or expected is None or given is None:
        return expected is given
    if isinstance(expected, (int, float)) and isinstance(given, (int, float)):
        if isinstance(expected, int) and isinstance(given, int):
            return expected == given
        try:
            return expected == given or (tolerance > 0 and _close(float(expected), float(given), tolerance))
        except OverflowError:
            return False
    if isinstance(expected, (list, tuple)) and isinstance(given, (list, tuple)):
        return len(expected) == len(given) and all(_same(one, other, tolerance) for one, other in zip(expected, given, strict=True))
    if isinstance(expected, dict) and isinstance(given, dict):
        wanted, found = ({_key(key): value for key, value in mapping.items()} for mapping in (expected, given))
        return wanted.keys() == found.keys() and all(_same(value, found[key], tolerance) for key, value in wanted.items())
    if isinstance(expected, (set, frozenset)) and isinstance(given, (set, frozenset)):
        return set(map(_key, expected)) == set(map(_key, given))
    return type(expected) is type(given) and isinstance(expected, (str, bytes, complex)) and expected == given


def _key(value: Any) -> Hashable:
    """Return something that is equal for values of the same kind and content only."""
    if isinstance(value, bool) or value is None:
        return ("constant", value)
    if isinstance(value, (int, float, complex)):
        return ("number", value)
    if isinstance(value, (list, tuple)):
        return ("sequence", tuple(map(_key, value)))
    if isinstance(value, dict):
        return ("mapping", frozenset((_key(key), _key(item)) for key, item in value.items()))
    if isinstance(value, (set, frozenset)):
        return ("set", frozenset(map(_key, value)))
    return (type(value).__name__, value)
