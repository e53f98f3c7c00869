"""Thinking on the command line: the table of modes and budgets, one answer around a budget, and wrong requests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from proctor.chat.renderer import teach_modes
from proctor.cli.evaluate import budgets_of, text_of
from proctor.cli.main import main
from proctor.errors import ConfigError
from proctor.models.load import save_policy
from proctor.models.policy import Policy


@pytest.fixture
def taught(tiny: Policy, tmp_path: Path) -> str:
    """The tiny model, saved with a template that knows the modes and begins to think when asked to."""
    teach_modes(tiny.tokenizer)
    switch = "{% if add_generation_prompt and enable_thinking is not false %}<think>{% endif %}"
    tiny.tokenizer.chat_template = f"{tiny.tokenizer.chat_template}{switch}"
    save_policy(tiny, tmp_path / "taught")
    return str(tmp_path / "taught")


def test_both_modes_and_several_budgets_make_one_table(taught: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["eval", taught, "--data", "arithmetic", "--num-tasks", "2", "--num-samples", "2", "--k", "1,2", "--max-completion-tokens", "14"]
    assert main([*arguments, "--mode", "both", "--thinking-budget", "10,none", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    lines = report["settings"]
    assert [(line["mode"], line["thinking_budget"]) for line in lines] == [("think", 10), ("think", None), ("no_think", 10), ("no_think", None)]
    assert all({"mean", "low", "high", "avg@2", "pass@1", "pass@2", "maj@2", "followed_fraction"} <= line.keys() for line in lines)
    assert lines[0]["budget_fraction"] > 0.5
    assert all("budget_fraction" not in line for line in lines[1:])
    text = text_of(report)
    assert len(text.splitlines()) == 6
    assert text.splitlines()[1].split() == ["mode", "budget", "reward", "avg@2", "pass@1", "pass@2", "maj@2", "tokens", "truncated", "cut", "followed"]


def test_a_sample_shows_the_whole_message_and_which_tokens_are_its_own(taught: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", taught, "--prompt", "x", "--thinking-budget", "9", "--max-completion-tokens", "12", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert "Considering the limited time" in row["text"]
    assert len(row["token_ids"]) == len(row["completion_mask"]) == len(row["logprobs"])
    assert sum(row["completion_mask"]) == 12


def test_budgets_are_numbers_or_none() -> None:
    assert budgets_of("64, 256,none") == (64, 256, None)
    for wrong in ("", "0", "8,8", "many", "-1", "8,,9"):
        with pytest.raises(ConfigError, match="--thinking-budget needs"):
            budgets_of(wrong)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["eval", "tiny", "--data", "arithmetic", "--mode", "both"], "knows no thinking modes"),
        (["eval", "tiny", "--data", "arithmetic", "--thinking-budget", "20"], "know these tags"),
        (["eval", "tiny", "--data", "arithmetic", "--thinking-budget", "20,none", "--against", "tiny"], "not with 2 settings"),
        (["sample", "tiny", "--prompt", "x", "--thinking-budget", "300"], "leaves no room"),
        (["sample", "tiny", "--prompt", "x", "--mode", "think"], "knows no thinking modes"),
    ],
)
def test_wrong_requests_get_one_message(capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    assert main(arguments) == 2
    assert message in capsys.readouterr().err
