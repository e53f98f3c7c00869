"""`proctor audit`."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from proctor.audit.examine import Plan, audit, audit_environment
from proctor.audit.fitting import SURFACES_OF
from proctor.audit.report import AuditReport, ThreatResult, shown, summary, write_report
from proctor.audit.specimen import Surface
from proctor.cli.train import resolve
from proctor.cli.verify import grading_limits, parse_arguments
from proctor.config import RunConfig, build_objective
from proctor.core.task import Task
from proctor.data.config import DataConfig
from proctor.data.files import SUFFIXES
from proctor.data.loaders import load_tasks
from proctor.errors import ConfigError
from proctor.plugins import unknown
from proctor.recipes import ALIASES
from proctor.sandbox.base import Limits
from proctor.training.stages.records import REFERENCE, StagedConfig, Train
from proctor.verifiers.names import make_verifier

MAX_SHOWN_PER_THREAT = 3


def run(options: argparse.Namespace) -> int:
    """Audit a target; returns 1 if something got through."""
    if options.max_tasks < 1:
        raise ConfigError(f"--max-tasks must be at least 1, not {options.max_tasks}")
    report = _environment(options) if _is_environment(options.target) else _function(options)
    if options.out:
        for path in write_report(report, Path(options.out)):
            print(f"wrote {path}", file=sys.stderr)
    print(json.dumps(report.as_dict(), indent=2) if options.json else "\n".join(_lines(report)))
    return 0 if report.is_sound else 1


def _function(options: argparse.Namespace) -> AuditReport:
    """Audit one verifier or reward function, on Proctor's specimens or on data."""
    if options.scale or options.assignments or options.stage:
        raise ConfigError(f"--scale, --set and --stage are for a recipe or a run's file; the target is {options.target!r}")
    is_data = Path(options.target).suffix.lower() in SUFFIXES
    if options.verifier and not is_data:
        raise ConfigError(f"--verifier is for a data file; the target {options.target!r} is itself what is audited")
    name = (options.verifier or "math") if is_data else options.target
    function = make_verifier(name, parse_arguments(options.arguments))
    source = options.target if is_data else options.data
    tasks = load_tasks(source, config=DataConfig(train=source), split="train", seed=0).tasks if source else ()
    return audit(function, _plan(options, _surfaces(options.surface, name), tasks), name=f"{options.target} with {name}" if is_data else options.target)


def _is_environment(target: str) -> bool:
    return target.endswith(".toml") or target in ALIASES


def _environment(options: argparse.Namespace) -> AuditReport:
    """Audit the whole reward of a recipe or a run's file on the run's own tasks, within the run's own limits."""
    if given := [name for name in ("verifier", "data", "arguments") if getattr(options, name)]:
        name = "argument" if given[0] == "arguments" else given[0]
        raise ConfigError(f"--{name} is for a verifier; {options.target!r} has tasks and a reward of its own (--set changes them)")
    if options.timeout is not None or options.memory_mib is not None:
        raise ConfigError("a run has its own limits: --set scoring.timeout_s=SECONDS and --set scoring.max_memory_bytes=BYTES change them")
    from proctor.training.reward_model import REWARD_MODEL  # imports torch, which the audit of a verifier does not need
    from proctor.training.reward_parts import load_functions
    from proctor.training.sources import joined, load_data

    recipe, config = resolve(options.target, options.scale, options.assignments)
    name, run = _run_of(recipe, config, options.stage)
    models = [f"{part.name or REWARD_MODEL}, a reward model of weight {part.weight:g}" for part in run.rewards if part.function == REWARD_MODEL]
    loaded = load_data(run, None, None)[0]
    tasks = joined(loaded).tasks
    sources = {source.source: source.tasks for source in loaded} if len(loaded) > 1 else None
    plan = replace(
        _plan(options, _surfaces(options.surface, ""), tasks), timeout_s=run.scoring.timeout_s, limits=Limits(memory_bytes=run.scoring.max_memory_bytes)
    )
    return audit_environment(load_functions(run.rewards), plan, name=name, left_out=(*models, *_of_the_objective(run)), sources=sources)


def _of_the_objective(run: RunConfig) -> Iterator[str]:
    """What an objective pays or takes beside the reward."""
    from proctor.algorithms.spec import Objective  # imports torch

    objective = build_objective(run)
    if isinstance(objective, Objective):
        yield from (f"the shaping {part.kind} of {run.algorithm}" for part in objective.collection.shaping)
        if objective.needs_steps:
            yield f"the rewards of single steps of {run.algorithm}"


def _run_of(recipe: str, config: RunConfig | StagedConfig, stage: str | None) -> tuple[str, RunConfig]:
    """The run that is audited and what it is called: of stages, the named one, or the first of reinforcement learning that has tasks of its own."""
    if isinstance(config, RunConfig):
        if stage is not None:
            raise ConfigError(f"--stage is for a recipe of several stages; {recipe!r} is a single run")
        return recipe, config
    found = {one.name: one.config for one in config.stages if isinstance(one, Train) and one.is_rl and not one.config.data.train.startswith(REFERENCE)}
    if not found:
        raise ConfigError(
            f"no stage of {recipe!r} reinforces on tasks that are there before it runs; give one some to audit it on, as in --set STAGE.data.train=tasks.jsonl"
        )
    chosen = stage or next(iter(found))
    if chosen not in found:
        raise ConfigError(unknown(chosen, kind=f"stage of {recipe} to audit", allowed=list(found)))
    if others := [name for name in found if name != chosen]:
        print(f"auditing the stage {chosen}; others: {', '.join(others)} (--stage)", file=sys.stderr)
    return f"{recipe}, stage {chosen}", found[chosen]


def _plan(options: argparse.Namespace, surfaces: tuple[Surface, ...], tasks: tuple[Task, ...]) -> Plan:
    timeout_s, limits = grading_limits(options)
    return Plan(surfaces, tasks, options.max_tasks, timeout_s, options.workers, limits)


def _surfaces(named: list[str] | None, target: str) -> tuple[Surface, ...]:
    if not named:
        return SURFACES_OF.get(target, ())
    for surface in named:
        if surface not in list(Surface):
            raise ConfigError(unknown(surface, kind="surface", allowed=[one.value for one in Surface]))
    return tuple(Surface(surface) for surface in dict.fromkeys(named))


def _lines(report: AuditReport) -> Iterator[str]:
    """The report for a terminal: the summary, then what got through, the exact input as an ASCII JSON string."""
    yield summary(report)
    for surface in report.surfaces:
        yield f"\n{surface.title} (answers in the form: {surface.form})"
        by_policy = Counter(breach.threat for breach in surface.breaches if breach.is_policy)
        for threat in surface.threats:
            verdict = _through(threat, by_policy[threat.id])
            killed = f", {threat.num_killed} stopped by limits" if threat.num_killed else ""
            yield f"  {threat.id:<28} {verdict}{killed}"
        counts: dict[str, int] = {}
        for breach in surface.breaches:
            counts[breach.threat] = counts.get(breach.threat, 0) + 1
            if counts[breach.threat] <= MAX_SHOWN_PER_THREAT:
                policy = ", as the target may declare" if breach.is_policy else ""
                worth = "" if breach.value is None else f" {breach.value:g}"
                yield f"  {'-' if breach.is_policy else '!'} {breach.threat}: {breach.how}{worth}{policy}; gold {shown(breach.answer)}"
                yield f"      {shown(breach.completion)}"
        for failure in surface.gold_failures[:10]:
            yield f"  ! gold not paid: task {failure.task_id}: {shown(failure.completion)}\n      {shown(failure.reason)}"
        if len(surface.gold_failures) > 10:
            yield f"    and {len(surface.gold_failures) - 10} more golds that are not paid"
    for completion in report.unstable:
        yield f"  ! not the same verdict twice: {shown(completion)}"


def _through(threat: ThreatResult, num_by_policy: int) -> str:
    """How many of a class got through; those apart that are paid by what the target may declare."""
    num_breaches = threat.num_through - num_by_policy
    parts = [f"{num_breaches} of {threat.num_tried} got through" if num_breaches else f"none of {threat.num_tried}"]
    return ", ".join(parts + ([f"{num_by_policy} paid by what the target may declare"] if num_by_policy else []))
