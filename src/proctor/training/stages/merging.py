"""The weighted mean of the weights of models of one shape: the model merging of Kimi k1.5, section 2.4 (2501.12599)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from proctor.errors import ConfigError
from proctor.models.load import load_policy


def mean_weights(states: Sequence[Mapping[str, Tensor]], weights: Sequence[float]) -> dict[str, Tensor]:
    """Sum_i w_i theta_i, summed in float64 and returned in the dtype of the first model. Whole numbers (counters) are the first's.

    Args:
        states: name -> tensor, the same names and shapes in all.
        weights: one each.

    Raises:
        ConfigError: the names or shapes differ.
    """
    first = states[0]
    for other in states[1:]:
        differing = [name for name in first.keys() | other.keys() if name not in first or name not in other or first[name].shape != other[name].shape]
        if differing:
            raise ConfigError(f"models of different shapes cannot be averaged: {sorted(differing)[0]!r} is in one of them only or has another shape")

    def mean(name: str) -> Tensor:
        if not first[name].is_floating_point():
            return first[name]
        total = sum(weight * state[name].to(torch.float64) for state, weight in zip(states, weights, strict=True))
        assert isinstance(total, Tensor)
        return total.to(first[name].dtype)

    return {name: mean(name) for name in first}


def merge_models(sources: Sequence[str], weights: Sequence[float], target: Path) -> None:
    """Write the mean of several models into a directory that `transformers` loads.

    Args:
        sources: what `load_policy` takes.
        weights: one each.
        target: a directory that exists.

    Raises:
        ConfigError: their tokenizers, names or shapes differ.
    """
    policies = [load_policy(source, device="cpu", compute_dtype="float32") for source in sources]
    first = policies[0]
    for source, policy in zip(sources, policies, strict=True):
        if policy.tokenizer.get_vocab() != first.tokenizer.get_vocab():
            raise ConfigError(f"{source} has another vocabulary than {sources[0]}: their weights mean different things, so they are not averaged")
    first.model.load_state_dict(mean_weights([policy.model.state_dict() for policy in policies], weights))
    first.model.save_pretrained(target)
    first.tokenizer.save_pretrained(target)
