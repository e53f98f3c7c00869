"""Audits public graders of mathematics and Proctor's own with the same attacks: `python evidence/audit_graders.py [NAME ...]`.

Writes docs/results/audit-NAME.json: the counts of every class and at most three of the exact inputs that got through. The graders must be installed
(math-verify; trl, whose reward functions need neither its trainers nor torch); one that is missing is passed over and said so.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from common import DOCS, write_json

from proctor.audit.examine import Plan, audit
from proctor.audit.report import AuditReport, shown, summary
from proctor.audit.specimen import Surface
from proctor.plugins import import_string
from proctor.verifiers.names import make_verifier

TIMEOUT_S = 15.0  # longer than the graders' own limits
NUM_SHOWN = 3


def math_verify(completion: str, answer: str) -> float:
    """math-verify as its readme uses it: both sides parsed with the defaults, then compared."""
    from math_verify import parse, verify

    return float(verify(parse(answer), parse(completion)))


def math_verify_in_dollars(completion: str, answer: str) -> float:
    """The same, the reference marked as mathematics."""
    from math_verify import parse, verify

    return float(verify(parse(f"${answer}$"), parse(completion)))


TARGETS: dict[str, tuple[str, Any]] = {
    "proctor-math": ("proctor", lambda: make_verifier("math", {})),
    "math-verify": ("math_verify", lambda: math_verify),
    "math-verify-in-dollars": ("math_verify", lambda: math_verify_in_dollars),
    "trl-accuracy-reward": ("trl", lambda: import_string("trl.rewards:accuracy_reward", kind="reward")),
}


def condensed(report: AuditReport) -> dict[str, Any]:
    """The report with a few inputs of each class, the long ones cut."""
    values = report.as_dict()
    for surface in values["surfaces"]:
        kept: dict[str, int] = {}
        breaches = []
        for breach in surface["breaches"]:
            kept[breach["threat"]] = kept.get(breach["threat"], 0) + 1
            if kept[breach["threat"]] <= NUM_SHOWN:
                breaches.append({**breach, "completion": shown(breach["completion"]), "extracted": None, "reason": breach["reason"][:200]})
        surface["breaches"] = breaches
    return values | {"summary": summary(report), "timeout_s": TIMEOUT_S}


def main(names: list[str]) -> None:
    for name in names or TARGETS:
        module, make = TARGETS[name]
        if find_spec(module) is None:
            print(f"{name}: {module} is not installed", file=sys.stderr)
            continue
        report = audit(make(), Plan(surfaces=(Surface.MATH,), timeout_s=TIMEOUT_S, num_workers=2), name=name)
        path = Path(DOCS) / "results" / f"audit-{name}.json"
        write_json(path, condensed(report))
        print(f"{name}: {summary(report)}\nwrote {path}", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
