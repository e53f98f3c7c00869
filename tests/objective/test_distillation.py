"""Divergences from a teacher: sums over the vocabulary written out, gradients, buckets, and limits."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from proctor.objective import distillation, kl
from tests.objective.samples import SEEDS, gradcheck, gradient, same, unchecked

SIZE = 6
TOP = torch.tensor([[4, 1, 0], [2, 5, 3]])


def sample(seed: int) -> tuple[Tensor, Tensor]:
    """Logits of student and teacher at two positions."""
    student, teacher = torch.randn(2, 2, SIZE, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return student, teacher


def softmax(logits: list[float], temperature: float) -> list[float]:
    weights = [math.exp(x / temperature) for x in logits]
    return [weight / sum(weights) for weight in weights]


def divergence(left: list[float], right: list[float]) -> float:
    return sum(p * math.log(p / q) for p, q in zip(left, right, strict=True))


def jensen_shannon(student: list[float], teacher: list[float]) -> float:
    mixture = [0.3 * t + 0.7 * s for s, t in zip(student, teacher, strict=True)]
    return 0.3 * divergence(teacher, mixture) + 0.7 * divergence(student, mixture)


def buckets(probabilities: list[float], top: list[int]) -> list[float]:
    return [*(probabilities[token] for token in top), sum(p for token, p in enumerate(probabilities) if token not in top)]


def top_logprobs(teacher: Tensor, temperature: float) -> Tensor:
    return torch.log_softmax(teacher / temperature, -1).gather(-1, TOP)


FULL: dict[str, tuple[Callable[[Tensor, Tensor, float], Tensor], Callable[[list[float], list[float]], float]]] = {
    "forward_kl": (lambda s, t, x: distillation.forward_kl(s, t, temperature=x), lambda s, t: divergence(t, s)),
    "reverse_kl": (lambda s, t, x: distillation.reverse_kl(s, t, temperature=x), divergence),
    "generalized_js": (lambda s, t, x: distillation.generalized_js(s, t, weight=0.3, temperature=x), jensen_shannon),
}
TOP_K: dict[str, tuple[Callable[[Tensor, Tensor, float], Tensor], Callable[[list[float], list[float]], float]]] = {
    "forward_kl": (lambda s, t, x: distillation.top_k_forward_kl(s, top_logprobs(t, x), TOP, temperature=x), lambda s, t: divergence(t, s)),
    "reverse_kl": (lambda s, t, x: distillation.top_k_reverse_kl(s, top_logprobs(t, x), TOP, temperature=x), divergence),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_divergences_are_their_sums(seed: int, temperature: float) -> None:
    student, teacher = sample(seed)
    rows = [(softmax(s, temperature), softmax(t, temperature)) for s, t in zip(student.tolist(), teacher.tolist(), strict=True)]
    for loss, definition in FULL.values():
        same(loss(student, teacher, temperature), [definition(*row) for row in rows])
        gradcheck(lambda at, of=loss: of(at, teacher, temperature), student)
    coarse = [(buckets(s, top), buckets(t, top)) for (s, t), top in zip(rows, TOP.tolist(), strict=True)]
    for loss, definition in TOP_K.values():
        same(loss(student, teacher, temperature), [definition(*row) for row in coarse])
        gradcheck(lambda at, of=loss: of(at, teacher, temperature), student)


def test_gradients_in_the_logits_are_those_of_the_docstrings() -> None:
    student, teacher = sample(0)
    s, t = (torch.log_softmax(logits / 0.7, -1) for logits in (student, teacher))
    same(gradient(lambda at: distillation.forward_kl(at, teacher, temperature=0.7), student), (s.exp() - t.exp()) / 0.7)
    reverse = distillation.reverse_kl(student, teacher, temperature=0.7)[:, None]
    same(gradient(lambda at: distillation.reverse_kl(at, teacher, temperature=0.7), student), s.exp() * (s - t - reverse) / 0.7)
    mixture = (0.3 * t.exp() + 0.7 * s.exp()).log()

    def to_constant(at: Tensor) -> Tensor:
        logs = torch.log_softmax(at / 0.7, -1)
        return 0.7 * (logs.exp() * (logs - mixture)).sum(-1)

    same(gradient(lambda at: distillation.generalized_js(at, teacher, weight=0.3, temperature=0.7), student), gradient(to_constant, student))


def test_a_top_k_gradient_is_that_of_a_teacher_with_the_students_tail() -> None:
    student, teacher = sample(1)
    s, top = torch.log_softmax(student, -1), top_logprobs(teacher, 1.0)
    in_tail = torch.ones_like(student, dtype=torch.bool).scatter(-1, TOP, False)
    tail = (1 - top.exp().sum(-1, keepdim=True)).log() - torch.where(in_tail, s.exp(), 0).sum(-1, keepdim=True).log()
    like_student = torch.where(in_tail, s + tail, 0).scatter(-1, TOP, top)
    for name in TOP_K:
        found = gradient(lambda at, of=TOP_K[name][0]: of(at, teacher, 1.0), student)
        same(found, gradient(lambda at, of=FULL[name][0]: of(at, like_student, 1.0), student))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_divergence_of_buckets_is_a_lower_bound(seed: int) -> None:
    student, teacher = sample(seed)
    for name, (loss, _) in TOP_K.items():
        assert (loss(student, teacher, 1.0) <= FULL[name][0](student, teacher, 1.0) + 1e-12).all()


def test_only_the_student_is_differentiated() -> None:
    student, teacher = sample(0)
    for losses in (FULL, TOP_K):
        for name, (loss, _) in losses.items():
            assert not loss(student, teacher.clone().requires_grad_(True), 1.0).requires_grad, name
            same(loss(teacher, teacher, 1.0), [0.0, 0.0], atol=1e-12)


def test_the_ends_of_the_generalised_divergence_are_the_two_kls() -> None:
    student, teacher = sample(2)
    near = 1e-6
    found = distillation.generalized_js(student, teacher, weight=near, temperature=1.0) / near
    same(found, distillation.forward_kl(student, teacher, temperature=1.0), atol=1e-5)
    found = distillation.generalized_js(student, teacher, weight=1 - near, temperature=1.0) / near
    same(found, distillation.reverse_kl(student, teacher, temperature=1.0), atol=1e-5)


@given(st.lists(st.floats(-20, 20), min_size=SIZE, max_size=SIZE), st.floats(0.01, 0.99))
def test_the_generalised_divergence_is_bounded(logits: list[float], weight: float) -> None:
    student, teacher = torch.tensor([logits], dtype=torch.float64), sample(0)[1][:1]
    found = float(distillation.generalized_js(student, teacher, weight=weight, temperature=1.0))
    assert -1e-12 <= found <= -weight * math.log(weight) - (1 - weight) * math.log(1 - weight) + 1e-12


def test_reverse_kl_is_the_exact_kl_to_the_teacher() -> None:
    student, teacher = sample(3)
    same(distillation.reverse_kl(student, teacher, temperature=0.5), kl.exact(student, teacher, temperature=0.5))


def test_a_teacher_whose_top_tokens_sum_to_more_than_one_leaves_the_smallest_tail() -> None:
    student, top = torch.zeros(1, 4, requires_grad=True), torch.tensor([[0.6, 0.4 + 1e-7]]).log()
    ids = torch.tensor([[0, 1]])
    forward = distillation.top_k_forward_kl(student, top, ids, temperature=1.0)
    assert float(forward.detach()) == pytest.approx(0.6 * math.log(0.6 / 0.25) + 0.4 * math.log(0.4 / 0.25), abs=1e-5)
    reverse = distillation.top_k_reverse_kl(student, top, ids, temperature=1.0)
    expected = 0.25 * math.log(0.25 / 0.6) + 0.25 * math.log(0.25 / 0.4) + 0.5 * math.log(0.5 / torch.finfo(torch.float32).tiny)
    assert float(reverse.detach()) == pytest.approx(expected, abs=1e-4)


def test_half_precision_logits_are_widened() -> None:
    student, teacher = (logits.bfloat16() for logits in sample(0))
    for loss, _ in FULL.values():
        assert loss(student, teacher, 1.0).dtype is torch.float32
    assert distillation.top_k_forward_kl(student, top_logprobs(teacher.float(), 1.0).double(), TOP, temperature=1.0).dtype is torch.float32


def test_bad_input_is_named() -> None:
    plain, student, narrow = unchecked("distillation"), torch.zeros(2, SIZE), torch.zeros(2, SIZE - 1)
    for wrong in (
        lambda: plain.forward_kl(student, narrow, temperature=1.0),
        lambda: plain.reverse_kl(student, narrow[:, :1], temperature=1.0),
        lambda: plain.generalized_js(student, narrow[:, :1], weight=0.5, temperature=1.0),
        lambda: plain.top_k_forward_kl(student, torch.zeros(2, 1), TOP, temperature=1.0),
        lambda: plain.top_k_reverse_kl(student, torch.zeros(2, 1), TOP, temperature=1.0),
    ):
        with pytest.raises(ValueError, match="shapes must agree"):
            wrong()
    everything = torch.arange(SIZE).expand(2, SIZE)
    for loss in (distillation.top_k_forward_kl, distillation.top_k_reverse_kl):
        with pytest.raises(ValueError, match="6 top tokens leave no tail in a vocabulary of 6"):
            loss(student, torch.full((2, SIZE), -math.log(SIZE)), everything, temperature=1.0)
        same(loss(student, torch.full((2, SIZE - 1), -math.log(SIZE)), everything[:, 1:], temperature=1.0), [0.0, 0.0], atol=1e-6)
    for weight in (0.0, 1.0, -0.1, 1.1):
        with pytest.raises(ValueError, match="weight must be greater than 0 and less than 1"):
            distillation.generalized_js(student, student, weight=weight, temperature=1.0)
    for temperature in (0.0, -1.0):
        with pytest.raises(ValueError, match="temperature must be greater than 0"):
            distillation.forward_kl(student, student, temperature=temperature)
