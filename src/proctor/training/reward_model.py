"""A reward model as a part of the reward: it scores in this process, on the device of the policy."""

from __future__ import annotations

from collections.abc import Sequence

from proctor.errors import VerifierError
from proctor.models.heads import ScalarModel, load_scalar_model, scalar_model_directory, score_rows
from proctor.models.policy import Policy
from proctor.models.scoring import ForwardPath, forward_path
from proctor.verifiers.base import ScoreRequest
from proctor.verifiers.rewards import Rewards

REWARD_MODEL = "reward_model"
"""The name of the reward that is a model."""


class RewardModelScorer:
    """Scores completions with a saved reward model. `attach` gives it the policy whose tokens it reads.

    Args:
        path: a run with algorithm=reward_model, or its model directory.

    Raises:
        ConfigError: there is no model.
    """

    def __init__(self, path: str) -> None:
        self.path = scalar_model_directory(path)
        self._model: ScalarModel | None = None

    def attach(self, policy: Policy, forward: ForwardPath) -> None:
        """Load the weights beside the policy's."""
        self._model = load_scalar_model(self.path, policy=policy, forward=forward)

    def score(self, requests: Sequence[ScoreRequest]) -> list[float]:
        """One number a request.

        Raises:
            VerifierError: a request has no token ids, or the model was not attached.
        """
        if self._model is None or any(not request.completion_ids for request in requests):
            raise VerifierError("the reward model scores sampled token ids: it must be attached to a policy, and every completion needs its ids")
        return score_rows(self._model, [(request.prompt_ids, request.completion_ids) for request in requests])


def attach_reward_models(rewards: Rewards, policy: Policy) -> None:
    """Load the reward models among the parts of a reward beside the policy whose completions they score."""
    models = [part.scorer for part in rewards.scorers if isinstance(part.scorer, RewardModelScorer)]
    if models:
        forward = forward_path(policy)
        for model in models:
            model.attach(policy, forward)
