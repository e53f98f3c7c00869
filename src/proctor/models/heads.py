"""Scalar heads on a backbone: critics, which read a value before every token, and reward models, which read one at the end.

A scalar model is a `transformers` sequence classifier with one label, so what is saved loads with no help of ours.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from proctor.errors import ConfigError, EngineError
from proctor.models.fused import wide
from proctor.models.lean import make_lean
from proctor.models.policy import Policy
from proctor.models.scoring import ForwardPath, Sequences, padded, predicting_outputs, unflatten

_NORMALIZATION = "reward_normalization.json"


@dataclass(frozen=True, slots=True)
class ScalarModel:
    """A backbone with a linear head to one number.

    Attributes:
        policy: what computes hidden states; its `model` is the classifier.
        path: of its forward passes.
        mean: subtracted from what the head says of a whole sequence.
        std: then divided by.
    """

    policy: Policy
    path: ForwardPath
    mean: float = 0.0
    std: float = 1.0

    @property
    def head(self) -> nn.Linear:
        return self.policy.model.score  # type: ignore[return-value]  # a sequence classifier's head


def scalar_copy(policy: Policy, path: ForwardPath, *, seed: int, is_zero: bool) -> ScalarModel:
    """A classifier with one label that begins with the policy's backbone.

    Args:
        policy: whose backbone is copied; adapters are merged.
        path: of the policy's passes; its head plays no part.
        seed: of the head.
        is_zero: begin with a head of zeros (a critic: lm-human-preferences); otherwise N(0, 1/(d+1)), a reward model's.

    Raises:
        ConfigError: `transformers` has no sequence classifier of this architecture.
    """
    from transformers import AutoModelForSequenceClassification

    source = policy.causal_model
    plain = {key: value for key, value in source.config.to_dict().items() if key not in ("id2label", "label2id")}
    config = source.config.__class__.from_dict({**plain, "num_labels": 1})
    config._attn_implementation = source.config._attn_implementation
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = AutoModelForSequenceClassification.from_config(config, attn_implementation=source.config._attn_implementation)
            if is_zero:
                nn.init.zeros_(model.score.weight)
            else:
                nn.init.normal_(model.score.weight, std=1 / math.sqrt(config.get_text_config().hidden_size + 1))
    except (ValueError, AttributeError) as error:
        raise ConfigError(
            f"transformers has no sequence classifier for {type(source).__name__}, so it can be neither critic nor reward model: {error}"
        ) from error
    make_lean(model)
    model.config.pad_token_id = policy.pad_id
    backbone = getattr(model, model.base_model_prefix)
    merged = policy.merged_model()
    given = getattr(merged, merged.base_model_prefix).state_dict()
    backbone.load_state_dict({name: value for name, value in given.items() if name in backbone.state_dict()})
    model.to(device=policy.device, dtype=torch.float32).eval()
    return ScalarModel(replace(policy, model=model, has_adapters=False), replace(path, has_plain_head=True))


def token_values(model: ScalarModel, sequences: Sequences) -> Tensor:
    """[R, L] what the head says of the state before each continuation token: V(s_t), fp32, 0 on padding."""
    _, mask = padded(sequences.continuations, model.policy.device)
    return unflatten(values_of_outputs(model.head, predicting_outputs(model.policy, sequences, model.path)), mask)


def values_of_outputs(head: nn.Linear, outputs: Tensor) -> Tensor:
    """[N] the head's number for each hidden state, in fp32 (fp64 for a head in fp64) whatever the backbone computes in."""
    weight = wide(head.weight)
    return torch.nn.functional.linear(outputs.to(weight.dtype), weight)[:, 0]


def sequence_scores(model: ScalarModel, sequences: Sequences) -> Tensor:
    """[R] the head's number after the last token of each row, normalised."""
    return (behind_last(lambda longer: token_values(model, longer), sequences) - model.mean) / model.std


def behind_last(token_values: Callable[[Sequences], Tensor], sequences: Sequences) -> Tensor:
    """[R] the value of the state after the last token of each row, from a function to the values before each token."""
    # What stands behind the last token is what would predict one more.
    longer = replace(sequences, continuations=[[*tokens, tokens[-1]] for tokens in sequences.continuations])
    values = token_values(longer)
    last = torch.tensor([len(tokens) for tokens in sequences.continuations], device=values.device)
    return values.gather(1, last[:, None])[:, 0]


def save_scalar_model(model: ScalarModel, directory: Path) -> None:
    """Add to a saved classifier what `transformers` does not keep: the normalisation."""
    (directory / _NORMALIZATION).write_text(json.dumps({"mean": model.mean, "std": model.std}) + "\n")


def scalar_model_directory(given: str) -> Path:
    """Where a reward model's weights lie.

    Args:
        given: a run with algorithm=reward_model, or its model directory.

    Raises:
        ConfigError: there is no model.
    """
    path = Path(given)
    path = path / "model" if (path / "model").is_dir() else path
    if not (path / "config.json").is_file():
        raise ConfigError(f"there is no reward model at {given!r}: give a finished run with algorithm=reward_model, or its model directory")
    return path


def load_scalar_model(path: Path, *, policy: Policy, forward: ForwardPath) -> ScalarModel:
    """Load a reward model that a run of ours, or anyone, saved as a sequence classifier with one label.

    Args:
        path: as `scalar_model_directory` gives it.
        policy: whose tokens it reads: the vocabulary must be the same; device and dtype are taken from it.
        forward: of the policy.

    Raises:
        ConfigError: it has another number of labels, or another vocabulary.
        EngineError: it cannot be loaded.
    """
    from transformers import AutoModelForSequenceClassification

    try:
        model = AutoModelForSequenceClassification.from_pretrained(path, dtype=torch.float32)
    except Exception as error:
        raise EngineError(f"could not load the reward model {str(path)!r}: {type(error).__name__}: {error}") from error
    make_lean(model)
    size, expected = model.get_input_embeddings().weight.shape[0], policy.causal_model.get_input_embeddings().weight.shape[0]  # type: ignore[union-attr, index]
    if model.config.num_labels != 1 or size != expected:
        raise ConfigError(
            f"the model at {str(path)!r} has {model.config.num_labels} labels and {size} tokens; "
            f"a reward model for this policy has 1 label and {expected} tokens"
        )
    model.set_attn_implementation(policy.causal_model.config._attn_implementation)
    model.requires_grad_(False).to(device=policy.device).eval()
    extra = path / _NORMALIZATION
    normalization = json.loads(extra.read_text()) if extra.is_file() else {"mean": 0.0, "std": 1.0}
    scored = replace(policy, model=model, has_adapters=False)
    return ScalarModel(scored, replace(forward, has_plain_head=True), **normalization)


def continued(given: str, policy: Policy, path: ForwardPath) -> ScalarModel:
    """A saved reward model to train further; its normalisation is left behind, and made anew at the end.

    Args:
        given: a run with algorithm=reward_model, or its model directory.
        policy: whose tokens it reads.
        path: of the policy's passes.

    Raises:
        ConfigError: there is none, or it is of another vocabulary.
    """
    begun = load_scalar_model(scalar_model_directory(given), policy=policy, forward=path)
    begun.policy.model.requires_grad_(True)
    return replace(begun, mean=0.0, std=1.0)


@torch.no_grad()
def score_rows(model: ScalarModel, rows: Sequence[tuple[Sequence[int], Sequence[int]]], *, rows_at_once: int = 16) -> list[float]:
    """Score (prompt, completion) token lists, a few at a time."""
    values: list[float] = []
    for start in range(0, len(rows), rows_at_once):
        part = rows[start : start + rows_at_once]
        prompts = list(dict.fromkeys(tuple(prompt) for prompt, _ in part))
        sequences = Sequences(prompts, [list(tokens) for _, tokens in part], [prompts.index(tuple(prompt)) for prompt, _ in part])
        values += sequence_scores(model, sequences).tolist()
    return values
