r"""Finds the final answer in a completion: one declared channel, no second chances.

Only what follows the last `</think>` is read. The first channel of the order in which the completion says anything is
the one that counts; answers in later channels are ignored, so that a policy cannot spread its bets.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise

from proctor.verifiers.statements import MAX_CANDIDATES, Said, answers_said, has_sentences, last_math, last_number, only_statement, said

CHANNELS = ("boxed", "answer_tag", "hashes", "answer_is", "last_math", "whole", "last_number")
MAX_WHOLE_CHARS = 200
MAX_CHARS = 1000
_MAX_BEFORE = 300

MAX_COMPLETION_CHARS = 100_000  # of what follows the reasoning, from its end

_THINK = re.compile(r"<\s{0,20}think\s{0,20}>", re.IGNORECASE)
_END_OF_THINK = re.compile(r"<\s{0,20}/\s{0,20}think\s{0,20}>", re.IGNORECASE)
_HASHES = re.compile(r"####[ \t]{0,20}([^\n]{1,1000})")
_BOX = re.compile(r"\\(?:boxed|fbox)(?![a-zA-Z])")
_BRACE_OR_BOX = re.compile(r"\\(?:boxed|fbox)(?![a-zA-Z])\s{0,20}|\\.|[{}]", re.DOTALL)
_ANSWER_TAG = re.compile(r"<\s{0,5}(/?)\s{0,5}(?:final[_ ]?)?answer\s{0,5}>", re.IGNORECASE)
_LABEL = re.compile(r"^(?:the\s)?(?:final\s)?answer\s?[:=]\**\s?", re.IGNORECASE)
_BOLD = re.compile(r"(?<![\w)*])\*\*(?=[^\s*])([^*\n]{1,200})(?<=[^\s*])\*\*(?![\w(*])")
_HEADING = re.compile(r"(?:\d{1,2}[.)]\s{1,3})?[A-Za-z]{2,}")
_BEFORE_BOX = re.compile(
    r"(?:(?P<raised>\^\{?)|(?P<root>\\sqrt\{)|(?P<sign>[-\u2212](?:\\?[$(]|\\left\s?\(|\{)?|(?:[=$({:]|\\left\()\s?[-\u2212]\s|(?:minus|negative)\s))$",
    re.IGNORECASE,
)
_SUBTRACTED = re.compile(r"(?:[\w)}\]]\s?[-\u2212]\S{0,6}|^\s*[-\u2212]\s)$", re.MULTILINE)
_LABEL_OF_BOX = r"(?:(?P<label>[A-Za-z](?:_\{?\d\}?)?)\s?=\s?)?"
_BESIDE_BOX = re.compile(rf"(?:[ \t$,~]|\\[()\[\],;: ]|\\q?quad(?![a-z])|\b(?:and|or)\b|\\text\s?\{{\s?(?:and|or)\s?\}})*{_LABEL_OF_BOX}[$ ]?")
"""What joins the boxes of one answer: `$x = \\boxed{2}$ and $x = \\boxed{-3}$`."""
_BEFORE_BOXES = re.compile(
    r"(?:\A|[.:;!\n]|\b(?:is|are|be|get|gives?|have|values?|roots?|solutions?|zeros?|numbers?|so|thus|hence|therefore|answers?),?)"
    rf"(?:[\s$*]|\\[(\[])*{_LABEL_OF_BOX}\Z",
    re.IGNORECASE,
)
_DOUBTED_BOXES = re.compile(
    r"\b(?:not|never|wrong|false|incorrect|cannot|would|could|might|maybe|perhaps|n?either|think|guess|suppose|if|but|students?|others?|except)\b|n['’]t\b|\?",
    re.IGNORECASE,
)
_NOTHING = re.compile(r"(?:[\s.!$*]|\\[)\]])*\Z")
_AFTER_BOX = re.compile(
    r"\s?\$?\s?(?:\\text\s?\{\s?)?(?P<scale>hundred|thousand|million|billion|trillion|dozen)\b"
    r"|(?P<power>\^(?:\{[^{}]{0,20}\}|\\?[A-Za-z]{1,8}|\d))|(?P<other>\\?%|\\pi(?![a-z])|\\sqrt|\s?\\times|\s?\\cdot|/\d|\{,\}|[kK]\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Extraction:
    """What a completion offers as its answer.

    Attributes:
        channel: the channel it was read from.
        candidates: every text in that channel; all of them must be right.
        before: what stands before the last of them, which may deny it.
        after: what follows it, which may take it back.
        is_tentative: whether it is read off the form of a line, so that one that cannot be read is no answer, and the next channel is asked.
    """

    channel: str
    candidates: tuple[str, ...]
    before: str = field(default="", compare=False)
    after: str = field(default="", compare=False)
    is_tentative: bool = field(default=False, compare=False)


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
        found = _READERS[channel](text)
        if found.candidates:
            yield Extraction(channel, *found)


def boxes(text: str) -> tuple[str, ...]:
    r"""Return the contents of the closed `\boxed{...}` (outermost, braces matched) and `\boxed x`, of the last fifty at most."""
    return _boxes(text).candidates


def as_one_list(found: Extraction, text: str, num_values: int) -> Extraction:
    r"""Make one candidate of as many boxes as the reference lists values, where nothing but "and" joins them and nothing follows.

    `$x = \boxed{2}$ and $x = \boxed{-3}$` is one answer, the list that `\boxed{2, -3}` is. Else several boxes are several answers.

    Args:
        found: what a text offers in any channel.
        text: what it was read from.
        num_values: how many values the reference lists, in any order; 0 where it is something else.
    """
    is_list = 1 < len(set(found.candidates)) == len(found.candidates) == num_values and "," not in "".join(found.candidates)
    if found.channel != "boxed" or not is_list or not _NOTHING.match(found.after):
        return found
    text = text[-MAX_COMPLETION_CHARS:]
    spans = _spans_of_boxes(text)
    before = text[max(0, spans[0][0] - _MAX_BEFORE) : spans[0][0]]
    joints = [_BESIDE_BOX.fullmatch(text, end, begin) if end < begin else None for (_, end, _), (begin, _, _) in pairwise(spans)]
    labels = [None if joint is None else joint["label"] or "" for joint in (_BEFORE_BOXES.search(before), *joints)]
    is_doubted = _DOUBTED_BOXES.search(before[before.rfind("\n") + 1 :]) is not None
    return found if None in labels or len(set(labels)) > 1 or is_doubted else replace(found, candidates=(", ".join(found.candidates),), before=before)


def _boxes(text: str) -> Said:
    found = _spans_of_boxes(text)
    if not found:
        return Said()
    begin, end, _ = found[-1]
    return said(text, begin, end, *(content for _, _, content in found))


def _spans_of_boxes(text: str) -> list[tuple[int, int, str]]:
    """Where each box begins and ends, and what it holds with its surroundings; of the last fifty."""
    first = _BOX.search(text)
    if first is None:
        return []
    found: deque[tuple[int, int, str]] = deque(maxlen=MAX_CANDIDATES)
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
                    found.append((outermost, match.end(), _with_surroundings(content, text, outermost, match.end())))
        elif len(mark) > 2:
            begin_of_box, end_of_box = match.span()
            if not starts and (bare := re.match(r"[-+]?\w{1,40}", text[end_of_box : end_of_box + 42])):
                found.append((begin_of_box, end_of_box + bare.end(), bare.group()))
    return list(found)


def _with_surroundings(content: str, text: str, begin: int, end: int) -> str:
    """What a box holds, with a sign, a power, a scale or an operator that stands around it and makes another value of it."""
    lead = text[max(0, begin - 16) : begin]
    before, after = _BEFORE_BOX.search(lead), _AFTER_BOX.match(text, end)
    first = ""
    if before is not None and before["sign"] is not None:
        first = "" if _SUBTRACTED.search(lead) else "-"
    elif before is not None:
        first = before.group()
    last = "" if after is None else f" {after['scale']}" if after["scale"] else after.group()
    return first + content + last


def _answer_tags(text: str) -> Said:
    text = _ANSWER_TAG.sub(r"<\1answer>", text)
    *befores, after = text.split("</answer>")
    parts = [before.rpartition("<answer>") for before in befores if "<answer>" in before][-MAX_CANDIDATES:]
    candidates = tuple(inner for _, _, body in parts for inner in (boxes(body) or only_statement(body.strip()) or (body.strip(),)))
    return Said(candidates, parts[-1][0][-_MAX_BEFORE:] if parts else "", after)


def _hashes(text: str) -> Said:
    """What follows `####`; a heading with text below it ("#### Step 1") is none."""
    found = deque(_HASHES.finditer(text), maxlen=MAX_CANDIDATES)
    lines = [(_LABEL.sub("", line[1].strip(" \t*")), text[line.end() :]) for line in found]
    kept = [(line, below) for line, below in lines if line and not (below.strip() and _HEADING.match(line))]
    return Said(tuple(line for line, _ in kept), "", kept[-1][1]) if kept else Said()


def _whole(text: str) -> Said:
    """A short text of one line and one sentence, without the asterisks of bold type."""
    stripped = _BOLD.sub(r"\1", text.strip()).strip("*_`").strip()
    is_whole = 0 < len(stripped) <= MAX_WHOLE_CHARS and "\n" not in stripped and not has_sentences(stripped)
    return Said((stripped,)) if is_whole else Said()


_READERS = {
    "boxed": _boxes,
    "answer_tag": _answer_tags,
    "hashes": _hashes,
    "answer_is": answers_said,
    "last_math": last_math,
    "whole": _whole,
    "last_number": last_number,
}
