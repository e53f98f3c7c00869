"""Norms and gated layers that keep less for the backward pass, in the place of the model's own.

Of a gated transformer's activations more than a third are intermediate results that a few cheap passes give again: the normalised
input of a norm, and the activation and the product of a gated layer. Here they are computed again in the backward pass. What is
kept are the inputs, so a micro-batch of the same memory holds half as many tokens again, and fewer passes go over memory.

Which modules may be replaced is found by trying them, not by a list of names. A replaced module keeps its class as a base, its
parameters and its names, and falls back to its own forward pass wherever the lean one does not apply.
"""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from proctor.models.lowering import is_plain_linear

_PROBE_TOLERANCE = 1e-5
_GATED = ("gate_proj", "up_proj", "down_proj")


def make_lean(model: nn.Module) -> None:
    """Replace every RMS norm and every SiLU-gated layer of a model by its lean form, in place; other modules stay as they are."""
    answers: dict[tuple[type[nn.Module], bool], bool] = {}
    for module in list(model.modules()):
        for form, is_one in ((LeanNorm, _looks_like_norm), (LeanGated, _looks_gated)):
            if isinstance(module, form) or not is_one(module):
                continue
            key = (type(module), form is LeanNorm)
            if key not in answers:
                answers[key] = _is_equal(module, form)
            if answers[key]:
                module.__class__ = _joined(form, type(module))


def rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """x / sqrt(mean(x^2) + eps) * weight over the last dimension; keeps x and one number a row for the backward pass.

    Args:
        x: [..., H], fp32 or fp64.
        weight: [H], of the same dtype.
        eps: added to the mean square.
    """
    if torch.is_grad_enabled():
        return _RMSNorm.apply(x, weight, eps)  # type: ignore[return-value]  # Function.apply is untyped
    return (x * _inverse_root_mean_square(x, eps)).mul_(weight)


def _inverse_root_mean_square(x: Tensor, eps: float) -> Tensor:
    with torch.autocast(x.device.type, enabled=False):  # which would round the sum of squares
        return torch.linalg.vecdot(x, x)[..., None].div_(x.shape[-1]).add_(eps).rsqrt_()


def gated_product(gate: Tensor, up: Tensor, weight: Tensor) -> Tensor:
    """(silu(gate) * up) @ weight.T; keeps gate and up for the backward pass, and nothing else that is as large.

    Args:
        gate: [..., I]; up: [..., I].
        weight: [H, I]; under autocast the product is computed in the dtype of autocast.

    Returns:
        [..., H].
    """
    device = gate.device.type
    if torch.is_autocast_enabled(device):
        dtype = torch.get_autocast_dtype(device)
        gate, up, weight = gate.to(dtype), up.to(dtype), weight.to(dtype)
    return _GatedProduct.apply(gate, up, weight)  # type: ignore[return-value]  # Function.apply is untyped


class LeanNorm(nn.Module):
    """The lean form of an RMS norm. Inputs of fewer bits take the module's own pass, whose rounding is a matter of its architecture."""

    weight: Tensor

    def forward(self, x: Tensor) -> Tensor:
        if x.dtype is not self.weight.dtype or x.dtype not in (torch.float32, torch.float64):
            return super().forward(x)
        return rms_norm(x, self.weight, _eps(self))


class LeanGated(nn.Module):
    """The lean form of down(silu(gate(x)) * up(x)). Without a gradient, and where `down` is no plain layer, it is the module's own pass."""

    gate_proj: nn.Module
    up_proj: nn.Module
    down_proj: nn.Linear

    def forward(self, x: Tensor) -> Tensor:
        if not torch.is_grad_enabled() or not _is_silent(self.down_proj):
            return super().forward(x)
        return gated_product(self.gate_proj(x), self.up_proj(x), self.down_proj.weight)


class _RMSNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, eps: float) -> Tensor:
        scale = _inverse_root_mean_square(x, eps)
        ctx.save_for_backward(x, weight, scale)
        return (x * scale).mul_(weight)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, scale = ctx.saved_tensors
        of_output, normalised = grads[0], x * scale
        grad_weight = (of_output * normalised).flatten(0, -2).sum(0) if ctx.needs_input_grad[1] else None
        if not ctx.needs_input_grad[0]:
            return None, grad_weight, None
        # With n = x s: dx = s (g - n mean(g n)), g the gradient of n.
        of_normalised = of_output * weight
        mean = torch.linalg.vecdot(of_normalised, normalised)[..., None].div_(x.shape[-1])
        return of_normalised.sub_(normalised.mul_(mean)).mul_(scale), grad_weight, None


class _GatedProduct(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gate: Tensor, up: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(gate, up, weight)
        return functional.linear(functional.silu(gate).mul_(up), weight)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        gate, up, weight = ctx.saved_tensors
        of_output = grads[0].to(weight.dtype)
        needs_gate, needs_up, needs_weight = ctx.needs_input_grad
        activation = functional.silu(gate)
        grad_weight = of_output.flatten(0, -2).T @ (activation * up).flatten(0, -2) if needs_weight else None
        if not (needs_gate or needs_up):
            return None, None, grad_weight
        of_product = of_output @ weight
        grad_up = activation.mul_(of_product)
        return torch.ops.aten.silu_backward(of_product.mul_(up), gate), grad_up, grad_weight


@cache
def _joined(form: type[nn.Module], base: type[nn.Module]) -> type[nn.Module]:
    """The class of a module, with the lean pass before its own."""
    return type(f"Lean{base.__name__}", (form, base), {})


def _looks_like_norm(module: nn.Module) -> bool:
    """True for a leaf of one input whose only parameter is one vector and which names an epsilon."""
    if len(inspect.signature(type(module).forward).parameters) != 2:  # itself and its input: some take a gate as well
        return False
    parameters = dict(module.named_parameters(recurse=False))
    has_parts = any(True for _ in module.children()) or any(True for _ in module.buffers())
    return not has_parts and list(parameters) == ["weight"] and parameters["weight"].dim() == 1 and _eps(module) is not None


def _looks_gated(module: nn.Module) -> bool:
    """True for a module whose layers with weights are the three of a gated layer, all plain."""
    children = dict(module.named_children())
    named = {name for name, child in children.items() if any(True for _ in child.parameters())}
    return named == set(_GATED) and all(_is_silent(children[name]) and children[name].bias is None for name in _GATED)


def _eps(module: nn.Module) -> Any:
    return getattr(module, "variance_epsilon", getattr(module, "eps", None))


def _is_silent(layer: nn.Module) -> bool:
    """True for a plain linear layer that nothing listens to: its weight is the whole of what it does."""
    return is_plain_linear(layer) and not layer._forward_hooks and not layer._forward_pre_hooks


@torch.no_grad()
def _is_equal(module: nn.Module, form: type[nn.Module]) -> bool:
    """Whether the lean form gives the module's own outputs for random inputs and, for a norm, random weights."""
    weight: Tensor = next(module.parameters())
    if weight.is_meta or weight.dtype not in (torch.float32, torch.float64):
        return False
    draw = torch.Generator().manual_seed(0)

    def random(*shape: int) -> Tensor:
        return torch.randn(shape, generator=draw).to(weight)

    x = random(3, weight.shape[-1])
    try:
        if form is LeanNorm:
            kept = weight.clone()
            try:
                weight.copy_(random(*weight.shape))
                with torch.enable_grad():  # the pass that training takes
                    found = rms_norm(x, weight, _eps(module)).detach()
                expected = module(x)
            finally:
                weight.copy_(kept)
        else:
            layers: Any = module
            expected, found = module(x), gated_product(layers.gate_proj(x), layers.up_proj(x), layers.down_proj.weight)
    except (AttributeError, IndexError, RuntimeError, TypeError, ValueError):  # it takes something else than one tensor
        return False
    return bool(isinstance(expected, Tensor) and expected.shape == found.shape and (expected - found).abs().max() <= _PROBE_TOLERANCE * expected.abs().max())
