"""A model that tries tasks for a curation: sampled by the engine of training, graded by its rewards."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from proctor.chat.renderer import Renderer
from proctor.config import RewardConfig, ScoringConfig
from proctor.core import Task
from proctor.data.columns import dress
from proctor.data.config import DataConfig
from proctor.data.curation.base import Attempt
from proctor.data.curation.spec import ModelTable, VerifierTable
from proctor.engines.base import Sampling
from proctor.engines.local import LocalEngine
from proctor.errors import ConfigError
from proctor.models.load import load_policy
from proctor.models.pocket import POCKET, TRAINED_VERSION
from proctor.rollouts.groups import RolloutPlan, Workshop, collect_groups
from proctor.training.evaluate import is_correct
from proctor.training.model_source import model_source
from proctor.training.reward_parts import open_rewards


class LocalSolver:
    """Samples in this process. The model is loaded at the first task that nothing is known of."""

    def __init__(self, model: ModelTable, verifier: VerifierTable, *, seed: int) -> None:
        """Args:
            model: what to load, and how prompts are dressed.
            verifier: what grades completions.
            seed: of sampling.

        Raises:
            ConfigError: the run that is named has no weights, or the verifier is unknown.
        """
        self._model, self._seed = model, seed
        self._rewards = open_rewards((RewardConfig(verifier.function, arguments=verifier.arguments),), ScoringConfig())
        self._source = model_source(model.name)
        self._workshop: Workshop | None = None
        self.identity = f"{model} {fingerprint(self._source)} {self._rewards.source_hashes} {seed}"

    def close(self) -> None:
        """Kill the workers."""
        self._rewards.close()

    def num_correct(self, tasks: Sequence[Task], attempt: Attempt) -> list[tuple[int, int]]:
        """Correct and graded completions of each task. A prompt that does not fit the model's context has none of either."""
        workshop = self._open()
        policy_limit = workshop.sampler.policy.max_context_tokens if isinstance(workshop.sampler, LocalEngine) else None
        max_tokens = attempt.max_completion_tokens or self._model.max_completion_tokens
        dressed = [replace(task, prompt=self._dress(task, attempt)) for task in tasks]
        fits = [policy_limit is None or len(workshop.renderer.prompt_ids(task.messages)) + max_tokens <= policy_limit for task in dressed]
        fitting = [task for task, does_fit in zip(dressed, fits, strict=True) if does_fit]
        plan = RolloutPlan(
            attempt.num_samples, Sampling(attempt.temperature, max_tokens, stop=self._model.stop), self._seed, purpose=f"curate/{attempt.purpose}"
        )
        groups = iter(asyncio.run(collect_groups(fitting, step=0, workshop=workshop, plan=plan)) if fitting else ())
        found: list[tuple[int, int]] = []
        for does_fit in fits:
            rollouts = next(groups).rollouts if does_fit else ()
            found.append((sum(is_correct(rollout.scores) for rollout in rollouts), len(rollouts)))
        return found

    def _open(self) -> Workshop:
        if self._workshop is None:
            policy = load_policy(self._source, seed=self._seed)
            self._workshop = Workshop(LocalEngine(policy), Renderer(policy.tokenizer), self._rewards, lambda phase: None)
        return self._workshop

    def _dress(self, task: Task, attempt: Attempt) -> str | tuple:
        template = self._model.template.replace("{prompt}", "{prompt}" + attempt.instruction)
        return dress(task.prompt, DataConfig(train="curation", template=template, system=self._model.system or None))


def fingerprint(source: str) -> str:
    """What changes when the weights that a name stands for do: the content of files, the version of the pocket policy, else the name."""
    path = Path(source)
    if not path.exists():
        return f"{source} v{TRAINED_VERSION}" if source == POCKET else source
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    digest = hashlib.sha256()
    try:
        for file in files:
            with file.open("rb") as opened:
                digest.update(hashlib.file_digest(opened, "sha256").digest())
    except OSError as error:
        raise ConfigError(f"the model {source!r} cannot be read: {error.strerror or error}") from error
    return digest.hexdigest()
