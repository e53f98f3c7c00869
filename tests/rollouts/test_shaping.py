"""Length rewards: the published numbers, and what they do to a group."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.core import Completion, FinishReason, Outcome, Rollout, Score, Task, Turn
from proctor.errors import ConfigError
from proctor.rollouts.shaping import Attempt, CosineLength, KimiLength, SoftOverlong, cosine_length, is_correct, kimi_length, shape, soft_overlong


def rollout(length: int, score: Score, reward: float | None = None) -> Rollout:
    completion = Completion((1,) * length, (0.0,) * length, "", FinishReason.EOS, 0)
    return Rollout(Task("t", ""), 0, (1,), (Turn(completion),), {"math": score}, score.value if reward is None else reward)


def test_kimi() -> None:
    assert kimi_length([100, 200, 300, 500], [True, False, True, False]) == [0.5, 0.0, 0.0, -0.5]
    assert kimi_length([100, 200, 300, 500], [False] * 4) == [0.0, 0.0, 0.0, -0.5]
    assert kimi_length([7, 7], [True, False]) == [0.0, 0.0]


def test_soft_overlong() -> None:
    values = [soft_overlong(length, max_tokens=20480, cache_tokens=4096) for length in (1, 16384, 16385, 18432, 20480, 20481)]
    assert values == pytest.approx([0.0, 0.0, -1 / 4096, -0.5, -1.0, -1.0])
    assert SoftOverlong(20, 10)([Attempt(True, 15), Attempt(False, 99)]) == [-0.5, -1.0]


def test_cosine() -> None:
    def value(length: int, right: bool) -> float:
        return cosine_length(length, right, max_tokens=100, correct_short=2.0, correct_long=1.0, wrong_short=-10.0, wrong_long=0.0, exceeded=-10.0)

    assert [value(length, True) for length in (0, 50, 100, 200)] == pytest.approx([2.0, 1.5, -10.0, -10.0])
    assert [value(length, False) for length in (0, 50, 99)] == pytest.approx([-10.0, -5.0, -10.0 * (1 + math.cos(0.99 * math.pi)) / 2])
    assert value(25, True) == pytest.approx(1 + (1 + math.sqrt(0.5)) / 2)


@given(st.lists(st.tuples(st.integers(1, 1000), st.booleans()), min_size=1, max_size=8))
def test_kimi_never_promotes_a_wrong_response_nor_a_longer_one(pairs: list[tuple[int, bool]]) -> None:
    lengths, correct = [length for length, _ in pairs], [right for _, right in pairs]
    amounts = kimi_length(lengths, correct)
    assert all(-0.5 <= amount <= 0.5 for amount in amounts)
    assert all(amount <= 0 for amount, right in zip(amounts, correct, strict=True) if not right)
    for (one, mine), (other, theirs) in zip(zip(pairs, amounts, strict=True), zip(pairs[1:], amounts[1:], strict=True), strict=False):
        if one[1] == other[1] and one[0] < other[0]:
            assert mine >= theirs


def test_shape_adds_to_rewards_and_keeps_the_amounts() -> None:
    group = [rollout(100, Score.correct()), rollout(200, Score.incorrect()), rollout(300, Score.correct()), rollout(500, Score.unparsed("none"))]
    shaped = shape(group, [KimiLength(weight=2.0), SoftOverlong(400, 200, weight=0.5)])
    assert [one.reward for one in shaped] == [2.0, 0.0, 1.0 - 0.25, -1.0 - 0.5]
    assert [one.scores["kimi_length"].value for one in shaped] == [0.5, 0.0, 0.0, -0.5]
    assert [one.reward for one in group] == [1.0, 0.0, 1.0, 0.0]
    assert shape([], [KimiLength()]) == [] and shape(group, []) == group


def test_correctness_is_all_outcomes_or_else_all_values() -> None:
    good, form = Score.correct(), Score.incorrect()
    two = rollout(1, good)
    assert is_correct(two)
    assert not is_correct(Rollout(two.task, 0, (1,), two.turns, {"math": good, "format": form}, 1.0))
    assert is_correct(rollout(1, Score(None, 1.0))) and not is_correct(rollout(1, Score(None, 0.9)))
    assert is_correct(Rollout(two.task, 0, (1,), two.turns, {"math": good, "language": Score(None, 0.3)}, 1.0))
    assert not is_correct(rollout(1, Score(Outcome.CORRECT, 1.0)) if False else Rollout(two.task, 0, (1,), two.turns, {}, 1.0))


def test_broken_shapings_say_so() -> None:
    class Short:
        name, weight = "short", 1.0

        def __call__(self, attempts: object) -> list[float]:
            return [1.0]

    class Infinite(Short):
        def __call__(self, attempts: object) -> list[float]:
            return [math.inf, 0.0]

    group = [rollout(1, Score.correct()), rollout(2, Score.correct())]
    for broken in (Short(), Infinite()):
        with pytest.raises(ConfigError, match="one finite amount for each of 2"):
            shape(group, [broken])
    with pytest.raises(ConfigError, match="named 'math'"):
        shape(group, [KimiLength(name="math")])
    for wrong in ((0, 0), (10, 20), (10, 0)):
        with pytest.raises(ConfigError, match="cache_tokens"):
            SoftOverlong(*wrong)
    with pytest.raises(ConfigError, match="correct response must earn more"):
        CosineLength(100, correct_short=1.0, correct_long=0.0, wrong_short=0.0, wrong_long=0.0, exceeded=-1.0)
