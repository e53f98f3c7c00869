"""Values of the built-in types as tagged bytes, for what leaves a sandbox.

The form is read without evaluating, importing or trusting anything. Sent into sandboxes as code (see
`proctor.sandbox.inside`), so it imports nothing that costs time.

    N T F              None, True, False
    i HEX ;            int                       f HEX ;     float, as float.hex writes it
    c HEX ; HEX ;      complex                   s COUNT : BYTES   str, UTF-8    b COUNT : BYTES   bytes
    l t e COUNT :      list, tuple, set, then COUNT values                       d COUNT :  dict, then COUNT keys with values
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_DEPTH = 100

_SEQUENCES = {list: b"l", tuple: b"t", set: b"e", frozenset: b"e"}


def encode(value: Any) -> bytes:
    """Return a value as bytes: exact built-in types only, because an instance of a subclass may not be what it says.

    Frozen sets are written as sets; ordered, default and counting dictionaries as dictionaries.

    Raises:
        TypeError: another type.
        ValueError: nested too deeply.
    """
    parts: list[bytes] = []
    _encode(value, parts, 0)
    return b"".join(parts)


def _encode(value: Any, parts: list[bytes], depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ValueError(f"the result is nested more than {MAX_DEPTH} deep")
    kind = type(value)
    if value is None:
        parts.append(b"N")
    elif kind is bool:
        parts.append(b"T" if value else b"F")
    elif kind is int:
        parts.append(b"i%x;" % value)
    elif kind is float:
        parts.append(b"f%s;" % value.hex().encode())
    elif kind is complex:
        parts.append(b"c%s;%s;" % (value.real.hex().encode(), value.imag.hex().encode()))
    elif kind is str or kind is bytes:
        content = value if kind is bytes else value.encode("utf-8", "surrogatepass")
        parts.append(b"%s%d:%s" % (b"b" if kind is bytes else b"s", len(content), content))
    elif kind in _SEQUENCES:
        parts.append(b"%s%d:" % (_SEQUENCES[kind], len(value)))
        for item in value:
            _encode(item, parts, depth + 1)
    elif kind is dict or _is_standard_mapping(kind):
        parts.append(b"d%d:" % dict.__len__(value))
        for key, item in dict.items(value):
            _encode(key, parts, depth + 1)
            _encode(item, parts, depth + 1)
    else:
        raise TypeError(f"a result of type {kind.__name__} is not plain data")


def _is_standard_mapping(kind: type) -> bool:
    collections = sys.modules.get("collections")  # nothing is one of its classes before it is imported
    return collections is not None and kind in (collections.OrderedDict, collections.defaultdict, collections.Counter)


def decode(encoded: bytes) -> Any:
    """Read what `encode` wrote, from anybody; takes time and memory linear in its length.

    Raises:
        ValueError: it is malformed.
    """
    value, end = _decode(encoded, 0, 0)
    if end != len(encoded):
        raise ValueError("something follows the value")
    return value


def _decode(encoded: bytes, at: int, depth: int) -> tuple[Any, int]:
    if depth > MAX_DEPTH:
        raise ValueError(f"nested more than {MAX_DEPTH} deep")
    tag, at = encoded[at : at + 1], at + 1
    if tag in (b"N", b"T", b"F"):
        return {b"N": None, b"T": True, b"F": False}[tag], at
    if tag == b"i":
        text, at = _until(encoded, at, b";")
        return int(text, 16), at
    if tag == b"f":
        text, at = _until(encoded, at, b";")
        return float.fromhex(text), at
    if tag == b"c":
        real, at = _until(encoded, at, b";")
        imaginary, at = _until(encoded, at, b";")
        return complex(float.fromhex(real), float.fromhex(imaginary)), at
    text, at = _until(encoded, at, b":")
    count = int(text)
    if not 0 <= count <= len(encoded) - at:
        raise ValueError("a count is larger than what follows")
    if tag in (b"s", b"b"):
        content = encoded[at : at + count]
        return content if tag == b"b" else content.decode("utf-8", "surrogatepass"), at + count
    if tag in (b"l", b"t", b"e"):
        return _decode_items(encoded, at, depth, tag, count)
    if tag == b"d":
        return _decode_dict(encoded, at, depth, count)
    raise ValueError(f"unknown tag {tag!r}")


def _decode_items(encoded: bytes, at: int, depth: int, tag: bytes, count: int) -> tuple[Any, int]:
    items: list[Any] = []
    for _ in range(count):
        item, at = _decode(encoded, at, depth + 1)
        items.append(item)
    if tag == b"l":
        return items, at
    if tag == b"t":
        return tuple(items), at
    return _hashed(frozenset, items, count), at


def _decode_dict(encoded: bytes, at: int, depth: int, count: int) -> tuple[Any, int]:
    pairs: list[tuple[Any, Any]] = []
    for _ in range(count):
        key, at = _decode(encoded, at, depth + 1)
        item, at = _decode(encoded, at, depth + 1)
        pairs.append((key, item))
    return _hashed(dict, pairs, count), at


def _hashed(kind: Any, entries: list[Any], count: int) -> Any:
    try:
        made = kind(entries)
    except TypeError:
        raise ValueError("a key or an element that cannot be one") from None
    if len(made) != count:
        raise ValueError("a key or an element stands twice")
    return made


def _until(encoded: bytes, at: int, mark: bytes) -> tuple[str, int]:
    end = encoded.find(mark, at)
    if end < 0:
        raise ValueError("it ends too early")
    return encoded[at:end].decode("ascii"), end + 1
