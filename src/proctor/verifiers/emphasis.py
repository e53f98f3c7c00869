r"""Reads the value that the last sentence sets in bold: "**13** is the largest prime factor of 4095.", "There are **7** integers, from -1 to 5."

Bold is what a model says is its answer, where it is the only bold value of the sentence, is no label, and the sentence comes to nothing else after it.
"""

from __future__ import annotations

import re
from itertools import pairwise

from proctor.verifiers.patterns import one_of
from proctor.verifiers.predicates import is_value_of
from proctor.verifiers.references import Gold
from proctor.verifiers.remarks import closed_quantity
from proctor.verifiers.statements import OTHER_VALUE, Said

_MAX_CHARS = 400
_BOLD = re.compile(r"(?<![\w*])\*\*(?=[^\s*])([^*\n]{1,200})(?<=[^\s*])\*\*(?![\w*])(?!\s?:)")
_WORDS = re.compile(r"[A-Za-z][A-Za-z'-]{2,20}(?: [a-z'-]{1,20}){0,6}")
_IS = re.compile(
    r"\W*(?:(?:so|thus|therefore|hence)\b,?\s)?(?:this|it|that|the (?:property|answer|shape|curve|law|rule|theorem|type|name))\s"
    r"(?:is|shows|illustrates|demonstrates|is called|is known as|must be)\s(?:an?\s|the\s)?",
    re.IGNORECASE,
)
_JOINED = re.compile(r"\s?(?:,|and|or|, and|, or)\s")
_NAMED = re.compile(r"\$?[A-Za-z]\s?=\s?([^=]{1,60}?)\$?")
_RESULTS = "so therefore hence thus leaving leaves then but not or nor wait actually gives equals makes now instead rather maybe total in_total and"
_GOES_ON = re.compile(rf"{one_of(_RESULTS)}|n['’]t\b|[?=+×·⇒→]", re.IGNORECASE)
_CORRECTS = re.compile(rf"{one_of('or nor now actually not but wait rather instead')}|n['’]t\b", re.IGNORECASE)
_REASONS = "because since with as including namely where for is_the are_the reached attained achieved when if coming obtained from"
_EXPLAINS = re.compile(rf"[,;:]?\s?\(?{one_of(_REASONS)}|[,;:]?\s?\(|:", re.IGNORECASE)
_DOUBTED = re.compile(rf"{one_of('maybe perhaps possibly probably might could may if suppose assume guess wrong incorrect either unless')}|\?", re.IGNORECASE)


def emphasised(sentence: str, gold: Gold) -> Said:
    """Return the bold value of a sentence; nothing where none is, or it is not plain that it is what the sentence says.

    Args:
        sentence: the last one of a completion.
        gold: the reference, whose kind the value must have.
    """
    bold = list(_BOLD.finditer(sentence)) if len(sentence) <= _MAX_CHARS else []
    if not bold or not all(_JOINED.fullmatch(sentence, one.end(), other.start()) for one, other in pairwise(bold)):
        return Said()
    before, after = sentence[: bold[0].start()], sentence[bold[-1].end() :]
    is_named = (
        gold.allows_words and len(bold) == 1 and _WORDS.fullmatch(bold[0][1]) is not None and _IS.fullmatch(before) is not None and not after.strip(" .!")
    )
    value = sentence[bold[0].start() : bold[-1].end()].replace("**", "").strip().rstrip(".!")
    if (
        _DOUBTED.search(sentence)
        or _CORRECTS.search(after)
        or (_GOES_ON.search(after) and not _EXPLAINS.match(after))
        or not (_is_answer(value, gold) or is_named)
    ):
        return Said()
    return Said() if OTHER_VALUE.search(before) else Said((without_dollars(value),), before, after)


def without_dollars(value: str) -> str:
    """A value that is one formula, without its dollar signs."""
    inner = value.strip("$")
    return inner.strip() if value.startswith("$") and value.endswith("$") and "$" not in inner else value


def _is_answer(value: str, gold: Gold) -> bool:
    if is_value_of(value, gold.readings):
        return True
    named = _NAMED.fullmatch(value)
    return gold.is_quantity and closed_quantity(value if named is None else named[1]) is not None
