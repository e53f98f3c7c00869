"""Tree search: bounds worked by hand, completions that go on from nodes, and a search that finds what pays."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch

from proctor.chat.renderer import Renderer
from proctor.core import Completion, FinishReason, RolloutGroup, Task
from proctor.engines.base import SampleRequest, Sampling
from proctor.engines.local import LocalEngine
from proctor.errors import ConfigError
from proctor.models.load import load_policy
from proctor.objective.logprobs import token_logprobs
from proctor.rollouts.config import TreeSearch
from proctor.rollouts.groups import RolloutPlan, Workshop
from proctor.rollouts.search import Node, record, search_groups, step_end, walk
from proctor.verifiers.mathematics import number_verifier
from proctor.verifiers.rewards import Rewards, as_part
from tests.chat.characters import character_tokenizer

SEARCH = TreeSearch(separator=";")


def completion(*token_ids: int) -> Completion:
    return Completion(token_ids, (-0.5,) * len(token_ids), "", FinishReason.EOS, 0)


def test_visits_rewards_and_children_worked_by_hand() -> None:
    root = Node()
    record([root], completion(1, 2, 9), 1.0, 2)
    record([root], completion(3, 4, 9), 0.0, 2)
    assert (root.visits, root.total, list(root.children)) == (2, 1.0, [(1, 2), (3, 4)])
    assert root.tries == 2 and not root.is_full, "two visits allow 2.4 tries"
    record([root], completion(1, 2, 8), 0.0, 2)
    good, bad = root.children[1, 2], root.children[3, 4]
    assert (good.visits, good.total, bad.visits, bad.total) == (2, 1.0, 1, 0.0)
    record([root], completion(5, 9), 0.0, None)
    assert list(root.children) == [(1, 2), (3, 4)], "a completion without a further step has no node"
    # Four visits, all of them written from here, and three are allowed: a child is gone on from. Its bound: 0.5 + sqrt(ln 4 / 2) = 1.33;
    # of the other 0 + sqrt(ln 4) = 1.18.
    assert root.is_full and walk(root, 1.0) == [root, good]
    assert walk(root, 10.0) == [root, bad], "the bonus of what was tried once outweighs a reward"


def test_a_path_is_counted_in_all_its_nodes() -> None:
    root = Node()
    record([root], completion(1, 2, 3), 1.0, 1)
    child = root.children[1,]
    record([root, child], completion(1, 2, 3), 0.5, 2)
    assert (root.visits, root.total, child.visits, child.total) == (2, 1.5, 2, 1.5)
    grandchild = child.children[1, 2]
    assert grandchild.written is not None and grandchild.written.token_ids == (1, 2) and grandchild.visits == 1


class Chooser:
    """An engine that takes the first step by its seed and goes on from what was written: under `b;` the answer is right."""

    policy_version = 0

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.begun: list[str] = []

    async def sample(self, requests: Sequence[SampleRequest], sampling: Sampling) -> list[list[Completion]]:
        return [[self._write(request, seed) for seed in request.seeds] for request in requests]

    def _write(self, request: SampleRequest, seed: int) -> Completion:
        before = self.tokenizer.decode(request.written_ids)
        self.begun.append(before)
        first = before[:2] or ("a;", "b;", "c;")[seed % 3]
        whole = first + ("x;", "y;")[seed // 3 % 2] + ("2" if first == "b;" else "3")
        text = before + whole[len(before) :] if whole.startswith(before) else before + ("2" if first == "b;" else "3")
        ids = (*self.tokenizer.encode(text), self.tokenizer.eos_token_id)[len(request.written_ids) :]
        return Completion(ids, (-1.0,) * len(ids), text[len(before) :], FinishReason.EOS, 0)


def searched(engine: Callable[[Any], Any], num_simulations: int, seed: int = 0) -> tuple[RolloutGroup, Any]:
    tokenizer = character_tokenizer()
    sampler = engine(tokenizer)
    with Rewards([as_part(number_verifier(), name="number")], in_process=True) as rewards:
        workshop = Workshop(sampler, Renderer(tokenizer), rewards, lambda phase: None)
        plan = RolloutPlan(num_simulations, Sampling(1.0, 40), seed)
        ((group),) = asyncio.run(search_groups([Task("a", "1+1", "2")], SEARCH, step=0, workshop=workshop, plan=plan))
    return group, sampler


def test_completions_go_on_from_nodes_and_most_of_them_where_it_pays() -> None:
    group, engine = searched(Chooser, 40)
    assert [rollout.index for rollout in group.rollouts] == list(range(40))
    begun = engine.begun
    assert all(rollout.text.startswith(before) for rollout, before in zip(group.rollouts, begun, strict=True))
    assert begun[0] == begun[1] == "" and any(len(before) == 4 for before in begun), "it begins at the prompt and gets to the second step"
    right = [reward == 1.0 for reward in group.rewards]
    assert sum(right) > 20 > 40 / 3, "a third of independent samples would be right"
    assert [before for before in begun if before.startswith("b;")], "the paying branch is gone on from"
    assert group == searched(Chooser, 40)[0]


def test_whole_logprobs_are_those_of_the_whole_completion() -> None:
    """What a node wrote and what was written after it are one completion of the policy."""
    policy = load_policy("pocket-untrained")
    task = Task("a", "1+1", "2")
    renderer = Renderer(policy.tokenizer)
    # A letter ends a step, so that an untrained model's text has some.
    with Rewards([as_part(number_verifier(), name="number")], in_process=True) as rewards:
        workshop = Workshop(LocalEngine(policy), renderer, rewards, lambda phase: None)
        plan = RolloutPlan(16, Sampling(1.0, 48), 0)
        ((group),) = asyncio.run(search_groups([task], TreeSearch(separator="e"), step=0, workshop=workshop, plan=plan))
    steps = [rollout.text[: rollout.text.find("e") + 1] for rollout in group.rollouts]
    assert len(set(filter(None, steps))) < len(list(filter(None, steps))), "some went on from a node: they begin with the same letters up to the first e"
    for rollout in group.rollouts:
        ids = torch.tensor([[*rollout.prompt_ids, *rollout.token_ids]])
        with torch.no_grad():
            logits = policy.logits(ids, torch.ones_like(ids))[:, len(rollout.prompt_ids) - 1 : -1]
        expected = token_logprobs(logits, ids[:, len(rollout.prompt_ids) :], temperature=1.0)[0]
        torch.testing.assert_close(torch.tensor(rollout.behavior_logprobs), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize(("text", "begins", "end"), [("ab;cd;3", 0, 3), ("ab;cd;3", 3, 6), ("ab;cd;3", 6, None), ("abc", 0, None), ("ab;", 0, 3)])
def test_ends_of_steps(text: str, begins: int, end: int | None) -> None:
    tokenizer = character_tokenizer()
    ids = (*tokenizer.encode(text), tokenizer.eos_token_id)
    assert step_end(Completion(ids, (0.0,) * len(ids), text, FinishReason.EOS, 0), begins, ";", Renderer(tokenizer)) == end


def test_a_search_without_separator_is_refused() -> None:
    with pytest.raises(ConfigError, match="needs a separator"):
        TreeSearch(separator="")
