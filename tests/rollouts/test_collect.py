"""Rollouts through a scripted engine: shaping, refills, greedy baselines, hints, steps, demonstrations."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from proctor.algorithms.collection import Collection, KimiLength, MissingEOS, SoftOverlong
from proctor.chat.renderer import Renderer
from proctor.core import Completion, FinishReason, Outcome, Rollout, RolloutGroup, Score, Task, Turn
from proctor.engines.base import SampleRequest, Sampling
from proctor.errors import TaskError, VerifierError
from proctor.models.tiny import byte_tokenizer
from proctor.rollouts.demonstrations import demonstration_groups
from proctor.rollouts.groups import RolloutPlan, Workshop, collect_groups, collect_with_refills
from proctor.rollouts.shaping import kimi_length, shape, soft_overlong
from proctor.rollouts.summary import summarize
from proctor.training.evaluate import success_rate
from proctor.verifiers.equations import EquationsVerifier
from proctor.verifiers.mathematics import number_verifier
from proctor.verifiers.rewards import Rewards, as_part

TOKENIZER = byte_tokenizer()
RENDERER = Renderer(TOKENIZER)


class Scripted:
    """An engine that writes what a function of the prompt's text, the place in the group and greediness says."""

    policy_version = 0

    def __init__(self, write: Callable[[str, int, bool], str]) -> None:
        self.write = write
        self.prompts: list[str] = []

    async def sample(self, requests: Sequence[SampleRequest], sampling: Sampling) -> list[list[Completion]]:
        self.prompts += [TOKENIZER.decode(request.prompt_ids) for request in requests]
        return [
            [self._completion(self.write(TOKENIZER.decode(request.prompt_ids), index, sampling.temperature == 0)) for index in range(len(request.seeds))]
            for request in requests
        ]

    def _completion(self, text: str) -> Completion:
        ids = tuple(TOKENIZER.encode(text))
        return Completion(ids, (-1.0,) * len(ids), text, FinishReason.EOS, 0)


def workshop(engine: Scripted, *verifiers: object) -> Workshop:
    parts = [as_part(verifier, name=f"part{number}") for number, verifier in enumerate(verifiers or (number_verifier(),))]  # type: ignore[arg-type]
    return Workshop(engine, RENDERER, Rewards(parts, in_process=True), lambda phase: None)


def plan(collection: Collection | None = None, **options: bool) -> RolloutPlan:
    return RolloutPlan(2, Sampling(1.0, 40), seed=0, collection=collection or Collection(), **options)


def task(name: str, answer: str = "1") -> Task:
    return Task(name, f"task {name}", answer)


def test_unanimous_groups_are_replaced_by_further_tasks_and_kept_aside() -> None:
    engine = Scripted(lambda prompt, index, greedy: "1" if "easy" in prompt or index == 0 else "2")
    asked: list[tuple[int, int]] = []

    def more(number: int, count: int) -> list[Task]:
        asked.append((number, count))
        return [task(f"{'easy' if number == 1 else 'mixed'}{number}{place}") for place in range(count)]

    tasks = [task("easy"), task("mixed"), task("easy2")]
    found = asyncio.run(collect_with_refills(tasks, more, step=0, workshop=workshop(engine), plan=plan(Collection(max_refills=3))))
    assert asked == [(1, 2), (2, 2)]
    assert [group.task.id for group in found.groups] == ["mixed", "mixed20", "mixed21"]
    assert [group.task.id for group in found.dropped] == ["easy", "easy2", "easy10", "easy11"]


def test_refills_end_after_their_bound_and_a_hopeless_step_keeps_what_it_began_with() -> None:
    engine = Scripted(lambda prompt, index, greedy: "2")
    rounds: list[int] = []

    def more(number: int, count: int) -> list[Task]:
        rounds.append(number)
        return [task(f"r{number}{place}") for place in range(count)]

    found = asyncio.run(collect_with_refills([task("a"), task("b")], more, step=0, workshop=workshop(engine), plan=plan(Collection(max_refills=2))))
    assert rounds == [1, 2]
    assert [group.task.id for group in found.groups] == ["a", "b"]
    assert len(found.dropped) == 4


class SometimesDown:
    """A verifier whose checks fail for reasons of their own wherever the task says so."""

    def __call__(self, completion: str, task: Task) -> Score:
        if "broken" in task.prompt_text:
            return Score(Outcome.ERROR, None, reason="the endpoint is down")
        is_right = completion == task.answer
        return Score(Outcome.CORRECT if is_right else Outcome.INCORRECT, float(is_right))


def test_a_group_that_is_wrong_throughout_does_not_teach_by_being_too_long_in_places() -> None:
    """DAPO asks 0 < number correct < G, whatever its soft punishment says of lengths."""
    collection = Collection(shaping=(SoftOverlong(8, weight=0.5),), max_refills=1, drops_truncated=True)
    engine = Scripted(lambda prompt, index, greedy: "2" * (40 if index and "wrong" in prompt else 1) if "wrong" in prompt else str(1 + index))
    found = asyncio.run(
        collect_with_refills([task("wrong")], lambda number, count: [task("mixed")] * count, step=0, workshop=workshop(engine), plan=plan(collection))
    )
    assert [group.task.id for group in found.groups] == ["mixed"]
    assert [group.task.id for group in found.dropped] == ["wrong"]
    assert found.dropped[0].rewards == [0.0, -0.5]  # recorded as it would have been paid
    hopeless = asyncio.run(
        collect_with_refills([task("wrong")], lambda number, count: [task("wrong2")] * count, step=0, workshop=workshop(engine), plan=plan(collection))
    )
    assert all(group.is_unanimous for group in hopeless.groups)  # a step without a gradient


def test_a_refill_that_cannot_be_scored_is_counted_and_ends_nothing() -> None:
    engine = Scripted(lambda prompt, index, greedy: "1" if "easy" in prompt or index == 0 else "2")
    parts = workshop(engine, SometimesDown())
    found = asyncio.run(
        collect_with_refills(
            [task("easy"), task("mixed")], lambda number, count: [task("broken")] * count, step=0, workshop=parts, plan=plan(Collection(max_refills=1))
        )
    )
    assert [group.task.id for group in found.groups] == ["mixed"]
    assert [(group.task.id, len(group.rollouts), len(group.errors)) for group in found.dropped] == [("easy", 2, 0), ("broken", 0, 2)]
    with pytest.raises(VerifierError, match="none of the 4 rollouts could be scored"):
        asyncio.run(
            collect_with_refills(
                [task("broken")], lambda number, count: [task("broken2")] * count, step=0, workshop=parts, plan=plan(Collection(max_refills=1))
            )
        )


def test_the_greedy_rollout_is_scored_and_stands_apart() -> None:
    engine = Scripted(lambda prompt, index, greedy: "1" if greedy else "2")
    (group,) = asyncio.run(collect_groups([task("a")], step=0, workshop=workshop(engine), plan=plan(needs_greedy=True)))
    assert group.greedy is not None
    assert group.greedy.reward == 1.0
    assert group.rewards == [0.0, 0.0]


def test_a_task_that_nobody_solved_is_tried_with_a_hint_that_is_not_recorded() -> None:
    engine = Scripted(lambda prompt, index, greedy: "7" if "Hint: the answer is 7" in prompt else "0")
    (group,) = asyncio.run(collect_groups([task("a", "7")], step=0, workshop=workshop(engine), plan=plan(Collection(rationalises=True))))
    assert group.rewards == [1.0, 1.0]
    assert all(rollout.prompt_ids == RENDERER.prompt_ids(task("a", "7").messages) for rollout in group.rollouts)
    assert sum("Hint" in prompt for prompt in engine.prompts) == 1


def test_what_a_hint_solved_is_not_the_policys_success() -> None:
    engine = Scripted(lambda prompt, index, greedy: "7" if "Hint: the answer is 7" in prompt or "easy" in prompt else "0")
    tasks = [task("hard", "7"), task("easy", "7")]
    groups = asyncio.run(collect_groups(tasks, step=0, workshop=workshop(engine), plan=plan(Collection(rationalises=True))))
    assert [group.rewards for group in groups] == [[1.0, 1.0], [1.0, 1.0]]  # both are learned from
    assert [success_rate(group) for group in groups] == [0.0, 1.0]
    found = summarize(groups)
    assert (found["reward_mean"], found["hinted_fraction"], found["num_rollouts"]) == (0.5, 0.5, 4.0)


def test_a_hint_that_does_not_fit_the_context_is_left_out() -> None:
    engine = Scripted(lambda prompt, index, greedy: "7" if "Hint" in prompt else "0")
    room = len(RENDERER.prompt_ids(task("a", "7").messages))
    tight = replace(plan(Collection(rationalises=True)), max_prompt_tokens=room)
    (group,) = asyncio.run(collect_groups([task("a", "7")], step=0, workshop=workshop(engine), plan=tight))
    assert group.rewards == [0.0, 0.0] and not group.unaided and not any("Hint" in prompt for prompt in engine.prompts)


def test_steps_end_at_the_token_that_wrote_their_last_character() -> None:
    engine = Scripted(lambda prompt, index, greedy: "1+1=2;2+2=5;4")
    (group,) = asyncio.run(collect_groups([task("a", "4")], step=0, workshop=workshop(engine, EquationsVerifier()), plan=plan(needs_steps=True)))
    assert group.rollouts[0].step_ends == (5, 11, 13)
    assert group.rollouts[0].step_rewards == (1.0, 0.0, 1.0)


def test_shaping_vectors() -> None:
    """systems.md, section 14."""
    assert kimi_length([100, 200, 300, 500], [True, False, True, False]) == pytest.approx([0.5, 0, 0, -0.5])
    assert kimi_length([100, 200, 300, 500], [False] * 4) == pytest.approx([0, 0, 0, -0.5])
    assert kimi_length([7, 7], [True, False]) == [0.0, 0.0]
    values = [soft_overlong(length, max_tokens=20480, cache_tokens=4096) for length in (16384, 16385, 18432, 20480, 20481)]
    assert values == pytest.approx([0, -0.000244, -0.5, -1, -1], abs=1e-6)


def rollout(length: int, reward: float, *, truncated: bool = False) -> Rollout:
    reason = FinishReason.LENGTH if truncated else FinishReason.EOS
    return Rollout(task("a"), 0, (1,), (Turn(Completion((5,) * length, (0.0,) * length, "x", reason, 0)),), {"r": Score(None, reward)}, reward)


def test_shaping_is_added_and_told_apart_from_the_reward_functions() -> None:
    group = RolloutGroup(task("a"), (rollout(2, 1.0), rollout(10, 1.0, truncated=True), rollout(6, 0.0)))
    shaped = shape(group, (SoftOverlong(4, weight=0.5),), step=0, max_tokens=10)
    assert shaped.rewards == pytest.approx([1.0, 0.5, 0.0])
    assert [one.shaping for one in shaped.rollouts] == pytest.approx([0.0, -0.5, 0.0])
    assert shape(group, (MissingEOS(-1.0),), step=0, max_tokens=10).rewards == [1.0, -1.0, 0.0]
    late = (KimiLength(1.0, start_step=3),)
    assert shape(group, late, step=2, max_tokens=10).rewards == group.rewards
    assert shape(group, late, step=3, max_tokens=10).rewards == pytest.approx([1.5, 0.5, 0.0])


def test_demonstrations_pairs_and_gold_completions() -> None:
    rewards = Rewards([as_part(number_verifier())], in_process=True)
    tasks = [
        Task("d", "p", "1", {"demonstration": "so 1"}),
        Task("pair", "p", None, {"chosen": "good", "rejected": "bad"}),
        Task("gold", "p", "5"),
    ]
    first, pair, gold = demonstration_groups(tasks, renderer=RENDERER, rewards=rewards, max_tokens=40)
    assert first.rollouts[0].text == "so 1"
    assert first.rollouts[0].token_ids[-1] == TOKENIZER.eos_token_id
    assert [(one.text, one.reward) for one in pair.rollouts] == [("good", 1.0), ("bad", 0.0)]
    assert "5" in gold.rollouts[0].text
    with pytest.raises(TaskError, match="nothing to imitate"):
        demonstration_groups([task("x")], renderer=RENDERER, rewards=Rewards([as_part(lambda completion: 1.0)], in_process=True), max_tokens=40)
    (cut,) = demonstration_groups([tasks[0]], renderer=RENDERER, rewards=rewards, max_tokens=2)
    assert cut.rollouts[0].is_truncated
