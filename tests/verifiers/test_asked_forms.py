r"""The form that a prompt asks for in so many words, of answers with the right value: "in lowest terms" is not `\frac{26}{40}`.

Each prompt stands with its reference; answers in the form asked for are right however they are typeset, and what only speaks of a form asks for none.
"""

from __future__ import annotations

import pytest

from proctor.core.task import Outcome, Task
from proctor.verifiers.asked_forms import asked_forms
from proctor.verifiers.mathematics import MathVerifier

MARBLES = "What fraction of the marbles are not blue? Give your answer as a fraction in lowest terms.", r"\frac{13}{20}"
HOUR = "What fraction of an hour is 36 minutes? Give the answer in lowest terms.", "3/5"
REPEATING = r"Write 0.\overline{27} as a fraction in lowest terms.", "3/11"
HUNDREDTHS = "Write 35% as a fraction in lowest terms.", "7/20"
HOSES = "How long do they take together? Give your answer as a fraction in lowest terms.", r"\frac{3}{2}"
DICE = "What is the probability? Express your answer as a common fraction.", r"\frac{1}{6}"
NEGATIVE = "Find the slope. Give a simplified fraction.", r"-\frac{3}{4}"
NAMED = r"Write it in the form $\frac{m}{n}$, where $m$ and $n$ are relatively prime positive integers.", r"\frac{5}{8}"
SUM = r"Simplify $\frac{3}{8}+\frac{5}{12}$.", r"\frac{19}{24}"
PI_OVER = r"What is the angle in radians? Give it in simplest form.", r"\frac{3\pi}{4}"
GOLDEN = r"Solve $x^2-2x-4=0$ for the positive root of half of it, in simplest form.", r"\frac{1+\sqrt{5}}{2}"
SEVERAL = "Find all solutions. Express your answers as fractions in lowest terms.", r"\frac12, \frac34"
RATIO = "What is the ratio of boys to girls, in simplest form?", "3:4"
IMPROPER = "Write the mixed number 3 5/8 as an improper fraction.", "29/8"
MIXED = "How many cups are needed? Give a mixed number.", r"6\frac{3}{4}"
MIXED_LOWEST = "How much is left? Give your answer as a mixed number in lowest terms.", r"2\frac12"
DECIMAL = "Express 17/8 as a decimal.", "2.125"
PLACES = "What is the mean, rounded to two decimal places?", "3.25"
THIRD = r"Write the quotient as a repeating decimal.", r"0.\overline{3}"
PERCENT = "What is the probability that it is not defective? Give it as a percent.", "85%"
PERCENT_OF = "What percent of 80 is 20?", r"25\%"
RATIONAL = r"Rationalize the denominator: \frac{6}{\sqrt{3}}.", r"2\sqrt{3}"
RATIONAL_TANGENT = r"What is $\tan 30^\circ$? Write with no radical in the denominator.", r"\frac{\sqrt3}{3}"
CONJUGATE = r"Rationalize: $\frac{6}{\sqrt{5}-1}$.", r"\frac{3(\sqrt{5}+1)}{2}"
RADICAL = r"Simplify \sqrt{72}. Give the answer in simplest radical form.", r"6\sqrt{2}"
DISTANCE = "Find the distance between $(1,-2)$ and $(5,4)$ in simplest radical form.", r"2\sqrt{13}"
CUBE = "What is the cube root of 54 in simplest radical form?", r"3\sqrt[3]{2}"
ROOT_ONLY = r"Simplify $\sqrt{75}-\sqrt{48}+\sqrt{12}$.", r"3\sqrt3"
SINGLE = r"Write $\frac1x+\frac1{x+1}$ as a single fraction.", r"\frac{2x+1}{x(x+1)}"
EXPONENTS = r"Simplify $(a^3b^{-2})^2$ with positive exponents.", r"\frac{a^6}{b^4}"
DOMAIN = r"Find the domain of $\sqrt{x-4}$. Use interval notation.", r"[4,\infty)"

IN_THE_FORM = [
    (MARBLES, r"\dfrac{13}{20}"),
    (MARBLES, "13/20"),
    (MARBLES, r"\frac{26}{40} = \frac{13}{20}"),
    (MARBLES, r"x = \frac{26}{40} = \frac{13}{20}"),
    (MARBLES, r"\frac{13}{20} = 0.65"),
    (MARBLES, r"{13 \over 20}"),
    (MARBLES, "13 \N{FRACTION SLASH} 20"),
    (HOUR, r"\tfrac35"),
    (REPEATING, r"\frac{27}{99}=\frac{3}{11}"),
    (HUNDREDTHS, r"\frac{7}{20}"),
    (HOSES, r"1\frac12"),
    (HOSES, "1 1/2"),
    (HOSES, r"\frac32\text{ hours}"),
    (DICE, r"\frac16"),
    (DICE, r"P = \frac{6}{36} = \frac16"),
    (NEGATIVE, r"\frac{-3}{4}"),
    (NEGATIVE, r"\frac{3}{-4}"),
    (NEGATIVE, "-3/4"),
    (NAMED, "5/8"),
    (SUM, r"\frac{19}{24}"),
    (PI_OVER, r"\frac34\pi"),
    (PI_OVER, r"3\pi/4"),
    (GOLDEN, r"\frac{1}{2}+\frac{\sqrt5}{2}"),
    (GOLDEN, r"\frac12(1+\sqrt5)"),
    (SEVERAL, "3/4, 1/2"),
    (RATIO, "3:4"),
    (RATIO, r"3 : 4"),
    (IMPROPER, r"\frac{29}{8}"),
    (IMPROPER, r"3\frac58 = \frac{29}{8}"),
    (MIXED, "6 3/4"),
    (MIXED, r"6\tfrac34\text{ cups}"),
    (MIXED, r"\frac{27}{4}=6\frac34"),
    (MIXED, r"6\frac{6}{8}"),
    (MIXED_LOWEST, r"2\frac{1}{2}"),
    (DECIMAL, "2.125"),
    (DECIMAL, "2.1250"),
    (DECIMAL, r"\frac{17}{8} = 2.125"),
    (PLACES, r"\frac{13}{4} \approx 3.25"),
    (PLACES, "3.250"),
    (THIRD, r"0.\overline{3}"),
    (PERCENT, r"85\%"),
    (PERCENT, "85"),
    (PERCENT, "85 percent"),
    (PERCENT_OF, r"25\%"),
    (PERCENT_OF, "25"),
    (RATIONAL, r"2\sqrt3"),
    (RATIONAL, r"\frac{6}{\sqrt3} = 2\sqrt3"),
    (RATIONAL, r"\frac{6\sqrt3}{3}"),
    (RATIONAL_TANGENT, r"\frac13\sqrt3"),
    (CONJUGATE, r"\frac{3\sqrt5+3}{2}"),
    (RADICAL, "6√2"),
    (RADICAL, r"6\cdot\sqrt{2}"),
    (DISTANCE, r"\sqrt{52}=2\sqrt{13}"),
    (CUBE, r"3\sqrt[3]2"),
    (ROOT_ONLY, r"3\sqrt{3}"),
    (SINGLE, r"\frac{2x+1}{x^2+x}"),
    (EXPONENTS, r"\frac{a^{6}}{b^{4}}"),
    (DOMAIN, r"[4, +\infty)"),
    (DOMAIN, r"x\in[4,\infty)"),
    (DOMAIN, r"x\ge4"),
]
IN_ANOTHER_FORM = [
    (MARBLES, r"\frac{26}{40}"),
    (MARBLES, "26/40"),
    (MARBLES, "0.65"),
    (MARBLES, r"65\%"),
    (MARBLES, r"\frac{26}{40} = \frac{39}{60}"),
    (HOUR, r"\frac{36}{60}"),
    (HOUR, "18/30"),
    (REPEATING, "27/99"),
    (HUNDREDTHS, "0.35"),
    (HUNDREDTHS, r"35\%"),
    (HUNDREDTHS, r"\frac{35}{100}"),
    (HOSES, r"1\frac24"),
    (HOSES, "1.5"),
    (DICE, r"\frac{6}{36}"),
    (NEGATIVE, r"-\frac{6}{8}"),
    (NEGATIVE, r"\frac{-6}{8}"),
    (NEGATIVE, "-0.75"),
    (NAMED, r"\frac{10}{16}"),
    (NAMED, "0.625"),
    (SUM, r"\frac{38}{48}"),
    (PI_OVER, r"\frac{6\pi}{8}"),
    (GOLDEN, r"\frac{2+2\sqrt5}{4}"),
    (GOLDEN, r"\frac{1+\sqrt{5}}{2}\cdot\frac{2}{2}"),
    (SEVERAL, r"\frac24, \frac34"),
    (RATIO, "6:8"),
    (IMPROPER, "3.625"),
    (IMPROPER, r"3\frac58"),
    (MIXED, r"\frac{27}{4}"),
    (MIXED, "6.75"),
    (MIXED_LOWEST, r"2\frac{2}{4}"),
    (DECIMAL, r"2\frac18"),
    (DECIMAL, r"\frac{17}{8}"),
    (DECIMAL, r"212.5\%"),
    (PLACES, r"\frac{13}{4}"),
    (THIRD, r"\frac13"),
    (PERCENT, "0.85"),
    (PERCENT, r"\frac{17}{20}"),
    (PERCENT_OF, "0.25"),
    (RATIONAL, r"6/\sqrt3"),
    (RATIONAL, "6/√3"),
    (RATIONAL, r"\frac{12}{2\sqrt3}"),
    (RATIONAL_TANGENT, r"\frac{1}{\sqrt3}"),
    (RATIONAL_TANGENT, r"\sqrt{\frac13}"),
    (CONJUGATE, r"\frac{12}{2\sqrt5-2}"),
    (RADICAL, r"3\sqrt{8}"),
    (RADICAL, r"2\sqrt{18}"),
    (DISTANCE, r"\sqrt{52}"),
    (CUBE, r"\sqrt[3]{54}"),
    (ROOT_ONLY, r"\sqrt{27}"),
    (SINGLE, r"\frac{1}{1+x}+\frac{1}{x}"),
    (EXPONENTS, r"a^6b^{-4}"),
]
NOT_ASKED_FOR = [
    (("What is the probability?", r"\frac{3}{8}"), r"\frac{6}{16}"),
    (("What is the probability?", r"\frac{3}{8}"), "0.375"),
    (("What is the probability?", r"\frac{3}{8}"), r"37.5\%"),
    (("What fraction of the pizza is left?", r"\frac{3}{8}"), "0.375"),
    (("The probability is $m/n$ in lowest terms. Find $m+n$.", "11"), "11"),
    (("Find the product of two fractions in lowest terms.", "3"), "3"),
    (("Give the answer as a fraction in lowest terms.", "4"), "4"),
    (("Give your answer as a fraction or a decimal.", r"\frac{3}{8}"), "0.375"),
    (("Give your answer as a decimal or as a fraction in lowest terms.", r"\frac{3}{8}"), "0.375"),
    (("Give your answer as a decimal or as a fraction in lowest terms.", "0.375"), r"\frac{3}{8}"),
    (("Give your answer as an improper fraction or mixed number.", r"\frac{15}{8}"), r"1\frac78"),
    (("Give your answer as an improper fraction or mixed number.", r"1\frac78"), r"\frac{15}{8}"),
    (("Answer with a fraction, not necessarily in lowest terms.", r"\frac{3}{8}"), r"\frac{6}{16}"),
    (("The answer need not be simplified to its simplest form.", r"\frac{3}{8}"), r"\frac{6}{16}"),
    (("What is the tax, as a fraction in lowest terms?", "0.375"), r"\frac{3}{8}"),
    (("Give the value as a fraction.", r"\frac{6}{16}"), r"\frac{9}{24}"),
    (("Express the speed as a fraction of the speed of light.", r"\frac{3}{5}"), "0.6"),
    (("Compute the sum of the mixed numbers.", r"4\frac{1}{12}"), r"\frac{49}{12}"),
    (("Find the price in dollars as a decimal.", "54"), "54"),
    (("Give the exact value in simplest form.", r"\frac{7}{2}"), "3.5"),
    (("What is the probability, in the form of a percent or a fraction?", r"25\%"), r"\frac14"),
    (("What is the discount?", r"25\%"), "0.25"),
    (("What is the discount as a percentage?", "25"), "25"),
    (("Find the value.", r"\frac{2\sqrt3}{3}"), r"\frac{2}{\sqrt3}"),
    (("Rationalize the numerator.", r"\frac{1}{\sqrt3}"), r"\frac{1}{\sqrt3}"),
    (("Do not rationalize the denominator.", r"\frac{\sqrt3}{3}"), r"\frac{1}{\sqrt3}"),
    (("Find the exact length.", r"6\sqrt2"), r"\sqrt{72}"),
    (("Simplify.", r"3\sqrt2+2\sqrt3"), r"\sqrt{18}+\sqrt{12}"),
    ((r"Simplify $\frac{x^2-9}{x-3}$.", "x+3"), "3+x"),
    ((r"Simplify $\frac{2x}{4y}$.", r"\frac{x}{2y}"), r"\frac12\cdot\frac{x}{y}"),
    (("Find the reduced row echelon form.", r"\begin{pmatrix}1&\frac12\\0&0\end{pmatrix}"), r"\begin{pmatrix}1&\frac24\\0&0\end{pmatrix}"),
    (("Differentiate it.", r"\frac{1}{x^2}"), "x^{-2}"),
    (("By how many percent did it grow, to two decimal places?", "3.25"), r"3.25\%"),
    (("What is 3/40 as a percentage, written as a decimal?", r"7.5\%"), "7.5"),
]


def _outcome(problem: tuple[str, str], answer: str) -> Outcome | None:
    prompt, reference = problem
    return MathVerifier()(rf"\boxed{{{answer}}}", Task("t", prompt, reference)).outcome


@pytest.mark.parametrize(("problem", "answer"), IN_THE_FORM)
def test_answers_in_the_form_asked_for_are_right(problem: tuple[str, str], answer: str) -> None:
    assert _outcome(problem, answer) is Outcome.CORRECT


@pytest.mark.parametrize(("problem", "answer"), IN_ANOTHER_FORM)
def test_the_right_value_in_another_form_is_not_paid(problem: tuple[str, str], answer: str) -> None:
    assert _outcome(problem, answer) is not Outcome.CORRECT


@pytest.mark.parametrize(("problem", "answer"), NOT_ASKED_FOR)
def test_a_form_that_is_not_asked_for_is_not_held_against_an_answer(problem: tuple[str, str], answer: str) -> None:
    assert _outcome(problem, answer) is Outcome.CORRECT


@pytest.mark.parametrize("problem", sorted({problem for problem, _ in (*IN_THE_FORM, *IN_ANOTHER_FORM, *NOT_ASKED_FOR)}))
def test_every_reference_is_right(problem: tuple[str, str]) -> None:
    assert _outcome(problem, problem[1]) is Outcome.CORRECT


@pytest.mark.parametrize(
    ("completion", "is_paid"),
    [
        ("13 of 20 marbles aren't blue, which is **26/40**.", False),
        ("13 of 20 marbles aren't blue, which is **13/20**.", True),
        ("26/40 simplifies to 13/20.", True),
        ("The answer is 0.65.", False),
    ],
)
def test_the_form_counts_outside_a_box_too(completion: str, is_paid: bool) -> None:
    assert (MathVerifier()(completion, Task("t", *MARBLES)).outcome is Outcome.CORRECT) is is_paid


@pytest.mark.parametrize("words", ["as a ", "in lowest ", "simplify ", "(1 ", "fraction ", "form $", "not ", r"simplify \frac", "give your final ", "as of "])
def test_long_prompts_are_read_quickly(words: str) -> None:
    """A prompt that makes a pattern go back and forth would take longer than pytest's limit."""
    assert isinstance(asked_forms(words * (100_000 // len(words))), frozenset)


SQUARE = "Write $x^2+8x+3$ in the form $(x+a)^2+b$.", "(x+4)^2-13"
VERTEX = "Write y = x^2-4x+7 in vertex form.", "y=(x-2)^2+3"
CIRCLE = "Complete the square to write $x^2+y^2-4x=0$ in standard form.", "(x-2)^2+y^2=4"


@pytest.mark.parametrize(
    ("asked", "answer", "is_right"),
    [
        (SQUARE, "(4+x)^2 - 13", True),
        (SQUARE, "-13+(x+4)^{2}", True),
        (SQUARE, "x^2+8x+3 = (x+4)^2-13", True),
        (SQUARE, "x(x+8)+3", False),
        (SQUARE, "x^2+8x+3", False),
        (VERTEX, "y = 3 + (x-2)^2", True),
        (VERTEX, "y = x^2-4x+7", False),
        (CIRCLE, "(x-2)^2 + y^2 = 2^2", True),
        (("Complete the square to solve $x^2+6x+4=0$.", r"-3\pm\sqrt5"), r"x=-3\pm\sqrt{5}", True),
    ],
)
def test_a_square_is_completed_where_that_is_asked_for(asked: tuple[str, str], answer: str, is_right: bool) -> None:
    prompt, reference = asked
    outcome = MathVerifier()(rf"\boxed{{{answer}}}", Task("t", prompt, reference)).outcome
    assert (outcome is Outcome.CORRECT) is is_right


@pytest.mark.parametrize("end", ["1 + cot²x", "1 - x", "1/x", r"1 + \sin x", "1 · k"])
def test_a_number_that_a_formula_goes_on_with_is_no_answer(end: str) -> None:
    assert MathVerifier()(f"So what is left of it must be csc²x, as I said of {end}", Task("t", "Simplify it.", "1")).outcome is not Outcome.CORRECT


@pytest.mark.parametrize(
    ("prompt", "reference", "answer"),
    [
        ("What percentage of the students are girls?", "0.25", r"25\%"),
        ("What is the probability, as a percentage?", r"\frac14", r"25\%"),
        ("The parabola $y=x^2$ is given in vertex form and moved right by 1. Find the equation.", "y=(x-1)^2", "y=x^2-2x+1"),
        ("How long is one side?", r"\frac{area}{length}", r"\frac{\text{area}}{\text{length}}"),
    ],
)
def test_what_a_reference_lacks_or_a_prompt_only_mentions_is_not_asked_for(prompt: str, reference: str, answer: str) -> None:
    assert MathVerifier()(rf"\boxed{{{answer}}}", Task("t", prompt, reference)).outcome is Outcome.CORRECT


def test_an_article_behind_a_dash_is_no_variable() -> None:
    assert MathVerifier()("There are 7 - a lucky number", Task("t", "How many?", "7")).outcome is Outcome.CORRECT
