"""Collect the rollouts of one step: render, sample, score, group."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from proctor.chat.renderer import Renderer
from proctor.core import Rollout, RolloutGroup, Status, Task, Turn
from proctor.engines.base import Sampler, SampleRequest, Sampling, rollout_seed
from proctor.errors import VerifierError
from proctor.verifiers.base import ScoreRequest
from proctor.verifiers.rewards import Rewards


@dataclass(frozen=True, slots=True)
class RolloutPlan:
    """How rollouts are made: how many of each task, how tokens are drawn, and the seed of it all."""

    group_size: int
    sampling: Sampling
    seed: int
    purpose: str = "train"


class Clock(Protocol):
    """Told when a phase begins, for timings and progress."""

    def __call__(self, phase: Literal["sampling", "scoring"]) -> None: ...


async def collect_groups(
    tasks: Sequence[Task], *, step: int, sampler: Sampler, renderer: Renderer, rewards: Rewards, plan: RolloutPlan, clock: Clock
) -> list[RolloutGroup]:
    """Sample and score a group of rollouts for each task.

    The random numbers of a rollout follow from the run's seed, the step, the task and its place in the group alone.

    Args:
        tasks: in the order of the step; a task may stand there twice and gets different rollouts.
        step: of the run.
        sampler: any engine.
        renderer: turns prompts into ids.
        rewards: scores completions.
        plan: group size, sampling, seed.
        clock: told "sampling" and "scoring".

    Returns:
        One group a task, in order. Rollouts whose check failed for a reason of its own stand in `errors`.

    Raises:
        VerifierError: a reward function is broken, or no rollout of the whole step could be scored.
    """
    clock("sampling")
    prompts = [renderer.prompt_ids(task.messages) for task in tasks]
    sampled = await sampler.sample(_requests(tasks, prompts, step, plan), plan.sampling)
    rollouts = [
        Rollout(task, index, ids, (Turn(completion),))
        for task, ids, completions in zip(tasks, prompts, sampled, strict=True)
        for index, completion in enumerate(completions)
    ]
    clock("scoring")
    requests = [ScoreRequest(rollout.task, rollout.text, rollout.prompt_ids, rollout.turns[-1].completion.token_ids, step) for rollout in rollouts]
    scores = await asyncio.to_thread(rewards.score, requests)
    scored = [_scored(rollout, given, rewards) for rollout, given in zip(rollouts, scores, strict=True)]
    if all(rollout.status is Status.ERROR for rollout in scored):
        raise VerifierError(f"none of the {len(scored)} rollouts of step {step} could be scored; the first: {_why(scored[0])}")
    return [_group(task, scored[start : start + plan.group_size]) for task, start in zip(tasks, range(0, len(scored), plan.group_size), strict=True)]


def _requests(tasks: Sequence[Task], prompts: Sequence[tuple[int, ...]], step: int, plan: RolloutPlan) -> list[SampleRequest]:
    seen: Counter[str] = Counter()
    requests: list[SampleRequest] = []
    for task, ids in zip(tasks, prompts, strict=True):
        key = (plan.seed, plan.purpose, step, task.source, task.id, seen[task.id])
        seen[task.id] += 1
        requests.append(SampleRequest(ids, tuple(rollout_seed(*key, index) for index in range(plan.group_size))))
    return requests


def _scored(rollout: Rollout, scores: dict, rewards: Rewards) -> Rollout:
    reward = rewards.combine(scores)
    status = Status.ERROR if reward is None else Status.TRUNCATED if rollout.is_truncated else Status.FINISHED
    return replace(rollout, scores=scores, reward=reward, status=status)


def _group(task: Task, rollouts: Sequence[Rollout]) -> RolloutGroup:
    return RolloutGroup(
        task,
        tuple(rollout for rollout in rollouts if rollout.status is not Status.ERROR),
        tuple(rollout for rollout in rollouts if rollout.status is Status.ERROR),
    )


def _why(rollout: Rollout) -> str:
    reasons = [f"{name}: {score.reason}" for name, score in rollout.scores.items() if score.is_error]
    return "; ".join(reasons) or "no reward function said that it applies (all returned None)"
