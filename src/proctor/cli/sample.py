"""`proctor sample`."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

from proctor.core import Completion, Message
from proctor.engines.base import SampleRequest, Sampling, rollout_seed
from proctor.errors import ConfigError
from proctor.training.model_source import model_source


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
