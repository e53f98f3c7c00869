"""Checkers of instructions about form: how many words, which keywords, what it starts and ends with.

Each takes the text of a completion and the arguments of its instruction, and says whether the text obeys. Arguments have
the names that IFEval's data has. Keywords are compared as text, never as patterns, and every expression here takes time
linear in the text.

Source: Zhou et al. 2023, "Instruction-Following Evaluation for Large Language Models", table 1 (25 kinds); `startend:start_checker`
and `length_constraints:number_characters` are ours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proctor.errors import TaskError
from proctor.verifiers.blocks import fenced_whole
from proctor.verifiers.language import LANGUAGES, detect_language

Arguments = Mapping[str, Any]
RELATIONS = ("less than", "at least")
CONSTRAINED_RESPONSES = ("My answer is yes.", "My answer is no.", "My answer is maybe.")
RESPONSE_SEPARATOR = "******"

_WORD = re.compile(r"\w+")
_ABBREVIATIONS = re.compile(
    r"\b(?:Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|[eE]\.g|[iI]\.e|(?:No|Fig)(?=\.\s?\d))\."
    r"|\b(?:[ap]\.m|Ph\.D|etc)\.(?=\s+[^\sA-Z])"  # a capital letter after these begins a sentence
    r"|(?<![\w.])(?:[A-Z]\.){2,6}(?=\s+(?!(?:He|She|It|They|We|You|I|The|A|An|This|That|These|Those|There|Then|But|And|So|In|However|His|Her|Its|Their|Our)\b)\S)"
)
_SENTENCE_END = re.compile(r"(?<![.!?。！？])[.!?。！？]++[\"'”’)\]]*+(?:\s|$)")  # tried once for each run of marks: linear
_BULLET = re.compile(r"^[ \t]*(?:\*(?!\*)|-(?!-))[ \t]*\S", re.MULTILINE)
_HIGHLIGHT = re.compile(r"\*\*[^\n*]+\*\*|\*[^\n*]+\*")
_PLACEHOLDER = re.compile(r"\[[^\[\]\n]+\]")
_TITLE = re.compile(r"<<([^\n<>]+)>>")


@dataclass(frozen=True, slots=True)
class Constraint:
    """One kind of instruction.

    Attributes:
        check: whether a text obeys.
        required: names of the arguments that a task must give.
    """

    check: Callable[[str, Arguments], bool]
    required: tuple[str, ...] = ()


def _compare(count: int, arguments: Arguments, relation: str, threshold: str) -> bool:
    wanted = str(arguments.get(relation) or "at least")
    if wanted not in RELATIONS:
        raise TaskError(f"{relation} must be one of {', '.join(map(repr, RELATIONS))}, not {wanted!r}")
    return count < _number(arguments, threshold) if wanted == "less than" else count >= _number(arguments, threshold)


def _number(arguments: Arguments, name: str) -> int:
    value = arguments[name]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != int(value) or value < 0:
        raise TaskError(f"{name} must be a whole number of at least 0, not {value!r}")
    return int(value)


def _text(arguments: Arguments, name: str) -> str:
    value = arguments[name]
    if not isinstance(value, str) or not value.strip():
        raise TaskError(f"{name} must be a text that is not empty, not {value!r}")
    return value


def _texts(arguments: Arguments, name: str) -> Sequence[str]:
    value = arguments[name]
    if not isinstance(value, (list, tuple)) or not value or not all(isinstance(entry, str) and entry.strip() for entry in value):
        raise TaskError(f"{name} must be a list of texts, not {value!r}")
    return value


def _occurrences(text: str, keyword: str) -> int:
    """How often a keyword stands in a text as a word or words of its own, whatever its case."""
    keyword = keyword.strip()
    before, after = (r"(?<!\w)" if keyword[0].isalnum() else ""), (r"(?!\w)" if keyword[-1].isalnum() else "")
    return len(re.findall(before + re.escape(keyword) + after, text, re.IGNORECASE))


def _keywords(text: str, arguments: Arguments) -> bool:
    return all(_occurrences(text, keyword) for keyword in _texts(arguments, "keywords"))


def _keyword_frequency(text: str, arguments: Arguments) -> bool:
    return _compare(_occurrences(text, _text(arguments, "keyword")), arguments, "relation", "frequency")


def _forbidden(text: str, arguments: Arguments) -> bool:
    return not any(_occurrences(text, word) for word in _texts(arguments, "forbidden_words"))


def _letter_frequency(text: str, arguments: Arguments) -> bool:
    letter = _text(arguments, "letter").strip().lower()
    if len(letter) != 1:
        raise TaskError(f"letter must be one character, not {letter!r}")
    return _compare(text.lower().count(letter), arguments, "let_relation", "let_frequency")


def _language(text: str, arguments: Arguments) -> bool:
    wanted = _text(arguments, "language").lower().partition("-")[0]
    if wanted not in LANGUAGES:
        raise TaskError(f"language {wanted!r} cannot be told; allowed: {', '.join(LANGUAGES)}")
    return detect_language(text) == wanted


def _sentences(text: str, arguments: Arguments) -> bool:
    return _compare(count_sentences(text), arguments, "relation", "num_sentences")


def count_sentences(text: str) -> int:
    """Return the number of sentences: pieces with a word in them, ended by . ! or ? (abbreviations do not end one) or by a blank line."""
    plain = _ABBREVIATIONS.sub("abbr", text)
    return sum(bool(_WORD.search(piece)) for block in plain.split("\n\n") for piece in _SENTENCE_END.split(block))


def _words(text: str, arguments: Arguments) -> bool:
    return _compare(len(_WORD.findall(text)), arguments, "relation", "num_words")


def _characters(text: str, arguments: Arguments) -> bool:
    return _compare(len(text), arguments, "relation", "num_characters")


def _paragraphs(text: str, arguments: Arguments) -> bool:
    """Paragraphs separated by `***`; an empty one is allowed at either end, never between."""
    parts = text.split("***")
    if any(not part.strip() for part in parts[1:-1]):
        return False
    return sum(bool(part.strip()) for part in parts) == _number(arguments, "num_paragraphs")


def _nth_paragraph(text: str, arguments: Arguments) -> bool:
    """Paragraphs separated by blank lines; the nth of them starts with a given word."""
    parts = [part.strip() for part in text.split("\n\n") if part.strip()]
    nth = _number(arguments, "nth_paragraph")
    if not 1 <= nth <= len(parts) or len(parts) != _number(arguments, "num_paragraphs"):
        return False
    wanted = _plain_quotes(_text(arguments, "first_word").strip())
    paragraph = _plain_quotes(parts[nth - 1])
    first = _WORD.search(paragraph)
    return first is not None and paragraph.startswith(wanted, first.start()) and not paragraph[first.start() + len(wanted) :][:1].isalnum()


def _plain_quotes(text: str) -> str:
    """A text without regard to case and to the shape of its apostrophes."""
    return text.replace("’", "'").casefold()


def _placeholders(text: str, arguments: Arguments) -> bool:
    return len(_PLACEHOLDER.findall(text)) >= _number(arguments, "num_placeholders")


def _postscript(text: str, arguments: Arguments) -> bool:
    """A line that starts with the marker, without regard to spaces and bold type, and something said after it, there or on later lines."""
    marker = _undecorated(_text(arguments, "postscript_marker"))
    lines = [_undecorated(line) for line in text.splitlines()]
    last_said = max((number for number, line in enumerate(lines) if _WORD.search(line)), default=-1)
    return any(line.startswith(marker) and (number < last_said or _WORD.search(line, len(marker))) for number, line in enumerate(lines))


def _undecorated(text: str) -> str:
    return re.sub(r"[\s*_#>]", "", text).casefold()


def _bullets(text: str, arguments: Arguments) -> bool:
    return len(_BULLET.findall(text)) == _number(arguments, "num_bullets")


def _constrained(text: str, arguments: Arguments) -> bool:
    """Exactly one of the options, so that naming all of them is no answer."""
    return sum(option in text for option in CONSTRAINED_RESPONSES) == 1


def _highlights(text: str, arguments: Arguments) -> bool:
    return sum(bool(found.strip("* ")) for found in _HIGHLIGHT.findall(text)) >= _number(arguments, "num_highlights")


def _sections(text: str, arguments: Arguments) -> bool:
    """Sections headed by a word and a number ("SECTION 1"), each with something in it."""
    splitter = "section_spliter" if "section_spliter" in arguments else "section_splitter"
    parts = re.split(rf"(?<!\w){re.escape(_text(arguments, splitter).strip())}[ \t]*\d+", text)[1:]
    return sum(bool(_WORD.search(part)) for part in parts) >= _number(arguments, "num_sections")


def _json(text: str, arguments: Arguments) -> bool:
    """The whole text is one JSON value, which may stand in a code fence."""
    try:
        value = json.loads(fenced_whole(text, ("", "json")), parse_constant=_refuse)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, (dict, list))


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _title(text: str, arguments: Arguments) -> bool:
    return any(found.strip() for found in _TITLE.findall(text))


def _two_responses(text: str, arguments: Arguments) -> bool:
    """Two different responses with a separator between; one more before the first or after the last does no harm."""
    parts = [part.strip() for part in text.split(RESPONSE_SEPARATOR)]
    said = [part for number, part in enumerate(parts) if part or 0 < number < len(parts) - 1]
    return len(said) == 2 and all(said) and said[0] != said[1]


def _repeat_prompt(text: str, arguments: Arguments) -> bool:
    """The prompt word for word, then an answer of its own."""
    prompt = _text(arguments, "prompt_to_repeat").strip().casefold()
    whole = text.strip().casefold()
    return whole.startswith(prompt) and bool(_WORD.search(whole[len(prompt) :]))


def _ends_with(text: str, arguments: Arguments) -> bool:
    end = _text(arguments, "end_phrase").strip().casefold()
    whole = text.strip().strip('"').strip().casefold()
    return whole.endswith(end) and not (end[0].isalnum() and whole[: len(whole) - len(end)][-1:].isalnum())


def _starts_with(text: str, arguments: Arguments) -> bool:
    start = _text(arguments, "start_phrase").strip().casefold()
    whole = text.strip().strip('"').strip().casefold()
    return whole.startswith(start) and not whole[len(start) : len(start) + 1].isalnum()


def _capital_words(text: str, arguments: Arguments) -> bool:
    words = [word for word in _WORD.findall(text) if word.isupper()]
    return _compare(len(words), arguments, "capital_relation", "capital_frequency")


def _is_english(text: str) -> bool:
    return detect_language(text) in ("en", None)


def _uppercase(text: str, arguments: Arguments) -> bool:
    return text.isupper() and _is_english(text)


def _lowercase(text: str, arguments: Arguments) -> bool:
    return text.islower() and _is_english(text)


def _no_comma(text: str, arguments: Arguments) -> bool:
    return not any(comma in text for comma in (",", "，", "、", "،"))


def _quotation(text: str, arguments: Arguments) -> bool:
    whole = text.strip()
    return len(whole) > 2 and whole[0] == whole[-1] == '"' and bool(whole[1:-1].strip())


CONSTRAINTS: Mapping[str, Constraint] = {
    "keywords:existence": Constraint(_keywords, ("keywords",)),
    "keywords:frequency": Constraint(_keyword_frequency, ("keyword", "frequency")),
    "keywords:forbidden_words": Constraint(_forbidden, ("forbidden_words",)),
    "keywords:letter_frequency": Constraint(_letter_frequency, ("letter", "let_frequency")),
    "language:response_language": Constraint(_language, ("language",)),
    "length_constraints:number_sentences": Constraint(_sentences, ("num_sentences",)),
    "length_constraints:number_paragraphs": Constraint(_paragraphs, ("num_paragraphs",)),
    "length_constraints:number_words": Constraint(_words, ("num_words",)),
    "length_constraints:number_characters": Constraint(_characters, ("num_characters",)),
    "length_constraints:nth_paragraph_first_word": Constraint(_nth_paragraph, ("num_paragraphs", "nth_paragraph", "first_word")),
    "detectable_content:number_placeholders": Constraint(_placeholders, ("num_placeholders",)),
    "detectable_content:postscript": Constraint(_postscript, ("postscript_marker",)),
    "detectable_format:number_bullet_lists": Constraint(_bullets, ("num_bullets",)),
    "detectable_format:constrained_response": Constraint(_constrained),
    "detectable_format:number_highlighted_sections": Constraint(_highlights, ("num_highlights",)),
    "detectable_format:multiple_sections": Constraint(_sections, ("num_sections",)),
    "detectable_format:json_format": Constraint(_json),
    "detectable_format:title": Constraint(_title),
    "combination:two_responses": Constraint(_two_responses),
    "combination:repeat_prompt": Constraint(_repeat_prompt, ("prompt_to_repeat",)),
    "startend:start_checker": Constraint(_starts_with, ("start_phrase",)),
    "startend:end_checker": Constraint(_ends_with, ("end_phrase",)),
    "startend:quotation": Constraint(_quotation),
    "change_case:capital_word_frequency": Constraint(_capital_words, ("capital_frequency",)),
    "change_case:english_capital": Constraint(_uppercase),
    "change_case:english_lowercase": Constraint(_lowercase),
    "punctuation:no_comma": Constraint(_no_comma),
}
"""Instruction id -> how it is checked."""
