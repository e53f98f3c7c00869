"""Verifies answers that are text: exact strings, multiple choice, a pattern."""

from __future__ import annotations

import re
from dataclasses import dataclass

from proctor.core.task import Score, Task
from proctor.errors import ConfigError, TaskError
from proctor.verifiers.extraction import after_reasoning, extractions

_CHOICE_CHANNELS = ("boxed", "answer_tag", "hashes", "answer_is", "whole")
_WRAPPED = re.compile(r"\\(?:text|textbf|mathrm|mathbf|mbox)\s*\{([^{}]*)\}")
_UNCLOSED = "the reasoning is not closed by </think>"


@dataclass(frozen=True, slots=True)
class ExactVerifier:
    """CORRECT if the answer is the reference text, runs of white space counted as one space.

    The answer is what stands in `<answer>` or `\\boxed{}`, else everything after the reasoning.

    Attributes:
        ignore_case: compare without regard to case.
    """

    ignore_case: bool = False

    def __call__(self, completion: str, task: Task) -> Score:
        """Score one completion.

        Raises:
            TaskError: the task has no answer.
        """
        gold = self._normal(_gold_text(task))
        text = after_reasoning(completion)
        if text is None:
            return Score.unparsed(_UNCLOSED)
        found = next(extractions(text, ("answer_tag", "boxed")), None)
        candidates = found.candidates if found else (text,)
        if not any(candidate.strip() for candidate in candidates):
            return Score.unparsed("no answer found")
        shown = candidates[-1].strip()
        return Score.correct(shown) if {self._normal(candidate) for candidate in candidates} == {gold} else Score.incorrect(shown)

    def gold(self, task: Task) -> str:
        """Return the completion that must be CORRECT."""
        return f"<answer>{_gold_text(task)}</answer>"

    def _normal(self, text: str) -> str:
        joined = " ".join(text.split())
        return joined.casefold() if self.ignore_case else joined


@dataclass(frozen=True, slots=True)
class ChoiceVerifier:
    """CORRECT if the completion chooses the reference letter, and no other.

    Attributes:
        choices: the letters that may be chosen.
    """

    choices: str = "ABCDE"

    def __post_init__(self) -> None:
        if not (self.choices.isalpha() and self.choices.isupper()) or len(set(self.choices)) < len(self.choices):
            raise ConfigError(f'choices must be distinct capital letters like "ABCD", not {self.choices!r}')

    def __call__(self, completion: str, task: Task) -> Score:
        """Score one completion.

        Raises:
            TaskError: the task's answer is not one of the letters.
        """
        gold = self._gold_letter(task)
        text = after_reasoning(completion)
        if text is None:
            return Score.unparsed(_UNCLOSED)
        for found in extractions(text, _CHOICE_CHANNELS):
            letters = [self._letter(candidate) for candidate in found.candidates]
            if None in letters:
                if found.channel == "answer_is":
                    continue
                return Score.unparsed(f"{found.channel}: {found.candidates[letters.index(None)][:80]!r} is not one letter of {self.choices}")
            chosen = ", ".join(sorted({letter for letter in letters if letter}))
            return Score.correct(chosen, found.channel) if chosen == gold else Score.incorrect(chosen, found.channel)
        return Score.unparsed("no choice found")

    def gold(self, task: Task) -> str:
        """Return the completion that must be CORRECT."""
        return f"The answer is ({self._gold_letter(task)})."

    def _gold_letter(self, task: Task) -> str:
        letter = self._letter(_gold_text(task))
        if letter is None:
            raise TaskError(f"the answer {task.answer!r} of task {task.id} is not one letter of {self.choices}")
        return letter

    def _letter(self, text: str) -> str | None:
        """The letter that a text consists of: `B`, `(B)`, `**B**`, `B. Paris`; None if it is anything else."""
        bare = _WRAPPED.sub(r"\1", text).strip().strip("$*").strip()
        match = re.fullmatch(r"\(?([A-Z])\)?[.:)]?|\(?([A-Z])[.:)]\s+(\S.*)", bare)
        if match is None:
            return None
        letter, remark = match.group(1) or match.group(2), match.group(3) or ""
        others = re.findall(rf"\b[{self.choices}]\b", remark)
        return letter if letter in self.choices and not others else None


@dataclass(frozen=True, slots=True)
class RegexVerifier:
    """CORRECT if the last match of a pattern captures the reference answer.

    Attributes:
        pattern: a regular expression with one group, as in `r"ANSWER:\\s*(\\w+)"`.
    """

    pattern: str

    def __post_init__(self) -> None:
        try:
            num_groups = re.compile(self.pattern).groups
        except re.error as error:
            raise ConfigError(f"the pattern {self.pattern!r} is not a regular expression: {error}") from error
        if num_groups != 1:
            raise ConfigError(f"the pattern {self.pattern!r} has {num_groups} groups; it needs one, around the answer")

    def __call__(self, completion: str, task: Task) -> Score:
        """Score one completion.

        Raises:
            TaskError: the task has no answer.
        """
        gold = _gold_text(task)
        text = after_reasoning(completion)
        found = re.findall(self.pattern, text) if text is not None else []
        if not found:
            return Score.unparsed("the pattern does not match" if text is not None else _UNCLOSED)
        return Score.correct(found[-1]) if found[-1].strip() == gold else Score.incorrect(found[-1])


def _gold_text(task: Task) -> str:
    text = "" if task.answer is None else str(task.answer).strip()
    if not text:
        raise TaskError(f"task {task.id} has no reference answer")
    return text
