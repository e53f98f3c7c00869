"""`proctor sample`."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path

from proctor.core import Completion, Message
from proctor.engines.base import SampleRequest, Sampling, rollout_seed
from proctor.errors import ConfigError
from proctor.training.run_directory import RunDirectory, is_run


def run(options: argparse.Namespace) -> int:
    """Let a model answer a prompt and print its completions."""
    if options.num_samples < 1:
        raise ConfigError(f"--num-samples must be at least 1, not {options.num_samples}")
    sampling = Sampling(options.temperature, options.max_completion_tokens, options.top_p, options.top_k, options.min_p, tuple(options.stop))
    prompt = sys.stdin.read() if options.prompt == "-" else options.prompt
    messages = [*([Message("system", options.system)] if options.system else []), Message("user", prompt)]
    for number, completion in enumerate(_sample(model_source(options.model), messages, sampling, options)):
        print(_as_json(completion) if options.json else _as_text(completion, number, options.num_samples))
    return 0


def model_source(name: str) -> str:
    """What to load: the final weights of a run directory, else the name itself.

    Raises:
        ConfigError: the run has no final weights yet.
    """
    path = Path(name)
    if not is_run(path):
        return name
    run = RunDirectory.inspect(path)
    if not run.model_path.is_dir():
        steps = run.checkpoints()
        checkpoint = f"; its newest checkpoint is {run.checkpoint_path(steps[-1])}" if steps else ""
        raise ConfigError(f"the run {name} is {run.manifest.status} and has no final weights yet{checkpoint}. Finish it with --resume, or name a checkpoint")
    return str(run.model_path)


def _sample(source: str, messages: list[Message], sampling: Sampling, options: argparse.Namespace) -> list[Completion]:
    from proctor.chat.renderer import Renderer
    from proctor.engines.local import LocalEngine
    from proctor.models.load import load_policy

    policy = load_policy(source)
    ids = Renderer(policy.tokenizer).prompt_ids(messages)
    request = SampleRequest(ids, tuple(rollout_seed(options.seed, "sample", index) for index in range(options.num_samples)))
    return asyncio.run(LocalEngine(policy).sample([request], sampling))[0]


def _as_json(completion: Completion) -> str:
    return json.dumps(
        {
            "text": completion.text,
            "token_ids": completion.token_ids,
            "logprobs": completion.behavior_logprobs,
            "finish_reason": completion.finish_reason.value,
        }
    )


def _as_text(completion: Completion, number: int, num_samples: int) -> str:
    """The text with control characters made visible: a model may write escape codes that would drive the terminal."""
    visible = "".join(character if character.isprintable() or character == "\n" else f"\\x{ord(character):02x}" for character in completion.text)
    return visible if num_samples == 1 else f"--- {number + 1} ({completion.finish_reason.value}, {len(completion.token_ids)} tokens)\n{visible}"
