"""`proctor audit`."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path

from proctor.audit.examine import Plan, audit
from proctor.audit.fitting import SURFACES_OF
from proctor.audit.report import AuditReport, shown, summary, write_report
from proctor.audit.specimen import Surface
from proctor.cli.verify import memory_limits, parse_arguments
from proctor.core.task import Task
from proctor.data.config import DataConfig
from proctor.data.files import SUFFIXES
from proctor.data.loaders import load_tasks
from proctor.errors import ConfigError
from proctor.plugins import unknown
from proctor.verifiers.names import make_verifier

MAX_SHOWN_PER_THREAT = 3


def run(options: argparse.Namespace) -> int:
    """Audit a target; returns 1 if something got through."""
    if options.max_tasks < 1:
        raise ConfigError(f"--max-tasks must be at least 1, not {options.max_tasks}")
    if not options.timeout > 0 or not math.isfinite(options.timeout):
        raise ConfigError(f"--timeout must be a positive number of seconds, not {options.timeout}")
    is_data = Path(options.target).suffix.lower() in SUFFIXES
    if options.verifier and not is_data:
        raise ConfigError(f"--verifier is for a data file; the target {options.target!r} is itself what is audited")
    name = (options.verifier or "math") if is_data else options.target
    function = make_verifier(name, parse_arguments(options.arguments))
    source = options.target if is_data else options.data
    plan = Plan(
        surfaces=_surfaces(options.surface, name),
        tasks=_tasks(source) if source else (),
        max_tasks=options.max_tasks,
        timeout_s=options.timeout,
        num_workers=options.workers,
        limits=memory_limits(options.memory_mib),
    )
    report = audit(function, plan, name=f"{options.target} with {name}" if is_data else options.target)
    if options.out:
        for path in write_report(report, Path(options.out)):
            print(f"wrote {path}", file=sys.stderr)
    print(json.dumps(report.as_dict(), indent=2) if options.json else "\n".join(_lines(report)))
    return 0 if report.is_sound else 1


def _surfaces(named: list[str] | None, target: str) -> tuple[Surface, ...]:
    if not named:
        return SURFACES_OF.get(target, ())
    for surface in named:
        if surface not in list(Surface):
            raise ConfigError(unknown(surface, kind="surface", allowed=[one.value for one in Surface]))
    return tuple(Surface(surface) for surface in dict.fromkeys(named))


def _tasks(source: str) -> tuple[Task, ...]:
    return load_tasks(source, config=DataConfig(train=source), split="train", seed=0).tasks


def _lines(report: AuditReport) -> Iterator[str]:
    """The report for a terminal: the summary, then what got through, the exact input as an ASCII JSON string."""
    yield summary(report)
    for surface in report.surfaces:
        yield f"\n{surface.surface} (answers in the form: {surface.form})"
        for threat in surface.threats:
            verdict = f"{threat.num_through} of {threat.num_tried} got through" if threat.num_through else f"none of {threat.num_tried}"
            killed = f", {threat.num_killed} stopped by limits" if threat.num_killed else ""
            yield f"  {threat.id:<28} {verdict}{killed}"
        counts: dict[str, int] = {}
        for breach in surface.breaches:
            counts[breach.threat] = counts.get(breach.threat, 0) + 1
            if counts[breach.threat] <= MAX_SHOWN_PER_THREAT:
                policy = ", if the target does not declare otherwise" if breach.is_policy else ""
                worth = "" if breach.value is None else f" {breach.value:g}"
                yield f"  {'-' if breach.is_policy else '!'} {breach.threat}: {breach.how}{worth}{policy}; gold {shown(breach.answer)}"
                yield f"      {shown(breach.completion)}"
        for failure in surface.gold_failures[:10]:
            yield f"  ! gold not paid: task {failure.task_id}: {shown(failure.completion)}\n      {shown(failure.reason)}"
        if len(surface.gold_failures) > 10:
            yield f"    and {len(surface.gold_failures) - 10} more golds that are not paid"
    for completion in report.unstable:
        yield f"  ! not the same verdict twice: {shown(completion)}"
