"""Evaluate a model on a probe's held-out tasks."""

from __future__ import annotations

import asyncio

from proctor.chat.renderer import Renderer
from proctor.config import RewardConfig, ScoringConfig
from proctor.data.loaders import load_train_and_test
from proctor.engines.base import Sampling
from proctor.engines.local import LocalEngine
from proctor.errors import TaskError
from proctor.models.load import load_policy
from proctor.rollouts.groups import Workshop
from proctor.training.evaluate import Evaluation, evaluate
from proctor.training.reward_model import REWARD_MODEL, attach_reward_models
from proctor.training.reward_parts import open_rewards
from proctor.training.sources import fitting, prompt_room
from proctor.training.stages.records import Probe

_CHOOSER = "chooser"
"""What the reward model of a probe is called among its rewards."""


def probe_model(model: str, probe: Probe) -> Evaluation:
    """Sample and score.

    Args:
        model: what `load_policy` takes.
        probe: what is asked.

    Raises:
        TaskError: the data has no held-out tasks.
        ConfigError: the thinking budget can mean nothing for this model.
    """
    tasks = load_train_and_test(probe.data, probe.seed)[1].tasks[: probe.num_tasks]
    if not tasks:
        raise TaskError(f"the evaluation {probe.name!r} has no held-out tasks in {probe.data.train}; name some with data.test")
    policy = load_policy(model)
    chooser = (RewardConfig(REWARD_MODEL, weight=0.0, name=_CHOOSER, arguments={"path": probe.reward_model}),) if probe.reward_model else ()
    with open_rewards((*probe.rewards, *chooser), ScoringConfig()) as rewards:
        rewards.check_gold(tasks)
        attach_reward_models(rewards, policy)
        renderer = Renderer(policy.tokenizer)
        budgets = () if probe.thinking_budget is None else (probe.thinking_budget,)
        room = prompt_room(policy, renderer, max_completion_tokens=probe.max_completion_tokens, budgets=budgets)
        tasks = fitting(tasks, renderer, room, source=probe.data.test or probe.data.train)
        renderer.check_budgets(budgets, [task.messages for task in tasks], max_completion_tokens=probe.max_completion_tokens)
        workshop = Workshop(LocalEngine(policy), renderer, rewards, lambda phase: None)
        sampling = Sampling(probe.temperature, probe.max_completion_tokens)
        evaluating = evaluate(
            tasks,
            workshop=workshop,
            sampling=sampling,
            num_samples=probe.num_samples,
            seed=probe.seed,
            ks=probe.ks,
            budgets=budgets,
            chosen_by=_CHOOSER if chooser else "",
        )
        return asyncio.run(evaluating)[0]
