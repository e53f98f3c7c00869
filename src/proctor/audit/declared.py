"""What a target says of itself: that the last number of a completion is its answer, as the verifier `number` does.

A completion like "130 and 129" is then right by what was declared: it earns by one number, as an honest guess does. An audit reports it apart, but takes
the target's word for nothing: only where the last number is the right one by a reading of this module's own, and only what the part that declares it pays.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

from proctor.audit.fitting import Fit, Target, floor
from proctor.audit.report import WRONG_ANSWER, Breach, SurfaceReport
from proctor.core.task import Outcome
from proctor.verifiers.base import ScoreRequest

_NUMBER = re.compile(r"(?<![\w.])[-\u2212]?\d+(?:,\d{3})*(?:\.\d+)?(?:/\d+(?!\.?\d))?")


def counts_last_number(function: Callable[..., Any]) -> bool:
    """Whether a function declares that the last number of a completion is its answer (attribute `counts_last_number`)."""
    return bool(getattr(function, "counts_last_number", False))


def ends_in_answer(completion: str, answer: str) -> bool:
    """Whether the last number written is the one number of the answer; False where the answer has none or several."""
    written, wanted = _NUMBER.findall(completion), _NUMBER.findall(answer)
    return bool(written) and len(wanted) == 1 and _value(written[-1]) == _value(wanted[0]) is not None


def _value(literal: str) -> Fraction | None:
    try:
        return Fraction(literal.replace(",", "").replace("\u2212", "-"))
    except (ValueError, ZeroDivisionError):
        return None


def as_declared(declared: Target, report: SurfaceReport, fitted: Fit) -> SurfaceReport:
    """Mark as policy what is paid for the last number alone.

    Args:
        declared: the part that declares it, graded by itself: of a whole reward, what other parts pay excuses nothing.
        report: of everything that got through.
        fitted: the specimens it was tried on.
    """
    place = {specimen.task.id: index for index, specimen in enumerate(fitted.specimens)}
    paid = [breach for breach in report.breaches if _may_be_declared(breach)]
    asked = [ScoreRequest(fitted.specimens[place[breach.task_id]].task, breach.completion) for breach in paid]
    marked: set[int] = set()
    for breach, verdict in zip(paid, declared.grade(asked, retry=False), strict=True):
        score, gold = verdict.score, fitted.golds[place[breach.task_id]].score
        low = floor(fitted.wrongs[place[breach.task_id]])
        lifts = score.value is not None and gold.value is not None and score.value >= 0.5 * (gold.value - low) > 0
        if verdict.fault is None and (score.outcome is Outcome.CORRECT or (score.outcome is None and lifts)):
            marked.add(id(breach))
    return replace(report, breaches=tuple(replace(breach, is_policy=True) if id(breach) in marked else breach for breach in report.breaches))


def _may_be_declared(breach: Breach) -> bool:
    return breach.how == "paid" and not breach.is_policy and breach.threat != WRONG_ANSWER and ends_in_answer(breach.completion, breach.answer)
