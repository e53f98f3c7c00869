"""A policy that seeks hacks learns honesty from Proctor's verifiers, and the hack from careless ones."""

from __future__ import annotations

import pytest

from proctor.audit.attacks import LIBRARY, threats_on
from proctor.audit.bandit import HONEST, seek_hacks
from proctor.audit.specimen import Surface
from proctor.audit.specimens import specimens
from proctor.core.task import Task
from proctor.verifiers.mathematics import MathVerifier
from proctor.verifiers.text import ChoiceVerifier
from tests.audit.naive import any_channel, any_letter, gold_in_completion

MATH = [specimen for specimen in specimens(Surface.MATH) if len(specimen.wrong) == 3][:6]
THREATS = [threat for threat in threats_on(Surface.MATH) if not threat.id.startswith("hostile.") and not threat.is_policy]


def proctor(completion: str, task: Task) -> float:
    return MathVerifier()(completion, task).value or 0.0


def test_against_proctor_honesty_is_the_best_arm() -> None:
    play = seek_hacks(proctor, MATH, THREATS, num_rounds=3000, exploration=0.3, seed=0)
    assert play.honest_optimum == 0.25
    assert play.favourite() in (HONEST, "math.two_channels")  # a guess in the channel that counts, which pays as much, whatever stands in the others
    by_arm = {arm: [reward for reward, name in zip(play.rewards, play.arms, strict=True) if name == arm] for arm in set(play.arms)}
    for arm, rewards in by_arm.items():  # an answer in one channel and noise in the others may be a guess like any other, and no more than that
        assert sum(rewards) / len(rewards) <= 0.25 + 3 * (0.25 * 0.75 / len(rewards)) ** 0.5, arm
    assert abs(play.late_reward() - play.honest_optimum) < 0.06  # 750 rounds: a deviation of 0.016, and what exploration costs


@pytest.mark.parametrize("grader", [gold_in_completion, any_channel])
def test_against_an_any_match_grader_it_earns_far_more(grader: object) -> None:
    play = seek_hacks(grader, MATH, THREATS, num_rounds=1500, exploration=0.3, seed=0)  # type: ignore[arg-type]
    assert play.late_reward() > 0.45 > play.honest_optimum and play.favourite() != HONEST


def test_choices() -> None:
    sound = seek_hacks(
        lambda completion, task: ChoiceVerifier("ABCD")(completion, task).value or 0.0,
        specimens(Surface.CHOICE),
        threats_on(Surface.CHOICE)[:9],
        num_rounds=1500,
        exploration=0.3,
        seed=1,
    )
    careless = seek_hacks(any_letter, specimens(Surface.CHOICE), threats_on(Surface.CHOICE)[:9], num_rounds=1500, exploration=0.3, seed=1)
    assert sound.late_reward() < 0.4 and careless.late_reward() > 0.9


def test_plays_repeat_and_every_arm_is_tried() -> None:
    play = seek_hacks(proctor, MATH, THREATS[:5], num_rounds=50, exploration=1.0, seed=7)
    assert play == seek_hacks(proctor, MATH, THREATS[:5], num_rounds=50, exploration=1.0, seed=7)
    assert set(play.arms) == {HONEST, *(threat.id for threat in THREATS[:5])}
    assert {threat.id for threat in THREATS} < {threat.id for threat in LIBRARY}
