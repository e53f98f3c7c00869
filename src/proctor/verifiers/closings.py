r"""Leaves out what a completion ends in beside its answer: a check ("Check: 39 - 13 = 26 ✓"), courtesies ("Done."), a reason ("since 9 \cdot 4 = 36"),
an aside ("(about 12.7)").

A check that comes to anything, that doubts, or that says nothing of having worked, is none, and stays.
"""

from __future__ import annotations

import re

from proctor.verifiers.patterns import among, one_of
from proctor.verifiers.remarks import asks_place, closed_quantity
from proctor.verifiers.statements import sentences

_MAX_CHARS = 4000
_MAX_CHECK_CHARS = 600
_MAX_COURTESY_CHARS = 120
_MAX_COURTESIES = 3
_TRIED = among("expanding multiplying substituting plugging adding subtracting differentiating distributing foiling squaring")
_BEGINS = re.compile(
    r"(?:(?<=\n)|(?<=[.!)*✓] )|(?<=[.!)*]\n))[ \t]{0,4}[(*_>-]{0,4}\s?(?:(?:quick |sanity )?check(?:ing)?|verif(?:y|ying|ication)"
    r"|(?:(?:you|we) can (?:easily )?|to |let us |let['’]s )(?:check|verify|confirm)|as a check"
    rf"|{_TRIED}(?: \w{{1,12}}){{0,4}} (?:confirms?|checks?|verif(?:y|ies)|recovers?|works|gives back|returns|shows)"
    r"|(?:this|that|which|it) (?:makes sense|is (?:reasonable|consistent|plausible)|(?:agrees|matches|is in line) with)|makes sense)\b",
    re.IGNORECASE,
)
_EXPECTED = re.compile(r"(?:(?<=[.!?] )|(?<=\n))[A-Z](?:[^.!?\n]|\.\d){0,160}\bas (?:required|expected|desired|a check|it should(?: be)?)[.!\s✓]*\Z")
_FITS = "works correct holds checks_out makes_sense reasonable consistent plausible agrees"
_WORKED = re.compile(rf"=|[✓✔✅]|\\checkmark|\b(?:{among(_FITS)}|satisf\w{{1,4}}|confirm\w{{0,2}}|match\w{{0,2}})\b", re.IGNORECASE)
_CONCLUSIONS = """
so therefore hence thus wait but however actually answer not wrong instead incorrect mistake should only rather then really final result total_is fail fails no
"""
_CONCLUDES = re.compile(rf"{one_of(_CONCLUSIONS)}|n['’]t\b|[✗✘❌≠?]|\\ne|\\boxed", re.IGNORECASE)
_COURTESY = re.compile(
    r"(?<=[\s.!*)])(?:done|(?:I )?hope (?:this|that|it) helps|(?:let me know|feel free to|if you have)(?: [^.!?\n]{1,80})?|(?:happy|good) \w{1,12}|q\.?e\.?d"
    r"|(?:(?<=[.!✓] )|(?<=\n))(?:great|perfect)"
    r"|(?:and )?that['’]s it|(?:would you like|do you want|shall I|should I)\b[^.!?\n]{1,80}\?)[.!\s]{0,4}(?:[😊🎉👍🙂]\s?)?\Z",
    re.IGNORECASE,
)
_REST = r"(?:(?![.!?]\s|\n).){1,300}\Z"
_REMARKS = """
including whereas as which_is_less which_is_more which_is_greater which_is_smaller which_is_about which_is_approximately which_is_roughly reached attained
achieved counting coming computed who whose in_particular giving_a_total giving_the_total
"""
_FURTHER = "each every the_last the_other the_remaining the_value the_endpoint in_particular indeed here note this_is it_is_also"
_REASON = re.compile(rf",?\s(?-i:because|since)\b{_REST}|,\s{one_of(_REMARKS)}{_REST}|;\s{one_of(_FURTHER)}{_REST}", re.IGNORECASE)
_ASIDE = re.compile(
    r"\s\((?!mod\b|\\mod|base\b)(?=[^()]*(?:[A-Za-z]{2}|[=≈+×·*]))(?:[^()\n]|\([^()\n]*\)){1,200}\)[\s.!*$]*\Z"
    r"|,?\s(?:with|where|for) (?:(?![.!?]\s|\n).){0,40}\b(?:arbitrary|constants?)\b(?:(?![.!?]\s|\n).){0,40}\Z"
    r"|,?(?:\s|\\q?quad)+(?:for|where|with|provided)? ?\$?(?:\\text\{(?:for|where)\s?\})?\s?[a-z]\s?(?:≠|\\neq?(?![a-z])|!=)\s?-?[\d/., -]{1,12}[\s.$*]*\Z"
    r"|,?(?:\s|\\q?quad)+(?:for|where)? ?\$?[A-Za-z](?:_\d)?(?:,\s?[A-Za-z](?:_\d)?){0,2}\s?(?:\\in(?![a-z])|∈)\s?(?:\\mathbb\s?\{?[RCZ]\}?|[ℝℂℤ])"
    r"[\s.$*\]\\]*\Z"
    r"|,?\s(?:for|where)\s(?:(?:any|all|every|each|some)\s(?:whole numbers?|integers?)\s\$?[a-z]\$?|\$?[a-z]\$?\sis\san(?:y|\sarbitrary)?\sinteger)[\s.$*]*\Z"
    r"|\s\(?in (?:base (?:10|ten)|decimal)\)?[\s.!*]*\Z"
    r"|\s(?:for|where) \$?n\s?(?:\\ge|≥|>=|\\geq)\s?\d[\s.$*]*\Z"
    r"|,\s(?:or )?(?:about|approximately|roughly|around|nearly|≈|\\approx)\s(?:(?![.!?]\s|\n).){1,60}\Z"
)
_DANGLING = re.compile(r"(?:\b(?:and|so|or|but|then|hence|thus|therefore|that)|[,;:])\s*\Z", re.IGNORECASE)
"""Before a reason behind which the sentence goes on: "n² = 625 and, since n is positive, n = 25"."""
_RETRACTIONS = "no not or actually answer wait wrong instead but mistake incorrect rather so therefore hence thus then final"
_RETRACTS = re.compile(rf"{one_of(_RETRACTIONS)}|(?<!from )\bnow\b|n['’]t\b|\?", re.IGNORECASE)
_PLACE = re.compile(r",\s(?:reached|attained|achieved)", re.IGNORECASE)
_HAS_VALUE = re.compile(r"[\d$π∞\\=]|\*\*|infinity", re.IGNORECASE)
_MAX_REASON_CHARS = 400


def without_closing(text: str) -> str:
    """Return a text without courtesies and a check at its end."""
    for _ in range(_MAX_COURTESIES):
        found = _COURTESY.search(text, max(0, len(text) - _MAX_COURTESY_CHARS))
        if found is None or not text[: found.start()].strip():
            break
        text = text[: found.start()].rstrip()
    return _without_check(text)


def _without_check(text: str) -> str:
    expected = _EXPECTED.search(text, max(0, len(text) - _MAX_REASON_CHARS))
    if expected is not None and not _CONCLUDES.search(expected.group()) and text[: expected.start()].strip():
        return text[: expected.start()].rstrip()
    tail = text[-_MAX_CHARS:]
    begins = list(_BEGINS.finditer(tail))
    for found in begins:
        check = tail[found.start() :]
        if found.start() and len(check) <= _MAX_CHECK_CHARS and _WORKED.search(check) and not _CONCLUDES.search(check):
            return text[: len(text) - len(check)].rstrip()
    return text


def without_reason(text: str, prompt: str, *, allow_words: bool) -> str:
    """Return a text without the reason that its last sentence gives for what it says, where that is a value, or may be a word."""
    found = _REASON.search(text, max(0, len(text) - _MAX_REASON_CHARS))
    if found is None or _RETRACTS.search(found.group()) or found.group().count("(") != found.group().count(")"):
        return text
    if _DANGLING.search(text[: found.start()][-20:]):
        return text
    if _PLACE.match(found.group()) and asks_place(prompt):
        return text
    sentence = sentences(text[: found.start()])[-1]
    return text[: found.start()] if _HAS_VALUE.search(sentence) or (allow_words and " " in sentence.strip()) else text


def without_aside(text: str) -> str:
    """Return a text without what its last sentence adds in brackets, or behind a comma, and that changes nothing."""
    found = _ASIDE.search(text, max(0, len(text) - _MAX_REASON_CHARS))
    if found is None or _RETRACTS.search(found.group()) or closed_quantity(found.group().strip(" ().!*$\n")) is not None:
        return text  # also where it says another quantity: "3.6 hours (3 h 30 min)"
    return text[: found.start()] if _HAS_VALUE.search(sentences(text[: found.start()])[-1]) else text
