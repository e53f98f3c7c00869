"""Gates, memory, sums: a part never vanishes."""

from __future__ import annotations

import math
import pickle

import pytest

from proctor.core.task import Outcome, Score, Task
from proctor.errors import ConfigError, TaskError, VerifierError
from proctor.verifiers.base import RewardPart
from proctor.verifiers.composition import Cached, Gate, cache_key
from proctor.verifiers.format import FormatVerifier
from proctor.verifiers.language import LanguageConsistency
from proctor.verifiers.mathematics import MathVerifier
from proctor.verifiers.names import make_verifier
from proctor.verifiers.rewards import Rewards

TASK = Task("t", "What is 3 + 4?", "7")


def error(completion: str, task: Task) -> Score:
    return Score.error("down")


def nan(completion: str, task: Task) -> Score:
    return Score(None, math.nan)


def absent(completion: str, task: Task) -> Score:
    return Score(None, None)


class Counting:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, completion: str, task: Task) -> Score:
        self.calls += 1
        return Score.error("busy") if completion == "busy" else Score.correct(completion)


def test_accuracy_counts_only_in_form() -> None:
    gate = Gate((FormatVerifier(),), MathVerifier())
    assert gate("<think>a</think><answer>7</answer>", TASK).value == 1.0
    assert gate("<think>a</think><answer>8</answer>", TASK).value == 0.0
    refused = gate("\\boxed{7}", TASK)
    assert refused.outcome is Outcome.INCORRECT and refused.value == 0.0 and refused.reason.startswith("FormatVerifier: ")
    assert gate(gate.gold(TASK), TASK).outcome is Outcome.CORRECT
    assert Gate(("format",), "math").verifier == MathVerifier()  # type: ignore[arg-type]
    made = make_verifier("gate", {"conditions": ("format",), "verifier": "math"})
    assert made("<think>a</think><answer>7</answer>", TASK).outcome is Outcome.CORRECT


def test_a_gate_pays_no_form_alone_and_keeps_errors() -> None:
    assert Gate((error,), MathVerifier())("\\boxed{7}", TASK).is_error
    assert Gate((MathVerifier(),), error)("\\boxed{8}", TASK).outcome is Outcome.INCORRECT  # the veto is not even asked
    assert Gate((MathVerifier(),), error)("\\boxed{7}", TASK).is_error
    assert Gate((LanguageConsistency(),), MathVerifier())("\\boxed{7}", TASK).value == 0.0  # a share is no verdict
    for broken in (nan, absent):
        with pytest.raises(VerifierError, match="cannot be left out"):
            Gate((broken,), MathVerifier())("\\boxed{7}", TASK)
    with pytest.raises(VerifierError, match="not a Score"):
        Gate((lambda completion, task: 1.0,), MathVerifier())("7", TASK)  # type: ignore[arg-type,return-value]
    with pytest.raises(ConfigError, match="at least one condition"):
        Gate((), MathVerifier())
    with pytest.raises(TaskError, match="no gold completion"):
        Gate((FormatVerifier(("a", "b")),), FormatVerifier()).gold(TASK)


def test_cache_remembers_verdicts_and_not_errors() -> None:
    inner = Counting()
    cached = Cached(inner, max_entries=2)
    assert cached("a", TASK) == cached("a", TASK) and inner.calls == 1 and cached.hits == 1
    cached("busy", TASK), cached("busy", TASK)
    assert inner.calls == 3
    cached("a", Task("t", "What is 3 + 4?", "8"))  # another answer is another question
    cached("b", TASK)
    cached("a", TASK)
    assert inner.calls == 6  # "a" had been dropped for the two newer ones
    copy = pickle.loads(pickle.dumps(Cached(MathVerifier())))
    assert copy("\\boxed{7}", TASK).outcome is Outcome.CORRECT and copy.gold(TASK) == "\\boxed{7}"
    with pytest.raises(ConfigError, match="max_entries"):
        Cached(inner, max_entries=0)


def test_cache_key_depends_on_everything() -> None:
    tasks = [TASK, Task("u", "What is 3 + 4?", "7"), Task("t", "What?", "7"), Task("t", "What is 3 + 4?", 7), Task("t", "What is 3 + 4?", "7", {"a": 1})]
    keys = {cache_key(name, completion, task) for name in "xy" for completion in ("a", "b") for task in tasks}
    assert len(keys) == 20
    assert cache_key("x", "a", TASK) == cache_key("x", "a", Task("t", "What is 3 + 4?", "7"))


def test_sums_refuse_holes() -> None:
    with Rewards([RewardPart("m", MathVerifier()), RewardPart("f", FormatVerifier(), 0.5)], in_process=True) as rewards:
        good = Score.correct()
        assert rewards.combine({"m": good, "f": good}) == 1.5
        assert rewards.combine({"m": good, "f": Score.error("down")}) is None
        assert rewards.combine({"m": good, "f": Score(None, None)}) == 1.0  # declared itself not applicable
        for hole in (
            {"m": good},
            {"m": good, "f": Score(None, math.nan)},
            {"m": good, "f": Score(None, math.inf)},
            {"m": good, "f": Score(Outcome.INCORRECT, None)},
        ):
            with pytest.raises(VerifierError, match="'f'"):
                rewards.combine(hole)
    with pytest.raises(ConfigError, match="finite"):
        Rewards([RewardPart("m", MathVerifier(), math.nan)], in_process=True)
