"""Length rewards: the published numbers, and what they do to a group."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.algorithms.collection import CosineLength, KimiLength, SoftOverlong
from proctor.core import Completion, FinishReason, Rollout, RolloutGroup, Score, Task, Turn
from proctor.errors import ConfigError
from proctor.rollouts.shaping import cosine_length, is_correct, kimi_length, shape, soft_overlong

ENDS = CosineLength(correct_short=2.0, correct_long=1.0, wrong_short=-10.0, wrong_long=0.0, exceeded=-10.0)
TASK = Task("t", "")


def rollout(length: int, score: Score) -> Rollout:
    completion = Completion((1,) * length, (0.0,) * length, "", FinishReason.EOS, 0)
    return Rollout(TASK, 0, (1,), (Turn(completion),), {"math": score}, score.value)


def test_kimi() -> None:
    assert kimi_length([100, 200, 300, 500], [True, False, True, False]) == [0.5, 0.0, 0.0, -0.5]
    assert kimi_length([100, 200, 300, 500], [False] * 4) == [0.0, 0.0, 0.0, -0.5]
    assert kimi_length([7, 7], [True, False]) == [0.0, 0.0]


def test_soft_overlong() -> None:
    values = [soft_overlong(length, max_tokens=20480, cache_tokens=4096) for length in (1, 16384, 16385, 18432, 20480, 20481)]
    assert values == pytest.approx([0.0, 0.0, -1 / 4096, -0.5, -1.0, -1.0])


def test_cosine() -> None:
    assert [cosine_length(length, True, ENDS, max_tokens=100) for length in (0, 50, 100, 200)] == pytest.approx([2.0, 1.5, -10.0, -10.0])
    wrong = [cosine_length(length, False, ENDS, max_tokens=100) for length in (0, 50, 99)]
    assert wrong == pytest.approx([-10.0, -5.0, -10.0 * (1 + math.cos(0.99 * math.pi)) / 2])
    assert cosine_length(25, True, ENDS, max_tokens=100) == pytest.approx(1 + (1 + math.sqrt(0.5)) / 2)
    with pytest.raises(ConfigError, match="correct rollout must earn more"):
        CosineLength(correct_short=1.0, correct_long=0.0, wrong_short=0.0, wrong_long=0.0, exceeded=-1.0)


@given(st.lists(st.tuples(st.integers(1, 1000), st.booleans()), min_size=1, max_size=8))
def test_kimi_never_promotes_a_wrong_response_nor_a_longer_one(pairs: list[tuple[int, bool]]) -> None:
    amounts = kimi_length([length for length, _ in pairs], [right for _, right in pairs])
    assert all(-0.5 <= amount <= 0.5 for amount in amounts)
    assert all(amount <= 0 for amount, (_, right) in zip(amounts, pairs, strict=True) if not right)
    for (length, right), mine in zip(pairs, amounts, strict=True):
        for (other, is_right), theirs in zip(pairs, amounts, strict=True):
            assert not (right == is_right and length < other) or mine >= theirs


def test_a_group_is_shaped() -> None:
    scores = [Score.correct(), Score.incorrect(), Score.correct(), Score.unparsed("none")]
    group = RolloutGroup(TASK, tuple(rollout(length, score) for length, score in zip((100, 200, 300, 500), scores, strict=True)))
    shaped = shape(group, (KimiLength(2.0), SoftOverlong(200, weight=0.5)), step=0, max_tokens=400)
    assert shaped.rewards == [2.0, 0.0, 0.75, -1.5] and [one.shaping for one in shaped.rollouts] == [1.0, 0.0, -0.25, -1.5]
    assert group.rewards == [1.0, 0.0, 1.0, 0.0]
    assert shape(group, (KimiLength(2.0, start_step=9),), step=8, max_tokens=400) == group
    cosine = shape(group, (ENDS,), step=0, max_tokens=400).rewards
    assert cosine == pytest.approx([1 + 1 + (1 + math.sqrt(0.5)) / 2, -5.0, 1 + 1 + (1 - math.sqrt(0.5)) / 2, -10.0])


def test_correctness_survives_shaping() -> None:
    numeric = RolloutGroup(TASK, (rollout(10, Score(None, 1.0)), rollout(20, Score(None, 0.9))))
    shaped = shape(numeric, (KimiLength(1.0),), step=0, max_tokens=100)
    assert [is_correct(one) for one in numeric.rollouts] == [is_correct(one) for one in shaped.rollouts] == [True, False]
