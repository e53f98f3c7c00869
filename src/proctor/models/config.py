"""How a model is loaded and computes: plain records, free of torch, so that a configuration is read in milliseconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from proctor.errors import ConfigError

DEFAULT_MODEL = "smollm2-135m"
ComputeDtype = Literal["auto", "bfloat16", "float32"]
Precision = Literal["same", "bfloat16", "int8", "int4"]
"""In which a sampler reads the weights: as they are trained, computing in bf16, or rounded to 8 or 4 bits."""


@dataclass(frozen=True, slots=True)
class LoraConfig:
    """Low-rank adapters (Hu et al. 2021, LoRA) instead of full fine-tuning; needs the extra `lora`.

    Attributes:
        rank: rank of each adapter.
        alpha: the adapter's output is scaled by alpha / rank.
        target_modules: names of the linear modules that get one; "all-linear" takes every one but the head.
    """

    rank: int = 16
    alpha: int = 32
    target_modules: str | tuple[str, ...] = "all-linear"

    def __post_init__(self) -> None:
        for name, value in (("rank", self.rank), ("alpha", self.alpha)):
            if value < 1:
                raise ConfigError(f"learner.lora.{name} must be at least 1, not {value}")
