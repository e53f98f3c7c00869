"""In-process sampling: right distribution, right logprobs, same tokens whatever the batch, on many architectures."""

from __future__ import annotations

import asyncio
import math
from collections import Counter

import pytest
import torch

from proctor.core import Completion, FinishReason
from proctor.engines.base import SampleRequest, Sampling, rollout_seed
from proctor.engines.drawing import draw, uniforms
from proctor.engines.local import LocalEngine
from proctor.errors import ConfigError, EngineError
from proctor.models.policy import Policy
from tests.families import FAMILIES, random_policy

PROMPTS = [tuple(range(40, 45)), tuple(range(60, 73)), tuple(range(50, 59))]


def requests(group_size: int, prompts: list[tuple[int, ...]] = PROMPTS) -> list[SampleRequest]:
    return [SampleRequest(prompt, tuple(rollout_seed("test", prompt[0], index) for index in range(group_size))) for prompt in prompts]


def sample(policy: Policy, asked: list[SampleRequest], sampling: Sampling, **options: object) -> list[list[Completion]]:
    return asyncio.run(LocalEngine(policy, **options).sample(asked, sampling))  # type: ignore[arg-type]


def full_pass_logprobs(policy: Policy, prompt: tuple[int, ...], completion: Completion, temperature: float) -> torch.Tensor:
    """Logprobs of a completion by one full pass over one unpadded row without a cache: as plain as it gets."""
    with torch.no_grad():
        logits = policy.model(input_ids=torch.tensor([[*prompt, *completion.token_ids]]), use_cache=False).logits[0]
    logs = torch.log_softmax(logits.double() / temperature, -1)[len(prompt) - 1 : -1]
    return logs.gather(1, torch.tensor(completion.token_ids)[:, None])[:, 0]


@pytest.mark.parametrize("family", sorted(FAMILIES))
@pytest.mark.filterwarnings("ignore")
def test_every_architecture_samples_from_what_a_full_pass_computes(family: str) -> None:
    policy = random_policy(family)
    groups = sample(policy, requests(3), Sampling(0.8, 12))
    assert len({completion.token_ids for group in groups for completion in group}) == 9
    for prompt, group in zip(PROMPTS, groups, strict=True):
        for completion in group:
            expected = full_pass_logprobs(policy, prompt, completion, 0.8)
            assert torch.allclose(torch.tensor(completion.behavior_logprobs, dtype=torch.float64), expected, atol=1e-4)


def test_the_same_seed_draws_the_same_tokens_whatever_else_is_in_the_batch(tiny: Policy) -> None:
    together = sample(tiny, requests(4), Sampling(1.0, 16))
    alone = [sample(tiny, [request], Sampling(1.0, 16))[0] for request in requests(4)]
    in_small_batches = sample(tiny, requests(4), Sampling(1.0, 16), max_rows=3)
    for one, two, three in zip(together, alone, in_small_batches, strict=True):
        assert [c.token_ids for c in one] == [c.token_ids for c in two] == [c.token_ids for c in three]


def test_deterministic_mode_gives_the_same_bits_whatever_else_is_in_the_batch(tiny: Policy) -> None:
    together = sample(tiny, requests(4), Sampling(1.0, 16), is_deterministic=True)
    for request, group in zip(requests(4), together, strict=True):
        assert sample(tiny, [request], Sampling(1.0, 16), is_deterministic=True)[0] == group


def test_greedy_takes_the_likeliest_token(tiny: Policy) -> None:
    completion = sample(tiny, requests(1)[:1], Sampling(0.0, 8))[0][0]
    ids = list(PROMPTS[0])
    for token in completion.token_ids:
        assert token == int(tiny.model(input_ids=torch.tensor([ids])).logits[0, -1].argmax())
        ids.append(token)
    assert set(completion.behavior_logprobs) == {0.0}


def test_eos_ends_a_completion_and_counts_as_its_last_token(tiny: Policy) -> None:
    bias = torch.zeros(262)
    bias[257] = 4.0
    with torch.no_grad():
        head = tiny.model.get_output_embeddings()
        assert head is not None
        head.register_forward_hook(lambda module, inputs, output: output + bias)
    groups = sample(tiny, requests(16), Sampling(1.0, 30))
    reasons = Counter(completion.finish_reason for group in groups for completion in group)
    assert reasons[FinishReason.EOS] > 10
    for group in groups:
        for completion in group:
            assert (completion.token_ids[-1] == 257) == (completion.finish_reason is FinishReason.EOS)
            assert 257 not in completion.token_ids[:-1]
            assert "<eos>" not in completion.text


def test_stop_strings_cut_the_text_and_keep_the_tokens(tiny: Policy) -> None:
    free = sample(tiny, requests(2), Sampling(1.0, 24))[0][0]
    stop = free.text[5:7]
    stopped = sample(tiny, requests(2), Sampling(1.0, 24, stop=(stop,)))[0][0]
    assert stopped.finish_reason is FinishReason.STOP
    assert stopped.text == free.text[: free.text.index(stop)]
    assert stopped.token_ids == free.token_ids[: len(stopped.token_ids)]
    assert stop in tiny.tokenizer.decode(stopped.token_ids)


def test_draws_follow_the_distribution() -> None:
    logits = torch.tensor([1.0, 0.0, -1.0, 2.0, -torch.inf])
    num = 20_000
    tokens, logprobs = draw(logits.expand(num, 5), uniforms([7], num)[0], Sampling(0.5))
    expected = torch.softmax(logits / 0.5, -1)
    frequencies = torch.bincount(tokens, minlength=5) / num
    assert torch.allclose(frequencies, expected, atol=4 * math.sqrt(0.25 / num))
    assert torch.allclose(logprobs, expected.log()[tokens], atol=1e-6)


@pytest.mark.parametrize(
    ("sampling", "kept"),
    [(Sampling(top_k=2), {3, 0}), (Sampling(top_p=0.7), {3, 0}), (Sampling(top_p=0.6), {3}), (Sampling(min_p=0.1), {3, 0, 1}), (Sampling(), {0, 1, 2, 3})],
)
def test_truncation_keeps_the_right_tokens_and_renormalises(sampling: Sampling, kept: set[int]) -> None:
    """Probabilities 0.237, 0.087, 0.032, 0.644."""
    logits = torch.tensor([1.0, 0.0, -1.0, 2.0])
    tokens, logprobs = draw(logits.expand(2000, 4), uniforms([3], 2000)[0], sampling)
    assert set(tokens.tolist()) == kept
    probabilities = torch.softmax(logits, -1)
    total = sum(float(probabilities[token]) for token in kept)
    assert torch.allclose(logprobs.exp(), probabilities[tokens] / total, atol=1e-5)


@pytest.mark.parametrize("vocabulary", [5, 256, 300, 1000])
def test_draws_by_blocks_are_those_of_the_plain_cumulative_sum(vocabulary: int) -> None:
    logits = torch.randn(400, vocabulary, generator=torch.Generator().manual_seed(4)) * 3
    uniform = uniforms([5], 400)[0]
    tokens, logprobs = draw(logits, uniform, Sampling(0.7))
    logs = torch.log_softmax(logits.double() / 0.7, -1)
    assert torch.equal(tokens, torch.searchsorted(logs.exp().cumsum(-1), uniform[:, None], right=True)[:, 0])
    assert torch.allclose(logprobs.double(), logs.gather(1, tokens[:, None])[:, 0], atol=1e-5)


def test_extreme_uniforms_never_draw_an_impossible_token() -> None:
    logits = torch.tensor([[0.0, -torch.inf, 0.0, -torch.inf]]).expand(2, 4)
    tokens, logprobs = draw(logits, torch.tensor([0.0, 1 - 2**-53], dtype=torch.float64), Sampling())
    assert set(tokens.tolist()) <= {0, 2}
    assert torch.isfinite(logprobs).all()


def test_prompts_that_do_not_fit_are_refused(tiny: Policy) -> None:
    with pytest.raises(EngineError, match=r"prompt 1 of 2 has 1020 tokens; with max_completion_tokens=8 that exceeds the model's context of 1024"):
        sample(tiny, [requests(1)[0], SampleRequest(tuple([65] * 1020), (1,))], Sampling(1.0, 8))
    with pytest.raises(EngineError, match="prompt 0 of 1 has no tokens"):
        sample(tiny, [SampleRequest((), (1,))], Sampling(1.0, 8))


@pytest.mark.parametrize(
    ("name", "value"), [("temperature", -1.0), ("max_completion_tokens", 0), ("top_p", 0.0), ("top_k", -1), ("min_p", 1.0), ("stop", ("",))]
)
def test_bad_sampling_settings_are_named(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=f"{name} must be"):
        Sampling(**{name: value})  # type: ignore[arg-type]


def test_rows_that_end_early_among_rows_that_entered_later_change_nothing(tiny: Policy) -> None:
    """About one token in ten ends a row, and six rows are decoded side by side: rows of every age stand beside one another."""
    bias = torch.zeros(262)
    bias[257] = 3.3
    head = tiny.model.get_output_embeddings()
    assert head is not None
    head.register_forward_hook(lambda module, inputs, output: output + bias)
    together = sample(tiny, requests(14), Sampling(1.0, 20), max_rows=64)
    in_turn = sample(tiny, requests(14), Sampling(1.0, 20), max_rows=6)
    lengths = {len(completion.token_ids) for group in together for completion in group}
    assert len(lengths) > 8
    assert [[c.token_ids for c in group] for group in together] == [[c.token_ids for c in group] for group in in_turn]
