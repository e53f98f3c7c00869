"""The KL over the whole vocabulary in the loss: against its definition on plain logits, in chunks, and what it refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from proctor.algorithms.explain import build, equation
from proctor.algorithms.presets import grpo
from proctor.algorithms.surrogates import LossInputs
from proctor.learner.batch import build_batch
from proctor.learner.config import LearnerConfig
from proctor.learner.losses import PolicyForward
from proctor.models.config import LoraConfig
from proctor.models.divergence import logits_of, token_divergences
from proctor.models.load import load_policy
from proctor.models.policy import Policy
from proctor.models.scoring import ForwardPath, forward_path, predicting_outputs
from proctor.objective import kl
from tests.learner.presets import first_groups, make_learner, prepared

PADDED_PATH = ForwardPath(is_packed=False, has_plain_head=True, reason="asked for")
TEMPERATURE = 0.8


def double_policy(seed: int) -> Policy:
    policy = load_policy("tiny", device="cpu", seed=seed)
    policy.model.double()
    policy.compute_dtype = torch.float64
    return policy


def naive(policy: Policy, reference: Policy, rows: list[tuple[list[int], list[int]]]) -> list[Tensor]:
    """Sum over the vocabulary, row by row, from the logits of single unpadded passes."""

    def logs(model: Policy, prompt: list[int], tokens: list[int]) -> Tensor:
        logits = model.model(input_ids=torch.tensor([[*prompt, *tokens]])).logits[0, len(prompt) - 1 : -1]
        return torch.log_softmax(logits / TEMPERATURE, -1)

    found = []
    for prompt, tokens in rows:
        with torch.no_grad():
            target = logs(reference, prompt, tokens)
        own = logs(policy, prompt, tokens)
        found.append((own.exp() * (own - target)).sum(-1))
    return found


def gradient(policy: Policy, loss: Tensor) -> Tensor:
    policy.model.zero_grad()
    loss.backward()
    return torch.cat([parameter.grad.flatten() for parameter in policy.model.parameters() if parameter.grad is not None])


@pytest.mark.parametrize("path", [None, PADDED_PATH], ids=["packed", "padded"])
def test_value_and_gradient_are_those_of_the_sum_over_the_vocabulary(path: ForwardPath | None) -> None:
    policy, reference = double_policy(0), double_policy(3)
    sequences = build_batch(first_groups()).sequences
    rows = [(list(sequences.prompts[p]), list(tokens)) for p, tokens in zip(sequences.prompt_of, sequences.continuations, strict=True)]
    expected = naive(policy, reference, rows)
    weights = torch.rand(len(rows), sequences.width, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    of_naive = gradient(policy, torch.stack([(row * weight[: len(row)]).sum() for row, weight in zip(expected, weights, strict=True)]).sum())
    forward = PolicyForward(policy, path or forward_path(policy), TEMPERATURE)
    found = forward.exact_kl(forward.outputs(sequences), sequences, reference)
    for row, values in zip(found, expected, strict=True):
        torch.testing.assert_close(row[: len(values)], values.detach(), atol=1e-6, rtol=0)  # norms are computed in fp32
        assert not row[len(values) :].any()
        assert (values > 0).all()
    of_found = gradient(policy, (found * weights).sum())
    assert float((of_found - of_naive).norm() / of_naive.norm()) < 1e-5


def test_logits_exist_for_one_chunk_at_a_time_and_the_size_of_a_chunk_changes_nothing() -> None:
    policy, reference = double_policy(0), double_policy(3)
    path, sequences = forward_path(policy), build_batch(first_groups()).sequences
    sizes: list[int] = []

    def watched(logits: Tensor, ref_logits: Tensor) -> Tensor:
        sizes.append(len(logits))
        return kl.exact(logits, ref_logits, temperature=TEMPERATURE)

    results = []
    for chunk_tokens in (7, 10_000):
        outputs = predicting_outputs(policy, sequences, path)
        target = predicting_outputs(reference, sequences, path).detach()
        values = token_divergences(outputs, logits_of(policy, path), target, logits_of(reference, path), watched, chunk_tokens=chunk_tokens)
        results.append((values.detach(), gradient(policy, values.square().sum())))
        if chunk_tokens == 7:
            assert max(sizes) == 7  # in the backward pass, too
            assert sum(sizes) == 2 * len(values)
    for small, large in zip(*results, strict=True):
        torch.testing.assert_close(small, large, atol=1e-10, rtol=0)


def test_the_preset_adds_its_mean_and_reads_no_reference_logprobs() -> None:
    """Far from the reference, with advantages of 0, GRPO's loss is beta times the mean over rollouts of the mean KL."""
    learner = make_learner("grpo", LearnerConfig(), kl="exact", beta=0.3)
    assert learner.reference is not None
    learner.reference = replace(learner.reference, model=load_policy("tiny", device="cpu", seed=3).model)
    batch = prepared(learner, rollouts=first_groups())
    assert batch.ref_logprobs is None
    assert batch.advantages is not None
    sequences = batch.sequences
    rows = [(list(sequences.prompts[p]), list(tokens)) for p, tokens in zip(sequences.prompt_of, sequences.continuations, strict=True)]
    expected = [row.detach() for row in naive(learner.policy, learner.reference, rows)]
    metrics = learner.update(replace(batch, advantages=torch.zeros_like(batch.advantages)), step=0)
    assert metrics["loss"] == pytest.approx(0.3 * float(torch.stack([row.mean() for row in expected]).mean()), rel=1e-4)
    assert metrics["kl"] == pytest.approx(float(torch.cat(expected).mean()), rel=1e-4)


def test_under_adapters_the_frozen_weights_are_the_reference() -> None:
    policy = load_policy("tiny", device="cpu", lora=LoraConfig(rank=4, alpha=8))
    learner = make_learner("grpo", LearnerConfig(), policy=policy, kl="exact", beta=0.3)
    assert learner.reference is None
    assert learner.update(prepared(learner, rollouts=first_groups()), step=0)["kl"] == pytest.approx(0, abs=1e-9)
    learner.plan = replace(learner.plan, is_truncated=True)  # the rollouts are not those of the moved policy: nothing is compared with the sampler
    assert learner.update(prepared(learner, rollouts=first_groups()), step=1)["kl"] > 1e-6


def test_it_explains_itself_and_refuses_what_makes_no_sense() -> None:
    assert " + 0.04 · Σᵥ π(v) log π(v)/π_ref(v)" in "\n".join(equation(build("grpo", kl="exact")))
    with pytest.raises(ValueError, match="kl is exact, but its weight beta is 0"):
        grpo(max_completion_tokens=8, beta=0.0, kl="exact")
    with pytest.raises(ValueError, match="must be k2, k3, k3_corrected, exact, not 'k1'"):
        grpo(max_completion_tokens=8, kl="k1")  # type: ignore[arg-type]
    tokens = torch.zeros(1, 2)
    term = grpo(max_completion_tokens=8, kl="exact").loss.kl
    with pytest.raises(ValueError, match="needs the logits"):
        term(LossInputs(tokens, tokens, tokens, tokens, torch.ones(1, 2, dtype=torch.bool)), tokens)
