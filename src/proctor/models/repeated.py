"""Decoding with the cache that `transformers` brings, for architectures that cannot keep a prompt once for all its rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from proctor.models.decoding import num_bytes
from proctor.models.policy import Policy, positions

if TYPE_CHECKING:
    from transformers import Cache


class RepeatedPromptCache:
    """A `DecodeCache` for every architecture that `transformers` decodes with a cache: prompts are repeated for their rows.

    Rows are added once. Prompts of different lengths are padded on the left, which only `masks_padding` models may be given.

    Args:
        policy: whose cache it is.
    """

    def __init__(self, policy: Policy) -> None:
        from transformers import DynamicCache

        self.policy = policy
        self._cache: Cache = DynamicCache(config=policy.causal_model.config)
        self._mask = torch.zeros(0, 0)
        self.peak_bytes = 0

    def add(self, prompts: Sequence[Sequence[int]], prompt_of: Sequence[int]) -> Tensor:
        """See `DecodeCache`."""
        width = max(len(ids) for ids in prompts)
        device, pad = self.policy.device, self.policy.pad_id
        input_ids = torch.tensor([[pad] * (width - len(ids)) + list(ids) for ids in prompts], device=device)
        mask = torch.tensor([[0] * (width - len(ids)) + [1] * len(ids) for ids in prompts], device=device)
        logits = self._forward(input_ids, mask)
        rows = torch.tensor(prompt_of, device=device)
        self._take(rows)
        self._mask = mask[rows]
        return logits[rows]

    def step(self, tokens: Tensor) -> Tensor:
        """See `DecodeCache`."""
        self._mask = torch.cat([self._mask, self._mask.new_ones(len(tokens), 1)], dim=1)
        logits = self._forward(tokens[:, None], self._mask)
        held = (x for layer in self._cache.layers for x in vars(layer).values() if isinstance(x, Tensor))
        self.peak_bytes = max(self.peak_bytes, num_bytes(held))
        return logits

    def keep(self, rows: Sequence[int]) -> None:
        """See `DecodeCache`."""
        index = torch.tensor(rows, device=self.policy.device)
        self._take(index)
        self._mask = self._mask[index]

    def _take(self, rows: Tensor) -> None:
        """Hold these rows, in this order; a row may be taken several times. Beam search's reordering does just that."""
        self._cache.reorder_cache(rows)  # type: ignore[arg-type]  # any integer tensor

    def _forward(self, input_ids: Tensor, mask: Tensor) -> Tensor:
        """Logits that follow the last token of each row, [B, V]."""
        new = input_ids.shape[1]
        extra: dict[str, Any] = {"position_ids": positions(mask)[:, -new:]} if self.policy.takes_positions else {}
        if new > 1 and self.policy.keeps_logits:
            extra["logits_to_keep"] = 1
        return self.policy.model(input_ids=input_ids, attention_mask=mask, use_cache=True, **{self.policy.cache_argument: self._cache}, **extra).logits[:, -1]


def masks_padding(policy: Policy) -> bool:
    """True when left padding cannot change what a model computes: attention everywhere, told positions by the caller.

    State-space and convolution layers carry padding in their state; learned or relative positions that the caller cannot
    set would count it.
    """
    return policy.takes_positions and not getattr(policy.causal_model, "_is_stateful", False) and not _has_running_state(policy)


def _has_running_state(policy: Policy) -> bool:
    kinds = getattr(policy.causal_model.config.get_text_config(), "layer_types", None) or ()
    return any("attention" not in kind or "linear" in kind for kind in kinds)
