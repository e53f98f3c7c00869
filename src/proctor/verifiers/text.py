"""Verifies answers that are text: exact strings, multiple choice, overlap of words, a pattern."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from proctor.core.task import Outcome, Score, Task
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
    """CORRECT if the completion chooses the reference letter, and no other, in one declared channel.

    A task may bring its own options as `info["choices"]`: a list of texts (the first is A), or an object from letters to texts. Then its
    letters are the only ones that can be chosen, and a remark beside the letter ("B. Paris") must be that option's text.

    Attributes:
        choices: the letters that may be chosen where the task says nothing.
    """

    choices: str = "ABCDE"

    def __post_init__(self) -> None:
        if not (self.choices.isalpha() and self.choices.isupper()) or len(set(self.choices)) < len(self.choices):
            raise ConfigError(f'choices must be distinct capital letters like "ABCD", not {self.choices!r}')

    def __call__(self, completion: str, task: Task) -> Score:
        """Score one completion.

        Raises:
            TaskError: the task's answer is not one of its letters, or its options are malformed.
        """
        options = self._options(task)
        gold = self._gold_letter(task, options)
        text = after_reasoning(completion)
        if text is None:
            return Score.unparsed(_UNCLOSED)
        for found in extractions(text, _CHOICE_CHANNELS):
            letters = [_letter(candidate, options) for candidate in found.candidates]
            if None in letters:
                if found.channel == "answer_is":
                    continue
                return Score.unparsed(f"{found.channel}: {found.candidates[letters.index(None)][:80]!r} is not one letter of {''.join(options)}")
            chosen = ", ".join(sorted({letter for letter in letters if letter}))
            return Score.correct(chosen, found.channel) if chosen == gold else Score.incorrect(chosen, found.channel)
        return Score.unparsed("no choice found")

    def gold(self, task: Task) -> str:
        """Return the completion that must be CORRECT."""
        return f"The answer is ({self._gold_letter(task, self._options(task))})."

    def _options(self, task: Task) -> Mapping[str, str]:
        """Letter -> text of the option, the text empty where it is unknown."""
        given = task.info.get("choices")
        if given is None:
            return dict.fromkeys(self.choices, "")
        if isinstance(given, str):
            given = dict.fromkeys(given, "")
        if isinstance(given, (list, tuple)) and 2 <= len(given) <= 26:
            given = dict(zip(string.ascii_uppercase, given, strict=False))
        if not isinstance(given, Mapping) or not given or not all(re.fullmatch("[A-Z]", str(letter)) for letter in given):
            raise TaskError(f"task {task.id}: choices must be a list of 2 to 26 texts, or an object from capital letters to texts")
        return {str(letter): str(text) for letter, text in given.items()}

    def _gold_letter(self, task: Task, options: Mapping[str, str]) -> str:
        letter = _letter(_gold_text(task), options)
        if letter is None:
            raise TaskError(f"the answer {task.answer!r} of task {task.id} is not one letter of {''.join(options)}")
        return letter


def _letter(text: str, options: Mapping[str, str]) -> str | None:
    """The letter that a text consists of: `B`, `(B)`, `**B**`, `B. Paris`; None if it is anything else."""
    bare = _WRAPPED.sub(r"\1", text).strip().strip("$*").strip()
    match = re.fullmatch(r"\(?([A-Z])\)?[.:)]?|\(?([A-Z])[.:)]\s+(\S.*)", bare)
    if match is None:
        return None
    letter, remark = match.group(1) or match.group(2), match.group(3) or ""
    if letter not in options:
        return None
    if remark and options[letter]:
        return letter if _joined(remark).rstrip(".") == _joined(options[letter]).rstrip(".") else None
    return letter if not re.findall(rf"\b[{''.join(options)}]\b", remark) else None


def _joined(text: str) -> str:
    return " ".join(text.split()).casefold()


@dataclass(frozen=True, slots=True)
class F1Verifier:
    """The overlap of the answer's words with the reference's, as F1 in [0, 1]; CORRECT only where it is 1.

    Words are lower-cased, without punctuation and without articles. Several references may be given as a list; the best counts.
    It pays for hedging by its nature ("5 or 6" earns 0.5 of "5"), so it is a measure for free text, never for short exact answers;
    `min_f1` cuts such part payments off.

    Source: Rajpurkar et al. 2016 (SQuAD), section 6.1.

    Attributes:
        min_f1: a smaller overlap is worth 0.
    """

    min_f1: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.min_f1 <= 1:
            raise ConfigError(f"min_f1 must be between 0 and 1, not {self.min_f1}")

    def __call__(self, completion: str, task: Task) -> Score:
        """Score one completion.

        Raises:
            TaskError: the task has no answer, or one without words.
        """
        references = self._references(task)
        text = after_reasoning(completion)
        if text is None:
            return Score.unparsed(_UNCLOSED)
        found = next(extractions(text, ("answer_tag", "boxed")), None)
        if found is not None and len(set(found.candidates)) > 1:
            return Score.incorrect(found.candidates[-1], f"{found.channel}: conflicting answers")
        answer = (found.candidates[-1] if found else text).strip()
        if not answer:
            return Score.unparsed("no answer found")
        value = max(word_f1(answer, reference) for reference in references)
        value = value if value >= self.min_f1 else 0.0
        return Score(Outcome.CORRECT if value == 1.0 else Outcome.INCORRECT, value, answer[:1000])

    def gold(self, task: Task) -> str:
        """Return the completion that must be CORRECT."""
        return f"<answer>{self._references(task)[0]}</answer>"

    def _references(self, task: Task) -> list[str]:
        given = task.answer if isinstance(task.answer, (list, tuple)) else [task.answer]
        references = [str(reference).strip() for reference in given if reference is not None]
        if not references or not all(_bag(reference) for reference in references):
            raise TaskError(f"task {task.id} has no reference answer with words in it: {task.answer!r}")
        return references


def word_f1(answer: str, reference: str) -> float:
    """Return 2PR / (P + R), where P and R are the shares of the answer's and the reference's words that they have in common."""
    ours, theirs = _bag(answer), _bag(reference)
    common = (ours & theirs).total()
    return 2 * common / (ours.total() + theirs.total()) if common else 0.0


def _bag(text: str) -> Counter[str]:
    words = re.findall(r"\w+", text.casefold().replace("'", "").replace("’", ""))
    return Counter(word for word in words if word not in ("a", "an", "the"))


@dataclass(frozen=True, slots=True)
class RegexVerifier:
    """CORRECT if the last match of a pattern captures the reference answer.

    The pattern comes from here or from `info["pattern"]` of the task. Where neither has one, the task's answer *is* a pattern, and
    all of the completion's answer (in `<answer>`, `\\boxed{}`, else the whole text) must match it. Python's matcher can take exponential time on
    a careless pattern: in a run it is killed after `scoring.timeout_s`, and the completion is INCORRECT.

    Attributes:
        pattern: a regular expression with one group, as in `r"ANSWER:\\s*(\\w+)"`.
    """

    pattern: str = ""

    def __post_init__(self) -> None:
        if self.pattern:
            self._check(self.pattern)

    @staticmethod
    def _check(pattern: str) -> None:
        try:
            num_groups = re.compile(pattern).groups
        except re.error as error:
            raise ConfigError(f"the pattern {pattern!r} is not a regular expression: {error}") from error
        if num_groups != 1:
            raise ConfigError(f"the pattern {pattern!r} has {num_groups} groups; it needs one, around the answer")

    def __call__(self, completion: str, task: Task) -> Score:
        """Score one completion.

        Raises:
            TaskError: the task has no answer, or a pattern of its own that is none.
        """
        gold = _gold_text(task)
        text = after_reasoning(completion)
        if text is None:
            return Score.unparsed(_UNCLOSED)
        pattern = self.pattern or str(task.info.get("pattern") or "")
        if not pattern:
            return _match_whole(gold, text, task)
        try:
            self._check(pattern)
        except ConfigError as error:
            raise TaskError(f"task {task.id}: {error}") from error
        found = re.findall(pattern, text)
        if not found:
            return Score.unparsed("the pattern does not match")
        return Score.correct(found[-1]) if found[-1].strip() == gold else Score.incorrect(found[-1])


def _match_whole(pattern: str, text: str, task: Task) -> Score:
    """Match all of the answer with a pattern that the task gives as its answer."""
    found = next(extractions(text, ("answer_tag", "boxed")), None)
    if found is not None and len(set(found.candidates)) > 1:
        return Score.incorrect(found.candidates[-1], f"{found.channel}: conflicting answers")
    answer = (found.candidates[-1] if found else text).strip()
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise TaskError(f"task {task.id}: the answer {pattern!r} is not a regular expression: {error}") from error
    if not answer:
        return Score.unparsed("no answer found")
    return Score.correct(answer) if compiled.fullmatch(answer) else Score.incorrect(answer)


def _gold_text(task: Task) -> str:
    text = "" if task.answer is None else str(task.answer).strip()
    if not text:
        raise TaskError(f"task {task.id} has no reference answer")
    return text
