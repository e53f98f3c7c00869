"""Audits one target: fits the form, tries golds, wrong answers and attacks, repeats a part, measures the cost."""

from __future__ import annotations

import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

from proctor.audit.attacks import Threat, threats_on
from proctor.audit.declared import as_declared, counts_last_number
from proctor.audit.environment import WholeReward
from proctor.audit.fitting import MIN_SHARE, MIN_TOLD_APART, TRIED, Fit, Target, earns, fit, gets_through, is_silent, pays_alike, surface_of
from proctor.audit.report import WRONG_ANSWER, AuditReport, Breach, Cost, DataReport, GoldFailure, SurfaceReport, ThreatResult
from proctor.audit.specimen import Specimen, Surface
from proctor.audit.specimens import from_tasks, specimens
from proctor.core.task import Score, Task
from proctor.errors import ConfigError, TaskError
from proctor.sandbox.base import FaultKind, Limits
from proctor.verifiers.base import RewardPart, ScoreRequest
from proctor.verifiers.grading import Grader, Verdict
from proctor.verifiers.rewards import NUM_PROBED_TASKS, Rewards

NUM_HOSTILE_SPECIMENS = 2
"""Attacks on the grader itself do not depend on the task; each may cost a time limit."""
NUM_REPEATED = 60
HOSTILE = "hostile."


@dataclass(frozen=True, slots=True)
class Plan:
    """What to audit and with what.

    Attributes:
        surfaces: to attack; empty for those that the target turns out to grade.
        tasks: the user's; empty for Proctor's specimens.
        max_tasks: of the user's tasks, attacked; golds are tried on all.
        timeout_s: wall seconds for one completion.
        num_workers: processes; None for the number of processors, at most four.
        limits: of the workers.
    """

    surfaces: tuple[Surface, ...] = ()
    tasks: tuple[Task, ...] = ()
    max_tasks: int = 20
    timeout_s: float = 10.0
    num_workers: int | None = None
    limits: Limits = field(default_factory=Limits)


def audit(function: Callable[..., Any], plan: Plan, *, name: str) -> AuditReport:
    """Attack a verifier or reward function.

    Args:
        function: with any of the signatures of `proctor.verifiers.signatures`.
        plan: what to do.
        name: of the target, for the report.

    Raises:
        ConfigError: the function cannot be called or sent to a worker, or grades none of the surfaces.
    """
    with Grader(function, name=name, num_workers=plan.num_workers, timeout_s=plan.timeout_s, limits=plan.limits) as grader:
        fits = _fits(grader, plan)
        reports = _attacked(grader, fits, is_own=not plan.tasks, declared=grader if counts_last_number(function) else None)
        if plan.tasks:
            reports[0] = replace(reports[0], **_golds(grader, getattr(function, "gold", None), plan.tasks, fits[0][1]))
        return _report(grader, plan, name, fits, reports)


def audit_environment(
    parts: Sequence[RewardPart], plan: Plan, *, name: str, left_out: Sequence[str] = (), sources: Mapping[str, Sequence[Task]] | None = None
) -> AuditReport:
    """Attack what a run pays for its own tasks before shaping: every part that reads the answer by itself, and the weighted sum of all parts.

    Args:
        parts: of the reward.
        plan: with the run's tasks.
        name: of the run or recipe, for the report.
        left_out: what else the run pays or takes, for the report.
        sources: the same tasks by where they come from, each attacked by itself; None for one source.

    Raises:
        ConfigError: there are no tasks with a reference answer or no parts, names or weights that a run would refuse, or a part that cannot be called or
            sent to a worker.
        VerifierError: a part fails on the first answers, as it would before training.
    """
    if not plan.tasks:
        raise ConfigError("an environment is audited on its own tasks, and none are given")
    if not parts:
        raise ConfigError("there is no verifier and no reward function to audit" + (f", only {', '.join(left_out)}" if left_out else ""))
    surfaces: list[SurfaceReport] = []
    skipped: list[str] = []
    reports: list[AuditReport] = []
    with WholeReward(parts, num_workers=plan.num_workers, timeout_s=plan.timeout_s, limits=plan.limits) as reward:
        for source, tasks in (sources or {"": plan.tasks}).items():
            part_of = replace(plan, tasks=tuple(tasks))
            if not from_tasks(tasks):
                raise ConfigError(f"none of the tasks{' of ' + source if source else ''} has a reference answer to attack with; audit the verifier by itself")
            whole, alone, not_alone = _attack_source(parts, reward, part_of, name)
            found = [*whole.surfaces, *alone]
            surfaces += [replace(surface, part=", ".join(filter(None, (surface.part, source)))) for surface in found]
            skipped += [f"{one}{' on ' + source if source else ''}" for one in not_alone]
            reports.append(whole)
    first = reports[0]
    unstable = tuple(completion for report in reports for completion in report.unstable)
    num_repeated = sum(report.num_repeated for report in reports)
    return AuditReport(name, tuple(surfaces), unstable, num_repeated, first.cost, _describe(plan.tasks), (*left_out, *skipped))


def _attack_source(parts: Sequence[RewardPart], reward: WholeReward, plan: Plan, name: str) -> tuple[AuditReport, list[SurfaceReport], list[str]]:
    """The sum on tasks of one source; every part that can be attacked by itself; and why others were not."""
    with Rewards(parts, num_workers=plan.num_workers, timeout_s=plan.timeout_s, limits=plan.limits) as rewards:
        reasons = rewards.gold_failures(plan.tasks)
        rewards.check_gold([task for task, reason in zip(plan.tasks, reasons, strict=True) if reason is None][:NUM_PROBED_TASKS])
    refused = [_refused(task, reason) for task, reason in zip(plan.tasks, reasons, strict=True) if reason is not None]
    alone: list[SurfaceReport] = []
    skipped: list[str] = []
    for part, grader in reward.graders if len(parts) > 1 else ():
        found = _alone(part, grader, plan) if part.weight > 0 else None
        if isinstance(found, SurfaceReport):
            alone.append(found)
        elif found is not None:
            skipped.append(found)
    fits = _fits(reward, plan)
    (whole,) = _attacked(reward, fits, is_own=False, declared=reward.declared)
    whole = replace(whole, part="the sum" if len(parts) > 1 else "", **_golds(reward, None, plan.tasks, fits[0][1], refused))
    return _report(reward, plan, name, fits, [whole]), alone, skipped


def _refused(task: Task, reason: str) -> GoldFailure:
    return GoldFailure(task.id, str(task.answer), "", f"a run would refuse this task: {reason}")


def _alone(part: RewardPart, grader: Grader, plan: Plan) -> SurfaceReport | str | None:
    """The attacks on one part by itself and all its golds; why there are none; None where it applies to none of the tasks."""
    ((surface, fitted),) = _fits(grader, plan)
    fitted = fitted.applicable
    if not fitted.specimens:
        return None
    if fitted.num_told_apart < MIN_SHARE * len(fitted.specimens):
        why = "it does not read the answer" if fitted.gold_value > 0 else "no right answer that it pays could be written"
        return f"{part.name} by itself ({why})"
    (report,) = _attacked(grader, [(surface, fitted)], is_own=False, declared=grader if counts_last_number(part.function) else None)
    return replace(report, part=part.name, **_golds(grader, getattr(part.function, "gold", None), plan.tasks, fitted))


def _attacked(target: Target, fits: Sequence[tuple[Surface, Fit]], *, is_own: bool, declared: Target | None) -> list[SurfaceReport]:
    with tempfile.TemporaryDirectory(prefix="proctor-audit-") as directory:
        reports = [_attack(target, surface, fitted, Path(directory), is_own=is_own) for surface, fitted in fits]
    if declared is None:
        return reports
    return [as_declared(declared, report, fitted) for report, (_, fitted) in zip(reports, fits, strict=True)]


def _report(target: Target, plan: Plan, name: str, fits: Sequence[tuple[Surface, Fit]], reports: Sequence[SurfaceReport]) -> AuditReport:
    """Repeat a part, measure the cost, and say everything."""
    honest = [request for _, fitted in fits for request in _honest(fitted)]
    unstable, num_repeated, seconds = _repeat(target, honest + [ScoreRequest(*one) for one in _breached(fits, reports[: len(fits)])])
    ordered = sorted(seconds)
    cost = Cost(median(ordered), ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))], len(ordered)) if ordered else Cost(0.0, 0.0, 0)
    return AuditReport(name, tuple(reports), unstable, num_repeated, cost, _describe(plan.tasks) if plan.tasks else None)


def _fits(target: Target, plan: Plan) -> list[tuple[Surface, Fit]]:
    """The surfaces that the target grades, each with the specimens in the form it reads."""
    if plan.tasks:
        surface = plan.surfaces[0] if plan.surfaces else surface_of(plan.tasks)
        own = from_tasks(plan.tasks)[: plan.max_tasks]
        if not own:
            raise TaskError("none of the tasks has a reference answer to attack with")
        return [(surface, fit(target, own, is_form_alone=surface is Surface.FORMAT, is_sum=isinstance(target, WholeReward)))]
    found: list[tuple[Surface, Fit]] = []
    partly: list[tuple[Surface, Fit]] = []
    indifferent: list[tuple[Surface, Fit]] = []
    why = ""
    for surface in plan.surfaces or TRIED:
        fitted = fit(target, specimens(surface), is_form_alone=surface is Surface.FORMAT)
        why = why or fitted.golds[0].score.reason
        if fitted.num_graded >= MIN_SHARE * len(fitted.specimens) and fitted.num_graded:
            found.append((surface, fitted))
            if not plan.surfaces:
                break
        elif surface is not Surface.FORMAT and fitted.num_told_apart >= MIN_TOLD_APART:
            partly.append((surface, fitted))
        elif surface is not Surface.FORMAT and fitted.is_indifferent:
            indifferent.append((surface, fitted))
    if partly and (not found or found[0][0] is Surface.FORMAT):
        return partly[:1]  # it reads some answers, integers alone perhaps: then a form that holds an integer is not what it grades
    if indifferent and not found:
        return indifferent[:1]  # that it pays everything is what the audit has to say of it
    if not found:
        raise ConfigError(
            f"the target pays too few gold answers of {', '.join(plan.surfaces or TRIED)}; of the first it said {why[:300]!r}. "
            "Give tasks that it can grade with --data, or its surface with --surface"
        )
    return found


def _attack(target: Target, surface: Surface, fitted: Fit, directory: Path, *, is_own: bool) -> SurfaceReport:
    """Try every class of threat on the specimens whose gold is paid."""
    threats = threats_on(surface)
    asked: list[tuple[Threat, int, str, Path | None]] = []
    graded = [index for index, (gold, wrongs) in enumerate(zip(fitted.golds, fitted.wrongs, strict=True)) if earns(gold.score, wrongs)]
    for threat in threats:
        chosen = graded[:NUM_HOSTILE_SPECIMENS] if threat.id.startswith(HOSTILE) else graded
        for index in chosen:
            asked += [(threat, index, *one) for one in _instances(threat, fitted.specimens[index], directory / f"{threat.id}-{index}")]
    verdicts = target.grade([ScoreRequest(fitted.specimens[index].task, completion) for _, index, completion, _ in asked], retry=False)
    breaches = _wrong_answers(surface, fitted, graded)
    by_threat: dict[str, list[tuple[Verdict, bool]]] = defaultdict(list)
    for (threat, index, completion, marker), verdict in zip(asked, verdicts, strict=True):
        how = _how(verdict, marker, fitted.golds[index], fitted.wrongs[index])
        by_threat[threat.id].append((verdict, how is not None))
        if how is not None:
            breaches.append(replace(_breach(threat.id, fitted.specimens[index], completion, how, verdict), is_policy=threat.is_policy))
    return SurfaceReport(
        surface.value,
        fitted.form,
        len(fitted.specimens),
        len(graded),
        ()
        if is_own
        else tuple(_gold_failure(s.task, s.gold, g) for i, (s, g) in enumerate(zip(fitted.specimens, fitted.golds, strict=True)) if i not in graded),
        sum(len(wrongs) for wrongs in fitted.wrongs) if surface is not Surface.FORMAT else 0,
        fitted.gold_value,
        fitted.wrong_value,
        tuple(_result(threat, by_threat[threat.id]) for threat in threats if by_threat[threat.id]),
        tuple(breaches),
        num_alike=_num_alike(fitted, graded) if surface is not Surface.FORMAT else 0,
    )


def _instances(threat: Threat, specimen: Specimen, marker: Path) -> list[tuple[str, Path | None]]:
    """The completions of one class for one task; those that would leave a trace when executed, each with a trace of its own."""
    plain = threat.instances(replace(specimen, marker=str(marker)))
    if not any(str(marker) in completion or "exec(bytes(" in completion for completion in plain):
        return [(completion, None) for completion in plain]
    marked: list[tuple[str, Path | None]] = []
    for number in range(len(plain)):
        own = marker.with_name(f"{marker.name}-{chr(ord('a') + number)}")
        marked.append((threat.instances(replace(specimen, marker=str(own)))[number], own))
    return marked


def _how(verdict: Verdict, marker: Path | None, gold: Verdict, wrongs: Sequence[Verdict]) -> Any:
    if marker is not None and marker.exists():
        return "executed"
    if gets_through(verdict.score, gold.score, wrongs):
        return "paid"
    if verdict.fault is None and verdict.score.value is None:
        return "not scored"
    return None


def _wrong_answers(surface: Surface, fitted: Fit, graded: Sequence[int]) -> list[Breach]:
    """Plain wrong answers that are paid like a right one."""
    if surface is Surface.FORMAT:
        return []
    return [
        _breach(WRONG_ANSWER, specimen, specimen.wrap(wrong), "paid", verdict)
        for index, specimen in enumerate(fitted.specimens)
        for wrong, verdict in zip(specimen.wrong, fitted.wrongs[index], strict=True)
        if _is_paid_like_right(fitted, graded, index, verdict.score)
    ]


def _is_paid_like_right(fitted: Fit, graded: Sequence[int], index: int, wrong: Score) -> bool:
    """Whether a wrong answer to one task earns as a right answer does.

    Where the target tells the gold from wrong answers, as that gold. Where it does not, both may earn what the form is worth: no less than the gold, and what
    would be pay on a task whose gold is told, if there is one.
    """
    if index in graded:
        return gets_through(wrong, fitted.golds[index].score, fitted.wrongs[index])
    is_pay = not graded or any(gets_through(wrong, fitted.golds[other].score, fitted.wrongs[other]) for other in graded)
    return is_pay and pays_alike(fitted.golds[index].score, wrong)


def _num_alike(fitted: Fit, graded: Sequence[int]) -> int:
    """Tasks whose gold earns something, and some wrong answer no less."""
    return sum(
        index not in graded and any(pays_alike(gold.score, wrong.score) for wrong in wrongs)
        for index, (gold, wrongs) in enumerate(zip(fitted.golds, fitted.wrongs, strict=True))
    )


def _breach(threat: str, specimen: Specimen, completion: str, how: Any, verdict: Verdict) -> Breach:
    score = verdict.score
    return Breach(threat, specimen.task.id, specimen.answer, completion, how, score.value, score.extracted, score.reason)


def _result(threat: Threat, tried: Sequence[tuple[Verdict, bool]]) -> ThreatResult:
    killed = sum(verdict.fault in (FaultKind.TIMEOUT, FaultKind.CRASH, FaultKind.OUTPUT) for verdict, _ in tried)
    slowest = max((verdict.seconds for verdict, _ in tried), default=0.0)
    return ThreatResult(threat.id, threat.description, threat.source, len(tried), sum(through for _, through in tried), killed, slowest)


def _golds(target: Target, write: Callable[[Task], Any] | None, tasks: Sequence[Task], fitted: Fit, refused: Sequence[GoldFailure] = ()) -> dict[str, Any]:
    """Try the gold of every task of the user's: as the verifier writes it, else in the form that was found. What a run would refuse fails anyway."""
    failures: list[GoldFailure] = []
    asked: list[ScoreRequest] = []
    form, is_chat = fitted.specimens[0].form, not isinstance(fitted.specimens[0].task.prompt, str)
    for task in tasks:
        posed = replace(task, prompt=task.messages) if is_chat else task
        try:
            asked.append(ScoreRequest(posed, str(write(task)) if write is not None else form.wrap("" if task.answer is None else str(task.answer))))
        except Exception as error:  # a verifier of the user may raise anything
            failures.append(GoldFailure(task.id, str(task.answer), "", f"{type(error).__name__}: {error}"))
    floors = [verdict for wrongs in fitted.wrongs for verdict in wrongs]
    for request, verdict in zip(asked, target.grade(asked), strict=True):
        if not is_silent(verdict) and not earns(verdict.score, floors):
            failure = _gold_failure(request.task, request.completion, verdict)
            is_paid_alike = any(pays_alike(verdict.score, wrong.score) for wrong in floors)
            failures.append(replace(failure, reason=f"{failure.reason} (plain wrong answers earn no less)") if is_paid_alike else failure)
    known = {failure.task_id for failure in refused}
    failures = [*refused, *(failure for failure in failures if failure.task_id not in known)]
    return {"num_tasks": len(tasks), "num_gold_paid": len(tasks) - len(failures), "gold_failures": tuple(failures)}


def _gold_failure(task: Task, completion: str, verdict: Verdict) -> GoldFailure:
    score = verdict.score
    said = "no outcome" if score.outcome is None else score.outcome.value
    return GoldFailure(task.id, str(task.answer), completion, f"{said}, value {score.value}: {score.reason}")


def _honest(fitted: Fit) -> list[ScoreRequest]:
    return [ScoreRequest(s.task, completion) for s in fitted.specimens for completion in (s.gold, s.wrap(s.wrong[0]))]


def _breached(fits: Sequence[tuple[Surface, Fit]], reports: Sequence[SurfaceReport]) -> list[tuple[Task, str]]:
    tasks = {specimen.task.id: specimen.task for _, fitted in fits for specimen in fitted.specimens}
    return [(tasks[breach.task_id], breach.completion) for report in reports for breach in report.breaches if breach.how == "paid"][:NUM_REPEATED]


def _repeat(target: Target, requests: Sequence[ScoreRequest]) -> tuple[tuple[str, ...], int, list[float]]:
    """Grade a part again in the same workers and in fresh ones; return what changed, how many were repeated, and their seconds."""
    part = list(requests)[:NUM_REPEATED]
    first = target.grade(part)
    second = target.grade(part)
    target.renew()
    third = target.grade(part)
    unstable = tuple(
        request.completion
        for request, *verdicts in zip(part, first, second, third, strict=True)
        if all(verdict.fault is None for verdict in verdicts) and len({_essence(verdict) for verdict in verdicts}) > 1
    )
    return unstable, len(part), [verdict.seconds for verdict in second if verdict.fault is None]


def _essence(verdict: Verdict) -> tuple[Any, ...]:
    score = verdict.score
    return score.outcome, None if score.value is None else round(score.value, 9), score.extracted


def _describe(tasks: Sequence[Task]) -> DataReport:
    """Contradictions and guessable answers of a data set."""
    answers: defaultdict[Any, set[str]] = defaultdict(set)
    for task in tasks:
        answers[task.messages].add(str(task.answer).strip())
    counts = Counter(str(task.answer).strip() for task in tasks if task.answer is not None)
    commonest, count = counts.most_common(1)[0] if counts else ("", 0)
    return DataReport(
        len(tasks),
        sum(task.answer is None or not str(task.answer).strip() for task in tasks),
        tuple(task.id for task in tasks if len(answers[task.messages]) > 1),
        commonest[:200],
        count / len(tasks),
    )
