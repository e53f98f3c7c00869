r"""Finds the final answer in a completion: one declared channel, no second chances.

Only what follows the last `</think>` is read. The first channel of the order in which the completion says anything is
the one that counts; answers in later channels are ignored, so that a policy cannot spread its bets.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from proctor.verifiers.units import lookup

CHANNELS = ("boxed", "answer_tag", "hashes", "answer_is", "last_math", "whole", "last_number")
MAX_WHOLE_CHARS = 200
MAX_CHARS = 1000

MAX_CANDIDATES = 50
MAX_COMPLETION_CHARS = 100_000  # of what follows the reasoning, from its end
MAX_TAIL_CHARS = 20_000  # prose is searched in the last part of a completion only

_NUMBER = re.compile(
    r"(?<![\w.^])[-+\u2212\u2013]?[$€£]?"
    r"(?:\d{1,30} \d{1,30}(?=/\d)|\d{1,3}(?:,\d{3}){1,30}(?!\d|,\d)|\d{1,400}|(?=\.\d))(?:\.\d{1,400})?(?:[eE][-+]?\d{1,3}(?!\w))?"
    r"(?:\s?/\s?\d{1,400}(?!\d|\.\d)|:\d{1,2}(?!\d)(?:\s?[apAP]\.?\s?[mM]\b\.?)?)?\s?(?:%|\\%)?",
)
_THINK = re.compile(r"<\s{0,20}think\s{0,20}>", re.IGNORECASE)
_END_OF_THINK = re.compile(r"<\s{0,20}/\s{0,20}think\s{0,20}>", re.IGNORECASE)
_OPENING = re.compile(r"[\s*#]*(?:(?:so|thus|therefore|hence|then)\b,?\s{0,5})?(?:(?:the|my|our|final|correct|right)\s{1,5}){0,4}\**", re.IGNORECASE)
_SECOND_SENTENCE = re.compile(r"[.!?;]\s+\w")
_HASHES = re.compile(r"####[ \t]{0,20}([^\n]{1,1000})")
_ANSWER_IS = re.compile(
    r"(?<!\bto )\b(?:answers?|correct (?:option|choice))\b(?:\s{1,5}(?:is|are)\b)?\s{0,5}[:=]?"
    r"(?:\s{0,5}(\$\$[^$]{1,1000}\$\$|\\\[.{1,1000}?\\\])|[ \t]{0,20}(?:\n[ \t]{0,20})?([^\n]{0,1000}))",
    re.IGNORECASE | re.DOTALL,
)
_PLAINLY = re.compile(r"\w{1,7}(?: option| choice)?(?:\s{1,5}(?:is|are)\b|\s{0,5}[:=])", re.IGNORECASE)
_NOT_THAT = re.compile(r",\s{1,5}(?:and\s{1,5})?not\s.*", re.DOTALL)
_SENTENCE_END = re.compile(r"[.!?](?=\s|$)|\s(?=(?:because|since|as|which|so)\b)")
_LEAD_IN = re.compile(r"^(?:[\w $]{0,60}\b(?:is|are|be)\b|therefore|thus|:)\s{0,5}", re.IGNORECASE)
FORMULA = re.compile(
    r"\$\$((?:[^$\\]|\\.){1,1000})\$\$|(?<!\\)\$((?:[^$\\]|\\.){1,1000})\$|\\\(((?:[^\\]|\\[^()]){1,1000})\\\)|\\\[((?:[^\\]|\\[^][]){1,1000})\\\]", re.DOTALL
)
_JOINED = re.compile(r"[\s,;]{0,5}(?:(?:or|and|either|maybe|perhaps|possibly)[\s,;]{1,5}){0,2}", re.IGNORECASE)
_BOX = re.compile(r"\\(?:boxed|fbox)(?![a-zA-Z])")
_BRACE_OR_BOX = re.compile(r"\\(?:boxed|fbox)(?![a-zA-Z])\s{0,20}|\\.|[{}]", re.DOTALL)
_HEDGED_BEFORE = re.compile(
    r"(?:\b(?:or|nor|either|maybe|perhaps|possibly|probably|than|instead of|vs|versus|except|without|unlike)(?:\s{1,5}\w{1,12}){0,1}"
    r"|(?:\b(?:not|never)|n't)(?:\s{1,5}\w{1,12}){0,2})\W{0,5}$",
    re.IGNORECASE,
)
_HEDGED_AFTER = re.compile(
    r"^(?:\s?\^|\s{1,3}(?:and (?:a|one) (?:half|third|quarter)|squared|cubed|factorial)\b"
    r"|\W{0,5}(?:or|vs|versus|maybe|perhaps|possibly|is (?:wrong|not|incorrect))\b)",
    re.IGNORECASE,
)
_OTHER_VALUE = re.compile(
    r"\b(?:not|never|than|minus|negative|plus|times|or|nor|either|vs|versus|under|over|above|below|between|except|without|unlike|maybe|perhaps|possibly|probably)\b|n't\b",
    re.IGNORECASE,
)
"""What makes something else of a formula that comes after it."""
_IN_TOTAL = re.compile(r"^\s{1,3}(?:in total|in all|in the end|altogether|overall|total|left|remaining|exactly|here)\b", re.IGNORECASE)
_ANOTHER = re.compile(r"\W{0,5}(?:or|either|maybe|perhaps|possibly)\b", re.IGNORECASE)
_SIGN_WORD = re.compile(r"\b(?:minus|negative)\s{1,3}$", re.IGNORECASE)
_SCALE_WORD = re.compile(r"\s{1,3}(?:hundred|thousand|million|billion|trillion)\b", re.IGNORECASE)
_UNIT_WORD = re.compile(r"\s{1,3}((?!in\b)[A-Za-z]{2,20})\b((?:\^[23]|[²³])?)")
_ANSWER_TAG = re.compile(r"<\s{0,5}(/?)\s{0,5}answer\s{0,5}>", re.IGNORECASE)
_AROUND_BOX = re.compile(r"\s?(?:(?:hundred|thousand|million|billion|trillion)\b|\\?%|\^)", re.IGNORECASE)


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
    begin_of_box = end_of_box = -1
    outermost = -1
    for match in _BRACE_OR_BOX.finditer(text, first.start()):
        mark = match.group()
        if mark == "{":
            if match.start() == end_of_box:
                outermost = outermost if starts else begin_of_box
                starts.append((depth, match.end()))
            depth += 1
        elif mark == "}":
            depth = max(depth - 1, starts[0][0] if starts else 0)
            while starts and starts[-1][0] >= depth:
                start = starts.pop()[1]
                if not starts and (content := text[start : match.start()]).strip():
                    found.append(_with_surroundings(content, text, outermost, match.end()))
        elif len(mark) > 2:
            begin_of_box, end_of_box = match.span()
            if not starts and (bare := re.match(r"[-+]?\w{1,40}", text[end_of_box : end_of_box + 42])):
                found.append(bare.group())
    return tuple(found)


def _with_surroundings(content: str, text: str, begin: int, end: int) -> str:
    """What a box holds, with a sign, an exponent or a scale that stands around it and makes another value of it."""
    before, two_before = text[begin - 1 : begin], text[max(0, begin - 2) : begin - 1]
    is_raised = before == "^" or (before == "{" and two_before == "^")
    is_negative = before in ("-", "\N{MINUS SIGN}") and not two_before.isalnum() and two_before not in (")", "}", "-")
    after = _AROUND_BOX.match(text, end)
    return ("^" if is_raised else "-" if is_negative and begin else "") + content + (after.group() if after else "")


def _answer_tags(text: str) -> tuple[str, ...]:
    text = _ANSWER_TAG.sub(r"<\1answer>", text)
    bodies = [before.rpartition("<answer>")[2].strip() for before in text.split("</answer>")[:-1] if "<answer>" in before]
    return tuple(inner for body in bodies[-MAX_CANDIDATES:] for inner in (boxes(body) or _said_in(body) or (body,)))


def _said_in(body: str) -> tuple[str, ...]:
    """What a tag's text says the answer is, where it says nothing else: "8 but the answer is 7" and "the answer is 7. Or 8." give two."""
    found = _ANSWER_IS.search(body)
    if found is None or not _OPENING.fullmatch(body[: found.start()]) or body[found.end() :].strip() or _SECOND_SENTENCE.search(found[1] or found[2]):
        return ()
    return _answer_is(body)


def _hashes(text: str) -> tuple[str, ...]:
    return tuple(line.strip(" \t*") for line in _HASHES.findall(text)[-MAX_CANDIDATES:])


def _answer_is(text: str) -> tuple[str, ...]:
    """What is said to be the answer; "the answer as a percentage: 3/4" and the like count only where nothing is said plainly."""
    statements = deque(_ANSWER_IS.finditer(text[-MAX_TAIL_CHARS:]), maxlen=MAX_CANDIDATES)
    plain = [found for found in statements if _PLAINLY.match(found.group())]
    candidates = [_answer_in(found[1] or found[2]) for found in plain or statements]
    return tuple(candidate for candidate in candidates if candidate)


def _answer_in(line: str) -> str:
    """The answer in what follows "answer is": its formula, its only number, or the sentence; nothing readable where words make another value of it."""
    line = line.strip().strip('*"“”').strip()
    sentence = _first_sentence(line)
    rest = line[len(sentence) :]
    sentence = _NOT_THAT.sub("", sentence).rstrip('"”*')
    if _ANOTHER.match(rest):
        return line
    formula = _last_formula(sentence)
    if formula is not None and _changes_nothing(sentence[formula.end :]):
        before = sentence[: formula.start]
        if not _OTHER_VALUE.search(before):
            return f"-{formula.text}" if before.rstrip("* ").endswith(("-", "\N{MINUS SIGN}")) else formula.text
        return f"{before} {formula.text}"
    bare = _LEAD_IN.sub("", sentence).strip("* ")
    numbers = list(_NUMBER.finditer(sentence))
    if len(numbers) == 1 and len(bare.split()) > 3 and "\\" not in sentence and "$" not in bare[1:] and not _is_hedged(sentence, numbers[0]):
        return _number_text(sentence, numbers[0])
    return re.sub(r"^(?:minus|negative) (?=\d)", "-", bare)


def _changes_nothing(after: str) -> bool:
    """Whether what follows a formula in its sentence leaves its value alone: nothing, or words like "in total"."""
    return not re.search(r"\w", _IN_TOTAL.sub("", after))


def _first_sentence(line: str) -> str:
    """Up to the first end of a sentence, or word of a reason, that is in no formula."""
    hidden = FORMULA.sub(lambda found: "x" * len(found.group()), line)
    end = _SENTENCE_END.search(hidden)
    return line[: end.start()] if end else line


def _last_math(text: str) -> tuple[str, ...]:
    """The last formula, unless a number in plain text comes after it."""
    tail = text[-MAX_TAIL_CHARS:]
    formula = _last_formula(tail)
    if formula is None or _NUMBER.search(tail, formula.end) or _HEDGED_BEFORE.search(tail[max(0, formula.start - 40) : formula.start]):
        return ()
    return (formula.text,)


class _Formula(NamedTuple):
    """A formula in a text: what it says, and where it stands."""

    text: str
    start: int
    end: int


def _last_formula(text: str) -> _Formula | None:
    """The last formula with those joined to it by a comma, "and" or "or"."""
    formulas = list(FORMULA.finditer(text))
    if not formulas:
        return None
    first = len(formulas) - 1
    while first and _JOINED.fullmatch(text, formulas[first - 1].end(), formulas[first].start()):
        first -= 1
    start, end = formulas[first].start(), formulas[-1].end()
    text = next(part for part in formulas[-1].groups() if part) if first == len(formulas) - 1 else text[start:end]
    return _Formula(text, start, end)


def _whole(text: str) -> tuple[str, ...]:
    stripped = text.strip().strip("*_`").strip()
    return (stripped,) if 0 < len(stripped) <= MAX_WHOLE_CHARS and "\n" not in stripped else ()


def _last_number(text: str) -> tuple[str, ...]:
    tail = text[-MAX_TAIL_CHARS:]
    numbers = deque(_NUMBER.finditer(tail), maxlen=1)
    return tuple(_number_text(tail, number) for number in numbers if not _is_hedged(tail, number))


def _number_text(text: str, number: re.Match[str]) -> str:
    """A number with what belongs to it: a sign or a scale in words, a unit of measurement."""
    shown = number.group().strip()
    if shown[0].isdigit() and _SIGN_WORD.search(text[max(0, number.start() - 12) : number.start()]):
        shown = f"-{shown}"
    after = _end(number)
    if scale := _SCALE_WORD.match(text, after):
        return shown + scale.group()
    word = _UNIT_WORD.match(text, after)
    unit = None if word is None or shown.strip("-+")[0] in "$€£" else lookup(word[1])
    is_measured = unit is not None and bool(unit.powers) and ("thing", 1) not in unit.powers
    return f"{shown} {word[1]}{word[2]}" if word is not None and is_measured else shown


def _is_hedged(text: str, number: re.Match[str]) -> bool:
    """Whether a number is offered beside another one ("7 or 8"), doubted or denied."""
    before = text[max(0, number.start() - 40) : number.start()]
    return bool(_HEDGED_BEFORE.search(before) or _HEDGED_AFTER.search(text[_end(number) : _end(number) + 40]))


def _end(number: re.Match[str]) -> int:
    """Where a number ends, without the space that may stand before its percent sign."""
    return number.start() + len(number.group().rstrip())


_READERS = {
    "boxed": boxes,
    "answer_tag": _answer_tags,
    "hashes": _hashes,
    "answer_is": _answer_is,
    "last_math": _last_math,
    "whole": _whole,
    "last_number": _last_number,
}
