"""Save and restore everything that the learner's next step depends on. Where it lies and when it counts is the run directory's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from proctor.errors import LearnerError, boundary
from proctor.learner.step import Learner
from proctor.models.heads import save_scalar_model
from proctor.models.load import save_policy

_STATE = "learner.pt"


def save_learner(learner: Learner, directory: Path) -> None:
    """Write the weights, as a directory that `transformers` loads, and beside them `learner.pt` with everything else.

    With adapters the directory holds the merged model, and `learner.pt` the adapters themselves.
    """
    save_trained(learner, directory)
    torch.save(_state(learner), directory / _STATE)


def save_trained(learner: Learner, directory: Path) -> None:
    """Write only what the run is about: the policy, or the reward model."""
    save_policy(learner.trained, directory)
    if learner.reward_model is not None:
        # Scores of rollouts have mean 0 and standard deviation 1 where the model is used (Huang et al. 2023, detail R3).
        mean, std = learner.score_statistics
        save_scalar_model(replace(learner.reward_model, mean=mean, std=max(std, 1e-6)), directory)


def restore_learner(learner: Learner, directory: Path) -> None:
    """Set weights, optimizers and everything that was kept beside them to what `save_learner` wrote.

    Raises:
        LearnerError: a file is missing, torn or belongs to another model.
    """
    trained = learner.trained
    with boundary(LearnerError, f"restore the checkpoint {directory}; delete it to resume from the one before"):
        state = torch.load(directory / _STATE, map_location=trained.device, weights_only=True)
        _set(trained.model, state["adapters"] if trained.has_adapters else _saved_weights(learner, directory))
        learner.optimizer.load_state_dict(state["optimizer"])
        for name, module in _modules(learner).items():
            _set(module, state["modules"][name])
        if learner.critic is not None:
            learner.critic.optimizer.load_state_dict(state["critic_optimizer"])
        if learner.average is not None:
            learner.average = state["average"]
        learner.kl_coefficient = float(state["kl_coefficient"])
        learner.score_statistics = state["score_statistics"]


def _state(learner: Learner) -> dict[str, Any]:
    trained = learner.trained
    adapters = {name: tensor for name, tensor in trained.model.named_parameters() if tensor.requires_grad} if trained.has_adapters else {}
    return {
        "optimizer": learner.optimizer.state_dict(),
        "adapters": adapters,
        "modules": {name: module.state_dict() for name, module in _modules(learner).items()},
        "critic_optimizer": None if learner.critic is None else learner.critic.optimizer.state_dict(),
        "average": learner.average,
        "kl_coefficient": learner.kl_coefficient,
        "score_statistics": learner.score_statistics,
    }


def _modules(learner: Learner) -> dict[str, torch.nn.Module]:
    """Modules beside the trained one whose weights change during a run. A reference that is never replaced is the model as loaded."""
    found: dict[str, torch.nn.Module] = {}
    if learner.critic is not None:
        found["critic"] = learner.critic.model.policy.model
    if learner.value_head is not None:
        found["value_head"] = learner.value_head
    if learner.snapshot is not None:
        found["snapshot"] = learner.snapshot.model
    if learner.reference is not None and learner.config.replace_reference_every:
        found["reference"] = learner.reference.model
    return found


def _saved_weights(learner: Learner, directory: Path) -> dict[str, torch.Tensor]:
    return type(learner.trained.causal_model).from_pretrained(directory, dtype=torch.float32).state_dict()


@torch.no_grad()
def _set(model: torch.nn.Module, values: dict[str, torch.Tensor]) -> None:
    """Copy values into the parameters of the same names; every value must have a place."""
    own = dict(model.state_dict(keep_vars=True))
    unknown = sorted(set(values) - set(own))
    if unknown:
        raise LearnerError(f"the checkpoint has {unknown[0]!r}, which this model does not")
    for name, value in values.items():
        own[name].copy_(value)
