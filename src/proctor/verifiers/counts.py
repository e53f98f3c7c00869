r"""Reads the number of a last sentence that ends in another one, or has its number in words: "There are 24 divisors of 360", "six cups for 16 servings".

What comes after the number that is said is given by the prompt, or is an aside, or is said of somebody else than the prompt asks about.
"""

from __future__ import annotations

import re

from proctor.verifiers.notation import lex
from proctor.verifiers.numerals import ONES, TENS, number_in_words
from proctor.verifiers.patterns import among, one_of
from proctor.verifiers.plain_numbers import NUMBER
from proctor.verifiers.remarks import before_given
from proctor.verifiers.statements import OTHER_VALUE, Said, last_number

_MAX_CHARS = 400
_UNITS = " ".join(ONES.split()[1:10])
_BUT_ONE = " ".join(word for word in ONES.split() if word != "one")
"""A one is a pronoun as often as a number."""
_IN_WORDS = re.compile(
    rf"(?<![\w-])((?:negative |minus )?(?:{one_of(' '.join(TENS))}(?:[- ]{one_of(_UNITS)})?|{one_of(_BUT_ONE)})|(?:negative|minus) one)(?![\w-])"
    rf"(?! {one_of('hundred thousand million dozen and point out_of times halves thirds percent')})",
    re.IGNORECASE,
)
_ONES: tuple[str, ...] = tuple(ONES.split())
_BELOW: tuple[str, ...] = ("half", "third", "quarter", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth")
_FRACTION = re.compile(
    r"(?:\A\W*(?:(?:so|thus|hence|therefore)\b,?\s)?|[,;]\s(?:so|thus|hence|therefore)\s)the (?:probability|chance|answer|fraction|result|value|slope) "
    rf"(?:is|equals) (?:exactly )?(?P<top>{among(_UNITS)})[ -](?P<bottom>(?:{among(' '.join(_BELOW))}|fourth|halve)s?)[\s.!*]*\Z",
    re.IGNORECASE,
)
_NUMBERED = r"\$?(?P<{}>\d[\d,]{{0,12}})\$?(?:\s|\\text\{{\s)(?P<{}>[a-z]{{3,20}})\}}?\$?"
_WHO_HAS = r"(?:he|she|they|there|we|it|the [a-z]{3,20}|[A-Z][a-z]{2,20}) (?:has|have|are|owns|own)"
_TWO_COUNTED = re.compile(
    rf"\W*(?:(?:so|thus|hence|therefore|then)\b,?\s)?{_WHO_HAS} {_NUMBERED.format('number', 'first')} and {_NUMBERED.format('other', 'second')}[\s.!*]*\Z",
    re.IGNORECASE,
)
_TWO_UNITS = re.compile(
    r"(?<=[a-z=] )(?<!and )(?<!days )(?<!day )(?<!weeks )(?<!week )(?<!years )(?<!hours )"
    r"(\d{1,6} (?:days?|hours?|hrs?|minutes?|mins?|feet|ft|yards?|pounds?|lbs?|weeks?|years?),?(?: and)? "
    r"\d{1,6} (?:hours?|minutes?|mins?|seconds?|inches|in|feet|ounces|oz|days?|months?))[\s.!*]*\Z"
)
_DOUBTS = """
suppose assume if let say complementary complement opposite impossible would could might guess maybe perhaps imagine dream dreamt claims claimed thinks
thought said says other
"""
_DOUBTED = re.compile(rf"{one_of(_DOUBTS)}|\?", re.IGNORECASE)
_CLAUSE = re.compile(r"(?:[,;:]|\b(?:so|and|therefore|hence|thus))\s", re.IGNORECASE)
_SIGN = re.compile(r"(?:negative|minus) ", re.IGNORECASE)
_ASIDE = re.compile(r"(\*\*[^*\n]{0,40}\d[^*\n]{0,40}\*\*[a-z ]{0,30}) \((?:(?!\b(?:or|not|now|actually|so|answer|wait|then)\b)[^()*=?]){1,80}\)[\s.!]*\Z")
_STARS = re.compile(r"(?<!\d)\*\*|\*\*(?!\d)")
"""The stars of bold type; not those of a power, as `2**5` is."""
_PART = re.compile(
    r"(?:After [A-Za-z'’ ]{1,40}, |(?:So|Thus|Hence|Therefore|Then),? )?(?:there (?:are|were) )?"
    r"\**(\d{1,9})\** of (?:the|his|her|their|its) (\d{1,9}) [a-z]{3,20} (?:are|were|will be|remain|remained) ([a-z]{3,20})[\s.!*]*"
)
"""`18 of the 120 rooms were empty`."""
_HOW_MANY = re.compile(r"\bhow many\b[^.?!]{1,80}", re.IGNORECASE)
_ABOUT = re.compile(r"\b(?i:how) (?:old|tall|far|heavy|long|fast) (?:is|was|will|does|did) ([A-Z][a-z]{1,15})\b")


def counted(sentence: str, prompt: str) -> Said:
    """Return the number that a sentence says; nothing where the last one in it is as good a guess.

    Args:
        sentence: the last one of a completion.
        prompt: of the task.
    """
    if len(sentence) > _MAX_CHARS:
        return Said()
    if not _DOUBTED.search(sentence):
        found = _fraction_in_words(sentence) or _in_two_units(sentence) or _of_two(sentence, prompt) or _part_of(sentence, prompt)
        if found is not None:
            return found
    if before := before_given(sentence, prompt):
        return last_number(before) if NUMBER.search(before) else _in_words(before)
    if (aside := _ASIDE.search(sentence)) is not None:
        return last_number(sentence[: aside.end(1)])
    if (asked := _ABOUT.search(prompt)) is not None and (
        found := re.search(rf"\b{asked[1]} (?:is|was|will be) (?:now )?[\d.,/]+(?: [a-z]+)?\b", sentence)
    ) is not None:
        return last_number(sentence[: found.end()])
    clause = sentence[max((found.end() for found in _CLAUSE.finditer(sentence)), default=0) :]
    return Said() if NUMBER.search(clause) or "$" in clause else _in_words(clause)


def _fraction_in_words(sentence: str) -> Said | None:
    """The fraction with which a sentence ends, in words: "the probability is one ninth"."""
    found = _FRACTION.search(sentence)
    if found is None or OTHER_VALUE.search(sentence[: found.start()]) or NUMBER.search(sentence, found.start()):
        return None
    bottom = _BELOW.index(found["bottom"].lower().removesuffix("s").replace("halve", "half").replace("fourth", "quarter")) + 2
    return Said((f"{_ONES.index(found['top'].lower())}/{bottom}",), sentence[: found.start()])


def _of_two(sentence: str, prompt: str) -> Said | None:
    """The number of what the prompt asks for, of a sentence that counts two things: "12 cows and 18 chickens"."""
    found = _TWO_COUNTED.match(_STARS.sub("", sentence))
    if found is None or OTHER_VALUE.search(sentence):
        return None
    numbers = {found["first"]: found["number"], found["second"]: found["other"]}
    asked = [noun for noun in numbers if re.search(rf"\bhow many {noun}\b", prompt, re.IGNORECASE)]
    is_one_noun = len({noun.lower().removesuffix("s") for noun in numbers}) == 1
    return Said((numbers[asked[0]],), sentence[: found.start()]) if len(numbers) == 2 and len(asked) == 1 and not is_one_noun else None


def _part_of(sentence: str, prompt: str) -> Said | None:
    """The part of a sentence that names the whole as well ("18 of the 120 rooms were empty"); nothing where the prompt asks how many others there are."""
    found, questions = _PART.fullmatch(sentence.strip()), _HOW_MANY.findall(prompt)
    if found is None or not questions or int(found[1]) >= int(found[2]):
        return None
    is_asked = any(re.search(rf"\b{found[3]}\b", question) for question in questions)
    return Said((found[1],), sentence[: sentence.index(found[1])]) if is_asked else Said()


def _in_two_units(sentence: str) -> Said | None:
    """The quantity in two units with which a sentence ends: "2 hours and 24 minutes"."""
    found = _TWO_UNITS.search(sentence)
    is_other = found is None or OTHER_VALUE.search(sentence[: found.start()]) is not None or NUMBER.search(sentence[max(0, found.start() - 4) : found.start()])
    return None if is_other or found is None else Said((found[1],), sentence[: found.start()])


def _in_words(sentence: str) -> Said:
    """The only number of a sentence, which is in words."""
    words = list(_IN_WORDS.finditer(sentence))
    if len(words) != 1 or OTHER_VALUE.search(_IN_WORDS.sub(" ", sentence)) or sentence.rstrip("* ").endswith("?"):
        return Said()
    word = words[0][1]
    number = number_in_words(lex(_SIGN.sub("", word)))
    return Said((f"{'-' * (_SIGN.match(word) is not None)}{number}",), sentence[: words[0].start()], sentence[words[0].end() :])
