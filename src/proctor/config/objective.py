"""The objective that a configuration names, and whether the rest of it fits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from proctor.config.records import RunConfig
from proctor.errors import ConfigError
from proctor.plugins import load, unknown
from proctor.rollouts.config import check_partial

if TYPE_CHECKING:
    from proctor.algorithms.spec import AnyObjective


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
    from proctor.algorithms.spec import Objective, RewardModelObjective, has_ratio

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
    if config.learner.replace_reference_every and config.learner.lora is not None:
        raise ConfigError(
            f"learner.replace_reference_every={config.learner.replace_reference_every}, but with learner.lora the reference is the model without its adapters, "
            "which stays what it is; leave one of them out"
        )
    if config.learner.max_approx_kl is not None and not isinstance(objective, Objective):
        raise ConfigError(f"learner.max_approx_kl={config.learner.max_approx_kl:g}, but {objective.name} has no old policy to go by; leave it out")
    if config.data.schedule.needs_success and isinstance(objective.source, Demonstrations):
        raise ConfigError(
            f"data.schedule.priorities and data.schedule.retirement go by how rollouts turn out, and {objective.name} imitates demonstrations without any; "
            "leave them out (data.schedule.curriculum works)"
        )
    if config.learner.lora is not None and isinstance(objective, RewardModelObjective):
        raise ConfigError(f"{objective.name} trains a classifier of its own, all of it, and no adapters; leave learner.lora out")
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
