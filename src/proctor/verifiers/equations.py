"""Verifies the steps of a calculation, not only its end: every `a + b = c` that a completion writes is a step, right or wrong.

An exact process reward for arithmetic worked out in writing: no model judges the steps, so nothing can be hacked but the task
of writing true equations. It pays steps only through process supervision; the verdict is that of the final number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, pairwise

from proctor.core.task import Score, StepScore, Task
from proctor.verifiers.mathematics import MathVerifier, number_verifier

MAX_STEPS = 64
MAX_TERMS = 64
_NUMBER = r"(?:\d{1,3}(?:,\d{3}){1,5}|\d{1,18})(?:\.\d{1,18})?(?!\d|[.,]\d)"
_EXPONENT = r"(?:1?\d|20)"  # of a base of a few digits: small enough to be worked out
_POWER = rf"-?(?:\d{{1,4}}(?:\.\d{{1,3}})?\^(?:{_EXPONENT}|\{{{_EXPONENT}\}})(?!\d|[.,]\d|\^)|{_NUMBER})"
_SIDE = re.compile(rf"(?<![\w.])(?<!\d,){_POWER}(?:[ \t]*+(?:[-+*/×÷]|x(?!-))[ \t]*+{_POWER})*+")
_TERM = re.compile(r"[ \t]*([-+*/x×÷]?)[ \t]*(-?)(\d[\d,]*(?:\.\d+)?)(?:\^\{?(\d+)\}?)?")
_EQUALS = re.compile(r"[ \t]*=[ \t]*")
_GOES_ON_BEFORE = re.compile(r"(?:[\d)%!][ \t]*=|[^\s-]-|\S[ \t]*[+*/×÷^]|\S[ \t]+-[ \t]+)[ \t]*[$€£(]?$")
_GOES_ON_AFTER = re.compile(r"[ \t]*=|[ \t](?:and )?\(?\d+/\d|[ \t]*[-+*/x×÷^][ \t]*(?:[\d.($€£\\-]|[a-z]\b)|[%(^!]|[a-z]\b", re.IGNORECASE)
_FRACTION = re.compile(r"\d+/\d")
_DECORATION = re.compile(r"(?:\*\*|__|[`$])+$")


@dataclass(frozen=True, slots=True)
class EquationsVerifier:
    """The verdict of `number` on the completion, with a `StepScore` for each equation in it: 1 where it is true, 0 where it is not.

    A last step, at the end of the completion, has the value of the verdict itself, so that a completion without equations
    still has one step.
    """

    answer: MathVerifier = number_verifier()

    @property
    def counts_last_number(self) -> bool:
        """As the verifier of the answer does."""
        return self.answer.counts_last_number

    def gold(self, task: Task) -> str:
        """The completion that must be CORRECT."""
        return self.answer.gold(task)

    def __call__(self, completion: str, task: Task) -> Score:
        """Score one completion."""
        score = self.answer(completion, task)
        found = [StepScore(end, float(true)) for end, true in equations(completion)]
        last = StepScore(len(completion), score.value or 0.0)
        steps = (*(step for step in found if step.end < last.end), last)
        right = sum(step.value for step in found) / len(found) if found else 0.0
        return Score(score.outcome, score.value, score.extracted, score.reason, {"steps_right": right, "num_steps": float(len(found))}, score.extra, steps)


def equations(text: str) -> list[tuple[int, bool]]:
    """The first `MAX_STEPS` equations of a text: where each ends, in characters, and whether it is true.

    An equation is a calculation, one equals sign and one number, on one line. What is more or less than that is no equation and never a
    false one: chains (`1 + 2 = 3 = 3`), a calculation on the right, and a piece of a longer formula (`(1 + 2) * 3 + 1 = 10`, `2 + 3 = 5x`).
    """
    return [(right.end(), is_true(left[0], right[0])) for left, right in islice(_pairs(text), MAX_STEPS)]


def _pairs(text: str) -> Iterator[tuple[re.Match[str], re.Match[str]]]:
    """The calculations and numbers on the two sides of an equals sign, of which neither is a piece of something longer."""
    for left, right in pairwise(_SIDE.finditer(text)):
        num_terms = len(_TERM.findall(left[0]))
        is_calculation = num_terms <= MAX_TERMS and (num_terms > 1 or "^" in left[0])
        is_number = _TERM.fullmatch(right[0]) is not None and "^" not in right[0]
        if is_calculation and is_number and _EQUALS.fullmatch(text, left.end(), right.start()) and not _is_piece(text, left.start(), right.end()):
            yield left, right


def _is_piece(text: str, start: int, end: int) -> bool:
    """Whether a formula goes on before or after a part of a text. A dash or star that begins the line is a mark of a list."""
    before = _DECORATION.sub("", text[max(0, start - 40) : start].rpartition("\n")[2])
    sign = text[start : start + 1] == "-"
    is_mixed = before[-1:].isspace() and before.rstrip()[-1:].isdigit() and _FRACTION.match(text, start)
    return bool(is_mixed or _GOES_ON_BEFORE.search(before + "-" * sign) or _GOES_ON_AFTER.match(text, end))


def is_true(left: str, right: str) -> bool:
    """Whether a chain of `+ - * /` and small powers, with the usual precedence, equals a number, in exact fractions; division by zero is false."""
    total, product, sign = Fraction(0), Fraction(0), 1
    for number, (operator, minus, digits, exponent) in enumerate(_TERM.findall(left)):
        value = Fraction(digits.replace(",", "")) ** int(exponent or 1) * (-1 if minus else 1)
        if number == 0:
            product, sign = value, -1 if operator == "-" else 1
        elif operator and operator in "*x×":
            product *= value
        elif operator and operator in "/÷":
            if not value:
                return False
            product /= value
        else:
            total, product, sign = total + sign * product, value, -1 if operator == "-" else 1
    return total + sign * product == Fraction(right.replace(",", ""))
