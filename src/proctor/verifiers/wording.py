r"""Reads what is no number: words and statements that are answers as they stand, and names that a value is given to (`x`, `f(x)`, `(x, y)`, `area`)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from proctor.verifiers.answers import Words
from proctor.verifiers.brackets import encloses, trimmed
from proctor.verifiers.expressions import DECORATIONS, FUNCTIONS, GREEK
from proctor.verifiers.notation import Token, lex

MAX_WORDS = 60

_HEDGE_WORDS = """
not no never none cannot either neither or nor if unless maybe perhaps possibly probably except wrong incorrect unlikely false isn where when for with than
plus minus doubt doubtful deny impossible untrue could might would suppose assume
"""
_HEDGES = frozenset(_HEDGE_WORDS.split())
_STATEMENT_WORDS = """
frac sqrt radical binom pi infty int iint oint sum prod lim max min sup inf gcd lcm det arg deg mod bmod pmod ker dim exp to rightarrow leftarrow
Rightarrow Leftarrow Leftrightarrow leftrightarrow iff implies mapsto forall exists equiv cong sim simeq propto perp parallel subset subseteq supset
cup cap notin wedge vee neg land lor nmid oplus otimes circ bullet star dagger lfloor rfloor lceil rceil overset underset stackrel prime square vdots
ddots choose therefore because Re Im aleph complement text dfrac cases bigcup bigcap overbrace underbrace hline substack mathrm triangle odot top ne
limsup liminf ll gg ldotp operatorname
"""
_STATEMENT_COMMANDS = FUNCTIONS | GREEK | DECORATIONS | frozenset(_STATEMENT_WORDS.split())
_SPELLINGS = (
    (re.compile(r"([_^]) \{ (\S{1,9}) \}"), r"\1 \2"),
    (re.compile(r"^dne$|^(?:limit |it )?doesn ' t exist$|^(?:limit |it )does not exist$"), "does not exist"),
    (re.compile(r"\bsolutions\b"), "solution"),
    (re.compile(r"^there (?:is|are) (?=no )"), ""),
    (re.compile(r"(?<=\d) (?:r|R|rem) (?=\d)"), " remainder "),
    (re.compile(r"^(?:an? )?(increase|decrease|profit|loss|gain|discount)d? (?:of|by) (\d[\d.]* %)$"), r"\2 \1"),
    (re.compile(r"^(\d[\d.]* %) (increase|decrease)d$"), r"\1 \2"),
    (re.compile(r"\bconverges (conditionally|absolutely|uniformly)\b"), r"\1 convergent"),
    (re.compile(r"\bconverges\b"), "convergent"),
    (re.compile(r"\bdiverges\b"), "divergent"),
)
_PLAIN_WORDS = re.compile(r"(?:(?:[A-Z]|an?|[A-Za-z]{2,40})(?: ['-] [A-Za-z]{1,40})?(?: [:,])?(?: |\Z)){2,60}")
_JOINTS = re.compile(r"(?<!\S)(?:is|are|(?:an?|the)(?= [A-Za-z]{2})|and|[:,])(?!\S)")
_INVERSE = re.compile(r"[A-Za-z]\^\{?-1\}?\([A-Za-z]\)")
_NAME_MARKS = frozenset("(){}_,':/|°∩∪")


def read_words(plain: str, *, is_only: bool) -> Words | None:
    """A text; where it cannot be read otherwise also a statement with balanced braces and known commands. Short words keep their case."""
    tokens = trimmed(lex(plain))
    if len(tokens) > 1 and tokens[0].kind in ("word", "text") and tokens[0].text.lower() == "the":  # an article tells nothing apart
        tokens = tokens[1:]
    inner = tokens[1:-1]
    if len(tokens) > 2 and tokens[0].text in ("(", "{") and encloses(tokens) and all(token.kind in ("word", "text") for token in inner):
        tokens = inner
    is_text = all(token.kind in ("word", "text") and len(token.text) > 1 for token in tokens)
    if not is_only and not is_text and not _is_labelled_text(tokens):
        return None
    texts = [
        token.text if len(token.text) < 3 and token.text.isupper() else token.text.lower() if token.kind in ("word", "text") else token.text for token in tokens
    ]
    is_known = all(token.kind != "command" or token.text in _STATEMENT_COMMANDS for token in tokens)
    has_letters = any(token.kind not in ("mark", "number") or token.text == "…" for token in tokens)
    if not is_known or not has_letters or len(tokens) > 4 * MAX_WORDS or texts.count("{") != texts.count("}"):
        return None
    return Words(_in_one_spelling(" ".join(_with_one_index(texts))))


def _with_one_index(texts: list[str]) -> list[str]:
    r"""With `n` for the letter that a sum or a product counts with: `\sum_{k=0}^{\infty} x^k`."""
    for place, text in enumerate(texts[:-4]):
        if text in ("sum", "prod") and texts[place + 1 : place + 3] == ["_", "{"] and len(texts[place + 3]) == 1 and texts[place + 4] == "=":
            letter = texts[place + 3]
            return texts if "n" in texts else ["n" if one == letter else one for one in texts]
    return texts


def _in_one_spelling(words: str) -> str:
    """Words without what tells no two answers apart: articles, forms of "to be", the ways to say that a series converges, what joins parts."""
    for pattern, spelling in _SPELLINGS:
        words = pattern.sub(spelling, words)
    is_plain = _PLAIN_WORDS.fullmatch(words) is not None and not _HEDGES & set(words.lower().split())
    return (" ".join(_JOINTS.sub(" ", words).split()) if is_plain else words) or words


def _is_labelled_text(tokens: Sequence[Token]) -> bool:
    """Whether tokens are words behind letters: `A: knight, B: knave`."""
    words = [token for token in tokens if token.text not in (":", ",")]
    return len(words) < len(tokens) and all(token.kind in ("word", "text") for token in words) and sum(len(token.text) > 2 for token in words) > 1


def name_of(tokens: Sequence[Token]) -> str | None:
    """What a left side only names: `x`, `f(x)`, `f^{-1}(x)`, `AB`, `(x, y)`, `V_1:V_2`, `NO/BO`, `area`; None if it says something."""
    texts = [token.text for token in tokens]
    if not tokens or len(tokens) > 40 or texts == ["pi"]:
        return None
    if len(tokens) <= 9 and _INVERSE.fullmatch("".join(texts)) is not None:
        return "".join(text for text in texts if text not in ("{", "}"))
    words = [token.text.lower() if token.kind == "text" else token.text for token in tokens if token.kind in ("word", "text")]
    if not words and not any(token.kind == "command" for token in tokens):
        return None
    if set(words) & _HEDGES or any(token.kind in ("set", "begin", "end") for token in tokens):
        return None
    is_call = any(token.kind == "word" and after.text == "(" for token, after in pairwise(tokens))
    for before, token in zip((None, *tokens), tokens, strict=False):
        is_index = before is not None and before.text in ("_", "{", "(", ",")
        if token.kind == "number" and not (is_index and ("_" in texts or is_call)):
            return None
        if token.kind == "mark" and token.text not in _NAME_MARKS:
            return None
        if token.kind == "command" and token.text in ("sqrt", "int", "sum", "lim", "prod", "pi"):
            return None
    return "".join(text for text in texts if text not in ("{", "}"))
