"""The chunked logprobs are the plain ones, in value and gradient, whatever the chunk."""

from __future__ import annotations

import pytest
import torch

from proctor.models import fused as fused_module
from proctor.models.fused import linear_logprobs
from proctor.objective.logprobs import token_entropy, token_logprobs


@pytest.mark.parametrize(("chunk_tokens", "block_tokens"), [(1, 32), (3, 2), (7, 3), (100, 2), (100, 32)])
def test_values_and_gradients_equal_the_plain_definitions(chunk_tokens: int, block_tokens: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fused_module, "BLOCK_TOKENS", block_tokens)
    torch.manual_seed(0)
    hidden = torch.randn(7, 5, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(11, 5, dtype=torch.float64, requires_grad=True)
    token_ids, a, b = torch.randint(11, (7,)), torch.randn(7, dtype=torch.float64), torch.randn(7, dtype=torch.float64)
    logits = hidden @ weight.T
    plain = token_logprobs(logits, token_ids, temperature=0.7), token_entropy(logits, temperature=0.7)
    fused = linear_logprobs(hidden, weight, token_ids, temperature=0.7, compute_dtype=torch.float64, chunk_tokens=chunk_tokens)
    for x, y in zip(plain, fused, strict=True):
        assert torch.allclose(x, y, atol=1e-12)
    expected = torch.autograd.grad((plain[0] * a + plain[1] * b).sum(), (hidden, weight))
    found = torch.autograd.grad((fused[0] * a + fused[1] * b).sum(), (hidden, weight))
    for x, y in zip(expected, found, strict=True):
        assert torch.allclose(x, y, atol=1e-11)


def test_products_in_bf16_are_those_of_rounded_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fused_module, "BLOCK_TOKENS", 2)
    torch.manual_seed(2)
    hidden, weight = (torch.randn(rows, 16).bfloat16().float().requires_grad_() for rows in (7, 11))
    token_ids = torch.randint(11, (7,))
    logprobs, entropies = linear_logprobs(hidden, weight, token_ids, temperature=1.0, compute_dtype=torch.bfloat16, chunk_tokens=5)
    logits = (hidden.bfloat16() @ weight.bfloat16().T).float()
    assert torch.allclose(logprobs, token_logprobs(logits, token_ids, temperature=1.0), atol=1e-5)
    assert torch.allclose(entropies, token_entropy(logits, temperature=1.0), atol=1e-5)
    plain = token_logprobs(hidden @ weight.T, token_ids, temperature=1.0)
    for x, y in zip(torch.autograd.grad(plain.sum(), (hidden, weight)), torch.autograd.grad(logprobs.sum(), (hidden, weight)), strict=True):
        assert (x - y).norm() <= 0.02 * x.norm()


def test_gradcheck() -> None:
    torch.manual_seed(1)
    hidden = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(6, 3, dtype=torch.float64, requires_grad=True)
    token_ids = torch.randint(6, (4,))
    assert torch.autograd.gradcheck(
        lambda h, w: linear_logprobs(h, w, token_ids, temperature=1.3, compute_dtype=torch.float64, chunk_tokens=3), (hidden, weight)
    )


def test_only_the_gradients_that_are_needed_are_computed() -> None:
    hidden, weight = torch.randn(3, 4, requires_grad=True), torch.randn(5, 4)
    logprobs, _ = linear_logprobs(hidden, weight, torch.tensor([0, 1, 2]), temperature=1.0, compute_dtype=torch.float32)
    logprobs.sum().backward()
    assert hidden.grad is not None
    assert weight.grad is None
