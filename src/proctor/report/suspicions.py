"""Suspicions of a run: every rule with what it found, for its page and its report."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from proctor.report.rules import ROLLOUT_RULES, STEP_RULES, length_explosions, reward_jumps
from proctor.report.survey import RunSurvey

_MAX_STEPS_NAMED = 200


@dataclass(frozen=True, slots=True)
class Suspicion:
    """One rule and what it found.

    Attributes:
        name: of the rule; `flag = name` searches for its rollouts where `scope` is "rollouts".
        title, rule, meaning: see the rule.
        scope: whether rollouts or whole steps are flagged.
        num_found: rollouts or steps.
        num_seen: rollouts or steps that were looked at; 0 where the run lacks the columns.
        steps: the steps with most of them (up to 200, by step), and how many each has.
        kinds: error kinds and their counts; only for verifier errors.
    """

    name: str
    title: str
    rule: str
    meaning: str
    scope: str
    num_found: int
    num_seen: int
    steps: tuple[tuple[int, int], ...]
    kinds: tuple[tuple[str, int], ...] = ()


def suspicions(survey: RunSurvey) -> list[Suspicion]:
    """All rules over the steps surveyed so far, those that found something first."""
    steps = survey.ordered()
    found: list[Suspicion] = []
    for rule in ROLLOUT_RULES.values():
        counts = {each.step: each.flags[rule.name] for each in steps if rule.name in each.flags}
        seen = sum(each.num_rollouts for each in steps if rule.name in each.flags)
        most = sorted(((step, count) for step, count in counts.items() if count), key=lambda pair: -pair[1])[:_MAX_STEPS_NAMED]
        kinds: Counter[str] = Counter()
        if rule.name == "verifier_error":
            for each in steps:
                kinds.update(each.error_kinds)
        total = sum(counts.values())
        found.append(Suspicion(rule.name, rule.title, rule.rule, rule.meaning, "rollouts", total, seen, tuple(sorted(most)), tuple(kinds.most_common(20))))
    numbers = [each.step for each in steps]
    for name, flagged in (
        ("reward_jump", reward_jumps(numbers, [each.reward_mean for each in steps])),
        ("length_explosion", length_explosions(numbers, [each.length_mean for each in steps])),
    ):
        rule = STEP_RULES[name]
        named = tuple((step, survey.steps[step].num_rollouts) for step in flagged[:_MAX_STEPS_NAMED])
        found.append(Suspicion(name, rule.title, rule.rule, rule.meaning, "steps", len(flagged), len(steps), named))
    return sorted(found, key=lambda suspicion: suspicion.num_found == 0)
