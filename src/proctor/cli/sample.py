"""`proctor sample`."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

from proctor.core import Message, Rollout, Task
from proctor.engines.base import Sampling, rollout_seed
from proctor.errors import ConfigError
from proctor.rollouts.drafts import Draft, write
from proctor.training.model_source import model_source


def run(options: argparse.Namespace) -> int:
    """Let a model answer a prompt and print its completions."""
    if options.num_samples < 1:
        raise ConfigError(f"--num-samples must be at least 1, not {options.num_samples}")
    sampling = Sampling(options.temperature, options.max_completion_tokens, options.top_p, options.top_k, options.min_p, tuple(options.stop))
    prompt = sys.stdin.read() if options.prompt == "-" else options.prompt
    messages = [*([Message("system", options.system)] if options.system else []), Message("user", prompt)]
    for number, rollout in enumerate(_sample(model_source(options.model), messages, sampling, options)):
        print(_as_json(rollout) if options.json else _as_text(rollout, number, options.num_samples))
    return 0


def _sample(source: str, messages: list[Message], sampling: Sampling, options: argparse.Namespace) -> list[Rollout]:
    from proctor.chat.renderer import Renderer
    from proctor.engines.local import LocalEngine
    from proctor.models.load import load_policy

    policy = load_policy(source)
    renderer = Renderer(policy.tokenizer, options.mode)
    budget = options.thinking_budget
    if budget is not None:
        renderer.check_budgets([budget], [messages], max_completion_tokens=sampling.max_completion_tokens)
    ids = renderer.prompt_ids(messages)
    drafts = [Draft(ids, rollout_seed(options.seed, "sample", index), budget) for index in range(options.num_samples)]
    written = asyncio.run(write(drafts, sampler=LocalEngine(policy), sampling=sampling, renderer=renderer))
    return [Rollout(Task("prompt", tuple(messages)), index, ids, draft.turns) for index, draft in enumerate(written)]


def _as_json(rollout: Rollout) -> str:
    return json.dumps(
        {
            "text": rollout.text,
            "token_ids": rollout.token_ids,
            "completion_mask": rollout.completion_mask,
            "logprobs": rollout.behavior_logprobs,
            "finish_reason": rollout.turns[-1].completion.finish_reason.value,
        }
    )


def _as_text(rollout: Rollout, number: int, num_samples: int) -> str:
    """The text with control characters made visible: a model may write escape codes that would drive the terminal."""
    visible = "".join(character if character.isprintable() or character == "\n" else f"\\x{ord(character):02x}" for character in rollout.text)
    ended = rollout.turns[-1].completion.finish_reason.value
    return visible if num_samples == 1 else f"--- {number + 1} ({ended}, {rollout.num_completion_tokens} tokens)\n{visible}"
