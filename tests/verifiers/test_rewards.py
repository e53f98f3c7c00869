"""Rewards: what users' functions return becomes scores, and every failure finds the one to blame."""

from __future__ import annotations

import asyncio
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from proctor.core.messages import Message
from proctor.core.task import Outcome, Score, Task
from proctor.errors import ConfigError, TaskError, VerifierError
from proctor.verifiers.mathematics import MathVerifier, number_verifier
from proctor.verifiers.rewards import RewardPart, Rewards, ScoreRequest, as_part

TASKS = [Task("a", "What is 1 + 1?", "2", {"difficulty": 1}), Task("b", "What is 2 + 2?", "4", {"difficulty": 2})]
CHAT = Task("c", (Message("system", "Be brief."), Message("user", "Hello?")), "hi")


def requests(*completions: str, task: Task = TASKS[0]) -> list[ScoreRequest]:
    return [ScoreRequest(task, completion, (1, 2), (3, 4, 5), step=7) for completion in completions]


def in_process(function: Callable[..., Any], *asked: ScoreRequest) -> list[Score]:
    with Rewards([RewardPart("r", function)], in_process=True) as rewards:
        return [scores["r"] for scores in rewards.score(asked)]


def mischief(completion: str) -> float:
    match completion:
        case "hang":
            while True:
                pass
        case "exit":
            os._exit(1)
        case "raise":
            raise ValueError("no number in it")
        case "nan":
            return math.nan
        case "bad":
            return -2.0
    return 1.0


@pytest.fixture(scope="module")
def mischievous() -> Iterator[Rewards]:
    with Rewards([RewardPart("m", mischief)], num_workers=2, timeout_s=0.5) as rewards:
        yield rewards


@pytest.mark.parametrize(("completion", "why"), [("hang", "timeout, twice"), ("exit", "crash, twice"), ("raise", "no number in it"), ("nan", "returned nan")])
def test_a_fault_is_held_against_its_completion(mischievous: Rewards, completion: str, why: str) -> None:
    before = mischievous.faults["m"]
    good, blamed = (scores["m"] for scores in mischievous.score(requests("fine", completion)))
    assert good == Score(None, 1.0)
    assert blamed.outcome is Outcome.INCORRECT and blamed.value == 0.0 and why in blamed.reason
    assert mischievous.faults["m"] == before + 1


def test_breaking_a_penalty_never_pays_either() -> None:
    with Rewards([RewardPart("m", mischief, weight=-0.1)], num_workers=1) as rewards:
        fine, blamed = (scores["m"] for scores in rewards.score(requests("fine", "raise")))
        assert (fine.value, blamed.value) == (1.0, 1.0)
        assert rewards.combine({"m": blamed}) == pytest.approx(-0.1)


def test_a_value_too_large_to_average_is_a_fault() -> None:
    with Rewards([RewardPart("m", lambda completion: -1e40 if completion == "far" else 0.5)], num_workers=1) as rewards:
        near, far = (scores["m"] for scores in rewards.score(requests("near", "far")))
        assert (near.value, far.value, far.outcome) == (0.5, 0.0, Outcome.INCORRECT)


def test_breaking_the_checker_never_pays(mischievous: Rewards) -> None:
    asked = [*requests("bad", "raise"), *requests("raise", "fine", task=TASKS[1])]
    values = [scores["m"].value for scores in mischievous.score(asked)]
    assert values == [-2.0, -2.0, 0.0, 1.0]  # the worst of the same task


def test_a_function_that_always_fails_stops_the_run(mischievous: Rewards) -> None:
    with pytest.raises(VerifierError, match="'m' failed on every one of 2 completions: ValueError: no number"):
        mischievous.score(requests("raise", "raise"))


def test_an_accident_is_forgiven(tmp_path: Path) -> None:
    marker = str(tmp_path / "seen")

    def once(completion: str) -> float:
        if completion == "unlucky" and not os.path.exists(marker):  # noqa: PTH110
            open(marker, "w").close()  # noqa: PTH123
            os._exit(1)
        return 1.0

    with Rewards([as_part(once)], num_workers=1) as rewards:
        assert [scores["once"].value for scores in rewards.score(requests("unlucky", "fine"))] == [1.0, 1.0]
        assert rewards.counters.crashes == 1 and not rewards.faults


def test_the_second_try_sees_nothing_of_the_first() -> None:
    poisoned: list[str] = []

    def poisonable(completion: str) -> float:
        if poisoned:
            raise RuntimeError(f"still poisoned by {poisoned}")
        if completion == "poison":
            poisoned.append(completion)
        return 1.0

    with Rewards([as_part(poisonable)], num_workers=1) as rewards:
        assert [scores["poisonable"].value for scores in rewards.score(requests("poison", "victim"))] == [1.0, 1.0]


def test_a_batch_survives_its_worst_member() -> None:
    def batched(completions: list[str], **columns: Any) -> list[float]:
        return [mischief(completion) for completion in completions]

    with Rewards([as_part(batched)], num_workers=2, timeout_s=0.5) as rewards:
        scores = [one["batched"] for one in rewards.score(requests("fine", "exit", "bad", "nan"))]
    assert [score.value for score in scores] == [1.0, -2.0, -2.0, -2.0]
    assert [score.outcome for score in scores] == [None, Outcome.INCORRECT, None, Outcome.INCORRECT]


def test_a_worker_that_cannot_be_started_is_an_error() -> None:
    class Unloadable:
        def __call__(self, completion: str, task: Task) -> Score:
            return Score.correct()

        def __reduce__(self) -> Any:
            return os.listdir, ("/does/not/exist",)

    with Rewards([RewardPart("u", Unloadable())], num_workers=1) as rewards:
        (scores,) = rewards.score(requests("x"))
        assert scores["u"].is_error and "cannot be loaded" in scores["u"].reason
        assert rewards.combine(scores) is None


# Signatures


def trl_reward(
    prompts: Any, completions: Any, completion_ids: Any = None, trainer_state: Any = None, log_extra: Any = None, log_metric: Any = None, **kw: Any
) -> Any:
    log_metric("accuracy", 0.5)
    log_extra("seen", completions)
    assert trainer_state.global_step == 7 and completion_ids == [[3, 4, 5]] * len(prompts)
    return [
        None if difficulty is None else float(completion == solution)
        for completion, solution, difficulty in zip(completions, kw["solution"], kw["difficulty"], strict=True)
    ]


def test_trl() -> None:
    scores = in_process(trl_reward, *requests("2", "3"), *requests("4", task=TASKS[1]))
    assert [score.value for score in scores] == [1.0, 0.0, 1.0]
    assert scores[1].metrics == {"accuracy": 0.5} and scores[1].extra == {"seen": "3"} and scores[1].outcome is None


def test_trl_none_is_not_applicable() -> None:
    def second(completions: list[str], answer: list[str]) -> list[float | None]:
        return [None if completion == "skip" else 1.0 for completion in completions]

    with Rewards([RewardPart("one", second, 2.0), RewardPart("two", lambda completion: 0.5, 3.0)], in_process=True) as rewards:
        skipped, scored = rewards.score(requests("skip", "x"))
        assert skipped["one"] == Score(None, None)
        assert (rewards.combine(skipped), rewards.combine(scored)) == (1.5, 3.5)
        assert rewards.combine({"one": Score(None, None), "two": Score(None, None)}) is None
        assert rewards.combine(scored | {"one": Score.error("down")}) is None


def test_trl_conversations() -> None:
    def chatty(prompts: Any, completions: Any) -> list[float]:
        assert prompts[0] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello?"}]
        return [float(completion[0]["role"] == "assistant" and completion[0]["content"] == "hi") for completion in completions]

    assert in_process(chatty, ScoreRequest(CHAT, "hi"))[0].value == 1.0


def test_asynchronous_functions() -> None:
    async def later(completions: list[str], **columns: Any) -> list[float]:
        await asyncio.sleep(0)
        return [1.0] * len(completions)

    async def from_a_loop() -> list[Score]:
        return in_process(later, *requests("x"))

    assert in_process(later, *requests("x"))[0].value == 1.0
    assert asyncio.run(from_a_loop())[0].value == 1.0
    with Rewards([as_part(later)], num_workers=1) as rewards:
        assert rewards.score(requests("x"))[0]["later"].value == 1.0


def compute_score(data_source: str, solution_str: str, ground_truth: str, extra_info: Any = None) -> Any:
    return {"score": float(solution_str == ground_truth), "length": len(solution_str), "pred": solution_str, "difficulty": extra_info["difficulty"]}


def test_verl() -> None:
    right, wrong = in_process(compute_score, *requests("2", "33"))
    assert (right.value, wrong.value) == (1.0, 0.0)
    assert wrong.metrics == {"length": 2.0, "difficulty": 1.0} and wrong.extra == {"pred": "33"}


def test_areal() -> None:
    def reward_fn(prompt: str, completions: str, prompt_ids: list[int], completion_ids: list[int], **row: Any) -> float:
        return len(prompt_ids) + len(completion_ids) + float(completions == row["answer"])

    assert in_process(reward_fn, *requests("2"))[0].value == 6.0


@pytest.mark.parametrize(
    "wrap", [lambda values: values, lambda values: {"rewards": values, "extra_logs": {"n": [1.0, 2.0]}}, lambda values: {"scores": values}]
)
def test_openrlhf(wrap: Callable[[list[float]], Any]) -> None:
    def reward_func(queries: list[str], prompts: list[str], labels: list[str]) -> Any:
        return wrap([float(query == prompt + label) for query, prompt, label in zip(queries, prompts, labels, strict=True)])

    assert [score.value for score in in_process(reward_func, *requests("2", "3"))] == [1.0, 0.0]


@pytest.mark.parametrize(
    "function",
    [
        lambda completion, answer: completion == answer,
        lambda prompt, completion, difficulty: int(prompt.endswith("?") and difficulty == 1 and completion == "2"),
        lambda completion, **info: float(completion == info["ground_truth"]),
        lambda completion, task: Score.correct() if completion == task.answer else Score.incorrect(),
        lambda completions, answer: [a == b for a, b in zip(completions, answer, strict=True)],
    ],
)
def test_plain_functions(function: Callable[..., Any]) -> None:
    assert [score.value for score in in_process(function, *requests("2", "3"))] == [1.0, 0.0]


def test_scalars_of_other_libraries() -> None:
    class Scalar:
        def item(self) -> float:
            return 0.25

    assert in_process(lambda completion: Scalar(), *requests("x"))[0].value == 0.25


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda text: 1.0, "parameters \\(text\\) follow no known convention"),
        (lambda *args: 1.0, "follow no known convention"),
        (lambda completions, environments: [1.0], "environments.*not supported"),
    ],
)
def test_unknown_signatures_are_refused(function: Callable[..., Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        Rewards([RewardPart("r", function)])


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda completions: [1.0], "'r' returned 1 values for 2 completions"),
        (lambda completions: 1.0, "returned 1.0 \\(float\\) for 2 completions"),
        (lambda completions: ["good", 1.0], "returned 'good' \\(str\\) for completion 0"),
        (lambda completion: None, "returned None \\(NoneType\\)"),
        (lambda completion: "1.0", "returned '1.0' \\(str\\)"),
        (lambda completion, missing_column: 1.0, "needs 'missing_column', but the data has only these columns"),
        (lambda solution_str: {"value": 1.0}, "without 'score'"),
        (lambda completion, task: Score(Outcome.CORRECT, None), "CORRECT without a value"),
    ],
)
@pytest.mark.parametrize("is_in_process", [True, False])
def test_broken_contracts_stop_the_run(function: Callable[..., Any], says: str, is_in_process: bool) -> None:
    with Rewards([RewardPart("r", function)], num_workers=1, in_process=is_in_process) as rewards:
        with pytest.raises(VerifierError, match=says):
            rewards.score(requests("x", "y"))
        with pytest.raises(VerifierError, match=says):
            rewards.check_gold(TASKS)


# Gold answers


def test_gold_answers_that_do_not_verify_are_counted() -> None:
    broken = [Task("x", "", "\\nonsense{"), Task("y", "", None), Task("z", "", "   ")]
    with Rewards([RewardPart("math", MathVerifier())], num_workers=1) as rewards:
        rewards.check_gold(TASKS)
        with pytest.raises(TaskError, match="3 of 5 gold answers do not verify with 'math':\n  task x:.*cannot be read"):
            rewards.check_gold([*TASKS, *broken])


def test_a_gold_answer_is_checked_by_scoring_it() -> None:
    says = "1 of 2 .*\n  task s: gold answer '.*sqrt.*' scores INCORRECT"
    with Rewards([RewardPart("number", number_verifier())], num_workers=1) as rewards, pytest.raises(TaskError, match=says):
        rewards.check_gold([TASKS[0], Task("s", "", "\\sqrt{3}")])


@pytest.mark.parametrize(("function", "says"), [(lambda completion: 1 / 0, "ZeroDivisionError"), (lambda completion: math.nan, "returned nan")])
def test_reward_functions_are_probed(function: Callable[..., Any], says: str) -> None:
    with Rewards([RewardPart("r", function)], num_workers=1) as rewards, pytest.raises(VerifierError, match=f"'r' failed on task a .*{says}"):
        rewards.check_gold(TASKS)


def test_parts_need_distinct_names() -> None:
    with pytest.raises(ConfigError, match="distinct names"):
        Rewards([RewardPart("r", mischief), RewardPart("r", mischief)])
    with pytest.raises(ConfigError, match="given: none"):
        Rewards([])


def test_source_hashes_follow_the_source() -> None:
    parts = [RewardPart("a", MathVerifier()), RewardPart("b", MathVerifier(tolerance="0.01")), RewardPart("c", mischief), RewardPart("d", mischief)]
    with Rewards(parts) as rewards:
        hashes = rewards.source_hashes
    assert hashes["a"] != hashes["b"] and hashes["c"] == hashes["d"] and len(hashes["a"]) == 64


def test_functions_of_a_script_never_run_the_script_again(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(f"""
import sys
sys.path[:0] = {sys.path!r}
from proctor.core.task import Task
from proctor.verifiers.rewards import RewardPart, Rewards, ScoreRequest
print("script runs")
BONUS = 0.5
def helper(text):
    return len(text)
def reward(completion, answer):
    return helper(completion) + BONUS + hasattr(sys.modules["__main__"], "BONUS")
with Rewards([RewardPart("r", reward)], num_workers=2) as rewards:
    print([scores["r"].value for scores in rewards.score([ScoreRequest(Task("t", "p", "a"), "xx")])])
""")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    assert done.stdout == "script runs\n[2.5]\n"
