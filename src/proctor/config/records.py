"""What a run depends on, as frozen records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from proctor.audit.config import AuditConfig
from proctor.data.config import DataConfig
from proctor.engines.base import Sampling
from proctor.errors import ConfigError
from proctor.learner.config import LearnerConfig
from proctor.models.config import ComputeDtype, Precision
from proctor.rollouts.config import RolloutConfig, ThinkingConfig

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
