"""Values of the built-in types as tagged JSON, for the result channel of sandboxed Python.

Sent into sandboxes as code (see `proctor.sandbox.inside`), so it needs the standard library alone, and little of it.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict
from typing import Any

MAX_DEPTH = 100


def encode_value(value: Any, depth: int = 0) -> Any:
    """Return a value as tagged JSON: exact built-in types only, because an instance of a subclass may not be what it says.

    None and bool stand for themselves; a string is a string; everything else is [tag, content].

    Raises:
        TypeError: another type.
        ValueError: nested too deeply.
    """
    if depth > MAX_DEPTH:
        raise ValueError(f"the result is nested more than {MAX_DEPTH} deep")
    kind = type(value)
    if value is None or kind is bool or kind is str:
        return value
    if kind is int:
        return ["i", hex(value)]
    if kind is float:
        return ["f", value.hex()]
    if kind is complex:
        return ["c", value.real.hex(), value.imag.hex()]
    if kind is bytes:
        return ["b", value.hex()]
    if kind in (list, tuple, set, frozenset):
        return [{list: "l", tuple: "t", set: "s", frozenset: "s"}[kind], [encode_value(item, depth + 1) for item in value]]
    if kind in (dict, OrderedDict, defaultdict, Counter):
        return ["d", [[encode_value(key, depth + 1), encode_value(item, depth + 1)] for key, item in dict.items(value)]]
    raise TypeError(f"a result of type {kind.__name__} is not plain data")
