"""The loop: runs repeat by seed, rates fall, bad input is refused, and CartPole is learned."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import pytest

from proctor.errors import ConfigError
from proctor.lab.control import ControlConfig, Progress, continuous, discrete, gymnasium_maker, train
from proctor.lab.control.loop import annealed
from tests.lab.control.scripted import Episode, ScriptedEnvironment, gymnasium


def ran(environment_id: str, config: ControlConfig, seed: int, num_steps: int) -> list[Progress]:
    return list(train(gymnasium_maker(environment_id), config, seed=seed, num_steps=num_steps))


def test_a_run_repeats_by_its_seed() -> None:
    config = replace(discrete(), segment_steps=32)
    first, again, other = (ran("CartPole-v1", config, seed, 256) for seed in (1, 1, 2))
    assert first == again
    assert first[0].episode_returns != other[0].episode_returns


def test_progress_counts_the_steps_of_all_environments_and_drops_a_part_of_a_segment() -> None:
    assert [progress.num_steps for progress in ran("CartPole-v1", discrete(), 0, 1500)] == [512, 1024]


def test_the_learning_rate_falls_linearly_and_never_reaches_zero() -> None:
    assert [annealed(4.0, number, 4) for number in range(4)] == [4.0, 3.0, 2.0, 1.0]
    rates = [progress.statistics.learning_rate for progress in ran("CartPole-v1", discrete(), 0, 1024)]
    assert rates == [2.5e-4, 1.25e-4]


def test_continuous_actions_train() -> None:
    config = replace(continuous(), segment_steps=64, num_minibatches=4, num_epochs=2)
    statistics = ran("Pendulum-v1", config, 0, 256)[-1].statistics
    assert statistics.entropy == pytest.approx(1.419, abs=0.05)  # of a normal distribution with std 1, hardly trained
    assert 0 < statistics.approx_kl < 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_envs": 0}, "num_envs must be at least 1, not 0"),
        ({"num_minibatches": 513}, "num_minibatches must be at most num_envs \\* segment_steps = 512, not 513"),
        ({"gamma": 1.5}, "gamma must be in \\[0, 1\\], not 1.5"),
        ({"gae_lambda": -0.1}, "gae_lambda must be in \\[0, 1\\], not -0.1"),
        ({"clip": 1.0}, "clip must be greater than 0 and less than 1, not 1.0"),
        ({"value_clip": 0.0}, "value_clip must be greater than 0, not 0.0"),
        ({"max_approx_kl": -1.0}, "max_approx_kl must be greater than 0, not -1.0"),
        ({"learning_rate": float("nan")}, "learning_rate must be greater than 0, not nan"),
        ({"entropy_coefficient": -1.0}, "entropy_coefficient must be at least 0, not -1.0"),
    ],
)
def test_configurations_that_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        replace(discrete(), **changes)


def test_what_does_not_fit_is_refused_before_the_first_segment() -> None:
    with pytest.raises(ConfigError, match=r"num_steps must be at least num_envs \* segment_steps = 512, not 100"):
        train(gymnasium_maker("CartPole-v1"), discrete(), seed=0, num_steps=100)
    with pytest.raises(ConfigError, match="cannot make the environment 'NoSuch-v0'"):
        train(gymnasium_maker("NoSuch-v0"), discrete(), seed=0, num_steps=512)
    with pytest.raises(ConfigError, match="observations must be flat vectors"):
        train(gymnasium_maker("FrozenLake-v1"), discrete(), seed=0, num_steps=512)
    for space in (gymnasium.spaces.Discrete(3, start=1), gymnasium.spaces.MultiDiscrete([2, 2]), gymnasium.spaces.Box(-float("inf"), 1.0, (2,))):
        with pytest.raises(ConfigError, match="actions must be Discrete from 0 or a bounded Box"):
            train(lambda space=space: ScriptedEnvironment([Episode((1.0,))], space), discrete(), seed=0, num_steps=512)


def test_without_gymnasium_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    with pytest.raises(ConfigError, match=r"pip install 'proctor\[control\]'"):
        gymnasium_maker("CartPole-v1")


@pytest.mark.full
def test_cartpole_improves_clearly() -> None:
    """A random policy balances the pole for about 22 steps; four seeds reached 161 to 298 at this rate, which is higher than the published one."""
    progress = ran("CartPole-v1", replace(discrete(), learning_rate=1e-3), 0, 30 * 512)
    returns = [value for part in progress for value in part.episode_returns]
    assert sum(returns[:50]) / 50 < 40
    assert sum(returns[-30:]) / 30 > 100


@pytest.mark.full
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_mujoco_walker_trains() -> None:
    pytest.importorskip("mujoco", reason="the extra 'control' is not installed")
    progress = ran("Walker2d-v4", continuous(), 0, 2 * 2048)
    assert all(part.episode_returns for part in progress)
