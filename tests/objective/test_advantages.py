"""Advantages against numbers worked by hand, naive loops, and the properties they are used for."""

from __future__ import annotations

import math
import statistics

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from proctor.objective.advantages import group_centered, group_standardized, leave_one_out

ONE_GROUP = torch.zeros(4, dtype=torch.long)
RAGGED = st.lists(st.tuples(st.integers(0, 3), st.floats(-5, 5, allow_subnormal=False)), min_size=1, max_size=24)


def tensors(rows: list[tuple[int, float]]) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.tensor([value for _, value in rows], dtype=torch.float64), torch.tensor([group for group, _ in rows])


def naive(rows: list[tuple[int, float]], kind: str) -> list[float]:
    """The definitions, one rollout at a time."""
    result = []
    for index, (group, value) in enumerate(rows):
        members = [other for number, other in rows if number == group]
        others = [other for place, (number, other) in enumerate(rows) if number == group and place != index]
        if len(set(members)) == 1:
            result.append(0.0)
        elif kind == "centered":
            result.append(value - sum(members) / len(members))
        elif kind == "leave_one_out":
            result.append(value - sum(others) / len(others))
        else:
            deviation = statistics.stdev(members) if kind == "sample" else statistics.pstdev(members)
            result.append((value - sum(members) / len(members)) / (deviation + 1e-3))
    return result


def test_published_vectors() -> None:
    rewards = torch.tensor([1.0, 0.0, 0.0, 0.0])
    assert group_centered(rewards, ONE_GROUP).tolist() == [0.75, -0.25, -0.25, -0.25]
    assert leave_one_out(rewards, ONE_GROUP).tolist() == pytest.approx([1.0, -1 / 3, -1 / 3, -1 / 3])
    population = group_standardized(rewards, ONE_GROUP, ddof=0, epsilon=0.0)
    assert population.tolist() == pytest.approx([1.732051, -0.577350, -0.577350, -0.577350], abs=1e-6)
    sample = group_standardized(rewards, ONE_GROUP, ddof=1, epsilon=0.0)
    assert sample.tolist() == pytest.approx([1.5, -0.5, -0.5, -0.5])
    even = torch.tensor([1.0, 1.0, 0.0, 0.0])
    assert group_standardized(even, ONE_GROUP, ddof=1, epsilon=0.0).tolist() == pytest.approx([0.866025, 0.866025, -0.866025, -0.866025], abs=1e-6)


@given(RAGGED)
def test_naive_loops_agree_on_ragged_groups(rows: list[tuple[int, float]]) -> None:
    rewards, group_ids = tensors(rows)
    assert group_centered(rewards, group_ids).tolist() == pytest.approx(naive(rows, "centered"), abs=1e-10)
    assert leave_one_out(rewards, group_ids).tolist() == pytest.approx(naive(rows, "leave_one_out"), abs=1e-10)
    for ddof, kind in ((0, "population"), (1, "sample")):
        assert group_standardized(rewards, group_ids, ddof=ddof, epsilon=1e-3).tolist() == pytest.approx(naive(rows, kind), abs=1e-9)


@given(RAGGED, st.integers(-64, 64))
def test_shifting_all_rewards_changes_nothing(rows: list[tuple[int, float]], shift: int) -> None:
    rewards, group_ids = tensors(rows)
    for advantage in (group_centered, leave_one_out):
        assert torch.allclose(advantage(rewards, group_ids), advantage(rewards + shift, group_ids), atol=1e-9)


@pytest.mark.parametrize("value", [0.1, 1 / 3, 1e9 / 7, -2.3])
@pytest.mark.parametrize("size", [1, 3, 7])
def test_unanimous_and_single_rollouts_have_advantage_exactly_zero(value: float, size: int) -> None:
    rewards, group_ids = torch.full((size,), value), torch.zeros(size, dtype=torch.long)
    for result in (
        group_centered(rewards, group_ids),
        leave_one_out(rewards, group_ids),
        group_standardized(rewards, group_ids, ddof=1, epsilon=1e-6),
        group_standardized(rewards, group_ids, ddof=0, epsilon=0.0).nan_to_num(nan=0.0),
    ):
        assert result.tolist() == [0.0] * size


def test_centred_is_leave_one_out_times_its_factor() -> None:
    rewards = torch.tensor([0.3, 1.0, -2.0, 0.5, 9.0], dtype=torch.float64)
    group_ids = torch.tensor([0, 0, 0, 0, 1])
    assert torch.allclose(group_centered(rewards, group_ids)[:4], leave_one_out(rewards, group_ids)[:4] * 3 / 4, atol=1e-12)


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="3 rewards but 4 group_ids"):
        group_centered.__wrapped__(torch.zeros(3), ONE_GROUP) if hasattr(group_centered, "__wrapped__") else group_centered(torch.zeros(3), ONE_GROUP)
    with pytest.raises(ValueError, match="reward of rollout 2 is nan"):
        group_centered(torch.tensor([0.0, 1.0, math.nan, 1.0]), ONE_GROUP)
    with pytest.raises(ValueError, match="ddof must be 0"):
        group_standardized(torch.zeros(4), ONE_GROUP, ddof=2, epsilon=0.0)
