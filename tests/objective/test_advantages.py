"""Advantages against numbers worked by hand, naive loops, and the properties they are used for."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from proctor.objective import advantages, credit
from tests.objective.samples import SEEDS, batch, same, unchecked

ONE_GROUP = torch.zeros(4, dtype=torch.long)
RAGGED = st.lists(st.tuples(st.integers(0, 3), st.floats(-5, 5, allow_subnormal=False)), min_size=1, max_size=24)
LENGTHS = torch.tensor([10, 20, 30, 40])


def tensors(rows: list[tuple[int, float]]) -> tuple[Tensor, Tensor]:
    return torch.tensor([value for _, value in rows], dtype=torch.float64), torch.tensor([group for group, _ in rows])


def naive(rewards: Tensor, group_ids: Tensor, formula: Callable[[int, list[float], list[int]], float]) -> list[float]:
    """A definition, one rollout at a time: its place among its group, the group's rewards, the group's rollouts."""
    result: list[float] = []
    for number, identity in enumerate(group_ids.tolist()):
        members = [other for other, of_other in enumerate(group_ids.tolist()) if of_other == identity]
        values = [float(rewards[other]) for other in members]
        result.append(0.0 if len(set(values)) == 1 else formula(members.index(number), values, members))
    return result


def centered(place: int, values: list[float], members: list[int]) -> float:
    return values[place] - sum(values) / len(values)


def left_out(place: int, values: list[float], members: list[int]) -> float:
    others = values[:place] + values[place + 1 :]
    return values[place] - sum(others) / len(others)


def standardized(deviation: Callable[[list[float]], float], epsilon: float) -> Callable[[int, list[float], list[int]], float]:
    return lambda place, values, members: centered(place, values, members) / (deviation(values) + epsilon)


def best_minus_second(place: int, values: list[float], members: list[int]) -> float:
    first, second, *_ = sorted(values, reverse=True)
    return first - second if values[place] == first else 0.0


def log_partition(tau: float) -> Callable[[int, list[float], list[int]], float]:
    return lambda place, values, members: values[place] - tau * math.log(sum(math.exp(value / tau) for value in values) / len(values))


def test_vectors_of_group_advantages() -> None:
    """systems.md 14: GRPO of both deviations, Dr. GRPO, RLOO."""
    rewards = torch.tensor([1.0, 0.0, 0.0, 0.0])
    assert advantages.group_centered(rewards, ONE_GROUP).tolist() == [0.75, -0.25, -0.25, -0.25]
    same(advantages.leave_one_out(rewards, ONE_GROUP), [1.0, -1 / 3, -1 / 3, -1 / 3], atol=1e-6)
    same(advantages.group_standardized(rewards, ONE_GROUP, ddof=0, epsilon=0.0), [1.732051, -0.577350, -0.577350, -0.577350], atol=1e-6)
    same(advantages.group_standardized(rewards, ONE_GROUP, ddof=1, epsilon=0.0), [1.5, -0.5, -0.5, -0.5], atol=1e-6)
    even = torch.tensor([1.0, 1.0, 0.0, 0.0])
    same(advantages.group_standardized(even, ONE_GROUP, ddof=0, epsilon=0.0), [1, 1, -1, -1], atol=1e-6)
    same(advantages.group_standardized(even, ONE_GROUP, ddof=1, epsilon=0.0), [0.866025, 0.866025, -0.866025, -0.866025], atol=1e-6)


def test_vector_of_the_length_weighted_baseline() -> None:
    """systems.md 14: OPO with lengths 10, 20, 30, 40 has baseline 0.1."""
    same(advantages.length_weighted(torch.tensor([1.0, 0.0, 0.0, 0.0]), LENGTHS, ONE_GROUP), [0.9, -0.1, -0.1, -0.1], atol=1e-6)


@pytest.mark.parametrize(("tau", "baseline"), [(0.1, 0.86138), (1.0, 0.35737), (10.0, 0.25953), (1e6, 0.25)])
def test_vector_of_the_log_partition_baseline(tau: float, baseline: float) -> None:
    """systems.md 14: Kimi's baseline for rewards 1, 0, 0, 0."""
    found = advantages.log_partition_centered(torch.tensor([1.0, 0.0, 0.0, 0.0], dtype=torch.float64), ONE_GROUP, tau=tau)
    same(found, [1 - baseline, -baseline, -baseline, -baseline], atol=6e-6)


def test_vector_of_process_supervision() -> None:
    """systems.md 14: two outputs with two and three steps, mean 0.5, population std 0.316228."""
    first, second = advantages.process_supervised([[0.2, 0.8], [0.5, 0.1, 0.9]], [[3, 7], [2, 5, 9]], [0, 0], ddof=0, epsilon=0.0)
    same(first, [0.0] * 3 + [0.948683] * 4, atol=1e-6)
    same(second, [0.0] * 5 + [1.264911] * 4, atol=1e-6)


def test_vector_of_the_lecture_baseline_example() -> None:
    """systems.md 14: rewards 11, 9 | 0, 2 spread by 5.323; centred per prompt by 1.155."""
    rewards = torch.tensor([11.0, 9.0, 0.0, 2.0], dtype=torch.float64)
    found = advantages.group_centered(rewards, torch.tensor([0, 0, 1, 1]))
    assert found.tolist() == [1, -1, -1, 1]
    assert (float(rewards.std()), float(found.std())) == (pytest.approx(5.323, abs=5e-4), pytest.approx(1.155, abs=5e-4))


def test_vector_of_difficulty_weights() -> None:
    """systems.md 14: 1/sqrt(p(1-p)) is how much more a group of 8 counts under standardisation than under centring."""
    weights = [3.0237, 2.3094, 2.0656, 2.0, 2.0656, 2.3094, 3.0237]
    for successes, weight in zip(range(1, 8), weights, strict=True):
        rewards = (torch.arange(8) < successes).double()
        group_ids = torch.zeros(8, dtype=torch.long)
        mass = advantages.group_standardized(rewards, group_ids, ddof=0, epsilon=0.0).abs().sum()
        assert float(mass / advantages.group_centered(rewards, group_ids).abs().sum()) == pytest.approx(weight, abs=1e-4)


@pytest.mark.parametrize("seed", SEEDS)
def test_naive_loops_agree(seed: int) -> None:
    data = batch(seed)
    rewards, group_ids = data.rewards, data.group_ids
    same(advantages.group_centered(rewards, group_ids), naive(rewards, group_ids, centered))
    same(advantages.leave_one_out(rewards, group_ids), naive(rewards, group_ids, left_out))
    for ddof, deviation in ((0, statistics.pstdev), (1, statistics.stdev)):
        for epsilon in (0.0, 0.5):
            found = advantages.group_standardized(rewards, group_ids, ddof=ddof, epsilon=epsilon)
            same(found, naive(rewards, group_ids, standardized(deviation, epsilon)))
            whole = deviation(rewards.tolist()) + epsilon
            expected = [value / whole for value in naive(rewards, group_ids, centered)]
            same(advantages.batch_standardized(rewards, group_ids, ddof=ddof, epsilon=epsilon), expected)
    same(advantages.best_minus_second(rewards, group_ids), naive(rewards, group_ids, best_minus_second))
    for tau in (0.3, 2.0):
        same(advantages.log_partition_centered(rewards, group_ids, tau=tau), naive(rewards, group_ids, log_partition(tau)))
    greedy = data.advantages
    same(advantages.greedy_baseline(rewards, greedy), [float(mine) - float(other) for mine, other in zip(rewards, greedy, strict=True)])


@pytest.mark.parametrize("seed", SEEDS)
def test_naive_loops_agree_on_lengths(seed: int) -> None:
    data = batch(seed)
    lengths = data.mask.sum(1)

    def weighted(place: int, values: list[float], members: list[int]) -> float:
        counts = [int(lengths[member]) for member in members]
        return values[place] - sum(count * value for count, value in zip(counts, values, strict=True)) / sum(counts)

    same(advantages.length_weighted(data.rewards, lengths, data.group_ids), naive(data.rewards, data.group_ids, weighted))
    same(advantages.length_weighted(data.rewards, lengths.double(), data.group_ids), naive(data.rewards, data.group_ids, weighted))


@pytest.mark.parametrize("seed", SEEDS)
def test_naive_loops_agree_on_decoupled_parts(seed: int) -> None:
    data = batch(seed)
    parts, weights = torch.stack([data.rewards, 100 * data.advantages, torch.ones(7, dtype=torch.float64)], dim=1), (0.3, 2.0, 7.0)
    for ddof, deviation in ((0, statistics.pstdev), (1, statistics.stdev)):
        by_part = [naive(part, data.group_ids, standardized(deviation, 0.25)) for part in parts.unbind(1)]
        total = [sum(weight * value for weight, value in zip(weights, row, strict=True)) for row in zip(*by_part, strict=True)]
        expected = [(value - statistics.mean(total)) / (deviation(total) + 0.25) for value in total]
        same(advantages.decoupled_standardized(parts, data.group_ids, weights=weights, ddof=ddof, epsilon=0.25), expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_naive_loops_agree_on_process_supervision(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    counts = [3, 0, 1, 4, 2]
    step_rewards = [torch.randn(count, generator=generator, dtype=torch.float64).tolist() for count in counts]
    step_ends = [torch.randint(1, 4, (count,), generator=generator).cumsum(0).tolist() for count in counts]
    group_ids = [4, 4, 1, 4, 1]
    for ddof, deviation in ((0, statistics.pstdev), (1, statistics.stdev)):
        found = advantages.process_supervised(step_rewards, step_ends, group_ids, ddof=ddof, epsilon=0.1)
        for number, (of_steps, ends) in enumerate(zip(step_rewards, step_ends, strict=True)):
            pool = [value for other, values in enumerate(step_rewards) if group_ids[other] == group_ids[number] for value in values]
            scaled = [(value - statistics.mean(pool)) / (deviation(pool) + 0.1) for value in of_steps]
            last = ends[-1] if ends else 0
            expected = [sum(value for value, end in zip(scaled, ends, strict=True) if end >= token) for token in range(1, last + 1)]
            same(found[number], torch.tensor(expected, dtype=torch.float64))
        same(found[3], advantages.process_supervised(step_rewards, step_ends, torch.tensor(group_ids), ddof=ddof, epsilon=0.1)[3])


@given(RAGGED)
def test_naive_loops_agree_on_any_groups(rows: list[tuple[int, float]]) -> None:
    rewards, group_ids = tensors(rows)
    same(advantages.group_centered(rewards, group_ids), naive(rewards, group_ids, centered))
    same(advantages.leave_one_out(rewards, group_ids), naive(rewards, group_ids, left_out))
    same(advantages.group_standardized(rewards, group_ids, ddof=1, epsilon=1e-3), naive(rewards, group_ids, standardized(statistics.stdev, 1e-3)), atol=1e-9)


def every(rewards: Tensor, group_ids: Tensor) -> dict[str, Tensor]:
    """Every advantage with a group baseline."""
    lengths = torch.arange(1, len(rewards) + 1)
    return {
        "group_centered": advantages.group_centered(rewards, group_ids),
        "group_standardized": advantages.group_standardized(rewards, group_ids, ddof=0, epsilon=0.0),
        "sample": advantages.group_standardized(rewards, group_ids, ddof=1, epsilon=0.0),
        "leave_one_out": advantages.leave_one_out(rewards, group_ids),
        "batch_standardized": advantages.batch_standardized(rewards, group_ids, ddof=1, epsilon=0.0),
        "length_weighted": advantages.length_weighted(rewards, lengths, group_ids),
        "best_minus_second": advantages.best_minus_second(rewards, group_ids),
        "decoupled": advantages.decoupled_standardized(rewards[:, None], group_ids, weights=[1.0], ddof=1, epsilon=0.0),
        "log_partition": advantages.log_partition_centered(rewards, group_ids, tau=0.7),
    }


@given(RAGGED, st.integers(-64, 64), st.integers(0, 99))
def test_neither_a_shift_nor_the_order_of_rollouts_nor_the_names_of_groups_matter(rows: list[tuple[int, float]], shift: int, seed: int) -> None:
    rewards, group_ids = tensors([(group, round(value, 2)) for group, value in rows])
    shifted, renamed = every(rewards + shift, group_ids), every(rewards, 7 - 2 * group_ids)
    for name, expected in every(rewards, group_ids).items():
        if name not in {"sample", "group_standardized", "batch_standardized", "decoupled"}:  # whose scale a rounded spread of 0 can spoil
            same(shifted[name], expected, atol=1e-8)
        same(renamed[name], expected, atol=1e-8)
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))
    for advantage in (advantages.group_centered, advantages.leave_one_out, lambda r, g: advantages.log_partition_centered(r, g, tau=0.7)):
        same(advantage(rewards[order], group_ids[order]), advantage(rewards, group_ids)[order], atol=1e-9)


@pytest.mark.parametrize("value", [0.1, 1 / 3, 1e9 / 7, -2.3, 0.0])
@pytest.mark.parametrize("size", [1, 3, 7])
def test_unanimous_and_single_rollouts_have_advantage_exactly_zero(value: float, size: int) -> None:
    for dtype in (torch.float32, torch.float64):
        for name, found in every(torch.full((size,), value, dtype=dtype), torch.zeros(size, dtype=torch.long)).items():
            assert found.tolist() == [0.0] * size, name
            assert found.dtype == dtype, name


def test_a_group_apart_from_an_unanimous_one_is_not_touched_by_it() -> None:
    rewards, group_ids = torch.tensor([0.1, 1.0, 0.1, 0.0, 0.1]), torch.tensor([8, 3, 8, 3, 8])
    for name, found in every(rewards, group_ids).items():
        assert found[[0, 2, 4]].tolist() == [0.0, 0.0, 0.0], name
        assert found[1] > 0, name


def test_centred_is_leave_one_out_times_its_factor() -> None:
    """Dr. GRPO = (G-1)/G RLOO."""
    rewards = torch.tensor([0.3, 1.0, -2.0, 0.5, 9.0], dtype=torch.float64)
    group_ids = torch.tensor([0, 0, 0, 0, 1])
    same(advantages.group_centered(rewards, group_ids)[:4], advantages.leave_one_out(rewards, group_ids)[:4] * 3 / 4)


def test_two_that_share_the_best_reward_earn_nothing_over_each_other() -> None:
    assert advantages.best_minus_second(torch.tensor([1.0, 1.0, 0.0]), torch.zeros(3, dtype=torch.long)).tolist() == [0.0, 0.0, 0.0]
    assert advantages.best_minus_second(torch.tensor([0.0, 3.0, 1.0, 5.0]), torch.tensor([1, 1, 1, 0])).tolist() == [0.0, 2.0, 0.0, 0.0]


def test_the_second_best_is_found_in_groups_of_hundreds() -> None:
    """Sorting by reward and then by group must keep the order of rewards."""
    generator = torch.Generator().manual_seed(0)
    rewards, group_ids = torch.rand(3000, generator=generator, dtype=torch.float64), torch.randint(3, (3000,), generator=generator)
    found = advantages.best_minus_second(rewards, group_ids)
    for group in range(3):
        top = rewards[group_ids == group].topk(2).values
        same(found[group_ids == group].sum(), float(top[0] - top[1]))
    assert int(found.count_nonzero()) == 3


def test_parts_of_any_scale_count_the_same_when_decoupled() -> None:
    """1, 1, 0, 0 and 0, 1, 0, 1 at a thousandth of the scale: the sum would drown the second part."""
    parts = torch.tensor([[1.0, 0.0], [1.0, 0.001], [0.0, 0.0], [0.0, 0.001]], dtype=torch.float64)
    found = advantages.decoupled_standardized(parts, ONE_GROUP, weights=[1.0, 1.0], ddof=0, epsilon=0.0)
    same(found, [0.0, math.sqrt(2), -math.sqrt(2), 0.0])


def test_the_log_partition_baseline_does_not_overflow() -> None:
    rewards = torch.tensor([1000.0, 0.0, 999.0], dtype=torch.float64)
    expected = 1000 + 0.5 * math.log((1 + math.exp(-2.0)) / 3)
    same(advantages.log_partition_centered(rewards, torch.zeros(3, dtype=torch.long), tau=0.5), [1000 - expected, -expected, 999 - expected])


def test_the_room_of_advantages_has_the_credit_per_token_too() -> None:
    for name in ("gae", "length_adaptive_lambda", "reward_to_go", "terminal_rewards", "whiten"):
        assert getattr(advantages, name) is getattr(credit, name)


def test_bad_input_is_named() -> None:
    plain, three = unchecked("advantages"), torch.zeros(3)
    for wrong in (lambda: plain.group_centered(three, ONE_GROUP), lambda: plain.best_minus_second(three, ONE_GROUP)):
        with pytest.raises(ValueError, match="3 rewards but 4 group_ids"):
            wrong()
    with pytest.raises(ValueError, match="2 x 2 rewards but 2 x 2 group_ids"):
        plain.group_centered(torch.zeros(2, 2), torch.zeros(2, 2, dtype=torch.long))
    for value in (math.nan, math.inf, -math.inf):
        rewards = torch.tensor([0.0, 1.0, value, value])
        with pytest.raises(ValueError, match=f"reward of rollout 2 is {value}"):
            advantages.group_centered(rewards, ONE_GROUP)
        for pair in ((rewards, torch.zeros(4)), (torch.zeros(4), rewards)):
            with pytest.raises(ValueError, match="reward of rollout 2"):
                advantages.greedy_baseline(*pair)
    with pytest.raises(ValueError, match="rewards .3,., greedy_rewards .4,."):
        plain.greedy_baseline(three, torch.zeros(4))
    with pytest.raises(ValueError, match="rewards .3,., lengths .4,."):
        plain.length_weighted(three, LENGTHS, ONE_GROUP[:3])


@pytest.mark.parametrize("ddof", [-1, 2])
def test_a_deviation_is_of_the_population_or_the_sample(ddof: int) -> None:
    rewards = torch.zeros(4)
    for wrong in (
        lambda: advantages.group_standardized(rewards, ONE_GROUP, ddof=ddof, epsilon=0.0),
        lambda: advantages.batch_standardized(rewards, ONE_GROUP, ddof=ddof, epsilon=0.0),
        lambda: advantages.decoupled_standardized(rewards[:, None], ONE_GROUP, weights=[1.0], ddof=ddof, epsilon=0.0),
        lambda: advantages.process_supervised([[1.0]], [[1]], [0], ddof=ddof, epsilon=0.0),
    ):
        with pytest.raises(ValueError, match="ddof must be 0"):
            wrong()


def test_constants_out_of_range_are_refused() -> None:
    rewards = torch.zeros(4)
    for standardize in (advantages.group_standardized, advantages.batch_standardized):
        with pytest.raises(ValueError, match="epsilon must not be negative"):
            standardize(rewards, ONE_GROUP, ddof=1, epsilon=-1e-9)
    for tau in (0.0, -1.0):
        with pytest.raises(ValueError, match="tau must be greater than 0"):
            advantages.log_partition_centered(rewards, ONE_GROUP, tau=tau)
    for weights in ([1.0], [1.0, 1.0, 1.0]):
        with pytest.raises(ValueError, match="one weight a part"):
            advantages.decoupled_standardized(torch.zeros(4, 2), ONE_GROUP, weights=weights, ddof=1, epsilon=0.0)
    with pytest.raises(ValueError, match="one weight a part"):
        unchecked("advantages").decoupled_standardized(torch.zeros(4, 1, 1), ONE_GROUP, weights=[1.0], ddof=1, epsilon=0.0)
    for lengths in ([0, 0, 0, 0], [-1, 2, 3, 4]):
        with pytest.raises(ValueError, match="lengths must not be negative"):
            advantages.length_weighted(rewards, torch.tensor(lengths), ONE_GROUP)
    with pytest.raises(ValueError, match="at least one rollout of each group"):
        advantages.length_weighted(rewards, torch.tensor([1, 1, 0, 0]), torch.tensor([0, 0, 1, 1]))


@pytest.mark.parametrize(
    ("step_rewards", "step_ends", "group_ids", "message"),
    [
        ([[1.0]], [[1], [2]], [0], "1 of step_rewards, 2 of step_ends, 1 of group_ids"),
        ([[1.0], [1.0]], [[1], [2]], [0], "2 of step_rewards, 2 of step_ends, 1 of group_ids"),
        ([[1.0], [1.0, 2.0]], [[1], [2]], [0, 0], "rollout 1 has 2 step rewards"),
        ([[1.0]], [[0]], [0], "rollout 0 has 1 step rewards and step ends .0."),
        ([[1.0, 2.0]], [[3, 3]], [0], "ascending"),
        ([[1.0, 2.0]], [[3, 2]], [0], "ascending"),
    ],
)
def test_steps_must_end_in_order(step_rewards: list[list[float]], step_ends: list[list[int]], group_ids: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        advantages.process_supervised(step_rewards, step_ends, group_ids, ddof=0, epsilon=0.0)
