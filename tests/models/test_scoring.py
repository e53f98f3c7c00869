"""Every forward path gives the numbers of the plainest one, for every architecture; probes choose what is exact."""

from __future__ import annotations

import pytest
import torch

from proctor.models.policy import Policy
from proctor.models.scoring import PLAIN_PATH, ForwardPath, Sequences, continuation_logprobs, forward_path
from tests.families import FAMILIES, random_policy

PACKED = ForwardPath(is_packed=True, has_plain_head=True)


def sequences(seed: int = 0) -> Sequences:
    """Three prompts of different lengths with ragged continuations, one of a single token."""
    draw = torch.Generator().manual_seed(seed)

    def tokens(num: int) -> list[int]:
        return torch.randint(200, (num,), generator=draw).tolist()

    return Sequences([tokens(9), tokens(1), tokens(5)], [tokens(n) for n in (4, 7, 1, 3, 6)], [0, 0, 1, 2, 2])


@pytest.mark.parametrize("family", sorted(FAMILIES))
@pytest.mark.filterwarnings("ignore")
def test_the_chosen_path_equals_single_rows_without_padding(family: str) -> None:
    policy, batch = random_policy(family), sequences()
    with torch.no_grad():
        logprobs, entropies = continuation_logprobs(policy, batch, temperature=0.7, path=forward_path(policy))
        for row, continuation in enumerate(batch.continuations):
            ids = [*batch.prompts[batch.prompt_of[row]], *continuation]
            logs = torch.log_softmax(policy.model(input_ids=torch.tensor([ids]), use_cache=False).logits[0].double() / 0.7, -1)[-len(continuation) - 1 : -1]
            expected = logs.gather(1, torch.tensor(continuation)[:, None])[:, 0]
            assert torch.allclose(logprobs[row, : len(continuation)].double(), expected, atol=1e-4)
            assert torch.allclose(entropies[row, : len(continuation)].double(), -(logs.exp() * logs).sum(-1), atol=1e-4)
            assert not logprobs[row, len(continuation) :].any()


def test_full_attention_models_share_prompts_and_others_say_why_not() -> None:
    assert forward_path(random_policy("llama")) == PACKED
    windowed = forward_path(random_policy("mistral"))
    assert not windowed.is_packed
    assert "prompts are not shared" in windowed.reason
    assert not forward_path(random_policy("granite")).has_plain_head  # its logits are scaled
    assert not forward_path(random_policy("gemma2")).has_plain_head  # its logits are capped


def test_gradients_of_the_packed_path_equal_the_plain_ones(tiny: Policy) -> None:
    batch, weights = sequences(), torch.randn(5, 7, generator=torch.Generator().manual_seed(1))

    def gradient(path: ForwardPath) -> torch.Tensor:
        tiny.model.zero_grad()
        logprobs, entropies = continuation_logprobs(tiny, batch, temperature=0.9, path=path)
        ((logprobs + 0.3 * entropies) * weights).sum().backward()
        return torch.cat([parameter.grad.flatten() for parameter in tiny.trainable_parameters if parameter.grad is not None])

    plain, packed = gradient(PLAIN_PATH), gradient(PACKED)
    assert float((plain - packed).norm() / plain.norm()) < 1e-5


def test_a_sliding_window_given_by_the_configuration_disables_sharing() -> None:
    policy = random_policy("llama")
    policy.model.config.sliding_window = 4
    assert not forward_path(policy).is_packed
