"""What a user can say about data. It is read from TOML elsewhere; nothing here opens a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from proctor.errors import ConfigError
from proctor.plugins import unknown

ROLES = ("prompt", "answer", "source", "id", "metadata")
"""What a column can be mapped to."""


@dataclass(frozen=True, slots=True)
class FurtherSource:
    """A source that is trained on beside `data.train`.

    Attributes:
        source: as `data.train`; the columns, template, system message and subset are those of `data`.
        weight: its part of the tasks of a step, in the unit of `data.weight`.
        split: of a hub data set.
        max_tasks: at most so many of its tasks, the first ones; None: all (generators: 2048).
    """

    source: str
    weight: float
    split: str = "train"
    max_tasks: int | None = None

    def __post_init__(self) -> None:
        _check_weight("data.further: weight", self.weight)
        if self.max_tasks is not None and self.max_tasks < 1:
            raise ConfigError(f"data.further: max_tasks is {self.max_tasks}; it must be at least 1, or left out for no limit")


def _check_weight(name: str, weight: float) -> None:
    if not 0 < weight < float("inf"):
        raise ConfigError(f"{name} must be a positive number, not {weight}")


@dataclass(frozen=True, slots=True)
class Curriculum:
    """From easy to hard: only the easiest tasks at first, and all of them after `num_steps`.

    Source: Kimi Team 2025 (Kimi k1.5), section 2.3.4, curriculum sampling. The paper does not say how its set grows; here it
    grows in proportion to the steps.

    Attributes:
        num_steps: step from which every task may be drawn.
        by: column with a number that says how hard a task is.
        harder: whether "higher" or "lower" numbers are harder; a pass rate is harder where it is lower.
        start: share of each source's tasks that may be drawn at step 0.
    """

    num_steps: int
    by: str = "difficulty"
    harder: Literal["higher", "lower"] = "higher"
    start: float = 0.1

    def __post_init__(self) -> None:
        if self.num_steps < 1:
            raise ConfigError(f"data.schedule.curriculum.num_steps must be at least 1, not {self.num_steps}")
        if not 0 < self.start <= 1:
            raise ConfigError(f"data.schedule.curriculum.start must be greater than 0 and at most 1, not {self.start}")


@dataclass(frozen=True, slots=True)
class Priorities:
    """Tasks that are failed more are drawn more: P(i) in proportion to 1 - s_i, s_i the success rate of task i.

    Source: Kimi Team 2025 (Kimi k1.5), section 2.3.4, prioritised sampling. Floor, re-estimation and the limit on hopeless
    tasks are not in the paper; without them a rate of the first steps would be believed for ever, and tasks that are never
    solved would fill every step.

    Attributes:
        floor: least weight of a task, so that every rate is measured again some time.
        decay: share of the old estimate that remains when a task is drawn again; 0 believes the newest group alone.
        half_life: steps after which the estimate of a task that was not drawn is half-way back to that of an unknown one (0.5).
        hopeless_after: groups in a row without any success after which a task has the floor for its weight, until it succeeds.
    """

    floor: float = 0.05
    decay: float = 0.5
    half_life: int = 200
    hopeless_after: int = 4

    def __post_init__(self) -> None:
        if not 0 < self.floor <= 1 or not 0 <= self.decay < 1:
            raise ConfigError(f"data.schedule.priorities needs 0 < floor <= 1 and 0 <= decay < 1, not floor = {self.floor}, decay = {self.decay}")
        if self.half_life < 1 or self.hopeless_after < 1:
            raise ConfigError(f"data.schedule.priorities: half_life and hopeless_after must be at least 1, not {self.half_life} and {self.hopeless_after}")


@dataclass(frozen=True, slots=True)
class Retirement:
    """Tasks that are solved again and again are no longer drawn, but for a look now and then whether they still are.

    Attributes:
        success: a group of at least this success rate counts as mastered.
        times: mastered groups in a row after which a task retires.
        revisit_every: steps after which a retired task may be drawn again; one group below `success` brings it back.
    """

    success: float = 1.0
    times: int = 2
    revisit_every: int = 50

    def __post_init__(self) -> None:
        if not 0 < self.success <= 1 or self.times < 1 or self.revisit_every < 1:
            raise ConfigError(
                "data.schedule.retirement needs 0 < success <= 1, times of at least 1 and revisit_every of at least 1, "
                f"not {self.success}, {self.times} and {self.revisit_every}"
            )


@dataclass(frozen=True, slots=True)
class ScheduleConfig:
    """Which tasks are drawn when. Nothing set: every task once an epoch, in random order.

    Attributes:
        curriculum: from easy to hard.
        priorities: what is failed more is drawn more.
        retirement: what is mastered is left alone.
    """

    curriculum: Curriculum | None = None
    priorities: Priorities | None = None
    retirement: Retirement | None = None

    @property
    def is_on(self) -> bool:
        """Whether tasks are drawn in any other way than in epochs."""
        return self != ScheduleConfig()

    @property
    def needs_success(self) -> bool:
        """Whether what is drawn depends on how tasks went."""
        return self.priorities is not None or self.retirement is not None


@dataclass(frozen=True, slots=True)
class DataConfig:
    """Where tasks come from and how their columns are read.

    Attributes:
        train: a source: `"arithmetic"`, `"arithmetic:digits=2,operation=multiply"`, `"reasoning_gym:chain_sum,min_terms=2"`,
            a path ending in .jsonl, .json, .parquet or .csv, or the name of a hub data set (`"openai/gsm8k"`).
        test: the held-out source. None: the hub data set's own `split_test`; for every other source, tasks are set apart
            from `train` by seed, so that no prompt is in both.
        split_train: split of a hub data set to train on; files and generators have none.
        split_test: split of a hub data set to test on; the same as `split_train` means: set tasks apart from it.
        subset: configuration name of a hub data set, such as "main" for openai/gsm8k.
        columns: role -> column name, for `prompt`, `answer`, `source`, `id`, `metadata`; overrides detection. A dot reaches
            into a nested column (`reward_model.ground_truth`); an empty name says that there is no such column.
        template: text around every prompt; "{prompt}" stands for it. In a conversation it wraps the last user message.
        system: a system message to put first; it replaces one that the data brings along.
        max_tasks: at most so many training tasks, the first ones; None: all (generators: 2048).
        max_test_tasks: at most so many held-out tasks, the first ones; None: all (generators and tasks set apart: 256).
        weight: part of `train` in the tasks of a step, beside the weights of `further`.
        further: more sources to train on.
        schedule: curriculum, priorities, retirement.
    """

    train: str
    test: str | None = None
    split_train: str = "train"
    split_test: str = "test"
    subset: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    template: str = "{prompt}"
    system: str | None = None
    max_tasks: int | None = None
    max_test_tasks: int | None = None
    weight: float = 1.0
    further: tuple[FurtherSource, ...] = ()
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)

    def __post_init__(self) -> None:
        for role in self.columns:
            if role not in ROLES:
                raise ConfigError(unknown(role, kind="role in data.columns", allowed=ROLES))
        if "{prompt}" not in self.template:
            raise ConfigError(f'data.template is {self.template!r}; it must contain "{{prompt}}", the place where the prompt goes')
        for name, value in (("max_tasks", self.max_tasks), ("max_test_tasks", self.max_test_tasks)):
            if value is not None and value < 1:
                raise ConfigError(f"data.{name} is {value}; it must be at least 1, or left out for no limit")
        _check_weight("data.weight", self.weight)
