"""Attention over a packed batch in which each prompt stands once and its completions attend to it.

A group of rollouts shares its prompt. Written as padded rows, the prompt is computed again for every member and padding
is computed for nobody. Packed, a batch is one row: all prompts, then all completions; positions restart behind each
prompt. Everything in a transformer but attention works on single tokens, so only attention needs to know.

The attention registers with `transformers` under a name; without a `pack` it is the ordinary `sdpa`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from proctor.models.packed_attention import Spans, packed_attention

SHARED_PROMPT_ATTENTION = "proctor_shared_prompt"


class KeyValues(Protocol):
    """Something that attends for tokens written as one packed row, and keeps their keys and values (`models.decoding`)."""

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float | None) -> Tensor:
        """Output of a layer's attention, [N, H, D], for queries [H, N, D] and new keys and values [K, N, D]."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Pack:
    """Where the tokens of a packed row belong. P prompts, R rollouts, N packed tokens.

    Attributes:
        input_ids: [1, N] all prompts, then all rollouts' tokens.
        position_ids: [1, N] position of each token in its own sequence.
        prompt_slots: [P, Lp] packed index of each prompt token; padding points at slot 0.
        rollout_slots: [R, Lr] packed index of each token after the prompt; padding points at slot 0.
        prompt_of: [R] which prompt a rollout reads.
        prompt_mask: [P, Lp] True on real prompt tokens.
        rollout_mask: [R, Lr] True on real tokens.
        attention_mask: [R, 1, Lr, Lp + Lr] True where a rollout's token attends: its whole prompt, and itself causally.
        source_slots: [R, Lr] packed index of the token whose output predicts each token: the prompt's last, then the one before.
        spans: the same places as numbers, for `models.packed_attention`.
    """

    input_ids: Tensor
    position_ids: Tensor
    prompt_slots: Tensor
    rollout_slots: Tensor
    prompt_of: Tensor
    prompt_mask: Tensor
    rollout_mask: Tensor
    attention_mask: Tensor
    source_slots: Tensor
    spans: Spans


def build_pack(prompts: list[list[int]], rollouts: list[list[int]], prompt_of: list[int], device: torch.device) -> Pack:
    """Lay prompts and the tokens after them into one row.

    Args:
        prompts: P token lists, none empty.
        rollouts: R token lists (what follows the prompt), none empty.
        prompt_of: [R] index of each rollout's prompt.
        device: where the tensors live.
    """
    prompt_slots, prompt_mask, end = _slots(prompts, start=0)
    rollout_slots, rollout_mask, _ = _slots(rollouts, start=end)
    owner = torch.tensor(prompt_of)
    prompt_lengths = prompt_mask.sum(-1)
    position_ids = torch.cat(
        [torch.arange(len(prompt)) for prompt in prompts]
        + [torch.arange(len(rollout)) + prompt_lengths[p] for rollout, p in zip(rollouts, prompt_of, strict=True)]
    )
    width = rollout_slots.shape[1]
    causal = torch.ones(width, width, dtype=torch.bool).tril().expand(len(rollouts), width, width)
    to_prompt = prompt_mask[owner][:, None, :].expand(-1, width, -1)
    last_of_prompt = prompt_slots.gather(1, (prompt_lengths - 1)[:, None])[owner]
    flat = [token for tokens in (*prompts, *rollouts) for token in tokens]
    pack = Pack(
        input_ids=torch.tensor([flat]),
        position_ids=position_ids[None],
        prompt_slots=prompt_slots,
        rollout_slots=rollout_slots,
        prompt_of=owner,
        prompt_mask=prompt_mask,
        rollout_mask=rollout_mask,
        attention_mask=torch.cat([to_prompt, causal], dim=-1)[:, None],
        source_slots=torch.cat([last_of_prompt, rollout_slots[:, :-1]], dim=1),
        spans=Spans.of([len(prompt) for prompt in prompts], [len(rollout) for rollout in rollouts], prompt_of),
    )
    return replace(pack, **{name: value.to(device) for name in Pack.__slots__ if isinstance(value := getattr(pack, name), Tensor)})


def _slots(sequences: list[list[int]], *, start: int) -> tuple[Tensor, Tensor, int]:
    """Packed index of each token of ragged sequences laid out from `start`; padded on the right with slot 0."""
    width = max(len(sequence) for sequence in sequences)
    slots = torch.zeros(len(sequences), width, dtype=torch.long)
    mask = torch.zeros(len(sequences), width, dtype=torch.bool)
    for row, sequence in enumerate(sequences):
        slots[row, : len(sequence)] = torch.arange(start, start + len(sequence))
        mask[row, : len(sequence)] = True
        start += len(sequence)
    return slots, mask, start


def shared_prompt_attention(module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **kwargs: Any) -> tuple[Tensor, None]:
    """`transformers` attention: over a `pack` or through `key_values` where one is given, otherwise scaled dot-product attention as usual.

    Args:
        module: the attention layer, for its number.
        query: [1, H, N, D]; key, value: [1, K, N, D] with K dividing H (grouped-query attention).
        attention_mask: the usual mask; ignored with a pack, which carries its own.
        **kwargs: `pack: Pack` or `key_values: KeyValues`, and `scaling: float`; the rest as `transformers` passes it.
    """
    pack: Pack | None = kwargs.pop("pack", None)
    key_values: KeyValues | None = kwargs.pop("key_values", None)
    if key_values is not None:
        number: int = module.layer_idx  # type: ignore[assignment]  # a plain attribute of every attention layer
        return key_values.attend(number, query[0].to(value.dtype), key[0].to(value.dtype), value[0], kwargs.get("scaling"))[None], None
    if pack is None:
        from transformers.integrations.sdpa_attention import sdpa_attention_forward

        return sdpa_attention_forward(module, query, key, value, attention_mask, **kwargs)
    # Under autocast rotary embeddings leave queries and keys in fp32 while values come in the compute dtype.
    q, k, v = query[0].to(value.dtype), key[0].to(value.dtype), value[0]
    scale: float | None = kwargs.get("scaling")
    if query.device.type == "cpu":
        return packed_attention(q, k, v, pack.spans, q.shape[-1] ** -0.5 if scale is None else scale)[None], None
    return padded_attention(q, k, v, pack, scale)[None], None


def padded_attention(query: Tensor, key: Tensor, value: Tensor, pack: Pack, scale: float | None) -> Tensor:
    """Attention of a packed row by the fused kernels of scaled dot-product attention: prompts and continuations are padded to rows.

    Args:
        query: [H, N, D]; key, value: [K, N, D] with K dividing H.
        pack: where the tokens belong.
        scale: of the scores; 1 / sqrt(D) where it is None.

    Returns:
        [N, H, D].
    """
    options: dict[str, Any] = {"scale": scale, "enable_gqa": query.shape[0] != key.shape[0]}
    prompt_q, prompt_k, prompt_v = (_take(x, pack.prompt_slots) for x in (query, key, value))
    own_q, own_k, own_v = (_take(x, pack.rollout_slots) for x in (query, key, value))
    over_prompt = functional.scaled_dot_product_attention(prompt_q, prompt_k, prompt_v, is_causal=True, **options)
    keys = torch.cat([prompt_k[pack.prompt_of], own_k], dim=2)
    values = torch.cat([prompt_v[pack.prompt_of], own_v], dim=2)
    over_rollout = functional.scaled_dot_product_attention(own_q, keys, values, attn_mask=pack.attention_mask, **options)
    # [P, H, L, D] -> real tokens in packed order, [N, H, D]
    return torch.cat([over_prompt.transpose(1, 2)[pack.prompt_mask], over_rollout.transpose(1, 2)[pack.rollout_mask]])


def _take(x: Tensor, slots: Tensor) -> Tensor:
    """Gather packed tokens [H, N, D] into rows [B, H, L, D]."""
    rows, width = slots.shape
    return x[:, slots.reshape(-1)].reshape(x.shape[0], rows, width, x.shape[-1]).transpose(0, 1)


def register_shared_prompt_attention() -> None:
    """Make the attention known to `transformers` under `SHARED_PROMPT_ATTENTION`. Doing so twice changes nothing."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    AttentionInterface.register(SHARED_PROMPT_ATTENTION, shared_prompt_attention)
    AttentionMaskInterface.register(SHARED_PROMPT_ATTENTION, sdpa_mask)
