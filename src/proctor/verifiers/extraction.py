r"""Finds the final answer in a completion: one declared channel, no second chances.

Only what follows the last `</think>` is read. The first channel of the order in which the completion says anything is
the one that counts; answers in later channels are ignored, so that a policy cannot spread its bets.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

CHANNELS = ("boxed", "answer_tag", "hashes", "answer_is", "last_math", "whole", "last_number")
MAX_WHOLE_CHARS = 200
MAX_CHARS = 1000

MAX_CANDIDATES = 50
MAX_MATH_CHARS = 20_000

_NUMBER = re.compile(
    r"(?<![\w.])[-+\u2212]?[$€£]?(?:\d{1,3}(?:,\d{3})+(?![\d,])|\d+|(?=\.\d))(?:\.\d+)?(?:[eE][-+]?\d{1,3}(?!\w))?(?:\s?/\s?\d+(?![\d.]))?\s?(?:%|\\%)?",
)
_HASHES = re.compile(r"####[ \t]*([^\n]+)")
_ANSWER_IS = re.compile(r"\banswer\b(?:\s+is)?\s*[:=]?[ \t]*(?:\n[ \t]*)?([^\n]*)", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?](?=\s|$)|\s+(?=(?:because|since|as|which|so)\b)")
_LEAD_IN = re.compile(r"^(?:[\w $]{0,60}\bis\b|therefore|thus|:)\s*", re.IGNORECASE)
_MATH = re.compile(r"\$\$(.{1,1000}?)\$\$|(?<!\\)\$(.{1,1000}?)(?<!\\)\$|\\\((.{1,1000}?)\\\)|\\\[(.{1,1000}?)\\\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Extraction:
    """What a completion offers as its answer.

    Attributes:
        channel: the channel it was read from.
        candidates: every text in that channel; all of them must be right.
    """

    channel: str
    candidates: tuple[str, ...]


def after_reasoning(completion: str) -> str | None:
    """Return what follows the last `</think>`; None if a `<think>` was opened after it and never closed."""
    _, closed, answer = completion.rpartition("</think>")
    answer = answer if closed else completion
    return None if "<think>" in answer else answer


def extractions(text: str, channels: tuple[str, ...] = CHANNELS) -> Iterator[Extraction]:
    """Yield the channels in which a text offers an answer, in order of precedence.

    Args:
        text: what the model wrote after its reasoning.
        channels: names from `CHANNELS`.
    """
    for channel in channels:
        candidates = _READERS[channel](text)
        if candidates:
            yield Extraction(channel, candidates)


def boxes(text: str) -> tuple[str, ...]:
    r"""Return the contents of the closed `\boxed{...}` (braces matched) and `\boxed x`, of the last fifty at most."""
    found: list[str] = []
    for start in list(re.finditer(r"\\(?:boxed|fbox)\s*", text))[-MAX_CANDIDATES:]:
        rest = start.end()
        if text.startswith("{", rest):
            end = _closing_brace(text, rest)
            if end is not None:
                found.append(text[rest + 1 : end])
        elif bare := re.match(r"[-+]?\w+", text[rest : rest + 40]):
            found.append(bare.group())
    return tuple(found)


def _closing_brace(text: str, start: int) -> int | None:
    depth = 0
    for brace in re.finditer(r"\\.|[{}]", text[start : start + MAX_MATH_CHARS], re.DOTALL):
        if brace.group() in "{}":
            depth += 1 if brace.group() == "{" else -1
            if depth == 0:
                return start + brace.start()
    return None


def _answer_tags(text: str) -> tuple[str, ...]:
    bodies = [before.rpartition("<answer>")[2].strip() for before in text.split("</answer>")[:-1] if "<answer>" in before]
    return tuple(inner for body in bodies[-MAX_CANDIDATES:] for inner in (boxes(body) or (body,)))


def _hashes(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in _HASHES.findall(text)[-MAX_CANDIDATES:])


def _answer_is(text: str) -> tuple[str, ...]:
    found: list[str] = []
    for line in _ANSWER_IS.findall(text)[-MAX_CANDIDATES:]:
        line = line[:MAX_CHARS]
        ends_in_math = list(_MATH.finditer(line))[-1:]
        if ends_in_math and not re.search(r"\w", line[ends_in_math[0].end() :].partition(". ")[0]):
            found.append(next(part for part in ends_in_math[0].groups() if part))
            continue
        sentence = _SENTENCE_END.split(line.strip().strip("*").strip(), maxsplit=1)[0]
        found.append(_LEAD_IN.sub("", sentence).strip("* "))
    return tuple(candidate for candidate in found if candidate)


def _math(text: str) -> tuple[str, ...]:
    return tuple(next(part for part in groups if part) for groups in _MATH.findall(text[-MAX_MATH_CHARS:]))


def _last_math(text: str) -> tuple[str, ...]:
    return _math(text)[-1:]


def _whole(text: str) -> tuple[str, ...]:
    stripped = text.strip()
    return (stripped,) if 0 < len(stripped) <= MAX_WHOLE_CHARS and "\n" not in stripped else ()


def _last_number(text: str) -> tuple[str, ...]:
    numbers = deque(_NUMBER.finditer(text), maxlen=1)
    return tuple(number.group().strip() for number in numbers)


_READERS = {
    "boxed": boxes,
    "answer_tag": _answer_tags,
    "hashes": _hashes,
    "answer_is": _answer_is,
    "last_math": _last_math,
    "whole": _whole,
    "last_number": _last_number,
}
