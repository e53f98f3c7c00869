"""Splits tokens where nothing encloses them, and takes off what encloses all of them."""

from __future__ import annotations

from collections.abc import Sequence

from proctor.verifiers.notation import Token

_OPENING = frozenset(("(", "[", "{", "\\{", "⟨"))
_CLOSING = frozenset((")", "]", "}", "\\}", "⟩"))


def depth_change(token: Token) -> int:
    """1 for what opens, -1 for what closes, 0 for all else; `lfloor` and environments are brackets too."""
    if token.kind == "mark":
        return (token.text in _OPENING) - (token.text in _CLOSING)
    if token.kind == "command":
        return (token.text in ("lfloor", "lceil")) - (token.text in ("rfloor", "rceil"))
    return (token.kind == "begin") - (token.kind == "end")


def split(tokens: Sequence[Token], separators: Sequence[str], *, inside: bool = False) -> list[Sequence[Token]]:
    """Split at separators outside every bracket, dropping empty parts.

    Args:
        tokens: what to split.
        separators: marks and words.
        inside: whether the first and the last token are brackets, to be looked into.
    """
    tokens = tokens[1:-1] if inside else tokens
    parts: list[Sequence[Token]] = []
    depth = start = 0
    for index, token in enumerate(tokens):
        depth += depth_change(token)
        if depth == 0 and token.text in separators and token.kind in ("mark", "word", "text"):
            parts.append(tokens[start:index])
            start = index + 1
    return [part for part in [*parts, tokens[start:]] if part]


def encloses(tokens: Sequence[Token]) -> bool:
    """Whether the first bracket is closed by the last token."""
    depth = 0
    for index, token in enumerate(tokens):
        depth += depth_change(token)
        if depth == 0:
            return index == len(tokens) - 1
    return False


def trimmed(tokens: Sequence[Token]) -> Sequence[Token]:
    """Without a leading equals sign, a final full stop, and braces around everything that hold one answer."""
    tokens = tokens[1:] if len(tokens) > 1 and tokens[0].text == "=" else tokens
    while len(tokens) > 1 and (tokens[-1].text == "." or (tokens[0].text == "{" and encloses(tokens) and len(split(tokens[1:-1], (",", ";"))) == 1)):
        tokens = tokens[:-1] if tokens[-1].text == "." else tokens[1:-1]
    return tokens


def top_marks(tokens: Sequence[Token]) -> list[str]:
    """The marks that stand in no brackets."""
    depth = 0
    found: list[str] = []
    for token in tokens:
        depth += depth_change(token)
        if token.kind == "mark" and depth == 0:
            found.append(token.text)
    return found
