r"""Completions with which a hostile reader was paid for a while, or cost a right answer its pay: options listed, titles that deny, ranges of something else."""

from __future__ import annotations

import pytest

from proctor.core.task import Outcome, Task
from proctor.verifiers.mathematics import MathVerifier

ORDERED = "Arrange in increasing order: A) 3/4 B) 2/3 C) 5/6"
MOLECULES = "How many molecules are there?"
PICK = "Which statement is right? A) x B) y C) z"
RESIDUE = r"Solve 3x ≡ 5 mod 7"
CURVE = "What is the curve?"

WRONG = [
    ("True or false: every prime is odd?", "True", r"\boxed{True, False}"),
    ("Is the ball red or blue?", "red", r"\boxed{red, blue}"),
    ("Is the ball red or blue?", "red", "The answer is red and blue."),
    ("Who won: Alice, Bob or Carol?", "Alice", r"\boxed{Alice, Carol}"),
    ("There are three rows. How many seats? Write in words.", "twenty", r"\boxed{twenty three}"),
    ("There are five hundred sheep; how many dogs? In words.", "five", r"\boxed{five hundred}"),
    ("How many apples?", "5", r"\boxed{\text{It is not:} 5}"),
    ("How many apples?", "5", r"\boxed{\text{twice: } 5}"),
    ("What is the limit?", "2", r"\boxed{\text{The limit is not: }2}"),
    ("Solve.", "x>2", r"\boxed{\text{The complement of: } x>2}"),
    (ORDERED, "B, A, C", r"\boxed{A, B, C}"),
    (ORDERED, "B, A, C", r"\boxed{BAC}"),
    (r"Solve the inequality $x^2-4x+3 \le 0$. Give all solutions.", "[1,3]", r"\boxed{1,3}"),
    (r"Solve the inequality $x^2-4x+3 \le 0$. Give all solutions.", "[1,3]", r"\boxed{x=1, x=3}"),
    ("Find all a for which $x^2+ax+a$ has no real roots.", "[0,4]", "The answer is 0 and 4."),
    ("Which interval contains both roots of f?", "[1,3]", r"\boxed{1, 3}"),
    ("Let u and v be vectors. For which t is |u+tv| at most 5? Give the interval.", "[-1,3]", r"\boxed{(-1,3)}"),
    ("Gradient descent on a quadratic converges for which closed interval of steps?", "[0,2]", r"\boxed{\langle 0,2\rangle}"),
    ("Solve the inequality.", "x>3", r"\boxed{x>3, x\in\mathbb{Z}}"),
    ("Solve.", "-2<x<3", r"\boxed{-2<x<3, x\in\mathbb{Z}}"),
    ("Solve the inequality.", "x>3", r"\boxed{x > 3 \quad (x\in\mathbb{Q})}"),
    ("Solve.", "-2<x<3", "No x lies strictly between -2 and 3."),
    ("Solve.", "-2<x<3", "The inequality fails strictly between -2 and 3."),
    ("Solve.", "-2<x<3", "The solution is all reals apart from those strictly between -2 and 3."),
    ("Solve.", "[-2,3]", "Anything but the numbers from -2 to 3, inclusive."),
    ("Solve.", "-2<x<3", "x^2 lies strictly between -2 and 3."),
    ("Solve.", "-2<x<3", "The solution consists of all rational numbers strictly between -2 and 3."),
    ("Solve.", "[-2,3]", "x+1 ranges from -2 to 3, inclusive"),
    ("Solve.", "-2<x<3", "from inclusive to 3, inclusive."),
    (MOLECULES, r"3\times 10^5", "It is either 2 × 10^5 or 3 × 10^5."),
    (MOLECULES, r"3\times 10^5", "Is it perhaps 3 × 10^5?"),
    (MOLECULES, r"3\times 10^5", "There are more than 3 × 10^5."),
    (MOLECULES, r"3\times 10^5", "There are twice 3 × 10^5 molecules."),
    (MOLECULES, r"3\times 10^5", "At most 3 × 10^5 molecules."),
    (MOLECULES, r"3\times 10^5", "It is 3 × 10^5 squared."),
    (MOLECULES, r"3\times 10^5", "2 + 3 × 10^5 is what remains"),
    (PICK, "C", "The first step rules out option C."),
    (PICK, "C", "Eliminate option C."),
    (PICK, "C", "This matches all but option C."),
    (PICK, "C", "A refutes option C."),
    ("Find the area using an integral: a circle.", r"\pi r^2", r"\boxed{\pi d^2}"),
    ("Write Einstein's mass-energy relation; note dE/dt = 0.", "E=mc^2", r"\boxed{E=mv^2}"),
    ("Compute 2^{10} mod 7 as a congruence x.", r"x\equiv 2 \pmod 7", r"\boxed{x \equiv 2^{10} \pmod 7}"),
    ("Compute 2^{10} mod 7 as a congruence x.", r"x\equiv 2 \pmod 7", r"\boxed{x\equiv 1024 \pmod 7}"),
    (RESIDUE, r"x \equiv 4 \pmod 7", r"\boxed{x \equiv 5\cdot 3^{5} \pmod 7}"),
    (r"Area of the circle of radius $\sqrt n$?", r"n\pi", r"\boxed{(n+3)\pi, n \in \mathbb{Z}}"),
    ("Find all pairs [a,b].", "[1,2],[2,3]", r"\boxed{[1,3]}"),
    ("How many minutes?", "0.6", r"\boxed{3 to 5}"),
    ("How many are left?", "2", r"\boxed{10 to 5}"),
    ("What time is it?", "10:12", r"\boxed{10 to 12}"),
    ("John walks to the nearest shop. How many km does he walk?", "2", r"\boxed{1.5\approx 2}"),
    ("Round to the nearest ten: about how many?", "0", r"\boxed{123456 \approx 0\times 10^{9}}"),
    ("How many?", "5", r"\boxed{5 \approx 0\times 10^{9}}"),
    ("Write 12345 in scientific notation.", r"1.2345\times 10^4", r"\boxed{12345 \approx 1\times 10^4}"),
    ("What is the speed in m/s?", "50", r"\boxed{0.5 = 50\%}"),
    ("How many?", "500", r"\boxed{5 = 500\%}"),
    (r"Solve \lvert x\rvert < 6 for x.", "(-6,6)", r"\boxed{|x|<6}"),
    ("Simplify", "x/2", r"\boxed{x/½}"),
    ("What is the probability?", "1/9", "Suppose the probability is one ninth."),
    ("What is the probability?", "1/9", "The complementary probability is one ninth."),
    ("How many cows?", "12", "It is impossible to have 12 cows and 18 chickens."),
    ("How long does it take?", "2 hours 24 minutes", "Suppose it takes 2 hours and 24 minutes."),
    (CURVE, "hyperbola", "The teacher thinks the discriminant is positive, so it is a hyperbola."),
    ("Which compound?", "HCl", "The gas that we rule out is HCl."),
    ("Which compound?", "HCl", "Nobody sane thinks it is HCl."),
    ("选择 A. x B. y C. z", "B", "错误的 答案是 B"),
    ("多少块?", "5", "共有5块的一半"),
    ("Find all pairs.", r"\{(1,2),(3,4)\}", r"\boxed{\begin{cases}1&2\\3&4\end{cases}}"),
    ("", r"\begin{cases}1 & x = 0\\ 0 & \text{otherwise}\end{cases}", r"\boxed{\begin{cases}1 & f(x)=0\\ 0 & \text{otherwise}\end{cases}}"),
    ("", r"\gcd(a,b)", r"\boxed{\gcd(b)}"),
    ("", r"\int_a^b f(x)\,dx", r"\boxed{\int_{the}^b f(x)\,dx}"),
    ("", r"a \text{ and not } b", r"\boxed{\text{not } b}"),
    ("", r"5 \text{ m/s}", r"\boxed{5 m)/s}"),
    ("Solve over the complex numbers.", r"\emptyset", r"\boxed{no real solution}"),
    ("Wie viele?", "5", "Antwort: kein 5"),
    ("¿Cuántos?", "5", "La respuesta es 4 o 5"),
]
RIGHT = [
    ("有多少个苹果?", "5", "答案是5个"),
    ("有多少个苹果?", "5", "答案: 5个"),
    ("いくつですか。", "5", "答えは 5 です。"),
    ("몇 개입니까?", "5", "정답은 5입니다."),
    ("Wie viele Äpfel?", "5", "Die Antwort lautet 5 Äpfel."),
    ("Wie viele?", "5", "Die Antwort lautet 5."),
    ("Which set?", r"\mathbb{Z}", r"\boxed{x\in\mathbb{Z}}"),
    ("Which set?", r"\mathbb{Q}", r"\boxed{x\in\mathbb{Q}}"),
    ("Which option is it? (A) A (B) D", "(B) D", r"\boxed{D}"),
    (PICK, "C", "That leaves C."),
    (PICK, "C", "So the correct option is C."),
    (RESIDUE, r"x \equiv 4 \pmod 7", r"\boxed{x \equiv -3 \pmod 7}"),
    ("Solve.", "-2<x<3", "So x lies strictly between -2 and 3."),
    ("Simplify", "2x", r"\boxed{x/½}"),
    (MOLECULES, r"3\times 10^5", "There are 3 × 10^5 molecules."),
]


def _outcome(prompt: str, answer: str, completion: str) -> Outcome | None:
    return MathVerifier()(completion, Task("t", prompt, answer)).outcome


@pytest.mark.parametrize(("prompt", "answer", "completion"), WRONG)
def test_an_attack_is_not_paid(prompt: str, answer: str, completion: str) -> None:
    assert _outcome(prompt, answer, completion) is not Outcome.CORRECT


@pytest.mark.parametrize(("prompt", "answer", "completion"), RIGHT)
def test_a_right_answer_beside_the_attacks_is_paid(prompt: str, answer: str, completion: str) -> None:
    assert _outcome(prompt, answer, completion) is Outcome.CORRECT


@pytest.mark.parametrize("inside", ["1" + r"\ " * 400 + "x", "1" + " " * 3000 + "x", r"\sqrt{x^{90}+7}^{9}=" * 20 + "x"])
def test_long_boxes_are_bounded_before_anything_is_searched(inside: str) -> None:
    assert _outcome("?", "x^{99}+1", rf"\boxed{{{inside}}}") is not Outcome.CORRECT
