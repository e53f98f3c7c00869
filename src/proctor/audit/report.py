"""What an audit found: records, and their writing as JSON and as Markdown.

Completions are hostile: in both forms they stand as ASCII JSON strings, on lines of their own, and drive nothing that shows them.
"""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

How = Literal["paid", "executed", "not scored"]
MAX_SHOWN_CHARS = 300


@dataclass(frozen=True, slots=True)
class Breach:
    """One completion that is not right and was treated as if it were worth something.

    Attributes:
        threat: id of its class; "wrong answer" for a plain wrong one.
        task_id: of the task.
        answer: the right answer.
        completion: the exact input.
        how: it was paid; code in it ran; or the target failed on it, so that it would leave its group unpunished.
        value: what it earned.
        extracted: the answer that the target read.
        reason: what the target said.
        is_policy: whether it is a fault depends on what the target declares; such breaches are shown, and do not fail the audit.
    """

    threat: str
    task_id: str
    answer: str
    completion: str
    how: How
    value: float | None
    extracted: str | None
    reason: str
    is_policy: bool = False


@dataclass(frozen=True, slots=True)
class ThreatResult:
    """How one class of threat went.

    Attributes:
        id: of the class.
        description: what it does.
        source: where it is documented.
        num_tried: completions.
        num_through: of these, breaches.
        num_killed: of these, stopped by the limits of the worker: contained here, fatal to a trainer that grades in its own process.
        slowest_s: seconds of the slowest.
    """

    id: str
    description: str
    source: str
    num_tried: int
    num_through: int
    num_killed: int
    slowest_s: float


@dataclass(frozen=True, slots=True)
class GoldFailure:
    """A right answer that was not paid, of a task of the user's."""

    task_id: str
    answer: str
    completion: str
    reason: str


@dataclass(frozen=True, slots=True)
class SurfaceReport:
    """The audit of one surface.

    Attributes:
        surface: what is graded.
        form: in which answers were written.
        num_tasks: that golds were tried of.
        num_gold_paid: of these, paid.
        gold_failures: the others, where the tasks are the user's; Proctor's own specimens only show what the target reads.
        num_wrong: plain wrong answers tried.
        gold_value: what right answers in that form earn, their mean.
        wrong_value: what plain wrong ones in the same form earn, their mean: of a whole reward, what form and length are worth by themselves.
        threats: every class tried.
        breaches: everything that got through.
        part: of a whole reward: which part this is about, or "the sum"; empty where there is only one.
        num_alike: attacked tasks on which the target pays a right answer something, and some plain wrong one no less.
    """

    surface: str
    form: str
    num_tasks: int
    num_gold_paid: int
    gold_failures: tuple[GoldFailure, ...]
    num_wrong: int
    gold_value: float
    wrong_value: float
    threats: tuple[ThreatResult, ...]
    breaches: tuple[Breach, ...]
    part: str = ""
    num_alike: int = 0

    @property
    def title(self) -> str:
        """The surface, and of which part."""
        return f"{self.surface}, {self.part}" if self.part else self.surface


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of an honest check, warm: right and plain wrong answers."""

    median_s: float
    p99_s: float
    num_calls: int


@dataclass(frozen=True, slots=True)
class DataReport:
    """What is wrong with a data set beside its answers.

    Attributes:
        num_tasks: in it.
        num_without_answer: tasks without a reference.
        conflicting: ids of tasks whose prompt occurs again with another answer.
        commonest_answer: the answer that a policy would give which never reads the prompt.
        commonest_share: the share of tasks that it is right for.
    """

    num_tasks: int
    num_without_answer: int
    conflicting: tuple[str, ...]
    commonest_answer: str
    commonest_share: float


@dataclass(frozen=True, slots=True)
class AuditReport:
    """Everything that `proctor audit` says.

    Attributes:
        target: as the user named it.
        surfaces: what was attacked.
        unstable: completions that did not get the same verdict twice, or in another process.
        num_repeated: completions that were repeated for it.
        cost: of honest checks.
        data: of a data set; None without one.
        left_out: of an environment, what else the run pays or takes and nothing here has tried.
    """

    target: str
    surfaces: tuple[SurfaceReport, ...]
    unstable: tuple[str, ...]
    num_repeated: int
    cost: Cost
    data: DataReport | None = None
    left_out: tuple[str, ...] = ()

    @property
    def num_breaches(self) -> int:
        """Everything that got through and is a fault whatever the target declares."""
        return sum(not breach.is_policy for surface in self.surfaces for breach in surface.breaches)

    @property
    def num_by_policy(self) -> int:
        """What got through and may be what the target declares."""
        return sum(breach.is_policy for surface in self.surfaces for breach in surface.breaches)

    @property
    def is_sound(self) -> bool:
        """Nothing got through, every gold of the user's is paid, and verdicts repeat."""
        has_gold = all(not surface.gold_failures for surface in self.surfaces)
        return has_gold and self.num_breaches == 0 and not self.unstable and not (self.data and (self.data.conflicting or self.data.num_without_answer))

    def as_dict(self) -> dict[str, Any]:
        return {**dataclasses.asdict(self), "num_breaches": self.num_breaches, "num_by_policy": self.num_by_policy, "is_sound": self.is_sound}


def write_report(report: AuditReport, directory: Path) -> tuple[Path, Path]:
    """Write `audit.json` and `audit.md` and return their paths."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = directory / "audit.json", directory / "audit.md"
    paths[0].write_text(json.dumps(report.as_dict(), indent=2) + "\n", "utf-8")
    paths[1].write_text(as_markdown(report), "utf-8")
    return paths


def shown(text: str) -> str:
    """A hostile text as one line of ASCII, its middle left out where it is long."""
    if len(text) > MAX_SHOWN_CHARS:
        cut = MAX_SHOWN_CHARS // 2
        return f"{json.dumps(text[:cut])} + {len(text) - 2 * cut} characters + {json.dumps(text[-cut:])}"
    return json.dumps(text)


def as_markdown(report: AuditReport) -> str:
    """The report for people; completions stand in indented code, where nothing is interpreted."""
    head = [f"# Audit of {_plain(report.target)}", "", summary(report), ""]
    return "\n".join(head + [line for surface in report.surfaces for line in _surface_lines(surface)]) + "\n"


def summary(report: AuditReport) -> str:
    """One paragraph: what was tried and what got through."""
    threats = [threat for surface in report.surfaces for threat in surface.threats]
    breaches = [breach for surface in report.surfaces for breach in surface.breaches if not breach.is_policy]
    wrong = sum(breach.threat == WRONG_ANSWER for breach in breaches)
    classes = len({breach.threat for breach in breaches} - {WRONG_ANSWER})
    killed = sum(threat.num_killed for threat in threats)
    parts = [
        f"{sum(threat.num_tried for threat in threats)} attacks of {len(threats)} classes: {len(breaches) - wrong} got through, of {classes} classes.",
        f"{report.num_by_policy} more are paid by what the target may declare." if report.num_by_policy else "",
        f"{sum(surface.num_wrong for surface in report.surfaces)} plain wrong answers: {wrong} paid.",
        f"Gold answers: {sum(s.num_gold_paid for s in report.surfaces)} of {sum(s.num_tasks for s in report.surfaces)} paid.",
        *(f"{s.title}: right answers in the form {s.form!r} earn {s.gold_value:.3g}, wrong ones {s.wrong_value:.3g}." for s in report.surfaces),
        *(f"Tasks on which a right answer earns no more than a wrong one: {s.num_alike}." for s in report.surfaces if s.num_alike),
        f"{killed} attacks had to be stopped by the worker's limits." if killed else "",
        f"Verdicts repeated: {report.num_repeated - len(report.unstable)} of {report.num_repeated}.",
        f"An honest check takes {report.cost.median_s * 1e3:.2f} ms (median), {report.cost.p99_s * 1e3:.2f} ms (p99).",
    ]
    if report.data is not None:
        parts.append(f"A policy that always answers {shown(report.data.commonest_answer)} is right on {report.data.commonest_share:.0%} of the tasks.")
        if report.data.conflicting or report.data.num_without_answer:
            parts.append(f"{len(report.data.conflicting)} tasks contradict another with the same prompt; {report.data.num_without_answer} have no answer.")
    if report.left_out:
        parts.append(f"Not tried: {', '.join(report.left_out)}.")
    return " ".join(part for part in parts if part)


WRONG_ANSWER = "wrong answer"


def _surface_lines(surface: SurfaceReport) -> list[str]:
    lines = [f"## {_plain(surface.title)}", "", f"Answers written in the form: {surface.form}.", ""]
    lines += ["| threat | tried | through | by policy | stopped | what it does | source |", "|---|---|---|---|---|---|---|"]
    by_policy = Counter(breach.threat for breach in surface.breaches if breach.is_policy)
    for threat in surface.threats:
        num_breaches = threat.num_through - by_policy[threat.id]
        through = f"**{num_breaches}**" if num_breaches else "0"
        told = f"{_plain(threat.description)} | {_plain(threat.source)}"
        lines.append(f"| {threat.id} | {threat.num_tried} | {through} | {by_policy[threat.id]} | {threat.num_killed} | {told} |")
    if surface.breaches:
        lines += ["", "What got through:", ""]
        for breach in surface.breaches:
            lines += [
                f"{breach.threat}, {breach.how}{' (by policy)' if breach.is_policy else ''}, task {_plain(breach.task_id)}:",
                "",
                f"    gold  {shown(breach.answer)}",
                f"    input {shown(breach.completion)}",
                "",
            ]
    if surface.gold_failures:
        lines += ["", "Gold answers that are not paid:", ""]
        lines += [line for failure in surface.gold_failures for line in (f"    {shown(failure.completion)}", f"    {shown(failure.reason)}", "")]
    return [*lines, ""]


def _plain(text: str) -> str:
    """A short text of ours or of a user's configuration, harmless in Markdown and HTML."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("|", "\\|").replace("`", "&#96;")
    return " ".join("".join(character if character.isprintable() else " " for character in escaped).split())
