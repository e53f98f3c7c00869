"""`pocket`: a model of under a million parameters over characters, trained from scratch in a minute: the laboratory animal.

Unlike `tiny` it can do something: additions worked out in writing, some of the time. Its weights are made on first use by
supervised training on demonstrations (`training.pocket`), and kept.
"""

from __future__ import annotations

import string
from pathlib import Path
from typing import TYPE_CHECKING

from proctor.errors import ConfigError
from proctor.models.gguf import cache_directory

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

POCKET = "pocket"
POCKET_UNTRAINED = "pocket-untrained"
VERSION = 4
"""Of the weights that training begins with: raised whenever the model changes."""
TRAINED_VERSION = f"{VERSION}.2"
"""Of the weights that `pocket` names: its last part is raised whenever `training.pocket` changes."""

SPECIAL_TOKENS = ("<pad>", "<eos>", "<user>", "<assistant>")
TAGS = ("<think>", "</think>", "<answer>", "</answer>")
"""Ordinary tokens, which decoding keeps: a section costs two tokens instead of fifteen."""
CHARACTERS = "\n " + string.digits + string.ascii_letters + string.punctuation
CHAT_TEMPLATE = (
    "{% for message in messages %}<{{ 'assistant' if message['role'] == 'assistant' else 'user' }}>{{ message['content'] }}"
    "{% if message['role'] == 'assistant' %}<eos>{% endif %}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"
)


def pocket_directory(*, must_exist: bool) -> Path:
    """Where the trained weights lie.

    Raises:
        ConfigError: they must exist and do not.
    """
    path = cache_directory() / "pocket" / f"v{TRAINED_VERSION}"
    if must_exist and not (path / "config.json").is_file():
        raise ConfigError("the model 'pocket' has not been trained on this machine yet; it takes about a minute: proctor train pocket")
    return path


def character_tokenizer() -> PreTrainedTokenizerFast:
    """A tokenizer whose tokens are printable ASCII characters, the tags of reasoning and a few markers; other characters have no token."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE(vocab={character: index for index, character in enumerate(CHARACTERS)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")  # type: ignore[assignment]  # the library types its setters by one class
    tokenizer.decoder = decoders.Fuse()  # type: ignore[assignment]
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL_TOKENS])
    tokenizer.add_tokens([AddedToken(token, special=False, normalized=False) for token in TAGS])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        eos_token="<eos>",
        chat_template=CHAT_TEMPLATE,
        model_max_length=512,
        clean_up_tokenization_spaces=False,
    )


def pocket_model(*, seed: int) -> PreTrainedModel:
    """A randomly initialised Llama of 0.8M parameters over the character vocabulary.

    Args:
        seed: of the initialisation; the global random state is left as it was.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    size = len(CHARACTERS) + len(SPECIAL_TOKENS) + len(TAGS)
    width = 128
    config = LlamaConfig(
        vocab_size=size,
        hidden_size=width,
        initializer_range=width**-0.5,
        intermediate_size=384,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        tie_word_embeddings=False,
        bos_token_id=None,
        pad_token_id=len(CHARACTERS),
        eos_token_id=len(CHARACTERS) + 1,
        attention_dropout=0.0,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config)
        # Embeddings of unit size, as the first normalisation wants them: small ones are blown up by it, and with them every gradient of the first
        # layer, until a step along the gradient that is large enough to learn anything destroys the policy (docs/notes/what-did-not-work.md).
        torch.nn.init.normal_(model.model.embed_tokens.weight, std=1.0)
        return model
