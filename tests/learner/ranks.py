"""Run by torchrun: one update of every preset with the model sharded over the ranks; rank 0 writes the weights of all of them.

usage: torchrun --nproc-per-node=N tests/learner/ranks.py OUT.pt
"""

from __future__ import annotations

import sys
import warnings

import torch

from proctor.algorithms.presets import ALIASES
from proctor.learner.config import LearnerConfig
from proctor.learner.parallel import Ranks, current_ranks, shard
from proctor.learner.step import Learner
from proctor.models.load import load_policy
from tests.learner.presets import PLAN, groups, make_learner, moved, prepared

CONFIG = LearnerConfig(micro_batch_tokens=60, max_grad_norm=1e9)


def full(tensor: torch.Tensor) -> torch.Tensor:
    whole = getattr(tensor, "full_tensor", None)
    return tensor.detach().clone() if whole is None else whole().detach()


def sharded(name: str, ranks: Ranks) -> Learner:
    """A learner whose trained models are spread over the ranks; its optimizers are made again on the shards."""
    learner = make_learner(name, CONFIG, ranks=ranks)
    shard(learner.trained)
    learner.optimizer = torch.optim.SGD(learner.parameters, lr=PLAN.learning_rate)  # type: ignore[assignment]
    if learner.critic is not None:
        shard(learner.critic.model.policy)
        learner.critic.optimizer = torch.optim.SGD(learner.critic.parameters, lr=PLAN.learning_rate)  # type: ignore[assignment]
    return learner


def main() -> None:
    warnings.simplefilter("ignore")
    torch.distributed.init_process_group("gloo")
    ranks = current_ranks()
    rollouts = groups(load_policy("tiny", device="cpu"))  # the same on every rank, and sampled before anything is sharded
    found: dict[str, torch.Tensor] = {}
    for name in ALIASES:
        learner = sharded(name, ranks)
        learner.update(prepared(learner, rollouts=rollouts), step=0)
        found[name] = torch.cat([full(tensor).flatten() for tensor in moved(learner)])
    if ranks.rank == 0:
        torch.save(found, sys.argv[1])
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
