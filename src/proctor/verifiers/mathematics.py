r"""Verifies mathematical answers: numbers, LaTeX, expressions, tuples, sets, intervals.

The completion is read through one channel (`proctor.verifiers.extraction`), parsed by our own grammar into a typed
answer, and compared exactly. No text of a model is ever evaluated as code. What it does not do: grade proofs, convert
units, or simplify sums, integrals and limits.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from proctor.core.task import Score, Task
from proctor.errors import ConfigError, TaskError
from proctor.verifiers.answers import Answer, Words, read
from proctor.verifiers.equivalence import equivalent
from proctor.verifiers.expressions import Unreadable
from proctor.verifiers.extraction import CHANNELS, after_reasoning, boxes, extractions

_FALLBACKS = frozenset({"answer_is", "last_math", "whole"})  # prose: where it cannot be read, the next channel is asked
_WRITERS = {"boxed": "\\boxed{{{}}}", "answer_tag": "<answer>{}</answer>", "hashes": "#### {}", "answer_is": "The answer is ${}$", "last_math": "${}$"}


@dataclass(frozen=True, slots=True)
class MathVerifier:
    """CORRECT if the completion's final answer equals `task.answer`.

    Attributes:
        channels: where an answer may stand, in order of precedence; the first that has one is the only one that counts.
        tolerance: allowed relative error of rational answers, as a decimal or fraction string; "0" compares exactly.
    """

    channels: tuple[str, ...] = CHANNELS
    tolerance: str = "0"

    def __post_init__(self) -> None:
        unknown = [channel for channel in self.channels if channel not in CHANNELS]
        if unknown or not self.channels:
            raise ConfigError(f"unknown answer channel {', '.join(unknown) or '(none given)'}; allowed: {', '.join(CHANNELS)}")
        try:
            is_allowed = 0 <= Fraction(self.tolerance) < 1
        except (ValueError, ZeroDivisionError):
            is_allowed = False
        if not is_allowed:
            raise ConfigError(f'tolerance must be a number in [0, 1), as text like "0.01", not {self.tolerance!r}')

    def __call__(self, completion: str, task: Task) -> Score:
        """Score one completion.

        Raises:
            TaskError: the task's own answer cannot be read.
        """
        gold = read_gold(task)
        text = after_reasoning(completion)
        if text is None:
            return Score.unparsed("the reasoning is not closed by </think>")
        for found in extractions(text, self.channels):
            shown = found.candidates[-1]
            try:
                answers = [read(candidate, allow_words=isinstance(gold, Words)) for candidate in dict.fromkeys(found.candidates)]
            except Unreadable as unreadable:
                if found.channel in _FALLBACKS:
                    continue
                return Score.unparsed(f"{found.channel}: cannot read {shown[:80]!r}: {unreadable}")
            verdicts = {equivalent(gold, answer, tolerance=Fraction(self.tolerance)) for answer in answers}
            if verdicts == {True}:
                return Score.correct(shown, found.channel)
            return Score.incorrect(shown, f"{found.channel}: conflicting answers" if len(answers) > 1 else found.channel)
        return Score.unparsed("no answer found")

    def gold(self, task: Task) -> str:
        """Return the completion that this verifier must find CORRECT: the task's answer in the first channel.

        Raises:
            TaskError: the answer is missing or cannot be read.
        """
        read_gold(task)
        return _WRITERS.get(self.channels[0], "{}").format(gold_text(task))


def number_verifier() -> MathVerifier:
    """Return a verifier for which the last number in the completion counts, compared exactly."""
    return MathVerifier(channels=("last_number",))


def gold_text(task: Task) -> str:
    r"""Return the reference answer as text: what follows `#### ` (GSM8K), else what the only `\boxed{}` contains, else all of it.

    Raises:
        TaskError: there is none.
    """
    text = "" if task.answer is None else str(task.answer)
    _, marked, final = text.rpartition("####")
    boxed = boxes(text)
    text = (final if marked else boxed[0] if len(boxed) == 1 else text).strip()
    if not text:
        raise TaskError(f"task {task.id} has no reference answer")
    return text


def read_gold(task: Task) -> Answer:
    """Return the reference answer, parsed whole.

    Raises:
        TaskError: it cannot be read.
    """
    text = gold_text(task)
    try:
        return _read_gold(text)
    except Unreadable as error:
        raise TaskError(f"the answer {text[-80:]!r} of task {task.id} cannot be read: {error}") from error


@lru_cache(maxsize=4096)
def _read_gold(text: str) -> Answer:
    return read(text, allow_words=True)
