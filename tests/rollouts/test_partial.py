"""Partial rollouts through a scripted engine: what is trained on when, what goes on, what is stopped, and what a checkpoint keeps."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from proctor.algorithms.collection import Collection
from proctor.chat.renderer import Renderer
from proctor.core import FinishReason, Outcome, Score, Status, Task
from proctor.engines.base import Sampling
from proctor.errors import ConfigError, RolloutError, VerifierError
from proctor.models.pocket import character_tokenizer
from proctor.rollouts.config import RolloutConfig, ThinkingConfig
from proctor.rollouts.groups import Collected, RolloutPlan, Workshop
from proctor.rollouts.partial import OpenGroup, collect_partial, restore_in_flight, save_in_flight
from proctor.rollouts.summary import summarize
from proctor.verifiers.mathematics import number_verifier
from proctor.verifiers.rewards import Rewards, as_part
from tests.rollouts.test_drafts import Typist

LENGTHS = {"short": "1", "long": "so so so much to say: 1", "loop": "ab" * 40}
TASKS = [Task(name, f"task {name}", "1") for name in LENGTHS]
TOKENIZER = character_tokenizer()


class ByTask(Typist):
    """Types what the task in the prompt asks for."""

    def _type(self, request: Any, place: int, limit: int) -> Any:
        prompt = TOKENIZER.decode(request.prompt_ids)
        self.first = lambda seed: next(text for name, text in LENGTHS.items() if name in prompt)
        return super()._type(request, place, limit)


def collect(
    in_flight: list[OpenGroup], tasks: list[Task], *, step: int, config: RolloutConfig, budgets: tuple[int, ...] = (), verifier: object = None
) -> tuple[Collected, list[OpenGroup]]:
    engine = ByTask(TOKENIZER, lambda seed: "", "1")
    engine.policy_version = step
    workshop = Workshop(engine, Renderer(TOKENIZER), Rewards([as_part(verifier or number_verifier())], in_process=True), lambda phase: None)
    plan = RolloutPlan(2, Sampling(1.0, 60), seed=0, collection=Collection(), budgets=budgets)
    return asyncio.run(collect_partial(tasks, in_flight, step=step, workshop=workshop, plan=plan, config=config))


class DownForShort:
    """A verifier whose checks of one task fail for reasons of their own."""

    def __call__(self, completion: str, task: Task) -> Score:
        return Score(Outcome.ERROR, None, reason="down") if task.id == "short" else Score(Outcome.CORRECT, 1.0)


def test_a_group_that_could_not_be_scored_is_counted_and_the_step_goes_on_writing() -> None:
    config = RolloutConfig(partial_tokens=10)
    found, waiting = collect([], TASKS[:2], step=0, config=config, verifier=DownForShort())
    assert [(group.task.id, len(group.rollouts), len(group.errors)) for group in found.groups] == [("short", 0, 2), ("long", 2, 0)]
    assert waiting == []
    with pytest.raises(VerifierError, match="none of the 2 rollouts could be scored"):
        collect([], TASKS[:1], step=0, config=config, verifier=DownForShort())


def test_a_step_trains_on_the_groups_that_finished_and_the_others_go_on() -> None:
    config = RolloutConfig(partial_tokens=10)
    first, waiting = collect([], TASKS[:2], step=0, config=config)
    assert [group.task.id for group in first.groups] == ["short"]
    assert first.metrics == {"in_flight_groups": 1.0}
    assert [draft.num_tokens for draft in waiting[0].drafts] == [10, 10]
    second, waiting = collect(waiting, TASKS[:1], step=1, config=config)
    assert [group.task.id for group in second.groups] == ["short"]
    third, waiting = collect(waiting, [TASKS[0]], step=2, config=config)
    assert [group.task.id for group in third.groups] == ["long", "short"]
    assert waiting == []
    (rollout, _) = third.groups[0].rollouts
    assert rollout.text == LENGTHS["long"]
    assert rollout.policy_versions == [0] * 10 + [1] * 10 + [2] * 4
    assert rollout.reward == 1.0


def test_a_step_writes_on_until_a_group_is_finished() -> None:
    found, waiting = collect([], [TASKS[1]], step=0, config=RolloutConfig(partial_tokens=10))
    assert [group.task.id for group in found.groups] == ["long"]
    assert found.groups[0].rollouts[0].turns[0].completion.segments == ()
    assert waiting == []


def test_a_rollout_that_goes_round_in_circles_is_stopped_flagged_and_punished() -> None:
    free, _ = collect([], [TASKS[2]], step=0, config=RolloutConfig(partial_tokens=15))
    assert free.groups[0].rollouts[0].num_completion_tokens == 60
    config = RolloutConfig(partial_tokens=15, repetition_stop_chars=24, repetition_penalty=0.5)
    found, _ = collect([], [TASKS[2]], step=0, config=config)
    (rollout, _) = found.groups[0].rollouts
    assert rollout.num_completion_tokens == 30
    assert rollout.turns[0].completion.finish_reason is FinishReason.REPETITION
    assert rollout.status is Status.TRUNCATED
    assert (rollout.reward, rollout.shaping) == (-0.5, -0.5)
    assert summarize(found.groups)["repetition_fraction"] == 1.0
    assert collect([], [TASKS[1]], step=0, config=config)[0].groups[0].rewards == [1.0, 1.0]


def test_what_is_in_flight_survives_a_checkpoint_to_the_last_bit(tmp_path: Path) -> None:
    LENGTHS["thought"] = "<think>" + "h" * 50
    task = Task("thought", "task thought", "1")
    _, waiting = collect([], [TASKS[0], TASKS[1], task], step=0, config=RolloutConfig(partial_tokens=10), budgets=(9,))
    assert len(waiting) == 2
    assert any(draft.turns for group in waiting for draft in group.drafts)
    save_in_flight(waiting, tmp_path)
    assert restore_in_flight(tmp_path, [*TASKS, task]) == waiting
    with pytest.raises(RolloutError, match="rollouts in flight"):
        restore_in_flight(tmp_path, TASKS[:1])
    (tmp_path / "in_flight.json").write_text("[{")
    with pytest.raises(RolloutError, match="rollouts in flight"):
        restore_in_flight(tmp_path, [*TASKS, task])


def test_nothing_in_flight_leaves_no_file(tmp_path: Path) -> None:
    save_in_flight([], tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert restore_in_flight(tmp_path, TASKS) == []


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RolloutConfig(partial_tokens=-1), "rollout.partial_tokens must be at least 0"),
        (lambda: RolloutConfig(partial_tokens=4, repetition_penalty=1.0), "needs rollout.repetition_stop_chars"),
        (lambda: RolloutConfig(repetition_stop_chars=9), "need rollout.partial_tokens"),
        (lambda: RolloutConfig(stale_tokens="skip"), "need rollout.partial_tokens"),
        (lambda: ThinkingConfig(budget=0), "at least 1 token"),
        (lambda: ThinkingConfig(budget=(8, -1)), "at least 1 token, not -1"),
    ],
)
def test_settings_that_mean_nothing_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()
