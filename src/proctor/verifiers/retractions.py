r"""Tells whether a final answer is taken back in what follows it: "Scratch that, x is 16", "which is wrong", "Wait, 14 + 2 is 16".

What retracts in so many words holds unless an answer is declared again. A doubt ("Wait", "Hmm", "Actually") is no retraction yet: it counts where what
follows comes to another value and nobody says that the answer was right. A check without a doubt ("Let me verify: 14 + 2 = 16") never counts, and
neither does a second value without either: which of two answers is the final one, the order of the channels says (`proctor.verifiers.extraction`).
An answer that its own sentence denies is another matter (`proctor.verifiers.denials`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from proctor.verifiers.patterns import among, any_of, one_of

_MAX_CHARS = 20_000
_MAX_END_CHARS = 200
_BEGINS = r"(?:^|[.!?;:\n(\u2014\u2013]|\s-)[\s*_\"'$\\)\]}]{0,8}"
"""Of a sentence, or of what is set off as one."""
_EXCLAIMED = rf"(?:{any_of(among('no nope wait oops ah oh'), 'hmm+', among('actually sorry hold_on but'))}\b[\s,.!;:\u2014-]{{1,4}}){{0,4}}"  # "Oh no, "

_QUITE_WORDS = "quite actually also clearly just definitely certainly obviously plainly completely totally simply surely all really be"
_QUITE = rf"(?:{among(_QUITE_WORDS)} ){{0,3}}"
_WRONG = any_of(
    among("wrong incorrect mistaken false untrue invalid impossible nonsense absurd rubbish made_up"),
    rf"an? (?:{among('common typical frequent usual classic')} )?{among('mistake error slip trap lie joke guess misconception')}",  # "a common mistake"
)
_RIGHT = any_of(r"right(?![- ]angl)", "correct", "it", r"(?:the|my) (?:final |right |correct )?answer", among("true possible valid so"))
_NOT_RIGHT = rf"(?:not|n['’]t) {_QUITE}{_RIGHT}"
_MISTAKEN = (  # "quite wrong", "not actually the answer"; no "wrong to", "impossible for"
    rf"{_QUITE}{any_of(_WRONG, _NOT_RIGHT)}\b(?! {among('to that for if unless when as in')}\b)"
)
_IS = any_of(
    among("is was"),
    r"['’]s",
    rf"{among('would must has_to seems_to appears_to')} be",
    among("seems looks"),
    r"(?=n['’]t)",
    rf"{among('is was ca can could wo would must')}(?=not |n['’]t |\snot )",  # "cannot be", "isn't"
    rf"{among('is was')}(?=\s?n['’]t)",
)

_SCRATCHED = (
    rf"\b{among('scratch strike disregard ignore forget')} {among('that this it what the_above the_previous my')}\b",  # "scratch that"
    r"\bnever ?mind\b",
    r"\bon (?:second thoughts?|reflection)\b",
    rf"\b(?:take|took) (?:{among('that this it everything')} back|back {among('that this it my the what')})\b",  # "I take that back"
    rf"{_BEGINS}{_EXCLAIMED}correction\s?[:,\u2014-]",  # "Correction: "
    r"\bcorrected answer\b",
    r"\bmake that (?=[$\d\\])",  # "make that 16"
)
_MISDEEDS = "added counted calculated computed read took typed wrote placed applied remembered stated spoke multiplied subtracted divided copied"
_MISTAKES = (
    rf"\bmis-?{among(_MISDEEDS)}\b",  # "I miscounted"
    rf"\bI {among('made see found notice spotted')} {among('a an my the')} (?:\w{{1,12}} ){{0,2}}{among('mistake error slip typo')}\b",  # "I see my error"
    rf"\bmy {among('mistake bad apologies')}\b",
    r"\bI(?: was| am|['’]m) (?:wrong|mistaken)\b",
)
_IT = any_of(
    among("that this it"),
    rf"the {among('above answer box')}",
    rf"{among('that this my the the_above')} (?:final )?{among('answer value result solution statement')}",
)
_CALLED_WRONG = rf"{_BEGINS}{_EXCLAIMED}{_IT}\s?{_IS}\s?{_MISTAKEN}"  # "Wait, that can't be right"
_WHICH = rf"(?:which|(?:and|but) (?:it|that|this|he|she|they|{among('my his her their the')} \w{{2,12}}))"
_WRONG_AT_ONCE = (  # right behind the answer
    rf"\A\W{{0,8}}(?:{_WHICH} ?)?(?:{_IS}|are|were)\s?{_MISTAKEN}",  # ", which is wrong", ", but my sum was incorrect"
    rf"\A\W{{0,8}}{among('does do did will')}(?: not|n['’]t) {among('work satisfy hold fit check solve make_sense')}\b",  # " does not work"
    r"\A[\s$*).,;:()\u2014\u2013-]{0,8}"  # " (wrong)", ": rejected", " - not."
    + any_of(r"(?:wrong|false|incorrect)(?=[.!,;)]|\s*\Z)", r"rejected(?=\W)", r"not(?=[.!)]|\s*\Z)", rf"{_MISTAKEN}(?=[.!)])"),
    rf"\A[\s$*).]{{0,8}}\?[\s*]{{0,4}}{among('no nope never not')}\b",  # "? No"
)
_DISOWNED = (
    rf"\bno[,;] {among('it that this')}(?: is|['’]s) not[.!]",  # "no, it is not."
    r"\bI "  # "I made that up", "I hereby retract", "I give up"
    + any_of(
        rf"made {any_of(among('that this it'), 'all of (?:that|this|it)')} up",
        rf"(?:hereby )?{among('retract withdraw revoke recant renounce cancel')}",
        among("give_up lied am_lying"),
    )
    + r"\b",
    r"\bI(?: (?:really|still))? (?:do not|don['’]t|cannot|can['’]t|could not|couldn['’]t)"  # "I really don't know."
    rf" (?:really )?{among('know solve determine find answer')}(?= {among('the what this it that')}\b|[.!])",
    r"\bI(?: do not|['’]m not| am not| don['’]t)"  # "I do not stand by it", "I'm not confident in that answer"
    rf" {among('believe stand_by mean endorse confident_in')} {among('it this that in_it this_answer that_answer my_answer the_above')}\b",
    rf"\b{among('give gave have had offer provide submit state')} no (?:final )?answer\b",
    r"\bno (?:final )?answer (?:is|was) given\b",
    r"\bmy (?:final )?answer is (?:none|not)\b",
    r"\b(?:just|only) (?:kidding|joking)\b",
    rf"{_BEGINS}(?:not!|no answer\b|psych\b)",
    rf"{_BEGINS}{any_of('the above', among('this that it'), '(?:my|this|that|the) answer', 'everything')}(?: above)?"  # "The above should be ignored"
    rf" {among('must should can may is_to ought_to')} be {among('ignored disregarded discarded rejected retracted')}\b",
    rf"\bplease {among('ignore disregard discard reject')}\b",
    rf"\bdo(?: not|n['’]t) {among('use trust accept')} {among('it this that')}\b",
    rf"\b{among('so hence thus therefore but actually')},? (?:there is|there are|there['’]s|it has) no (?:solutions?|answers?)"  # "so there is no solution."
    r"(?=\s*(?:[.!;)*$\n]|\Z))",
    rf"\blet me (?:correct|fix) {among('that this it my the')}\b",
    r"\bor rather\b",
)
_RETRACTION = re.compile(any_of(*_SCRATCHED, *_MISTAKES, _CALLED_WRONG, *_WRONG_AT_ONCE, *_DISOWNED), re.IGNORECASE)
_HESITATION = any_of(
    "wait",
    "hmm+",
    among("oops whoops hold_on actually nope"),
    r"no(?=\s?[,.:;!\u2014-]|\swait\b)",
    "sorry",
    "i mean",
    "i meant",
    "i apologi[sz]e",
    "rather,",
    "edit:",
)
_RESULT = any_of(among("it answer result that this"), r"so \w{1,20}")
_ALL_THE_SAME = among("noted clear mentioned stressed remembered obvious said easy")
_DOUBT = re.compile(
    any_of(
        rf"{_BEGINS}(?:{among('oh but ah and')},?\s)?{_HESITATION}(?![a-z])",  # "But wait"
        rf"\blet me {among('redo recompute recalculate rethink reconsider start_over try_again')}\b",
        r"\bcorrect myself\b",
        r"\b(?:after|up)?on (?:closer|further|a second|re-?\w{3,12}ing|review)\b",  # "on closer inspection", "upon rereading"
        r"\bafter re-?\w{3,12}ing\b",  # "after rechecking"
        r"\bis actually (?=[\d$\\-])",  # "is actually 16"
        rf"\b{_RESULT} should (?:actually |really |instead )?(?:be|have been)\b"  # "so x should be"
        rf"(?! {_ALL_THE_SAME})",  # "it should be noted"
    ),
    re.IGNORECASE,
)
_ANSWER_STANDS = re.compile(
    any_of(
        r"\b(?:answer|result|solution|value)(?: above| of \S{1,40})?"  # "the value of x is indeed correct"
        rf" {among('is was stays remains does seems')}(?: indeed| still| also)? {among('right correct valid confirmed the_same fine hold')}",
        r"\b(?:answer|result) (?:stands|holds|checks out)",
    )
    + r"(?=\s?(?:[.!,;)✓*]|$))",
    re.IGNORECASE,
)
_CHECKED = re.compile(r"\b(?:(?:re|double-?\s?)?check(?:ing)?|verify(?:ing)?|confirm(?:ing)?|make sure|sanity)\b", re.IGNORECASE)
_CONFIRMING = "yes correct right confirmed confirms checks_out verified matches matched consistent holds works fine good agrees"
_CONFIRMED = re.compile(rf"(?:{one_of(_CONFIRMING)}|[✓✔✅]|\\checkmark)[^.!?\n]{{0,60}}[.!?\s)$*]*\Z", re.IGNORECASE)
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
