"""Scores answers to Reasoning Gym tasks with the scorer that each of its data sets brings along."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from proctor.core.task import Outcome, Score, Task
from proctor.errors import ConfigError, TaskError
from proctor.verifiers.extraction import after_reasoning, extractions

_CHANNELS = ("answer_tag", "boxed", "answer_is")


@dataclass(frozen=True, slots=True)
class ReasoningGymVerifier:
    """CORRECT where the data set's own `score_answer` gives 1.0; otherwise INCORRECT and worth 0.

    Most of the scorers give part of the credit to any text that contains the answer, so that a list of guesses earns something:
    that part is logged as the metric `partial_credit` and is not paid.

    The task carries `info["reasoning_gym"] = {"dataset": name, "entry": {...}, "config": {...}}`.

    Attributes:
        partial_credit: pay what the scorer gives for wrong answers, unless the answer merely contains the reference: for
            families whose scorers measure how near an answer is.
    """

    partial_credit: bool = False

    def __call__(self, completion: str, task: Task) -> Score:
        """Score one completion.

        Raises:
            TaskError: the task did not come from Reasoning Gym.
            ConfigError: the package is missing.
        """
        origin = _origin(task)
        text = after_reasoning(completion)
        if text is None:
            return Score.unparsed("the reasoning is not closed by </think>")
        found = next(extractions(text, _CHANNELS), None)
        if found is not None and len(set(found.candidates)) > 1:
            return Score.incorrect(found.candidates[-1], f"{found.channel}: conflicting answers")
        answer = found.candidates[-1].strip() if found else text.strip()
        if not answer:
            return Score.unparsed("no answer found")
        dataset = _dataset(origin["dataset"], json.dumps(origin.get("config") or {}, sort_keys=True))
        value = float(dataset.score_answer(answer, origin["entry"]))
        channel = found.channel if found else "whole"
        if value >= 1.0:
            return Score(Outcome.CORRECT, value, answer, channel)
        is_hedge = str(origin["entry"].get("answer", task.answer)).strip() in answer
        paid = value if self.partial_credit and not is_hedge else 0.0
        return Score(Outcome.INCORRECT, paid, answer, channel, {"partial_credit": value})

    def gold(self, task: Task) -> str:
        """Return the completion that must be CORRECT."""
        return f"<answer>{_origin(task)['entry'].get('answer', task.answer)}</answer>"


def _origin(task: Task) -> Mapping[str, Any]:
    origin = task.info.get("reasoning_gym")
    if not isinstance(origin, Mapping) or not {"dataset", "entry"} <= origin.keys():
        raise TaskError(f"task {task.id} does not come from Reasoning Gym (no 'reasoning_gym' with 'dataset' and 'entry' in its info); choose another verifier")
    return origin


@lru_cache(maxsize=64)
def _dataset(name: str, config: str) -> Any:
    """The data set that scores, built once a worker: its configuration may matter to its scorer, its size does not."""
    try:
        import reasoning_gym
    except ImportError as error:
        raise ConfigError("the reasoning_gym verifier needs the package reasoning-gym: pip install reasoning-gym") from error
    return reasoning_gym.create_dataset(name, **json.loads(config))
