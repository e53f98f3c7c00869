"""The runs that are shown, looked at again when asked, and every question about them: what the server, the report and the terminal share."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from proctor.errors import ConfigError
from proctor.report.overview import Overview, overview
from proctor.report.query import Condition, condition, parse
from proctor.report.rollout import RolloutView, read_rollout
from proctor.report.run_files import RunFiles, StepFile, open_runs
from proctor.report.store import Key, Order, Row, Store
from proctor.report.survey import RunSurvey
from proctor.report.tokens import TokenReader
from proctor.report.verdicts import Verdict, marked_keys, read_verdicts

_REFRESH_S = 1.0
GROUP_CHARACTERS = 4000
MAX_PAGE = 200


@dataclass(frozen=True, slots=True)
class Question:
    """Which rollouts of a run, and in which order.

    Attributes:
        search: in the language of `proctor.report.query`.
        step: only of this step; None for all.
        task_id: only of this task; None for all.
        order: of the answer.
        offset: how many to pass over.
        limit: at most how many.
    """

    search: str = ""
    step: int | None = None
    task_id: str | None = None
    order: Order = "place"
    offset: int = 0
    limit: int = 50


class Library:
    """Open runs and their rollouts. Safe to use from several threads."""

    def __init__(self, paths: Sequence[Path], *, max_files: int | None = None) -> None:
        """Open the runs at `paths`; see `proctor.report.run_files.open_runs`.

        Args:
            paths: where they lie.
            max_files: how many files of rollouts of each to read before this returns; None reads all, `refresh` reads the rest.

        Raises:
            ConfigError: there is none at one of them.
        """
        self.runs = open_runs(list(paths), max_files=max_files)
        self.store = Store()
        self._lock = threading.Lock()  # held while a run is looked at again, and by who must not see it half-way
        self._readers_lock = threading.Lock()
        self._refreshed = time.monotonic()
        self._readers: dict[Path | None, TokenReader] = {}

    def close(self) -> None:
        self.store.close()

    def refresh(self) -> None:
        """Look at the directories again; once a second at most, but at once while files are left from the last look."""
        with self._lock:
            if time.monotonic() - self._refreshed < _REFRESH_S and all(run.is_all_read for run in self.runs):
                return
            for run in self.runs:
                run.refresh()
            self._refreshed = time.monotonic()

    def run(self, number: int) -> RunFiles:
        """The run of that number.

        Raises:
            ConfigError: there is none.
        """
        if not 0 <= number < len(self.runs):
            raise ConfigError(f"there is no run {number}; {len(self.runs)} are open, counted from 0")
        return self.runs[number]

    def page(self, run: RunFiles, question: Question) -> list[Row]:
        """One page of rollouts.

        Raises:
            ConfigError: the search cannot be read.
        """
        files, where = self._asked(run, question)
        keys = self.store.keys(files, where, order=question.order, limit=min(question.limit, MAX_PAGE), offset=question.offset)
        return self.store.rows(self._files_of(run, keys), keys)

    def count(self, run: RunFiles, question: Question) -> int:
        """How many rollouts answer a question, on all its pages.

        Raises:
            ConfigError: the search cannot be read.
        """
        files, where = self._asked(run, question)
        return self.store.count(files, where)

    def group(self, run: RunFiles, step: int, group: int) -> list[Row]:
        """The rollouts of one group, with more of their texts."""
        file = run.file(step)
        keys = self.store.keys([file] if file else [], Condition('"group" = ?', (group,)), order="place", limit=MAX_PAGE)
        return self.store.rows(self._files_of(run, keys), keys, num_characters=GROUP_CHARACTERS)

    def task(self, run: RunFiles, task_id: str, first: int, last: int) -> list[Row]:
        """The rollouts of one task in the steps from `first` to `last`, with more of their texts."""
        files = [file for step, file in run.files.items() if first <= step <= last]
        keys = self.store.keys(files, Condition("task_id = ?", (task_id,)), order="place", limit=MAX_PAGE)
        return self.store.rows(self._files_of(run, keys), keys, num_characters=GROUP_CHARACTERS)

    def rollout(self, run: RunFiles, key: Key, *, tokens_offset: int = 0) -> RolloutView:
        """Everything about one rollout.

        Raises:
            ConfigError: there is no such rollout.
        """
        return read_rollout(self.store, run, key, self.reader(run), tokens_offset=tokens_offset)

    def reader(self, run: RunFiles) -> TokenReader:
        """The reader of the run's tokens, kept until the run writes another tokenizer."""
        path = run.tokenizer_path()
        with self._readers_lock:
            if path is None or path not in self._readers:
                self._readers[path] = TokenReader(path)
            return self._readers[path]

    def overview(self, run: RunFiles, survey: RunSurvey) -> Overview:
        """Everything for the overview of a run, between two looks at its directory."""
        with self._lock:
            return overview(run, survey)

    def verdicts(self, run: RunFiles) -> list[Verdict]:
        """The marks of a run."""
        return read_verdicts(run)

    @staticmethod
    def _files_of(run: RunFiles, keys: Sequence[Key]) -> dict[int, StepFile]:
        return {step: file for step in {key.step for key in keys} if (file := run.file(step)) is not None}

    def _asked(self, run: RunFiles, question: Question) -> tuple[list[StepFile], Condition]:
        """The files to look in and the condition on their rows."""
        node = parse(question.search)
        marks: Mapping[str, Sequence[str]] = marked_keys(read_verdicts(run)) if "verdict" in question.search else {}
        where = condition(node, marks=marks)
        if question.task_id is not None:
            where = Condition(f"task_id = ? AND ({where.sql})", (question.task_id, *where.parameters))
        if question.step is None:
            return [file for _, file in sorted(run.files.items())], where
        file = run.file(question.step)
        return ([file] if file else []), where
