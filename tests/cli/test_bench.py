"""`proctor bench`: the work is what was asked for, counted exactly; no clock is asserted."""

from __future__ import annotations

import json

import pytest

from proctor.cli.bench_work import variance_reward
from proctor.cli.main import main
from proctor.core import Completion, FinishReason

TINY = ["--model", "tiny", "--prompts", "2", "--group-size", "4", "--new-tokens", "6", "--steps", "1", "--json"]


def bench(what: str, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, float]:
    assert main(["bench", what, *TINY, *more]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_step_samples_and_trains_every_rollout(capsys: pytest.CaptureFixture[str]) -> None:
    report = bench("step", capsys)
    assert report["tokens_sampled"] == 2 * 4 * 6
    assert report["rollouts_trained"] == 8
    assert report["master_dtype"] == "float32"
    assert report["grad_norm"] > 0
    assert report["seconds_per_step"] > 0
    assert report["gemm_flops"] > 0
    assert report["peak_bytes"] > report["cache_bytes"] > 0


def test_counts_do_not_depend_on_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = bench("step", capsys), bench("step", capsys)
    assert all(first[name] == second[name] for name in ("forward_tokens", "gemm_flops", "cache_bytes"))


def test_sampling_and_training_are_measured_against_the_products_alone(capsys: pytest.CaptureFixture[str]) -> None:
    sampling, training = bench("sample", capsys), bench("train", capsys)
    assert sampling["fraction_of_limit"] == pytest.approx(sampling["tokens_per_s"] / sampling["limit_tokens_per_s"])
    assert training["fraction_of_limit"] == pytest.approx(training["tokens_per_s"] / training["limit_tokens_per_s"])
    assert training["rollouts_trained"] == 8


def test_bad_sizes_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "step", "--model", "tiny", "--group-size", "1"]) == 2
    assert "--group-size must be at least 2, not 1" in capsys.readouterr().err


def test_the_reward_tells_completions_apart() -> None:
    def reward(text: str, *tokens: int) -> float:
        return variance_reward(Completion(tokens, (0.0,) * len(tokens), text, FinishReason.LENGTH, 0), "42")

    assert reward("so 42", 3, 5) == pytest.approx(1.01)
    assert reward("so 41", 3, 5) == pytest.approx(0.01)
    assert reward("so 41", 3, 6) == pytest.approx(0.02)
