"""Copies in the compute dtype give autocast's numbers, are gone afterwards, and follow the weights of each use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch
from torch import nn

from proctor.models import lowering
from proctor.models.lowering import lowered
from proctor.models.policy import Policy
from tests.families import FAMILIES, random_policy

INPUT = torch.tensor([[65, 66, 67, 68, 69, 70, 71]])


def logits(policy: Policy) -> torch.Tensor:
    with torch.inference_mode(), policy.autocast():
        return policy.model(input_ids=INPUT, use_cache=False).logits.float()


@contextmanager
def products_counted() -> Iterator[list[int]]:
    """The outputs' widths of every product inside `lowered`."""
    from torch.utils._python_dispatch import TorchDispatchMode

    widths: list[int] = []

    class Count(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            found = func(*args, **(kwargs or {}))
            if func.overloadpacket in (torch.ops.aten.mm, torch.ops.aten.addmm, torch.ops.mkldnn._linear_pointwise, torch.ops.aten.linear):
                widths.append(found.shape[-1])
            return found

    with Count():
        yield widths


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_family_gives_the_numbers_of_autocast(family: str) -> None:
    policy = replace(random_policy(family), compute_dtype=torch.bfloat16)
    expected = logits(policy)
    with lowered(policy):
        found = logits(policy)
    # Both round products to bf16; the sums inside a product may be taken in another order.
    assert (found - expected).abs().max() <= 0.02 * expected.abs().max().clamp(min=1)
    assert torch.equal(logits(policy), expected)


@pytest.mark.parametrize("num_bits", [4, 8])
@pytest.mark.parametrize("family", ["llama", "qwen2"])
def test_rounded_weights_are_those_of_the_definition_and_the_head_keeps_its_own(family: str, num_bits: int) -> None:
    policy, by_hand = random_policy(family), random_policy(family)
    head = by_hand.model.get_output_embeddings()
    with torch.no_grad():
        for layer in by_hand.model.modules():
            if not isinstance(layer, nn.Linear) or layer is head:
                continue
            for row in layer.weight:
                step = max(abs(float(weight)) for weight in row) / (2 ** (num_bits - 1) - 1)
                row.copy_(torch.tensor([round(float(weight) / step) * step for weight in row]))
    before = logits(policy)
    with lowered(policy, num_bits=num_bits):
        found = logits(policy)
    assert (found - logits(by_hand)).abs().max() <= 1e-5 * found.abs().max().clamp(min=1)
    assert (found - before).abs().max() > 1e-4
    assert torch.equal(logits(policy), before)


def test_a_row_of_zeros_stays_one() -> None:
    assert torch.equal(lowering.rounded(torch.tensor([[0.0, 0.0], [1.0, 0.4]]), 2), torch.tensor([[0.0, 0.0], [1.0, 0.0]]))


def test_the_processors_layout_is_only_another_way_to_the_same_product(tiny: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = replace(tiny, compute_dtype=torch.bfloat16)
    monkeypatch.setattr(lowering, "lays_out_bf16", lambda: False)
    with lowered(policy):
        plain = logits(policy)
    assert (plain - logits(policy)).abs().max() <= 0.02 * plain.abs().max()


def test_layers_that_read_the_same_input_are_one_product(tiny: Policy) -> None:
    policy = replace(tiny, compute_dtype=torch.bfloat16)
    with products_counted() as separate:
        logits(policy)
    with lowered(policy), products_counted() as together:
        logits(policy)
    layers = 2
    assert len(separate) == 7 * layers + 1
    assert len(together) == 4 * layers + 1
    assert sum(together) == sum(separate)


def test_copies_are_of_the_weights_as_they_are_and_nothing_stays(tiny: Policy) -> None:
    policy = replace(tiny, compute_dtype=torch.bfloat16)
    with lowered(policy):
        before = logits(policy)
    layer = policy.model.model.layers[0].mlp.down_proj
    with torch.no_grad():
        layer.weight.mul_(1.5)
    try:
        with lowered(policy):
            after = logits(policy)
        assert not torch.equal(before, after)
        assert not any("forward" in vars(module) for module in policy.model.modules())
    finally:
        with torch.no_grad():
            layer.weight.div_(1.5)


def test_a_failure_inside_leaves_the_model_as_it_was(tiny: Policy) -> None:
    policy = replace(tiny, compute_dtype=torch.bfloat16)
    with pytest.raises(RuntimeError, match="inside"), lowered(policy):
        raise RuntimeError("inside")
    assert not any("forward" in vars(module) for module in policy.model.modules())


def test_fp32_is_left_alone(tiny: Policy) -> None:
    with lowered(tiny):
        assert not any("forward" in vars(module) for module in tiny.model.modules())


def test_a_layer_that_is_called_with_something_else_is_computed_for_it() -> None:
    class Crossed(nn.Module):
        """Keys and values read another input than queries, as in cross-attention."""

        def __init__(self) -> None:
            super().__init__()
            self.q_proj, self.k_proj, self.v_proj = (nn.Linear(8, 4, bias=False) for _ in range(3))

        def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return torch.cat([self.q_proj(x), self.k_proj(y), self.v_proj(y), self.q_proj(y), self.q_proj(x)], -1)

    torch.manual_seed(0)
    model, x, y = Crossed(), torch.randn(3, 8), torch.randn(3, 8)
    policy = Policy(model, tokenizer=None, source="a test", compute_dtype=torch.bfloat16)  # type: ignore[arg-type]  # no tokenizer is needed
    with torch.inference_mode():
        expected = model(x, y)
        with lowered(policy):
            found = model(x, y)
    assert torch.allclose(found.float(), expected, atol=0.03)
