"""How much memory a run needs, from the model's shape alone: said before anything is loaded."""

from __future__ import annotations

from dataclasses import dataclass

from proctor.models.config import ComputeDtype, LoraConfig

_ACTIVATION_COPIES = 20  # of the hidden size, for each token and layer: 10 are kept for SmolLM2 (models.lean), more where gated layers are wider


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """Bytes of a run, by use.

    Attributes:
        num_parameters: of the model.
        num_trained: of those, the ones that are trained.
        weights_bytes: fp32 masters.
        gradients_bytes: fp32.
        optimizer_bytes: both moments of AdamW, fp32.
        reference_bytes: of the frozen copy, where one is needed.
        activations_bytes: a rough upper figure for one micro-batch.
    """

    num_parameters: int
    num_trained: int
    weights_bytes: int
    gradients_bytes: int
    optimizer_bytes: int
    reference_bytes: int
    activations_bytes: int

    @property
    def total_bytes(self) -> int:
        return self.weights_bytes + self.gradients_bytes + self.optimizer_bytes + self.reference_bytes + self.activations_bytes

    def describe(self) -> str:
        """The plan as lines for a terminal."""
        rows = {
            "weights (fp32)": self.weights_bytes,
            "gradients (fp32)": self.gradients_bytes,
            "AdamW moments (fp32)": self.optimizer_bytes,
            "reference model": self.reference_bytes,
            "activations of a micro-batch (rough)": self.activations_bytes,
            "total": self.total_bytes,
        }
        head = f"memory plan: {self.num_parameters / 1e6:.1f}M parameters, {self.num_trained / 1e6:.1f}M trained"
        return "\n".join([head, *(f"  {name:<38}{value / 2**30:7.2f} GiB" for name, value in rows.items())])


def plan_memory(model: str, *, lora: LoraConfig | None, has_reference: bool, micro_batch_tokens: int, compute_dtype: ComputeDtype) -> MemoryPlan:
    """Plan a run without loading its weights: the model is built on the meta device from its configuration.

    Args:
        model: what `load_policy` takes.
        lora: the adapters, where only they are trained; the frozen weights under them are the reference then.
        has_reference: whether the objective has a term against a frozen model.
        micro_batch_tokens: tokens computed at once.
        compute_dtype: of activations.

    Raises:
        ConfigError: there is no such model.
    """
    from proctor.models.load import empty_policy

    policy = empty_policy(model, lora)
    config = policy.causal_model.config.get_text_config()
    num_parameters, num_trained = policy.num_parameters, sum(parameter.numel() for parameter in policy.trainable_parameters)
    width = 2 if compute_dtype == "bfloat16" else 4
    return MemoryPlan(
        num_parameters=num_parameters,
        num_trained=num_trained,
        weights_bytes=4 * num_parameters,
        gradients_bytes=4 * num_trained,
        optimizer_bytes=8 * num_trained,
        reference_bytes=4 * num_parameters if has_reference and lora is None else 0,
        activations_bytes=width * _ACTIVATION_COPIES * config.hidden_size * config.num_hidden_layers * micro_batch_tokens,
    )
