"""The whole reward of a run as a target: the sum that training pays, sound parts whose sum is not, and the command."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from proctor.audit.environment import WholeReward
from proctor.audit.examine import Plan, audit_environment
from proctor.audit.report import AuditReport
from proctor.cli.main import main
from proctor.core.task import Outcome, Score, Task
from proctor.errors import ConfigError, TaskError, VerifierError
from proctor.sandbox.base import FaultKind, Limits
from proctor.verifiers.base import RewardPart, ScoreRequest
from proctor.verifiers.format import FormatVerifier
from proctor.verifiers.mathematics import number_verifier
from proctor.verifiers.rewards import Rewards

TASKS = tuple(Task(f"t{n}", f"What is {n} + 52?", str(n + 52)) for n in range(12))
ACCURACY, FORMAT = RewardPart("accuracy", number_verifier()), RewardPart("format", FormatVerifier(), weight=0.5)


def trl_chat(prompts: list[Any], completions: list[Any], answer: list[str], **columns: Any) -> list[float]:
    """TRL's conversational form alone."""
    return [float(not isinstance(one, str) and gold in one[0]["content"]) for one, gold in zip(completions, answer, strict=True)]


class Calls:
    """Pays less with every call of its process."""

    calls = 0

    def __call__(self, completion: str, task: Task) -> float:
        type(self).calls += 1
        return 0.1 / type(self).calls


def words(completion: str, answer: str) -> float:
    """Pays for length: one a word."""
    return float(len(completion.split()))


def trl_sometimes(completions: list[str], **columns: Any) -> list[float | None]:
    """TRL's: None says that it does not apply."""
    return [None if "hash" in completion else 1.0 for completion in completions]


def broken(completion: str, task: Task) -> Score:
    raise TaskError("no reference")


def dies_of(completion: str, answer: str) -> float:
    """One for a right answer, minus one for a wrong one; dies of one word."""
    import os

    if "poison" in completion:
        os._exit(3)
    return 1.0 if answer in completion else -1.0


def solution_tag(completion: str, answer: str) -> float:
    return float(f"<solution>{answer}</solution>" in completion)


def soft_length(completion: str, answer: str) -> float:
    return -0.001 * len(completion)


def all_but_59(completion: str, answer: str) -> float:
    return float(answer != "59" and re.findall(r"-?\d+", completion) == [answer])


def raises(completion: str, answer: str) -> float:
    raise ValueError("substring not found")


def of_numbers(completions: list[str], answer: list[str], **columns: Any) -> list[float | None]:
    """TRL's: strict, and says nothing of words."""
    return [float(re.findall(r"-?\d+", one) == [gold]) if gold.isdigit() else None for one, gold in zip(completions, answer, strict=True)]


def of_words(completions: list[str], answer: list[str], **columns: Any) -> list[float | None]:
    """TRL's: pays a word anywhere, and says nothing of numbers."""
    return [float(gold in re.findall("[a-z]+", one)) if gold.isalpha() else None for one, gold in zip(completions, answer, strict=True)]


def any_box(completion: str, answer: str) -> float:
    """Pays where one of several boxes is right."""
    return float(f"\\boxed{{{answer}}}" in completion)


def any_number(completion: str, answer: str) -> float:
    return float(answer in re.findall(r"\d+", completion))


def graded(parts: list[RewardPart], *completions: str) -> list[Any]:
    with WholeReward(parts, num_workers=1, timeout_s=5.0, limits=Limits()) as reward:
        return reward.grade([ScoreRequest(TASKS[0], completion) for completion in completions], retry=False)


def paid(parts: list[RewardPart], *completions: str) -> list[float | None]:
    """What training pays."""
    with Rewards(parts, num_workers=1, timeout_s=5.0) as rewards:
        return [rewards.combine(scores) for scores in rewards.score([ScoreRequest(TASKS[0], completion) for completion in completions])]


def test_the_sum_is_the_one_that_training_pays() -> None:
    parts = [ACCURACY, FORMAT, RewardPart("sometimes", trl_sometimes, weight=-2.0)]
    completions = ("<think>a</think><answer>52</answer>", "<think>a</think><answer>50</answer>", "52", "hash 52", "nothing")
    verdicts = graded(parts, *completions)
    assert [verdict.score.value for verdict in verdicts] == pytest.approx(paid(parts, *completions))
    assert all(verdict.score.outcome is None and "sometimes: " in verdict.score.reason for verdict in verdicts)


@pytest.mark.parametrize("weight", [1.0, -1.0])
def test_a_check_that_is_broken_is_worth_the_most_that_training_pays_for_it(weight: float) -> None:
    parts = [ACCURACY, RewardPart("dies", dies_of, weight=weight)]
    (verdict,) = graded(parts, "poison")
    trained = [paid(parts, sibling, "poison")[1] for sibling in ("52", "50")]  # training holds it to the worst of its group
    assert verdict.fault is FaultKind.CRASH and verdict.score.value == max(value for value in trained if value is not None) == 0.0


def test_an_error_of_a_part_leaves_no_reward_whatever_else_fails() -> None:
    (failed,) = graded([ACCURACY, RewardPart("broken", broken), RewardPart("dies", dies_of)], "poison 52")
    assert failed.score.outcome is Outcome.ERROR and failed.score.value is None and "no reference" in failed.score.reason and failed.fault is None


def plan(*tasks: Task) -> Plan:
    return Plan(tasks=tasks or TASKS, max_tasks=4, timeout_s=5.0, num_workers=2)


def breaches(report: AuditReport) -> dict[str, set[str]]:
    """Part -> classes that got through."""
    return {surface.part: {breach.threat for breach in surface.breaches if not breach.is_policy} for surface in report.surfaces}


def test_sound_parts_can_have_a_sum_that_is_not() -> None:
    sound = audit_environment([ACCURACY, FORMAT], plan(), name="mine")
    assert sound.is_sound and [surface.part for surface in sound.surfaces] == ["the sum", "accuracy"]
    assert sound.left_out == ("format by itself (it does not read the answer)",)
    whole = sound.surfaces[0]
    assert whole.num_gold_paid == len(TASKS) and whole.form == "reasoning and answer tag" and (whole.gold_value, whole.wrong_value) == (1.5, 0.5)
    assert sound.num_by_policy > 0
    wordy = audit_environment([ACCURACY, FORMAT, RewardPart("words", words)], plan(), name="mine")
    assert not wordy.is_sound and breaches(wordy)["the sum"]  # a wrong answer with more words earns as much as a right one


def test_a_part_that_can_be_cheated_is_found_beside_one_that_pays_the_form() -> None:
    found = breaches(audit_environment([RewardPart("boxes", any_box), FORMAT], plan(), name="mine"))
    assert "math.several_boxes" in found["boxes"]
    assert audit_environment([RewardPart("boxes", any_box)], plan(), name="mine").surfaces[0].part == ""


@pytest.mark.parametrize("weight", [0.0, 0.2])
def test_a_part_that_declares_the_last_number_excuses_no_other(weight: float) -> None:
    parts = [RewardPart("any", any_number), RewardPart("number", number_verifier(), weight), FORMAT]
    report = audit_environment(parts, plan(), name="mine")
    assert not report.is_sound and "math.several_boxes" in breaches(report)["any"] and "math.several_boxes" in breaches(report)["the sum"]


def test_what_cannot_be_tried_is_named_and_a_penalty_of_length_is_no_answer() -> None:
    report = audit_environment([ACCURACY, RewardPart("tagged", solution_tag, 5.0), RewardPart("soft", soft_length)], plan(), name="mine")
    assert report.left_out == (
        "tagged by itself (no right answer that it pays could be written)",
        "soft by itself (no right answer that it pays could be written)",
    )
    assert report.is_sound


def test_parts_are_held_to_the_tasks_that_they_apply_to_and_every_source_is_attacked() -> None:
    words_of = tuple(Task(f"w{n}", f"Spell the {n}th animal.", animal) for n, animal in enumerate(("zebra", "heron", "otter", "gecko", "moose", "tapir")))
    parts = [RewardPart("sums", of_numbers), RewardPart("animals", of_words)]
    tasks = (*TASKS, *words_of)
    report = audit_environment(parts, plan(*tasks), name="mine", sources={"sums": TASKS, "animals": words_of})
    found = breaches(report)
    assert set(found) == {"the sum, sums", "sums, sums", "the sum, animals", "animals, animals"}  # no part where it does not apply
    assert report.left_out == ()  # and nothing is said of it either
    assert any(threat.startswith("text.") for threat in found["animals, animals"])  # attacked as what they are
    assert sum(surface.num_gold_paid for surface in report.surfaces if surface.part.startswith("the sum")) == len(tasks)


def test_a_gold_that_nobody_pays_fails_though_the_sum_varies() -> None:
    parts = [RewardPart("strict", all_but_59), RewardPart("length", soft_length)]
    failed = {failure.task_id for surface in audit_environment(parts, plan(), name="mine").surfaces for failure in surface.gold_failures}
    assert "t7" in failed
    with pytest.raises(VerifierError, match="failed on task t0"):
        audit_environment([ACCURACY, RewardPart("raises", raises)], plan(), name="mine")
    with pytest.raises(ConfigError, match="no"):
        audit_environment([ACCURACY], plan(Task("p", "Write a program.", None)), name="mine")


def test_a_task_that_a_run_would_refuse_fails() -> None:
    worded = Task("bad", "What is 3 + 4?", "seven")
    report = audit_environment([ACCURACY, RewardPart("words", words, weight=0.001)], plan(*TASKS, worded), name="mine")
    (failure,) = report.surfaces[0].gold_failures
    assert failure.task_id == "bad" and "would refuse" in failure.reason and report.surfaces[0].num_gold_paid == len(TASKS)


def test_workers_are_replaced_and_messages_are_tried_where_a_part_takes_them() -> None:
    parts = [ACCURACY, RewardPart("chat", trl_chat)]
    report = audit_environment(parts, plan(), name="mine")
    assert report.surfaces[0].gold_value == 2.0  # only as messages does the second part see the answer
    counting = audit_environment([ACCURACY, RewardPart("calls", Calls())], plan(), name="mine")
    assert counting.unstable  # a part that remembers is told by what fresh workers say


def test_an_environment_needs_tasks_and_parts() -> None:
    with pytest.raises(ConfigError, match="on its own tasks"):
        audit_environment([ACCURACY], Plan(), name="mine")
    with pytest.raises(ConfigError, match="no verifier and no reward function to audit, only a model"):
        audit_environment([], Plan(tasks=TASKS), name="mine", left_out=("a model",))
    with pytest.raises(ConfigError, match="distinct names"):
        audit_environment([ACCURACY, ACCURACY], plan(), name="mine")
    with pytest.raises(ConfigError, match="finite"):
        audit_environment([RewardPart("accuracy", number_verifier(), float("inf"))], plan(), name="mine")


def test_the_command_audits_a_run_on_its_own_tasks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = tmp_path / "tasks.jsonl"
    rows.write_text("".join(json.dumps({"prompt": task.prompt, "answer": task.answer}) + "\n" for task in TASKS))
    run = tmp_path / "mine.toml"
    run.write_text(f'rewards = [{{function = "number"}}, {{function = "format", weight = 0.5}}]\n[data]\ntrain = "{rows}"\n')
    assert main(["audit", str(run), "--max-tasks", "2", "--workers", "2", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["target"] == "mine" and report["surfaces"][0]["gold_value"] == 1.5
    assert report["surfaces"][0]["num_gold_paid"] == report["data"]["num_tasks"] == 9  # a quarter is held out, as in a run
    assert report["left_out"] == ["format by itself (it does not read the answer)"]
    assert main(["audit", str(run), "--set", "data.max_tasks=3", "--max-tasks", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["surfaces"][0]["num_gold_paid"] == 3
    assert main(["audit", str(run), "--set", "rewards=nonsense"]) == 2
    assert "nonsense" in capsys.readouterr().err


def test_a_run_is_audited_within_its_own_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    plans: list[Plan] = []

    def spy(parts: Any, plan: Plan, **named: Any) -> AuditReport:
        plans.append(plan)
        raise ConfigError("seen")

    monkeypatch.setattr("proctor.cli.audit.audit_environment", spy)
    assert main(["audit", "quickstart", "--scale", "tiny", "--set", "scoring.timeout_s=3", "--set", "scoring.max_memory_bytes=100000000"]) == 2
    assert (plans[0].timeout_s, plans[0].limits.memory_bytes) == (3.0, 100_000_000)


def test_what_is_not_tried_is_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["audit", "kimi_k15", "--stage", "short_rl", "--max-tasks", "1", "--workers", "2", "--out", str(tmp_path)]) == 0
    assert "Not tried: the shaping kimi_length of kimi_k15" in capsys.readouterr().out
    assert "Not tried: the shaping kimi_length" in (tmp_path / "audit.md").read_text()
    assert main(["audit", "deepseek_math", "--stage", "judged"]) == 2
    assert "only judged, a reward model of weight 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["quickstart", "--data", "x.jsonl"], "--data is for a verifier"),
        (["quickstart", "--verifier", "math"], "--verifier is for a verifier"),
        (["math", "--scale", "tiny"], "are for a recipe"),
        (["quickstart", "--stage", "rl"], "is a single run"),
        (["r1", "--stage", "reasoning"], "Did you mean"),
        (["qwen3"], "--set STAGE.data.train"),
        (["quickstart", "--timeout", "3"], "--set scoring.timeout_s"),
    ],
)
def test_what_an_environment_does_not_take(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", *arguments]) == 2
    assert said in capsys.readouterr().err
