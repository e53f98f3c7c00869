"""What the tests of the presets share: every preset with arguments for a tiny model, and rollouts that have all that any preset asks for."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import cache
from typing import Any

import torch

from proctor.algorithms import presets
from proctor.algorithms.collection import Demonstrations
from proctor.algorithms.spec import AnyObjective
from proctor.core import Completion, FinishReason, Outcome, Rollout, RolloutGroup, Score, StepScore, Task, Turn
from proctor.engines.base import SampleRequest, Sampling, rollout_seed
from proctor.engines.local import LocalEngine
from proctor.learner.batch import TokenBatch, build_batch
from proctor.learner.config import LearnerConfig
from proctor.learner.parallel import Ranks
from proctor.learner.step import Learner, LearnerPlan
from proctor.models.load import load_policy
from proctor.models.policy import Policy
from proctor.models.scoring import Sequences

MAX_TOKENS = 12
PROMPTS = [tuple(range(40, 45)), tuple(range(60, 73)), tuple(range(50, 59)), tuple(range(80, 83))]
WEIGHTS = {"even": 1.0, "short": 0.5}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "on_policy_distillation": {"teacher": "tiny"},
    "ppo": {"beta": 0.05, "entropy_weight": 0.01, "critic": "value_head"},
    "vapo": {"num_pretraining_steps": 0},
    "kimi_k15": {"length_weight": 0.1},
    "ppo_rlhf": {"kl_target": 6.0, "pretraining_weight": 0.5},
}
PLAN = LearnerPlan(learning_rate=0.5, num_steps=10, temperature=0.8, seed=0)


def preset(name: str, **arguments: Any) -> AnyObjective:
    """A preset with what it cannot do without."""
    return getattr(presets, name)(max_completion_tokens=MAX_TOKENS, **(ARGUMENTS.get(name, {}) | arguments))


def groups(policy: Policy, *, group_size: int = 4) -> list[RolloutGroup]:
    """Real rollouts of the policy, ragged, one truncated, with two reward parts, steps and a greedy rollout; the third group is unanimous."""
    asked = [SampleRequest(prompt, tuple(rollout_seed(prompt[0], index) for index in range(group_size))) for prompt in PROMPTS]
    sampled = asyncio.run(LocalEngine(policy).sample(asked, Sampling(0.8, MAX_TOKENS)))
    return [
        _group(number, prompt, [_cut(completion, MAX_TOKENS - 2 * index) for index, completion in enumerate(completions)])
        for number, (prompt, completions) in enumerate(zip(PROMPTS, sampled, strict=True))
    ]


def _cut(completion: Completion, length: int) -> Completion:
    """Ragged lengths: what was sampled, ended early. Its logprobs stay those it was sampled with."""
    reason = FinishReason.LENGTH if length == MAX_TOKENS else FinishReason.STOP
    return replace(completion, token_ids=completion.token_ids[:length], behavior_logprobs=completion.behavior_logprobs[:length], finish_reason=reason)


def _group(number: int, prompt: tuple[int, ...], completions: list[Completion]) -> RolloutGroup:
    task = Task(str(number), "prompt")
    rollouts = tuple(_rollout(task, index, prompt, completion, number) for index, completion in enumerate(completions))
    greedy = Rollout(task, 0, prompt, (Turn(completions[0]),), reward=0.25)
    return RolloutGroup(task, rollouts, greedy=greedy)


def _rollout(task: Task, index: int, prompt: tuple[int, ...], completion: Completion, number: int) -> Rollout:
    length = len(completion.token_ids)
    even = 1.0 if number == 2 or index == 1 else sum(token % 2 == 0 for token in completion.token_ids) / length
    short = 0.0 if number == 2 else 1 - length / MAX_TOKENS
    steps = (StepScore(1, even), StepScore(2, float(index % 2)))
    scores = {"even": Score(Outcome.CORRECT if even == 1 else Outcome.INCORRECT, even, steps=steps), "short": Score(None, short)}
    return Rollout(task, index, prompt, (Turn(completion),), scores, even + 0.5 * short, step_ends=(length // 2, length))


@cache
def first_groups() -> list[RolloutGroup]:
    """The rollouts of the tiny model as it is loaded, sampled once."""
    return groups(load_policy("tiny", device="cpu"))


def prepared(learner: Learner, *, reverse: bool = False, repeats_prompts: bool = False, rollouts: list[RolloutGroup] | None = None) -> TokenBatch:
    """An annotated batch of the learner's own policy; `repeats_prompts` gives each rollout a copy of its prompt instead of one for the group."""
    made = groups(learner.policy) if rollouts is None else rollouts
    batch = build_batch(made[::-1] if reverse else made, WEIGHTS)
    extra = build_batch(made[:1]).sequences
    if repeats_prompts:
        batch, extra = replace(batch, sequences=_repeated(batch.sequences)), _repeated(extra)
    return learner.annotate(replace(batch, pretraining=extra))


def _repeated(sequences: Sequences) -> Sequences:
    return Sequences([sequences.prompts[prompt] for prompt in sequences.prompt_of], sequences.continuations, list(range(len(sequences.prompt_of))))


def make_learner(
    name: str, config: LearnerConfig, *, ranks: Ranks | None = None, policy: Policy | None = None, dtype: torch.dtype = torch.float32, **arguments: Any
) -> Learner:
    """A learner of a preset on the tiny model, with gradient descent in the place of Adam, which would hide a wrong scale."""
    objective = preset(name, **arguments)
    policy = policy or load_policy("tiny", device="cpu")
    teacher = load_policy("tiny", device="cpu", seed=7) if name == "on_policy_distillation" else None
    for model in (policy, teacher):
        if model is not None and dtype is torch.float64:
            model.model.double()
            model.compute_dtype = dtype
    learner = Learner(policy, config, PLAN, objective, teacher=teacher, ranks=ranks)
    beside = [None if learner.critic is None else learner.critic.model.policy.model, learner.value_head, learner.reward_model and learner.trained.model]
    for module in beside:
        if module is not None:
            module.to(dtype)
    learner.optimizer = torch.optim.SGD(learner.parameters, lr=PLAN.learning_rate)  # type: ignore[assignment]
    if learner.critic is not None:
        with torch.no_grad():  # a head of zeros has no gradient for the backbone under it, and values of zero would hide a lost one
            learner.critic.model.head.weight.normal_(generator=torch.Generator().manual_seed(1))
        learner.critic.optimizer = torch.optim.SGD(learner.critic.parameters, lr=PLAN.learning_rate)  # type: ignore[assignment]
    if learner.value_head is not None:
        with torch.no_grad():
            learner.value_head.weight.normal_(generator=torch.Generator().manual_seed(1))
    return learner


def moved(learner: Learner) -> list[torch.Tensor]:
    """Every parameter that an update moves."""
    critic = [] if learner.critic is None else learner.critic.parameters
    return [*learner.parameters, *critic]


def uses_demonstrations(name: str) -> bool:
    return isinstance(preset(name).source, Demonstrations)
