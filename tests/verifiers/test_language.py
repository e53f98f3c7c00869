"""Languages told apart, the share of one, and penalties for repetition."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.chat.thinking import BUDGET_SENTENCE
from proctor.core.task import Task
from proctor.errors import ConfigError
from proctor.verifiers.language import LANGUAGES, LanguageConsistency, detect_language, language_share
from proctor.verifiers.repetition import RepetitionPenalty, repeated_share, suffix_run

TASK = Task("t", "")
SENTENCES = {
    "en": "We first add the two numbers and then divide the sum by three.",
    "de": "Wir addieren zuerst die beiden Zahlen und dann teilen wir die Summe durch drei.",
    "fr": "Nous allons ajouter les deux nombres et diviser la somme par trois.",
    "es": "El perro está en la casa y no quiere salir de ella.",
    "pt": "O cão está em casa e não quer sair com ela.",
    "it": "Il cane è in casa e non vuole uscire con la padrona.",
    "nl": "De hond is in het huis en hij wil niet naar buiten.",
    "sv": "Hunden är i huset och den vill inte gå ut med mig.",
    "pl": "Pies jest w domu i nie chce się ruszyć do ogrodu.",
    "cs": "Pes je v domě a nechce jít ven, ale když prší, tak se na to dívá z okna.",
    "ro": "Câinele este în casă și nu vrea să iasă cu pisica pe care o avem.",
    "hu": "A kutya a házban van és nem akar kimenni, de ha esik az eső, akkor ez már jó.",
    "id": "Anjing itu ada di rumah dan tidak akan pergi dengan kita ke pasar.",
    "fi": "Koira on talossa ja se ei halua ulos, mutta kun sataa niin se on iloinen.",
    "tr": "Köpek evde ve çok mutlu, ama bu bir sorun değil.",
    "vi": "Con chó và con mèo không có trong nhà của tôi.",
    "sw": "Mbwa na paka ni wa mtu katika nyumba hii.",
    "ru": "Мы сначала сложим числа, и потом это будет так же просто, как он сказал.",
    "uk": "Ми спочатку складемо числа, і це буде так само просто, якщо він є.",
    "bg": "Ние първо ще съберем числата, и това е така, за да се види какво са те.",
    "el": "Ο σκύλος είναι στο σπίτι.",
    "he": "הכלב נמצא בבית",
    "ar": "الكلب في البيت و القط على الباب",
    "fa": "سگ در خانه است و گربه را از در می بیند",
    "ur": "کتا گھر میں ہے اور بلی کے ساتھ نہیں ہے",
    "hi": "कुत्ता घर में है और बिल्ली बाहर है",
    "mr": "कुत्रा घरात आहे आणि मांजर बाहेर आहे",
    "ne": "कुकुर घरमा छ र बिरालो बाहिर छ",
    "bn": "কুকুরটি বাড়িতে আছে",
    "pa": "ਕੁੱਤਾ ਘਰ ਵਿੱਚ ਹੈ",
    "gu": "કૂતરો ઘરમાં છે",
    "ta": "நாய் வீட்டில் உள்ளது",
    "te": "కుక్క ఇంట్లో ఉంది",
    "kn": "ನಾಯಿ ಮನೆಯಲ್ಲಿದೆ",
    "ml": "നായ വീട്ടിലുണ്ട്",
    "th": "สุนัขอยู่ในบ้าน",
    "ko": "개는 집에 있다",
    "ja": "犬は家の中にいる",
    "zh": "我们先计算两个数的和",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_is_told(language: str) -> None:
    assert detect_language(SENTENCES[language]) == language
    assert language_share(SENTENCES[language], language) == 1.0
    other = "de" if language == "en" else "en"
    assert language_share(SENTENCES[language], other) in (0.0, pytest.approx(0.0, abs=0.2))


def test_share_counts_words() -> None:
    assert language_share("We add 3 and 4 and then 然后", "en") == pytest.approx(5 / 7)  # We add and and then | 然 后
    assert language_share(f"{SENTENCES['en']} {SENTENCES['de']}", "en") == pytest.approx(13 / 27)
    assert language_share("$x^2$ \\frac{a}{b} `code` 42", "en") == pytest.approx(1.0)  # what is left of the formula is a and b
    assert language_share("42 + 7 = 49", "en") is None
    assert language_share("", "en") is None
    with pytest.raises(ConfigError, match="unknown language 'eng'"):
        language_share("x", "eng")


def test_a_few_foreign_words_within_a_sentence_are_seen_and_a_loan_is_not() -> None:
    assert language_share("so it is 3 + 0 = 3 y entonces 4 + 4 = 8", "en") == pytest.approx(3 / 5)
    for own in ("Rosie runs 6 miles per hour.", "Each bird eats 12 beetles per day, I do not.", "He no longer paints la Rochelle as a man would."):
        assert language_share(own, "en") == 1.0


def test_foreign_scripts_in_formulas_and_code_count_and_notation_does_not() -> None:
    for hidden in ("`我们先计算`", "$我们先计算$", r"\(\text{我们先计算}\)", "```\n我们先计算\n```"):
        assert language_share(f"Well {hidden}", "en") == pytest.approx(1 / 6)
        assert language_share(f"我们 {hidden}", "zh") == 1.0
    assert language_share("Then `сначала сложим` it", "en") == pytest.approx(2 / 4)
    assert language_share("$我们$", "en") == 0.0
    for own in ("So $α + βγ = \\text{total}$ and `x`", r"So \(\alpha x\) is $א$", "So `print(the)` is it"):
        assert language_share(own, "en") == 1.0
    assert language_share("我们 $x + \\text{abc}$ `print`", "zh") == 1.0


@pytest.mark.parametrize(
    "text",
    [
        "Anjing besar berlari cepat sekali menuju pasar tradisional",
        "Ezután kiszámoljuk mennyi pénzt költött összesen Kovács Péter vasárnap",
        "Nejprve sečteme obě čísla potom vydělíme celkový součet třemi",
        "Prima dată adunăm numerele apoi împărțim suma obținută trei",
        "Kemudian Budi membeli delapan apel lalu memberikan tiga apel",
        SENTENCES["cs"],
        SENTENCES["ro"],
        SENTENCES["hu"],
        SENTENCES["id"],
    ],
)
def test_languages_without_a_word_of_english_are_not_english(text: str) -> None:
    assert language_share(text, "en") == 0.0


def test_short_english_without_function_words_is_english() -> None:
    for text in ("Total cost = 3 apples + 4 pears", "Kate bought red bouncy balls yesterday", "Ella needs wheels: see $x$"):
        assert language_share(text, "en") == 1.0
    assert language_share("Koira juoksee nopeasti kohti suurta vihreää puistoa eilen illalla", "fi") == 1.0


def test_consistency_reads_the_chain_of_thought() -> None:
    mixed = f"<think>{SENTENCES['zh']}</think>{SENTENCES['en']}"
    assert LanguageConsistency()(mixed, TASK).value == 0.0
    assert LanguageConsistency()(f"<think>{SENTENCES['en']}</think>{SENTENCES['zh']}", TASK).value == 1.0
    assert 0 < (LanguageConsistency(whole=True)(mixed, TASK).value or 0) < 1
    assert LanguageConsistency()(mixed, Task("t", "", info={"language": "zh"})).value == 1.0
    assert LanguageConsistency()("<think>1</think>2", TASK).value == 0.0  # no words, no reward
    assert LanguageConsistency()(mixed, TASK).outcome is None
    with pytest.raises(ConfigError, match="unknown language"):
        LanguageConsistency("klingon")


@pytest.mark.parametrize("language", ["es", "zh", "en"])
def test_the_sentence_of_a_thinking_budget_is_not_the_models(language: str) -> None:
    task, cut = Task("t", "", info={"language": language}), SENTENCES[language].rstrip(".。")
    assert LanguageConsistency()(f"<think>\n{cut}{BUDGET_SENTENCE}12", task).value == 1.0
    assert LanguageConsistency()(f"<think>\n{SENTENCES['de']}{BUDGET_SENTENCE}12", Task("t", "", info={"language": "en"})).value == 0.0


@given(st.text(max_size=300))
def test_any_text_has_a_share_between_0_and_1(text: str) -> None:
    share = language_share(text, "en")
    assert share is None or 0.0 <= share <= 1.0
    assert detect_language(text) in (None, *LANGUAGES)


def test_repeated_share() -> None:
    assert repeated_share(["a", "b", "c", "d"], 2) == 0.0
    assert repeated_share(["a", "b", "a", "b", "a", "b"], 2) == pytest.approx(1 - 2 / 5)
    assert repeated_share(["a"], 2) == 0.0


@given(st.text("ab", max_size=40), st.integers(2, 4))
def test_suffix_run_equals_the_naive_search(text: str, repeats: int) -> None:
    naive = 0
    for period in range(1, len(text) + 1):
        length = period
        while length < len(text) and text[-1 - length] == text[-1 - length + period]:
            length += 1
        if length >= repeats * period:
            naive = max(naive, length)
    assert suffix_run(text, min_repeats=repeats) == naive


def test_penalty() -> None:
    penalty = RepetitionPenalty(n=3, allowed=0.1, min_repeats=4, min_run_chars=20)
    assert penalty("The quick brown fox jumps over the lazy dog near the river bank today.", TASK).value == 0.0
    assert penalty("I think. " + "so it is " * 10, TASK).value == -1.0
    assert penalty("haha", TASK).value == 0.0
    assert penalty("I think." + "\n" * 4000, TASK).value == penalty("I think." + " \t" * 400, TASK).value == -1.0
    assert penalty("I think. " + "so it is " * 10 + "\n\n", TASK).value == -1.0
    assert penalty("I think.\n\n\n", TASK).value == 0.0
    half = "one two three four five six. " * 2 + "seven eight nine ten"
    assert -1.0 < (penalty(half, TASK).value or 0.0) < 0.0
    with pytest.raises(ConfigError, match="n >= 1"):
        RepetitionPenalty(n=0)


def test_floods_end() -> None:
    """The square of these lengths would take hours, and the suite's time limit would say so."""
    for flood in ("a" * 500_000, "ab" * 200_000, "\\[" * 100_000, "```a" * 50_000, "x. " * 100_000):
        assert (RepetitionPenalty()(flood, TASK).value or 0.0) <= 0.0
        assert LanguageConsistency()(flood, TASK).value in (0.0, 1.0)
