r"""The math verifier: what is equal, what is not, what is never paid, and what never takes long."""

from __future__ import annotations

import builtins

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proctor.core.task import Outcome, Score, Task
from proctor.errors import ConfigError, TaskError
from proctor.verifiers.evaluation import _points
from proctor.verifiers.expressions import Symbol
from proctor.verifiers.mathematics import MathVerifier, number_verifier


def grade(completion: str, gold: object, verifier: MathVerifier | None = None) -> Score:
    return (verifier or MathVerifier())(completion, Task("t", "", gold))


EQUAL = [
    ("1/2", r"\dfrac12"),
    (r"\frac{\sqrt3}{3}", r"\frac1{\sqrt3}"),
    ("1024", "2^{10}"),
    ("300000", r"3 \times 10^5"),
    ("3e5", "300000"),
    ("0.001", "1e-3"),
    ("-42", "\u221242"),
    ("42", r"\color{red}{42}"),
    ("42", r"\mathbf{42}"),
    ("1234", r"1\,234"),
    ("1,234", "1234.0"),
    ("10{,}000", "10000"),
    ("1.5", r"1\frac12"),
    ("1.5", "1 1/2"),
    ("0.5", ".5"),
    (r"\frac34", r"75\%"),
    ("28\\%", "28"),
    ("18", r"\$18.00"),
    ("$18", "18 dollars"),
    (r"5\text{ cm}", "5"),
    ("5", r"5\text{ cm}"),
    ("12\\pi", r"12 \pi \text{ cm}^2"),
    ("90^\\circ", "90 degrees"),
    (r"2\sqrt2", r"\sqrt8"),
    (r"96-10\sqrt{21}", r"\frac{6\sqrt{1789-240\sqrt{21}}+8\sqrt{1236-240\sqrt{21}}}{5}"),
    (r"\log_2 8", "3"),
    (r"\frac{1}{2004!}", r"\frac{1}{2004!}"),
    ("e^{-1}", r"\frac1e"),
    (r"\frac{1}{x+1}", "(x+1)^{-1}"),
    (r"\binom{n}{2}", r"\frac{n(n-1)}{2}"),
    ("x^2", "f(x)=x^2"),
    ("8", "x = 3 + 5 = 8"),
    ("6x-8y=4", "3x-4y=2"),
    ("x \\le 1", "-x \\ge -1"),
    (r"[2,\infty)", r"x\ge2"),
    ("(-793, 10)", "-793 < a < 10"),
    ("1,2,3", "3, 1, 2"),
    (r"\pm 2", r"\{-2, 2\}"),
    ("(1,2)", r"\left(1, 2\right)"),
    (r"(-\infty, 2) \cup (3, \infty)", r"x \in (3,\infty) \cup (-\infty,2)"),
    (r"\begin{pmatrix} 1/2 \\ 3 \end{pmatrix}", r"\begin{bmatrix} 0.5 \\ 3 \end{bmatrix}"),
    (r"\text{(E)}", "E"),
    (r"\text{Evelyn}", "Evelyn"),
    ("204_5", "204_{5}"),
    (r"\frac{\sqrt{3}}{3} \approx 0.577", r"\frac{\sqrt{3}}{3}"),
    (r"5\text{ cm}", r"50\text{ mm}"),
    ("1 hour 30 minutes", "1.5 hours"),
    ("10 m/s", "36 km/h"),
    (r"\$2.5\text{ million}", r"\$2,500,000"),
    (r"120^\circ", r"\frac{2\pi}{3}"),
    (r"33\frac13\%", r"\frac13"),
    (r"0.1\overline{6}", r"\frac16"),
    ("4:30 p.m.", "16:30"),
    (r"\text{July 4, 2020}", "2020-07-04"),
    (r"\mathbb{R}\setminus\{0\}", r"(-\infty,0)\cup(0,\infty)"),
    (r"[1,2)\cup(2,3]", r"[1,3]\setminus\{2\}"),
    (r"|x|>2", r"x<-2 \text{ or } x>2"),
    (r"x\ne\pm1", r"x\ne1, x\ne-1"),
    ("x=3, y=4", "(3,4)"),
    ("(x,y)=(3,4)", "y=4, x=3"),
    ("3:4", "6:8"),
    (r"2\begin{pmatrix}1&2\\3&4\end{pmatrix}", "[[2,4],[6,8]]"),
    (r"\sqrt{x}\sqrt{y}", r"\sqrt{xy}"),
    (r"x^{2/3}", r"\sqrt[3]{x^2}"),
    (r"\sqrt[3]{2+\sqrt5}", r"\frac{1+\sqrt5}{2}"),
    (r"\cos 36^\circ", r"\frac{1+\sqrt5}{4}"),
    ("x^2+y^2=4", r"\frac{x^2}{4}+\frac{y^2}{4}=1"),
    ("f(x)=2x", "y=2x"),
    (r"\text{Yes}", "yes"),
    ("twenty-one", "21"),
    ("121_3", r"121_{\text{three}}"),
    ("100,200", "100200"),
    ("100,200", "200, 100"),
]

UNEQUAL = [
    ("7", r"7 \text{ or } 8"),
    ("5", r"5\text{ or 6 or 7}"),
    ("7", "1,2,3,4,5,6,7,8,9"),
    ("7", r"\{7, 8\}"),
    ("7", r"\pm 7"),
    ("7", r"x=7, x=8"),
    ("7", r"x \le 7"),
    ("12", "13 = 12"),
    ("12", "1=2=3=4=5=12"),
    ("12", "1 2"),
    ("5", "5x"),
    (r"3\sqrt{13}", "3"),
    (r"2\pi", "2"),
    ("3 or 5", "5"),
    ("3x-y+13=0", "3x+4y+14=0"),
    ("7 = 11a+c", "11a+c"),
    (r"\frac{1}{2004!}", r"\frac{1}{2006!}"),
    (r"\frac{1}{2^{99}}", r"\frac{1}{2^{98}}"),
    ("123456789", "123456788"),
    ("10000", "10001"),
    ("25", "0.25"),
    ("0.25", "25"),
    (r"50\%", r"5000\%"),
    (r"\pi", "3.14"),
    (r"\sqrt2", "1.41421356237309504880168872420969807856967187537694"),
    (r"\text{week}", r"\text{month}"),
    (r"5\text{ cm}", r"5\text{ m}"),
    (r"5\text{ hours}", r"5\text{ minutes}"),
    ("121_3", "121_4"),
    ("121_3", "121"),
    (r"\frac{a}{b+c}", r"\frac{a}{b}+c"),
    ("-2^2", "(-2)^2"),
    ("[0,1)", "[0,1]"),
    ("x \\ge 2", "x > 2"),
    ("(1,2)", "(2,1)"),
    ("x", "|x|"),
    ("x", r"\sqrt{x^2}"),
    ("1", "1+10^{-99}"),
    ("5050", r"\sum_{k=1}^{100}k"),
    ("5", ""),
    ("5", r"\text{}"),
    ("0", r"\infty"),
    ("1+2i", "1-2i"),
    ("f(x)", "f(y)"),
    ("0", "f(0)"),
    ("f(0)", "0"),
    (r"5\text{ cm}", r"5\text{ mm}"),
    ("3:30", "1:10"),
    ("4:30 PM", "4:30"),
    ("x=1, y=2", "2, 1"),
    ("[5,2)", "[7,3)"),
    ("262537412640768744", r"e^{\pi\sqrt{163}}"),
    (r"\sqrt2", r"\sqrt{2+e^{-700}}"),
    ("x", "x+10^{-200}"),
    ("x", r"x\frac{x}{|x|}"),
]


@pytest.mark.parametrize(("gold", "answer"), EQUAL)
def test_equal_answers(gold: str, answer: str) -> None:
    assert grade(rf"\boxed{{{answer}}}", gold).outcome is Outcome.CORRECT
    assert grade(rf"\boxed{{{gold}}}", answer).outcome is Outcome.CORRECT


@pytest.mark.parametrize(("gold", "answer"), UNEQUAL)
def test_unequal_answers(gold: str, answer: str) -> None:
    assert grade(rf"\boxed{{{answer}}}", gold).outcome in (Outcome.INCORRECT, Outcome.UNPARSED)


@pytest.mark.parametrize(
    ("completion", "channel"),
    [
        (r"First \(4\), then \boxed{5}.", "boxed"),
        (r"\boxed 5", "boxed"),
        (r"<think>\boxed{4}</think>\boxed{5}", "boxed"),
        (r"\boxed{5}, that is \boxed{5.0}", "boxed"),
        ("<think>4</think><answer>5</answer>", "answer_tag"),
        (r"<answer>so \boxed{5}</answer>", "boxed"),
        ("2 + 3\n#### 5", "hashes"),
        ("2 and 3. The answer is 5 because of that.", "answer_is"),
        ("**Answer:** 5", "answer_is"),
        ("The final answer is: $5$.", "answer_is"),
        ("Final Answer: The largest $n$ is 5.", "answer_is"),
        ("It follows\nthat it is $n = 5$", "last_math"),
        ("5", "whole"),
        ("She has 3 apples.\nHe has 5.", "last_number"),
        ("Altogether she makes $5 every day.", "last_number"),
    ],
)
def test_one_channel_counts(completion: str, channel: str) -> None:
    score = grade(completion, "5")
    assert (score.outcome, score.reason) == (Outcome.CORRECT, channel)


@pytest.mark.parametrize(
    ("completion", "outcome"),
    [
        (r"\boxed{5} \boxed{6} \boxed{7}", Outcome.INCORRECT),
        (r"\boxed{4} so the final answer is $7$", Outcome.INCORRECT),
        ("<answer>6</answer><answer>7</answer>", Outcome.INCORRECT),
        ("#### 6\n#### 7", Outcome.INCORRECT),
        ("The answer is 6 or 7", Outcome.INCORRECT),
        ("The answer is 6. No, the answer is 7.", Outcome.INCORRECT),
        (r"<think>\boxed{7}", Outcome.UNPARSED),
        (r"<think>\boxed{7}</think> I do not know", Outcome.UNPARSED),
        (r"\boxed{7 apples and pears}", Outcome.UNPARSED),
        ("", Outcome.UNPARSED),
    ],
)
def test_bets_are_not_spread(completion: str, outcome: Outcome) -> None:
    assert grade(completion, "7").outcome is outcome


def test_channels_can_be_chosen() -> None:
    only_boxed = MathVerifier(channels=("boxed",))
    assert grade("The answer is 7", "7", only_boxed).outcome is Outcome.UNPARSED
    assert grade("The answer is 7", "7").extracted == "7"
    with pytest.raises(ConfigError, match="unknown answer channel box; allowed: boxed"):
        MathVerifier(channels=("box",))


def test_tolerance_is_opt_in_and_relative() -> None:
    assert grade(r"\boxed{3.33}", "10/3").outcome is Outcome.INCORRECT
    assert grade(r"\boxed{3.33}", "10/3", MathVerifier(tolerance="0.01")).outcome is Outcome.CORRECT
    assert grade(r"\boxed{3.2}", "10/3", MathVerifier(tolerance="0.01")).outcome is Outcome.INCORRECT
    with pytest.raises(ConfigError, match="tolerance"):
        MathVerifier(tolerance="lots")


@pytest.mark.parametrize(
    ("completion", "right"),
    [
        ("7 + 8 = 15", True),
        ("15.", True),
        ("It is -15", False),
        ("15 or 16", False),
        ("1,5", False),
        ("$15.00", True),
        ("30/2", True),
        ("15th of 3", False),
        ("none", False),
    ],
)
def test_the_last_number_counts(completion: str, right: bool) -> None:
    assert (grade(completion, 15, number_verifier()).outcome is Outcome.CORRECT) is right


def test_gold_answers() -> None:
    verifier = MathVerifier()
    for answer in ("She has 24/2=12. 12+60=72\n#### 72", 72, "72", r"thus \boxed{72}"):
        assert verifier.gold(Task("t", "", answer)) == r"\boxed{72}"
        assert grade("72", answer).outcome is Outcome.CORRECT
    for answer in (None, "", "   ", "#### ", r"\frac{1}{", r"\mystery{3}"):
        with pytest.raises(TaskError, match="task t"):
            grade("72", answer)


HOSTILE = [
    "9^{9^{9^9}}",
    "9**9**9",
    "(10^8)!",
    r"\binom{10^9}{5}",
    "(" * 4000 + "1" + ")" * 4000,
    "1" * 200_000,
    "-" * 100_000 + "1",
    "(a+b+c)^{200}",
    "x^{x^{x^{x}}}",
    "e^{e^{e^{e}}}",
    r"\sin(10^{300})",
    "x!" * 100,
    r"\boxed{" * 5000,
    "$" * 50_000,
    "<answer>" * 20_000,
    "answer is " * 10_000,
    "1,1" * 20_000,
    r"\pm1" * 40,
    r"\(" * 20_000,
    "__import__('os').system('true')",
    "eval('1')",
]


@pytest.mark.parametrize("gold", ["5", r"x^2+\sqrt{2}"])
def test_hostile_answers_end_and_earn_nothing(gold: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ends: pytest's own time limit is the clock. Evaluates nothing: `eval` and `exec` are traps here."""

    def trap(*arguments: object) -> None:
        raise AssertionError("model text was evaluated")

    monkeypatch.setattr(builtins, "eval", trap)
    monkeypatch.setattr(builtins, "exec", trap)
    for text in HOSTILE:
        for completion in (text, rf"\boxed{{{text}}}"):
            assert grade(completion, gold).outcome is not Outcome.CORRECT


@settings(deadline=None, max_examples=60)
@given(st.text(alphabet="0123456789+-*/^_!(){}[]|,.;:=<>$%\\ abefinorstxyπ±\u2212\n") | st.text())
def test_no_text_raises(text: str) -> None:
    assert isinstance(grade(text, "5"), Score)
    assert isinstance(grade(rf"\boxed{{{text}}}", r"(1, x^2]"), Score)


@settings(deadline=None, max_examples=60)
@given(st.fractions(), st.fractions())
def test_rationals_compare_exactly(left: object, right: object) -> None:
    assert (grade(rf"\boxed{{{left}}}", str(right)).outcome is Outcome.CORRECT) is (left == right)


@pytest.mark.parametrize("gold", [r"\frac{1}{0}", r"\frac{5}{3-3}", "0^0", r"\text{}", r"\boxed{1} \boxed{2", "1 2 3", "$", "()", r"\unknown{5}", "5 +"])
def test_a_gold_answer_without_a_value_is_a_clear_error(gold: str) -> None:
    with pytest.raises(TaskError, match="of task t cannot be read"):
        grade("5", gold)


def test_integers_are_exact_whatever_the_tolerance() -> None:
    lenient = MathVerifier(tolerance="0.01")
    assert grade(r"\boxed{1000001}", "1000000", lenient).outcome is Outcome.INCORRECT
    assert grade(r"\boxed{3.14}", "3.1416", lenient).outcome is Outcome.CORRECT
    assert grade(r"\boxed{22/7}", r"\pi", lenient).outcome is Outcome.INCORRECT  # the reference is no rational number


def test_points_cannot_be_foreseen() -> None:
    """A polynomial that vanishes at the points of one comparison does not vanish at those of its own."""
    first = list(_points(Symbol("x"), Symbol("x"), {"x"}, has_pieces=True))[:2]
    answer = "x+" + "".join(f"(x-({point['x']}))" for point in first)
    assert grade(rf"\boxed{{{answer}}}", "x").outcome is Outcome.INCORRECT


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        (r"\lfloor \frac n7\rfloor", r"\lfloor \frac n5\rfloor"),
        (r"\lfloor n/2\rfloor+1", r"\lceil n/2\rceil"),
        (r"\lceil n/10\rceil", r"\lceil n/20\rceil"),
        (r"\lfloor\sqrt n\rfloor", r"\lfloor\sqrt[3]n\rfloor"),
        ("|x-5|", "5-x"),
        (r"\sqrt{x^2-10x+25}", "5-x"),
        ("|x+5|", "x+5"),
        (r"\lceil\frac{n+7}{17}\rceil", r"\lfloor\frac{n+7}{17}\rfloor+1"),
        (r"\lfloor \frac x3+\frac12\rfloor", r"\lceil \frac{x}{3}-\frac12\rceil"),
        ("|2x-0.61|", "|x-0.3|+|x-0.31|"),
        ("|x-5000|", "5000-x"),
        (r"\lfloor x/5000\rfloor", r"\lfloor x/4000\rfloor"),
        ("x/2", r"\arcsin(\sin(x/2))"),
        ("x", r"x+\cos(1009\pi x)"),
    ],
)
def test_functions_with_pieces_are_tried_far_out_and_at_whole_numbers(gold: str, answer: str) -> None:
    assert grade(rf"\boxed{{{answer}}}", gold).outcome is Outcome.INCORRECT
    assert grade(rf"\boxed{{{gold}}}", answer).outcome is Outcome.INCORRECT


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        ("|x-5|", "|5-x|"),
        (r"\sqrt{x^2-10x+25}", "|x-5|"),
        (r"\lceil x\rceil", r"-\lfloor -x\rfloor"),
        (r"\lfloor \log_2 n\rfloor", r"\lfloor \frac{\ln n}{\ln 2}\rfloor"),
        (r"\sqrt{x+1}-\sqrt{x}", r"\frac{1}{\sqrt{x+1}+\sqrt x}"),
    ],
)
def test_the_same_pieces_in_other_words_are_equal(gold: str, answer: str) -> None:
    assert grade(rf"\boxed{{{answer}}}", gold).outcome is Outcome.CORRECT


@pytest.mark.parametrize(
    ("answer", "gold", "is_right"),
    [
        (r"10.9 \approx 10", "10", False),
        (r"10.9 \approx 10", "10.9", True),
        (r"10.9 \approx 11", "11", False),
        (r"\pi \approx 3", "3", False),
        (r"\sqrt2 \approx 1.5", "1.5", False),
        (r"\sqrt2 \approx 1.41", "1.41", True),
        (r"\frac23 \approx 0.66", r"\frac23", True),
    ],
)
def test_an_approximation_is_no_second_answer(answer: str, gold: str, is_right: bool) -> None:
    assert (grade(rf"\boxed{{{answer}}}", gold).outcome is Outcome.CORRECT) is is_right


@pytest.mark.parametrize(
    ("completion", "read"),
    [("1,2,3", "3"), ("7,8", "8"), ("It is 7 1/2", "7.5"), ("It is -7 1/2", "-7.5"), ("\u20135", "-5"), ("1,234", "1234"), ("1,234,56", "56")],
)
def test_the_last_number_is_read_whole_and_is_the_last(completion: str, read: str) -> None:
    assert grade(completion, read, number_verifier()).outcome is Outcome.CORRECT


def test_a_tag_with_two_answers_gives_none() -> None:
    assert grade("<answer>The answer is 7</answer>", "7").outcome is Outcome.CORRECT
    for body in ("8 but the answer is 7", "eight, but the answer is 7", "The answer is 7. Or 8.", r"\sqrt{x}, the answer is 7"):
        assert grade(f"<answer>{body}</answer>", "7").outcome is Outcome.UNPARSED
    assert grade("<answer>So the final answer is 7.</answer>", "7").outcome is Outcome.CORRECT


def test_reasoning_is_open_in_any_spelling_of_its_tag() -> None:
    for tag in ("<think >", "<THINK>", "< think>"):
        assert grade(rf"{tag}\boxed{{7}}", "7").outcome is Outcome.UNPARSED
        assert grade(rf"{tag}8</Think >\boxed{{7}}", "7").outcome is Outcome.CORRECT


def test_an_answer_that_is_no_number_is_a_broken_task_and_a_list_of_channels_a_list() -> None:
    with pytest.raises(TaskError, match="has nan for an answer"):
        grade(r"\boxed{nan}", float("nan"))
    with pytest.raises(ConfigError, match="a list of answer channels"):
        MathVerifier(channels="boxed")  # type: ignore[arg-type]
