"""Regression gate by counted work: tokens through the model, matrix products, cache bytes. Exact, so no clock is needed."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
import torch

from proctor.core import Completion
from proctor.engines.base import SampleRequest, Sampling
from proctor.engines.local import LocalEngine
from proctor.models.lowering import lays_out_bf16
from proctor.models.policy import Policy
from proctor.models.scoring import Sequences, continuation_logprobs, forward_path
from proctor.models.work import counted_work

LAYERS, HIDDEN, INNER, HEADS, KV_HEADS, WIDTH, VOCABULARY = 2, 64, 192, 4, 2, 16, 262  # of `tiny`
BODY = LAYERS * (2 * HIDDEN * HIDDEN + 2 * HIDDEN * KV_HEADS * WIDTH + 3 * HIDDEN * INNER)  # multiply-adds of a token outside attention
HEAD = HIDDEN * VOCABULARY
PROMPT_TOKENS, PROMPTS, GROUP, NEW = 10, 3, 4, 6


def sampled(policy: Policy, engine: LocalEngine, *, new_tokens: int = NEW) -> list[list[Completion]]:
    requests = [SampleRequest(tuple(range(60 + p, 60 + p + PROMPT_TOKENS)), tuple(range(GROUP * p, GROUP * (p + 1)))) for p in range(PROMPTS)]
    return asyncio.run(engine.sample(requests, Sampling(1.0, new_tokens)))


def test_sampling_reads_each_prompt_once_and_each_drawn_token_but_the_last_once(tiny: Policy) -> None:
    engine, rows = LocalEngine(tiny, ends_at_eos=False), PROMPTS * GROUP
    assert engine.slow_reason == ""  # the probe is work too: before the count
    with counted_work(tiny) as work:
        sampled(tiny, engine)
    forward = PROMPTS * PROMPT_TOKENS + rows * (NEW - 1)
    # Each step's queries meet the prompt and what the row wrote, itself included; keys and values: twice. Prompts attend in a fused kernel.
    attention = sum(2 * LAYERS * HEADS * WIDTH * rows * (PROMPT_TOKENS + step) for step in range(1, NEW))
    logits = PROMPTS + rows * (NEW - 1)
    assert work.forward_tokens == forward
    assert work.gemm_flops == 2 * (BODY * forward + HEAD * logits + attention)
    assert engine.peak_cache_bytes == 512 * (PROMPTS * PROMPT_TOKENS + rows * 32)


def test_training_computes_each_prompt_once_and_the_head_on_completions_alone(tiny: Policy) -> None:
    path, rows = forward_path(tiny), PROMPTS * GROUP
    batch = Sequences([[65 + p] * PROMPT_TOKENS for p in range(PROMPTS)], [[70] * NEW] * rows, [row // GROUP for row in range(rows)])
    with counted_work(tiny) as work:
        logprobs, _ = continuation_logprobs(tiny, batch, temperature=1.0, path=path)
        logprobs.sum().backward()
    forward = PROMPTS * PROMPT_TOKENS + rows * NEW
    assert work.forward_tokens == forward
    # Attention has two products forward; backward the first of them again and four more. Each prompt meets itself, each row its prompt and itself.
    attention = 7 * LAYERS * HEADS * WIDTH * (PROMPTS * PROMPT_TOKENS**2 + rows * NEW * (PROMPT_TOKENS + NEW))
    # Backward is twice the forward pass; the head is computed once more there, so that no logits are kept.
    assert work.gemm_flops == 2 * (3 * BODY * forward + 4 * HEAD * rows * NEW + attention)


def test_products_of_lowered_weights_are_counted_too(tiny: Policy) -> None:
    lays_out_bf16()  # its probe is work too
    found: list[int] = []
    for policy in (tiny, replace(tiny, compute_dtype=torch.bfloat16)):
        engine = LocalEngine(policy, ends_at_eos=False)
        assert engine.slow_reason == ""
        with counted_work(policy) as work:
            sampled(policy, engine)
        found.append(work.gemm_flops)
    assert found[0] == found[1]


def test_a_long_tail_costs_what_is_written_not_rows_times_the_longest(tiny: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 64 rows, four at a time, one in eight writes 40 tokens and the others 5: finished rows leave and waiting rows enter."""
    engine = LocalEngine(tiny, max_rows=8)
    requests = [SampleRequest((65, 66, 67), (seed,)) for seed in range(64)]
    eos = 257
    drawn: dict[int, int] = {}

    def draw(logits: torch.Tensor, uniform: torch.Tensor, sampling: Sampling) -> tuple[torch.Tensor, torch.Tensor]:
        tokens = []
        for value in uniform.tolist():
            identity = next(row for row, numbers in enumerate(table) if value in numbers)
            drawn[identity] = drawn.get(identity, 0) + 1
            tokens.append(eos if drawn[identity] >= (40 if identity % 8 == 0 else 5) else 70)
        return torch.tensor(tokens), torch.zeros(len(tokens))

    from proctor.engines import local

    table = [set(row) for row in local.uniforms(range(64), 40).tolist()]
    monkeypatch.setattr(local, "draw", draw)
    assert engine.slow_reason == ""
    with counted_work(tiny) as work:
        groups = asyncio.run(engine.sample(requests, Sampling(1.0, 40)))
    written = [len(group[0].token_ids) for group in groups]
    assert sorted(written) == [5] * 56 + [40] * 8
    in_padded_batches = 64 * 3 + 64 * 39  # each batch of 8 holds one row of 40
    assert work.forward_tokens < 0.5 * in_padded_batches
    assert work.forward_tokens >= 64 * 3 + sum(written) - 64


def test_prompts_are_stored_once_in_bf16_too(tiny: Policy) -> None:
    """The probe compares passes in fp32: made inside the sampler's autocast it would see rounding and refuse."""
    engine = LocalEngine(replace(tiny, compute_dtype=torch.bfloat16))
    sampled(tiny, engine)
    assert engine.slow_reason == ""
