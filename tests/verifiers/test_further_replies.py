r"""Replies that earlier readers missed: other bases, percentages beside fractions, letters of options, a clause that concludes, other languages."""

from __future__ import annotations

import pytest

from proctor.core.task import Outcome, Task
from proctor.verifiers.mathematics import MathVerifier

COWS = "A farmer has chickens and cows, 30 animals with 84 legs. How many cows does he have?"
OPTIONS = r"What is $P(3)$? $\textbf{(A) }13\qquad\textbf{(B) }15\qquad\textbf{(C) }17$"
SERIES = "Does the series converge absolutely, converge conditionally, or diverge?"
INCREASING = "The function $f(x)=x^3-3x$ is increasing on which intervals? Use interval notation."
MOLECULES = "How many molecules are there in $3.00$ mol of a gas? Give the answer to three significant figures."
PUMPS = "How many hours does it take both pumps working together?"
DISCRIMINANT = "Determine all real values of $m$ for which $x^2 + mx + 9 = 0$ has no real roots."
JOULES = "What is the kinetic energy, in joules, of a 1500 kg car moving at 20 m/s?"
FUNCTIONS = r"Find all functions $f:\mathbb{R}\to\mathbb{R}$ such that $f(x+y)=f(x)+y$ for all real $x,y$."
GRADIENT = "Find the gradient of $f(x,y)=x^2y$ at the point $(1,2)$."

RIGHT = [
    (COWS, "12", "So he has $12\\text{ cows}$ and 18 chickens."),
    (COWS, "12", "He has 12 cows and 18 chickens."),
    (OPTIONS, r"\textbf{(C) }17", r"The correct option is $\boxed{\text{(C)}}$."),
    (OPTIONS, r"\textbf{(C) }17", r"\boxed{17}"),
    (OPTIONS, r"\textbf{(C) }17", r"\boxed{\textbf{(C)}\ 17}"),
    ("已知集合 A, B, 则 A∩B = ( ) A. {0,2} B. {1}", "A", "所以 $A \\cap B = \\{0, 2\\}$。\n\n**答案:A. $\\{0,2\\}$**"),
    (SERIES, r"\text{converges conditionally}", r"\boxed{\text{conditionally convergent}}"),
    (INCREASING, r"(-\infty,-1)\cup(1,\infty)", r"\boxed{(-\infty,-1)\text{ and }(1,\infty)}"),
    (INCREASING, r"(-\infty,-1)\cup(1,\infty)", r"\boxed{(-\infty,-1), (1,\infty)}"),
    (MOLECULES, r"1.81 \times 10^{24}", r"$N=3.00\times6.02\times10^{23}=18.06\times10^{23}\approx1.81\times10^{24}$ molecules"),
    (MOLECULES, r"1.81 \times 10^{24}", "That is to three significant figures 1.81 × 10²⁴ molecules."),
    (MOLECULES, r"1.81 \times 10^{24}", "There are 1.81 * 10^24 molecules."),
    ("Evaluate $(1+i)^8$.", "16", r"So $(1+i)^8=\boxed{16+0i}$."),
    (PUMPS, "2.4", "Together they fill 5/12 of the tank in an hour, so it takes them 2 hours and 24 minutes."),
    ("Solve $|2x - 1| < 5$.", "-2 < x < 3", "Therefore x lies strictly between −2 and 3."),
    ("Find the range of $2-3\\sin x$.", "[-1,5]", "The range is every real number from −1 to 5, endpoints included."),
    ("Solve for $r$, with $r > 0$.", r"r = \sqrt{\frac{3V}{\pi h}}", "r equals sqrt(3V/(pi*h))"),
    (DISCRIMINANT, "-6 < m < 6", r"\boxed{|m|<6}"),
    (
        "Two fair dice are rolled. What is the probability that the sum is 9?",
        r"\frac{1}{9}",
        "There are 4 outcomes out of 36, so the probability is one ninth.",
    ),
    (r"Evaluate $\int_1^e \frac{\ln x}{x}\,dx$.", r"\frac{1}{2}", "The value of the integral is ½."),
    ("How long is it?", "2.5", "It is 2½."),
    ("How many committees are possible?", "74", "**Answer**\n\n$40+30+4 = 74$ committees."),
    ("Find all complex solutions of $z^2 + 4z + 13 = 0$.", r"-2 \pm 3i", r"\boxed{z_1=-2+3i,\ z_2=-2-3i}"),
    (JOULES, r"3.0 \times 10^5", "KE = ½mv² = ½(1500)(20²) = 3 × 10⁵ J"),
    (JOULES, r"3.0 \times 10^5 \text{ J}", r"\boxed{3 \times 10^{5} J}"),
    ("What is A and what is B?", "A is a knight and B is a knave", r"\boxed{\text{A: knight, B: knave}}"),
    (FUNCTIONS, "$f(x)=x+c$", r"\boxed{f(x)=x+k,\ k\in\mathbb R}"),
    (FUNCTIONS, "$f(x)=x+c$", "The solutions are exactly the functions f(x) = x + c with c an arbitrary real constant."),
    (GRADIENT, "[4, 1]", r"\boxed{\langle 4,1\rangle}"),
    (GRADIENT, "[4, 1]", "∇f(1, 2) = 4i + j"),
    ("Find the pressure in atm.", "4.92", "Using PV = nRT, P ≈ 4.92 atm."),
    ("What percent is it? Round to one decimal.", r"13.9\%", r"\boxed{\frac{5}{36} \approx 13.9\%}"),
    ("Convert 101101 in base 2 to base 10.", "45", r"\boxed{45_{10}}"),
    ("What is the probability of rolling a sum of 8 with two fair six-sided dice?", "5/36", "There are 36.\n\n**Answer: 5/36** (≈ 13.9%)"),
    ("Simplify sqrt(48) + sqrt(27). Express in simplest radical form.", r"7\sqrt{3}", "√48 = 4√3, √27 = 3√3, total 7√3."),
    (
        "Nora's mother is now 4 times as old as Nora. In 6 years the mother will be 3 times as old as Nora. How old is Nora now?",
        "12",
        "Nora is 12. (Her mother is 48; six years from now they'll be 18 and 54.)",
    ),
    (
        "Solve $x^2-x-6<0$. Give your answer in interval notation.",
        "(-2,3)",
        "The parabola opens upward and has roots −2 and 3; it's negative for x in (−2, 3).",
    ),
    (
        "Which of the following numbers is irrational?\n(A) $\\sqrt{49}$ (B) $0.\\overline{3}$ (C) $\\sqrt{12}$ (D) $\\frac{22}{7}$",
        "(C)",
        "Let's go through the options: A is 7, B is 1/3, D is a fraction. That leaves C.",
    ),
    ("What type of conic is $4x^2-9y^2=36$?", "hyperbola", "The squared terms have opposite signs, so this is a hyperbola."),
    ("小明有 56 颗糖,送给弟弟其中的 3/8,他还剩多少颗糖?", "35", "剩下的是 5/8,56 × 5/8 = 35(颗)。答:还剩 35 颗糖。"),
    ("What is the standard form of the circle x^2 - 4x + y^2 = 0?", "(x-2)^2+y^2=4", r"\boxed{(x-2)^2+y^2=2^2}"),
    ("What is the standard form of the circle x^2 - 4x + y^2 = 0?", "(x-2)^2+y^2=4", r"\boxed{y^2+(x-2)^2=4}"),
    ("What is the volume of a cone with radius 3 and height 7?", r"21\pi", "Volume du cône : (1/3)·π·3²·7 = 21π. La réponse est 21π."),
    ("How many?", "21", "La respuesta es 21."),
    ("How many?", "21", "Die Antwort lautet: 21."),
    ("How many?", "21", "Ответ: 21"),
    ("What is the probability?", "5/36", r"\boxed{\frac{5}{36} \approx 13.9\%}"),
    ("What is the probability?", "5/8", r"\boxed{5/8 = 62.5\%}"),
    ("What is the probability?", "5/8", r"\boxed{5/8 = 0.625 = 62.5\%}"),
    ("What percent?", r"62.5\%", r"\boxed{\frac{5}{8} = 62.5\%}"),
    ("What percent?", r"62.5\%", r"\boxed{\frac{5}{8} = 0.625 = 62.5\%}"),
]
WRONG = [
    (COWS, "12", "He has 18 cows and 12 chickens."),
    (COWS, "12", "He has 12 chickens and 18 cows."),
    (OPTIONS, r"\textbf{(C) }17", r"The correct option is $\boxed{\text{(B)}}$."),
    (OPTIONS, r"\textbf{(C) }17", r"\boxed{\textbf{(B)}\ 17}"),
    (OPTIONS, r"\textbf{(C) }17", r"\boxed{\textbf{(C)}\ 15}"),
    (SERIES, r"\text{converges conditionally}", r"\boxed{\text{absolutely convergent}}"),
    (SERIES, r"\text{converges conditionally}", r"\boxed{\text{convergent}}"),
    (INCREASING, r"(-\infty,-1)\cup(1,\infty)", r"\boxed{(-\infty,-1)}"),
    (INCREASING, r"(-\infty,-1)\cup(1,\infty)", r"\boxed{(-\infty,-1), [1,\infty)}"),
    ("Which points?", "(1,2), (3,4)", r"\boxed{(1,2)\cup(3,4)}"),
    (MOLECULES, r"1.81 \times 10^{24}", "That is to three significant figures 1.81 × 10²³ molecules."),
    (MOLECULES, "10", "There are 1.81 × 10²⁴ molecules."),
    (MOLECULES, r"1.8 \times 10^{24}", r"$N=18.06\times10^{23}\approx1.81\times10^{24}$"),
    ("Evaluate $(1+i)^8$.", "16", r"\boxed{16+i}"),
    (PUMPS, "2.4", "It takes them 2 hours and 40 minutes."),
    (PUMPS, "24", "It takes them 2 hours and 24 minutes."),
    ("Solve $|2x - 1| \\le 5$.", "-2 \\le x \\le 3", "Therefore x lies strictly between −2 and 3."),
    ("Solve $|2x - 1| < 5$.", "-2 < x < 3", "Therefore x does not lie strictly between −2 and 3."),
    ("Find the range of $2-3\\sin x$.", "(-1,5)", "The range is every real number from −1 to 5, endpoints included."),
    ("Solve $|m| < 6$ for real $m$.", "-6 < m < 6", r"\boxed{|m|<6}"),
    (DISCRIMINANT, "-6 < m < 6", r"\boxed{|m|<3}"),
    ("What is the probability that the sum is 9?", r"\frac{1}{9}", "So the probability is one tenth."),
    ("What is the probability that the sum is 9?", r"\frac{1}{9}", "It is not true that the probability is one ninth."),
    ("How long is it?", "2.5", "It is 3½."),
    ("How long is it?", "1/2", "It is 2½."),
    ("How many committees are possible?", "40", "**Answer**\n\n$40+30+4 = 74$ committees."),
    ("Find all complex solutions of $z^2 + 4z + 13 = 0$.", r"-2 \pm 3i", r"\boxed{z_1=-2+3i,\ z_2=2-3i}"),
    (JOULES, r"3.0 \times 10^5", "KE = ½mv² = ½(1500)(20²) = 3 × 10⁴ J"),
    (JOULES, r"3.0 \times 10^5 \text{ J}", r"\boxed{3 \times 10^{5} N}"),
    ("What is A and what is B?", "A is a knight and B is a knave", r"\boxed{\text{A: knave, B: knight}}"),
    (FUNCTIONS, "$f(x)=x+c$", r"\boxed{f(x)=kx,\ k\in\mathbb R}"),
    (FUNCTIONS, "$f(x)=x+c$", r"\boxed{f(x)=x}"),
    (GRADIENT, "[4, 1]", r"\boxed{\langle 1,4\rangle}"),
    ("On which interval?", "[1, 4]", r"\boxed{\langle 1,4\rangle}"),
    ("Find the pressure in atm.", "4.92", "Using PV = nRT, P ≈ 4.29 atm."),
    ("What percent is it? Round to one decimal.", r"13.9\%", r"\boxed{\frac{5}{37} \approx 13.9\%}"),
    ("Convert 101101 in base 2 to base 10.", "45", r"\boxed{45_{2}}"),
    ("Write 45 in base 2.", "101101_2", r"\boxed{45_{10}}"),
    ("What is the probability of rolling a sum of 8 with two fair six-sided dice?", "5/36", "There are 36.\n\n**Answer: 5/36** (≈ 16.7%)"),
    ("Simplify sqrt(48) + sqrt(27). Express in simplest radical form.", r"7\sqrt{3}", "√48 = 4√3, √27 = 3√3, total 6√3."),
    (
        "Solve $x^2-x-6>0$. Give your answer in interval notation.",
        r"(-\infty,-2)\cup(3,\infty)",
        "The parabola opens upward and has roots −2 and 3; it's negative for x in (−2, 3).",
    ),
    (
        "Which of the following numbers is irrational?\n(A) $\\sqrt{49}$ (B) $0.\\overline{3}$ (C) $\\sqrt{12}$ (D) $\\frac{22}{7}$",
        "(C)",
        "Let's go through the options: A is 7. That leaves B or C.",
    ),
    ("Which of the following numbers is irrational?\n(A) $\\sqrt{49}$ (B) $0.\\overline{3}$ (C) $\\sqrt{12}$ (D) $\\frac{22}{7}$", "(C)", "That leaves D."),
    ("What type of conic is $4x^2-9y^2=36$?", "hyperbola", "The squared terms have opposite signs, so this is an ellipse."),
    ("What type of conic is $4x^2-9y^2=36$?", "hyperbola", "If the squared terms had opposite signs, so this is a hyperbola."),
    ("小明有 56 颗糖,送给弟弟其中的 3/8,他还剩多少颗糖?", "35", "剩下的是 5/8,56 × 5/8 = 35(颗)。答:还剩 35 颗半。"),
    ("What is the standard form of the circle x^2 - 4x + y^2 = 0?", "(x-2)^2+y^2=4", r"\boxed{x^2-4x+4+y^2=4}"),
    ("What is the volume of a cone with radius 3 and height 7?", r"21\pi", "Volume du cône : (1/3)·π·3·7 = 7π. La réponse est 7π."),
    ("What is the volume of a cone with radius 3 and height 7?", "21", "La réponse n'est pas 21."),
    ("How many?", "21", "La respuesta no es 21."),
    ("How many?", "21", "Die Antwort ist nicht 21."),
    ("How many?", "21", "La respuesta es 21 o 22."),
    ("What is the probability?", "5/36", r"\boxed{\frac{5}{36} \approx 13.7\%}"),
    ("What is the probability?", "5/36", r"\boxed{5/36 = 13.9\%}"),
]


def _outcome(prompt: str, answer: str, completion: str) -> Outcome | None:
    return MathVerifier()(completion, Task("t", prompt, answer)).outcome


@pytest.mark.parametrize(("prompt", "answer", "completion"), RIGHT)
def test_the_answer_is_found(prompt: str, answer: str, completion: str) -> None:
    assert _outcome(prompt, answer, completion) is Outcome.CORRECT


@pytest.mark.parametrize(("prompt", "answer", "completion"), WRONG)
def test_another_answer_is_not_paid(prompt: str, answer: str, completion: str) -> None:
    assert _outcome(prompt, answer, completion) is not Outcome.CORRECT
