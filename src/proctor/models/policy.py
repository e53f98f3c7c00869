"""A policy: a decoder-only language model, its tokenizer, and how it computes.

The parameters are the fp32 masters; passes run in `compute_dtype` under autocast, for sampling and for training alike,
so both see the same numbers. Dropout is always off: with it the sampler and the trainer would be two different policies.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_CACHE_ARGUMENTS = ("cache", "past_key_values", "cache_params")


@dataclass(slots=True)
class Policy:
    """A model that can be sampled from and trained.

    Attributes:
        model: what is called; a `transformers` causal model, or the same with LoRA adapters injected.
        tokenizer: turns rendered conversations into ids and back.
        source: what the user named (alias, directory, file or hub id).
        compute_dtype: dtype of matrix products; parameters stay fp32.
        has_adapters: True when only LoRA adapters are trained.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    source: str
    compute_dtype: torch.dtype = torch.float32
    has_adapters: bool = False

    def frozen(self) -> Policy:
        """A copy whose weights nobody moves: a reference, a snapshot that samples."""
        model = deepcopy(self.model)
        model.requires_grad_(False)
        return replace(self, model=model)

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    @property
    def causal_model(self) -> PreTrainedModel:
        """The `transformers` model itself, adapters included, without the adapter wrapper."""
        return self.model.get_base_model() if self.has_adapters else self.model  # type: ignore[attr-defined]  # peft's method

    def merged_model(self) -> PreTrainedModel:
        """The `transformers` model with the adapters merged into a copy of it; without adapters the model itself."""
        if not self.has_adapters:
            return self.model
        return deepcopy(self.model).merge_and_unload()  # type: ignore[operator]  # peft's method; the trained adapters stay as they are

    @property
    def backbone(self) -> nn.Module:
        """The model without its language-model head."""
        model = self.causal_model
        return getattr(model, model.base_model_prefix)

    @property
    def head(self) -> nn.Module | None:
        return self.causal_model.get_output_embeddings()

    @property
    def trainable_parameters(self) -> list[nn.Parameter]:
        return [parameter for parameter in self.model.parameters() if parameter.requires_grad]

    @property
    def num_parameters(self) -> int:
        return sum(parameter.numel() for parameter in self.model.parameters())

    @property
    def max_context_tokens(self) -> int | None:
        """The longest sequence that the positions of the model allow; None where the architecture has no such limit."""
        config = self.model.config.get_text_config()
        limit = getattr(config, "max_position_embeddings", None) or getattr(config, "n_positions", None)
        return int(limit) if limit else None

    @property
    def pad_id(self) -> int:
        pad: Any = self.tokenizer.pad_token_id
        return int(pad) if pad is not None else min(self.eos_ids, default=0)

    @property
    def eos_ids(self) -> frozenset[int]:
        """Every token that ends a completion: the tokenizer's and those of the generation config."""
        declared: Any = self.model.generation_config.eos_token_id if self.model.generation_config is not None else None
        listed = declared if isinstance(declared, list) else [declared]
        return frozenset(int(token) for token in [*listed, self.tokenizer.eos_token_id] if token is not None)

    def autocast(self) -> Any:
        """The context in which every pass of this policy runs."""
        if self.compute_dtype in (torch.float32, torch.float64):  # nothing is lowered
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self.compute_dtype)

    @contextmanager
    def adapters_disabled(self) -> Iterator[None]:
        """The frozen weights under the adapters: the reference model of a LoRA run, at no memory."""
        if not self.has_adapters:
            raise ValueError("this policy has no adapters to disable")
        with self.model.disable_adapter():  # type: ignore[operator]  # peft's method
            yield

    def logits(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Logits of a padded batch, [B, T, V], by the plain path that every architecture has.

        Args:
            input_ids: [B, T] ids, padded on the left or on the right.
            attention_mask: [B, T] 1 on real tokens. Positions are counted over real tokens, so the side of the padding
                does not matter to attention.
        """
        extra = {"position_ids": positions(attention_mask)} if self.takes_positions else {}
        with self.autocast():
            return self.model(input_ids=input_ids, attention_mask=attention_mask, use_cache=False, **extra).logits

    @property
    def takes_positions(self) -> bool:
        """True where the forward pass accepts `position_ids` (state-space models and ALiBi models do not)."""
        return "position_ids" in _parameters(type(self.causal_model))

    @property
    def cache_argument(self) -> str:
        """What the forward pass calls its cache.

        `transformers` renamed `past_key_values` to `cache` in 5.24; an unknown name would be swallowed as a keyword argument and
        every token computed without what came before it.

        Raises:
            ValueError: the forward pass has none of the names.
        """
        names = _parameters(type(self.causal_model))
        for name in _CACHE_ARGUMENTS:
            if name in names:
                return name
        raise ValueError(f"the forward pass of {type(self.causal_model).__name__} takes no cache under any known name: {', '.join(_CACHE_ARGUMENTS)}")

    @property
    def keeps_logits(self) -> bool:
        """True where the forward pass can compute logits of the last tokens only."""
        return "logits_to_keep" in _parameters(type(self.causal_model))


def positions(attention_mask: Tensor) -> Tensor:
    """Position of each real token, counted from 0 in its row; 0 on padding."""
    return (attention_mask.long().cumsum(-1) - 1).clamp(min=0)


@cache
def _parameters(model_class: type[nn.Module]) -> frozenset[str]:
    return frozenset(inspect.signature(model_class.forward).parameters)
