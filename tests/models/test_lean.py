"""Lean norms and gated layers give the numbers and gradients of the module that they replace, and keep less."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from proctor.models.config import LoraConfig
from proctor.models.lean import LeanGated, LeanNorm, gated_product, make_lean, rms_norm
from proctor.models.load import empty_policy, load_policy, with_adapters
from proctor.models.policy import Policy
from proctor.models.scoring import ForwardPath, Sequences, continuation_logprobs
from tests.families import FAMILIES, random_policy

LEAN_NORMS = {"falcon_h1", "gpt_oss", "granite", "lfm2", "llama", "mamba2", "mistral", "mixtral", "olmo2", "phi3", "qwen2", "qwen3", "qwen3_moe", "smollm3"}
LEAN_GATED = {"cohere", "falcon_h1", "granite", "llama", "mistral", "olmo2", "qwen2", "qwen3", "qwen3_next", "smollm3", "stablelm"}


def double(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)).requires_grad_()


def plain_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    return weight * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps)


def plain_gated(gate: Tensor, up: Tensor, weight: Tensor) -> Tensor:
    return (nn.functional.silu(gate) * up) @ weight.T


def lean(model: nn.Module, form: type[nn.Module]) -> int:
    return sum(isinstance(module, form) for module in model.modules())


def test_the_norm_is_its_definition_in_value_and_gradient() -> None:
    x, weight = double(2, 3, 5), double(5, seed=1)
    assert torch.allclose(rms_norm(x, weight, 1e-2), plain_norm(x, weight, 1e-2), atol=1e-12)
    assert torch.autograd.gradcheck(lambda a, b: rms_norm(a, b, 1e-2), (x, weight))


def test_the_gated_product_is_its_definition_in_value_and_gradient() -> None:
    gate, up, weight = double(2, 3, 4), double(2, 3, 4, seed=1), double(5, 4, seed=2)
    assert torch.allclose(gated_product(gate, up, weight), plain_gated(gate, up, weight), atol=1e-12)
    assert torch.autograd.gradcheck(gated_product, (gate, up, weight))


@pytest.mark.parametrize("trained", [(True, False), (False, True)])
def test_only_the_gradients_that_are_needed_are_computed(trained: tuple[bool, bool]) -> None:
    x, weight = (double(3, 4).requires_grad_(trained[0]), double(4, seed=1).requires_grad_(trained[1]))
    rms_norm(x, weight, 1e-6).sum().backward()
    assert [x.grad is not None, weight.grad is not None] == list(trained)
    gate, up, down = double(3, 4).requires_grad_(trained[0]), double(3, 4).requires_grad_(trained[0]), double(2, 4).requires_grad_(trained[1])
    gated_product(gate, up, down).sum().backward()
    assert [gate.grad is not None, up.grad is not None, down.grad is not None] == [trained[0], trained[0], trained[1]]


@pytest.mark.parametrize("family", sorted(FAMILIES))
@pytest.mark.filterwarnings("ignore")
def test_every_architecture_keeps_its_numbers_and_its_names(family: str) -> None:
    plain = random_policy(family).model
    draw = torch.Generator().manual_seed(3)
    for parameter in plain.parameters():  # a norm's weights are not all alike in a model that has been trained
        if parameter.dim() == 1:
            parameter.data.add_(0.3 * torch.randn(parameter.shape, generator=draw))
    other = copy.deepcopy(plain)
    make_lean(other)
    assert (lean(other, LeanNorm) > 0, lean(other, LeanGated) > 0) == (family in LEAN_NORMS, family in LEAN_GATED)
    assert plain.state_dict().keys() == other.state_dict().keys()
    ids = torch.randint(200, (2, 9), generator=draw)
    logs = [model(input_ids=ids, use_cache=False).logits.log_softmax(-1) for model in (plain, other)]
    assert torch.allclose(logs[0], logs[1], atol=1e-4)
    upstream = torch.randn(logs[0].shape, generator=draw)
    for found in logs:
        (found * upstream).sum().backward()
    gradients = [torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]) for model in (plain, other)]
    assert float((gradients[0] - gradients[1]).norm() / gradients[0].norm()) < 1e-5


def kept_bytes(model: nn.Module, ids: Tensor) -> int:
    """Of different tensors that a forward pass keeps for its backward pass, weights not counted."""
    weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept: dict[int, Tensor] = {}
    with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.setdefault(x.untyped_storage().data_ptr(), x), lambda x: x):
        output = model(input_ids=ids, use_cache=False).logits
    assert output.requires_grad
    return sum(x.untyped_storage().nbytes() for address, x in kept.items() if address not in weights)


def test_less_is_kept_for_the_backward_pass() -> None:
    plain = random_policy("llama").model.model
    other = copy.deepcopy(plain)
    make_lean(other)

    class Wrapped(nn.Module):
        def __init__(self, backbone: nn.Module) -> None:
            super().__init__()
            self.backbone = backbone

        def forward(self, input_ids: Tensor, use_cache: bool) -> object:
            hidden = self.backbone(input_ids=input_ids, use_cache=use_cache).last_hidden_state
            return type("Output", (), {"logits": hidden})

    ids = torch.arange(64)[None]
    assert kept_bytes(Wrapped(other), ids) < 0.7 * kept_bytes(Wrapped(plain), ids)


def test_loaded_models_are_lean_and_stay_so_in_a_copy(tiny: Policy) -> None:
    assert lean(tiny.model, LeanNorm) > 0
    assert lean(copy.deepcopy(tiny.model), LeanGated) == lean(tiny.model, LeanGated) > 0
    make_lean(tiny.model)  # twice changes nothing
    assert all(type(module).__mro__.count(LeanNorm) <= 1 for module in tiny.model.modules())


def test_norms_that_add_one_to_their_weight_are_not_taken_for_others() -> None:
    class Shifted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight, self.eps = nn.Parameter(torch.ones(8)), 1e-6

        def forward(self, x: Tensor) -> Tensor:
            return plain_norm(x, 1 + self.weight, self.eps)

    class GeluGated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gate_proj, self.up_proj, self.down_proj = nn.Linear(8, 6, bias=False), nn.Linear(8, 6, bias=False), nn.Linear(6, 8, bias=False)

        def forward(self, x: Tensor) -> Tensor:
            return self.down_proj(nn.functional.gelu(self.gate_proj(x)) * self.up_proj(x))

    shifted, gated = Shifted(), GeluGated()
    make_lean(nn.Sequential(shifted, gated))
    assert [type(shifted), type(gated)] == [Shifted, GeluGated]
    assert torch.equal(shifted.weight, torch.ones(8))  # the probe put it back


def test_a_model_without_weights_is_left_alone() -> None:
    model = empty_policy("tiny", None).model
    assert lean(model, LeanNorm) == lean(model, LeanGated) == 0


def test_an_adapter_on_the_down_projection_is_heard() -> None:
    policy = with_adapters(load_policy("tiny"), LoraConfig(rank=2, target_modules=("down_proj",)), seed=0)
    assert lean(policy.model, LeanGated) > 0
    ids = torch.arange(12)[None]
    before = policy.logits(ids, torch.ones_like(ids))
    for name, parameter in policy.model.named_parameters():
        if "lora_B" in name:
            parameter.data.fill_(0.5)
    after = policy.logits(ids, torch.ones_like(ids))
    assert not torch.allclose(before, after)
    after.sum().backward()
    assert all(parameter.grad is not None for parameter in policy.trainable_parameters)


def test_a_hook_on_the_down_projection_is_heard(tiny: Policy) -> None:
    model, heard = copy.deepcopy(tiny.model), []
    gated = next(module for module in model.modules() if isinstance(module, LeanGated))
    gated.down_proj.register_forward_hook(lambda *_: heard.append(1))
    model(input_ids=torch.arange(5)[None])
    assert heard == [1]


def test_bf16_passes_are_as_close_to_fp32_as_the_plain_ones_are() -> None:
    batch = Sequences([[1, 2, 3, 4]], [[5, 6, 7], [8, 9]], [0, 0])
    path = ForwardPath(is_packed=True, has_plain_head=True)

    def gradient(policy: Policy) -> Tensor:
        policy.model.zero_grad()
        continuation_logprobs(policy, batch, temperature=1.0, path=path)[0].sum().backward()
        return torch.cat([parameter.grad.flatten() for parameter in policy.trainable_parameters if parameter.grad is not None])

    plain = random_policy("llama")
    other = Policy(copy.deepcopy(plain.model), plain.tokenizer, "llama")
    make_lean(other.model)
    exact = gradient(plain)
    errors = []
    for policy in (plain, other):
        policy.compute_dtype = torch.bfloat16
        errors.append(float((gradient(policy) - exact).norm() / exact.norm()))
    assert 0 < errors[1] < 1.5 * errors[0]
