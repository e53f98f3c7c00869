"""What the model did: completions with their token ids and logprobs, turns, whole episodes, and groups of them.

Every completion carries the ids that were sampled and the logprobs of the distribution they were sampled from. Text is
only for people and verifiers: it is never tokenised again for training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from proctor.core.task import Score, Task


class FinishReason(StrEnum):
    """Why a completion ended."""

    EOS = "eos"  # the model ended its turn
    STOP = "stop"  # a stop string appeared
    LENGTH = "length"  # max_completion_tokens reached: truncated
    BUDGET = "budget"  # the thinking budget was used up; a sentence was put in, and the next completion goes on after it
    REPETITION = "repetition"  # it went round in circles and was ended: truncated


@dataclass(frozen=True, slots=True)
class Segment:
    """What of a completion was written in one go.

    Attributes:
        num_tokens: at least one.
        policy_version: weight version that wrote them.
    """

    num_tokens: int
    policy_version: int


@dataclass(frozen=True, slots=True)
class Completion:
    """What the model wrote in one turn.

    Attributes:
        token_ids: [T] ids as sampled, the ending EOS included.
        behavior_logprobs: [T] nats, of the distribution actually sampled from (after temperature and truncation).
        text: the decoded ids, without special tokens and without a matched stop string.
        finish_reason: why it ended.
        policy_version: weight version that produced it, its end where there were several.
        segments: in order, where it was written in several goes (partial rollouts); empty where in one.
    """

    token_ids: tuple[int, ...]
    behavior_logprobs: tuple[float, ...]
    text: str
    finish_reason: FinishReason
    policy_version: int
    segments: tuple[Segment, ...] = ()

    def __post_init__(self) -> None:
        if len(self.token_ids) != len(self.behavior_logprobs):
            raise ValueError(f"{len(self.token_ids)} token ids but {len(self.behavior_logprobs)} behavior_logprobs")
        if self.segments and sum(segment.num_tokens for segment in self.segments) != len(self.token_ids):
            raise ValueError(f"{len(self.token_ids)} token ids but {sum(segment.num_tokens for segment in self.segments)} in segments")

    @property
    def policy_versions(self) -> list[int]:
        """[T] weight version that wrote each token."""
        segments = self.segments or (Segment(len(self.token_ids), self.policy_version),)
        return [segment.policy_version for segment in segments for _ in range(segment.num_tokens)]


@dataclass(frozen=True, slots=True)
class Turn:
    """One completion and what was appended to it: the environment's reply, or words put into the model's mouth.

    Attributes:
        completion: what the model wrote.
        observation_ids: [N] tokens that the environment appended (tool output, the next question, turn markers);
            the model reads them, and they are never trained on.
        inserted_text: what `observation_ids` say where they stand inside the model's own message, which the next turn goes on with
            (a thinking budget); empty for a reply, which ends the message.
    """

    completion: Completion
    observation_ids: tuple[int, ...] = ()
    inserted_text: str = ""


class Status(StrEnum):
    """How an episode ended."""

    FINISHED = "finished"
    TRUNCATED = "truncated"  # its last completion hit the length limit, or was ended because it repeated itself
    ERROR = "error"  # no reward could be computed, for a reason that the completion did not cause


@dataclass(frozen=True, slots=True)
class Rollout:
    """A whole episode: prompt, turns, scores, reward.

    Attributes:
        task: the problem.
        index: position within its group; with the task and the step it seeds the sampling.
        prompt_ids: [P] tokens read before the first completion.
        turns: in order; at least one.
        scores: one per reward function, by name.
        reward: scalar after weighting and shaping; None exactly when status is ERROR.
        status: how it ended.
        shaping: the part of `reward` that no reward function gave: length rewards, the punishment of missing ends.
        step_ends: the trained token (counted from 1) that ends each reasoning step which a verifier scored.
    """

    task: Task
    index: int
    prompt_ids: tuple[int, ...]
    turns: tuple[Turn, ...]
    scores: Mapping[str, Score] = field(default_factory=dict[str, Score])
    reward: float | None = None
    status: Status = Status.FINISHED
    shaping: float = 0.0
    step_ends: tuple[int, ...] = ()

    @property
    def token_ids(self) -> list[int]:
        """[T] everything after the prompt, completions and observations in order."""
        return [token for turn in self.turns for token in (*turn.completion.token_ids, *turn.observation_ids)]

    @property
    def completion_mask(self) -> list[bool]:
        """[T] True where the model wrote the token."""
        return [own for turn in self.turns for own in (*[True] * len(turn.completion.token_ids), *[False] * len(turn.observation_ids))]

    @property
    def behavior_logprobs(self) -> list[float]:
        """[T] nats; 0.0 on observations."""
        return [value for turn in self.turns for value in (*turn.completion.behavior_logprobs, *[0.0] * len(turn.observation_ids))]

    @property
    def num_completion_tokens(self) -> int:
        return sum(len(turn.completion.token_ids) for turn in self.turns)

    @property
    def policy_versions(self) -> list[int]:
        """[T] weight version that wrote each token; on observations, that of the completion before them."""
        return [version for turn in self.turns for version in (*turn.completion.policy_versions, *[turn.completion.policy_version] * len(turn.observation_ids))]

    @property
    def message(self) -> tuple[Turn, ...]:
        """The turns of the last message: one, or several where text was put into it."""
        first = len(self.turns) - 1
        while first and self.turns[first - 1].inserted_text:
            first -= 1
        return self.turns[first:]

    @property
    def text(self) -> str:
        """The last message, what was put into it included: what is graded."""
        return "".join(turn.completion.text + turn.inserted_text for turn in self.message)

    @property
    def message_ids(self) -> tuple[int, ...]:
        """The tokens of the last message, those put into it included."""
        *before, last = self.message
        return (*(token for turn in before for token in (*turn.completion.token_ids, *turn.observation_ids)), *last.completion.token_ids)

    @property
    def step_rewards(self) -> tuple[float, ...]:
        """Rewards of the reasoning steps that `step_ends` delimits."""
        return next((tuple(step.value for step in score.steps) for score in self.scores.values() if score.steps), ())

    @property
    def is_truncated(self) -> bool:
        """True where the last completion did not come to an end of its own."""
        return self.turns[-1].completion.finish_reason in (FinishReason.LENGTH, FinishReason.REPETITION)


@dataclass(frozen=True, slots=True)
class RolloutGroup:
    """The rollouts of one task, those that ended in ERROR set apart.

    Attributes:
        task: the problem they share.
        rollouts: with a reward each; may be fewer than the group size that was asked for.
        errors: the rollouts that no reward could be computed for; counted, never trained on.
        greedy: the task's greedy rollout, where an objective takes its reward as the baseline; never trained on.
        unaided: where `rollouts` were written with a hint, those before it, which all failed: what the policy can do; never trained on.
    """

    task: Task
    rollouts: tuple[Rollout, ...]
    errors: tuple[Rollout, ...] = ()
    greedy: Rollout | None = None
    unaided: tuple[Rollout, ...] = ()

    @property
    def own(self) -> tuple[Rollout, ...]:
        """The rollouts that say how the policy does by itself."""
        return self.unaided or self.rollouts

    @property
    def rewards(self) -> list[float]:
        return [rollout.reward for rollout in self.rollouts if rollout.reward is not None]

    @property
    def is_unanimous(self) -> bool:
        """True when every rollout earned the same: a group-relative objective learns nothing from it."""
        return len(set(self.rewards)) <= 1
