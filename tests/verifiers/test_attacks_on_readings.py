r"""Completions with which a hostile reader was paid for a while, or cost a right answer its pay: options listed, titles that deny, ranges of something else."""

from __future__ import annotations

import pytest

from proctor.core.task import Outcome, Task
from proctor.verifiers.mathematics import MathVerifier

ORDERED = "Arrange in increasing order: A) 3/4 B) 2/3 C) 5/6"
MOLECULES = "How many molecules are there?"
PICK = "Which statement is right? A) x B) y C) z"
RESIDUE = r"Solve 3x ≡ 5 mod 7"
ADDITIVE = r"Find all functions $f:\mathbb{R}\to\mathbb{R}$ such that $f(x+y)=f(x)+y$ for all real $x,y$."
SINES = r"x=\frac{\pi}{6}+2k\pi \text{ or } x=\frac{5\pi}{6}+2k\pi,\ k\in\mathbb{Z}"
CURVE = "What is the curve?"

WRONG = [
    (ADDITIVE, "f(x)=x+c", r"\boxed{f(x)=x+c, c\in\mathbb{Z}}"),
    ("Find all continuous functions with $f(x+y)=f(x)+f(y)$.", "f(x)=cx", r"\boxed{f(x)=nx, n\in\mathbb{Z}}"),
    ("Solve $y'=y$.", "y=Ce^x", r"\boxed{y=Ce^x, C\in\mathbb{Z}}"),
    ("Find all even integers n.", "n=2k", r"\boxed{n=2k, k\in\mathbb{N}}"),
    ("Find all integers x with 3x=2 mod 7", r"x \equiv 3 \pmod 7", r"\boxed{x=7k+3, k\in\mathbb{N}}"),
    (r"Solve $\tan x=1$.", r"x=\frac{\pi}{4}+k\pi", r"\boxed{x=π/4+kπ, k\in\mathbb{N}}"),
    ("Which of these is not prime: 5, 7 or 9?", "9", r"\boxed{\text{not 9}}"),
    ("What is 10 minus 5?", "5", r"\boxed{\text{minus 5}}"),
    ("A train leaves at 9:00 p.m. and takes 8 hours 45 minutes. When does it arrive?", "5:45", r"\boxed{5:45 \text{ p.m.}}"),
    ("How many pounds did she buy?", "5", "She bought 2.5 pounds and 3 boxes."),
    ("How many cows does he have?", "12", "He has 3.12 cows and 18 chickens."),
    ("How many cows does he have?", "12", "Last year he had 12 cows and 18 chickens."),
    ("How many cows does he have in the end?", "12", "He then sells 12 cows and 18 chickens."),
    ("How long does it take?", "2 hours 24 minutes", "It takes 1 day, 2 hours and 24 minutes."),
    ("How long does it take?", "2 hours 24 minutes", "It takes two days and 2 hours 24 minutes."),
    ("The ratio of boys to girls is 3:2. What fraction?", r"\frac{3}{5}", "The score was 3 to 5."),
    ("What are the odds in favour of it?", "3:5", "The odds against it are 3 to 5."),
    ("What property is it?", "commutative property of addition", "It violates the **commutative property of addition**."),
    ("What kind of triangle is it?", "right triangle", "It used to be a **right triangle**."),
    ("Which shape?", "circle", "Every point lies outside the **circle**."),
    ("He eats 1/3 of a cake and then 1/3 of the remainder. What fraction of the cake is left?", r"\frac49", r"\boxed{\frac49\text{ of the remainder}}"),
    ("Each box has 4 apples. Tom gives some boxes away. How many apples are left?", "12", r"\boxed{12\text{ of the boxes}}"),
    ("Solve.", "-2<x<3", "The range of excluded x is strictly between -2 and 3."),
    ("Solve.", "[-2,3]", "The range of integers is from -2 to 3, inclusive."),
    ("Solve for x.", "-2<x<3", "y lies strictly between -2 and 3."),
    ("Where is f positive?", "(-2,3)", "It's negative for x in (−2, 3)."),
    ("Find the roots.", "7, 8", "The roots lie between 7 and 8."),
    ("Find the value.", r"7\sqrt{3}", "It is one third of the total 7√3."),
    (MOLECULES, r"3\times 10^5", "There are 3 × 10^5.5 of them."),
    (MOLECULES, r"3\times 10^5", "There are from 2 × 10^5 to 3 × 10^5 of them."),
    (MOLECULES, r"3\times 10^5", "That is 3 × 10^5 too many."),
    (MOLECULES, r"3\times 10^{123}", "There are 3 × 10^1234 of them."),
    ("Find it.", r"3\times 10^5", "The reciprocal is 3 × 10^5."),
    (PICK, "C", "We discard what matches C."),
    (PICK, "C", "A beginner says: I choose C."),
    (PICK, "C", "The false option is C."),
    (r"Evaluate $\int_0^{n\pi} 2\sin^2 x\,dx$ for a positive integer $n$.", r"n\pi", r"\boxed{(n+1)\pi, n\in\mathbb{Z}}"),
    ("Solve $2\\sin x = 1$.", SINES, r"\boxed{x=\frac{\pi}{6}+2k\pi, y=\frac{5\pi}{6}+2k\pi, k\in\mathbb{Z}}"),
    (CURVE, "hyperbola", "It is tempting to argue that the signs differ, so it is a hyperbola."),
    ("What is the probability of winning?", "1/9", "The probability of losing is one ninth."),
    ("How many?", "5", r"\boxed{5n\in\mathbb{Z}}"),
    ("What is the area?", "12", r"\boxed{\text{Perimeter: }12}"),
    ("Express the probability as a decimal.", "0.625", r"\boxed{\frac58 = 62.5\%}"),
    ("Each bus holds approximately 40 people. What is the exact mean?", "5", r"\boxed{5.4\approx 5}"),
    ("Which side is longest?", "side a", r"\boxed{\text{side}}"),
    ("Find R.", r"8.31\ \text{J/(mol K)}", r"\boxed{8.31 \text{ J/(mol) K}}"),
    ("What is the range?", "(0,1)", r"\boxed{\begin{pmatrix}0\\1\end{pmatrix}}"),
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
    ("Which order is increasing? A) 3/4 B) 2/3 C) 5/6", "B, A, C", r"\boxed{CAB}"),
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
    ("What is the height, to the nearest mile?", "71", "Using Pythagoras, x = √(5000) ≈ 71 miles"),
    ("What is the height, to the nearest foot?", "71", r"\[h=\sqrt{5000}\approx 71\]"),
    ("What is the height, to the nearest foot?", "71", r"\boxed{\sqrt{5000}\approx 71}"),
    ("What are the odds?", "3 to 5", "The answer is 3 to 5."),
    ("What is the ratio?", r"3\text{ to }5", r"\boxed{3 to 5}"),
    ("What is the ratio of boys to girls?", "3:4", "The ratio is 3 to 4."),
    ("A geometric sequence has common ratio 2. What is the sum?", "63", "The sum rises by 32 to 63."),
    ("How much flour?", "½ cup of flour", r"\boxed{\text{½ cup of flour}}"),
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
