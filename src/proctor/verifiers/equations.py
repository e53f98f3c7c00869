"""Verifies the steps of a calculation, not only its end: every `a + b = c` that a completion writes is a step, right or wrong.

An exact process reward for arithmetic worked out in writing: no model judges the steps, so nothing can be hacked but the task
of writing true equations. It pays steps only through process supervision; the verdict is that of the final number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice

from proctor.core.task import Score, StepScore, Task
from proctor.verifiers.mathematics import MathVerifier, number_verifier

MAX_STEPS = 64
_NUMBER = r"-?\d{1,18}(?:\.\d{1,18})?"
_EQUATION = re.compile(rf"(?<![\d.])({_NUMBER}(?:\s*[-+*/x×÷]\s*{_NUMBER}){{1,8}})\s*=\s*({_NUMBER})(?![\d.]*\d)")
_TERM = re.compile(rf"\s*([-+*/x×÷]?)\s*({_NUMBER})")


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
    """The first `MAX_STEPS` equations of a text: where each ends, in characters, and whether it is true."""
    return [(match.end(), is_true(match.group(1), match.group(2))) for match in islice(_EQUATION.finditer(text), MAX_STEPS)]


def is_true(left: str, right: str) -> bool:
    """Whether a chain of `+ - * /` with the usual precedence equals a number, in exact fractions; division by zero is false."""
    total, product, sign = Fraction(0), Fraction(0), 1
    for number, (operator, text) in enumerate(_TERM.findall(left)):
        value = Fraction(text)
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
    return total + sign * product == Fraction(right)
