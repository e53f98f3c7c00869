"""Save and restore everything that the learner's next step depends on. Where it lies and when it counts is the run directory's."""

from __future__ import annotations

from pathlib import Path

import torch

from proctor.errors import LearnerError, boundary
from proctor.learner.step import Learner
from proctor.models.load import save_policy

_STATE = "learner.pt"


def save_learner(learner: Learner, directory: Path) -> None:
    """Write the weights, as a directory that `transformers` loads, and beside them `learner.pt` with the optimizer's state.

    With adapters the directory holds the merged model, and `learner.pt` the adapters themselves.
    """
    policy = learner.policy
    save_policy(policy, directory)
    adapters = {name: tensor for name, tensor in policy.model.named_parameters() if tensor.requires_grad} if policy.has_adapters else {}
    torch.save({"optimizer": learner.optimizer.state_dict(), "adapters": adapters}, directory / _STATE)


def restore_learner(learner: Learner, directory: Path) -> None:
    """Set weights and optimizer to what `save_learner` wrote.

    Raises:
        LearnerError: a file is missing, torn or belongs to another model.
    """
    with boundary(LearnerError, f"restore the checkpoint {directory}; delete it to resume from the one before"):
        state = torch.load(directory / _STATE, map_location=learner.policy.device, weights_only=True)
        if learner.policy.has_adapters:
            _set(learner.policy.model, state["adapters"])
        else:
            _set(learner.policy.model, _saved_weights(directory))
        learner.optimizer.load_state_dict(state["optimizer"])


def _saved_weights(directory: Path) -> dict[str, torch.Tensor]:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).state_dict()


@torch.no_grad()
def _set(model: torch.nn.Module, values: dict[str, torch.Tensor]) -> None:
    """Copy values into the parameters of the same names; every value must have a place."""
    own = dict(model.state_dict(keep_vars=True))
    unknown = sorted(set(values) - set(own))
    if unknown:
        raise LearnerError(f"the checkpoint has {unknown[0]!r}, which this model does not")
    for name, value in values.items():
        own[name].copy_(value)
