"""Evaluate a model on a probe's held-out tasks."""

from __future__ import annotations

import asyncio

from proctor.chat.renderer import Renderer
from proctor.config import ScoringConfig
from proctor.data.loaders import load_train_and_test
from proctor.engines.base import Sampling
from proctor.engines.local import LocalEngine
from proctor.errors import TaskError
from proctor.models.load import load_policy
from proctor.rollouts.groups import Workshop
from proctor.training.evaluate import Evaluation, evaluate
from proctor.training.session import open_rewards
from proctor.training.stages.records import Probe


def probe_model(model: str, probe: Probe) -> Evaluation:
    """Sample and score.

    Args:
        model: what `load_policy` takes.
        probe: what is asked.

    Raises:
        TaskError: the data has no held-out tasks.
    """
    tasks = load_train_and_test(probe.data, probe.seed)[1].tasks[: probe.num_tasks]
    if not tasks:
        raise TaskError(f"the evaluation {probe.name!r} has no held-out tasks in {probe.data.train}; name some with data.test")
    policy = load_policy(model)
    with open_rewards(probe.rewards, ScoringConfig()) as rewards:
        rewards.check_gold(tasks)
        workshop = Workshop(LocalEngine(policy), Renderer(policy.tokenizer), rewards, lambda phase: None)
        sampling = Sampling(probe.temperature, probe.max_completion_tokens)
        evaluation, _ = asyncio.run(evaluate(tasks, workshop=workshop, sampling=sampling, num_samples=probe.num_samples, seed=probe.seed, ks=probe.ks))
    return evaluation
