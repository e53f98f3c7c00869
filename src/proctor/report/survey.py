"""A few numbers for every step, counted from its rollouts in the background: lengths by correctness, staleness, suspicions.

Steps are looked at in chunks of bounded size and each file once, so a live run costs only what was added, and a long one fills in while
its page is already open.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from proctor.errors import ProctorError
from proctor.report.rules import IS_CORRECT, ROLLOUT_RULES, RolloutRule
from proctor.report.run_files import RunFiles, StepFile
from proctor.report.store import Store

_CHUNK_ROLLOUTS = 8192
_IS_TASK = "source IS DISTINCT FROM 'canary'"
"""Leaves out the impossible tasks that `proctor.audit.canaries` mixes in: what they earn is not what a step earned."""


@dataclass(frozen=True, slots=True)
class StepSurvey:
    """What the rollouts of one step say together.

    Attributes:
        step: counted from 0.
        num_rollouts: all of them, errors included.
        reward_mean: over those with a reward; None where there is none.
        correct_fraction: of those of whom correctness can be said.
        length_mean, length_correct, length_incorrect: mean completion tokens.
        staleness: mean of versions behind.
        flags: how many rollouts each rule flags; rules whose columns are missing are left out.
        error_kinds: verifier errors by verifier and reason, numbers in the reason replaced by #.
    """

    step: int
    num_rollouts: int
    reward_mean: float | None
    correct_fraction: float | None
    length_mean: float | None
    length_correct: float | None
    length_incorrect: float | None
    staleness: float | None
    flags: Mapping[str, int]
    error_kinds: Mapping[str, int]


@dataclass(slots=True)
class RunSurvey:
    """The steps of a run that were looked at so far.

    Attributes:
        steps: by step.
        problems: files that could not be surveyed, by step.
        version: grows with every chunk.
    """

    steps: dict[int, StepSurvey] = field(default_factory=dict[int, StepSurvey])
    problems: dict[int, str] = field(default_factory=dict[int, str])
    version: int = 0
    _stamps: dict[int, tuple[int, int, int]] = field(default_factory=dict[int, tuple[int, int, int]])

    def pending(self, files: Mapping[int, StepFile]) -> list[StepFile]:
        """The files that changed since they were looked at, newest step first; what is no longer there is forgotten."""
        gone = [step for step in self._stamps if step not in files]
        if gone:
            self.steps = {step: survey for step, survey in self.steps.items() if step in files}
            self.problems = {step: problem for step, problem in self.problems.items() if step in files}
            self._stamps = {step: stamp for step, stamp in self._stamps.items() if step in files}
            self.version += 1
        return [file for step, file in sorted(files.items(), reverse=True) if self._stamps.get(step) != file.stamp]

    def advance(self, store: Store, files: Mapping[int, StepFile]) -> bool:
        """Look at one more chunk. False when there was nothing left to do."""
        chunk = next(_chunks(self.pending(files)), None)
        if chunk is None:
            return False
        try:
            found = survey_files(store, chunk)
        except ProctorError:
            found = self._one_by_one(store, chunk)
        self.steps = {**self.steps, **{survey.step: survey for survey in found}}  # replaced, not changed: other threads read it
        self._stamps.update({file.step: file.stamp for file in chunk})
        self.version += 1
        return True

    def ordered(self) -> list[StepSurvey]:
        """By step."""
        return [survey for _, survey in sorted(self.steps.items())]

    def _one_by_one(self, store: Store, chunk: Sequence[StepFile]) -> list[StepSurvey]:
        """The files of a chunk of which one cannot be read: the others count."""
        found: list[StepSurvey] = []
        for file in chunk:
            try:
                found.extend(survey_files(store, [file]))
                self.problems.pop(file.step, None)
            except ProctorError as error:
                self.problems[file.step] = f"step {file.step}: {error}"
        return found


def _chunks(files: Sequence[StepFile]) -> Iterator[list[StepFile]]:
    """Files together up to `_CHUNK_ROLLOUTS` rollouts, at least one, with the same columns."""
    chunk: list[StepFile] = []
    for file in files:
        if chunk and (sum(other.num_rollouts for other in chunk) + file.num_rollouts > _CHUNK_ROLLOUTS or file.columns != chunk[0].columns):
            yield chunk
            chunk = []
        chunk.append(file)
    if chunk:
        yield chunk


def usable_rules(columns: frozenset[str]) -> list[RolloutRule]:
    """The rules that these columns suffice for."""
    return [rule for rule in ROLLOUT_RULES.values() if rule.columns <= columns]


def survey_files(store: Store, files: Sequence[StepFile]) -> list[StepSurvey]:
    """Count over files that have the same columns; one answer for each file, in its step's name.

    Raises:
        LearnerError: a file cannot be read.
    """
    rules = usable_rules(files[0].columns)
    counts = "".join(f", count(*) FILTER (WHERE {rule.sql})" for rule in rules)
    rows = store.ask(
        files,
        f"""SELECT step, count(*), avg(reward) FILTER (WHERE {_IS_TASK}), avg(({IS_CORRECT})::INT) FILTER (WHERE {_IS_TASK}), avg(num_completion_tokens),
            avg(num_completion_tokens) FILTER (WHERE {IS_CORRECT}), avg(num_completion_tokens) FILTER (WHERE NOT {IS_CORRECT}),
            avg(step - policy_version){counts} FROM rollouts GROUP BY step""",
    )
    kinds = _error_kinds(store, files) if "scores" in files[0].columns else {}
    names = [rule.name for rule in rules]
    return [_step_survey(row, names, kinds.get(row[0], {})) for row in rows]


def _step_survey(row: tuple[Any, ...], names: Sequence[str], error_kinds: Mapping[str, int]) -> StepSurvey:
    step, num_rollouts, reward, correct, length, length_correct, length_incorrect, staleness, *flags = row
    flagged = dict(zip(names, flags, strict=True))
    return StepSurvey(step, num_rollouts, reward, correct, length, length_correct, length_incorrect, staleness, flagged, error_kinds)


def _error_kinds(store: Store, files: Sequence[StepFile]) -> dict[int, dict[str, int]]:
    rows = store.ask(
        files,
        """SELECT step, score.name || ': ' || left(regexp_replace(coalesce(score.reason, ''), '[0-9]+', '#', 'g'), 80) AS kind, count(*)
            FROM (SELECT step, unnest(scores) AS score FROM rollouts) WHERE score.outcome = 'ERROR' GROUP BY step, kind""",
    )
    kinds: dict[int, dict[str, int]] = {}
    for step, kind, count in rows:
        kinds.setdefault(step, {})[kind] = count
    return kinds


class Surveyor:
    """Surveys runs in a thread of its own until it is closed."""

    def __init__(self, store: Store, runs: Sequence[RunFiles], refresh: Callable[[], None], *, pause_s: float = 0.5) -> None:
        """Begin at once.

        Args:
            store: to ask.
            runs: to survey.
            refresh: looks at them again; called while files of theirs are still to be read.
            pause_s: between two looks when there is nothing to do.
        """
        self.surveys = [RunSurvey() for _ in runs]
        self._store, self._runs, self._refresh, self._pause_s = store, runs, refresh, pause_s
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="proctor-surveyor", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread, after the chunk in progress."""
        self._closing.set()
        self._thread.join()

    def _work(self) -> None:
        self._closing.wait(self._pause_s)  # the first page comes first
        while not self._closing.is_set():
            if not all(run.is_all_read for run in self._runs):
                self._refresh()
            busy = [survey.advance(self._store, run.files) for survey, run in zip(self.surveys, self._runs, strict=True)]
            if not any(busy):
                self._closing.wait(self._pause_s)
            else:
                self._closing.wait(0.01)  # requests come first


def survey_whole(store: Store, run: RunFiles) -> RunSurvey:
    """Survey a run to its end, now."""
    survey = RunSurvey()
    while survey.advance(store, run.files):
        pass
    return survey
