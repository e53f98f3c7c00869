"""`proctor bench`: the work is what was asked for, counted exactly; no clock is asserted."""

from __future__ import annotations

import io
import json

import pytest
import torch

from proctor.cli.bench_tails import heavy_tailed, padded
from proctor.cli.bench_work import variance_reward
from proctor.cli.main import main
from proctor.core import Completion, FinishReason
from proctor.engines.base import SampleRequest

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


@pytest.mark.skipif(torch.cuda.is_available(), reason="where there is a device, its seconds are compared")
def test_sampling_and_training_are_measured_against_the_products_alone(capsys: pytest.CaptureFixture[str]) -> None:
    sampling, training = bench("sample", capsys), bench("train", capsys)
    for found in (sampling, training):  # on a processor, in the seconds of its own
        assert found["fraction_of_limit"] == pytest.approx(found["products_cpu_seconds"] / found["cpu_seconds"])
        assert 0 < found["fraction_of_limit"] < 1
    assert training["rollouts_trained"] == 8


def test_a_paced_bench_does_one_pass_for_each_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("\n\n"))
    assert main(["bench", "step", *TINY, "--paced"]) == 0
    ready, *passes = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert ready == {"ready": 1}
    assert len(passes) == 2
    for found in passes:
        assert found["seconds"] == pytest.approx(found["seconds_sampling"] + found["seconds_training"])
        assert found["cpu_seconds"] > found["cpu_seconds_training"] > 0


def test_bad_sizes_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "step", "--model", "tiny", "--group-size", "1"]) == 2
    assert "--group-size must be at least 2, not 1" in capsys.readouterr().err


def test_the_reward_tells_completions_apart() -> None:
    def reward(text: str, *tokens: int) -> float:
        return variance_reward(Completion(tokens, (0.0,) * len(tokens), text, FinishReason.LENGTH, 0), "42")

    assert reward("so 42", 3, 5) == pytest.approx(1.01)
    assert reward("so 41", 3, 5) == pytest.approx(0.01)
    assert reward("so 41", 3, 6) == pytest.approx(0.02)


def test_tails_decode_the_same_rollouts_in_both_ways(capsys: pytest.CaptureFixture[str]) -> None:
    report = bench("tails", capsys, "--prompts", "8", "--new-tokens", "4")
    assert report["rows_at_once"] == 8 and report["length_longest"] <= 32
    assert report["rows_decoded_continuous"] == report["tokens_sampled"] == report["length_mean"] * 32
    assert report["rows_decoded_padded"] > report["rows_decoded_continuous"]


def test_lengths_have_the_mean_that_was_asked_for_and_a_heavy_tail() -> None:
    lengths = sorted(heavy_tailed(64, number) for number in range(20_000))
    assert sum(lengths) / len(lengths) == pytest.approx(64, rel=0.03)
    assert lengths[0] >= 18 and lengths[-1] == 512
    assert lengths[len(lengths) // 2] < 40, "the median lies far below the mean"


def test_rows_of_a_padded_batch_all_run_to_its_longest() -> None:
    requests = [SampleRequest((1,), (number, number + 1), (number, 2)) for number in (3, 9, 5)]
    assert [[request.limits for request in batch] for batch in padded(requests, 2)] == [[(9, 9), (9, 9)], [(5, 5)]]
