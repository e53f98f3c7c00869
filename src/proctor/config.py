"""The configuration of a run: frozen dataclasses owned by the rooms they configure, read from TOML at this door.

pydantic only converts and checks; it is imported here and nowhere else. Unknown keys are refused with the allowed ones.
"""

from __future__ import annotations

import dataclasses
import tomllib
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from proctor.audit.config import AuditConfig
from proctor.data.config import DataConfig
from proctor.engines.base import Sampling
from proctor.errors import ConfigError
from proctor.learner.config import LearnerConfig
from proctor.models.config import ComputeDtype, Precision
from proctor.plugins import load, unknown
from proctor.rollouts.config import RolloutConfig, ThinkingConfig, check_partial

if TYPE_CHECKING:
    from proctor.algorithms.spec import AnyObjective


GIVEN_IN_PYTHON = "given in Python"
"""Stands for a source where a caller handed over tasks instead of naming them."""


@dataclass(frozen=True, slots=True)
class RewardConfig:
    """One part of the reward.

    Attributes:
        function: a short name (`math`, `number`, `format`, ...) or an import string (`"my_rewards.py:helpful"`).
        weight: of its value in the reward.
        name: under which it is logged; the function's own where empty.
        arguments: keyword arguments of a verifier that is a class.
    """

    function: str
    weight: float = 1.0
    name: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ScoringConfig:
    """Where reward functions run.

    Attributes:
        num_workers: processes; None takes one a core, at most four.
        timeout_s: a call that takes longer is killed and counted.
        max_memory_bytes: address space of a worker; a call that needs more is killed and counted.
        in_process: run them inside the training process: no limit holds there. Recorded in the manifest.
    """

    num_workers: int | None = None
    timeout_s: float = 10.0
    max_memory_bytes: int = 2 * 2**30
    in_process: bool = False

    def __post_init__(self) -> None:
        if self.num_workers is not None and self.num_workers < 1:
            raise ConfigError(f"scoring.num_workers must be at least 1, not {self.num_workers}")
        if not self.timeout_s > 0:
            raise ConfigError(f"scoring.timeout_s must be greater than 0, not {self.timeout_s}")
        if self.max_memory_bytes < 64 * 2**20:
            raise ConfigError(f"scoring.max_memory_bytes must be at least 64 MiB (67108864), not {self.max_memory_bytes}")


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """How tokens are drawn beside `temperature` and `max_completion_tokens`.

    Attributes:
        max_rows: completions decoded side by side.
        top_p: see `engines.base.Sampling`.
        top_k: likewise.
        min_p: likewise.
        stop: strings that end a completion.
        precision: in which the sampler reads the weights. With any other than "same" it is another policy than the one that is trained, as
            with an engine that quantises: give the objective a correction.
    """

    max_rows: int = 128
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    stop: tuple[str, ...] = ()
    precision: Precision = "same"

    def __post_init__(self) -> None:
        if self.max_rows < 1:
            raise ConfigError(f"engine.max_rows must be at least 1, not {self.max_rows}")


@dataclass(frozen=True, slots=True)
class EvaluationConfig:
    """Evaluation on the held-out tasks, before and after training.

    Attributes:
        every: also every so many steps; 0 only before and after.
        num_tasks: held-out tasks, the first ones; 0 evaluates nothing.
        num_samples: completions a task.
        temperature: of those; 0 is greedy.
    """

    every: int = 0
    num_tasks: int = 200
    num_samples: int = 1
    temperature: float = 0.0

    def __post_init__(self) -> None:
        for name, value, minimum in (
            ("every", self.every, 0),
            ("num_tasks", self.num_tasks, 0),
            ("num_samples", self.num_samples, 1),
            ("temperature", self.temperature, 0),
        ):
            if value < minimum:
                raise ConfigError(f"evaluation.{name} must be at least {minimum}, not {value}")
        if self.num_samples > 1 and self.temperature == 0:
            raise ConfigError(
                f"evaluation.num_samples={self.num_samples} at evaluation.temperature=0 draws the same completion every time; use a temperature above 0"
            )


@dataclass(frozen=True, slots=True)
class TrackingConfig:
    """Which sinks are open beside `metrics.jsonl`. Nothing leaves the machine unless `wandb_mode` is "online".

    Attributes:
        tensorboard: write event files into the run directory.
        wandb: log to Weights & Biases.
        trackio: log to the local trackio dashboard.
        project: the name under which W&B and trackio collect runs.
        wandb_mode: "offline" keeps everything in the run directory; "online" sends it to the W&B server.
    """

    tensorboard: bool = False
    wandb: bool = False
    trackio: bool = False
    project: str = "proctor"
    wandb_mode: Literal["offline", "online"] = "offline"


@dataclass(frozen=True, slots=True)
class RunConfig:
    """Everything that a run depends on.

    Attributes:
        model: what `load_policy` takes.
        algorithm: a preset of `algorithms.presets` or an import string.
        objective: keyword arguments of the preset, such as `beta` or `clip_high`.
        num_steps: optimizer batches.
        prompts_per_step: tasks in each.
        group_size: rollouts a task.
        max_completion_tokens: a completion is truncated there.
        learning_rate: at its peak.
        temperature: of sampling, and of every training pass.
        seed: of data order, sampling, random weights.
        deterministic: CPU, fp32, fixed shapes: the same run twice is bit-identical, and so is one that was killed and resumed.
        checkpoint_every: steps between checkpoints: at most so many are repeated after a kill.
        keep_checkpoints: older ones are deleted.
        compute_dtype: of matrix products; "auto" is bfloat16 where the hardware has it.
        device: "cpu", "cuda"; None takes a CUDA device where there is one.
        rewards: the parts of the reward.
    """

    data: DataConfig
    rewards: tuple[RewardConfig, ...]
    model: str = "smollm2-135m"
    algorithm: str = "grpo"
    objective: Mapping[str, Any] = field(default_factory=dict)
    num_steps: int = 100
    prompts_per_step: int = 8
    group_size: int = 8
    max_completion_tokens: int = 256
    learning_rate: float = 1e-6
    temperature: float = 1.0
    seed: int = 0
    deterministic: bool = False
    checkpoint_every: int = 10
    keep_checkpoints: int = 2
    compute_dtype: ComputeDtype = "auto"
    device: str | None = None
    scoring: ScoringConfig = field(default_factory=ScoringConfig)
    engine: EngineConfig = field(default_factory=EngineConfig)
    learner: LearnerConfig = field(default_factory=LearnerConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
    audit: AuditConfig = field(default_factory=AuditConfig)
    thinking: ThinkingConfig = field(default_factory=ThinkingConfig)
    rollout: RolloutConfig = field(default_factory=RolloutConfig)

    def __post_init__(self) -> None:
        for name in ("num_steps", "prompts_per_step", "group_size", "max_completion_tokens", "checkpoint_every", "keep_checkpoints"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1, not {getattr(self, name)}")
        if self.seed < 0:
            raise ConfigError(f"seed must be at least 0, not {self.seed}")
        if not self.learning_rate > 0:
            raise ConfigError(f"learning_rate must be greater than 0, not {self.learning_rate}")
        if self.temperature <= 0:
            raise ConfigError(f"temperature must be greater than 0 to train (greedy completions of a task are all alike), not {self.temperature}")

    @property
    def sampling(self) -> Sampling:
        """How training rollouts are drawn."""
        engine = self.engine
        return Sampling(self.temperature, self.max_completion_tokens, engine.top_p, engine.top_k, engine.min_p, engine.stop)

    @property
    def evaluation_sampling(self) -> Sampling:
        """How held-out completions are drawn: the full distribution at the evaluation's temperature."""
        return Sampling(self.evaluation.temperature, self.max_completion_tokens, stop=self.engine.stop)


def build_objective(config: RunConfig) -> AnyObjective:
    """The objective that `algorithm` and `objective` name.

    Raises:
        ConfigError: unknown preset or argument, or one that does not fit the rest of the configuration.
    """
    from proctor.algorithms.presets import ALIASES

    preset = load(config.algorithm, kind="algorithm", aliases=ALIASES, group="proctor.algorithms")
    _check_arguments(preset, config.objective, where=f"objective of {config.algorithm}", given_by_run={"max_completion_tokens"})
    try:
        objective: AnyObjective = preset(max_completion_tokens=config.max_completion_tokens, **config.objective)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"objective of {config.algorithm}: {error}") from error
    _check_fit(config, objective)
    return objective


def _check_fit(config: RunConfig, objective: AnyObjective) -> None:
    from proctor.algorithms.collection import Demonstrations, OnPolicy
    from proctor.algorithms.spec import Objective, has_ratio

    needs_group = objective.needs_group if isinstance(objective, Objective) else needs_pairs(objective)
    if needs_group and config.group_size < 2 and not isinstance(objective.source, Demonstrations):
        raise ConfigError(
            f"group_size is {config.group_size}, but {objective.name} compares the rollouts of one task: its advantage would always be 0. "
            "Use group_size of at least 2, or --set algorithm=reinforce --set objective={}"
        )
    needs_exact = isinstance(objective, Objective) and not getattr(objective.loss, "kept_only", False)
    if config.sampling.is_truncated and needs_exact:
        raise ConfigError(
            f"{objective.name} needs logprobs of the distribution that is trained, but engine.top_p={config.engine.top_p}, "
            f"engine.top_k={config.engine.top_k} and engine.min_p={config.engine.min_p} sample from a truncated one. "
            "Leave them at 1, 0 and 0 to train (`proctor sample` has them all)"
        )
    if config.audit.canary_rate and isinstance(objective.source, Demonstrations):
        raise ConfigError(f"audit.canary_rate={config.audit.canary_rate}, but {objective.name} samples nothing that could be paid; leave it at 0")
    if not has_ratio(objective) and not config.learner.is_single_update:
        raise ConfigError(
            f"{objective.name} has no ratio, so it is right only for one update a batch; learner.num_epochs={config.learner.num_epochs} and "
            f"learner.num_minibatches={config.learner.num_minibatches} make more. Set both to 1, or use an objective with a clipped ratio such as grpo"
        )
    check_partial(config.rollout, objective)
    if config.learner.replace_reference_every and not objective.needs_reference:
        raise ConfigError(
            f"learner.replace_reference_every={config.learner.replace_reference_every}, but {objective.name} has no reference to replace; "
            "give it a KL term or leave it out"
        )
    if config.data.schedule.needs_success and isinstance(objective.source, Demonstrations):
        raise ConfigError(
            f"data.schedule.priorities and data.schedule.retirement go by how rollouts turn out, and {objective.name} imitates demonstrations without any; "
            "leave them out (data.schedule.curriculum works)"
        )
    if config.learner.lora is not None and not isinstance(objective.source, OnPolicy):
        raise ConfigError(f"{objective.name} needs rollouts of {objective.source.kind}, which adapters do not support yet; leave learner.lora out")


def needs_pairs(objective: AnyObjective) -> bool:
    """True for objectives that compare completions of one prompt."""
    return objective.name in ("dpo", "dpo_length_normalized", "simpo", "ipo", "reward_model")


def _check_arguments(function: Any, given: Mapping[str, Any], *, where: str, given_by_run: set[str]) -> None:
    import inspect

    allowed = set(inspect.signature(function).parameters) - given_by_run
    for name in given:
        if name not in allowed:
            raise ConfigError(unknown(name, kind=f"argument in {where}", allowed=allowed))


def read_toml(path: Path) -> dict[str, Any]:
    """Parse a TOML file.

    Raises:
        ConfigError: no such file, or malformed; the line is named.
    """
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise ConfigError(f"there is no file {str(path)!r}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error


def parse_assignment(text: str) -> tuple[str, Any]:
    """Split `a.b=c` and read c as a TOML value; what is none is taken as the string it is.

    Raises:
        ConfigError: there is no `=` or no key.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"--set needs key=value, not {text!r}; for example --set learning_rate=1e-5")
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value


def with_assignments(config: RunConfig, assignments: Sequence[str]) -> RunConfig:
    """Apply `--set` assignments in order.

    Raises:
        ConfigError: an unknown key or a value of the wrong kind.
    """
    plain = to_mapping(config)
    for text in assignments:
        key, value = parse_assignment(text)
        table = plain
        *path, last = key.split(".")
        for part in path:
            inner = table.setdefault(part, {})
            if inner is None:
                inner = table[part] = {}
            if not isinstance(inner, dict):
                raise ConfigError(f"--set {text}: {part!r} is a value, not a table, so it has no key {last!r}")
            table = inner
        table[last] = value
    return from_mapping(plain)


def from_mapping(plain: Mapping[str, Any]) -> RunConfig:
    """Read a configuration from plain values, as TOML gives them.

    Raises:
        ConfigError: an unknown or missing key, or a value of the wrong kind; the message names the key.
    """
    from pydantic import TypeAdapter, ValidationError

    values = {**plain, "rewards": _reward_tables(plain.get("rewards", ()))}
    _refuse_unknown(RunConfig, values, prefix="")
    try:
        return TypeAdapter(RunConfig).validate_python(values)
    except ValidationError as error:
        raise ConfigError(_first_problem(error.errors()[0])) from None


def _reward_tables(rewards: Any) -> Any:
    """Accept `rewards = "math"` and `rewards = ["math", {...}]` beside a list of tables."""
    listed = [rewards] if isinstance(rewards, str | Mapping) else rewards
    return [{"function": entry} if isinstance(entry, str) else entry for entry in listed] if isinstance(listed, list | tuple) else listed


def _refuse_unknown(record: type, values: Mapping[str, Any], *, prefix: str) -> None:
    hints = typing.get_type_hints(record)
    for key, value in values.items():
        if key not in hints:
            raise ConfigError(unknown(f"{prefix}{key}", kind="configuration key", allowed=[f"{prefix}{name}" for name in hints]))
        inner = _record_type(hints[key])
        if inner is None:
            continue
        for entry in value if isinstance(value, list | tuple) else [value]:
            if isinstance(entry, Mapping):
                _refuse_unknown(inner, entry, prefix=f"{prefix}{key}.")


def _record_type(hint: Any) -> type | None:
    """The dataclass in a type such as `X`, `X | None` or `tuple[X, ...]`."""
    if dataclasses.is_dataclass(hint):
        return hint if isinstance(hint, type) else None
    inner = typing.get_args(hint) if isinstance(hint, types.UnionType) or typing.get_origin(hint) is tuple else ()
    return next((found for part in inner if (found := _record_type(part))), None)


def _first_problem(error: Any) -> str:
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, ConfigError):
        return str(cause)
    key = ".".join(str(part) for part in error["loc"]) or "configuration"
    if error["type"] == "missing":
        return f"the configuration has no {key!r}, which is needed"
    return f"{key} is {error['input']!r}: {error['msg'][0].lower()}{error['msg'][1:]}"


def to_mapping(config: Any) -> dict[str, Any]:
    """A configuration as plain values: what `--dry-run` prints and the run directory keeps."""
    return {entry.name: _plain(getattr(config, entry.name)) for entry in dataclasses.fields(config)}


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return to_mapping(value)
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value
