"""What an engine is: the protocol that rollouts are written against, and its records. No torch here."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from proctor.core import Completion
from proctor.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn.

    Attributes:
        temperature: logits are divided by it; 0 is greedy.
        max_completion_tokens: a completion is truncated there.
        top_p: keep the smallest set of tokens with this probability; 1 keeps all.
        top_k: keep this many tokens; 0 keeps all.
        min_p: keep tokens of at least this fraction of the largest probability; 0 keeps all.
        stop: strings that end a completion; the text is cut before them, the tokens are kept.
    """

    temperature: float = 1.0
    max_completion_tokens: int = 256
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    stop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, value, is_allowed, allowed in (
            ("temperature", self.temperature, self.temperature >= 0, "at least 0"),
            ("max_completion_tokens", self.max_completion_tokens, self.max_completion_tokens >= 1, "at least 1"),
            ("top_p", self.top_p, 0 < self.top_p <= 1, "in (0, 1]"),
            ("top_k", self.top_k, self.top_k >= 0, "at least 0 (0 keeps all tokens)"),
            ("min_p", self.min_p, 0 <= self.min_p < 1, "in [0, 1)"),
            ("stop", self.stop, all(self.stop), "strings that are not empty"),
        ):
            if not is_allowed:
                raise ConfigError(f"{name} must be {allowed}, not {value!r}")

    @property
    def is_truncated(self) -> bool:
        """True when some tokens can never be drawn, so that the behavior policy is not the trained softmax."""
        return self.top_p < 1 or self.top_k > 0 or self.min_p > 0 or self.temperature == 0


@dataclass(frozen=True, slots=True)
class SampleRequest:
    """A prompt, and one seed for each completion wanted of it.

    Attributes:
        prompt_ids: what the model reads.
        seeds: one a completion: 64-bit integers that fix its random numbers, whatever else is in the batch.
        limits: one a completion: its tokens, where that is fewer than `Sampling.max_completion_tokens`; empty leaves that limit to all.
        written_ids: tokens of the completion that were written before, and that the model reads after the prompt: only the tokens
            after them are returned. A seed goes on with its next random number, so that a completion written in several goes
            under the same weights is the one that is written at once.
    """

    prompt_ids: tuple[int, ...]
    seeds: tuple[int, ...]
    limits: tuple[int, ...] = ()
    written_ids: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.limits and (len(self.limits) != len(self.seeds) or min(self.limits) < 1):
            raise ValueError(f"limits need one whole number of at least 1 for each of {len(self.seeds)} seeds, not {self.limits}")

    @property
    def read_ids(self) -> tuple[int, ...]:
        """Everything that the model reads before it writes."""
        return (*self.prompt_ids, *self.written_ids)


class Sampler(Protocol):
    """An engine that samples from some version of the policy."""

    @property
    def policy_version(self) -> int:
        """The version of the weights that the next completion comes from."""
        ...

    async def sample(self, requests: Sequence[SampleRequest], sampling: Sampling) -> list[list[Completion]]:
        """Completions of each request, in the order of its seeds: the tokens after `written_ids`, and their text alone.

        Raises:
            EngineError: a prompt does not fit, or sampling failed.
        """
        ...


def rollout_seed(*parts: int | str) -> int:
    """A 64-bit seed from what identifies a rollout (run seed, step, task, index): stable across processes and versions."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def before_stop(text: str, stops: Sequence[str]) -> str:
    """Text up to the first stop string in it."""
    ends = [position for stop in stops if (position := text.find(stop)) >= 0]
    return text[: min(ends)] if ends else text
