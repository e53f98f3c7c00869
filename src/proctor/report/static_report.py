"""One file for a colleague: the same front end with its data inside, the rollouts as a sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

from proctor.report.comparison import Comparison, Side, compare, whole
from proctor.report.library import Library
from proctor.report.overview import Overview, overview
from proctor.report.page import Vocabulary, single_page, vocabulary
from proctor.report.query import Condition, condition, parse
from proctor.report.rollout import RolloutView
from proctor.report.rules import ROLLOUT_RULES
from proctor.report.run_files import RunFiles
from proctor.report.store import Key, Row
from proctor.report.survey import RunSurvey, survey_whole
from proctor.report.suspicions import Suspicion, suspicions
from proctor.report.verdicts import Verdict, cases_jsonl

_FLAGGED_EACH = 4
_COMPARED_TASKS = 100


@dataclass(frozen=True, slots=True)
class Sample:
    """A rollout in the report.

    Attributes:
        row: as in a listing.
        view: as on its page.
        flags: the suspicions that name it.
    """

    row: Row
    view: RolloutView
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReportedRun:
    """The head of a run; `sampled` says in words how many of its rollouts the report holds."""

    name: str
    version: int
    status: str
    reason: str
    silent_s: float | None
    num_rollouts: int
    num_surveyed: int
    num_files: int
    steps: tuple[tuple[int, int], ...]
    sampled: str


@dataclass(frozen=True, slots=True)
class Report:
    """Everything in the file, by run."""

    vocabulary: Vocabulary
    runs: tuple[ReportedRun, ...]
    overviews: tuple[Overview, ...]
    suspicions: tuple[tuple[Suspicion, ...], ...]
    verdicts: tuple[tuple[Verdict, ...], ...]
    cases: tuple[str, ...]
    samples: tuple[tuple[Sample, ...], ...]
    comparison: Comparison | None


def write_report(library: Library, *, num_rollouts: int) -> tuple[str, tuple[ReportedRun, ...]]:
    """The report as HTML, and what it says of each run.

    Args:
        library: the runs to report.
        num_rollouts: at most this many of each run. Marked and flagged ones come first; whole groups, evenly over the steps, fill the rest.
    """
    surveys = [survey_whole(library.store, run) for run in library.runs]
    samples = [_samples(library, run, survey, num_rollouts) for run, survey in zip(library.runs, surveys, strict=True)]
    runs = tuple(_head(run, survey, len(sample)) for run, survey, sample in zip(library.runs, surveys, samples, strict=True))
    marks = [tuple(library.verdicts(run)) for run in library.runs]
    report = Report(
        vocabulary(),
        runs,
        tuple(overview(run, survey) for run, survey in zip(library.runs, surveys, strict=True)),
        tuple(tuple(suspicions(survey)) for survey in surveys),
        tuple(marks),
        tuple(cases_jsonl(verdicts) for verdicts in marks),
        tuple(samples),
        _comparison(library),
    )
    return single_page(report), runs


def _head(run: RunFiles, survey: RunSurvey, num_sampled: int) -> ReportedRun:
    sampled = f"a sample of {num_sampled:,} of {run.num_rollouts:,} rollouts is in this report"
    steps = sorted(run.files)
    ranges = ((steps[0], steps[-1]),) if steps else ()
    return ReportedRun(run.name, 0, run.state.status, run.state.reason, None, run.num_rollouts, len(survey.steps), len(run.files), ranges, sampled)


def _samples(library: Library, run: RunFiles, survey: RunSurvey, num_rollouts: int) -> tuple[Sample, ...]:
    flagged = {name: _flagged(library, run, survey, name) for name in ROLLOUT_RULES}
    first = [verdict.key for verdict in library.verdicts(run) if verdict.step in run.files]
    wanted = list(
        dict.fromkeys([*first, *(key for keys in zip_longest(*flagged.values()) for key in keys if key is not None), *_spread(library, run, num_rollouts)])
    )
    keys = sorted(wanted[:num_rollouts])
    rows = library.store.rows(run.files, keys)
    flags = {name: set(_of_these(library, run, survey, name, keys)) for name in ROLLOUT_RULES}
    return tuple(Sample(row, library.rollout(run, row.key), tuple(name for name, found in flags.items() if row.key in found)) for row in rows)


def _of_these(library: Library, run: RunFiles, survey: RunSurvey, name: str, keys: Sequence[Key]) -> list[Key]:
    """Those of `keys` that a rule flags."""
    files = [run.files[step] for step in sorted({key.step for key in keys}) if survey.steps[step].flags.get(name)]
    flag = condition(parse(f"flag = {name}"))
    where = Condition(f'list_contains(?::VARCHAR[], concat_ws(\'/\', step, "group", "index")) AND ({flag.sql})', ([str(key) for key in keys], *flag.parameters))
    return library.store.keys(files, where, order="place", limit=len(keys))


def _flagged(library: Library, run: RunFiles, survey: RunSurvey, name: str) -> list[Key]:
    """A few rollouts behind a rule, from the newest steps that have any."""
    where = condition(parse(f"flag = {name}"))
    found: list[Key] = []
    for step in (each.step for each in reversed(survey.ordered()) if each.flags.get(name)):
        found.extend(library.store.keys([run.files[step]], where, order="place", limit=_FLAGGED_EACH - len(found)))
        if len(found) == _FLAGGED_EACH:
            break
    return found


def _spread(library: Library, run: RunFiles, num_rollouts: int) -> list[Key]:
    """Whole groups, one a step at a time, the steps evenly apart."""
    steps = sorted(run.files)
    if not steps or num_rollouts < 1:
        return []
    num_steps = max(1, min(len(steps), num_rollouts // 8))
    chosen = sorted({steps[round(place * (len(steps) - 1) / max(1, num_steps - 1))] for place in range(num_steps)})
    by_step = []
    for step in chosen:
        keys = library.store.keys([run.files[step]], Condition("TRUE"), order="place", limit=num_rollouts)
        groups: dict[int, list[Key]] = {}
        for key in keys:
            groups.setdefault(key.group, []).append(key)
        by_step.append(list(groups.values()))
    return [key for groups in zip_longest(*by_step) for key in chain.from_iterable(group for group in groups if group is not None)]


def _comparison(library: Library) -> Comparison | None:
    """The first two runs, or the first and the last quarter of the steps of the only one."""
    if len(library.runs) > 1:
        return compare(library.store, whole(library.runs[0]), whole(library.runs[1]), limit=_COMPARED_TASKS)
    steps = sorted(library.runs[0].files)
    if len(steps) < 2:
        return None
    quarter = (steps[-1] - steps[0]) // 4
    run = library.runs[0]
    return compare(library.store, Side(run, steps[0], steps[0] + quarter), Side(run, steps[-1] - quarter, steps[-1]), limit=_COMPARED_TASKS)


def summary_of(runs: Sequence[ReportedRun]) -> str:
    """What the report holds, in a line a run."""
    return "\n".join(f"{run.name}: {run.sampled}" for run in runs)
