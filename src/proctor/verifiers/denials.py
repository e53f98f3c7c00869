r"""Tells whether a final answer is denied in its own sentence: "is definitely not 16", `x \ne`, "It is false that".

A denial before an answer counts where it stands right before it ("is not", "cannot be", `x \ne`), or is about the whole sentence ("It is false
that", "the wrong answer is"). One of something else does not: "It is not 12 but 15", "not prime, so the answer is 15", "the least number that
cannot be written so is 15".
"""

from __future__ import annotations

import re

from proctor.verifiers.patterns import among, any_of, one_of

_MAX_END_CHARS = 200
_SENTENCE_END = re.compile(r"[!?\n]|\.(?!\d)")
_DISPLAYED = re.compile(r"[ \t:*]{0,4}\n?[ \t]{0,8}(?:\$\$|\\\[)?[ \t]{0,8}\n?[ \t]{0,8}\Z")
"""Between a sentence and what it says, set off in a line of its own."""
_DENIES = re.compile(
    any_of(
        r"not",
        r"n['’]t\b",
        r"n(?:ever|either|or|o (?:one|way|longer))\b",
        r"(?:could|might|may)\b",
        among("hardly anything rather instead except unlike exclud other_than different opposite far_from"),
        r"[≠!]|\\ne",
        among("false untrue wrong incorrect impossible absurd doubt ridic mistak error a_lie"),
        r"den[yi]",
        among("refute reject disagree circumstances suppos assum imagin pretend"),
        r"\bif\b",
        r"\bpas\b|nicht|\bno (?:es|vale)|não|non è|niet|\bnie\b|\bне\b|不是|[并並]非|不等[于於]",
        among("nobody tract withdraw take_back invalid tempting some_would"),
        r"others (?:would|may|might)",
        among("students people solvers others pupils slip trap misconc"),
    ),
    re.IGNORECASE,
)
"""Something in every denial before an answer: most sentences have none of it, and are not looked at any closer."""

_VARIABLE = r"\\?[A-Za-z](?:_\w|\([a-z]\)|\^\{?-?\w\}?)?"  # `x`, `a_1`, `f(x)`, `\theta`
_NAMED = rf"(?:{_VARIABLE}\s?(?:=|\\approx|\u2248)\s?(?:[^=;,]{{1,40}}=\s?){{0,3}})?"  # `x =`, `S = a/(1-r) =`
_BRACE = r"[\s{(]{0,4}"
_LINK = any_of(  # "be equal to the final answer", "the value of", "exactly"
    among("be been is are"),
    r"equals?",
    among("equal_to a an the that final right correct true answer value result solution of to it this"),
    r"\w{2,12}ly",
)
_TO_ANSWER = (  # from a denial to the end of what stands before the answer: " equal to $x = "
    rf"(?:[\s,]{{1,4}}{_LINK}(?![a-z])){{0,6}}"
    rf"[\s*_:(]{{0,6}}(?:\$\$?(?:[^$]{{0,80}}=\s?)?|\\[(\[])?{_BRACE}{_NAMED}\Z"
)
_SUPPOSITION = "suppose supposing imagine pretend what_if if"
_SUPPOSED = any_of(
    rf"\b{among('suppose supposing assume assuming imagine pretend what_if if')}(?: that)?"  # "suppose that the answer was"
    rf" (?:the|our|my) (?:\w{{2,12}} )?{among('answer value result solution')} {among('is was were')}",
    rf"{one_of(_SUPPOSITION)}[^,;]{{1,60}}\bwere",  # "if it were"
)
"""A supposition is no statement; "if each had 3, the total would be 12" is one."""
_ABROAD = any_of(
    r"n['’]est (?:donc )?pas",
    r"ist (?:also )?nicht",
    r"\bno (?:es|vale)",
    r"não é",
    r"non è",
    r"is niet",
    r"jest nie",
    r"nie jest",
    r"\bне (?:равн\w{1,4}|явля\w{1,6})",
    r"不是|并非|並非|不等于|不等於",
)
"""Denials in the languages that models change to."""
_DENIAL = any_of(
    rf"\b{among('not never cannot hardly neither nor no_longer anything_but anything_except rather_than instead_of')}",
    rf"\bexcept(?: for)?|\b{among('unlike excluding')}",
    _SUPPOSED,
    _ABROAD,
    rf"\b{among('other_than different_from opposite_of far_from')}",
    r"n['’]t",
    r"≠|\\neq?(?![a-z])|\\not\s?=|!=",
    r"\bdoes(?: not|n['’]t) equal",
)
_FALSE = "false untrue wrong incorrect not_true not_correct not_the_case impossible absurd unlikely doubtful ridiculous a_mistake an_error a_lie no_way"
_OPINIONS = "think consider believe say claim agree accept mean suggest conclude support expect suppose answer give choose write assume"
_ADVERB = r"(?:\w{2,12}ly )?"
_DENIED_SENTENCE = any_of(
    rf"\b{among(_FALSE)} (?:that|to {among('say claim think answer conclude write believe assume put give')})",  # "it is false that"
    rf"(?:\b(?:can)?not|n['’]t|\bnever|\bno longer) {_ADVERB}{among(_OPINIONS)}",  # "I do not really think"
    r"\b(?:some|many|most|several|others?|careless)"  # "many students would say", "others may think"
    rf"(?: {among('students people solvers others pupils')}| (?=would|might|may)) ?"
    rf"(?:{among('may might would will')} )?{_ADVERB}{among('answer say think claim guess believe conclude argue')}",
    rf"\b{among('common typical frequent usual classic easy')} {among('mistake error slip trap misconception')}",
    rf"\b{among('doubt deny denies refute reject disagree under_no_circumstances nobody no_one retract withdraw take_back')}",
    rf"\b{among('wrong incorrect false mistaken invalid rejected erroneous tempting')} (?:final )?"  # "the wrong answer is"
    rf"{among('answer value result solution guess choice')}s?",
)
_TURNS = "so but hence thus therefore then instead rather whereas while because since and"
"""Behind one of these something else than what is denied is said."""
_DENIED_BEFORE = re.compile(
    any_of(
        rf"{_DENIAL}{_TO_ANSWER}",  # "is not equal to"
        rf"\b(?:could|might|may)(?: \w{{2,12}}ly)? be[\s*_(]{{1,4}}(?:\$\$?|\\[(\[])?{_BRACE}{_NAMED}\Z",  # "might possibly be $x ="
        rf"{_DENIED_SENTENCE}\b(?:(?!{one_of(_TURNS)})[^;]){{0,120}}\Z",  # "it is false that the answer is"
    ),
    re.IGNORECASE,
)


def is_denied(before: str) -> bool:
    """Whether the sentence in which an answer stands denies it.

    Args:
        before: what stands before the answer, as far as is known.
    """
    sentence = _SENTENCE_END.split(_DISPLAYED.sub(" ", before[-_MAX_END_CHARS:], count=1))[-1]
    return _DENIES.search(sentence) is not None and _DENIED_BEFORE.search(sentence) is not None
