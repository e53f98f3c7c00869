"""Divergences between a student and a teacher, per token, nats. Only the student is differentiated.

On the student's own samples these are on-policy distillation, on a data set they are the classic one. Full forms need both
vocabularies' logits. Top-k forms need only the teacher's k most likely tokens, and put all other tokens into one tail bucket, so
both distributions still sum to 1: a divergence of coarser distributions, a lower bound of the full one.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from proctor.objective.logprobs import log_softmax
from proctor.objective.shapes import require_same


def forward_kl(
    student_logits: Float[Tensor, "*batch vocabulary"], teacher_logits: Float[Tensor, "*batch vocabulary"], *, temperature: float
) -> Float[Tensor, "*batch"]:
    """KL(teacher || student) = sum_v t_v (log t_v - log s_v): the student must cover what the teacher does.

    Gradient in the student's logits: (s - t) / temperature.

    Source: Hinton et al. 2015; Agarwal et al. 2024 (GKD), section 2.

    Args:
        student_logits: differentiated.
        teacher_logits: constants.
        temperature: of both; greater than 0. No factor temperature^2.

    Raises:
        ValueError: shapes disagree, or temperature is not positive.
    """
    student, teacher = _both(student_logits, teacher_logits, temperature)
    return _kl(teacher, student)


def reverse_kl(
    student_logits: Float[Tensor, "*batch vocabulary"], teacher_logits: Float[Tensor, "*batch vocabulary"], *, temperature: float
) -> Float[Tensor, "*batch"]:
    """KL(student || teacher) = sum_v s_v (log s_v - log t_v): the student must not do what the teacher would not.

    The usual choice on the student's own samples. Averaged over tokens that were drawn, log s - log t (`kl.k1`) estimates it.

    Gradient in the student's logits: s (log s - log t - KL) / temperature.

    Source: Gu et al. 2024 (MiniLLM); Agarwal et al. 2024 (GKD), section 2.

    Args:
        student_logits: differentiated.
        teacher_logits: constants.
        temperature: of both; greater than 0.

    Raises:
        ValueError: shapes disagree, or temperature is not positive.
    """
    student, teacher = _both(student_logits, teacher_logits, temperature)
    return _kl(student, teacher)


def generalized_js(
    student_logits: Float[Tensor, "*batch vocabulary"], teacher_logits: Float[Tensor, "*batch vocabulary"], *, weight: float, temperature: float
) -> Float[Tensor, "*batch"]:
    """w KL(teacher || m) + (1 - w) KL(student || m), with m = w teacher + (1 - w) student.

    Bounded, unlike both KLs. Divided by w it tends to the forward KL as w goes to 0, divided by 1 - w to the reverse KL as w
    goes to 1; at the ends themselves it is 0, so they are refused.

    Gradient: (1 - w) that of KL(student || m) with m held constant.

    Source: Agarwal et al. 2024 (GKD), section 2, JSD(beta); w is its beta.

    Args:
        student_logits: differentiated.
        teacher_logits: constants.
        weight: of the teacher in the mixture, greater than 0 and less than 1.
        temperature: of both; greater than 0.

    Raises:
        ValueError: shapes disagree, weight is not between 0 and 1, or temperature is not positive.
    """
    if not 0 < weight < 1:
        raise ValueError(f"weight must be greater than 0 and less than 1, not {weight}; the ends are forward_kl and reverse_kl")
    student, teacher = _both(student_logits, teacher_logits, temperature)
    mixture = torch.logaddexp(teacher + math.log(weight), student + math.log1p(-weight))
    return weight * _kl(teacher, mixture) + (1 - weight) * _kl(student, mixture)


def top_k_forward_kl(
    student_logits: Float[Tensor, "*batch vocabulary"],
    teacher_logprobs: Float[Tensor, "*batch top"],
    teacher_token_ids: Int[Tensor, "*batch top"],
    *,
    temperature: float,
) -> Float[Tensor, "*batch"]:
    """`forward_kl` of the distributions over the teacher's k tokens and one tail bucket.

    Gradient: that of `forward_kl` for a teacher who spreads the tail over its tokens as the student does.

    Args:
        student_logits: differentiated.
        teacher_logprobs: of the teacher's k most likely tokens under its full vocabulary, nats; constants.
        teacher_token_ids: these tokens, all different, fewer than the vocabulary.
        temperature: of the student; the teacher's logprobs must be of the same.

    Raises:
        ValueError: shapes disagree, k is not less than the vocabulary, or temperature is not positive.
    """
    student, teacher = _bucketed(student_logits, teacher_logprobs, teacher_token_ids, temperature)
    return _kl(teacher, student)


def top_k_reverse_kl(
    student_logits: Float[Tensor, "*batch vocabulary"],
    teacher_logprobs: Float[Tensor, "*batch top"],
    teacher_token_ids: Int[Tensor, "*batch top"],
    *,
    temperature: float,
) -> Float[Tensor, "*batch"]:
    """`reverse_kl` of the distributions over the teacher's k tokens and one tail bucket.

    Where the student puts its mass outside the teacher's k tokens this sees only how much, not where.

    Gradient: that of `reverse_kl` for a teacher who spreads the tail over its tokens as the student does.

    Args:
        student_logits: differentiated.
        teacher_logprobs: of the teacher's k most likely tokens under its full vocabulary, nats; constants.
        teacher_token_ids: these tokens, all different, fewer than the vocabulary.
        temperature: of the student; the teacher's logprobs must be of the same.

    Raises:
        ValueError: shapes disagree, k is not less than the vocabulary, or temperature is not positive.
    """
    student, teacher = _bucketed(student_logits, teacher_logprobs, teacher_token_ids, temperature)
    return _kl(student, teacher)


def _both(student_logits: Tensor, teacher_logits: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    require_same(student_logits=student_logits, teacher_logits=teacher_logits)
    return log_softmax(student_logits, temperature=temperature), log_softmax(teacher_logits.detach(), temperature=temperature)


def _bucketed(student_logits: Tensor, teacher_logprobs: Tensor, teacher_token_ids: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """Log-probabilities of the k tokens and the tail, of student and teacher."""
    require_same(teacher_logprobs=teacher_logprobs, teacher_token_ids=teacher_token_ids)
    if not teacher_token_ids.shape[-1] < student_logits.shape[-1]:
        raise ValueError(f"{teacher_token_ids.shape[-1]} top tokens leave no tail in a vocabulary of {student_logits.shape[-1]}; use the full form")
    logs = log_softmax(student_logits, temperature=temperature)
    student_tail = logs.scatter(-1, teacher_token_ids, -torch.inf).logsumexp(-1, keepdim=True)
    teacher = teacher_logprobs.detach().to(logs.dtype)
    # Rounding can make the k probabilities sum to 1 or more: the tail is then as small as it can be, not negative.
    teacher_tail = (1 - teacher.exp().sum(-1, keepdim=True)).clamp(min=torch.finfo(logs.dtype).tiny).log()
    return torch.cat([logs.gather(-1, teacher_token_ids), student_tail], dim=-1), torch.cat([teacher, teacher_tail], dim=-1)


def _kl(left: Tensor, right: Tensor) -> Tensor:
    return (left.exp() * (left - right)).sum(-1)
