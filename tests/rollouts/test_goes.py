"""The real engine and the real learner with rollouts written in several goes, or with a sentence put in."""

from __future__ import annotations

import asyncio

import pytest
import torch

from proctor.algorithms.presets import grpo
from proctor.chat.renderer import Renderer
from proctor.core import Completion, FinishReason, Message, Rollout, RolloutGroup, Segment, Task, Turn
from proctor.engines.base import Sampling, rollout_seed
from proctor.engines.local import LocalEngine
from proctor.learner.batch import build_batch
from proctor.learner.config import LearnerConfig
from proctor.learner.step import Learner, LearnerPlan
from proctor.models.policy import Policy
from proctor.models.tiny import byte_tokenizer
from proctor.rollouts.drafts import Draft, write


def test_the_real_engine_goes_on_with_the_tokens_it_would_have_drawn(tiny: Policy) -> None:
    renderer, sampling = Renderer(tiny.tokenizer), Sampling(1.0, 24)
    prompt = renderer.prompt_ids([Message("user", "hello")])
    drafts = [Draft(prompt, rollout_seed("t", index)) for index in range(6)]
    at_once = asyncio.run(write(drafts, sampler=LocalEngine(tiny), sampling=sampling, renderer=renderer))
    in_parts = drafts
    for _ in range(12):
        in_parts = asyncio.run(write(in_parts, sampler=LocalEngine(tiny, max_rows=4), sampling=sampling, renderer=renderer, max_new_tokens=5))
    for one, other in zip(at_once, in_parts, strict=True):
        assert one.turns[0].completion.token_ids == other.turns[0].completion.token_ids
        assert one.turns[0].completion.text == other.turns[0].completion.text
        assert one.turns[0].completion.behavior_logprobs == pytest.approx(other.turns[0].completion.behavior_logprobs, abs=1e-4)


def test_a_stop_string_across_two_goes_ends_the_completion(tiny: Policy) -> None:
    renderer = Renderer(tiny.tokenizer)
    draft = Draft(renderer.prompt_ids([Message("user", "hello")]), 11)
    (free,) = asyncio.run(write([draft], sampler=LocalEngine(tiny), sampling=Sampling(1.0, 24), renderer=renderer))
    text = free.turns[0].completion.text
    stop = text[5:9]
    sampling = Sampling(1.0, 24, stop=(stop,))
    (whole,) = asyncio.run(write([draft], sampler=LocalEngine(tiny), sampling=sampling, renderer=renderer))
    drafts = [draft]
    while not drafts[0].is_finished:
        drafts = asyncio.run(write(drafts, sampler=LocalEngine(tiny), sampling=sampling, renderer=renderer, max_new_tokens=1))
    assert whole.turns[0].completion.finish_reason is drafts[0].turns[0].completion.finish_reason is FinishReason.STOP
    assert whole.turns[0].completion.text == drafts[0].turns[0].completion.text == text[: text.index(stop)]


def inserted_group() -> RolloutGroup:
    """Two rollouts of one prompt by hand: one with a sentence put in, one without."""
    renderer = Renderer(byte_tokenizer())
    put_in = renderer.inserted_ids("stop.")
    task, prompt = Task("a", "b"), (70, 71, 72)
    first = Completion((80, 81, 82), (-1.0, -1.5, -0.5), "x", FinishReason.BUDGET, 0)
    second = Completion((90, 257), (-2.0, -0.1), "y", FinishReason.EOS, 0)
    plain = Completion((83, 84, 85, 257), (-1.0,) * 4, "z", FinishReason.EOS, 0)
    cut = Rollout(task, 0, prompt, (Turn(first, put_in, "stop."), Turn(second)), reward=1.0)
    return RolloutGroup(task, (cut, Rollout(task, 1, prompt, (Turn(plain),), reward=0.0)))


def test_an_inserted_rollout_trains_to_the_loss_and_gradient_of_a_plain_loop(tiny: Policy) -> None:
    """GRPO's loss over the model's own tokens alone, by one full pass a rollout; ratio 1, advantages +-1, each rollout's tokens averaged."""
    group = inserted_group()
    expected = torch.zeros(())
    for rollout, advantage in zip(group.rollouts, (1.0, -1.0), strict=True):
        ids = torch.tensor([[*rollout.prompt_ids, *rollout.token_ids]])
        logs = torch.log_softmax(tiny.model(input_ids=ids).logits[0].float(), -1)
        own = [place for place, is_own in enumerate(rollout.completion_mask) if is_own]
        picked = torch.stack([logs[len(rollout.prompt_ids) + place - 1, rollout.token_ids[place]] for place in own])
        expected = expected - (torch.exp(picked - picked.detach()) * advantage).mean() / 2
    expected.backward()
    gradients = {name: parameter.grad.clone() for name, parameter in tiny.model.named_parameters() if parameter.grad is not None}
    tiny.model.zero_grad()
    learner = Learner(tiny, LearnerConfig(), LearnerPlan(1e-9, 1, 1.0, 0, is_truncated=True), grpo(beta=0.0, ddof=0, max_completion_tokens=16))
    batch = learner.annotate(build_batch([group]))
    loss = learner.loss
    units = loss.units(batch)
    done = loss.run(batch, units, loss.weights(batch, units))
    done.loss.backward()
    assert float(done.loss.detach()) == pytest.approx(float(expected.detach()), abs=1e-4)
    for name, parameter in tiny.model.named_parameters():
        if name in gradients:
            assert parameter.grad is not None
            assert torch.allclose(parameter.grad, gradients[name], atol=1e-4), name


def test_tokens_of_older_weights_are_told_apart_in_a_batch() -> None:
    segments = (Segment(2, 3), Segment(1, 5))
    stale = Completion((80, 81, 257), (-1.0,) * 3, "x", FinishReason.EOS, 5, segments)
    fresh = Completion((80, 257), (-1.0,) * 2, "x", FinishReason.EOS, 5)
    rollouts = tuple(Rollout(Task("a", "b"), index, (70,), (Turn(one),), reward=1.0) for index, one in enumerate((stale, fresh)))
    batch = build_batch([RolloutGroup(rollouts[0].task, rollouts)])
    assert batch.fresh_mask.tolist() == [[False, False, True], [True, True, False]]
    assert build_batch([RolloutGroup(rollouts[0].task, rollouts[1:])]).is_stale is None


def test_stale_tokens_have_their_own_ratio_or_no_advantage(tiny: Policy) -> None:
    """The loss of GRPO by hand: on stale tokens the ratio is policy / behavior, clipped; elsewhere it is 1."""
    prompt, segments = (70, 71), (Segment(2, 0), Segment(2, 1))
    ids = (80, 81, 82, 257)
    full = torch.log_softmax(tiny.model(input_ids=torch.tensor([[*prompt, *ids]])).logits[0].detach().float(), -1)
    logprobs = torch.stack([full[1 + place, token] for place, token in enumerate(ids)])
    behavior = [float(logprobs[0]) + 0.1, float(logprobs[1]) - 2.0, *logprobs[2:].tolist()]
    mixed = Completion(ids, tuple(behavior), "x", FinishReason.EOS, 1, segments)
    other = Completion((83, 257), _logprobs(tiny, prompt, (83, 257)), "y", FinishReason.EOS, 1)
    task = Task("a", "b")
    group = RolloutGroup(task, (Rollout(task, 0, prompt, (Turn(mixed),), reward=1.0), Rollout(task, 1, prompt, (Turn(other),), reward=0.0)))
    ratios = torch.exp(logprobs - torch.tensor(behavior)).clamp(max=1.2)
    assert ratios.tolist() == pytest.approx([0.904837, 1.2, 1.0, 1.0], abs=1e-4)
    expected = -(float(ratios.mean()) - 1.0) / 2
    for skips_stale, wanted in ((False, expected), (True, -(0.5 - 1.0) / 2)):
        learner = Learner(tiny, LearnerConfig(), LearnerPlan(1e-9, 1, 1.0, 0, skips_stale=skips_stale), grpo(beta=0.0, ddof=0, max_completion_tokens=16))
        batch = learner.annotate(build_batch([group]))
        units = learner.loss.units(batch)
        assert float(learner.loss.run(batch, units, learner.loss.weights(batch, units)).loss.detach()) == pytest.approx(wanted, abs=1e-3)
        learner.update(batch, step=0)  # the comparison of sampler and trainer leaves stale tokens out


def _logprobs(policy: Policy, prompt: tuple[int, ...], ids: tuple[int, ...]) -> tuple[float, ...]:
    with torch.no_grad():
        logs = torch.log_softmax(policy.model(input_ids=torch.tensor([[*prompt, *ids]])).logits[0].float(), -1)
    return tuple(float(logs[len(prompt) - 1 + place, token]) for place, token in enumerate(ids))
