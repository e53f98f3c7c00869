"""Partial rollouts: each step writes a bounded number of tokens of every rollout, and trains on the groups that came to their end.

    new tasks + groups in flight -> partial_tokens of each rollout -> finished groups -> scored, shaped, trained on
                                                                   -> the others: in flight, with the tokens they have

A long rollout then costs no step its length. What is in flight is part of the checkpoint: a resumed run goes on from the same tokens.

Source: Kimi k1.5 (2501.12599), section 2.6.2.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from proctor.core import Completion, FinishReason, Rollout, RolloutGroup, Segment, Task, Turn
from proctor.errors import RolloutError, boundary
from proctor.rollouts.config import RolloutConfig
from proctor.rollouts.drafts import Draft, closed, text_so_far, write
from proctor.rollouts.groups import Collected, RolloutPlan, Workshop, begin, group_of, refuse_unscored, score
from proctor.rollouts.shaping import punish_repetition, shape
from proctor.verifiers.repetition import ending_run

MIN_REPEATS = 4
_FILE = "in_flight.json"


@dataclass(frozen=True, slots=True)
class OpenGroup:
    """The rollouts of one task, some of them unfinished.

    Attributes:
        task: the problem they share.
        step: at which they were begun.
        drafts: as many as the group will have rollouts.
    """

    task: Task
    step: int
    drafts: tuple[Draft, ...]

    @property
    def is_finished(self) -> bool:
        return all(draft.is_finished for draft in self.drafts)


async def collect_partial(
    tasks: Sequence[Task], in_flight: Sequence[OpenGroup], *, step: int, workshop: Workshop, plan: RolloutPlan, config: RolloutConfig
) -> tuple[Collected, list[OpenGroup]]:
    """Write a part of every rollout; where no group comes to an end that could be scored, another part.

    Args:
        tasks: that begin at this step.
        in_flight: groups that began earlier, oldest first.
        step: of the run.
        workshop: engine, renderer, rewards.
        plan: group size, sampling, seed.
        config: how much is written, and what repetition costs.

    Returns:
        The groups that are finished, oldest first, and those that are not.

    Raises:
        VerifierError: a reward function is broken, or no rollout at all could be scored.
    """
    workshop.clock("sampling")
    prompts = [workshop.renderer.prompt_ids(task.messages) for task in tasks]
    begun = [OpenGroup(task, step, tuple(drafts)) for task, drafts in zip(tasks, begin(tasks, prompts, step=step, plan=plan), strict=True)]
    pool = [*in_flight, *begun]
    groups: list[RolloutGroup] = []
    while pool and not any(group.rollouts for group in groups):
        pool = await _written(pool, workshop, plan, config)
        finished = [group for group in pool if group.is_finished]
        pool = [group for group in pool if not group.is_finished]
        rollouts = [Rollout(group.task, index, draft.prompt_ids, draft.turns) for group in finished for index, draft in enumerate(group.drafts)]
        scored = iter(await score(rollouts, step=step, workshop=workshop, plan=plan) if rollouts else ())
        groups += [group_of(group.task, [next(scored) for _ in group.drafts]) for group in finished]
    refuse_unscored(groups)
    groups = [shape(group, plan.collection.shaping, step=step, max_tokens=plan.sampling.max_completion_tokens) for group in groups]
    groups = [punish_repetition(group, penalty=config.repetition_penalty) for group in groups]
    return Collected(groups, [], metrics={"in_flight_groups": float(len(pool))}), pool


async def _written(pool: Sequence[OpenGroup], workshop: Workshop, plan: RolloutPlan, config: RolloutConfig) -> list[OpenGroup]:
    """Every group with a further part of each of its drafts."""
    drafts = [draft for group in pool for draft in group.drafts]
    found = await write(drafts, sampler=workshop.sampler, sampling=plan.sampling, renderer=workshop.renderer, max_new_tokens=config.partial_tokens)
    if config.repetition_stop_chars:
        found = [_stopped(draft, workshop, plan, config.repetition_stop_chars) for draft in found]
    rest = iter(found)
    return [replace(group, drafts=tuple(next(rest) for _ in group.drafts)) for group in pool]


def _stopped(draft: Draft, workshop: Workshop, plan: RolloutPlan, min_chars: int) -> Draft:
    """The draft, ended where its text goes round in circles."""
    if not draft.written or ending_run(text_so_far(draft, workshop.renderer), min_repeats=MIN_REPEATS) < min_chars:
        return draft
    return closed(draft, FinishReason.REPETITION, plan.sampling, workshop.renderer)


def save_in_flight(groups: Sequence[OpenGroup], directory: Path) -> None:
    """Write what is in flight into a checkpoint: ids and logprobs to the last bit. No file where there is nothing."""
    if not groups:
        return
    rows = [{"task_id": group.task.id, "step": group.step, "drafts": [_draft_row(draft) for draft in group.drafts]} for group in groups]
    (directory / _FILE).write_text(json.dumps(rows))


def restore_in_flight(directory: Path, tasks: Sequence[Task]) -> list[OpenGroup]:
    """Read what `save_in_flight` wrote; nothing is in flight where a checkpoint has no such file.

    Args:
        directory: of the checkpoint.
        tasks: of the run; the groups' tasks are found among them by id.

    Raises:
        RolloutError: the file is torn, or names a task that is not there.
    """
    path = directory / _FILE
    if not path.exists():
        return []
    by_id = {task.id: task for task in tasks}
    with boundary(RolloutError, f"read the rollouts in flight from {path}; delete the checkpoint to resume from the one before"):
        return [OpenGroup(by_id[row["task_id"]], row["step"], tuple(_draft(draft) for draft in row["drafts"])) for row in json.loads(path.read_text())]


def _draft_row(draft: Draft) -> dict[str, Any]:
    turns = [
        {"completion": _completion_row(turn.completion), "observation_ids": turn.observation_ids, "inserted_text": turn.inserted_text} for turn in draft.turns
    ]
    written = [_completion_row(part) for part in draft.written]
    return {"prompt_ids": draft.prompt_ids, "seed": draft.seed, "budget": draft.budget, "turns": turns, "written": written}


def _draft(row: Mapping[str, Any]) -> Draft:
    turns = tuple(Turn(_completion(turn["completion"]), tuple(turn["observation_ids"]), turn["inserted_text"]) for turn in row["turns"])
    return Draft(tuple(row["prompt_ids"]), row["seed"], row["budget"], turns, tuple(_completion(part) for part in row["written"]))


def _completion_row(completion: Completion) -> dict[str, Any]:
    return {
        "token_ids": completion.token_ids,
        "behavior_logprobs": completion.behavior_logprobs,
        "text": completion.text,
        "finish_reason": completion.finish_reason.value,
        "policy_version": completion.policy_version,
        "segments": [(segment.num_tokens, segment.policy_version) for segment in completion.segments],
    }


def _completion(row: Mapping[str, Any]) -> Completion:
    segments = tuple(Segment(num_tokens, version) for num_tokens, version in row["segments"])
    return Completion(
        tuple(row["token_ids"]), tuple(row["behavior_logprobs"]), row["text"], FinishReason(row["finish_reason"]), row["policy_version"], segments
    )
