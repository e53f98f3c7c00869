"""Decoding with shared prompts gives the numbers of plain full passes, whatever enters, leaves or grows; probes choose who may."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from proctor.models import decoding
from proctor.models.decoding import SharedPromptCache, why_not_shared
from proctor.models.lowering import lowered
from proctor.models.policy import Policy
from proctor.models.repeated import RepeatedPromptCache
from proctor.models.tiny import byte_tokenizer
from tests.families import _COMMON, FAMILIES, random_policy

SHARING = {"llama", "qwen2", "qwen3", "qwen3_moe", "phi3", "olmo2", "granite", "cohere", "starcoder2", "smollm3", "gpt_neox", "mixtral", "gpt2"}
PROMPTS = [[65, 66, 67, 68, 69], [70, 71, 72], [80, 81, 82, 83, 84, 85, 86, 87, 88]]


def full_pass(policy: Policy, row: list[int]) -> torch.Tensor:
    """Logits that follow a row, by one pass without a cache."""
    return policy.model(input_ids=torch.tensor([row]), use_cache=False).logits[0, -1]


class Follower:
    """Rows as plain token lists beside a cache: every logit is compared with a full pass."""

    def __init__(self, policy: Policy, cache: SharedPromptCache | RepeatedPromptCache) -> None:
        self.policy, self.cache = policy, cache
        self.rows: list[list[int]] = []
        self._draw = torch.Generator().manual_seed(3)

    def add(self, prompts: list[list[int]], prompt_of: list[int]) -> None:
        logits = self.cache.add(prompts, prompt_of)
        self.rows += [list(prompts[prompt]) for prompt in prompt_of]
        self._compare(logits, self.rows[-len(prompt_of) :])

    def step(self) -> None:
        tokens = torch.randint(200, (len(self.rows),), generator=self._draw)
        logits = self.cache.step(tokens)
        self.rows = [[*row, token] for row, token in zip(self.rows, tokens.tolist(), strict=True)]
        self._compare(logits, self.rows)

    def keep(self, rows: list[int]) -> None:
        self.cache.keep(rows)
        self.rows = [self.rows[row] for row in rows]

    def _compare(self, logits: torch.Tensor, rows: list[list[int]]) -> None:
        expected = torch.stack([full_pass(self.policy, row) for row in rows])
        tolerance = 1e-4 if self.policy.compute_dtype is torch.float32 else 0.15
        assert torch.allclose(torch.log_softmax(logits.float(), -1), torch.log_softmax(expected.float(), -1), atol=tolerance)


def llama(*, kv_heads: int, is_tied: bool) -> Policy:
    import transformers

    from proctor.models.load import share_prompts

    config = transformers.LlamaConfig(**{**_COMMON, "num_key_value_heads": kv_heads, "tie_word_embeddings": is_tied})
    torch.manual_seed(5)
    model = transformers.LlamaForCausalLM(config)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            parameter.data.normal_(0, 0.15)
    return Policy(share_prompts(model.eval()), byte_tokenizer(), "llama")


@pytest.mark.filterwarnings("ignore")
def test_probes_let_full_attention_models_share_prompts_and_no_others() -> None:
    assert {family for family in FAMILIES if not why_not_shared(random_policy(family))} == SHARING
    assert "full attention" in why_not_shared(random_policy("mistral"))


@torch.no_grad()
@pytest.mark.parametrize("is_tied", [True, False])
@pytest.mark.parametrize("kv_heads", [1, 2, 4])
def test_rows_may_enter_and_leave_at_any_time(kv_heads: int, is_tied: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    enter_and_leave(llama(kv_heads=kv_heads, is_tied=is_tied), monkeypatch)


@torch.no_grad()
def test_rows_may_enter_and_leave_in_bf16_as_they_do_when_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = replace(llama(kv_heads=2, is_tied=True), compute_dtype=torch.bfloat16)
    with policy.autocast(), lowered(policy):
        enter_and_leave(policy, monkeypatch)


def enter_and_leave(policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "_FIRST_CAPACITY", 2)  # so that the buffers grow on the way
    monkeypatch.setattr(decoding, "_PREFILL_TOKENS", 6)  # and prompts are read in several passes
    follower = Follower(policy, SharedPromptCache(policy))
    follower.add(PROMPTS[:2], [0, 0, 1, 0])
    for _ in range(3):
        follower.step()
    follower.keep([3, 2])
    follower.step()
    follower.add([PROMPTS[2], PROMPTS[0]], [1, 0, 1])  # of other lengths than the rows that are there
    for _ in range(3):
        follower.step()
    follower.keep([4, 1, 2])
    follower.step()
    follower.keep([])
    follower.add(PROMPTS[1:], [1, 0])
    follower.step()


@torch.no_grad()
@pytest.mark.parametrize("family", sorted(SHARING))
@pytest.mark.filterwarnings("ignore")
def test_every_sharing_architecture_decodes_what_full_passes_compute(family: str) -> None:
    policy = random_policy(family)
    follower = Follower(policy, SharedPromptCache(policy))
    follower.add(PROMPTS, [0, 0, 1, 2, 2])
    follower.step()
    follower.keep([4, 0, 2])
    follower.step()


@torch.no_grad()
def test_repeated_prompts_give_the_same(tiny: Policy) -> None:
    follower = Follower(tiny, RepeatedPromptCache(tiny))
    follower.add(PROMPTS, [0, 0, 1, 2])
    follower.step()
    follower.keep([3, 1])
    follower.step()


@torch.no_grad()
def test_a_prompt_is_held_once_for_its_group(tiny: Policy) -> None:
    """Two layers, 2 key/value heads of 16, fp32, keys and values: 512 bytes a token; room for 32 tokens a row at first."""
    cache = SharedPromptCache(tiny)
    cache.add([[65] * 10, [66] * 10], [0] * 4 + [1] * 4)
    assert cache.peak_bytes == 512 * (2 * 10 + 8 * 32)
    repeated = RepeatedPromptCache(tiny)
    repeated.add([[65] * 10, [66] * 10], [0] * 4 + [1] * 4)
    repeated.step(torch.full((8,), 67))
    assert repeated.peak_bytes == 512 * 8 * 11


def test_what_a_token_attends_to_is_not_rounded_under_autocast() -> None:
    policy = replace(llama(kv_heads=2, is_tied=True), compute_dtype=torch.bfloat16)
    cache = SharedPromptCache(policy)
    with torch.no_grad(), policy.autocast():
        cache.add(PROMPTS, [0, 0, 1, 2])
        cache.step(torch.tensor([65, 66, 67, 68]))
        view, stored = cache._view, cache.layer(0)
        assert view is not None and stored.keys.dtype is torch.float32
        draw = torch.Generator().manual_seed(5)
        kv_heads, rows, _, width = stored.keys.shape
        query, key, value = (torch.randn(heads, rows, width, generator=draw) for heads in (4, kv_heads, kv_heads))
        under_autocast = view.attend(0, query, key, value, None)
    with torch.no_grad():
        assert torch.equal(under_autocast, view.attend(0, query, key, value, None))
