"""Logprobs and entropies against torch's distributions and loops; what is not finite is named."""

from __future__ import annotations

import math

import pytest
import torch

from proctor.objective import logprobs
from tests.objective.samples import SEEDS, gradcheck, same, unchecked


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_naive_loops_agree(seed: int, temperature: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits, token_ids = torch.randn(2, 3, 5, generator=generator, dtype=torch.float64), torch.randint(5, (2, 3), generator=generator)
    chosen, entropies = torch.zeros(2, 3, dtype=torch.float64), torch.zeros(2, 3, dtype=torch.float64)
    for place, row in enumerate(logits.view(6, 5).tolist()):
        weights = [math.exp(x / temperature) for x in row]
        probabilities = [weight / sum(weights) for weight in weights]
        chosen.view(6)[place] = math.log(probabilities[int(token_ids.view(6)[place])])
        entropies.view(6)[place] = -sum(p * math.log(p) for p in probabilities)
    same(logprobs.token_logprobs(logits, token_ids, temperature=temperature), chosen)
    same(logprobs.token_entropy(logits, temperature=temperature), entropies)
    same(logprobs.log_softmax(logits, temperature=temperature).exp().sum(-1), torch.ones(2, 3))
    gradcheck(lambda at: logprobs.token_logprobs(at, token_ids, temperature=temperature), logits)
    gradcheck(lambda at: logprobs.token_entropy(at, temperature=temperature), logits)


def test_torch_distributions_agree() -> None:
    torch.manual_seed(0)
    logits, token_ids = torch.randn(3, 5, 11, dtype=torch.float64) * 4, torch.randint(11, (3, 5))
    distribution = torch.distributions.Categorical(logits=logits / 0.7)
    same(logprobs.token_logprobs(logits, token_ids, temperature=0.7), distribution.log_prob(token_ids), atol=1e-12)
    same(logprobs.token_entropy(logits, temperature=0.7), distribution.entropy(), atol=1e-12)


def test_a_token_that_is_masked_out_of_the_vocabulary_has_no_entropy() -> None:
    logits = torch.tensor([[0.0, -math.inf, 0.0]], requires_grad=True)
    entropy = logprobs.token_entropy(logits, temperature=1.0)
    assert entropy.tolist() == pytest.approx([math.log(2)])


def test_half_precision_is_widened_and_double_kept() -> None:
    for given, found in ((torch.bfloat16, torch.float32), (torch.float32, torch.float32), (torch.float64, torch.float64)):
        assert logprobs.token_entropy(torch.zeros(2, 3, dtype=given), temperature=1.0).dtype is found


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_named_by_rollout_and_token(value: float) -> None:
    found, mask = torch.zeros(3, 4), torch.ones(3, 4, dtype=torch.bool)
    logprobs.check_finite(found, mask)
    found[1, 2], found[2, 3] = value, value
    with pytest.raises(ValueError, match=rf"logprob of token 2 of rollout 1 is {value}, not a finite number \(2 in all\)"):
        logprobs.check_finite(found, mask)
    mask[1, 2] = mask[2, 3] = False
    logprobs.check_finite(found, mask)


def test_bad_input_is_named() -> None:
    plain, logits = unchecked("logprobs"), torch.zeros(2, 3, 5)
    with pytest.raises(ValueError, match=r"logits \(2, 3, 5\) need one token each, not token_ids \(2, 1\)"):
        plain.token_logprobs(logits, torch.zeros(2, 1, dtype=torch.long), temperature=1.0)
    with pytest.raises(ValueError, match="logprobs .2, 3., mask .2, 1."):
        plain.check_finite(torch.zeros(2, 3), torch.ones(2, 1, dtype=torch.bool))
    for temperature in (0.0, -1.0):
        with pytest.raises(ValueError, match="temperature must be greater than 0"):
            logprobs.token_logprobs(logits, torch.zeros(2, 3, dtype=torch.long), temperature=temperature)
        with pytest.raises(ValueError, match="temperature must be greater than 0"):
            logprobs.token_entropy(logits, temperature=temperature)
