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
MAX_COMPLETION_CHARS = 100_000  # of what follows the reasoning, from its end
MAX_TAIL_CHARS = 20_000  # prose is searched in the last part of a completion only

_NUMBER = re.compile(
    r"(?<![\w.])[-+\u2212\u2013]?[$€£]?"
    r"(?:\d{1,30} \d{1,30}(?=/\d)|\d{1,3}(?:,\d{3}){1,30}(?!\d|,\d)|\d{1,400}|(?=\.\d))(?:\.\d{1,400})?(?:[eE][-+]?\d{1,3}(?!\w))?"
    r"(?:\s?/\s?\d{1,400}(?!\d|\.\d)|:\d{1,2}(?!\d)(?:\s?[apAP]\.?\s?[mM]\b\.?)?)?\s?(?:%|\\%)?",
)
_THINK = re.compile(r"<\s{0,20}think\s{0,20}>", re.IGNORECASE)
_END_OF_THINK = re.compile(r"<\s{0,20}/\s{0,20}think\s{0,20}>", re.IGNORECASE)
_OPENING = re.compile(r"[\s*#]*(?:(?:so|thus|therefore|hence|then)\b,?\s{0,5})?(?:(?:the|my|our|final|correct|right)\s{1,5}){0,4}\**", re.IGNORECASE)
_SECOND_SENTENCE = re.compile(r"[.!?;]\s+\w")
_HASHES = re.compile(r"####[ \t]{0,20}([^\n]{1,1000})")
_ANSWER_IS = re.compile(
    r"\b(?:answers?|correct (?:option|choice))\b(?:\s{1,5}(?:is|are)\b)?\s{0,5}[:=]?[ \t]{0,20}(?:\n[ \t]{0,20})?([^\n]{0,1000})", re.IGNORECASE
)
_SENTENCE_END = re.compile(r"[.!?](?=\s|$)|\s(?=(?:because|since|as|which|so)\b)")
_LEAD_IN = re.compile(r"^(?:[\w $]{0,60}\b(?:is|are|be)\b|therefore|thus|:)\s{0,5}", re.IGNORECASE)
_MATH = re.compile(
    r"\$\$((?:[^$\\]|\\.){1,1000})\$\$|(?<!\\)\$((?:[^$\\]|\\.){1,1000})\$|\\\(((?:[^\\]|\\[^()]){1,1000})\\\)|\\\[((?:[^\\]|\\[^][]){1,1000})\\\]", re.DOTALL
)
_JOINED = re.compile(r"[\s,;]{0,5}(?:(?:or|and|either|maybe|perhaps|possibly)[\s,;]{1,5}){0,2}", re.IGNORECASE)
_BOX = re.compile(r"\\(?:boxed|fbox)(?![a-zA-Z])")
_BRACE_OR_BOX = re.compile(r"\\(?:boxed|fbox)(?![a-zA-Z])\s{0,20}|\\.|[{}]", re.DOTALL)
_HEDGED_BEFORE = re.compile(
    r"\b(?:or|nor|not|either|maybe|perhaps|possibly|probably|than|isn't|never|instead of)(?:\s{1,5}\w{1,12}){0,1}\W{0,5}$", re.IGNORECASE
)
_HEDGED_AFTER = re.compile(r"^\W{0,5}(?:or|maybe|perhaps|possibly|is (?:wrong|not|incorrect))\b", re.IGNORECASE)


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
    """Return what follows the last `</think>`; None if a `<think>` was opened after it and never closed. Both in any spelling."""
    closed = deque(_END_OF_THINK.finditer(completion), maxlen=1)
    answer = completion[closed[0].end() :] if closed else completion
    return None if _THINK.search(answer) else answer


def extractions(text: str, channels: tuple[str, ...] = CHANNELS) -> Iterator[Extraction]:
    """Yield the channels in which a text offers an answer, in order of precedence.

    Args:
        text: what the model wrote after its reasoning.
        channels: names from `CHANNELS`.
    """
    text = text[-MAX_COMPLETION_CHARS:]
    for channel in channels:
        candidates = _READERS[channel](text)
        if candidates:
            yield Extraction(channel, candidates)


def boxes(text: str) -> tuple[str, ...]:
    r"""Return the contents of the closed `\boxed{...}` (outermost, braces matched) and `\boxed x`, of the last fifty at most."""
    first = _BOX.search(text)
    if first is None:
        return ()
    found: deque[str] = deque(maxlen=MAX_CANDIDATES)
    starts: list[tuple[int, int]] = []  # depth before a box's brace, and where its content begins
    depth = 0
    end_of_box = -1
    for match in _BRACE_OR_BOX.finditer(text, first.start()):
        mark = match.group()
        if mark == "{":
            if match.start() == end_of_box:
                starts.append((depth, match.end()))
            depth += 1
        elif mark == "}":
            depth = max(depth - 1, starts[0][0] if starts else 0)
            while starts and starts[-1][0] >= depth:
                start = starts.pop()[1]
                if not starts:
                    found.append(text[start : match.start()])
        elif len(mark) > 2:
            end_of_box = match.end()
            if not starts and (bare := re.match(r"[-+]?\w{1,40}", text[end_of_box : end_of_box + 42])):
                found.append(bare.group())
    return tuple(found)


def _answer_tags(text: str) -> tuple[str, ...]:
    bodies = [before.rpartition("<answer>")[2].strip() for before in text.split("</answer>")[:-1] if "<answer>" in before]
    return tuple(inner for body in bodies[-MAX_CANDIDATES:] for inner in (boxes(body) or _said_in(body) or (body,)))


def _said_in(body: str) -> tuple[str, ...]:
    """What a tag's text says the answer is, where it says nothing else: "8 but the answer is 7" and "the answer is 7. Or 8." give two."""
    found = _ANSWER_IS.search(body)
    if found is None or not _OPENING.fullmatch(body[: found.start()]) or body[found.end() :].strip() or _SECOND_SENTENCE.search(found[1]):
        return ()
    return _answer_is(body)


def _hashes(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in _HASHES.findall(text)[-MAX_CANDIDATES:])


def _answer_is(text: str) -> tuple[str, ...]:
    found = [_answer_in(line) for line in _ANSWER_IS.findall(text[-MAX_TAIL_CHARS:])[-MAX_CANDIDATES:]]
    return tuple(candidate for candidate in found if candidate)


def _answer_in(line: str) -> str:
    """The answer in what follows "answer is": its formula, its only number, or the sentence."""
    formula = _last_formula(line)
    if formula is not None and not re.search(r"\w", line[formula[1] :].partition(". ")[0]):
        return formula[0]
    sentence = _SENTENCE_END.split(line.strip().strip("*").strip(), maxsplit=1)[0]
    bare = _LEAD_IN.sub("", sentence).strip("* ")
    numbers = list(_NUMBER.finditer(sentence))
    if len(numbers) == 1 and len(bare.split()) > 3 and "\\" not in sentence and "$" not in bare[1:] and not _is_hedged(sentence, numbers[0]):
        return numbers[0].group().strip()
    return bare


def _last_math(text: str) -> tuple[str, ...]:
    """The last formula, unless a number in plain text comes after it."""
    tail = text[-MAX_TAIL_CHARS:]
    formula = _last_formula(tail)
    return () if formula is None or _NUMBER.search(tail, formula[1]) else (formula[0],)


def _last_formula(text: str) -> tuple[str, int] | None:
    """The last formula with those joined to it by a comma, "and" or "or"; and where it ends."""
    formulas = list(_MATH.finditer(text))
    if not formulas:
        return None
    first = len(formulas) - 1
    while first and _JOINED.fullmatch(text, formulas[first - 1].end(), formulas[first].start()):
        first -= 1
    if first == len(formulas) - 1:
        return next(part for part in formulas[-1].groups() if part), formulas[-1].end()
    return text[formulas[first].start() : formulas[-1].end()], formulas[-1].end()


def _whole(text: str) -> tuple[str, ...]:
    stripped = text.strip().strip("*_`").strip()
    return (stripped,) if 0 < len(stripped) <= MAX_WHOLE_CHARS and "\n" not in stripped else ()


def _last_number(text: str) -> tuple[str, ...]:
    tail = text[-MAX_TAIL_CHARS:]
    numbers = deque(_NUMBER.finditer(tail), maxlen=1)
    return tuple(number.group().strip() for number in numbers if not _is_hedged(tail, number))


def _is_hedged(text: str, number: re.Match[str]) -> bool:
    """Whether a number is offered beside another one ("7 or 8"), doubted or denied."""
    before = text[max(0, number.start() - 40) : number.start()]
    return bool(_HEDGED_BEFORE.search(before) or _HEDGED_AFTER.search(text[number.end() : number.end() + 40]))


_READERS = {
    "boxed": boxes,
    "answer_tag": _answer_tags,
    "hashes": _hashes,
    "answer_is": _answer_is,
    "last_math": _last_math,
    "whole": _whole,
    "last_number": _last_number,
}
