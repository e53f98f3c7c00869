"""Finds tagged sections and fenced code blocks in what a model wrote, in time linear in the text."""

from __future__ import annotations

import re
from collections.abc import Collection

MAX_BLOCKS = 50
_NO_CODE = frozenset({"", "answer", "latex", "markdown", "math", "md", "output", "plaintext", "tex", "text", "txt"})
"""What a fence may call itself that holds no program."""
_FENCE = re.compile(r"(`{3,}|~{3,})([^`]*)")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)


def tagged(text: str, tag: str) -> list[str]:
    """Return what stands between `<tag>` and the next `</tag>`, stripped, of the last fifty sections at most."""
    pieces = text.split(f"</{tag}>")[:-1][-MAX_BLOCKS:]
    return [piece.rpartition(f"<{tag}>")[2].strip() for piece in pieces if f"<{tag}>" in piece]


def fenced(text: str, languages: Collection[str]) -> list[str]:
    """Return the contents of the closed code fences whose language is one of `languages` ("" for none), of the last fifty at most.

    A fence is a line that begins with three backticks; what follows them on it names the language.
    """
    found: list[str] = []
    inside: list[str] | None = None
    is_wanted = False
    for line in text.split("\n"):
        mark = line.strip()
        if not mark.startswith("```"):
            if inside is not None:
                inside.append(line)
        elif inside is None:
            inside, is_wanted = [], mark[3:].strip().casefold() in languages
        elif mark == "```":
            if is_wanted:
                found.append("\n".join(inside).strip())
            inside = None
    return found[-MAX_BLOCKS:]


def without_comments(text: str) -> str:
    """Return a text without its HTML comments, closed or not: a reader does not see them."""
    return _COMMENT.sub(" ", text) if "<!--" in text else text


def without_code(text: str) -> str:
    """Return a text without its programs: fences that name a language, closed or not. What stands in a comment or is printed was not said."""
    kept: list[str] = []
    fence = ""
    is_code = False
    for line in text.split("\n"):
        mark = _FENCE.fullmatch(line.strip())
        if mark is not None and not fence:
            fence, is_code = mark[1], mark[2].strip().casefold() not in _NO_CODE
        elif mark is not None and mark[1].startswith(fence) and not mark[2]:
            fence = ""
            if is_code:
                is_code = False
                continue
        if not is_code:
            kept.append(line)
    return "\n".join(kept)


def fenced_whole(text: str, languages: Collection[str]) -> str:
    """Return the contents of the fence that a text consists of, or the text as it is where it is no fence."""
    bare = text.strip()
    blocks = fenced(bare, languages) if bare.startswith("```") and bare.endswith("\n```") else []
    return blocks[0] if len(blocks) == 1 and bare.count("\n```") == 1 else bare
