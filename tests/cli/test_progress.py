from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from proctor.cli.progress import ProgressView, figures_line
from proctor.training.events import CheckpointSaved, EvaluationFinished, Event, Phase, RunFinished, RunStarted, StepFinished, Warned

METRICS = {
    "reward_mean": 0.53125,
    "reward_std": 0.4,
    "unanimous_fraction": 0.125,
    "completion_tokens_mean": 12.34,
    "truncated_fraction": 0.02,
    "entropy": 1.2345,
    "kl": 0.00123,
    "tokens_per_s": 812.3,
    "seconds": 100.0,
}
RUN: list[Event] = [
    RunStarted(Path("runs/x"), "quick[red]start", "tiny", 12, start_step=9, notes=("8 tasks of [bold]evil[/]",)),
    EvaluationFinished("before", 0.25, 0.2, 0.3, 64, 9),
    Phase("sampling"),
    StepFinished(9, 12, METRICS),
    CheckpointSaved(10, Path("runs/x/checkpoints/step-000010")),
    StepFinished(10, 12, METRICS | {"seconds": 50.0}),
    Warned("[/red] mismatch \x1b[31m above 0.1"),
    StepFinished(11, 12, METRICS),
    RunFinished(Path("runs/x"), {"before": {"mean": 0.25}, "after": {"mean": 0.9375}}),
]


def shown(events: list[Event], *, is_terminal: bool) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    view = ProgressView(
        Console(file=out, force_terminal=is_terminal, width=100, highlight=False, markup=False, _environ={}),
        Console(file=err, force_terminal=False, width=100, highlight=False, markup=False, _environ={}),
    )
    for event in events:
        view(event)
    view.close()
    return out.getvalue(), err.getvalue()


def test_without_a_terminal_every_step_is_one_plain_line():
    out, err = shown(RUN, is_terminal=False)
    figures = "reward 0.531  no variance 12%  length 12.3  truncated 2%  entropy 1.234  KL 0.0012  tok/s 812"
    assert out.splitlines() == [
        "quick[red]start: tiny, 12 steps from step 9, in runs/x",
        "  8 tasks of [bold]evil[/]",
        "evaluation before: 0.250 (95% interval 0.200 to 0.300, 64 tasks, after 9 steps)",
        f"step 10/12  {figures}  left 3:20",
        f"step 11/12  {figures}  left 1:15",
        f"step 12/12  {figures}  left 0:00",
        "finished: before 0.250 -> after 0.938; everything is in runs/x",
    ]
    assert err == "warning: [/red] mismatch \ufffd[31m above 0.1\n"


def test_on_a_terminal_the_line_is_live_and_the_cursor_comes_back():
    out, _ = shown(RUN, is_terminal=True)
    assert out.count("\x1b[?25l") == out.count("\x1b[?25h") == 1
    seen = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out)
    assert "step 10/12" in seen
    assert "3:20 left" in seen
    assert "quick[red]start" in seen
    assert "8 tasks of [bold]evil[/]" in seen


def test_closing_twice_and_before_the_start_is_harmless():
    out, err = shown([], is_terminal=True)
    assert (out, err) == ("", "")


def test_a_run_that_is_interrupted_leaves_the_terminal_usable():
    out, _ = shown(RUN[:4], is_terminal=True)
    assert out.count("\x1b[?25h") == 1


def test_a_line_of_any_length_stays_one_line():
    out, _ = shown([Warned("x"), RunStarted(Path("p" * 300), "r", "m", 1)], is_terminal=False)
    assert len(out.splitlines()) == 1


def test_a_newline_in_a_name_cannot_forge_a_line_of_escapes():
    out, _ = shown([RunStarted(Path("runs/x"), "a\rb\x1b[2J", "m", 1)], is_terminal=False)
    assert out == "a\ufffdb\ufffd[2J: m, 1 steps, in runs/x\n"


@pytest.mark.parametrize("given", [{}, {"loss": 1.0}])
def test_what_was_not_measured_is_left_out(given: dict[str, float]):
    assert figures_line(given) == ""
    assert figures_line({"reward_mean": 1.0, "kl": float("nan")}) == "reward 1.000  KL nan"


@pytest.mark.parametrize(("seconds", "left"), [(3600.0, "2:00:00"), (30.0, "1:00"), (0.4, "0:01")])
def test_the_time_left_is_the_mean_step_times_the_steps_to_go(seconds: float, left: str):
    out, _ = shown([RunStarted(Path("x"), "r", "m", 3), StepFinished(0, 3, {"seconds": seconds})], is_terminal=False)
    assert out.splitlines()[-1].endswith(f"left {left}")


def test_a_summary_without_evaluations_ends_plainly():
    out, _ = shown([RunFinished(Path("runs/x"), {"before": None})], is_terminal=False)
    assert out == "finished; everything is in runs/x\n"
