"""One check and one message for tensors that must belong together. Shapes are known on the host, so checking them is free."""

from __future__ import annotations

from torch import Tensor


def require_same(**tensors: Tensor) -> None:
    """Refuse tensors of different shapes: broadcasting would make a loss of the wrong thing.

    Raises:
        ValueError: two shapes differ; the message lists all of them by name.
    """
    if len({tensor.shape for tensor in tensors.values()}) > 1:
        raise ValueError(f"shapes must agree, not {_listed(tensors)}")


def require_rows(mask: Tensor, **tensors: Tensor) -> None:
    """Refuse per-rollout tensors that do not have one entry for each row of the mask.

    Raises:
        ValueError: the mask is not [rollouts, tokens], or a tensor is not [rollouts].
    """
    if mask.dim() != 2 or any(tensor.shape != mask.shape[:1] for tensor in tensors.values()):
        raise ValueError(f"a mask [rollouts, tokens] needs one entry a rollout, not mask {tuple(mask.shape)} with {_listed(tensors)}")


def _listed(tensors: dict[str, Tensor]) -> str:
    return ", ".join(f"{name} {tuple(tensor.shape)}" for name, tensor in tensors.items())
