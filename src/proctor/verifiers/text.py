"""Verifies answers that are text: exact strings, multiple choice, overlap of words, a pattern."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from proctor.core.task import Outcome, Score, Task
from proctor.errors import ConfigError, TaskError
from proctor.verifiers.blocks import tagged
from proctor.verifiers.extraction import MAX_CHARS, MAX_COMPLETION_CHARS, after_reasoning, boxes, extractions
from proctor.verifiers.statements import MAX_CANDIDATES, MAX_TAIL_CHARS

_WRAPPED = re.compile(r"\\(?:text|textbf|mathrm|mathbf|mbox)\s*\{([^{}]*)\}")
_DECORATION = re.compile(r"\*\*|[$`]|\\\(|\\\)")
_TEX_SPACE = re.compile(r"\\[ ,;:!]|\\q?quad(?![a-zA-Z])|~")
_LEADING = re.compile(r"(?:(?i:option|choice|answer)\s{1,5})?(?:(?P<closed>\(\s?)(?P<first>[A-Z])\s?\)|(?P<bare>[A-Z])(?![\w'’]))\s*")
_REMARK = re.compile(r"[.:)]\s+(\S.*)|[-–—]\s+(\S.*)|\((\S.*)\)\.?", re.DOTALL)
_CONTRAST = re.compile(r",?\s*(?:and\s+)?not\s+\(?([A-Z])\)?\.?")
_STATED = re.compile(  # "is" may stand a few words after "answer", but none of them may take the answer back
    r"(?:\b(?:answers?|correct (?:option|choice|one))\b"
    r"(?P<says>(?:\s(?!(?:not|cannot|never|might|may|could|neither|wrong|incorrect)\b)\w{1,20}){0,8}?\s{1,5}(?:is|are|be)\b|[*_]{0,3}\s?[:=])?"
    r"|(?:^|[.!?])[\s*]{0,5}(?:(?:so|thus|therefore|hence)\b,?\s)?\bI(?P<choose>(?:['’](?:d|ll)|\s(?:would|will))?\s(?:choose|pick|select)\b))[\s:*_]{0,20}(?:(?:therefore|thus|hence|then)\s{1,5})?",
    re.IGNORECASE | re.MULTILINE,
)
_DOUBTED_BEFORE = re.compile(
    r"(?:\b(?:none|neither) of|(?:n['’]t|\bnot) (?:think|believe|say|sure)|\bdoubt|\b(?:wrong|incorrect|false|untrue))(?: that)?(?: (?:the|my|our))?"
    r"(?: (?:final|correct|right))?\s$",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?](?=\s|$)|\s(?=(?:because|since|as|which|so)\b)")
_DENIED = re.compile(  # how the words after a letter begin that take it back, or offer another one
    r"\W*(?:(?:so|but|and)\b\W*)?(?:(?:(?:which|that|this|it)(?:['’]s|\s(?:is|was))|is)\s)?"
    r"(?:(?:wrong|incorrect)\b(?!\s\w)|not\s(?:right|correct|true|it|so|the\sanswer)\b|n(?:o|ope)\b(?:\s?[,;:!–—-]|\.\s+\w)"
    r"|(?:or|nor|and|as\swell\sas)\s(?:\w+\s)?\(?[a-z]\b|(?:or|nor|maybe|perhaps|possibly|wait|actually|sorry)\b)",
    re.IGNORECASE,
)
_WORD = re.compile(
    r"[<>≤≥≠]=?(?=\s{0,5}[-−+]?[$€£]?\.?\d)|(?P<minus>(?<![\w)])[-−–][$€£]?(?=\.?\d))?(?P<number>(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)*\w*|(?<!\d)\.\d+\w*)|\w+"
)
_UNCLOSED = "the reasoning is not closed by </think>"


@dataclass(frozen=True, slots=True)
class ExactVerifier:
    """CORRECT if the answer is the reference text, runs of white space counted as one space.

    The answer is what stands in `<answer>` or `\\boxed{}`, else everything after the reasoning.

    Attributes:
        ignore_case: compare without regard to case.
    """

    ignore_case: bool = False

    def __call__(self, completion: str, task: Task) -> Score:
        """Score one completion.

        Raises:
            TaskError: the task has no answer.
        """
        gold = self._normal(_gold_text(task))
        text = after_reasoning(completion)
        if text is None:
            return Score.unparsed(_UNCLOSED)
        found = next(extractions(text, ("answer_tag", "boxed")), None)
        candidates = found.candidates if found else (text,)
        if not any(candidate.strip() for candidate in candidates):
            return Score.unparsed("no answer found")
        shown = candidates[-1].strip()
        return Score.correct(shown) if {self._normal(candidate) for candidate in candidates} == {gold} else Score.incorrect(shown)

    def gold(self, task: Task) -> str:
        """Return the completion that must be CORRECT."""
        return f"<answer>{_gold_text(task)}</answer>"

    def _normal(self, text: str) -> str:
        joined = " ".join(text.split())
        return joined.casefold() if self.ignore_case else joined


@dataclass(frozen=True, slots=True)
class ChoiceVerifier:
    """CORRECT if the completion chooses the reference letter, and no other, in one declared channel.

    A task may bring its own options as `info["choices"]`: a list of texts (the first is A), or an object from letters to texts. Then its
    letters are the only ones that can be chosen, and a remark beside the letter ("B. Paris") must be that option's text. Otherwise a remark
    may say anything that neither denies the letter ("B. wrong") nor offers another one ("B. or C").

    Attributes:
        choices: the letters that may be chosen where the task says nothing.
    """

    choices: str = "ABCDE"

    def __post_init__(self) -> None:
        if not (self.choices.isalpha() and self.choices.isupper()) or len(set(self.choices)) < len(self.choices):
            raise ConfigError(f'choices must be distinct capital letters like "ABCD", not {self.choices!r}')

    def __call__(self, completion: str, task: Task) -> Score:
        """Score one completion.

        Raises:
            TaskError: the task's answer is not one of its letters, or its options are malformed.
        """
        options = self._options(task)
        gold = self._gold_letter(task, options)
        text = after_reasoning(completion)
        if text is None:
            return Score.unparsed(_UNCLOSED)
        for channel, candidates in _offers(text, options):
            letters = [letter for _, letter in candidates]
            if None in letters:
                return Score.unparsed(f"{channel}: {candidates[letters.index(None)][0][:80]!r} is not one letter of {''.join(options)}")
            chosen = ", ".join(sorted({letter for letter in letters if letter}))
            return Score.correct(chosen, channel) if chosen == gold else Score.incorrect(chosen, channel)
        return Score.unparsed("no choice found")

    def gold(self, task: Task) -> str:
        """Return the completion that must be CORRECT."""
        return f"The answer is ({self._gold_letter(task, self._options(task))})."

    def _options(self, task: Task) -> Mapping[str, str]:
        """Letter -> text of the option, the text empty where it is unknown."""
        given = task.info.get("choices")
        if given is None:
            return dict.fromkeys(self.choices, "")
        if isinstance(given, str):
            given = dict.fromkeys(given, "")
        if isinstance(given, (list, tuple)) and 2 <= len(given) <= 26:
            given = dict(zip(string.ascii_uppercase, given, strict=False))
        if not isinstance(given, Mapping) or not given or not all(re.fullmatch("[A-Z]", str(letter)) for letter in given):
            raise TaskError(f"task {task.id}: choices must be a list of 2 to 26 texts, or an object from capital letters to texts")
        return {str(letter): str(text) for letter, text in given.items()}

    def _gold_letter(self, task: Task, options: Mapping[str, str]) -> str:
        letter = _letter(_gold_text(task), options)
        if letter is None:
            raise TaskError(f"the answer {task.answer!r} of task {task.id} is not one letter of {''.join(options)}")
        return letter


def _offers(text: str, options: Mapping[str, str]) -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    """Yield the channels that say anything, in order of precedence: each with its texts, and the letter that each text is, if it is one."""
    text = text[-MAX_COMPLETION_CHARS:]
    plain = {found.channel: found.candidates for found in extractions(text, ("boxed", "hashes", "whole"))}
    channels = {
        "boxed": _letters(plain.get("boxed", ()), options),
        "answer_tag": [offer for body in tagged(text, "answer") for offer in (_letters(boxes(body), options) or _letter_or_statements(body, options))],
        "hashes": _letters(plain.get("hashes", ()), options),
        "answer_is": _statements(text[-MAX_TAIL_CHARS:], options),
        "whole": _letters(plain.get("whole", ()), options),
    }
    yield from ((channel, offers) for channel, offers in channels.items() if offers)


def _letters(texts: Iterable[str], options: Mapping[str, str]) -> list[tuple[str, str | None]]:
    return [(text, _letter(text, options)) for text in texts]


def _letter_or_statements(body: str, options: Mapping[str, str]) -> list[tuple[str, str | None]]:
    """What the text of a tag offers: the letter that it is, else what its sentences say the answer is."""
    letter = _letter(body, options)
    return [(body, letter)] if letter else _statements(body, options) or [(body, None)]


def _statements(text: str, options: Mapping[str, str]) -> list[tuple[str, str | None]]:
    """The sentences that say what the answer is, each with its letter; None if it offers letters in another way, or doubts or denies one.

    A sentence about the answer in which no letter stands ("The answer is clear.") says nothing.
    """
    found: list[tuple[str, str | None]] = []
    openings = list(_STATED.finditer(text))
    ends = [*(opening.start() for opening in openings[1:]), len(text)]
    for opening, end in zip(openings, ends, strict=False):
        said = text[opening.end() : min(end, opening.end() + MAX_CHARS)].partition("\n")[0]
        letter = None if _DOUBTED_BEFORE.search(text[max(0, opening.start() - 60) : opening.start()]) else _stated_letter(said, options)
        is_statement = opening["says"] or opening["choose"]
        if letter or (is_statement and _offered(_SENTENCE_END.split(_bare(said), maxsplit=1)[0], options)):
            found.append((said.strip(), letter))
    return found[-MAX_CANDIDATES:]


def _stated_letter(said: str, options: Mapping[str, str]) -> str | None:
    """The letter that the words after "the answer is" give, unless the words after the letter take it back."""
    said = _bare(said)
    end = _SENTENCE_END.search(said)
    if end is None:
        return _letter(said, options)
    return None if _DENIED.match(said, end.end()) else _letter(said[: end.start()], options)


def _letter(text: str, options: Mapping[str, str]) -> str | None:
    """The letter that a text consists of: `B`, `(B)`, `**B**`, `Option B`, `B. Paris`, `B, not C`; None if it is anything else."""
    bare = _bare(text)
    match = _LEADING.match(bare)
    if match is None:
        return None
    letter, rest = match["first"] or match["bare"], bare[match.end() :]
    if letter not in options:
        return None
    if not rest.strip(".,:;)"):
        return letter
    if contrast := _CONTRAST.fullmatch(rest):
        return letter if contrast[1] != letter else None
    remark = _REMARK.fullmatch(rest)
    if remark is None and not (match["closed"] and re.match(r"[\w\\-]", rest)):
        return None
    return letter if _belongs(next(part for part in remark.groups() if part) if remark else rest, options[letter], options) else None


def _belongs(remark: str, option: str, options: Mapping[str, str]) -> bool:
    """Whether a remark beside a letter is the text of its option; where that is unknown, whether it neither denies the letter nor offers another."""
    if option:
        return _joined(remark) == _joined(option)
    return not _DENIED.match(remark) and not _offered(remark, options)


def _offered(remark: str, options: Mapping[str, str]) -> bool:
    """Whether a letter of an option stands alone in a text; "A dog" is an article, and a small letter counts at the end of an enumeration only."""
    letters = "".join(options)
    capital = rf"\b(?!A\s(?!(?:or|and|is|but|nor)\b)[a-zA-Z]{{2}})[{letters}]\b"
    small = rf"(?:^|,\s?|\b(?:or|and|no|not)\s)\(?[{letters.lower()}]\)?\W*$"
    return bool(re.search(capital, remark) or re.search(small, remark))


def _bare(text: str) -> str:
    """A text without what only decorates it: bold type, quotation marks, signs of formulas, fonts and spaces of LaTeX."""
    return _TEX_SPACE.sub(" ", _DECORATION.sub("", _WRAPPED.sub(r"\1", text))).strip().strip("*_\"“”'‘’").strip()


def _joined(text: str) -> str:
    return " ".join(_bare(text).split()).casefold().rstrip(".")


@dataclass(frozen=True, slots=True)
class F1Verifier:
    """The overlap of the answer's words with the reference's, as F1 in [0, 1]; CORRECT only where it is 1.

    Words are lower-cased, without punctuation and without articles. A number is one word with its sign and point, and `<` or `>` before it
    is another. Several references may be given as a list; the best counts.
    It pays for hedging by its nature ("5 or 6" earns 0.5 of "5"), so it is a measure for free text, never for short exact answers;
    `min_f1` cuts such part payments off.

    Source: Rajpurkar et al. 2016 (SQuAD), section 6.1.

    Attributes:
        min_f1: a smaller overlap is worth 0.
    """

    min_f1: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.min_f1 <= 1:
            raise ConfigError(f"min_f1 must be between 0 and 1, not {self.min_f1}")

    def __call__(self, completion: str, task: Task) -> Score:
        """Score one completion.

        Raises:
            TaskError: the task has no answer, or one without words.
        """
        references = self._references(task)
        text = after_reasoning(completion)
        if text is None:
            return Score.unparsed(_UNCLOSED)
        found = next(extractions(text, ("answer_tag", "boxed")), None)
        if found is not None and len(set(found.candidates)) > 1:
            return Score.incorrect(found.candidates[-1], f"{found.channel}: conflicting answers")
        answer = (found.candidates[-1] if found else text).strip()
        if not answer:
            return Score.unparsed("no answer found")
        value = max(word_f1(answer, reference) for reference in references)
        value = value if value >= self.min_f1 else 0.0
        return Score(Outcome.CORRECT if value == 1.0 else Outcome.INCORRECT, value, answer[:1000])

    def gold(self, task: Task) -> str:
        """Return the completion that must be CORRECT."""
        return f"<answer>{self._references(task)[0]}</answer>"

    def _references(self, task: Task) -> list[str]:
        given = task.answer if isinstance(task.answer, (list, tuple)) else [task.answer]
        references = [str(reference).strip() for reference in given if reference is not None]
        if not references or not all(_bag(reference) for reference in references):
            raise TaskError(f"task {task.id} has no reference answer with words in it: {task.answer!r}")
        return references


def word_f1(answer: str, reference: str) -> float:
    """Return 2PR / (P + R), where P and R are the shares of the answer's and the reference's words that they have in common."""
    ours, theirs = _bag(answer), _bag(reference)
    common = (ours & theirs).total()
    return 2 * common / (ours.total() + theirs.total()) if common else 0.0


def _bag(text: str) -> Counter[str]:
    words = (_word(match) for match in _WORD.finditer(text.casefold().replace("'", "").replace("’", "")))
    return Counter(word for word in words if word not in ("a", "an", "the"))


def _word(match: re.Match[str]) -> str:
    """A word as it is compared: a number with its sign and point, without commas; all else as it stands."""
    number = match["number"]
    if number is None:
        return match[0]
    return ("-" if match["minus"] else "") + ("0" if number.startswith(".") else "") + number.replace(",", "")


@dataclass(frozen=True, slots=True)
class RegexVerifier:
    """CORRECT if the last match of a pattern captures the reference answer.

    The pattern comes from here or from `info["pattern"]` of the task. Where neither has one, the task's answer *is* a pattern, and
    all of the completion's answer (in `<answer>`, `\\boxed{}`, else the whole text) must match it. Python's matcher can take exponential time on
    a careless pattern: in a run it is killed after `scoring.timeout_s`, and the completion is INCORRECT.

    Attributes:
        pattern: a regular expression with one group, as in `r"ANSWER:\\s*(\\w+)"`.
    """

    pattern: str = ""

    def __post_init__(self) -> None:
        if self.pattern:
            self._check(self.pattern)

    @staticmethod
    def _check(pattern: str) -> None:
        try:
            num_groups = re.compile(pattern).groups
        except re.error as error:
            raise ConfigError(f"the pattern {pattern!r} is not a regular expression: {error}") from error
        if num_groups != 1:
            raise ConfigError(f"the pattern {pattern!r} has {num_groups} groups; it needs one, around the answer")

    def __call__(self, completion: str, task: Task) -> Score:
        """Score one completion.

        Raises:
            TaskError: the task has no answer, or a pattern of its own that is none.
        """
        gold = _gold_text(task)
        text = after_reasoning(completion)
        if text is None:
            return Score.unparsed(_UNCLOSED)
        pattern = self.pattern or str(task.info.get("pattern") or "")
        if not pattern:
            return _match_whole(gold, text, task)
        try:
            self._check(pattern)
        except ConfigError as error:
            raise TaskError(f"task {task.id}: {error}") from error
        found = re.findall(pattern, text)
        if not found:
            return Score.unparsed("the pattern does not match")
        return Score.correct(found[-1]) if found[-1].strip() == gold else Score.incorrect(found[-1])


def _match_whole(pattern: str, text: str, task: Task) -> Score:
    """Match all of the answer with a pattern that the task gives as its answer."""
    found = next(extractions(text, ("answer_tag", "boxed")), None)
    if found is not None and len(set(found.candidates)) > 1:
        return Score.incorrect(found.candidates[-1], f"{found.channel}: conflicting answers")
    answer = (found.candidates[-1] if found else text).strip()
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise TaskError(f"task {task.id}: the answer {pattern!r} is not a regular expression: {error}") from error
    if not answer:
        return Score.unparsed("no answer found")
    return Score.correct(answer) if compiled.fullmatch(answer) else Score.incorrect(answer)


def _gold_text(task: Task) -> str:
    text = "" if task.answer is None else str(task.answer).strip()
    if not text:
        raise TaskError(f"task {task.id} has no reference answer")
    return text
