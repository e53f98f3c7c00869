"""Segments: what belongs to which episode, and what stands for the future where a piece ends."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from proctor.lab.control.environments import ParallelEnvironments
from proctor.lab.control.segments import Pieces, Segment, annotate, collect
from tests.lab.control.scripted import Episode, ScriptedEnvironment, agent_with_known_values, gymnasium, in_order, small

DRAW = torch.Generator()


def collected(episodes: list[Episode], steps: int) -> tuple[Segment, ParallelEnvironments]:
    config = small(segment_steps=steps)
    environments = ParallelEnvironments(in_order([ScriptedEnvironment(episodes)]), config, seed=0)
    return collect(agent_with_known_values(), environments, config, DRAW), environments


def naive_gae(rewards: Tensor, values: Tensor, following: Tensor, is_terminated: Tensor, is_done: Tensor, gamma: float, gae_lambda: float) -> Tensor:
    """Backwards through time, one environment after the other, as every tutorial has it; `following` is V of the successors."""
    advantages = torch.zeros_like(rewards)
    for row in range(len(rewards)):
        running = 0.0
        for time in reversed(range(rewards.shape[1])):
            next_value = 0.0 if is_terminated[row, time] else float(following[row, time])
            delta = float(rewards[row, time]) + gamma * next_value - float(values[row, time])
            running = delta + (0.0 if is_done[row, time] else gamma * gae_lambda * running)
            advantages[row, time] = running
    return advantages


def test_a_segment_keeps_the_last_observation_of_an_episode_apart_from_the_first_of_the_next() -> None:
    segment, _ = collected([Episode((1.0, 2.0)), Episode((5.0, 6.0, 7.0), is_truncated=True)], steps=6)
    assert segment.observations[0, :, 0].tolist() == [0, 1, 100, 101, 102, 200]
    assert segment.successors[0, :, 0].tolist() == [1, 2, 101, 102, 103, 201]
    assert segment.rewards[0].tolist() == [1, 2, 5, 6, 7, 1]
    assert segment.is_terminated[0].tolist() == [False, True, False, False, False, False]
    assert segment.is_truncated[0].tolist() == [False, False, False, False, True, False]
    assert segment.episode_returns == (3.0, 18.0)


def test_the_next_segment_goes_on_where_the_last_one_ended() -> None:
    first, environments = collected([Episode((1.0,) * 6)], steps=4)
    second = collect(agent_with_known_values(), environments, small(), DRAW)
    assert first.episode_returns == ()
    assert second.observations[0, :, 0].tolist() == [4, 5, 100, 101]
    assert second.episode_returns == (6.0,)  # the return of a whole episode, not of its part in this segment


@pytest.mark.parametrize("time_limit_is_end", [False, True])
def test_bootstrap_worked_by_hand(time_limit_is_end: bool) -> None:
    """V = 10 + s; gamma 1/2, lambda 0: the advantage is the TD error, which names the observation that it looked at."""
    segment, _ = collected([Episode((1.0, 2.0)), Episode((4.0, 8.0), is_truncated=True), Episode((16.0,) * 9)], steps=5)
    config = small(segment_steps=5, gamma=0.5, gae_lambda=0.0, time_limit_is_end=time_limit_is_end)
    batch = annotate(agent_with_known_values(), segment, config)
    values = [10.0, 11.0, 110.0, 111.0, 210.0]
    # Terminated after step 1: nothing follows. Truncated after step 3: V of its last observation, 102, not of 200, which came after the reset;
    # nothing where the limit counts as an end.
    # The segment ends with step 4: V of the observation that comes next, 201.
    targets = [1 + 0.5 * 11, 2 + 0, 4 + 0.5 * 111, 8 + (0 if time_limit_is_end else 0.5 * 112), 16 + 0.5 * 211]
    assert batch.old_values.tolist() == values
    assert batch.advantages.tolist() == [target - value for target, value in zip(targets, values, strict=True)]
    assert batch.returns.tolist() == targets


@given(st.integers(1, 3), st.integers(1, 9), st.integers(0, 2**31), st.sampled_from([(0.99, 0.95), (1.0, 1.0), (0.9, 0.0)]))
def test_advantages_equal_the_naive_recursion_wherever_episodes_end(num_envs: int, steps: int, seed: int, discounts: tuple[float, float]) -> None:
    draw = torch.Generator().manual_seed(seed)
    is_terminated, is_truncated = torch.rand(2, num_envs, steps, generator=draw) < 0.3  # sometimes both
    is_done = is_terminated | is_truncated
    observations, successors = torch.randn(2, num_envs, steps, 1, generator=draw)
    successors[:, :-1] = torch.where(is_done[:, :-1, None], successors[:, :-1], observations[:, 1:])  # within an episode, the next step's
    segment = Segment(
        observations=observations,
        actions=torch.randint(2, (num_envs, steps), generator=draw),
        rewards=torch.randn(num_envs, steps, generator=draw),
        is_terminated=is_terminated,
        is_truncated=is_truncated,
        successors=successors,
        episode_returns=(),
    )
    config = small(num_envs=num_envs, segment_steps=steps, gamma=discounts[0], gae_lambda=discounts[1])
    batch = annotate(agent_with_known_values(), segment, config)
    values, following = segment.observations[..., 0] + 10, segment.successors[..., 0] + 10
    expected = naive_gae(segment.rewards, values, following, is_terminated, is_done, *discounts)
    torch.testing.assert_close(batch.advantages, expected.flatten(), atol=1e-4, rtol=1e-5)
    torch.testing.assert_close(batch.returns, (expected + values).flatten(), atol=1e-4, rtol=1e-5)


def test_annotating_leaves_the_segment_as_it_was() -> None:
    segment, _ = collected([Episode((1.0,) * 9)], steps=4)
    annotate(agent_with_known_values(), segment, small())
    assert not segment.is_truncated.any() and not segment.is_terminated.any()


def test_pieces_are_laid_out_environment_by_environment() -> None:
    pieces = Pieces.cut(torch.tensor([[False, True, True], [False, False, True]]))
    assert pieces.mask.sum(1).tolist() == [2, 1, 3]
    flat = torch.arange(1.0, 7.0)
    assert pieces.ragged(flat).tolist() == [[1, 2, 0], [3, 0, 0], [4, 5, 6]]
    assert pieces.flat(pieces.ragged(flat)).tolist() == flat.tolist()
    with pytest.raises(ValueError, match="last step"):
        Pieces.cut(torch.tensor([[True, False]]))


def test_stored_actions_are_the_ones_drawn_and_the_environment_gets_clipped_ones() -> None:
    from proctor.lab.control.environments import ContinuousActions
    from proctor.lab.control.networks import Agent

    environment = ScriptedEnvironment([Episode((0.0,) * 50)], gymnasium.spaces.Box(-0.25, 0.5, (3,)))
    config = small(segment_steps=32)
    environments = ParallelEnvironments(in_order([environment]), config, seed=0)
    assert isinstance(environments.actions, ContinuousActions)
    agent = Agent(1, environments.actions, 4, torch.Generator().manual_seed(0))
    segment = collect(agent, environments, config, torch.Generator().manual_seed(1))
    drawn, received = segment.actions[0].numpy(), np.array(environment.received)
    assert drawn.min() < -0.25 and drawn.max() > 0.5
    assert received.min() == -0.25 and received.max() == 0.5
    np.testing.assert_array_equal(received, drawn.clip(-0.25, 0.5))
    batch = annotate(agent, segment, config)
    expected = torch.distributions.Normal(agent.policy.mean(batch.observations), 1.0).log_prob(segment.actions[0]).sum(-1)  # type: ignore[operator]
    torch.testing.assert_close(batch.old_logprobs, expected)


def test_every_environment_has_a_seed_of_its_own_and_other_runs_have_others() -> None:
    seen: list[int | None] = []
    for run in (1, 2):
        environments = [ScriptedEnvironment([Episode((0.0,))]) for _ in range(4)]
        ParallelEnvironments(in_order(environments), small(num_envs=4), seed=run)
        seen += [environment.seeds[0] for environment in environments]
    assert len(set(seen)) == 8


def test_steps_are_split_and_shuffled_without_loss() -> None:
    segment, _ = collected([Episode((1.0, 2.0, 3.0))], steps=10)
    batch = annotate(agent_with_known_values(), segment, small(segment_steps=10))
    order = torch.randperm(10, generator=torch.Generator().manual_seed(0))
    parts = batch.shuffled(order).split(4)
    assert [len(part.returns) for part in parts] == [3, 3, 2, 2]
    assert sorted(torch.cat([part.observations[:, 0] for part in parts]).tolist()) == sorted(batch.observations[:, 0].tolist())
    for part in parts:  # the columns stay together
        torch.testing.assert_close(part.old_values, part.observations[:, 0] + 10)
