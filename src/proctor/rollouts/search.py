"""Tree search over reasoning steps, guided by what their continuations earned.

A node is a beginning of a completion that ends with a step. One simulation walks down from the prompt by upper confidence bounds, lets the
policy write from the node it reaches to the end, has the whole scored, and hangs the first new step under that node. A node is worth the mean
reward of the completions that begin with it; nothing is learned. Where DeepSeek-R1 tried to learn the value of a node and gave up
(section 4.2), the verifier stands in for it here.

All tasks search at once: one simulation of each is one batch.

Source: Kocsis and Szepesvari 2006 (UCT, eq. 1), with progressive widening (Coulom 2007): of n visits at most 1 + sqrt(n) go on from the node
itself, whether they begin with a step that is new or not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from proctor.chat.renderer import Renderer
from proctor.core import Completion, FinishReason, Rollout, RolloutGroup, Task
from proctor.rollouts.config import TreeSearch
from proctor.rollouts.drafts import Draft, write
from proctor.rollouts.groups import RolloutPlan, Workshop, begin, group_of, score


@dataclass(slots=True)
class Node:
    """A beginning of completions.

    Attributes:
        written: its tokens; None at the prompt.
        visits: completions that begin so.
        total: sum of their rewards.
        tries: of them, those that were written from here.
        children: by their tokens.
    """

    written: Completion | None = None
    visits: int = 0
    total: float = 0.0
    tries: int = 0
    children: dict[tuple[int, ...], Node] = field(default_factory=dict[tuple[int, ...], "Node"])

    @property
    def is_full(self) -> bool:
        """Whether it was gone on from as often as its visits allow."""
        return self.tries >= 1 + math.sqrt(self.visits)

    def chosen(self, exploration: float) -> Node:
        """The child of the highest upper confidence bound."""
        return max(self.children.values(), key=lambda child: child.total / child.visits + exploration * math.sqrt(math.log(self.visits) / child.visits))


def walk(root: Node, exploration: float) -> list[Node]:
    """From the root to the node that is continued, both included."""
    path = [root]
    while path[-1].children and path[-1].is_full:
        path.append(path[-1].chosen(exploration))
    return path


def record(path: Sequence[Node], completion: Completion, reward: float, end: int | None) -> None:
    """Count a completion in every node it begins with, and hang its first new step, which ends with token `end`, under the last; None: it has none."""
    for node in path:
        node.visits += 1
        node.total += reward
    path[-1].tries += 1
    if end is None:
        return
    ids = completion.token_ids[:end]
    child = path[-1].children.setdefault(ids, Node(replace(completion, token_ids=ids, behavior_logprobs=completion.behavior_logprobs[:end], segments=())))
    child.visits += 1
    child.total += reward


async def search_groups(tasks: Sequence[Task], search: TreeSearch, *, step: int, workshop: Workshop, plan: RolloutPlan) -> list[RolloutGroup]:
    """A group for each task whose rollouts were found by search, in the order of the simulations: `plan.group_size` of them.

    Rollouts whose check failed count nowhere in the tree. The rollouts are no independent samples of the policy: for imitation, not for
    policy gradients.

    Raises:
        VerifierError: as `scored_groups`.
    """
    prompts = [workshop.renderer.prompt_ids(task.messages) for task in tasks]
    begun = begin(tasks, prompts, step=step, plan=plan)
    roots = [Node() for _ in tasks]
    found: list[list[Rollout]] = [[] for _ in tasks]
    for index in range(plan.group_size):
        paths = [walk(root, search.exploration) for root in roots]
        workshop.clock("sampling")
        drafts = [_from(path[-1], drafts[index]) for path, drafts in zip(paths, begun, strict=True)]
        written = await write(drafts, sampler=workshop.sampler, sampling=plan.sampling, renderer=workshop.renderer)
        rollouts = [Rollout(task, index, ids, draft.turns) for task, ids, draft in zip(tasks, prompts, written, strict=True)]
        scored = await score(rollouts, step=step, workshop=workshop, plan=plan)
        for path, rollout, members in zip(paths, scored, found, strict=True):
            members.append(rollout)
            if rollout.reward is not None:
                completion = rollout.turns[-1].completion
                begins = len(path[-1].written.token_ids) if path[-1].written else 0
                record(path, completion, rollout.reward, step_end(completion, begins, search.separator, workshop.renderer))
    return [group_of(task, members) for task, members in zip(tasks, found, strict=True)]


def _from(node: Node, draft: Draft) -> Draft:
    return draft if node.written is None else replace(draft, written=(replace(node.written, finish_reason=FinishReason.LENGTH),))


def step_end(completion: Completion, begins: int, separator: str, renderer: Renderer) -> int | None:
    """Tokens up to the end of the first step behind token `begins`; None where none ends before the completion does."""
    lengths = renderer.prefix_lengths(completion.token_ids)
    place = completion.text.find(separator, lengths[begins - 1] if begins else 0)
    if place < 0:
        return None
    end = next((number for number, length in enumerate(lengths, 1) if length >= place + len(separator)), len(lengths))
    return end if begins < end < len(lengths) else None
