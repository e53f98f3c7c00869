"""What a user can say about data. It is read from TOML elsewhere; nothing here opens a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from proctor.errors import ConfigError
from proctor.plugins import unknown

ROLES = ("prompt", "answer", "source", "id", "metadata")
"""What a column can be mapped to."""


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

    def __post_init__(self) -> None:
        for role in self.columns:
            if role not in ROLES:
                raise ConfigError(unknown(role, kind="role in data.columns", allowed=ROLES))
        if "{prompt}" not in self.template:
            raise ConfigError(f'data.template is {self.template!r}; it must contain "{{prompt}}", the place where the prompt goes')
        for name, value in (("max_tasks", self.max_tasks), ("max_test_tasks", self.max_test_tasks)):
            if value is not None and value < 1:
                raise ConfigError(f"data.{name} is {value}; it must be at least 1, or left out for no limit")
