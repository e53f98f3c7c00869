"""Cuts Metamath source into tokens, chunk by chunk, comments left out.

Source: Megill and Wheeler, "Metamath: A Computer Language for Mathematical Proofs" (2019), section 4.1.1. Included files
(`$[ ... $]`) are refused: what a task trusts is one file, whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from proctor.errors import TaskError

CHUNK_CHARS = 1 << 20
MAX_TOKEN_CHARS = 1 << 16
_FOREIGN = re.compile(r"[^\x20-\x7e\t\n\r\f]")
_LAST_SPACE = re.compile(r"[ \t\n\r\f][^ \t\n\r\f]*\Z")


def file_tokens(path: Path) -> Iterator[str]:
    """Yield the tokens of a file, holding one chunk of it in memory.

    Raises:
        TaskError: it cannot be read, or is no Metamath source.
    """
    try:
        with path.open(encoding="latin-1", newline="") as stream:
            yield from _without_comments(_pieces(iter(lambda: stream.read(CHUNK_CHARS), "")))
    except OSError as error:
        raise TaskError(f"the Metamath database {str(path)!r} cannot be read: {error.strerror}") from error


def text_tokens(text: str) -> Iterator[str]:
    """Yield the tokens of a text.

    Raises:
        TaskError: it is no Metamath source.
    """
    return _without_comments(_pieces([text]))


def _pieces(chunks: Iterable[str]) -> Iterator[str]:
    """Split chunks at white space; a token that a chunk's end cuts is put together again."""
    rest = ""
    for chunk in chunks:
        if foreign := _FOREIGN.search(chunk):
            raise TaskError(f"Metamath source is printable ASCII; it contains {foreign.group()!r}")
        text = rest + chunk
        cut = _LAST_SPACE.search(text[-MAX_TOKEN_CHARS:])
        if cut is None and len(text) > MAX_TOKEN_CHARS:
            raise TaskError(f"a Metamath token is longer than {MAX_TOKEN_CHARS} characters: {text[:40]!r}...")
        end = max(0, len(text) - MAX_TOKEN_CHARS) + cut.start() if cut else 0
        yield from text[:end].split()
        rest = text[end:]
    yield from rest.split()


def _without_comments(pieces: Iterator[str]) -> Iterator[str]:
    for piece in pieces:
        if piece == "$(":
            for inner in pieces:
                if inner == "$)":
                    break
                if "$(" in inner or "$)" in inner:
                    raise TaskError(f"a Metamath comment contains {inner!r}: comments do not nest")
            else:
                raise TaskError("a Metamath comment is not closed")
        elif piece == "$)":
            raise TaskError("a Metamath comment is closed that was not opened")
        elif piece in ("$[", "$]"):
            raise TaskError("Metamath files that include others ($[ ... $]) are refused: give one file")
        else:
            yield piece
