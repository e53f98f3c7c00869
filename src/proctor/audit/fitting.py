"""Finds out what a target grades and in which form it reads answers, by giving it gold answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Protocol

from proctor.audit.specimen import FORMS, Form, Specimen, Surface
from proctor.core.task import Outcome, Score, Task
from proctor.verifiers.base import ScoreRequest
from proctor.verifiers.grading import Verdict, is_paid

SURFACES_OF = {
    "math": (Surface.MATH,),
    "number": (Surface.MATH,),
    "exact": (Surface.TEXT,),
    "f1": (Surface.TEXT,),
    "regex": (Surface.TEXT,),
    "choice": (Surface.CHOICE,),
    "format": (Surface.FORMAT,),
    "json": (Surface.JSON,),
    "sql": (Surface.SQL,),
    "instructions": (Surface.INSTRUCTIONS,),
    "judge": (Surface.JUDGE,),
    "code": (Surface.CODE,),
}
"""Short name of a verifier -> what it grades."""

TRIED = (Surface.MATH, Surface.CHOICE, Surface.TEXT, Surface.FORMAT, Surface.CODE, Surface.JSON, Surface.SQL, Surface.INSTRUCTIONS)
"""The order in which an unknown function is tried."""
NUM_FOR_FORM = 10
"""Specimens that decide the form."""
MIN_TOLD_APART = 3
"""Specimens that a function must tell from wrong answers to be attacked on a surface of which it pays fewer golds than that share."""
MIN_SHARE = 0.4
"""A function that pays fewer of a surface's gold answers does not grade that surface."""


class Target(Protocol):
    """What is audited, in its workers: one function (`Grader`) or the whole reward of a run (`WholeReward`)."""

    @property
    def can_take_messages(self) -> bool: ...

    def renew(self) -> None: ...

    def grade(self, requests: Sequence[ScoreRequest], *, retry: bool = True) -> list[Verdict]: ...


@dataclass(frozen=True, slots=True)
class Fit:
    """The form of answer that a target reads best, and what it says to the golds in it.

    Attributes:
        specimens: in that form, and with the prompts that the target takes.
        golds: the verdict on each one's gold.
        wrongs: the verdicts on each one's wrong answers.
    """

    specimens: tuple[Specimen, ...]
    golds: tuple[Verdict, ...]
    wrongs: tuple[tuple[Verdict, ...], ...]

    @property
    def form(self) -> str:
        return self.specimens[0].form.name

    @property
    def num_graded(self) -> int:
        """Specimens whose gold is paid, and more than every wrong answer."""
        return sum(earns(gold.score, wrong) for gold, wrong in zip(self.golds, self.wrongs, strict=True))

    @property
    def num_told_apart(self) -> int:
        """Specimens whose gold is paid and one of whose wrong answers is not: the target reads the answer, not only how it is written.

        Wrong answers as long as the right one are looked at, where there are any: what pays by length tells others apart as well.
        """
        return sum(
            earns(gold.score, wrongs) and not all(gets_through(wrongs[index].score, gold.score, wrongs) for index in _alike(specimen))
            for specimen, gold, wrongs in zip(self.specimens, self.golds, self.wrongs, strict=True)
        )

    @property
    def is_indifferent(self) -> bool:
        """Whether the golds are paid, and every wrong answer as well: the target does not read the answer."""
        verdicts = list(zip(self.golds, self.wrongs, strict=True))
        return bool(verdicts) and all(pays_alike(gold.score, wrong.score) for gold, wrongs in verdicts for wrong in wrongs)

    @property
    def applicable(self) -> Fit:
        """Without the specimens of which the target says that it does not apply to them."""
        kept = [index for index, gold in enumerate(self.golds) if not is_silent(gold)]
        return Fit(tuple(self.specimens[i] for i in kept), tuple(self.golds[i] for i in kept), tuple(self.wrongs[i] for i in kept))

    @property
    def gold_value(self) -> float:
        """What the right answers earn, their mean; what was not scored counts as 0."""
        return fmean(verdict.score.value or 0.0 for verdict in self.golds)

    @property
    def wrong_value(self) -> float:
        """What plain wrong answers in the same form earn, their mean."""
        values = [verdict.score.value or 0.0 for wrongs in self.wrongs for verdict in wrongs]
        return fmean(values) if values else 0.0


def _alike(specimen: Specimen) -> Sequence[int]:
    """Places of the wrong answers that are as long as the right one; of all, where none is."""
    return [index for index, wrong in enumerate(specimen.wrong) if len(wrong) == len(specimen.answer)] or range(len(specimen.wrong))


def is_silent(verdict: Verdict) -> bool:
    """Whether the target says that it does not apply."""
    return verdict.fault is None and verdict.score.outcome is None and verdict.score.value is None


def earns(gold: Score, wrongs: Sequence[Verdict]) -> bool:
    """Whether a gold answer is paid: CORRECT, or a number greater than that of some wrong answer."""
    if gold.outcome is not None:
        return gold.outcome is Outcome.CORRECT
    return gold.value is not None and gold.value > floor(wrongs)


def pays_alike(gold: Score, other: Score) -> bool:
    """Whether a gold is paid and another completion no less."""
    if gold.outcome is not None:
        return gold.outcome is Outcome.CORRECT and other.outcome is Outcome.CORRECT
    return gold.value is not None and other.value is not None and 0 < gold.value <= other.value


def floor(wrongs: Sequence[Verdict]) -> float:
    """What a plain wrong answer earns: the least of what the wrong ones did, 0 where none was scored."""
    values = [verdict.score.value for verdict in wrongs if verdict.score.value is not None]
    return min(values, default=0.0)


def gets_through(score: Score, gold: Score, wrongs: Sequence[Verdict]) -> bool:
    """Whether a completion that is not right is paid: CORRECT, or at least half of what the gold answer earns beyond a wrong one."""
    if score.outcome is not None and is_paid(score):
        return True
    if score.value is None or gold.value is None:
        return False
    low = floor(wrongs)
    return gold.value > low and score.value - low >= 0.5 * (gold.value - low)


def fit(target: Target, specimens: Sequence[Specimen], *, is_form_alone: bool = False, is_sum: bool = False) -> Fit:
    """Try the specimens in every form they allow, and return the one in which most golds are paid: the first of several, of a sum the best paid.

    Args:
        target: that reads them.
        specimens: at least one.
        is_form_alone: the target reads no answer, so a wrong answer is one without the form.
        is_sum: the target pays more than the answer, and a policy will write the form that pays best.
    """
    forms = FORMS if specimens[0].form == FORMS[0] else (specimens[0].form,)
    ways = [(form, is_chat) for form in forms for is_chat in ((False, True) if target.can_take_messages else (False,))]
    best, most = ways[0], (-1, 0.0)
    for way in ways if len(ways) > 1 else ():
        sample = [_posed(specimen, *way) for specimen in specimens[:NUM_FOR_FORM]]
        tried = _try(target, sample, is_form_alone=is_form_alone, retry=False)
        reached = (tried.num_graded, tried.gold_value if is_sum else 0.0)
        if reached > most:
            best, most = way, reached
    return _try(target, [_posed(specimen, *best) for specimen in specimens], is_form_alone=is_form_alone, retry=True)


def _posed(specimen: Specimen, form: Form, is_chat: bool) -> Specimen:
    task = specimen.task
    return replace(specimen, form=form, task=replace(task, prompt=task.messages) if is_chat else task)


def _try(target: Target, specimens: Sequence[Specimen], *, is_form_alone: bool, retry: bool) -> Fit:
    asked: list[ScoreRequest] = []
    for specimen in specimens:
        wrongs = [wrong if is_form_alone else specimen.wrap(wrong) for wrong in specimen.wrong]
        asked += [ScoreRequest(specimen.task, completion) for completion in (specimen.gold, *wrongs)]
    verdicts = iter(target.grade(asked, retry=retry))
    golds: list[Verdict] = []
    wrongs_of: list[tuple[Verdict, ...]] = []
    for specimen in specimens:
        golds.append(next(verdicts))
        wrongs_of.append(tuple(next(verdicts) for _ in specimen.wrong))
    return Fit(tuple(specimens), tuple(golds), tuple(wrongs_of))


def surface_of(tasks: Sequence[Task]) -> Surface:
    """Guess from a user's tasks what they ask for: tests are programs, single letters choices, digits mathematics, everything else text."""
    infos = [task.info for task in tasks]
    if any("tests" in info or "test_cases" in info for info in infos):
        return Surface.CODE
    if any("database" in info for info in infos):
        return Surface.SQL
    answers = [str(task.answer) for task in tasks if task.answer is not None]
    if answers and all(len(answer.strip().strip("().")) == 1 and answer.strip().strip("().").isupper() for answer in answers):
        return Surface.CHOICE
    numeric = sum(any(character.isdigit() or character == "\\" for character in answer) for answer in answers)
    return Surface.MATH if 2 * numeric >= len(answers) else Surface.TEXT
