"""Logprobs of given tokens under a policy: the one forward pass that training, references and checks share.

Two paths give the same numbers. The packed one computes each prompt once for all its completions; the padded one works for
every architecture. Which parts of the fast path a model allows is found by trying it, not by a list of names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from proctor.models.attention import SHARED_PROMPT_ATTENTION, build_pack
from proctor.models.fused import linear_logprobs
from proctor.models.policy import Policy, positions
from proctor.objective.logprobs import log_softmax

_PROBE_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class Sequences:
    """Token sequences that share prompts. P prompts, R rows.

    Attributes:
        prompts: P prompts, none empty.
        continuations: R token lists that follow a prompt: completions and observations; none empty.
        prompt_of: [R] index of each row's prompt.
    """

    prompts: Sequence[Sequence[int]]
    continuations: Sequence[Sequence[int]]
    prompt_of: Sequence[int]

    @property
    def width(self) -> int:
        return max(len(continuation) for continuation in self.continuations)


@dataclass(frozen=True, slots=True)
class ForwardPath:
    """Which fast paths a model allows.

    Attributes:
        is_packed: each prompt is computed once for its group.
        has_plain_head: logits are `hidden @ weight.T`, so they can be computed in chunks.
        reason: why a fast path is not used; empty when all are.
    """

    is_packed: bool
    has_plain_head: bool
    reason: str = ""


PLAIN_PATH = ForwardPath(is_packed=False, has_plain_head=False, reason="asked for")


def continuation_logprobs(policy: Policy, sequences: Sequences, *, temperature: float, path: ForwardPath) -> tuple[Tensor, Tensor]:
    """Logprob of every continuation token, and the entropy of the distribution that it was drawn from.

    Args:
        policy: whose distribution; gradients flow into its parameters unless the caller turned them off.
        sequences: the tokens.
        temperature: logits are divided by it before the softmax, as they were in sampling.
        path: from `forward_path`.

    Returns:
        (logprobs, entropies), each [R, sequences.width], nats, fp32, 0 on padding.
    """
    token_ids, mask = padded(sequences.continuations, policy.device)
    logprobs, entropies = logprobs_of_outputs(policy, predicting_outputs(policy, sequences, path), token_ids[mask], temperature=temperature, path=path)
    return unflatten(logprobs, mask), unflatten(entropies, mask)


def predicting_outputs(policy: Policy, sequences: Sequences, path: ForwardPath) -> Tensor:
    """What predicts each continuation token, in row order: [N, H] hidden states, or [N, V] logits where the head is not a plain one."""
    if path.is_packed:
        return _packed_hidden(policy, sequences)
    _, mask = padded(sequences.continuations, policy.device)
    return _padded_outputs(policy, sequences, path)[mask]


def logprobs_of_outputs(policy: Policy, outputs: Tensor, token_ids: Tensor, *, temperature: float, path: ForwardPath) -> tuple[Tensor, Tensor]:
    """Logprob of each token and entropy of its distribution, [N] each, from what `predicting_outputs` gave."""
    if path.has_plain_head:
        assert policy.head is not None
        weight: Tensor = policy.head.weight  # type: ignore[assignment]  # a linear layer's weight
        return linear_logprobs(outputs, weight, token_ids, temperature=temperature, compute_dtype=policy.compute_dtype)
    logs = log_softmax(outputs, temperature=temperature)
    return logs.gather(1, token_ids[:, None])[:, 0], -(logs.exp() * logs).sum(-1)


def unflatten(values: Tensor, mask: Tensor) -> Tensor:
    """Values of the tokens of a mask, [N], laid out as [R, L] with 0 elsewhere."""
    return torch.zeros(mask.shape, dtype=values.dtype, device=values.device).masked_scatter(mask, values)


def padded(rows: Sequence[Sequence[int]], device: torch.device) -> tuple[Tensor, Tensor]:
    """Ragged token lists as ([R, L] ids, [R, L] mask), padded on the right with 0."""
    width = max(len(row) for row in rows)
    ids = torch.tensor([[*row, *[0] * (width - len(row))] for row in rows], device=device)
    lengths = torch.tensor([len(row) for row in rows], device=device)
    return ids, torch.arange(width, device=device)[None] < lengths[:, None]


def _packed_hidden(policy: Policy, sequences: Sequences) -> Tensor:
    """Hidden state that predicts each continuation token, [tokens, H], in row order."""
    pack = build_pack([list(p) for p in sequences.prompts], [list(c) for c in sequences.continuations], list(sequences.prompt_of), policy.device)
    # A mask of four dimensions passes through `transformers` unread: the pack carries the real one.
    unread = torch.ones(1, 1, 1, 1, dtype=torch.bool, device=policy.device)
    with policy.autocast():
        hidden = policy.backbone(input_ids=pack.input_ids, position_ids=pack.position_ids, attention_mask=unread, use_cache=False, pack=pack).last_hidden_state
    return hidden[0][pack.source_slots[pack.rollout_mask]]


def _padded_outputs(policy: Policy, sequences: Sequences, path: ForwardPath) -> Tensor:
    """Hidden states, or logits where the head is not a plain one, that predict each continuation token, [R, L, H or V]."""
    rows = [[*sequences.prompts[p], *c] for p, c in zip(sequences.prompt_of, sequences.continuations, strict=True)]
    input_ids, mask = padded(rows, policy.device)
    if path.has_plain_head:
        extra = {"position_ids": positions(mask)} if policy.takes_positions else {}
        with policy.autocast():
            outputs = policy.backbone(input_ids=input_ids, attention_mask=mask.long(), use_cache=False, **extra).last_hidden_state
    else:
        outputs = policy.logits(input_ids, mask.long())
    starts = torch.tensor([len(sequences.prompts[p]) - 1 for p in sequences.prompt_of], device=policy.device)
    source = (starts[:, None] + torch.arange(sequences.width, device=policy.device)).clamp(max=outputs.shape[1] - 1)
    return outputs.gather(1, source[..., None].expand(-1, -1, outputs.shape[-1]))


@torch.no_grad()
def forward_path(policy: Policy) -> ForwardPath:
    """Find the fastest path that gives this model's own numbers, by comparing each with the plain one on a small batch.

    An architecture whose head caps or scales its logits, whose layers mix tokens outside attention (state-space, convolution),
    or which ignores custom attention, differs in the probe and gets the plain path.
    """
    policy = replace(policy, compute_dtype=torch.float32)  # rounding must not hide a path that is wrong
    vocabulary: int = policy.causal_model.get_input_embeddings().weight.shape[0]  # type: ignore[assignment]  # an embedding's weight
    draw = torch.Generator().manual_seed(0)

    def tokens(num: int) -> list[int]:
        return torch.randint(vocabulary, (num,), generator=draw).tolist()

    probe = Sequences([tokens(7), tokens(4)], [tokens(5), tokens(3), tokens(1), tokens(6)], [0, 0, 1, 1])
    expected = _try(policy, probe, PLAIN_PATH)
    assert expected is not None
    for path in (ForwardPath(is_packed=True, has_plain_head=True), ForwardPath(is_packed=False, has_plain_head=True)):
        if path.is_packed and not attends_everywhere(policy):
            continue
        found = _try(policy, probe, path)
        if found is not None and bool((found - expected).abs().max() < _PROBE_TOLERANCE):
            return path if path.is_packed else ForwardPath(False, True, "prompts are not shared: the architecture mixes tokens outside full attention")
    return ForwardPath(False, False, "prompts are not shared and logits are not chunked: the architecture's head or layers differ from the plain ones")


def attends_everywhere(policy: Policy) -> bool:
    """True when every layer is full attention through the registered function: a window would not show in a short probe."""
    config = policy.causal_model.config
    if config._attn_implementation != SHARED_PROMPT_ATTENTION:
        return False
    kinds = getattr(config, "layer_types", None)
    if kinds:
        return set(kinds) == {"full_attention"}
    return not (getattr(config, "sliding_window", None) and getattr(config, "use_sliding_window", True))


def _try(policy: Policy, probe: Sequences, path: ForwardPath) -> Tensor | None:
    """Logprobs by a path, or None where the architecture does not take it at all."""
    if path.has_plain_head and (type(policy.head) is not nn.Linear or policy.head.bias is not None):
        return None  # no head of its own, a bias, or an adapter on it
    try:
        return continuation_logprobs(policy, probe, temperature=1.0, path=path)[0]
    except (AttributeError, IndexError, KeyError, NotImplementedError, RuntimeError, TypeError, ValueError):
        if path == PLAIN_PATH:
            raise
        return None
