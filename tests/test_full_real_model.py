"""The real 135M model: loaded from GGUF, sampled, trained for two steps, compared with `transformers`' own numbers."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
import torch

from proctor.chat.renderer import Renderer
from proctor.core import Message
from proctor.engines.base import SampleRequest, Sampling, rollout_seed
from proctor.engines.local import LocalEngine
from proctor.models.load import load_policy
from proctor.models.policy import Policy
from proctor.models.scoring import ForwardPath, Sequences, continuation_logprobs, forward_path

pytestmark = pytest.mark.full

ROWS = Path(__file__).parents[1].parent / "shared" / "data" / "gsm8k" / "test.jsonl"


@pytest.fixture(scope="module")
def smollm() -> Policy:
    return load_policy("smollm2-135m", device="cpu", compute_dtype="float32")


def questions() -> list[str]:
    if not ROWS.exists():
        return ["Natalia sold 48 clips in April and half as many in May. How many did she sell?", "What is 12 times 7?", "Name a prime number above 90."]
    return [json.loads(line)["question"] for line in ROWS.read_text().splitlines()[:3]]


def test_sampler_packed_pass_and_a_plain_pass_agree_on_real_text(smollm: Policy) -> None:
    assert forward_path(smollm) == ForwardPath(is_packed=True, has_plain_head=True)
    renderer = Renderer(smollm.tokenizer)
    prompts = [renderer.prompt_ids([Message("user", question)]) for question in questions()]
    asked = [SampleRequest(prompt, tuple(rollout_seed(number, index) for index in range(4))) for number, prompt in enumerate(prompts)]
    groups = asyncio.run(LocalEngine(smollm).sample(asked, Sampling(1.0, 48)))
    flat = [completion for group in groups for completion in group]
    batch = Sequences(prompts, [completion.token_ids for completion in flat], [number for number in range(3) for _ in range(4)])
    with torch.no_grad():
        packed, _ = continuation_logprobs(smollm, batch, temperature=1.0, path=forward_path(smollm))
        for row, completion in enumerate(flat):
            prompt = prompts[row // 4]
            logits = smollm.model(input_ids=torch.tensor([[*prompt, *completion.token_ids]]), use_cache=False).logits[0]
            plain = torch.log_softmax(logits.double(), -1)[len(prompt) - 1 : -1].gather(1, torch.tensor(completion.token_ids)[:, None])[:, 0]
            assert torch.allclose(packed[row, : len(plain)].double(), plain, atol=1e-4)
            assert torch.allclose(torch.tensor(completion.behavior_logprobs, dtype=torch.float64), plain, atol=1e-4)


def test_it_answers_and_ends_its_turn(smollm: Policy) -> None:
    ids = Renderer(smollm.tokenizer).prompt_ids([Message("user", "What is 2 + 2? Answer with a number.")])
    completion = asyncio.run(LocalEngine(smollm).sample([SampleRequest(ids, (0,))], Sampling(0.0, 32)))[0][0]
    assert "4" in completion.text
    assert completion.token_ids[-1] in smollm.eos_ids
    assert "<|im_end|>" not in completion.text
