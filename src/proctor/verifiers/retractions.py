r"""Tells whether a final answer is denied in its own sentence ("is definitely not 16"), or taken back in what follows: "Scratch that, x is 16".

What retracts in so many words holds unless an answer is declared again. A doubt ("Wait", "Hmm", "Actually") is no retraction yet: it counts where what
follows comes to another value and nobody says that the answer was right. A check without a doubt ("Let me verify: 14 + 2 = 16") never counts, and
neither does a second value without either: which of two answers is the final one, the order of the channels says (`proctor.verifiers.extraction`).

A denial before an answer counts where it stands right before it ("is not", "cannot be", `x \ne`), or is about the whole sentence ("It is false
that", "the wrong answer is"). One of something else does not: "It is not 12 but 15", "not prime, so the answer is 15", "the least number that
cannot be written so is 15".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_MAX_CHARS = 20_000
_MAX_END_CHARS = 200
_BEGINS = r"(?:^|[.!?;:\n(\u2014\u2013]|\s-)[\s*_\"'$\\)\]}]{0,8}"
"""Of a sentence, or of what is set off as one."""
_QUITE = r"(?:(?:quite|actually|also|clearly|just|definitely|certainly|obviously|plainly|completely|totally|simply|surely|all|really|be) ){0,3}"
_MISTAKEN = (
    rf"{_QUITE}(?:(?:wrong|incorrect|mistaken|false|untrue|invalid|impossible|nonsense|absurd|rubbish|made up"
    r"|an? (?:(?:common|typical|frequent|usual|classic) )?(?:mistake|error|slip|trap|lie|joke|guess|misconception))"
    rf"|(?:not|n['’]t) {_QUITE}(?:right(?![- ]angl)|correct|it|(?:the|my) (?:final |right |correct )?answer|true|possible|valid|so))"
    r"\b(?! (?:to|that|for|if|unless|when|as|in)\b)"
)
_IS = r"(?:is|was|['’]s|(?:would|must|has to|seems to|appears to) be|seems|looks|(?=n['’]t)|(?:is|was|ca|can|could|wo|would|must)(?=not |n['’]t |\snot )"
_IS += r"|(?:is|was)(?=\s?n['’]t))"
_EXCLAIMED = r"(?:(?:no|nope|wait|oops|ah|oh|hmm+|actually|sorry|hold on|but)\b[\s,.!;:\u2014-]{1,4}){0,4}"
_RETRACTION = re.compile(
    rf"\b(?:scratch|strike|disregard|ignore|forget) (?:that|this|it|what|the above|the previous|my)\b|\bnever ?mind\b|\bon (?:second thoughts?|reflection)\b"
    rf"|\b(?:take|took) (?:(?:that|this|it|everything) back|back (?:that|this|it|my|the|what))\b"
    rf"|{_BEGINS}{_EXCLAIMED}correction\s?[:,\u2014-]|\bcorrected answer\b|\bmake that (?=[$\d\\])"
    rf"|\bmis-?(?:added|counted|calculated|computed|read|took|typed|wrote|placed|applied|remembered|stated|spoke|multiplied|subtracted|divided|copied)\b"
    rf"|\bI (?:made|see|found|notice|spotted) (?:a|an|my|the) (?:\w{{1,12}} ){{0,2}}(?:mistake|error|slip|typo)\b"
    r"|\bmy (?:mistake|bad|apologies)\b|\bI(?: was| am|['’]m) (?:wrong|mistaken)\b"
    rf"|{_BEGINS}{_EXCLAIMED}(?:that|this|it|the (?:above|answer|box)|(?:that|this|my|the|the above) (?:final )?(?:answer|value|result|solution|statement))"
    rf"\s?{_IS}\s?{_MISTAKEN}"
    rf"|\A\W{{0,8}}(?:(?:which|(?:and|but) (?:it|that|this|he|she|they|(?:my|his|her|their|the) \w{{2,12}})) ?)?(?:{_IS}|are|were)\s?{_MISTAKEN}"
    r"|\A\W{0,8}(?:does|do|did|will)(?: not|n['’]t) (?:work|satisfy|hold|fit|check|solve|make sense)\b"
    rf"|\A[\s$*).,;:()\u2014\u2013-]{{0,8}}(?:(?:wrong|false|incorrect)(?=[.!,;)]|\s*\Z)|rejected(?=\W)|not(?=[.!)]|\s*\Z)|{_MISTAKEN}(?=[.!)]))"
    r"|\A[\s$*).]{0,8}\?[\s*]{0,4}(?:no|nope|never|not)\b|\bno[,;] (?:it|that|this)(?: is|['’]s) not[.!]"
    r"|\bI (?:made (?:that|this|it|all of (?:that|this|it)) up|(?:hereby )?(?:retract|withdraw|revoke|recant|renounce|cancel)|give up|lied|am lying)\b"
    r"|\bI(?: (?:really|still))? (?:do not|don['’]t|cannot|can['’]t|could not|couldn['’]t) (?:really )?(?:know|solve|determine|find|answer)"
    r"(?= (?:the|what|this|it|that)\b|[.!])"
    r"|\bI(?: do not|['’]m not| am not| don['’]t) (?:believe|stand by|mean|endorse|confident in)"
    r" (?:it|this|that|in it|this answer|that answer|my answer|the above)\b"
    r"|\b(?:give|gave|have|had|offer|provide|submit|state) no (?:final )?answer\b|\bno (?:final )?answer (?:is|was) given\b"
    rf"|\bmy (?:final )?answer is (?:none|not)\b|\b(?:just|only) (?:kidding|joking)\b|{_BEGINS}(?:not!|no answer\b|psych\b)"
    rf"|{_BEGINS}(?:the above|this|that|it|(?:my|this|that|the) answer|everything)(?: above)? (?:must|should|can|may|is to|ought to) be"
    r" (?:ignored|disregarded|discarded|rejected|retracted)\b|\bplease (?:ignore|disregard|discard|reject)\b"
    r"|\bdo(?: not|n['’]t) (?:use|trust|accept) (?:it|this|that)\b"
    r"|\b(?:so|hence|thus|therefore|but|actually),? (?:there is|there are|there['’]s|it has) no (?:solutions?|answers?)(?=\s*(?:[.!;)*$\n]|\Z))"
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
_SENTENCE_END = re.compile(r"[!?\n]|\.(?!\d)")
_DISPLAYED = re.compile(r"[ \t:*]{0,4}\n?[ \t]{0,8}(?:\$\$|\\\[)?[ \t]{0,8}\n?[ \t]{0,8}\Z")
"""Between a sentence and what it says, set off in a line of its own."""
_DENIES = re.compile(
    r"not|n['’]t\b|n(?:ever|either|or|o (?:one|way|longer))\b|(?:could|might|may)\b|hardly|anything|rather|instead|except|unlike|exclud|other than|different"
    r"|opposite|far from|[≠!]|\\ne|false|untrue|wrong|incorrect|impossible|absurd|doubt|ridic|mistak|error|a lie|den[yi]|refute|reject|disagree|circumstances"
    r"|suppos|assum|imagin|pretend|\bif\b|\bpas\b|nicht|\bno (?:es|vale)|não|non è|niet|\bnie\b|\bне\b|不是|[并並]非|不等[于於]"
    r"|nobody|tract|withdraw|take back|invalid|tempting|some would|others (?:would|may|might)|students|people|solvers|others|pupils|slip|trap|misconc",
    re.IGNORECASE,
)
"""Something in every denial before an answer: most sentences have none of it, and are not looked at any closer."""
_NAMED = r"(?:\\?[A-Za-z](?:_\w|\([a-z]\)|\^\{?-?\w\}?)?\s?(?:=|\\approx|\u2248)\s?(?:[^=;,]{1,40}=\s?){0,3})?"
_TO_ANSWER = (
    r"(?:[\s,]{1,4}(?:be|been|is|are|equals?|equal to|a|an|the|that"
    r"|final|right|correct|true|answer|value|result|solution|of|to|it|this|\w{2,12}ly)(?![a-z])){0,6}"
    rf"[\s*_:(]{{0,6}}(?:\$\$?(?:[^$]{{0,80}}=\s?)?|\\[(\[])?[\s{{(]{{0,4}}{_NAMED}\Z"
)
_SUPPOSED = (
    r"\b(?:suppose|supposing|assume|assuming|imagine|pretend|what if|if)(?: that)? (?:the|our|my) (?:\w{2,12} )?"
    r"(?:answer|value|result|solution) (?:is|was|were)"
    r"|\b(?:suppose|supposing|imagine|pretend|what if|if)\b[^,;]{1,60}\bwere"
)
"""A supposition is no statement; "if each had 3, the total would be 12" is one."""
_ABROAD = (
    r"n['’]est (?:donc )?pas|ist (?:also )?nicht|\bno (?:es|vale)|não é|non è|is niet|jest nie|nie jest|\bне (?:равн\w{1,4}|явля\w{1,6})"
    r"|不是|并非|並非|不等于|不等於"
)
"""Denials in the languages that models change to."""
_DENIED_BEFORE = re.compile(
    rf"(?:\b(?:not|never|cannot|hardly|neither|nor|no longer|anything but|anything except|rather than|instead of|except(?: for)?|unlike|excluding)"
    rf"|{_SUPPOSED}|{_ABROAD}"
    rf"|\b(?:other than|different from|opposite of|far from)|n['’]t|≠|\\neq?(?![a-z])|\\not\s?=|!=|\bdoes(?: not|n['’]t) equal){_TO_ANSWER}"
    rf"|\b(?:could|might|may)(?: \w{{2,12}}ly)? be[\s*_(]{{1,4}}(?:\$\$?|\\[(\[])?[\s{{(]{{0,4}}{_NAMED}\Z"
    r"|(?:\b(?:false|untrue|wrong|incorrect|not true|not correct|not the case|impossible|absurd|unlikely|doubtful|ridiculous|a mistake|an error|a lie|no way)"
    r" (?:that|to (?:say|claim|think|answer|conclude|write|believe|assume|put|give))"
    r"|(?:\b(?:can)?not|n['’]t|\bnever|\bno longer) (?:\w{2,12}ly )?"
    r"(?:think|consider|believe|say|claim|agree|accept|mean|suggest|conclude|support|expect|suppose|answer|give|choose|write|assume)"
    r"|\b(?:some|many|most|several|others?|careless)(?: (?:students|people|solvers|others|pupils)| (?=would|might|may)) ?"
    r"(?:may |might |would |will )?(?:\w{2,12}ly )?"
    r"(?:answer|say|think|claim|guess|believe|conclude|argue)"
    r"|\b(?:common|typical|frequent|usual|classic|easy) (?:mistake|error|slip|trap|misconception)"
    r"|\b(?:doubt|deny|denies|refute|reject|disagree|under no circumstances|nobody|no one|retract|withdraw|take back)"
    r"|\b(?:wrong|incorrect|false|mistaken|invalid|rejected|erroneous|tempting) (?:final )?(?:answer|value|result|solution|guess|choice)s?)\b"
    rf"(?:(?!\b(?:so|but|hence|thus|therefore|then|instead|rather|whereas|while|because|since|and)\b)[^;]){{0,120}}\Z",
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


def is_denied(before: str) -> bool:
    """Whether the sentence in which an answer stands denies it.

    Args:
        before: what stands before the answer, as far as is known.
    """
    sentence = _SENTENCE_END.split(_DISPLAYED.sub(" ", before[-_MAX_END_CHARS:], count=1))[-1]
    return _DENIES.search(sentence) is not None and _DENIED_BEFORE.search(sentence) is not None


def doubt_after(answer: str, after: str) -> Doubt | None:
    """Return the doubt in what follows an answer; None where there is none, or where it ends in the answer's being right.

    Args:
        answer: as the model wrote it.
        after: what follows it.
    """
    after = _beyond(answer, after[:_MAX_CHARS])
    found = _RETRACTION.search(after) or _denial_of(answer, after)
    if found is not None:
        rest = after[found.end() :]
        return None if _stands(rest) else Doubt(is_retraction=True, text=rest)
    found = _DOUBT.search(after)
    if found is None or _is_confirmed(answer, after[found.end() :]):
        return None
    return Doubt(is_retraction=False, text=after[found.end() :])


def _beyond(answer: str, after: str) -> str:
    """What follows an answer where the answer itself stands at the beginning, since what follows "the answer is" was given."""
    shown = answer.strip().strip("$*. ")
    again = re.match(rf"[\s$*:]{{0,8}}{re.escape(shown)}(?![\d.]?\d|\w)", after) if 0 < len(shown) <= 60 else None
    return after if again is None else after[again.end() :]


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
