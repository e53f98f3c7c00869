"""Recognises reward functions by the names of their parameters, so that functions written for other libraries run unchanged.

Nothing is called here: `proctor.verifiers.adapters` calls what was recognised.

Source: the conventions of TRL (`reward_funcs`), verl (`compute_score`), AReaL (`reward_fn`) and OpenRLHF (`reward_func`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from proctor.errors import ConfigError

ACCEPTED_FORMS = """\
  f(completion, task) -> Score                       a verifier; or a number
  f(prompt, completion, answer, **columns) -> float  any subset of these names, for one completion
  f(prompts, completions, **columns) -> list         TRL: a list of numbers, None where not applicable
  compute_score(data_source, solution_str, ground_truth, extra_info=None) -> float or {"score": ...}   verl
  reward_fn(prompt, completions, prompt_ids, completion_ids, **columns) -> float                       AReaL
  reward_func(queries, prompts, labels) -> {"rewards": [...]} or list                                  OpenRLHF"""

_SAMPLE_NAMES = frozenset({"prompt", "completion", "answer", "task"})


class Convention(StrEnum):
    """Whose calling convention a function follows."""

    SAMPLE = "sample"  # Proctor's own, one completion a call; verifiers too
    TRL = "trl"
    VERL = "verl"
    AREAL = "areal"
    OPENRLHF = "openrlhf"

    @property
    def is_batched(self) -> bool:
        """True when one call scores many completions."""
        return self in (Convention.TRL, Convention.OPENRLHF)


@dataclass(frozen=True, slots=True)
class Signature:
    """How a function wants to be called.

    Attributes:
        convention: which arguments it knows.
        parameters: names that it declares.
        required: those of them without a default.
        takes_any: whether it accepts every further column (`**kwargs`).
    """

    convention: Convention
    parameters: frozenset[str]
    required: frozenset[str]
    takes_any: bool

    def wants(self, name: str) -> bool:
        return self.takes_any or name in self.parameters


def detect(function: Callable[..., Any], *, name: str) -> Signature:
    """Recognise the convention of a reward function.

    Args:
        function: any callable.
        name: what to call it in messages.

    Raises:
        ConfigError: it is not callable, has no recognised parameter, or needs what is not supported.
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"reward {name!r}: its parameters cannot be read ({error}); wrap it in a Python function. Accepted forms:\n{ACCEPTED_FORMS}"
        ) from None
    named = [one for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    names = frozenset(one.name for one in named)
    hidden = [one.name for one in parameters if one.kind is one.POSITIONAL_ONLY]
    convention = _convention(names)
    if convention is None or hidden:
        given = ", ".join([*hidden, *(one.name for one in named)]) or "none by name"
        raise ConfigError(
            f"reward {name!r}: its parameters ({given}) follow no known convention. Accepted forms, told apart by parameter names:\n{ACCEPTED_FORMS}"
        )
    if "environments" in names:
        raise ConfigError(f"reward {name!r} asks for `environments` (TRL's environment instances), which is not supported; remove that parameter")
    return Signature(
        convention,
        names,
        frozenset(one.name for one in named if one.default is one.empty),
        any(one.kind is one.VAR_KEYWORD for one in parameters),
    )


def _convention(names: frozenset[str]) -> Convention | None:
    if "solution_str" in names:
        return Convention.VERL
    if "queries" in names:
        return Convention.OPENRLHF
    if "completions" in names:
        return Convention.AREAL if names & {"prompt", "prompt_ids"} else Convention.TRL
    return Convention.SAMPLE if names & _SAMPLE_NAMES else None
