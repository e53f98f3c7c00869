"""What a preset says of itself is what it computes, and the table of other frameworks' names points at presets that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from proctor.algorithms.explain import build, differences, equation, explain, explain_difference, neighbours
from proctor.algorithms.presets import ALIASES
from proctor.cli.main import main

PAGE = (Path(__file__).parents[2] / "docs" / "algorithms.md").read_text()


@pytest.mark.parametrize("name", ALIASES)
def test_every_preset_explains_itself(name: str) -> None:
    text = explain(name)
    assert all(line in text for line in equation(build(name)))
    assert all(neighbour in text for neighbour in neighbours(name))
    assert name not in neighbours(name)


def test_constants_of_an_equation_are_those_of_the_objective() -> None:
    assert "clip(ρₜ, 1 − 0.1, 1 + 0.3)" in "\n".join(equation(build("grpo", clip_low=0.1, clip_high=0.3)))
    assert "0.04 · k3(π, π_ref)" in "\n".join(equation(build("grpo")))
    assert "k3" not in "\n".join(equation(build("grpo", beta=0.0)))


def test_a_difference_names_each_part_that_differs_and_nothing_else() -> None:
    assert differences(build("grpo"), build("grpo")) == []
    text = explain_difference("grpo", "dr_grpo")
    assert "advantage.kind: group_standardized → group_centered" in text
    assert "loss.aggregation.kind: sequence_mean → fixed_length" in text
    assert "clip" not in text
    assert "same objective" in explain_difference("gspo", "gspo")


def test_an_unknown_preset_is_refused_with_near_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "grop"]) == 2
    assert "Did you mean 'grpo'" in capsys.readouterr().err


def test_the_page_lists_every_preset_and_no_other() -> None:
    families = PAGE.split("Who writes")[0]
    listed = {name for line in families.splitlines() if line.startswith("|") for name in re.findall(r"`(\w+)`", line)}
    assert listed == set(ALIASES)
