"""Rejection sampling: completions of a model, kept where its rewards call them right, as demonstrations or preference pairs.

The same rollouts, verifiers and random numbers as in training: a trace that is kept was scored like any other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

from proctor.chat.renderer import Renderer
from proctor.config import ScoringConfig
from proctor.core import Rollout, RolloutGroup
from proctor.data.loaders import load_training_tasks
from proctor.engines.base import Sampling
from proctor.engines.local import LocalEngine
from proctor.errors import TaskError
from proctor.models.load import load_policy
from proctor.rollouts.groups import RolloutPlan, Workshop, refuse_unscored, scored_groups
from proctor.rollouts.search import search_groups
from proctor.training.reward_parts import open_rewards
from proctor.training.sources import fitting, prompt_room
from proctor.training.stages.records import Traces
from proctor.training.stages.rows import task_row

_TASKS_AT_ONCE = 64


def write_traces(stage: Traces) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """Sample, score and select.

    Args:
        stage: whose references are resolved.

    Returns:
        Rows for a JSON Lines file, and what became of the samples: `num_tasks` that fit the model's context, `num_samples`, `pass_rate` and `kept_tasks`.

    Raises:
        TaskError: not one completion was right.
    """
    groups = asyncio.run(_sample(stage))
    selected = [list(select(group, stage)) for group in groups]
    rows = [row for found in selected for row in found]
    rollouts = [rollout for group in groups for rollout in group.rollouts]
    if not rows:
        raise TaskError(
            f"the stage {stage.name!r} keeps nothing: of {len(rollouts)} completions of {stage.model} none qualifies. "
            "Raise num_samples, use a stronger model, or make the tasks easier"
        )
    right = sum(is_right(rollout, stage.threshold) for rollout in rollouts)
    counts = {"num_tasks": len(groups), "num_samples": len(rollouts), "kept_tasks": sum(map(bool, selected)), "num_rows": len(rows)}
    return rows, {**counts, "pass_rate": right / len(rollouts)}


async def _sample(stage: Traces) -> list[RolloutGroup]:
    policy = load_policy(stage.model)
    renderer = Renderer(policy.tokenizer)
    room = prompt_room(policy, renderer, max_completion_tokens=stage.max_completion_tokens)
    tasks = fitting(load_training_tasks(stage.data, stage.seed), renderer, room, source=stage.data.train)
    plan = RolloutPlan(stage.num_samples, Sampling(stage.temperature, stage.max_completion_tokens), stage.seed, purpose=f"traces/{stage.name}")
    groups: list[RolloutGroup] = []
    with open_rewards(stage.rewards, ScoringConfig()) as rewards:
        rewards.check_gold(tasks)
        workshop = Workshop(LocalEngine(policy), renderer, rewards, lambda phase: None)
        for start in range(0, len(tasks), _TASKS_AT_ONCE):
            part = tasks[start : start + _TASKS_AT_ONCE]
            if stage.search is None:
                groups += await scored_groups(part, step=start, workshop=workshop, plan=plan)
            else:
                groups += await search_groups(part, stage.search, step=start, workshop=workshop, plan=plan)
    refuse_unscored(groups)
    return groups


def is_right(rollout: Rollout, threshold: float) -> bool:
    """Whether a rollout may be shown as an example: paid in full, and not cut off."""
    return not rollout.is_truncated and rollout.reward is not None and rollout.reward >= threshold


def select(group: RolloutGroup, stage: Traces) -> Iterator[dict[str, Any]]:
    """The rows that a group gives; none where it has nothing that qualifies."""
    right = sorted(_different(rollout for rollout in group.rollouts if is_right(rollout, stage.threshold)), key=_length)
    if not right:
        return
    if stage.keep == "correct":
        # In the order of sampling: the first ones are a fair draw, the shortest would be a length reward in disguise.
        for rollout in sorted(right, key=lambda entry: entry.index)[: stage.max_per_task]:
            yield {**_task_columns(group, rollout.index), "demonstration": rollout.text}
    elif stage.keep == "shortest":
        yield {**_task_columns(group, right[0].index), "demonstration": right[0].text}
    elif stage.keep == "comparisons":
        best = min(right, key=lambda entry: entry.index)
        wrong = _different(entry for entry in group.rollouts if not is_right(entry, stage.threshold) and not entry.is_truncated)
        for rejected in wrong[: stage.max_per_task]:
            yield {**_task_columns(group, rejected.index), "chosen": best.text, "rejected": rejected.text}
    else:
        shortest = right[0]
        longer = [entry for entry in group.rollouts if _is_worse(entry, shortest, stage)]
        for rejected in longer[: stage.max_per_task]:
            yield {**_task_columns(group, rejected.index), "chosen": shortest.text, "rejected": rejected.text}


def _is_worse(rollout: Rollout, shortest: Rollout, stage: Traces) -> bool:
    """Longer than the shortest right one and wrong, or so much longer that being right does not save it (Kimi k1.5, section 2.4)."""
    if is_right(rollout, stage.threshold):
        return _length(rollout) >= stage.length_ratio * _length(shortest)
    return _length(rollout) > _length(shortest)


def _different(rollouts: Iterator[Rollout]) -> Sequence[Rollout]:
    """The first rollout of each text."""
    found: dict[str, Rollout] = {}
    for rollout in rollouts:
        found.setdefault(rollout.text, rollout)
    return list(found.values())


def _length(rollout: Rollout) -> int:
    return rollout.num_completion_tokens


def _task_columns(group: RolloutGroup, index: int) -> dict[str, Any]:
    """The task as columns that a data file is read with; the rollout's index makes the id of the row its own."""
    return task_row(group.task, id=f"{group.task.id}/{index}", without=("demonstration", "chosen", "rejected"))
