"""In-process sampling on the very weights that are trained: nothing is copied, so nothing can be stale.

    prompts -> prefill (each once) -> cache repeated for the group -> decode, dropping finished rows -> completions

Works for every architecture that `transformers` can decode with a cache. Prompts of different lengths are padded on the left
where the model's attention masks padding exactly, and batched by length where it keeps a running state that padding would enter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from proctor.core import Completion, FinishReason
from proctor.engines.base import SampleRequest, Sampling
from proctor.engines.drawing import draw, uniforms
from proctor.errors import EngineError
from proctor.models.policy import Policy, positions

if TYPE_CHECKING:
    from transformers import Cache

_COMPACT_WHEN_FINISHED = 0.25  # dropping rows copies the cache, which pays once this fraction of them is finished


@dataclass(slots=True)
class _Row:
    """One completion being written."""

    request: int
    index: int
    seed: int
    token_ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    finish: FinishReason | None = None


class LocalEngine:
    """Sample from a policy in this process.

    Args:
        policy: sampled as it is at each call.
        max_rows: completions decoded side by side; bounds the memory of the cache.
        is_deterministic: decode each request alone with a fixed shape and drop no rows, so that a completion is the same whatever else is sampled.
    """

    def __init__(self, policy: Policy, *, max_rows: int = 128, is_deterministic: bool = False) -> None:
        self.policy = policy
        self.max_rows = max_rows
        self.is_deterministic = is_deterministic
        self.policy_version = 0

    async def sample(self, requests: Sequence[SampleRequest], sampling: Sampling) -> list[list[Completion]]:
        """Completions of each request, in the order of its seeds. See `engines.base.Sampler`."""
        self._check_lengths(requests, sampling)
        rows = [[_Row(number, index, seed) for index, seed in enumerate(request.seeds)] for number, request in enumerate(requests)]
        for batch in self._batches(requests, rows):
            with torch.inference_mode(), self.policy.autocast():
                _Decoder(self.policy, requests, batch, sampling, keeps_shape=self.is_deterministic).run()
        return [[self._completion(row, sampling) for row in group] for group in rows]

    def _check_lengths(self, requests: Sequence[SampleRequest], sampling: Sampling) -> None:
        limit = self.policy.max_context_tokens
        for number, request in enumerate(requests):
            if not request.prompt_ids:
                raise EngineError(f"prompt {number} of {len(requests)} has no tokens")
            if limit is not None and len(request.prompt_ids) + sampling.max_completion_tokens > limit:
                raise EngineError(
                    f"prompt {number} of {len(requests)} has {len(request.prompt_ids)} tokens; with max_completion_tokens={sampling.max_completion_tokens} "
                    f"that exceeds the model's context of {limit}. Shorten the prompt, drop the task, or lower max_completion_tokens"
                )

    def _batches(self, requests: Sequence[SampleRequest], rows: list[list[_Row]]) -> Iterator[list[_Row]]:
        """Cut the rows into batches that may be decoded together."""
        if self.is_deterministic:
            yield from (group for group in rows if group)
            return
        buckets: dict[int, list[_Row]] = defaultdict(list)
        by_length = sorted(range(len(requests)), key=lambda number: len(requests[number].prompt_ids))
        for number in by_length:
            buckets[len(requests[number].prompt_ids) if not masks_padding(self.policy) else 0].extend(rows[number])
        for bucket in buckets.values():
            for start in range(0, len(bucket), self.max_rows):
                yield bucket[start : start + self.max_rows]

    def _completion(self, row: _Row, sampling: Sampling) -> Completion:
        assert row.finish is not None
        text = str(self.policy.tokenizer.decode(row.token_ids, skip_special_tokens=True))
        return Completion(tuple(row.token_ids), tuple(row.logprobs), _before_stop(text, sampling.stop), row.finish, self.policy_version)


def masks_padding(policy: Policy) -> bool:
    """True when left padding cannot change what a model computes: attention everywhere, told positions by the caller.

    State-space and convolution layers carry padding in their state; learned or relative positions that the caller cannot
    set would count it.
    """
    return policy.takes_positions and not getattr(policy.causal_model, "_is_stateful", False) and not _has_running_state(policy)


def _has_running_state(policy: Policy) -> bool:
    kinds = getattr(policy.causal_model.config.get_text_config(), "layer_types", None) or ()
    return any("attention" not in kind or "linear" in kind for kind in kinds)


class _Decoder:
    """Decodes one batch of rows to the end."""

    def __init__(self, policy: Policy, requests: Sequence[SampleRequest], rows: list[_Row], sampling: Sampling, *, keeps_shape: bool) -> None:
        self.policy, self.sampling, self.keeps_shape = policy, sampling, keeps_shape
        self.rows = list(rows)
        self.eos_ids = policy.eos_ids
        self.uniform = uniforms([row.seed for row in rows], sampling.max_completion_tokens).to(policy.device)
        prompts = list(dict.fromkeys(row.request for row in rows))
        self.prompt_row = torch.tensor([prompts.index(row.request) for row in rows], device=policy.device)
        self.prompt_ids = [requests[number].prompt_ids for number in prompts]

    def run(self) -> None:
        logits, cache, mask = self._prefill()
        for step in range(self.sampling.max_completion_tokens):
            tokens, logprobs = draw(logits, self.uniform[:, step], self.sampling)
            is_last = step + 1 == self.sampling.max_completion_tokens
            self._record(tokens.tolist(), logprobs.tolist(), is_last=is_last)
            if all(row.finish for row in self.rows):
                return
            keep = self._rows_to_keep()
            if keep is not None:
                _take_rows(cache, keep)
                tokens, mask, self.uniform = tokens[keep], mask[keep], self.uniform[keep]
            mask = torch.cat([mask, mask.new_ones(len(self.rows), 1)], dim=1)
            logits = self._forward(tokens[:, None], mask, cache)

    def _prefill(self) -> tuple[Tensor, Cache, Tensor]:
        """Compute each prompt once, then repeat its logits and cache for its rows."""
        width = max(len(ids) for ids in self.prompt_ids)
        device, pad = self.policy.device, self.policy.pad_id
        input_ids = torch.tensor([[pad] * (width - len(ids)) + list(ids) for ids in self.prompt_ids], device=device)
        mask = torch.tensor([[0] * (width - len(ids)) + [1] * len(ids) for ids in self.prompt_ids], device=device)
        cache = self._new_cache()
        logits = self._forward(input_ids, mask, cache)
        _take_rows(cache, self.prompt_row)
        return logits[self.prompt_row], cache, mask[self.prompt_row]

    def _new_cache(self) -> Cache:
        from transformers import DynamicCache

        return DynamicCache(config=self.policy.causal_model.config)

    def _forward(self, input_ids: Tensor, mask: Tensor, cache: Cache) -> Tensor:
        """Logits that follow the last token of each row, [B, V]."""
        new = input_ids.shape[1]
        extra: dict[str, Any] = {"position_ids": positions(mask)[:, -new:]} if self.policy.takes_positions else {}
        if new > 1 and self.policy.keeps_logits:
            extra["logits_to_keep"] = 1
        try:
            return self.policy.model(input_ids=input_ids, attention_mask=mask, use_cache=True, **{self.policy.cache_argument: cache}, **extra).logits[:, -1]
        except (RuntimeError, TypeError, ValueError, IndexError) as error:
            raise EngineError(f"the model {self.policy.source!r} could not be decoded with a cache: {type(error).__name__}: {error}") from error

    def _record(self, tokens: list[int], logprobs: list[float], *, is_last: bool) -> None:
        for row, token, logprob in zip(self.rows, tokens, logprobs, strict=True):
            if row.finish:
                continue
            row.token_ids.append(token)
            row.logprobs.append(logprob)
            if token in self.eos_ids:
                row.finish = FinishReason.EOS
            elif self.sampling.stop and self._hit_stop(row):
                row.finish = FinishReason.STOP
            elif is_last:
                row.finish = FinishReason.LENGTH

    def _hit_stop(self, row: _Row) -> bool:
        """True when a stop string is complete. Only the tail can complete one: a token is at least a byte of it."""
        tail = 4 * max(len(stop) for stop in self.sampling.stop) + 4
        text = self.policy.tokenizer.decode(row.token_ids[-tail:], skip_special_tokens=True)
        return any(stop in text for stop in self.sampling.stop)

    def _rows_to_keep(self) -> Tensor | None:
        """Indices of unfinished rows, when enough are finished for a copy of the cache to pay; None keeps all."""
        finished = sum(row.finish is not None for row in self.rows)
        if self.keeps_shape or finished < max(1, _COMPACT_WHEN_FINISHED * len(self.rows)):
            return None
        keep = [index for index, row in enumerate(self.rows) if row.finish is None]
        self.rows = [self.rows[index] for index in keep]
        return torch.tensor(keep, device=self.policy.device)


def _take_rows(cache: Cache, rows: Tensor) -> None:
    """Make the cache hold these rows, in this order; a row may be taken several times. Beam search's reordering does just that."""
    cache.reorder_cache(rows)  # type: ignore[arg-type]  # any integer tensor


def _before_stop(text: str, stops: Sequence[str]) -> str:
    """Text up to the first stop string in it."""
    ends = [position for stop in stops if (position := text.find(stop)) >= 0]
    return text[: min(ends)] if ends else text
