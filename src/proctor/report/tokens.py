"""Token ids as text, with the tokenizer that the run itself wrote: two runs of different vocabularies never share one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_MAX_HELD = 4


@dataclass(slots=True)
class TokenReader:
    """Decodes the tokens of one run.

    Attributes:
        path: of its `tokenizer.json`; None where it has none yet.
        reason: why tokens cannot be shown; empty where they can.
    """

    path: Path | None
    reason: str = ""
    _tokenizer: Tokenizer | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.path is None:
            self.reason = "this run has no tokenizer yet (it comes with the first checkpoint): the text is shown without tokens"
            return
        from tokenizers import Tokenizer

        try:
            self._tokenizer = Tokenizer.from_file(str(self.path))
        except Exception as error:  # the Rust side raises Exception itself
            self.reason = f"the run's tokenizer cannot be read ({str(error)[:80]}): the text is shown without tokens"

    @property
    def is_ready(self) -> bool:
        return self._tokenizer is not None

    def text(self, ids: Sequence[int]) -> str:
        """The text of these ids, special tokens included; empty without a tokenizer."""
        if self._tokenizer is None:
            return ""
        return self._tokenizer.decode([token for token in ids if token >= 0], skip_special_tokens=False)

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """What each token adds to the text.

        A character may be spread over tokens: the first ones are empty and the last one has it. An id outside the vocabulary is
        written as its number. The window that is decoded stays short, so this is linear in the number of tokens.

        Args:
            ids: token ids.

        Returns:
            One text a token; without a tokenizer each id as `⟨id⟩`.
        """
        tokenizer = self._tokenizer
        if tokenizer is None:
            return [f"⟨{token}⟩" for token in ids]
        pieces: list[str] = []
        start = read = 0
        for place, token in enumerate(ids):
            if token < 0 or tokenizer.id_to_token(token) is None:
                pieces.append(f"⟨{token}⟩")
                start = read = place + 1
                continue
            before = tokenizer.decode(list(ids[start:read]), skip_special_tokens=False)
            after = tokenizer.decode(list(ids[start : place + 1]), skip_special_tokens=False)
            if after.endswith("\ufffd") and place - read < _MAX_HELD - 1 and place + 1 < len(ids):
                pieces.append("")
                continue
            pieces.append(after[len(before) :])
            start, read = read, place + 1
        return pieces
