"""Copies of the weights in the compute dtype, made once for many passes without a gradient.

They may be rounded to a few bits as well, as engines do that sample from quantised weights.

Under autocast every forward pass casts every fp32 weight again, and without a gradient nothing is remembered: a decoding step of
64 rows then spends more time on the casts than on the products. Inside `lowered` each linear layer reads a copy instead, layers
that read the same input are one product, and where the processor multiplies bf16 itself the copy is laid out for it once
instead of at every product.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from proctor.models.policy import Policy

_SIBLINGS = (("q_proj", "k_proj", "v_proj"), ("gate_proj", "up_proj"))  # layers that most architectures give the same input
_LAID_OUT_FOR_ROWS = 64  # any number of rows may follow; the layout is chosen for this many
_PROBE_TOLERANCE = 1e-2  # of bf16 products, relative to the largest


@contextmanager
def lowered(policy: Policy, *, num_bits: int | None = None) -> Iterator[None]:
    """Let a policy's linear layers read copies of their weights in its compute dtype; nothing changes where that is fp32 or fp64.

    The copies take half the memory of the weights and are dropped at the end. Weights must not be changed inside the block: the
    copies would not follow. Layers whose weights are sharded over ranks are left to autocast.

    Args:
        policy: whose layers read copies.
        num_bits: let the copies hold weights `rounded` to so many bits, those of the head excepted, whatever the compute dtype. The
            policy is then another one than is trained, and no faster.
    """
    if policy.compute_dtype in (torch.float32, torch.float64) and num_bits is None:
        yield
        return
    head = None if num_bits is None else policy.model.get_output_embeddings()
    replaced: list[nn.Linear] = []
    try:
        for layers in _together(policy.model):
            product = _SharedProduct(layers, policy.compute_dtype, None if layers[0] is head else num_bits)
            for number, layer in enumerate(layers):
                layer.forward = partial(product, number)  # pyright: ignore[reportAttributeAccessIssue]  # positional, as every model calls it
                replaced.append(layer)
        yield
    finally:
        for layer in replaced:
            vars(layer).pop("forward", None)


def rounded(weight: Tensor, num_bits: int) -> Tensor:
    """Weights on a symmetric grid of 2^num_bits - 1 levels, one scale an output channel: s round(w / s), s = max|w| / (2^(num_bits-1) - 1).

    Args:
        weight: [out, in].
        num_bits: at least 2.
    """
    scale = weight.abs().amax(1, keepdim=True) / (2 ** (num_bits - 1) - 1)
    return torch.where(scale > 0, (weight / scale).round() * scale, weight)


def _together(model: nn.Module) -> Iterator[list[nn.Linear]]:
    """Every plain linear layer of a model once, in lists of those that may become one product."""
    seen: set[int] = set()
    for module in model.modules():
        children = dict(module.named_children())
        for names in _SIBLINGS:
            layers = [children[name] for name in names if name in children]
            if len(layers) == len(names) and _may_be_one(layers):
                seen |= {id(layer) for layer in layers}
                yield layers  # type: ignore[misc]  # `_may_be_one` lets nothing but nn.Linear pass
        yield from ([layer] for layer in children.values() if type(layer) is nn.Linear and is_plain_linear(layer) and id(layer) not in seen)


def _may_be_one(layers: Sequence[nn.Module]) -> bool:
    """True for plain linear layers of one input width, all with a bias or all without."""
    return len({(layer.in_features, layer.bias is None) for layer in layers if isinstance(layer, nn.Linear) and is_plain_linear(layer)}) == 1 and all(
        map(is_plain_linear, layers)
    )


def is_plain_linear(layer: nn.Module) -> bool:
    """True for a linear layer of torch's own whose weight is whole: its outputs are its weight times its inputs, and a bias."""
    return type(layer) is nn.Linear and type(layer.weight) in (Tensor, nn.Parameter)


class _SharedProduct:
    """One product for layers that are called with the same tensor, one after the other.

    The first of them to see an input computes all outputs; the others find theirs. A layer that sees another input is computed
    again, so a model that breaks the pattern is slower and not wrong.
    """

    @torch.no_grad()
    def __init__(self, layers: Sequence[nn.Linear], dtype: torch.dtype, num_bits: int | None) -> None:
        weight = torch.cat([layer.weight for layer in layers])
        weight = (weight if num_bits is None else rounded(weight, num_bits)).to(dtype)
        bias = None if layers[0].bias is None else torch.cat([layer.bias for layer in layers]).to(dtype)
        self._multiply = _product(weight, bias)
        self._sizes = [layer.out_features for layer in layers]
        self._input: Tensor | None = None
        self._outputs: dict[int, Tensor] = {}

    def __call__(self, number: int, x: Tensor) -> Tensor:
        if len(self._sizes) == 1:
            return self._multiply(x)
        if x is not self._input or number not in self._outputs:
            self._input, self._outputs = x, dict(enumerate(self._multiply(x).split(self._sizes, dim=-1)))
        output = self._outputs.pop(number)
        if not self._outputs:
            self._input = None  # keeps nothing alive, and an input that is overwritten in place later is not taken for this one
        return output


def _product(weight: Tensor, bias: Tensor | None) -> Callable[[Tensor], Tensor]:
    if weight.dtype is torch.bfloat16 and weight.device.type == "cpu" and lays_out_bf16():
        return partial(_laid_out_linear, weight=torch.ops.mkldnn._reorder_linear_weight(weight, _LAID_OUT_FOR_ROWS), bias=bias)
    return partial(_linear, weight=weight, bias=bias)


def _linear(x: Tensor, *, weight: Tensor, bias: Tensor | None) -> Tensor:
    return functional.linear(x.to(weight.dtype), weight, bias)


def _laid_out_linear(x: Tensor, *, weight: Any, bias: Tensor | None) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(x.to(torch.bfloat16), weight, bias, "none", [], "")


@cache
def lays_out_bf16() -> bool:
    """True where this processor multiplies bf16 and torch's oneDNN products with a prepared weight are there and right."""
    try:
        if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
            return False
        draw = torch.Generator().manual_seed(0)
        x, weight = (torch.randn(shape, generator=draw).to(torch.bfloat16) for shape in ((3, 48), (80, 48)))
        with torch.inference_mode():
            found = _laid_out_linear(x, weight=torch.ops.mkldnn._reorder_linear_weight(weight, _LAID_OUT_FOR_ROWS), bias=None)
    except (AttributeError, NotImplementedError, RuntimeError):  # this build of torch has no such products: the plain ones serve
        return False
    expected = functional.linear(x.float(), weight.float())
    return bool((found.float() - expected).abs().max() <= _PROBE_TOLERANCE * expected.abs().max())
