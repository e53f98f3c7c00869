"""What an evaluation says of scored groups."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proctor.core import Completion, FinishReason, Outcome, Rollout, RolloutGroup, Score, Task, Turn
from proctor.training.evaluate import is_correct, summarize_evaluation


def group(*members: tuple[bool, float]) -> RolloutGroup:
    """Rollouts of one task, each right or wrong, and what a reward model says of it."""
    task = Task("t", "1+1=", "2")
    rollouts = []
    for index, (is_right, liking) in enumerate(members):
        completion = Completion((1, 2), (0.0, 0.0), "2" if is_right else "3", FinishReason.EOS, 0)
        graded = Score.correct("2") if is_right else Score.incorrect("3")
        scores = {"number": graded, "chooser": Score(None, liking)}
        rollouts.append(Rollout(task, index, (7,), (Turn(completion),), scores=scores, reward=float(is_right)))
    return RolloutGroup(task, tuple(rollouts))


def test_the_best_of_k_is_right_where_the_chooser_likes_what_is_right() -> None:
    # Of three, the chooser likes the second best, which is wrong, and the third most, which is right.
    evaluation = summarize_evaluation([group((False, -1.0), (False, 0.5), (True, 2.0))], ks=(1, 2, 3), seed=0, chosen_by="chooser")
    best = {k: interval.mean for k, interval in evaluation.best_at.items()}
    # Two of three: {1,2} gives the wrong second, {1,3} and {2,3} the right third.
    assert best == {1: pytest.approx(1 / 3), 2: pytest.approx(2 / 3), 3: pytest.approx(1.0)}
    assert evaluation.pass_at[2].mean == pytest.approx(2 / 3) and evaluation.reward.mean == pytest.approx(1 / 3)


def test_a_chooser_that_likes_what_is_wrong_makes_more_samples_worse_and_decides_no_outcome() -> None:
    misled = [group((False, 3.0), (True, 1.0), (True, 0.0)), group((True, -2.0), (False, -1.0), (True, -3.0))]
    evaluation = summarize_evaluation(misled, ks=(1, 3), seed=0, chosen_by="chooser")
    assert evaluation.best_at[3].mean == 0.0 and evaluation.best_at[1].mean == pytest.approx(2 / 3)
    assert evaluation.pass_at[3].mean == 1.0, "what the chooser says is no verdict"
    assert Outcome.CORRECT is misled[0].rollouts[1].scores["number"].outcome


def test_without_a_chooser_there_is_no_best() -> None:
    assert summarize_evaluation([group((True, 0.0), (False, 1.0))], ks=(1, 2), seed=0).best_at == {}


def test_where_rewards_are_numbers_the_chooser_is_none_of_them() -> None:
    """A pure reward function counts as correct at 1 or more; a low score of the chooser must not take that away."""
    paid = group((True, -5.0), (False, -1.0))
    rollouts = tuple(replace(rollout, scores={"function": Score(None, rollout.reward), "chooser": rollout.scores["chooser"]}) for rollout in paid.rollouts)
    evaluation = summarize_evaluation([replace(paid, rollouts=rollouts)], ks=(1, 2), seed=0, chosen_by="chooser")
    assert evaluation.pass_at[2].mean == 1.0 and evaluation.avg_at[2].mean == 0.5
    assert evaluation.best_at[2].mean == 0.0


def test_a_reward_function_that_does_not_apply_takes_nothing_away() -> None:
    """TRL's None: the function has nothing to say of this task."""
    assert is_correct({"accuracy": Score(None, 1.0), "other": Score(None, None)})
    assert not is_correct({"accuracy": Score(None, 0.5), "other": Score(None, None)})
    assert not is_correct({"other": Score(None, None)})
