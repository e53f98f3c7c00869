"""Rollouts that nobody sampled: the demonstrations and preference pairs of a data set, or the completion a verifier declares right."""

from __future__ import annotations

from collections.abc import Sequence

from proctor.chat.renderer import Renderer
from proctor.core import Completion, FinishReason, Rollout, RolloutGroup, Task, Turn
from proctor.errors import TaskError
from proctor.verifiers.rewards import Rewards

DEMONSTRATION, CHOSEN, REJECTED = "demonstration", "chosen", "rejected"


def demonstration_groups(tasks: Sequence[Task], *, renderer: Renderer, rewards: Rewards, max_tokens: int) -> list[RolloutGroup]:
    """One group a task: its demonstration with reward 1, or its chosen and rejected completions with rewards 1 and 0.

    Args:
        tasks: whose `info` has `demonstration`, or `chosen` and `rejected`; otherwise the first verifier's gold completion is taken.
        renderer: tokenises what was written by others, once.
        rewards: whose gold completions stand in for demonstrations.
        max_tokens: a longer completion is cut, and counts as truncated.

    Raises:
        TaskError: a task has neither.
    """
    return [_group(task, renderer, rewards, max_tokens) for task in tasks]


def completions_of(task: Task, rewards: Rewards) -> list[tuple[str, float]]:
    """The completions that a task carries, with their rewards, best first."""
    info = task.info
    if CHOSEN in info and REJECTED in info:
        return [(str(info[CHOSEN]), 1.0), (str(info[REJECTED]), 0.0)]
    text = info.get(DEMONSTRATION, info.get(CHOSEN))
    if text is None:
        text = rewards.gold(task)
    if text is None:
        raise TaskError(
            f"task {task.id} has nothing to imitate: give its row a column `demonstration` (or `chosen` and `rejected`), "
            "or a reward that knows the right completion, such as number or math"
        )
    return [(str(text), 1.0)]


def _group(task: Task, renderer: Renderer, rewards: Rewards, max_tokens: int) -> RolloutGroup:
    prompt = renderer.prompt_ids(task.messages)
    rollouts: list[Rollout] = []
    for index, (text, reward) in enumerate(completions_of(task, rewards)):
        ids = renderer.completion_ids(text)
        finish = FinishReason.EOS if len(ids) <= max_tokens else FinishReason.LENGTH
        ids = ids[:max_tokens]
        rollouts.append(Rollout(task, index, prompt, (Turn(Completion(ids, (0.0,) * len(ids), text, finish, policy_version=0)),), reward=reward))
    return RolloutGroup(task, tuple(rollouts))
