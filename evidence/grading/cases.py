"""The rows on which graders are compared: public cases, hand-written attacks, rewritten answers. Seeded, always the same."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evidence.grading.attacks import NEGATIVES, POSITIVES
from evidence.grading.costly import COSTLY
from evidence.grading.rewrites import dressed, families

SEED = 20
FAMILIES_PER_KIND = 13
REWRITES_PER_FAMILY = 3


@dataclass(frozen=True, slots=True)
class Case:
    """One row.

    Attributes:
        source: `public`, `attack`, `spelling`, `costly` or `rewrite`.
        kind: threat or kind of answer.
        gold: the reference answer.
        completion: what is graded.
        is_right: whether it should be paid.
    """

    source: str
    kind: str
    gold: str
    completion: str
    is_right: bool


def collect(public: Path | None) -> list[Case]:
    """All cases; without the file of public cases, all others."""
    cases = [Case("attack", row.threat, row.gold, row.completion, False) for row in NEGATIVES]
    cases += [Case("spelling", row.threat, row.gold, row.completion, True) for row in POSITIVES]
    cases += [Case("costly", row.threat, row.gold, row.completion, False) for row in COSTLY if row.gold == "5"]
    cases += _rewritten()
    return cases if public is None else [*_public(public), *cases]


def _public(path: Path) -> Iterator[Case]:
    for line in path.read_text().splitlines():
        row = json.loads(line)
        if not row["ambiguous"]:
            completion = row["prediction"] if row["form"] == "text" else rf"\boxed{{{row['prediction']}}}"
            yield Case("public", row["kind"], row["gold"], completion, bool(row["expected_equal"]))


def _rewritten() -> Iterator[Case]:
    numbers = random.Random(SEED)
    for family in families(SEED, FAMILIES_PER_KIND):
        for text in numbers.sample(family.equal, min(REWRITES_PER_FAMILY, len(family.equal))):
            written = dressed(text, numbers) if numbers.random() < 0.5 else text
            yield Case("rewrite", family.kind, family.gold, rf"\boxed{{{written}}}", True)
        for text in numbers.sample(family.unequal, min(REWRITES_PER_FAMILY, len(family.unequal))):
            yield Case("rewrite", family.kind, family.gold, rf"\boxed{{{text}}}", False)
