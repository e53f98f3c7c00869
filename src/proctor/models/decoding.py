"""Decoding with a cache in which each prompt stands once, however many rows read it.

A group of rollouts shares its prompt. Repeating the prompt's keys for every row multiplies the memory that each step reads
by the group size. Here prompts are stored once, the heads of all their rows are folded into the query rows of one product,
and what a row wrote lies in a buffer that is written in place: no step copies a cache.

Everything but attention is the model's own code, reached through the attention that `models.attention` registers. Which
models may take this path is found by trying it (`why_not_shared`), not by a list of names. `models.repeated` serves every other one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from proctor.models.attention import KeyValues
from proctor.models.policy import Policy
from proctor.models.scoring import attends_everywhere

_FIRST_CAPACITY = 32  # tokens a row has room for at first; doubled when full, so that a token is copied less than twice on average
_PREFILL_TOKENS = 4096  # prompt tokens computed at once; bounds the memory of activations
_PROBE_TOLERANCE = 1e-3


@dataclass(slots=True, eq=False)
class _Layer:
    """Keys and values of one layer: P prompts padded on the right, R rows with room for C tokens each.

    Heads come first, so that the rows of a prompt are one block of queries without being copied. On a processor they are fp32 even
    where passes are bf16: small bf16 products take twice as long there, and scores are then not rounded, as in `models.packed_attention`.

    Attributes:
        prompt_keys, prompt_values: [K, P, Lp, D].
        keys, values: [K, R, C, D], filled up to each row's length.
    """

    prompt_keys: Tensor
    prompt_values: Tensor
    keys: Tensor
    values: Tensor


class DecodeCache(Protocol):
    """What decoding rows have read and written so far.

    Rows are numbered from 0 in the order in which they were added, and again from 0 after `keep`.
    """

    @property
    def peak_bytes(self) -> int:
        """The most bytes that keys and values have taken so far, room that is not filled included."""
        ...

    def add(self, prompts: Sequence[Sequence[int]], prompt_of: Sequence[int]) -> Tensor:
        """Read prompts, each once, and open rows behind them.

        Args:
            prompts: token ids, none empty.
            prompt_of: which of these prompts each new row reads.

        Returns:
            Logits that follow the prompt of each new row, [rows, V].
        """
        ...

    def step(self, tokens: Tensor) -> Tensor:
        """Append one token, [R] ids, to every row and return the logits that follow, [R, V]."""
        ...

    def keep(self, rows: Sequence[int]) -> None:
        """Keep these rows, in this order, and the prompts that they read."""
        ...


class SharedPromptCache:
    """A `DecodeCache` that stores each prompt once; rows may be added at any time.

    Args:
        policy: whose keys and values are held; `why_not_shared` must have no objection to it.
    """

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._layers: list[_Layer] = []
        self._prompt_lengths: list[int] = []
        self._prompt_of: list[int] = []
        self._lengths: list[int] = []  # tokens that each row wrote
        self._view: _DecodeView | None = None
        self.peak_bytes = 0

    @property
    def num_rows(self) -> int:
        return len(self._prompt_of)

    def add(self, prompts: Sequence[Sequence[int]], prompt_of: Sequence[int]) -> Tensor:
        """See `DecodeCache`."""
        first = len(self._prompt_lengths)
        logits = torch.cat([self._prefill(part) for part in _within(prompts, _PREFILL_TOKENS)])
        self._prompt_lengths += [len(prompt) for prompt in prompts]
        self._prompt_of += [first + prompt for prompt in prompt_of]
        self._lengths += [0] * len(prompt_of)
        self._make_room(1)
        self._view = None
        return logits[torch.tensor(prompt_of, device=logits.device)]

    def _prefill(self, prompts: Sequence[Sequence[int]]) -> Tensor:
        """Logits that follow each prompt, [P, V]."""
        view = _PrefillView(self, [len(prompt) for prompt in prompts], self.policy.device)
        flat = [token for prompt in prompts for token in prompt]
        return self._forward(torch.tensor([flat]), view.position_ids, view, keep=view.last_slots)

    def step(self, tokens: Tensor) -> Tensor:
        """See `DecodeCache`."""
        if self._view is None:
            self._view = _DecodeView(self, self._prompt_lengths, self._prompt_of, self._lengths, self.policy.device)
        view = self._view
        self._make_room(max(self._lengths) + 1)
        logits = self._forward(tokens[None], view.position_ids, view, keep=None)
        self._lengths = [length + 1 for length in self._lengths]
        view.advance()
        return logits

    def keep(self, rows: Sequence[int]) -> None:
        """See `DecodeCache`."""
        device = self.policy.device
        prompts = sorted({self._prompt_of[row] for row in rows})
        place = {prompt: number for number, prompt in enumerate(prompts)}
        self._prompt_lengths = [self._prompt_lengths[prompt] for prompt in prompts]
        self._prompt_of = [place[self._prompt_of[row]] for row in rows]
        self._lengths = [self._lengths[row] for row in rows]
        width, room = max(self._prompt_lengths, default=0), max(self._lengths, default=0) + 1
        row_index, prompt_index = torch.tensor(rows, device=device, dtype=torch.long), torch.tensor(prompts, device=device, dtype=torch.long)
        for layer in self._layers:
            layer.keys, layer.values = layer.keys[:, row_index, :room], layer.values[:, row_index, :room]
            if len(prompts) < layer.prompt_keys.shape[1]:
                layer.prompt_keys, layer.prompt_values = layer.prompt_keys[:, prompt_index, :width], layer.prompt_values[:, prompt_index, :width]
        self._view = None

    def _forward(self, input_ids: Tensor, position_ids: Tensor, view: KeyValues, *, keep: Tensor | None) -> Tensor:
        """Logits of packed tokens, or of the slots `keep` alone, [N, V]."""
        device = self.policy.device
        unread = torch.ones(1, 1, 1, 1, dtype=torch.bool, device=device)  # a mask of four dimensions passes through unread
        extra = {} if keep is None else {"logits_to_keep": keep}
        return self.policy.model(
            input_ids=input_ids.to(device), position_ids=position_ids, attention_mask=unread, use_cache=False, key_values=view, **extra
        ).logits[0]

    def _make_room(self, num_tokens: int) -> None:
        """Let every row hold at least so many tokens, and give new rows a place."""
        if all(layer.keys.shape[1] == self.num_rows and layer.keys.shape[2] >= num_tokens for layer in self._layers):
            return
        for layer in self._layers:
            heads, rows, capacity, width = layer.keys.shape
            capacity = capacity if capacity >= num_tokens else max(_FIRST_CAPACITY, 2 * capacity)
            for name in ("keys", "values"):
                old: Tensor = getattr(layer, name)
                new = old.new_zeros(heads, self.num_rows, capacity, width)
                new[:, :rows, : old.shape[2]] = old
                setattr(layer, name, new)
        held = (x for layer in self._layers for x in (layer.prompt_keys, layer.prompt_values, layer.keys, layer.values))
        self.peak_bytes = max(self.peak_bytes, num_bytes(held))

    def store_prompts(self, number: int, keys: Tensor, values: Tensor) -> None:
        """Add the keys and values of new prompts, [K, P, L, D] padded on the right, to layer `number`."""
        keys, values = _kept(keys).contiguous(), _kept(values).contiguous()  # every token reads them
        if number == len(self._layers):
            heads, width = keys.shape[0], keys.shape[3]
            self._layers.append(_Layer(keys, values, keys.new_zeros(heads, 0, 0, width), values.new_zeros(heads, 0, 0, width)))
            return
        layer = self._layers[number]
        layer.prompt_keys = _stack(layer.prompt_keys, keys)
        layer.prompt_values = _stack(layer.prompt_values, values)

    def layer(self, number: int) -> _Layer:
        return self._layers[number]


def _kept(x: Tensor) -> Tensor:
    """In the dtype that decoding multiplies."""
    return x.float() if x.device.type == "cpu" and x.dtype in (torch.bfloat16, torch.float16) else x


def num_bytes(tensors: Iterable[Tensor]) -> int:
    return sum(x.numel() * x.element_size() for x in tensors)


def _stack(old: Tensor, new: Tensor) -> Tensor:
    """Prompts [K, P, L, D] below one another, padded to the longer of both."""
    width = max(old.shape[2], new.shape[2])
    return torch.cat([functional.pad(x, (0, 0, 0, width - x.shape[2])) for x in (old, new)], dim=1)


def _within(prompts: Sequence[Sequence[int]], max_tokens: int) -> Iterator[list[Sequence[int]]]:
    """Cut prompts into runs of at most so many tokens; one that alone has more is a run of its own."""
    run: list[Sequence[int]] = []
    for prompt in prompts:
        if run and sum(map(len, run)) + len(prompt) > max_tokens:
            yield run
            run = []
        run.append(prompt)
    yield run


class _PrefillView:
    """Attention of prompts to themselves, whose keys and values are stored on the way."""

    def __init__(self, cache: SharedPromptCache, lengths: Sequence[int], device: torch.device) -> None:
        self._cache = cache
        starts = torch.tensor([0, *lengths]).cumsum(0)
        width = max(lengths)
        steps = torch.arange(width)
        self._mask = (steps[None] < torch.tensor(lengths)[:, None]).to(device)
        # A padded place repeats the prompt's last token: nothing real attends to it, and no new value enters.
        self._slots = torch.minimum(starts[:-1, None] + steps, starts[1:, None] - 1).to(device)
        self.position_ids = torch.cat([torch.arange(length) for length in lengths])[None].to(device)
        self.last_slots = (starts[1:] - 1).to(device)

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float | None) -> Tensor:
        """See `models.attention.KeyValues`."""
        q, k, v = (x[:, self._slots] for x in (query, key, value))  # [H or K, P, L, D]
        self._cache.store_prompts(layer, k, v)
        q, k, v = (x.transpose(0, 1) for x in (q, k, v))
        output = functional.scaled_dot_product_attention(q, k, v, is_causal=True, scale=scale, enable_gqa=q.shape[1] != k.shape[1])
        return output.transpose(1, 2)[self._mask]


class _DecodeView:
    """Attention of one new token a row to the row's prompt and to what the row wrote.

    Rows are laid out by prompt, P x G with G the most rows of one prompt, so that one product reads each prompt's keys once
    for all the rows and heads that share them.
    """

    def __init__(self, cache: SharedPromptCache, prompt_lengths: Sequence[int], prompt_of: Sequence[int], lengths: Sequence[int], device: torch.device) -> None:
        self._cache = cache
        members: list[list[int]] = [[] for _ in prompt_lengths]
        for row, prompt in enumerate(prompt_of):
            members[prompt].append(row)
        most = max(len(rows) for rows in members)
        self._shape = (len(members), most)
        self._member = torch.tensor([[*rows, *[0] * (most - len(rows))] for rows in members], device=device).flatten()
        self._place = torch.tensor([prompt_of[row] * most + members[prompt_of[row]].index(row) for row in range(len(prompt_of))], device=device)
        self._is_regular = (
            bool((self._place == torch.arange(len(members) * most, device=device)[: len(prompt_of)]).all()) and len(prompt_of) == len(members) * most
        )
        sizes = torch.tensor(prompt_lengths, device=device)
        owner = torch.tensor(prompt_of, device=device)
        width = max(prompt_lengths)
        is_padded = min(prompt_lengths) < width
        # [R, 1, Lp], added to every head's scores
        self._prompt_bias = _bias(torch.arange(width, device=device)[None] < sizes[owner][:, None])[:, None] if is_padded else None
        self._row = torch.arange(len(prompt_of), device=device)
        self._lengths = torch.tensor(lengths, device=device)
        self._longest = max(lengths)
        self._is_even = len(set(lengths)) == 1
        self.position_ids = (sizes[owner] + self._lengths)[None]
        self._own_bias = self._make_own_bias()

    def advance(self) -> None:
        """Every row has one token more."""
        self._lengths = self._lengths + 1
        self._longest += 1
        self.position_ids = self.position_ids + 1
        self._own_bias = self._make_own_bias()

    def _make_own_bias(self) -> Tensor | None:
        if self._is_even:
            return None
        return _bias(torch.arange(self._longest + 1, device=self._row.device)[None] <= self._lengths[:, None])[:, None]

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float | None) -> Tensor:
        """See `models.attention.KeyValues`."""
        with torch.autocast(query.device.type, enabled=False):  # which would round all keys and values again for every token
            return self._attend(layer, query, key, value, scale)

    def _attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float | None) -> Tensor:
        store = self._cache.layer(layer)
        heads, rows, width = query.shape
        kv_heads = key.shape[0]
        folded = heads // kv_heads
        end = self._longest + 1
        self._write(store, _kept(key), _kept(value))
        factor: float = width**-0.5 if scale is None else scale
        q = (_kept(query) * factor).reshape(kv_heads, folded, rows, width).transpose(1, 2).contiguous()  # [K, R, n, D]
        over_prompt = self._unfold(self._fold(q) @ store.prompt_keys.transpose(-1, -2), folded)  # [K, R, n, Lp]
        over_own = q @ store.keys[:, :, :end].transpose(-1, -2)
        bias, own_bias = self._biases(over_prompt.dtype)
        if bias is not None:
            over_prompt += bias
        if own_bias is not None:
            over_own += own_bias
        weights = torch.cat([over_prompt, over_own], dim=-1).softmax(-1, dtype=torch.float32).to(q.dtype)
        of_prompt, of_own = weights.split([over_prompt.shape[-1], end], dim=-1)
        output = self._unfold(self._fold(of_prompt) @ store.prompt_values, folded) + of_own @ store.values[:, :, :end]
        return output.permute(1, 0, 2, 3).reshape(rows, heads, width).to(value.dtype)

    def _biases(self, dtype: torch.dtype) -> tuple[Tensor | None, Tensor | None]:
        """What is added to scores over the prompt and over a row's own tokens, in their dtype; made once for all layers."""
        if self._own_bias is not None and self._own_bias.dtype is not dtype:
            self._own_bias = self._own_bias.to(dtype)
        if self._prompt_bias is not None and self._prompt_bias.dtype is not dtype:
            self._prompt_bias = self._prompt_bias.to(dtype)
        return self._prompt_bias, self._own_bias

    def _write(self, store: _Layer, key: Tensor, value: Tensor) -> None:
        if self._is_even:
            store.keys[:, :, self._longest], store.values[:, :, self._longest] = key, value
        else:
            store.keys[:, self._row, self._lengths], store.values[:, self._row, self._lengths] = key, value

    def _fold(self, x: Tensor) -> Tensor:
        """[K, R, n, W] rows -> [K, P, G * n, W] query rows of their prompts."""
        kv_heads, _, folded, width = x.shape
        laid_out = x if self._is_regular else x[:, self._member]
        prompts, most = self._shape
        return laid_out.reshape(kv_heads, prompts, most * folded, width)

    def _unfold(self, x: Tensor, folded: int) -> Tensor:
        """[K, P, G * n, W] -> [K, R, n, W]."""
        kv_heads, prompts, _, width = x.shape
        laid_out = x.reshape(kv_heads, prompts * self._shape[1], folded, width)
        return laid_out if self._is_regular else laid_out[:, self._place]


def _bias(mask: Tensor) -> Tensor:
    """0 where a mask is True and -inf elsewhere."""
    return torch.zeros(mask.shape, device=mask.device).masked_fill_(~mask, -torch.inf)


@torch.no_grad()
def why_not_shared(policy: Policy) -> str:
    """Why a model cannot be decoded with its prompts stored once; empty where it can.

    Found by comparing a few steps with plain full passes: an architecture whose layers mix tokens outside attention, or which
    ignores custom attention, differs.
    """
    if not attends_everywhere(policy):
        return "the architecture is not full attention through the interface of `transformers` in every layer"
    policy = replace(policy, compute_dtype=torch.float32)  # rounding must not hide a path that is wrong
    vocabulary: int = policy.causal_model.get_input_embeddings().weight.shape[0]  # type: ignore[assignment]  # an embedding's weight
    draw = torch.Generator().manual_seed(0)
    prompts = [torch.randint(vocabulary, (num,), generator=draw).tolist() for num in (5, 3)]
    tokens = torch.randint(vocabulary, (3, 3), generator=draw)
    prompt_of = [0, 1, 0]
    rows = [[*prompts[prompt], *row] for prompt, row in zip(prompt_of, tokens.tolist(), strict=True)]
    try:
        cache = SharedPromptCache(policy)
        found = [cache.add(prompts, prompt_of)]
        found += [cache.step(tokens[:, step].to(policy.device)) for step in range(2)]
    except (AttributeError, IndexError, KeyError, NotImplementedError, RuntimeError, TypeError, ValueError) as error:
        return f"the architecture does not take packed tokens ({type(error).__name__})"
    for number, row in enumerate(rows):
        input_ids = torch.tensor([row], device=policy.device)
        expected = policy.logits(input_ids, torch.ones_like(input_ids))[0, -4:-1]
        if not bool((torch.stack([logits[number] for logits in found]) - expected).abs().max() < _PROBE_TOLERANCE):
            return "the architecture mixes tokens outside full attention"
    return ""
