"""Several processes that train one model: who computes which micro-batch, and how a sharded model is called.

Every rank holds the whole batch, which is only token lists, and the same weights of its tokens; ranks share out micro-batches.
Because the weights were built on the global batch, the sum of the ranks' gradients is the gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

from proctor.models.policy import Policy

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ranks:
    """This process among those that train together.

    Attributes:
        rank: from 0.
        size: how many there are.
    """

    rank: int = 0
    size: int = 1

    def share(self, parts: Sequence[T]) -> list[tuple[T, float]]:
        """The micro-batches of this rank, each with the factor of its loss.

        All ranks do the same number of passes, because a sharded model gathers its weights in each: a rank that has run out
        repeats one with factor 0. FSDP averages gradients over ranks; the factor `size` makes that a sum.
        """
        if not parts:
            return []
        rounds = -(-len(parts) // self.size)
        own = [index * self.size + self.rank for index in range(rounds)]
        return [(parts[index], float(self.size)) if index < len(parts) else (parts[0], 0.0) for index in own]

    def gather(self, value: T) -> list[T]:
        """What every rank has, in order of rank; plain data of any shape."""
        if self.size == 1:
            return [value]
        found: list[T] = [value] * self.size
        torch.distributed.all_gather_object(found, value)
        return found

    def average_unsharded(self, parameters: Sequence[nn.Parameter]) -> None:
        """Average the gradients that no sharding averages: all of them where the model is not sharded."""
        if self.size == 1:
            return
        for parameter in parameters:
            if parameter.grad is not None and not isinstance(parameter, DTensor):
                torch.distributed.all_reduce(parameter.grad)
                parameter.grad /= self.size


def current_ranks() -> Ranks:
    """The ranks of an initialised process group; one rank where there is none."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return Ranks()
    return Ranks(torch.distributed.get_rank(), torch.distributed.get_world_size())


def shard(policy: Policy) -> None:
    """Spread the weights of a policy over the ranks (FSDP2), layer by layer, in place."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method

    model: Any = policy.causal_model
    mesh = init_device_mesh(policy.device.type, (torch.distributed.get_world_size(),))
    for layer in _layers(policy.backbone):
        fully_shard(layer, mesh=mesh)
    # The parts of a pass that lie outside the layers (embedding, norm, head) are called one by one: they belong to the root, whose
    # weights are gathered only inside a method that FSDP knows.
    model.call_gathered = lambda function, *arguments: function(*arguments)
    fully_shard(model, mesh=mesh)
    register_fsdp_forward_method(model, "call_gathered")


def _layers(backbone: nn.Module) -> list[nn.Module]:
    """The longest list of modules: the decoder's layers."""
    lists = [module for module in backbone.modules() if isinstance(module, nn.ModuleList)]
    return list(max(lists, key=len, default=nn.ModuleList()))


def call(policy: Policy, function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function that uses the policy's modules; with a sharded model, while its root's weights are gathered."""
    gathered = getattr(policy.causal_model, "call_gathered", None)
    return function(*arguments) if gathered is None else gathered(function, *arguments)


def clip_gradients(parameters: Sequence[nn.Parameter], max_norm: float) -> Tensor:
    """Clip the global norm in place; returns the norm before, over all ranks and over sharded and whole parameters alike."""
    norms: list[Tensor] = []
    groups = [[p for p in parameters if isinstance(p, DTensor) is is_sharded and p.grad is not None] for is_sharded in (True, False)]
    for group in groups:
        if group:
            norm = torch.nn.utils.get_total_norm([parameter.grad for parameter in group if parameter.grad is not None])
            norms.append(norm.full_tensor() if isinstance(norm, DTensor) else norm)
    total = norms[0] if len(norms) == 1 else torch.stack(norms).norm()
    for group in groups:
        torch.nn.utils.clip_grads_with_norm_(group, max_norm, total)
    return total
