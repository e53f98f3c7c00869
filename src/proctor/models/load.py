"""Load any decoder-only model that `transformers` reads: a hub id, a directory, a GGUF file, or one of two short names.

Nothing here trains or samples. Parameters are loaded in fp32 because they are the masters that the optimizer moves.
"""

from __future__ import annotations

import json
import warnings
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from proctor.errors import ConfigError, EngineError
from proctor.models import gguf
from proctor.models.attention import SHARED_PROMPT_ATTENTION, register_shared_prompt_attention
from proctor.models.config import DEFAULT_MODEL, ComputeDtype, LoraConfig
from proctor.models.lean import make_lean
from proctor.models.pocket import POCKET, pocket_directory
from proctor.models.policy import Policy

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def load_policy(
    source: str = DEFAULT_MODEL,
    *,
    device: str | None = None,
    compute_dtype: ComputeDtype = "auto",
    lora: LoraConfig | None = None,
    seed: int = 0,
) -> Policy:
    """Load a policy.

    Args:
        source: `"smollm2-135m"` (the embedded default), `"tiny"` (random weights over bytes, for tests), `"pocket"` (trained from
            scratch on first use by `proctor train`), a directory, a `.gguf` file, or a hub id.
        device: "cpu", "cuda", ...; by default a CUDA device where there is one.
        compute_dtype: dtype of matrix products; "auto" is bfloat16 where the hardware multiplies it natively.
        lora: train adapters instead of all weights.
        seed: of the random weights of "tiny" and of fresh adapters.

    Raises:
        ConfigError: the model does not exist, is not a causal language model, or an extra is missing.
        EngineError: its files cannot be read.
    """
    _no_progress_bars()
    place = find_device(device)
    model, tokenizer = _built_in(source, seed) or _pretrained(source)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    model.to(device=place)  # type: ignore[call-arg]  # torch's own signature, hidden by a wrapper
    model.eval()
    policy = Policy(model, tokenizer, source, resolve_dtype(compute_dtype, place, is_tiny=source == "tiny" or source.startswith(POCKET)))
    return with_adapters(policy, lora, seed=seed) if lora is not None else policy


def find_device(name: str | None) -> torch.device:
    """The device of a name; by default a CUDA device where there is one, else the processor.

    Raises:
        ConfigError: torch does not know it, or this machine does not have it.
    """
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"unknown device {name!r}; give cpu, cuda, cuda:1 or the like") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ConfigError(f"device {name!r} is asked for, but torch sees no CUDA device here; leave device out, or see `proctor doctor`")
    return device


def with_adapters(policy: Policy, lora: LoraConfig, *, seed: int) -> Policy:
    """Freeze the weights and inject trainable adapters.

    Raises:
        ConfigError: the extra `lora` is not installed, or no module has the given names.
    """
    try:
        import peft
    except ImportError as error:
        raise ConfigError("LoRA needs the package peft, which is not installed. Run: pip install 'proctor[lora]'") from error
    targets = lora.target_modules if isinstance(lora.target_modules, str) else list(lora.target_modules)
    settings = peft.LoraConfig(r=lora.rank, lora_alpha=lora.alpha, target_modules=targets, lora_dropout=0.0, task_type="CAUSAL_LM")
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        torch.manual_seed(seed)
        warnings.simplefilter("ignore", FutureWarning)  # peft asks the model for an attribute that `transformers` renames
        try:
            model = peft.get_peft_model(policy.model, settings)
        except ValueError as error:
            raise ConfigError(f"lora.target_modules={lora.target_modules!r} does not fit this model: {error}") from error
    return Policy(model.eval(), policy.tokenizer, policy.source, policy.compute_dtype, has_adapters=True)  # type: ignore[arg-type]  # a PeftModel forwards to the model


def empty_policy(source: str, lora: LoraConfig | None) -> Policy:
    """A policy of the right shape without weights or a usable tokenizer: to count with.

    Raises:
        ConfigError: the model does not exist or is not causal.
    """
    from transformers import AutoConfig, AutoModelForCausalLM

    with torch.device("meta"):
        built = _built_in("pocket-untrained" if source == "pocket" else source, 0)
        if built is not None:
            model, tokenizer = built
        else:
            path = _resolve_source(source)
            model, tokenizer = AutoModelForCausalLM.from_config(_read_config(source, path, AutoConfig)), None
        policy = Policy(model, tokenizer, source)  # type: ignore[arg-type]  # nothing that counts parameters looks at the tokenizer
        return with_adapters(policy, lora, seed=0) if lora is not None else policy


def resolve_dtype(choice: ComputeDtype, device: torch.device, *, is_tiny: bool) -> torch.dtype:
    """The dtype in which to compute: bfloat16 where the hardware has it natively and the model is large enough to gain."""
    if choice != "auto":
        return torch.bfloat16 if choice == "bfloat16" else torch.float32
    if is_tiny:
        return torch.float32
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    return torch.bfloat16 if torch.ops.mkldnn._is_mkldnn_bf16_supported() and _cpu_multiplies_bfloat16() else torch.float32


def _cpu_multiplies_bfloat16() -> bool:
    """True where the processor has bf16 dot products; elsewhere oneDNN emulates them, slower than fp32."""
    capabilities = torch.backends.cpu.get_cpu_capability()
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").is_file() else ""
    return capabilities.startswith("AVX512") and ("avx512_bf16" in flags or "amx_bf16" in flags)


def _no_progress_bars() -> None:
    """Loading and saving are quick here, and their bars would tear the progress of a run apart."""
    from transformers.utils import logging

    logging.disable_progress_bar()


def _built_in(source: str, seed: int) -> tuple[PreTrainedModel, Any] | None:
    """The randomly initialised models that need no files; None for everything else."""
    from proctor.models.pocket import POCKET_UNTRAINED, character_tokenizer, pocket_model
    from proctor.models.tiny import byte_tokenizer, tiny_model

    if source == "tiny":
        return prepared(tiny_model(seed=seed)), byte_tokenizer()
    if source == POCKET_UNTRAINED:
        return prepared(pocket_model(seed=seed)), character_tokenizer()
    return None


def _pretrained(source: str) -> tuple[PreTrainedModel, Any]:
    import transformers

    path = _resolve_source(source)
    _read_config(source, path, transformers.AutoConfig)
    try:
        model = _load_weights(path)
        tokenizer = transformers.AutoTokenizer.from_pretrained(path)
    except Exception as error:
        raise EngineError(f"could not load the model {source!r}: {type(error).__name__}: {error}") from error
    return model, tokenizer


def _read_config(source: str, path: str, reader: Any) -> Any:
    """The model's configuration, checked to be a causal one."""
    try:
        config = reader.from_pretrained(path)
    except Exception as error:
        raise ConfigError(_not_found(source, error)) from error
    _require_causal(source, config)
    return config


def _load_weights(path: str) -> PreTrainedModel:
    """Load in fp32."""
    from transformers import AutoModelForCausalLM

    return prepared(AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32))


def prepared(model: PreTrainedModel) -> PreTrainedModel:
    """A model with everything that makes its passes cheaper and leaves its numbers alone: packed prompts, lean norms and gated layers."""
    make_lean(model)
    return share_prompts(model)


def share_prompts(model: PreTrainedModel) -> PreTrainedModel:
    """Let a model attend over packed prompts, where its own choice of attention is the one that ours falls back to.

    An architecture that prefers another (because it caps attention logits, say, or has attention sinks) keeps it.
    """
    if model.config._attn_implementation != "sdpa":
        return model
    register_shared_prompt_attention()
    with suppress(ValueError, ImportError):
        model.set_attn_implementation(SHARED_PROMPT_ATTENTION)
    return model


def _resolve_source(source: str) -> str:
    if source == DEFAULT_MODEL:
        return str(gguf.converted(gguf.default_gguf()))
    if source == POCKET:
        return str(pocket_directory(must_exist=True))
    if source.endswith(".gguf"):
        return str(gguf.converted(Path(source)))
    path = Path(source)
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise ConfigError(f"the directory {source!r} holds no config.json, so it is not a saved model (a run's model is in RUN/model)")
        return source
    if path.exists() or source.startswith((".", "/", "~")):
        raise ConfigError(f"there is no model at {source!r}: give a directory with config.json, a .gguf file, a hub id, 'smollm2-135m' or 'tiny'")
    return source


def _require_causal(source: str, config: Any) -> None:
    from transformers import AutoModelForCausalLM

    is_causal = type(config) in AutoModelForCausalLM._model_mapping  # the public list of decoder-only architectures has no other name
    if config.is_encoder_decoder or not is_causal or _declares_other_head(config):
        found = ", ".join(config.architectures or [config.model_type])
        raise ConfigError(
            f"the model {source!r} is not a causal (decoder-only) language model: it is {found}. Choose one whose architecture ends in ForCausalLM"
        )


def _declares_other_head(config: Any) -> bool:
    heads = config.architectures or []
    return bool(heads) and not any(name.endswith(("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")) for name in heads)


def _not_found(source: str, error: Exception) -> str:
    first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
    return (
        f"the model {source!r} could not be found: {first_line}\n"
        "Give 'smollm2-135m' (embedded default), 'tiny', a directory with config.json, a .gguf file, or a hub id that this machine can reach."
    )


def save_policy(policy: Policy, directory: Path) -> None:
    """Write weights (adapters merged) and tokenizer as a directory that `transformers` loads with no help of ours."""
    model = policy.merged_model()
    implementation = model.config._attn_implementation
    model.set_attn_implementation("sdpa") if implementation == SHARED_PROMPT_ATTENTION else None
    try:
        model.save_pretrained(directory, save_original_format=False)
    finally:
        if implementation == SHARED_PROMPT_ATTENTION:
            model.set_attn_implementation(implementation)
    policy.tokenizer.save_pretrained(directory)
    config_file = directory / "config.json"
    config_file.write_text(json.dumps({key: value for key, value in json.loads(config_file.read_text()).items() if key != "_name_or_path"}, indent=2) + "\n")
