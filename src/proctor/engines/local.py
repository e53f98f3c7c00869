"""In-process sampling on the very weights that are trained: nothing is copied, so nothing can be stale.

    waiting rows -> prompts read, each once -> a token a row and step -> finished rows leave, waiting rows enter -> completions

Works for every architecture that `transformers` can decode with a cache. Where a model allows it (`models.decoding`), the keys
of a prompt stand once for all its rows and rows enter and leave at any time; elsewhere prompts are repeated, and rows are cut
into batches: prompts of different lengths are padded on the left where the model's attention masks padding exactly, and
batched by length where it keeps a running state that padding would enter.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import Tensor

from proctor.chat.thinking import VisibleText
from proctor.core import Completion, FinishReason
from proctor.engines.base import SampleRequest, Sampling, before_stop
from proctor.engines.drawing import draw, uniforms
from proctor.errors import EngineError
from proctor.models.config import Precision
from proctor.models.decoding import DecodeCache, SharedPromptCache, why_not_shared
from proctor.models.lowering import lowered
from proctor.models.policy import Policy
from proctor.models.repeated import RepeatedPromptCache, masks_padding

_NUM_BITS: dict[Precision, int] = {"int8": 8, "int4": 4}
_COMPACT_WHEN_FINISHED = 0.25  # dropping rows copies the cache, which pays once this fraction of them is finished


@dataclass(slots=True)
class _Row:
    """One completion being written."""

    request: int
    seed: int
    limit: int
    written_ids: tuple[int, ...] = ()
    token_ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    finish: FinishReason | None = None


class LocalEngine:
    """Sample from a policy in this process.

    `peak_cache_bytes` is the most that keys, values and other state of the rows have taken in any call.

    Args:
        policy: sampled as it is at each call.
        max_rows: completions decoded side by side; bounds the memory of the cache.
        ends_at_eos: False lets every completion run to its limit (benchmarks of a fixed number of tokens).
        is_deterministic: decode each request alone with a fixed shape and drop no rows, so that a completion is the same whatever else is sampled.
        precision: in which the weights are read. With any other than "same" the completions are those of a policy near the one given.
    """

    def __init__(self, policy: Policy, *, max_rows: int = 128, is_deterministic: bool = False, ends_at_eos: bool = True, precision: Precision = "same") -> None:
        self.policy = replace(policy, compute_dtype=torch.bfloat16) if precision == "bfloat16" else policy
        self.num_bits = _NUM_BITS.get(precision)
        self.max_rows = max_rows
        self.is_deterministic = is_deterministic
        self.ends_at_eos = ends_at_eos
        self.policy_version = 0
        self.peak_cache_bytes = 0

    @cached_property
    def slow_reason(self) -> str:
        """Why prompts are repeated for their rows instead of stored once; empty where they are not. Found by a short probe."""
        return why_not_shared(self.policy)

    @cached_property
    def text(self) -> VisibleText:
        """Decodes tokens for people and verifiers."""
        return VisibleText(self.policy.tokenizer)

    async def sample(self, requests: Sequence[SampleRequest], sampling: Sampling) -> list[list[Completion]]:
        """Completions of each request, in the order of its seeds. See `engines.base.Sampler`."""
        self._check_lengths(requests, sampling)
        _ = self.slow_reason  # the probe compares fp32 passes, so it must not run on lowered weights
        rows = [_rows(number, request, sampling) for number, request in enumerate(requests)]
        with torch.inference_mode(), self.policy.autocast(), lowered(self.policy, num_bits=self.num_bits):
            for batch in self._batches(requests, rows):
                max_rows = len(batch) if self.is_deterministic else self.max_rows
                cache = RepeatedPromptCache(self.policy) if self.slow_reason else SharedPromptCache(self.policy)
                decoder = _Decoder(self.policy, cache, requests, batch, sampling, self.text, max_rows=max_rows, keeps_shape=self.is_deterministic)
                decoder.eos_ids = self.policy.eos_ids if self.ends_at_eos else frozenset()
                decoder.run()
                self.peak_cache_bytes = max(self.peak_cache_bytes, cache.peak_bytes)
        return [[self._completion(row, sampling) for row in group] for group in rows]

    def _check_lengths(self, requests: Sequence[SampleRequest], sampling: Sampling) -> None:
        limit = self.policy.max_context_tokens
        for number, request in enumerate(requests):
            if not request.prompt_ids:
                raise EngineError(f"prompt {number} of {len(requests)} has no tokens")
            num_new = max(request.limits, default=sampling.max_completion_tokens)
            if limit is not None and len(request.read_ids) + num_new > limit:
                raise EngineError(
                    f"prompt {number} of {len(requests)} has {len(request.read_ids)} tokens; with max_completion_tokens={num_new} "
                    f"that exceeds the model's context of {limit}. Shorten the prompt, drop the task, or lower max_completion_tokens"
                )

    def _batches(self, requests: Sequence[SampleRequest], rows: list[list[_Row]]) -> Iterator[list[_Row]]:
        """Cut the rows into batches that may be decoded together."""
        if self.is_deterministic:
            yield from (group for group in rows if group)
            return
        by_length = sorted(range(len(requests)), key=lambda number: len(requests[number].read_ids))
        if not self.slow_reason:
            yield [row for number in by_length for row in rows[number]]
            return
        buckets: dict[int, list[_Row]] = defaultdict(list)
        for number in by_length:
            buckets[len(requests[number].read_ids) if not masks_padding(self.policy) else 0].extend(rows[number])
        for bucket in buckets.values():
            for start in range(0, len(bucket), self.max_rows):
                yield bucket[start : start + self.max_rows]

    def _completion(self, row: _Row, sampling: Sampling) -> Completion:
        assert row.finish is not None
        text = before_stop(self.text(row.token_ids), sampling.stop)
        return Completion(tuple(row.token_ids), tuple(row.logprobs), text, row.finish, self.policy_version)


def _rows(number: int, request: SampleRequest, sampling: Sampling) -> list[_Row]:
    limits = request.limits or (sampling.max_completion_tokens,) * len(request.seeds)
    return [_Row(number, seed, limit, request.written_ids) for seed, limit in zip(request.seeds, limits, strict=True)]


class _Decoder:
    """Decodes rows to the end, at most `max_rows` side by side."""

    def __init__(
        self,
        policy: Policy,
        cache: DecodeCache,
        requests: Sequence[SampleRequest],
        rows: Sequence[_Row],
        sampling: Sampling,
        text: VisibleText,
        *,
        max_rows: int,
        keeps_shape: bool,
    ) -> None:
        self.policy, self.cache, self.requests, self.sampling, self.text = policy, cache, requests, sampling, text
        self.max_rows, self.keeps_shape = max_rows, keeps_shape
        self.waiting = deque(rows)
        self.rows: list[_Row] = []
        self.eos_ids: frozenset[int] = policy.eos_ids
        # A completion that goes on has a prompt of its own. Among many such, the layout of prompts by their rows would be mostly empty.
        self.shares_prompts = not any(row.written_ids for row in rows)
        self.max_tokens = max(row.limit for row in rows)
        self.uniform = torch.empty(0, self.max_tokens, dtype=torch.float64, device=policy.device)
        self.steps = torch.empty(0, 1, dtype=torch.long, device=policy.device)  # tokens drawn for each row

    def run(self) -> None:
        try:
            self._run()
        except (RuntimeError, TypeError, ValueError, IndexError) as error:
            raise EngineError(f"the model {self.policy.source!r} could not be decoded with a cache: {type(error).__name__}: {error}") from error

    def _run(self) -> None:
        logits = self._enter()
        while True:
            tokens, logprobs = draw(logits, self.uniform.gather(1, self.steps)[:, 0], self.sampling)
            self.steps += 1
            self._record(tokens.tolist(), logprobs.tolist())
            if all(row.finish for row in self.rows) and not self.waiting:
                return
            has_left = self._leaves()
            if has_left:
                tokens = self._leave(tokens)
            parts = [self.cache.step(tokens)] if self.rows else []
            if has_left and self.waiting:
                parts.append(self._enter())
            logits = parts[0] if len(parts) == 1 else torch.cat(parts)

    def _enter(self) -> Tensor:
        """Let waiting rows in while there is room; returns the logits that follow their prompts."""
        new = [self.waiting.popleft() for _ in range(min(len(self.waiting), self.max_rows - len(self.rows)))]
        asked = [row.request for row in new]
        prompts = list(dict.fromkeys(asked)) if self.shares_prompts else asked
        prompt_of = [prompts.index(number) for number in asked] if self.shares_prompts else range(len(new))
        logits = self.cache.add([self.requests[number].read_ids for number in prompts], prompt_of)
        self.rows += new
        drawn = uniforms([row.seed for row in new], self.max_tokens, skip=[len(row.written_ids) for row in new]).to(self.uniform.device)
        self.uniform = torch.cat([self.uniform, drawn])
        self.steps = torch.cat([self.steps, self.steps.new_zeros(len(new), 1)])
        return logits

    def _leaves(self) -> bool:
        """True when finished rows are to leave: enough for a copy of the cache to pay, or one that can hold no further token."""
        if self.keeps_shape:
            return False
        finished = [row for row in self.rows if row.finish]
        # A row that ended early goes on being computed until it leaves, beside rows that entered later.
        is_full = bool((self.steps >= self.max_tokens).any())
        return is_full or len(finished) >= max(1, _COMPACT_WHEN_FINISHED * len(self.rows))

    def _leave(self, tokens: Tensor) -> Tensor:
        """Drop finished rows; returns the others' tokens."""
        keep = [index for index, row in enumerate(self.rows) if row.finish is None]
        self.rows = [self.rows[index] for index in keep]
        self.cache.keep(keep)
        index = torch.tensor(keep, dtype=torch.long, device=tokens.device)
        self.uniform, self.steps = self.uniform[index], self.steps[index]
        return tokens[index]

    def _record(self, tokens: list[int], logprobs: list[float]) -> None:
        for row, token, logprob in zip(self.rows, tokens, logprobs, strict=True):
            if row.finish:
                continue
            row.token_ids.append(token)
            row.logprobs.append(logprob)
            if token in self.eos_ids:
                row.finish = FinishReason.EOS
            elif self.sampling.stop and self._hit_stop(row):
                row.finish = FinishReason.STOP
            elif len(row.token_ids) == row.limit:
                row.finish = FinishReason.LENGTH

    def _hit_stop(self, row: _Row) -> bool:
        """True when a stop string is complete. Only the tail can complete one: a token is at least a byte of it."""
        tail = 4 * max(len(stop) for stop in self.sampling.stop) + 4
        ids = (*row.written_ids[-tail:], *row.token_ids[-tail:])[-tail:]
        text = self.text(ids)
        return any(stop in text for stop in self.sampling.stop)
