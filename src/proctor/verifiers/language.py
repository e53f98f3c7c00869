"""Which language a text is in, and whether a chain of thought stays in one: decided by script and by function words.

Small on purpose: a script settles most languages of the world, and the few dozen commonest words settle those that share
one. Right for prose of a sentence or more; short texts, names and closely related languages (Hindi and Marathi in a few words)
are where it is wrong or says None. Formulas and code are left out: they belong to no language, except for words in them that are
written in another script than the language, which are no notation.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from proctor.chat.thinking import own_words
from proctor.core.task import Score, Task
from proctor.errors import ConfigError
from proctor.plugins import unknown
from proctor.verifiers.extraction import after_reasoning

MAX_CHARS = 50_000
MIN_FOREIGN_WORDS = 4
"""A sentence of fewer words is too short to call it another language of the same script."""
MIN_FOREIGN_RUN = 2
"""Fewer function words of another language in a sentence, or in a row, may be a loan, a name, or a word of this one."""
MIN_SILENT_WORDS = 8
"""A sentence of so many words with no common word of English is not English: of GSM8K's solutions, 0.05 % of the words stand in one."""
MIN_SILENT_WORDS_OTHERS = 24
"""The same for the other languages, whose lists of function words are shorter."""

_SCRIPTS = {
    "latin": "A-Za-zÀ-ÖØ-öø-ÿĀ-ɏḀ-ỿ",
    "cyrillic": "Ѐ-ԯ",
    "greek": "Ͱ-Ͽ",
    "hebrew": "֐-׿",
    "arabic": "؀-ۿݐ-ݿ",
    "devanagari": "ऀ-ॿ",
    "bengali": "ঀ-৿",
    "gurmukhi": "਀-੿",
    "gujarati": "઀-૿",
    "tamil": "஀-௿",
    "telugu": "ఀ-౿",
    "kannada": "ಀ-೿",
    "malayalam": "ഀ-ൿ",
    "thai": "฀-๿",
    "hangul": "가-힯ᄀ-ᇿ",
    "kana": "぀-ヿ",
    "han": "㐀-䶿一-鿿",
}
_ONE_CHAR = ("han", "kana")
"""Scripts of which every character counts as a word."""
_MIN_LETTERS = {"greek": 4}
"""Letters that make a word in a formula, where fewer are variables; 2 in other alphabets."""
_LANGUAGES: dict[str, tuple[tuple[str, ...], str]] = {
    "en": (
        ("latin",),
        "the of and to in is that it for was on are as with be this have from or by not but what we you can so if then which there "
        "i a an do does no he she they has had will would when how my me all one his her their at",
    ),
    "de": (("latin",), "der die das und ist nicht ein eine zu den mit von für auf dem sich auch es wir ich im als wird sind oder aber wie dann wenn"),
    "fr": (("latin",), "le la les des et est un une que qui dans pour pas sur avec ce il elle nous vous du au plus par sont donc ou mais si je"),
    "es": (("latin",), "el la los las de y es en un una que por para con no se del al lo como más pero si son entonces este esta hay su o"),
    "pt": (("latin",), "o os as de e é em um uma que por para com não se do da ao como mais mas são então este esta há seu ou foi na no"),
    "it": (("latin",), "il lo la gli le di e è in un una che per con non si del della al come più ma sono quindi questo questa ci o anche nel"),
    "nl": (("latin",), "de het een en van is dat niet in op te zijn met voor die aan er maar om ook als dan we ik wordt of naar bij dit"),
    "sv": (("latin",), "och att det är en ett som på inte för med av till den har de vi jag om men så kan från eller när då"),
    "pl": (("latin",), "i w na z nie się jest to że do jak ale o po co tak za od są przez dla czy ten ta więc lub jego"),
    "cs": (("latin",), "a je se na že to do jsou pro jako ale tak jsme by co který která které když už nebo podle aby po si tedy máme"),
    "ro": (("latin",), "și si este în în de la cu pe din pentru nu care sunt mai ce ca să sa au fi dacă daca sau dar este prin după avem acest unui"),
    "hu": (("latin",), "a az és hogy nem egy is van ez azt meg de ha mint csak már vagy kell lesz ezt akkor még volt el így tehát minden"),
    "id": (("latin",), "yang dan di untuk dengan ini itu dari pada tidak adalah akan ke kita juga ada dalam oleh karena jika maka atau saya kami bahwa jadi"),
    "fi": (("latin",), "ja on ei se että hän ovat mutta kun niin oli myös joka tai jos sitten mitä tämä kuin ole voi vain ne sen"),
    "tr": (("latin",), "ve bir bu da de için ile çok ne daha gibi olarak ama o var değil kadar sonra ki mi her ise veya olan"),
    "vi": (("latin",), "và của là có không được cho một trong với này các đã những người khi để từ như thì bạn tôi nếu vậy"),
    "sw": (("latin",), "na ya wa kwa ni za katika la kuwa hii cha kama si au yake pia hiyo lakini watu hizo sana mtu"),
    "ru": (("cyrillic",), "и в не на что с как это по но мы я он она они из для то так если или есть быть его все тогда также ы э"),
    "uk": (("cyrillic",), "і в не на що з як це по але ми я він вона вони із для то так якщо або є бути його все тоді також та й у"),
    "bg": (("cyrillic",), "и в не на че с как това по но ние аз той тя те от за то така ако или е да се са има ще той също"),
    "el": (("greek",), ""),
    "he": (("hebrew",), ""),
    "ar": (("arabic",), "في من على إلى أن هذا هذه التي الذي و لا ما هو هي كان عن مع كل أو ثم إذا"),
    "fa": (("arabic",), "و در به از که این را با است برای آن یک می های ها بود شد یا تا اگر هم"),
    "ur": (("arabic",), "کے کی کا میں ہے اور سے کو نے پر یہ وہ ہیں تھا کہ بھی ایک نہیں تو جو اس"),
    "hi": (("devanagari",), "है के में की और का को से पर यह हैं नहीं एक कि था भी तो वह हम इस"),
    "mr": (("devanagari",), "आहे आणि या च्या हे ते मध्ये नाही एक की होते आहेत तर पण हा ही काय"),
    "ne": (("devanagari",), "छ र को मा हो यो पनि छन् गर्न भने एक लागि छैन थियो त्यो हामी"),
    "bn": (("bengali",), ""),
    "pa": (("gurmukhi",), ""),
    "gu": (("gujarati",), ""),
    "ta": (("tamil",), ""),
    "te": (("telugu",), ""),
    "kn": (("kannada",), ""),
    "ml": (("malayalam",), ""),
    "th": (("thai",), ""),
    "ko": (("hangul",), ""),
    "ja": (("kana", "han"), ""),
    "zh": (("han",), ""),
}
LANGUAGES = tuple(_LANGUAGES)
"""ISO 639-1 codes that are told apart."""

_FUNCTION_WORDS = {code: frozenset(words.split()) for code, (_, words) in _LANGUAGES.items()}
_MORE_ENGLISH = "more than each also because since after before only into out up over some any many much these those who where about per"
_EVIDENCE = _FUNCTION_WORDS | {"en": _FUNCTION_WORDS["en"] | frozenset(_MORE_ENGLISH.split())}
"""Words of which a long sentence has at least one: the function words; for English some more, which prose about numbers is full of."""
_OF_SCRIPT = {script: [code for code, (scripts, _) in _LANGUAGES.items() if script in scripts] for script in _SCRIPTS}
_WORD = re.compile("|".join(f"(?P<{script}>[{span}]{'' if script in _ONE_CHAR else '+'})" for script, span in _SCRIPTS.items()))
_NO_PROSE = re.compile(  # with bounded lengths: formulas that never close must not cost the square of the text
    r"```.{0,20000}?(?:```|\Z)|`[^`\n]{0,1000}`|\$\$[^$]{0,2000}\$\$|\$[^$\n]{0,1000}\$|\\\[.{0,300}?\\\]|\\\(.{0,100}?\\\)|\\[A-Za-z]+|</?\w{1,32}>",
    re.DOTALL,
)
_SENTENCE = re.compile(r"[^.!?\n。！？।]+")


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of a text: each with its script (ideographs and kana count one a character)."""

    words: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, text: str) -> _Words:
        return cls(tuple((match.group().casefold(), str(match.lastgroup)) for match in _WORD.finditer(text)))


def detect_language(text: str) -> str | None:
    """Return the ISO 639-1 code of the language that most of a text is in, or None if nothing decides.

    Args:
        text: prose; formulas and code in it are ignored.
    """
    return _language_of(_Words.of(_NO_PROSE.sub(" ", text[:MAX_CHARS])).words)


def _language_of(words: Iterable[tuple[str, str]]) -> str | None:
    words = tuple(words)
    scripts = Counter(script for _, script in words)
    if not scripts:
        return None
    if scripts["kana"] and scripts["kana"] + scripts["han"] > len(words) / 2:
        return "ja" if scripts["kana"] * 10 >= scripts["han"] else "zh"
    script = scripts.most_common(1)[0][0]
    codes = _OF_SCRIPT[script]
    if script == "han":
        return "zh"
    if len(codes) == 1:
        return codes[0]
    counts = {code: sum(word in _FUNCTION_WORDS[code] for word, found in words if found == script) for code in codes}
    best, second = sorted(counts.values(), reverse=True)[:2]
    if best == second:
        return None
    return max(counts, key=lambda code: counts[code])


def language_share(text: str, language: str) -> float | None:
    """Return the share of a text's words that are in one language: LC = #target-language words / #words.

    A word counts as foreign if its script is not the language's, in formulas and code too; if it stands in a sentence of at least
    `MIN_FOREIGN_WORDS` words whose function words are clearly another language's, or of at least `MIN_SILENT_WORDS` words without a
    single function word of this one; or if it is one of at least `MIN_FOREIGN_RUN` function words of another language in a row, whose
    sentence is in this one.

    Source: DeepSeek-AI 2025 (DeepSeek-R1), section 2.3.2.

    Args:
        text: prose; formulas and code in it are not counted, but for words of another script.
        language: one of `LANGUAGES`.

    Returns:
        Between 0 and 1; None for a text without words.

    Raises:
        ConfigError: the language is unknown.
    """
    scripts = _LANGUAGES[_known(language)][0]
    text = text[:MAX_CHARS]
    own, total = 0, sum(_num_foreign_in_notation(notation[0], scripts) for notation in _NO_PROSE.finditer(text))
    for sentence in _SENTENCE.findall(_NO_PROSE.sub(" ", text)):
        words = _Words.of(sentence).words
        total += len(words)
        of_script = [pair for pair in words if pair[1] in scripts]
        spoken = _language_of(of_script) if len(of_script) >= MIN_FOREIGN_WORDS else None
        is_foreign = spoken is not None and spoken != "zh" and _num_only_in(of_script, spoken, language) >= MIN_FOREIGN_RUN
        is_foreign = is_foreign or _is_silent(of_script, language)
        own += 0 if is_foreign else len(of_script) - _num_in_foreign_runs([word for word, _ in of_script], language, scripts)
    return own / total if total else None


def _num_foreign_in_notation(notation: str, scripts: Sequence[str]) -> int:
    """Words of a formula or of code that are neither notation nor the language's: of another script, and longer than names of variables."""
    return sum(
        script not in scripts and script != "latin" and (script in _ONE_CHAR or len(word) >= _MIN_LETTERS.get(script, 2))
        for word, script in _Words.of(notation).words
    )


def _is_silent(words: Sequence[tuple[str, str]], language: str) -> bool:
    """Whether a sentence is long and has none of the language's function words, where the language has a list of them."""
    own = _EVIDENCE[language]
    enough = MIN_SILENT_WORDS if language == "en" else MIN_SILENT_WORDS_OTHERS
    return bool(own) and len(words) >= enough and own.isdisjoint(word for word, _ in words)


def _num_only_in(words: Iterable[tuple[str, str]], spoken: str, language: str) -> int:
    """Different words that are function words of the one language and not of the other: a single one may be a loan, such as "per"."""
    return len({word for word, _ in words} & (_FUNCTION_WORDS[spoken] - _FUNCTION_WORDS[language]))


def _num_in_foreign_runs(words: Sequence[str], language: str, scripts: Sequence[str]) -> int:
    """Words in runs of function words of one other language of the same script, which this language does not have."""
    found: set[int] = set()
    for other in {code for script in scripts for code in _OF_SCRIPT[script]} - {language}:
        foreign = _FUNCTION_WORDS[other] - _FUNCTION_WORDS[language]
        for is_foreign, run in groupby(range(len(words)), key=lambda place, foreign=foreign: words[place] in foreign):
            places = list(run)
            if is_foreign and len(places) >= MIN_FOREIGN_RUN:
                found.update(places)
    return len(found)


def _known(language: str) -> str:
    if language not in _LANGUAGES:
        raise ConfigError(unknown(language, kind="language", allowed=LANGUAGES))
    return language


@dataclass(frozen=True, slots=True)
class LanguageConsistency:
    """Pays the share of the chain of thought that is in the wanted language: a small part beside the accuracy.

    The chain of thought is what stands before the last `</think>`; a completion without it is measured whole.
    The English sentence that ends thinking at a budget is left out. No words, no reward. The share alone is not an outcome: paid
    alone it teaches fluent nothing.

    Source: DeepSeek-AI 2025 (DeepSeek-R1), section 2.3.2: added to the accuracy directly, at a slight cost in performance.

    Attributes:
        language: ISO 639-1 code; a task may name its own under `language` in its info.
        whole: measure the answer too, not only the chain of thought.
    """

    language: str = "en"
    whole: bool = False

    def __post_init__(self) -> None:
        _known(self.language)

    def __call__(self, completion: str, task: Task) -> Score:
        """Score one completion: the share in [0, 1] as its value.

        Raises:
            ConfigError: the task names an unknown language.
        """
        completion = own_words(completion)
        answer = after_reasoning(completion)
        is_split = not self.whole and answer is not None and "</think>" in completion
        reasoning = completion[: len(completion) - len(answer or "")] if is_split else completion
        language = str(task.info.get("language", self.language))
        share = language_share(reasoning, language)
        return Score(None, share or 0.0, detect_language(reasoning), f"{share or 0.0:.0%} {language}" if share is not None else "no words")
