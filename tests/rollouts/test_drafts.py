"""Rollouts written around a thinking budget and in several goes: tokens, texts, masks, credit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from proctor.chat.renderer import Renderer
from proctor.chat.thinking import BUDGET_SENTENCE
from proctor.core import Completion, FinishReason, Rollout, RolloutGroup, Score, Segment, StepScore, Task
from proctor.engines.base import SampleRequest, Sampling
from proctor.errors import EngineError
from proctor.rollouts.drafts import Draft, draw_budget, write
from proctor.rollouts.groups import RolloutPlan, Workshop, collect_groups, step_ends
from proctor.rollouts.shaping import kimi_length
from proctor.rollouts.summary import summarize
from proctor.verifiers.mathematics import number_verifier
from proctor.verifiers.rewards import Rewards, as_part
from tests.chat.characters import character_tokenizer

INSERTED = BUDGET_SENTENCE


class Typist:
    """An engine that types a text, character by character, and a second one where a sentence was put in; honours limits and what was written."""

    policy_version = 3

    def __init__(self, tokenizer: object, first: Callable[[int], str], then: str = "") -> None:
        self.tokenizer, self.first, self.then = tokenizer, first, then
        self.asked: list[list[SampleRequest]] = []

    async def sample(self, requests: Sequence[SampleRequest], sampling: Sampling) -> list[list[Completion]]:
        self.asked.append(list(requests))
        return [
            [
                self._type(request, place, (request.limits or (sampling.max_completion_tokens,) * len(request.seeds))[place])
                for place in range(len(request.seeds))
            ]
            for request in requests
        ]

    def _type(self, request: SampleRequest, place: int, limit: int) -> Completion:
        is_after = INSERTED in self.tokenizer.decode(request.prompt_ids)  # type: ignore[attr-defined]
        whole = [*self.tokenizer.encode(self.then if is_after else self.first(request.seeds[place])), self.tokenizer.eos_token_id]  # type: ignore[attr-defined]
        ids = tuple(whole[len(request.written_ids) :][:limit])
        reason = FinishReason.EOS if len(request.written_ids) + len(ids) == len(whole) else FinishReason.LENGTH
        text = self.tokenizer.decode(ids, skip_special_tokens=True)  # type: ignore[attr-defined]
        return Completion(ids, tuple(-0.5 - token / 1000 for token in ids), text, reason, self.policy_version)


def budgeted(first: str, then: str, budget: int | None, *, max_tokens: int = 60, go: int | None = None) -> Rollout:
    tokenizer = character_tokenizer()
    renderer, task = Renderer(tokenizer), Task("a", "1+1", "2")
    drafts = [Draft(renderer.prompt_ids(task.messages), 7, budget)]
    while not drafts[0].is_finished:
        engine = Typist(tokenizer, lambda seed: first, then)
        drafts = asyncio.run(write(drafts, sampler=engine, sampling=Sampling(1.0, max_tokens), renderer=renderer, max_new_tokens=go))
    return Rollout(task, 0, drafts[0].prompt_ids, drafts[0].turns)


def test_at_the_budget_the_sentence_is_put_in_read_and_never_trained_on() -> None:
    rollout = budgeted("<think>hmm hmm hmm</think>3", "4", 10)
    first, second = rollout.turns
    assert (first.completion.finish_reason, second.completion.finish_reason) == (FinishReason.BUDGET, FinishReason.EOS)
    assert rollout.text == "<think>hmm" + INSERTED + "4"
    ids = character_tokenizer().encode(INSERTED)
    assert list(first.observation_ids) == ids
    assert rollout.completion_mask == [True] * 10 + [False] * len(ids) + [True] * 2
    assert rollout.behavior_logprobs[10 : 10 + len(ids)] == [0.0] * len(ids)
    assert rollout.num_completion_tokens == 12
    assert rollout.message_ids == tuple(rollout.token_ids)
    assert not rollout.is_truncated


@pytest.mark.parametrize(
    ("first", "budget"),
    [("<think>h</think>3", 16), ("<think>h</think>3", None), ("no tags, a long answer", 10), ("<think>hmmm</think>", 20), ("<think>1</think>" + "3" * 20, 16)],
)
def test_a_thought_that_ends_in_time_is_left_alone(first: str, budget: int | None) -> None:
    rollout = budgeted(first, "never", budget)
    assert rollout.text == first
    assert len(rollout.turns) == 1
    assert rollout.turns[0].completion.segments == ()


def test_the_limit_counts_what_the_model_wrote_before_and_after() -> None:
    rollout = budgeted("<think>" + "h" * 50, "4" * 50, 10, max_tokens=15)
    assert rollout.text == "<think>hhh" + INSERTED + "44444"
    assert rollout.num_completion_tokens == 15
    assert rollout.is_truncated


@pytest.mark.parametrize("go", [1, 3, 7, 100])
@pytest.mark.parametrize("budget", [None, 10])
def test_several_goes_write_what_one_writes(go: int, budget: int | None) -> None:
    assert budgeted("<think>hmm hmm</think>3", "4 and more", budget, go=go) == budgeted("<think>hmm hmm</think>3", "4 and more", budget)


def test_each_go_is_a_segment_with_its_version() -> None:
    tokenizer = character_tokenizer()
    renderer, engine = Renderer(tokenizer), Typist(tokenizer, lambda seed: "abcdefgh")
    drafts = [Draft((1, 2), 7)]
    for version in (3, 3, 5):
        engine.policy_version = version
        drafts = asyncio.run(write(drafts, sampler=engine, sampling=Sampling(1.0, 60), renderer=renderer, max_new_tokens=3))
    (turn,) = drafts[0].turns
    assert turn.completion.segments == (Segment(6, 3), Segment(3, 5))
    assert turn.completion.policy_version == 5
    rollout = Rollout(Task("a", "b"), 0, (1, 2), drafts[0].turns, reward=1.0)
    assert rollout.policy_versions == [3] * 6 + [5] * 3
    found = summarize([RolloutGroup(rollout.task, (rollout,))])
    assert (found["stale_fraction"], found["staleness_max"]) == (6 / 9, 2.0)


def test_a_group_is_one_request_and_a_go_on_is_one_each() -> None:
    tokenizer = character_tokenizer()
    engine = Typist(tokenizer, lambda seed: "ab" if seed == 1 else "abcdef")
    prompt = (5, 6)
    drafts = [Draft(prompt, seed) for seed in (1, 2, 3)]
    renderer, sampling = Renderer(tokenizer), Sampling(1.0, 60)
    drafts = asyncio.run(write(drafts, sampler=engine, sampling=sampling, renderer=renderer, max_new_tokens=4))
    assert engine.asked == [[SampleRequest(prompt, (1, 2, 3), (4, 4, 4))]]
    asyncio.run(write(drafts, sampler=engine, sampling=sampling, renderer=renderer, max_new_tokens=4))
    written = tuple(tokenizer.encode("abcd"))
    assert engine.asked[1] == [SampleRequest(prompt, (2,), (4,), written), SampleRequest(prompt, (3,), (4,), written)]
    engine.asked.clear()
    asyncio.run(write([Draft(prompt, 1), Draft(prompt, 2)], sampler=engine, sampling=sampling, renderer=renderer))
    assert engine.asked == [[SampleRequest(prompt, (1, 2))]]


def test_an_engine_that_writes_nothing_is_named_and_not_asked_for_ever() -> None:
    tokenizer = character_tokenizer()
    engine = Typist(tokenizer, lambda seed: "")
    begun = Draft((5,), 1, written=(Completion((6,), (0.0,), "a", FinishReason.LENGTH, 0),))
    with pytest.raises(EngineError, match="returned no token"):
        asyncio.run(write([begun], sampler=engine, sampling=Sampling(), renderer=Renderer(tokenizer)))


def test_budgets_are_drawn_by_seed_and_evenly() -> None:
    drawn = [draw_budget((16, 32, 64), seed) for seed in range(600)]
    assert drawn == [draw_budget((16, 32, 64), seed) for seed in range(600)]
    assert all(150 < drawn.count(budget) < 250 for budget in (16, 32, 64))
    assert draw_budget((), 1) is None


def collected(budgets: tuple[int, ...], group_size: int = 8) -> RolloutGroup:
    tokenizer = character_tokenizer()
    engine = Typist(tokenizer, lambda seed: "<think>" + "h" * 40 + "</think>3", "2")
    workshop = Workshop(engine, Renderer(tokenizer), Rewards([as_part(number_verifier())], in_process=True), lambda phase: None)
    plan = RolloutPlan(group_size, Sampling(1.0, 80), seed=0, budgets=budgets)
    (group,) = asyncio.run(collect_groups([Task("a", "1+1", "2")], step=0, workshop=workshop, plan=plan))
    return group


def test_the_whole_message_is_graded_and_one_batch_mixes_budgets() -> None:
    assert collected(()).rewards == [0.0] * 8
    assert collected((20,)).rewards == [1.0] * 8
    group = collected((10, 20, 70))
    lengths = {rollout.num_completion_tokens for rollout in group.rollouts}
    assert lengths == {12, 22, 57}
    assert [rollout.reward for rollout in group.rollouts] == [float(rollout.num_completion_tokens < 57) for rollout in group.rollouts]
    assert summarize([group])["budget_fraction"] == sum(rollout.num_completion_tokens < 57 for rollout in group.rollouts) / 8
    assert kimi_length([rollout.num_completion_tokens for rollout in group.rollouts], [True] * 8)  # only the model's own tokens have a price


def test_steps_of_a_cut_thought_end_at_tokens_that_the_model_wrote() -> None:
    rollout = budgeted("<think>1+1=2;2+2", "9;4", 14)
    text = rollout.text
    assert text == "<think>1+1=2;2" + INSERTED + "9;4"
    ends = [text.index(";") + 1, text.index("C") + 5, text.index("9") + 1, len(text)]
    steps = tuple(StepScore(end, 1.0) for end in ends)
    scored = Rollout(rollout.task, 0, rollout.prompt_ids, rollout.turns, {"s": Score(None, 1.0, steps=steps)}, 1.0)
    assert step_ends(scored, Renderer(character_tokenizer())) == (13, 15, 15, 18)
