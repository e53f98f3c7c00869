"""What a staged recipe is made of: plain frozen records, free of torch.

A stage names the result of an earlier one as `stage:NAME`: in `model`, in `data.train`, in a distillation objective's `teacher`, in the `start` of a
reward model's, in an argument of a reward (the `path` of a reward model).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from proctor.config import RewardConfig, RunConfig, read_record, to_mapping
from proctor.data.config import DataConfig
from proctor.errors import ConfigError
from proctor.rollouts.config import TreeSearch

REFERENCE = "stage:"
"""Begins a value that stands for the result of an earlier stage."""

Keep = Literal["correct", "shortest", "pairs", "comparisons"]


@dataclass(frozen=True, slots=True)
class Train:
    """One training run. Its result is a model.

    Attributes:
        name: of the stage.
        config: of the run; its own evaluation is left out, since every stage is evaluated alike.
        is_rl: it learns from rewards of its own rollouts, as opposed to imitation.
    """

    name: str
    config: RunConfig
    is_rl: bool = False

    @property
    def references(self) -> tuple[str, ...]:
        """The values that may stand for an earlier stage."""
        models = (self.config.objective.get(key) for key in ("teacher", "start"))
        arguments = (value for reward in self.config.rewards for value in reward.arguments.values() if isinstance(value, str))
        return (self.config.model, self.config.data.train, *(str(model) for model in models if model), *arguments)

    @property
    def makes_policy(self) -> bool:
        """Whether its model writes; a reward model only scores, and is not probed."""
        return self.config.algorithm != "reward_model"


@dataclass(frozen=True, slots=True)
class Traces:
    """Completions of a model, of which those are kept that its rewards call right. Its result is a JSON Lines file.

    Attributes:
        name: of the stage.
        model: that writes.
        data: whose training tasks are answered.
        rewards: a completion is right when all of them together pay at least `threshold`.
        num_samples: completions a task.
        max_completion_tokens: a truncated completion is never kept.
        keep: "correct": up to `max_per_task` different right ones, as demonstrations; "shortest": the shortest right one of each task
            (Kimi k1.5, section 2.4); "pairs": it against a longer one, wrong or at least `length_ratio` times as long, as `chosen` and `rejected`;
            "comparisons": the first right one against wrong ones of any length, what a reward model learns the verifier from.
        max_per_task: rows kept of one task.
        length_ratio: see `keep`.
        threshold: least reward of a right completion.
        temperature: of sampling.
        seed: of sampling.
        search: find the completions by tree search, `num_samples` simulations a task; None samples them independently.
    """

    name: str
    model: str
    data: DataConfig
    rewards: tuple[RewardConfig, ...]
    num_samples: int = 4
    max_completion_tokens: int = 256
    keep: Keep = "correct"
    max_per_task: int = 1
    length_ratio: float = 1.5
    threshold: float = 1.0
    temperature: float = 1.0
    seed: int = 0
    search: TreeSearch | None = None

    @property
    def references(self) -> tuple[str, ...]:
        """The values that may stand for an earlier stage."""
        return (self.model, self.data.train)


@dataclass(frozen=True, slots=True)
class Merge:
    """The weighted mean of the weights of several models of one shape. Its result is a model.

    Attributes:
        name: of the stage.
        models: at least two.
        weights: one each, summing to 1.
    """

    name: str
    models: tuple[str, ...]
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.models) < 2 or len(self.models) != len(self.weights) or abs(sum(self.weights) - 1) > 1e-6:
            raise ConfigError(f"merge {self.name!r}: give at least two models and as many weights that sum to 1, not {self.models} and {self.weights}")

    @property
    def references(self) -> tuple[str, ...]:
        """The values that may stand for an earlier stage."""
        return self.models


@dataclass(frozen=True, slots=True)
class Curate:
    """Tasks worth training on, chosen by filters, some of which ask a model. Its result is a JSON Lines file, with a report beside it.

    Attributes:
        name: of the stage.
        data: whose training tasks are judged, and from whose held-out tasks they are kept apart.
        filters: as `[[filters]]` of a curation has them: tables with a `kind` and its arguments, in order. Among their `files` may be the
            rows of an earlier stage.
        rewards: one verifier, which grades what the model writes.
        model: that `difficulty` and `guessable` ask; empty where neither is there.
        max_completion_tokens: a completion is cut off there.
        seed: of every random choice.
    """

    name: str
    data: DataConfig
    filters: tuple[Mapping[str, Any], ...]
    rewards: tuple[RewardConfig, ...]
    model: str = ""
    max_completion_tokens: int = 256
    seed: int = 0

    def __post_init__(self) -> None:
        if len(self.rewards) != 1:
            raise ConfigError(f"the curation {self.name!r} needs one reward, the verifier of what its model writes, not {len(self.rewards)}")

    @property
    def references(self) -> tuple[str, ...]:
        """The values that may stand for an earlier stage."""
        return (self.model, self.data.train, *(name for one in self.filters for name in one.get("files", ())))


@dataclass(frozen=True, slots=True)
class Part:
    """One source of a mixture.

    Attributes:
        data: whose training tasks carry demonstrations; its template dresses their prompts, with a mode's flag for example.
        prefix: put before every demonstration, such as an empty thinking block.
        num_rows: at most so many, the first ones; None takes all.
        share: of its rows, drawn by the mixture's seed; at least one is taken. 1 takes all, or the first `num_rows`; both together are refused.
    """

    data: DataConfig
    prefix: str = ""
    num_rows: int | None = None
    share: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1 or (self.share < 1 and self.num_rows is not None):
            raise ConfigError(f"a part of a mixture takes a share above 0 and at most 1, or num_rows; not {self.share} and {self.num_rows}")


@dataclass(frozen=True, slots=True)
class Mix:
    """Demonstrations, or preference pairs, of several sources, shuffled. Its result is a JSON Lines file.

    Attributes:
        name: of the stage.
        parts: at least one.
        seed: of the order.
    """

    name: str
    parts: tuple[Part, ...]
    seed: int = 0

    @property
    def references(self) -> tuple[str, ...]:
        """The values that may stand for an earlier stage."""
        return tuple(part.data.train for part in self.parts)


Stage = Train | Traces | Curate | Mix | Merge


@dataclass(frozen=True, slots=True)
class Probe:
    """How the model of every stage is evaluated, greedily by default.

    Attributes:
        name: of the probe, such as "held_out".
        data: whose held-out tasks are answered.
        rewards: accuracy, as a rule: what the recipe is for, not what a stage is paid for.
        max_completion_tokens: a completion is truncated there.
        num_tasks: held-out tasks, the first ones.
        num_samples: completions a task.
        temperature: of those.
        seed: of the split and of sampling.
        ks: for pass@k, maj@k and best@k, each at most `num_samples`.
        reward_model: that chooses for best@k: the path of one, or `stage:NAME`, which counts from that stage on; empty for none.
        thinking_budget: tokens after which a completion that still thinks is told to answer; None for no limit.
    """

    data: DataConfig
    rewards: tuple[RewardConfig, ...]
    max_completion_tokens: int
    name: str = "held_out"
    num_tasks: int = 500
    num_samples: int = 1
    temperature: float = 0.0
    seed: int = 0
    ks: tuple[int, ...] = ()
    thinking_budget: int | None = None
    reward_model: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """What a recipe aims at and what is known of it.

    Attributes:
        paper: title, year, arXiv number.
        aims_at: the paper's table or figure that the stages follow.
        published: constants as printed, by name.
        unpublished: constants that the paper leaves out; the recipe's are ours.
        hardware: what each scale wants.
        expected: what the curves should look like.
    """

    paper: str
    aims_at: str
    published: Mapping[str, str]
    unpublished: tuple[str, ...]
    hardware: Mapping[str, str]
    expected: str


@dataclass(frozen=True, slots=True)
class StagedConfig:
    """A recipe of several stages.

    Attributes:
        stages: in order; a stage may name earlier ones alone.
        probes: evaluations of every model, the first of which is the headline.
        card: what the recipe aims at.
        final: the stage whose model is the recipe's result.
        start_model: a trained model that the recipe begins with, evaluated first; empty where the first stage makes it.
        control: a stage that goes on by imitation instead, from what the RL begins with; its seconds stand beside those of the RL. Empty
            where there is none.
    """

    stages: tuple[Stage, ...]
    probes: tuple[Probe, ...]
    card: Card
    final: str
    start_model: str = ""
    control: str = ""
    seed: int = 0

    def __post_init__(self) -> None:
        names = [stage.name for stage in self.stages]
        for name in names:
            if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or names.count(name) > 1:
                raise ConfigError(f"stage names must be different words of a-z, 0-9 and _, not {names}")
        for number, stage in enumerate(self.stages):
            for earlier in references(stage):
                if earlier not in names[:number]:
                    raise ConfigError(
                        f"the stage {stage.name!r} needs the result of {earlier!r}, which does not come before it; earlier stages: {names[:number]}"
                    )
        for name in filter(None, (self.final, self.control)):
            stage = self.stage(name)
            if not (isinstance(stage, Merge) or (isinstance(stage, Train) and stage.makes_policy)):
                raise ConfigError(f"the stage {name!r} makes no model that writes, so it cannot be the result")
        for stage in self.stages:
            if not (isinstance(stage, Train) and stage.is_rl):
                continue
            if not stage.config.model.startswith(REFERENCE) and stage.config.model != self.start_model:
                raise ConfigError(f"the stage {stage.name!r} learns from {stage.config.model!r}, which is neither the start_model nor an earlier stage's")
        for probe in self.probes:
            if probe.reward_model.startswith(REFERENCE):
                self.stage(probe.reward_model.removeprefix(REFERENCE))
        if not any(isinstance(stage, Train) and stage.makes_policy for stage in self.stages):
            raise ConfigError(f"no stage trains a policy: {names}")
        if not self.probes:
            raise ConfigError("a staged recipe needs at least one probe: an evaluation of every stage's model")

    def stage(self, name: str) -> Stage:
        """The stage of a name.

        Raises:
            ConfigError: there is none.
        """
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise ConfigError(f"there is no stage {name!r}; the recipe has: {', '.join(stage.name for stage in self.stages)}")

    @property
    def rl_stages(self) -> tuple[Train, ...]:
        """The stages on the way to the result that learn from rewards of their own rollouts."""
        needed = {self.final}
        for stage in reversed(self.stages):
            if stage.name in needed:
                needed |= set(references(stage))
        return tuple(stage for stage in self.stages if isinstance(stage, Train) and stage.is_rl and stage.name in needed)


def references(stage: Stage) -> Iterator[str]:
    """Names of the earlier stages that a stage takes something from."""
    for value in stage.references:
        if value.startswith(REFERENCE):
            yield value.removeprefix(REFERENCE)


KINDS: Mapping[str, type] = {"train": Train, "traces": Traces, "curate": Curate, "mix": Mix, "merge": Merge}
"""What a stage is called in plain values."""


def as_plain(staged: StagedConfig) -> dict[str, Any]:
    """The recipe as plain values: what `--dry-run` prints and the run directory keeps."""
    names = {kind: name for name, kind in KINDS.items()}
    return {**to_mapping(staged), "stages": [{"kind": names[type(stage)], **to_mapping(stage)} for stage in staged.stages]}


def from_plain(plain: Mapping[str, Any]) -> StagedConfig:
    """A recipe from plain values. Keys that they lack, since an older version wrote them, have their defaults.

    Raises:
        ConfigError: a value of the wrong kind.
    """
    stages = tuple(read_record(KINDS[entry["kind"]], {key: value for key, value in entry.items() if key != "kind"}) for entry in plain["stages"])
    probes = tuple(read_record(Probe, entry) for entry in plain["probes"])
    rest = {key: plain[key] for key in ("final", "start_model", "control", "seed")}
    return StagedConfig(stages=stages, probes=probes, card=read_record(Card, plain["card"]), **rest)


def sources(stage: Stage) -> Iterator[tuple[DataConfig, int]]:
    """The data that a stage reads from outside the recipe, each with the seed that it is read with."""
    if isinstance(stage, Train):
        read = [(stage.config.data, stage.config.seed)]
    elif isinstance(stage, Traces | Curate):
        read = [(stage.data, stage.seed)]
    elif isinstance(stage, Mix):
        read = [(part.data, stage.seed) for part in stage.parts]
    else:
        read = []
    yield from ((data, seed) for data, seed in read if not data.train.startswith(REFERENCE))


def names_of(stages: Sequence[Stage]) -> list[str]:
    """The names, in order."""
    return [stage.name for stage in stages]
