r"""Tells whether what follows a final answer takes it back: "Scratch that, x is 16", "No, that's wrong", "so it should be 16".

What retracts in so many words holds unless an answer is declared again. A doubt ("Wait", "Hmm", "Actually") is no retraction yet: it counts where what
follows comes to another value and nobody says that the answer was right. A check without a doubt ("Let me verify: 14 + 2 = 16") never counts, and
neither does a second value without either: which of two answers is the final one, the order of the channels says (`proctor.verifiers.extraction`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_MAX_CHARS = 20_000
_MAX_END_CHARS = 200
_BEGINS = r"(?:^|[.!?;:\n(\u2014\u2013]|\s-)[\s*_\"'$\\)\]}]{0,8}"
"""Of a sentence, or of what is set off as one."""
_MISTAKEN = (
    r"(?:(?:quite |actually )?(?:wrong|incorrect|mistaken|a mistake|an error)"
    r"|(?:not|n['’]t) (?:be |quite |actually )?(?:right(?![- ]angl)|correct|it|the answer))"
    r"\b(?! (?:to|that|for)\b)"
)
_EXCLAIMED = r"(?:(?:no|nope|wait|oops|ah|oh|hmm+|actually|sorry|hold on|but)\b[\s,.!;:\u2014-]{1,4}){0,4}"
_RETRACTION = re.compile(
    rf"\b(?:scratch|strike|disregard|ignore|forget) (?:that|this|it|what|the above|the previous|my)\b|\bnever ?mind\b|\bon (?:second thoughts?|reflection)\b"
    rf"|\btake (?:that|this|it) back\b|{_BEGINS}{_EXCLAIMED}correction\s?[:,\u2014-]|\bcorrected answer\b|\bmake that (?=[$\d\\])"
    rf"|\bmis-?(?:added|counted|calculated|computed|read|took|typed|wrote|placed|applied|remembered|stated|spoke|multiplied|subtracted|divided|copied)\b"
    rf"|\bI (?:made|see|found|notice|spotted) (?:a|an|my|the) (?:\w{{1,12}} ){{0,2}}(?:mistake|error|slip|typo)\b"
    r"|\bmy (?:mistake|bad|apologies)\b|\bI(?: was| am|['’]m) (?:wrong|mistaken)\b"
    rf"|{_BEGINS}{_EXCLAIMED}(?:that|this|it|the answer|my answer)(?: (?:is|was|ca|can)|['’]s)(?:\s?(?:also|clearly|actually|just))?\s?{_MISTAKEN}"
    rf"|\A\W{{0,8}}(?:is|was) {_MISTAKEN}"
    rf"|\blet me (?:correct|fix) (?:that|this|it|my|the)\b|\bor rather\b",
    re.IGNORECASE,
)
_DOUBT = re.compile(
    rf"{_BEGINS}(?:(?:oh|but|ah|and),?\s)?(?:wait|hmm+|oops|whoops|hold on|actually|nope|no(?=\s?[,.:;!\u2014-]|\swait\b)"
    r"|sorry|i mean|i meant|i apologi[sz]e|rather,|edit:)(?![a-z])"
    r"|\blet me (?:redo|recompute|recalculate|rethink|reconsider|start over|try again)\b|\bcorrect myself\b"
    r"|\b(?:after|up)?on (?:closer|further|a second|re-?\w{3,12}ing|review)\b|\bafter re-?\w{3,12}ing\b|\bis actually (?=[\d$\\-])"
    r"|\b(?:it|answer|result|that|this|so \w{1,20}) should (?:actually |really |instead )?(?:be|have been)\b"
    r"(?! (?:noted|clear|mentioned|stressed|remembered|obvious|said|easy))",
    re.IGNORECASE,
)
_ANSWER_STANDS = re.compile(
    r"(?:\b(?:answer|result|solution|value)(?: above| of \S{1,40})? (?:is|was|stays|remains|does|seems)(?: indeed| still| also)?"
    r" (?:right|correct|valid|confirmed|the same|fine|hold)"
    r"|\b(?:answer|result) (?:stands|holds|checks out))(?=\s?(?:[.!,;)✓*]|$))",
    re.IGNORECASE,
)
_CHECKED = re.compile(r"\b(?:(?:re|double-?\s?)?check(?:ing)?|verify(?:ing)?|confirm(?:ing)?|make sure|sanity)\b", re.IGNORECASE)
_CONFIRMED = re.compile(
    r"(?:\b(?:yes|correct|right|confirmed|confirms|checks out|verified|matche[sd]|matches|consistent|holds|works|fine|good|agrees)\b|[✓✔✅]|\\checkmark)"
    r"[^.!?\n]{0,60}[.!?\s)$*]*\Z",
    re.IGNORECASE,
)
_DENIED = re.compile(r"\b(?:not|never|isn['’]t|doesn['’]t|does n|don['’]t|incorrect|wrong)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Doubt:
    """What follows an answer, from where it begins to be doubted.

    Attributes:
        is_retraction: whether the answer is taken back in so many words, so that only another declared answer counts.
        text: what follows the first words of doubt.
    """

    is_retraction: bool
    text: str


def doubt_after(answer: str, after: str) -> Doubt | None:
    """Return the doubt in what follows an answer; None where there is none, or where it ends in the answer's being right.

    Args:
        answer: as the model wrote it.
        after: what follows it.
    """
    after = after[:_MAX_CHARS]
    found = _RETRACTION.search(after) or _denial_of(answer, after)
    if found is not None:
        rest = after[found.end() :]
        return None if _stands(rest) else Doubt(is_retraction=True, text=rest)
    found = _DOUBT.search(after)
    if found is None or _is_confirmed(answer, after[found.end() :]):
        return None
    return Doubt(is_retraction=False, text=after[found.end() :])


def _denial_of(answer: str, after: str) -> re.Match[str] | None:
    """`x is 16, not 14`."""
    shown = answer.strip().strip("$*. ")
    if not 0 < len(shown) <= 60:
        return None
    return re.search(rf"\b(?:not|rather than|instead of)\s{{1,3}}[$*]{{0,3}}(?:\\boxed\{{)?{re.escape(shown)}(?![\d.]?\d|\w)", after)


def _is_confirmed(answer: str, rest: str) -> bool:
    """Whether a doubt ends with the answer's being right: said of the answer, or at the end of a check in which it stands."""
    if _stands(rest):
        return True
    end = _CONFIRMED.search(rest[-_MAX_END_CHARS:])
    if end is None or _DENIED.search(rest[-_MAX_END_CHARS:]) or not _CHECKED.search(rest):
        return False
    shown = answer.strip().strip("$*. ")
    return bool(shown) and re.search(rf"(?<![\d.\w]){re.escape(shown)}(?![\d.]?\d|\w)", rest) is not None


def _stands(rest: str) -> bool:
    """Whether it is said that the answer is right, and not denied in the same sentence."""
    return any(not _DENIED.search(rest[max(0, found.start() - 60) : found.start()]) for found in _ANSWER_STANDS.finditer(rest))
