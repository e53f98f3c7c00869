"""The pocket policy's tokenizer without tokens of its own for the tags: they are several tokens, as in most vocabularies."""

from __future__ import annotations

from unittest import mock

from transformers import PreTrainedTokenizerFast

from proctor.models import pocket


def character_tokenizer() -> PreTrainedTokenizerFast:
    """Every printable character a token, and nothing for the tags."""
    with mock.patch.object(pocket, "TAGS", ()):
        return pocket.character_tokenizer()
