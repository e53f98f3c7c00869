"""What an experiment is made of. Hypothesis, arms, seeds, budget and the rule of its verdict are written down before it is run.

A claim is judged by one of two fixed rules, over the paired differences of its two arms, one difference a seed:

- `Greater`: agrees where the 95 % t-interval of the mean difference lies above 0, disagrees where it lies below, else open;
- `Similar`: agrees where the interval lies within the margin, disagrees where it lies wholly outside, else open.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from proctor.config import to_mapping
from proctor.training.stages.records import Card, Merge, Probe, Stage, StagedConfig, Train, as_plain

Judgement = Literal["agrees", "disagrees", "open"]
Values = Mapping[str, float]
"""What was measured of one arm with one seed, by name."""

_T_95 = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}
"""Two-sided 95 % quantiles of Student's t by degrees of freedom."""

NO_CARD = Card("", "", {}, (), {}, "")


@dataclass(frozen=True, slots=True)
class Difference:
    """Mean of paired differences over seeds with its 95 % t-interval."""

    mean: float
    low: float
    high: float


def difference(first: Sequence[float], second: Sequence[float]) -> Difference:
    """Mean of first - second over seeds, with the t-interval.

    Raises:
        ValueError: fewer than two pairs, or more than ten.
    """
    pairs = [a - b for a, b in zip(first, second, strict=True)]
    if not 2 <= len(pairs) <= 10:
        raise ValueError(f"an interval needs 2 to 10 seeds, not {len(pairs)}")
    mean = sum(pairs) / len(pairs)
    variance = sum((pair - mean) ** 2 for pair in pairs) / (len(pairs) - 1)
    half = _T_95[len(pairs) - 1] * math.sqrt(variance / len(pairs))
    return Difference(mean, mean - half, mean + half)


@dataclass(frozen=True, slots=True)
class Greater:
    """One arm's value is greater than another's.

    Attributes:
        metric: that is compared.
        arm: whose value should be greater.
        other: whose value should be less.
        other_metric: of the other arm; empty where it is the same.
    """

    metric: str
    arm: str
    other: str
    other_metric: str = ""

    def judge(self, found: Difference) -> Judgement:
        """The verdict on the difference arm - other; open where it is no number."""
        return "agrees" if found.low > 0 else "disagrees" if found.high < 0 else "open"

    def __str__(self) -> str:
        if self.other_metric:
            return f"{self.arm}, {self.metric} > {self.other}, {self.other_metric}"
        return f"{self.metric}: {self.arm} > {self.other}"


@dataclass(frozen=True, slots=True)
class Similar:
    """Two arms differ by no more than a margin.

    Attributes:
        metric: that is compared.
        arm: one of them.
        other: the other.
        margin: of the difference.
        other_metric: of the other arm; empty where it is the same.
    """

    metric: str
    arm: str
    other: str
    margin: float
    other_metric: str = ""

    def judge(self, found: Difference) -> Judgement:
        """The verdict on the difference arm - other."""
        if -self.margin <= found.low and found.high <= self.margin:
            return "agrees"
        return "disagrees" if found.low > self.margin or found.high < -self.margin else "open"

    def __str__(self) -> str:
        if self.other_metric:
            return f"{self.arm}, {self.metric} = {self.other}, {self.other_metric} within {self.margin:g}"
        return f"{self.metric}: {self.arm} = {self.other} within {self.margin:g}"


Claim = Greater | Similar


@dataclass(frozen=True, slots=True)
class Arm:
    """One way of doing it.

    Attributes:
        name: of the arm.
        stages: from the base model's directory; the last one's model is the arm's result. The experiment gives them its seeds.
    """

    name: str
    stages: Callable[[str], tuple[Stage, ...]]


@dataclass(frozen=True, slots=True)
class Experiment:
    """A published claim, and how it is tried at small scale.

    Attributes:
        name: as `proctor lab` takes it.
        title: a question.
        paper: what was published, and where.
        hypothesis: what is expected here, and why.
        base: makes the model that every arm starts from, one a seed.
        arms: at least two, or one whose own course is judged.
        claims: judged by their fixed rules.
        probes: evaluations of every stage's model.
        curve: the metric drawn over the steps of the arm's last stage; empty where arms have no common one: then what the claims compare is drawn.
        minutes: that a first full run may take on two cores.
        measure: further numbers from an arm's run directory.
        seeds: one run of every arm for each.
        remark: how the figure is to be read, where that is not plain; no part of what is judged.
    """

    name: str
    title: str
    paper: str
    hypothesis: str
    base: Train
    arms: tuple[Arm, ...]
    claims: tuple[Claim, ...]
    probes: tuple[Probe, ...]
    curve: str = "reward_mean"
    minutes: int = 20
    measure: Callable[[Path], Values] | None = None
    seeds: tuple[int, ...] = (0, 1, 2, 3)
    remark: str = ""

    def __post_init__(self) -> None:
        names = {arm.name for arm in self.arms}
        for claim in self.claims:
            if not {claim.arm, claim.other} <= names:
                raise ValueError(f"{self.name}: the claim {claim} names an arm that is not there: {sorted(names)}")

    def staged(self, arm: Arm, base: str, seed: int) -> StagedConfig:
        """The staged run of an arm. One seed for everything: it also decides which tasks are held out, and these must be the same for all."""
        stages = tuple(_seeded(stage, seed) for stage in arm.stages(base))
        probes = tuple(replace(probe, seed=seed) for probe in self.probes)
        return StagedConfig(stages=stages, probes=probes, card=NO_CARD, final=stages[-1].name, start_model=base, seed=seed)

    @property
    def design(self) -> str:
        """A digest of what is written down here and decides the verdicts: base, arms, probes and claims. A result keeps that of its own day.

        Neither the code that trains and measures is in it, nor the seeds, which a result names.
        """
        arms = {arm.name: as_plain(self.staged(arm, "base", 0)) for arm in self.arms}
        decides = {"base": to_mapping(self.base), "arms": arms, "claims": [f"{type(claim).__name__}: {claim}" for claim in self.claims]}
        return hashlib.sha256(json.dumps(decides, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _seeded(stage: Stage, seed: int) -> Stage:
    if isinstance(stage, Train):
        return replace(stage, config=replace(stage.config, seed=seed))
    return stage if isinstance(stage, Merge) else replace(stage, seed=seed)
