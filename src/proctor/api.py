"""`proctor.train`: a policy, tasks and a reward function in, a better policy out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proctor.config import GIVEN_IN_PYTHON, RunConfig, from_mapping
from proctor.core import Task
from proctor.data.config import DataConfig
from proctor.errors import ConfigError
from proctor.models.policy import Policy
from proctor.training.events import Listener
from proctor.training.run import RunResult, run_training
from proctor.training.session import Given
from proctor.verifiers.rewards import as_part

if TYPE_CHECKING:
    from proctor.cli.progress import ProgressView

RewardFunction = Callable[..., Any]
Tasks = str | Sequence[Task | Mapping[str, Any]]


def train(
    policy: Policy | str,
    tasks: Tasks,
    reward: str | RewardFunction | Sequence[str | RewardFunction],
    *,
    test: Tasks | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    listener: Listener | None = None,
    **settings: Any,
) -> RunResult:
    """Train a policy on tasks whose answers a reward function checks.

        policy = proctor.load_policy("smollm2-135m")
        tasks = "arithmetic:digits=1"
        proctor.train(policy, tasks, reward=lambda completion, answer: float(answer in completion), num_steps=12)

    Args:
        policy: from `load_policy` (trained in place), or what it takes.
        tasks: a source (`"arithmetic"`, a file, a hub data set), or a sequence of `Task`s or of mappings with `prompt` and `answer`.
        reward: a short name, a Python function, or several, which are summed. Per sample `f(completion, answer, ...)` or batched
            `f(prompts, completions, **columns)`; the signatures of TRL and verl work unchanged.
        test: held-out tasks; by default some are set apart from `tasks` when those are a source, and none otherwise.
        out: run directory; by default `runs/custom-<time>`.
        resume: continue the run at `out`.
        listener: told what happens; None shows progress on the terminal.
        **settings: keys of the configuration, tables as mappings: `num_steps=20, learner={"num_epochs": 2}, scoring={"in_process": True}`.

    Raises:
        ProctorError: something does not fit or failed; the message is complete.
    """
    listed = [reward] if isinstance(reward, str) or callable(reward) else list(reward)
    given = Given(
        policy=policy if isinstance(policy, Policy) else None,
        train=None if isinstance(tasks, str) else as_tasks(tasks),
        test=as_tasks(test) if test is not None and not isinstance(test, str) else None,
        rewards=None if all(isinstance(entry, str) for entry in listed) else [_part(entry, index) for index, entry in enumerate(listed)],
    )
    config = _config(policy, tasks, test, listed, settings)
    with ExitStack() as stack:
        if listener is None:
            view = _terminal()
            stack.callback(view.close)
            listener = view
        return run_training(config, recipe="custom", out=Path(out) if out else None, resume=resume, emit=listener, given=given)


def _config(policy: Policy | str, tasks: Tasks, test: Tasks | None, rewards: Sequence[str | RewardFunction], settings: Mapping[str, Any]) -> RunConfig:
    data: dict[str, Any] = dict(settings.get("data", {}))
    data.setdefault("train", tasks if isinstance(tasks, str) else GIVEN_IN_PYTHON)
    if isinstance(test, str):
        data["test"] = test
    named = [entry if isinstance(entry, str) else _name(entry, index) for index, entry in enumerate(rewards)]
    source = policy.source if isinstance(policy, Policy) else policy
    return from_mapping({"model": source, **settings, "data": data, "rewards": named})


def _part(entry: str | RewardFunction, index: int) -> Any:
    if isinstance(entry, str):
        raise ConfigError(
            f"reward {entry!r} is a name among functions; give names only, or functions only (a built-in verifier can be imported from proctor.verifiers)"
        )
    return as_part(entry, name=_name(entry, index))


def _name(function: RewardFunction, index: int) -> str:
    name = getattr(function, "__name__", type(function).__name__)
    return f"reward_{index}" if name == "<lambda>" else name


def as_tasks(rows: Sequence[Task | Mapping[str, Any]]) -> list[Task]:
    """Tasks as they are, and mappings read like rows of a file.

    Raises:
        ConfigError: an entry is neither.
    """
    plain = [row for row in rows if not isinstance(row, Task)]
    if not plain:
        return [row for row in rows if isinstance(row, Task)]
    if len(plain) < len(rows) or not all(isinstance(row, Mapping) for row in plain):
        other = next((row for row in plain if not isinstance(row, Mapping)), None)
        raise ConfigError(f"tasks must be Tasks, or mappings with a prompt; given: {'both kinds' if other is None else type(other).__name__}")
    from proctor.data.loaders import tasks_from_rows

    return list(tasks_from_rows([dict(row) for row in plain if isinstance(row, Mapping)], config=DataConfig(train=GIVEN_IN_PYTHON)).tasks)


def _terminal() -> ProgressView:
    from proctor.cli.progress import ProgressView

    return ProgressView()
