"""Collect the rollouts of one step: render, sample, score, shape, group; and again where groups teach nothing."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from proctor.algorithms.collection import Collection
from proctor.chat.renderer import Renderer
from proctor.core import Message, Rollout, RolloutGroup, Status, Task
from proctor.engines.base import Sampler, Sampling, rollout_seed
from proctor.errors import VerifierError
from proctor.rollouts.drafts import Draft, draw_budget, write
from proctor.rollouts.shaping import shape
from proctor.verifiers.base import ScoreRequest
from proctor.verifiers.rewards import Rewards

HINT = "\n(Hint: the answer is {answer}.)"


@dataclass(frozen=True, slots=True)
class RolloutPlan:
    """How rollouts are made.

    Attributes:
        group_size: rollouts of each task.
        sampling: how tokens are drawn.
        seed: of it all.
        purpose: keeps the random numbers of training and evaluation apart.
        needs_greedy: sample one greedy rollout of each task beside its group.
        needs_steps: find the tokens that end the steps which a verifier scored.
        collection: shaping, refills and hints.
        budgets: of thinking, one drawn for each rollout; empty for no limit.
        max_prompt_tokens: that a prompt may have beside a full completion; None where the model has no limit.
    """

    group_size: int
    sampling: Sampling
    seed: int
    purpose: str = "train"
    needs_greedy: bool = False
    needs_steps: bool = False
    collection: Collection = Collection()
    budgets: tuple[int, ...] = ()
    max_prompt_tokens: int | None = None


class Clock(Protocol):
    """Told when a phase begins, for timings and progress."""

    def __call__(self, phase: Literal["sampling", "scoring"]) -> None: ...


@dataclass(frozen=True, slots=True)
class Workshop:
    """What rollouts are made with.

    Attributes:
        sampler: any engine.
        renderer: turns prompts into ids.
        rewards: scores completions.
        clock: told "sampling" and "scoring".
    """

    sampler: Sampler
    renderer: Renderer
    rewards: Rewards
    clock: Clock


@dataclass(frozen=True, slots=True)
class Collected:
    """The groups of one step.

    Attributes:
        groups: to learn from, in order.
        dropped: unanimous groups that further tasks took the place of; recorded, never trained on.
        canaries: groups of impossible tasks; recorded, never trained on, in no metric of the reward.
        metrics: what else is to be logged of the step.
    """

    groups: list[RolloutGroup]
    dropped: list[RolloutGroup]
    canaries: Sequence[RolloutGroup] = ()
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])


MoreTasks = Callable[[int, int], Sequence[Task]]
"""Further tasks of a step, by the round of refilling (from 1) and their number."""


async def collect_with_refills(tasks: Sequence[Task], more: MoreTasks, *, step: int, workshop: Workshop, plan: RolloutPlan) -> Collected:
    """Collect groups; replace unanimous ones by groups of further tasks, in at most `plan.collection.max_refills` rounds.

    Whether a group is unanimous is asked before shaping: one that is wrong throughout does not teach by being too long in places.
    Where even the last round leaves none that teaches, the step keeps the groups that it began with, unshaped: it is then a step
    without a gradient, and never a crash.

    Source: Yu et al. 2025 (DAPO), dynamic sampling; the bound on the rounds is verl's.

    Raises:
        VerifierError: a reward function is broken, or no rollout of the whole step could be scored.
    """
    if not plan.collection.max_refills:
        return Collected(await collect_groups(tasks, step=step, workshop=workshop, plan=plan), [])
    unshaped = replace(plan, collection=replace(plan.collection, shaping=()))
    groups = await scored_groups(tasks, step=step, workshop=workshop, plan=unshaped)
    kept, dropped = _split(groups)
    for number in range(1, plan.collection.max_refills + 1):
        missing = len(tasks) - len(kept)
        if not missing:
            break
        refill = replace(unshaped, purpose=f"{plan.purpose}/refill {number}")
        teaching, unanimous = _split(await scored_groups(more(number, missing), step=step, workshop=workshop, plan=refill))
        kept, dropped = kept + teaching, dropped + unanimous
    refuse_unscored([*kept, *dropped])
    if not kept:
        return Collected(groups, [group for group in dropped if group not in groups])
    return Collected(_shaped(kept, step, plan), _shaped(dropped, step, plan))


def _split(groups: Sequence[RolloutGroup]) -> tuple[list[RolloutGroup], list[RolloutGroup]]:
    return [group for group in groups if not group.is_unanimous], [group for group in groups if group.is_unanimous]


def _shaped(groups: Sequence[RolloutGroup], step: int, plan: RolloutPlan) -> list[RolloutGroup]:
    return [shape(group, plan.collection.shaping, step=step, max_tokens=plan.sampling.max_completion_tokens) for group in groups]


async def collect_groups(tasks: Sequence[Task], *, step: int, workshop: Workshop, plan: RolloutPlan) -> list[RolloutGroup]:
    """The groups of a whole step: `scored_groups`, of which at least one rollout could be scored.

    Raises:
        VerifierError: a reward function is broken, or no rollout of the whole step could be scored.
    """
    groups = await scored_groups(tasks, step=step, workshop=workshop, plan=plan)
    refuse_unscored(groups)
    return groups


def refuse_unscored(groups: Sequence[RolloutGroup]) -> None:
    """Stop where nothing of a whole step, or evaluation, could be scored: that is no accident of single checks.

    Raises:
        VerifierError: every rollout there is ended in ERROR.
    """
    errors = [rollout for group in groups for rollout in group.errors]
    if errors and not any(group.rollouts for group in groups):
        raise VerifierError(f"none of the {len(errors)} rollouts could be scored; the first: {_why(errors[0])}")


async def scored_groups(tasks: Sequence[Task], *, step: int, workshop: Workshop, plan: RolloutPlan) -> list[RolloutGroup]:
    """Sample and score a group of rollouts for each task, which may be a part of a step only.

    The random numbers of a rollout follow from the run's seed, the step, the task and its place in the group alone.

    Args:
        tasks: in the order of the step; a task may stand there twice and gets different rollouts.
        step: of the run.
        workshop: engine, renderer, rewards.
        plan: group size, sampling, seed.

    Returns:
        One group a task, in order. Rollouts whose check failed for a reason of its own stand in `errors`.

    Raises:
        VerifierError: a reward function is broken.
    """
    prompts = [workshop.renderer.prompt_ids(task.messages) for task in tasks]
    scored = await _rollouts(tasks, prompts, prompts, step=step, workshop=workshop, plan=plan)
    groups = [group_of(task, rollouts) for task, rollouts in zip(tasks, scored, strict=True)]
    if plan.collection.rationalises:
        groups = await _rationalised(groups, step=step, workshop=workshop, plan=plan)
    if plan.needs_greedy:
        groups = await _with_greedy(groups, prompts, step=step, workshop=workshop, plan=plan)
    return _shaped(groups, step, plan)


async def _rollouts(
    tasks: Sequence[Task], read: Sequence[tuple[int, ...]], kept: Sequence[tuple[int, ...]], *, step: int, workshop: Workshop, plan: RolloutPlan
) -> list[list[Rollout]]:
    """Scored rollouts of each task; they are sampled from the prompts `read` and recorded with the prompts `kept`."""
    workshop.clock("sampling")
    begun = begin(tasks, read, step=step, plan=plan)
    drafts = await write([draft for group in begun for draft in group], sampler=workshop.sampler, sampling=plan.sampling, renderer=workshop.renderer)
    owners = [(task, index, ids) for task, ids in zip(tasks, kept, strict=True) for index in range(plan.group_size)]
    rollouts = [Rollout(task, index, ids, draft.turns) for (task, index, ids), draft in zip(owners, drafts, strict=True)]
    scored = await score(rollouts, step=step, workshop=workshop, plan=plan)
    return [scored[start : start + plan.group_size] for start in range(0, len(scored), plan.group_size)]


def begin(tasks: Sequence[Task], prompts: Sequence[tuple[int, ...]], *, step: int, plan: RolloutPlan) -> list[list[Draft]]:
    """An empty draft for each rollout of each task; its seed follows from the run's seed, the step, the task and its place in the group."""
    seen: Counter[str] = Counter()
    drafts: list[list[Draft]] = []
    for task, ids in zip(tasks, prompts, strict=True):
        key = (plan.seed, plan.purpose, step, task.source, task.id, seen[task.id])
        seen[task.id] += 1
        seeds = [rollout_seed(*key, index) for index in range(plan.group_size)]
        drafts.append([Draft(ids, seed, draw_budget(plan.budgets, seed)) for seed in seeds])
    return drafts


async def score(rollouts: Sequence[Rollout], *, step: int, workshop: Workshop, plan: RolloutPlan) -> list[Rollout]:
    """The rollouts with scores, rewards and, where they are needed, the ends of their steps.

    Raises:
        VerifierError: a reward function is broken.
    """
    workshop.clock("scoring")
    requests = [ScoreRequest(rollout.task, rollout.text, rollout.prompt_ids, rollout.message_ids, step) for rollout in rollouts]
    scores = await asyncio.to_thread(workshop.rewards.score, requests)
    scored = [_scored(rollout, given, workshop.rewards) for rollout, given in zip(rollouts, scores, strict=True)]
    if plan.needs_steps:
        scored = [replace(rollout, step_ends=step_ends(rollout, workshop.renderer)) for rollout in scored]
    return scored


async def _with_greedy(
    groups: Sequence[RolloutGroup], prompts: Sequence[tuple[int, ...]], *, step: int, workshop: Workshop, plan: RolloutPlan
) -> list[RolloutGroup]:
    """Add each task's greedy rollout; where its check failed, the group is left without one and teaches nothing."""
    greedy = replace(plan, group_size=1, sampling=replace(plan.sampling, temperature=0.0, top_p=1.0, top_k=0, min_p=0.0), purpose="greedy", needs_steps=False)
    found = await _rollouts([group.task for group in groups], prompts, prompts, step=step, workshop=workshop, plan=greedy)
    return [
        replace(group, greedy=rollout) if rollout.reward is not None else replace(group, rollouts=(), errors=(*group.rollouts, *group.errors))
        for group, (rollout,) in zip(groups, found, strict=True)
    ]


async def _rationalised(groups: Sequence[RolloutGroup], *, step: int, workshop: Workshop, plan: RolloutPlan) -> list[RolloutGroup]:
    """Replace the rollouts of tasks that nobody solved by ones sampled with the answer as a hint; the hint is not recorded.

    A task whose prompt has no room for the hint is left as it is.

    Source: Zelikman et al. 2022 (STaR), section 3.3.
    """
    unsolved = {number: group.task for number, group in enumerate(groups) if group.rewards and max(group.rewards) <= 0 and group.task.answer is not None}
    hinted = {number: workshop.renderer.prompt_ids(with_hint(task)) for number, task in unsolved.items()}
    hinted = {number: ids for number, ids in hinted.items() if plan.max_prompt_tokens is None or len(ids) <= plan.max_prompt_tokens}
    if not hinted:
        return list(groups)
    tasks = [unsolved[number] for number in hinted]
    plain = [workshop.renderer.prompt_ids(task.messages) for task in tasks]
    found = await _rollouts(tasks, list(hinted.values()), plain, step=step, workshop=workshop, plan=replace(plan, purpose=f"{plan.purpose}/hinted"))
    aided = dict(zip(hinted, found, strict=True))
    return [replace(group_of(group.task, aided[number]), unaided=group.rollouts) if number in aided else group for number, group in enumerate(groups)]


def with_hint(task: Task) -> tuple[Message, ...]:
    """The task's conversation with its answer as a hint at the end of the last message."""
    *before, last = task.messages
    return (*before, replace(last, content=last.content + HINT.format(answer=task.answer)))


def step_ends(rollout: Rollout, renderer: Renderer) -> tuple[int, ...]:
    """The trained token (from 1) of the last message that ends each step a verifier scored; the last step ends with the last token.

    Text is decoded token by token, because a tokenizer does not say which characters a sampled token wrote. A step that ends in
    text which was put in ends with the next token that the model wrote.
    """
    steps = next((score.steps for score in rollout.scores.values() if score.steps), ())
    if not steps:
        return ()
    lengths: list[int] = []  # characters of the message after each token that the model wrote
    before = 0
    for turn in rollout.message:
        lengths += [before + length for length in renderer.prefix_lengths(turn.completion.token_ids)]
        before += len(turn.completion.text) + len(turn.inserted_text)
    ends = [next((number for number, length in enumerate(lengths, 1) if length >= step.end), len(lengths)) for step in steps]
    first = rollout.num_completion_tokens - len(lengths)
    return tuple(first + end for end in (*ends[:-1], len(lengths)))


def _scored(rollout: Rollout, scores: dict, rewards: Rewards) -> Rollout:
    reward = rewards.combine(scores)
    status = Status.ERROR if reward is None else Status.TRUNCATED if rollout.is_truncated else Status.FINISHED
    return replace(rollout, scores=scores, reward=reward, status=status)


def group_of(task: Task, rollouts: Sequence[Rollout]) -> RolloutGroup:
    """The rollouts of a task, those in ERROR set apart."""
    return RolloutGroup(
        task,
        tuple(rollout for rollout in rollouts if rollout.status is not Status.ERROR),
        tuple(rollout for rollout in rollouts if rollout.status is Status.ERROR),
    )


def _why(rollout: Rollout) -> str:
    reasons = [f"{name}: {score.reason}" for name, score in rollout.scores.items() if score.is_error]
    return "; ".join(reasons) or "no reward function said that it applies (all returned None)"
