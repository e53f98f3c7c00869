"""Filters on rows with a demonstration: Qwen3's conditions on the traces of a cold start.

Source: Qwen Team 2025 (Qwen3), section 4.1. The sixth condition, too near to a validation task, is `too_close`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from proctor.core import Outcome, Score, Task
from proctor.data.curation.base import Removal, Tools, Verdicts
from proctor.data.curation.forms import read_info
from proctor.data.curation.store import BASE_SCHEMA, Chunk, Frame
from proctor.data.curation.words import words
from proctor.errors import ConfigError
from proctor.plugins import unknown
from proctor.verifiers.base import ScoreRequest
from proctor.verifiers.extraction import after_reasoning, extractions
from proctor.verifiers.language import LANGUAGES, language_share
from proctor.verifiers.names import make_verifier
from proctor.verifiers.repetition import RepetitionPenalty

DEMONSTRATION = "demonstration"
"""The column that holds the trace."""
MAX_THINKING_CHARS = 50_000
"""Of thinking, from its end, in which an answer is looked for."""
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n")
_EXPLICIT = ("boxed", "answer_tag", "hashes", "answer_is")
_FALLBACKS = ("last_math", "last_number", "answer_is", "whole")
"""Where a summary's answer is looked for if it states none with a number."""
_GUESS = re.compile(
    r"\b(?:just|simply|will|must|have to|let me|let us|let's|i'll|randomly|at random,?)\s+guess\b|\bmy (?:best )?guess\b|\bwild guess\b", re.IGNORECASE
)


def split_trace(trace: str) -> tuple[str, str]:
    """Thinking and summary: before and after the last `</think>`. Without the tag the whole is both."""
    if "</think>" not in trace:
        return trace, trace
    summary = after_reasoning(trace) or ""
    return trace[: len(trace) - len(summary)].replace("<think>", "").replace("</think>", ""), summary


def stated_answer(thinking: str) -> str | None:
    """The last answer with a number in it that a thinking states as its answer, sentence by sentence; None where it states none."""
    for sentence in reversed(_SENTENCE_END.split(thinking[-MAX_THINKING_CHARS:])):
        for found in extractions(sentence, _EXPLICIT):
            if any(character.isdigit() for character in found.candidates[-1]):
                return found.candidates[-1]
    return None


def _traces(chunk: Chunk) -> list[str | None]:
    return [trace if isinstance(trace := read_info(info, DEMONSTRATION), str) else None for info in chunk.columns["info"]]


def _missing(row: int) -> Removal:
    return Removal(row, "no demonstration", f"there is no text in the column {DEMONSTRATION!r}")


@dataclass(frozen=True, slots=True)
class TraceCorrect:
    """Take out traces whose final answer is wrong. Source: Qwen3, section 4.1, condition 1.

    Attributes:
        verifier: a short name or an import string.
        arguments: of the verifier.
    """

    verifier: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    kind: ClassVar[str] = "trace_correct"
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        make_verifier(self.verifier, self.arguments)

    @property
    def files(self) -> tuple[str, ...]:
        return ()

    def run(self, frame: Frame, tools: Tools) -> Iterator[Verdicts]:
        with tools.rewards(self.verifier, self.arguments) as rewards:
            for chunk in frame.chunks(*BASE_SCHEMA.names):
                traces = _traces(chunk)
                requests = [ScoreRequest(task, trace) for task, trace in zip(chunk.tasks(), traces, strict=True) if trace is not None]
                scores = iter([next(iter(table.values())) for table in rewards.score(requests)])
                yield Verdicts(
                    [
                        removal
                        for row, trace in zip(chunk.rows, traces, strict=True)
                        if (removal := _missing(int(row)) if trace is None else _if_wrong(int(row), next(scores))) is not None
                    ]
                )


def _if_wrong(row: int, score: Score) -> Removal | None:
    if score.is_error:
        return Removal(row, "the trace could not be graded", score.reason)
    is_right = score.outcome is Outcome.CORRECT if score.outcome is not None else (score.value or 0.0) >= 1.0
    return None if is_right else Removal(row, "wrong final answer", score.extracted or score.reason)


@dataclass(frozen=True, slots=True)
class TraceConsistent:
    """Take out traces whose thinking states another final answer than their summary. Source: Qwen3, section 4.1, condition 4.

    The last answer counts that the thinking states as such (boxed, "the answer is ...", with a number in it); answers are
    compared as mathematics.
    A trace without `</think>`, or whose thinking states none, has nothing to contradict and stays; a summary without any
    answer goes.
    """

    kind: ClassVar[str] = "trace_consistent"
    version: ClassVar[int] = 1

    @property
    def files(self) -> tuple[str, ...]:
        return ()

    def run(self, frame: Frame, tools: Tools) -> Iterator[Verdicts]:
        with tools.rewards("math", {"channels": ("boxed",)}) as rewards:
            for chunk in frame.chunks(*BASE_SCHEMA.names):
                removals: list[Removal] = []
                stated: list[tuple[int, ScoreRequest]] = []
                for row, task, trace in zip(chunk.rows, chunk.tasks(), _traces(chunk), strict=True):
                    thinking, summary = split_trace(trace or "")
                    answer = stated_answer(summary) or next((found.candidates[-1] for found in extractions(summary, _FALLBACKS)), None)
                    if trace is None:
                        removals.append(_missing(int(row)))
                    elif answer is None:
                        removals.append(Removal(int(row), "the summary has no answer"))
                    elif "</think>" in trace and (said := stated_answer(thinking)) is not None:
                        stated.append((int(row), ScoreRequest(replace(task, answer=answer), rf"\boxed{{{said}}}")))
                scores = [next(iter(table.values())) for table in rewards.score([request for _, request in stated])]
                removals += [
                    Removal(row, "thinking and summary differ", f"thinking: {score.extracted}, summary: {request.task.answer}")
                    for (row, request), score in zip(stated, scores, strict=True)
                    if score.outcome is Outcome.INCORRECT
                ]
                yield Verdicts(removals)


@dataclass(frozen=True, slots=True)
class TraceRepetition:
    """Take out traces that repeat themselves. Source: Qwen3, section 4.1, condition 2; measured as by the reward `repetition`.

    Attributes:
        n: words in an n-gram.
        allowed: share of repeated n-grams that is nothing to mind.
    """

    n: int = 20
    allowed: float = 0.1
    kind: ClassVar[str] = "trace_repetition"
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        RepetitionPenalty(n=self.n, allowed=self.allowed)

    @property
    def files(self) -> tuple[str, ...]:
        return ()

    def run(self, frame: Frame, tools: Tools) -> Iterator[Verdicts]:
        penalty = RepetitionPenalty(n=self.n, allowed=self.allowed)
        for chunk in frame.chunks("info"):
            removals: list[Removal] = []
            for row, trace in zip(chunk.rows, _traces(chunk), strict=True):
                score = None if trace is None else penalty(trace, Task(str(row), ""))
                if score is None:
                    removals.append(_missing(int(row)))
                elif score.value:
                    removals.append(Removal(int(row), "repeats itself", score.reason))
            yield Verdicts(removals)


@dataclass(frozen=True, slots=True)
class TraceReasoned:
    """Take out traces that guess: too little is said before the answer, or they say so. Source: Qwen3, section 4.1, condition 3.

    Attributes:
        min_words: of thinking.
    """

    min_words: int = 20
    kind: ClassVar[str] = "trace_reasoned"
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if self.min_words < 0:
            raise ConfigError(f"{self.kind}: min_words must be at least 0, not {self.min_words}")

    @property
    def files(self) -> tuple[str, ...]:
        return ()

    def run(self, frame: Frame, tools: Tools) -> Iterator[Verdicts]:
        for chunk in frame.chunks("info"):
            yield Verdicts([removal for row, trace in zip(chunk.rows, _traces(chunk), strict=True) if (removal := self._judge(int(row), trace)) is not None])

    def _judge(self, row: int, trace: str | None) -> Removal | None:
        if trace is None:
            return _missing(row)
        thinking = split_trace(trace)[0]
        num_words = len(words(thinking))
        if num_words < self.min_words:
            return Removal(row, "answers without reasoning", f"{num_words} words of thinking")
        guess = _GUESS.search(thinking)
        return Removal(row, "guesses", guess.group()) if guess else None


@dataclass(frozen=True, slots=True)
class TraceLanguage:
    """Take out traces that mix languages. Source: Qwen3, section 4.1, condition 5; measured as by the reward `language`.

    Attributes:
        language: ISO 639-1 code that the trace is to be in.
        min_share: of its words.
    """

    language: str = "en"
    min_share: float = 0.95
    kind: ClassVar[str] = "trace_language"
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            raise ConfigError(f"{self.kind}: " + unknown(self.language, kind="language", allowed=LANGUAGES))
        if not 0 < self.min_share <= 1:
            raise ConfigError(f"{self.kind}: min_share must be greater than 0 and at most 1, not {self.min_share}")

    @property
    def files(self) -> tuple[str, ...]:
        return ()

    def run(self, frame: Frame, tools: Tools) -> Iterator[Verdicts]:
        for chunk in frame.chunks("info"):
            removals: list[Removal] = []
            for row, trace in zip(chunk.rows, _traces(chunk), strict=True):
                share = None if trace is None else language_share(trace, self.language)
                if trace is None:
                    removals.append(_missing(int(row)))
                elif share is not None and share < self.min_share:
                    removals.append(Removal(int(row), "mixes languages", f"{share:.0%} {self.language}"))
            yield Verdicts(removals)
