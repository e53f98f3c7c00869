"""What strangers who attacked the mathematics verifier found: answers that were paid though wrong, refused though right, or slow."""

from __future__ import annotations

import pytest

from proctor.core import Outcome, Task
from proctor.verifiers.mathematics import MathVerifier


def outcome(completion: str, answer: str, prompt: str = "") -> Outcome | None:
    return MathVerifier()(completion, Task("t", prompt, answer)).outcome


@pytest.mark.parametrize(
    ("completion", "answer", "prompt"),
    [
        (r"\boxed{x = 2^{10}}", "1024", "Compute $2^{10}$."),
        (r"\boxed{2^{10} \text{ ways}}", "1024", "Compute $2^{10}$."),
        (r"\boxed{+2^{10}}", "1024", "Compute $2^{10}$."),
        (r"\boxed{2^{10}=2^{10}}", "1024", "Compute $2^{10}$."),
        (r"\boxed{\displaystyle 2^{10}}", "1024", "Compute $2^{10}$."),
        (r"$$\boxed{\boxed{2^{10}}}$$", "1024", "Compute $2^{10}$."),
        (r"\boxed{\binom{10}{3}}", "120", r"Compute $\dbinom{10}{3}$."),
        (r"\boxed{10!/8!}", "90", r"Compute $\frac{10!}{8!}$."),
        (r"\boxed{2¹⁰}", "1024", "Compute $2^{10}$."),
        ("The answer is $2^{10}$, i.e. that.", "1024", "Compute $2^{10}$."),
        (r"\boxed{\frac{408}{34}}", "12", "34 friends share 408 dollars equally. How much does each get?"),
        (r"\boxed{x=12\cdot34=34\cdot 12}", "408", ""),
        (r"\boxed{S=1+2+3+4=4+6}", "10", ""),
        (r"\boxed{3.1\cdot 4.1\approx 13}", "12.71", ""),
        (r"\boxed{\frac12+\frac13\approx 1}", r"\frac56", ""),
        (r"\boxed{\frac12\cdot\frac13\approx 0}", r"\frac16", ""),
        (r"\boxed{12 dollars and 3400 cents}", "46", ""),
        (r"\boxed{12 hours 2040 minutes}", "46", ""),
        (r"\boxed{\text{dozen} = 34 \cdot 12}", "408", ""),
        (r"\boxed{y<2x-3}", r"(3,\infty)", ""),
        (r"\boxed{x+y>4}", r"(2,\infty)", ""),
        (r"\boxed{1<x<2, y>0}", "(1,2)", ""),
        (r"\boxed{1<x<2, 0<y<3}", "(1,2)", ""),
        (r"\boxed{x>2, y<5}", "(2,5)", ""),
        (r"\boxed{\{x \in \mathbb{Z} : 1<x<5\}}", "(1,5)", ""),
        (r"\boxed{(1,5)}", r"\{x \in \mathbb{Z} : 1<x<5\}", ""),
        (r"\boxed{\{\ln x \mid x > 2\}}", r"(2,\infty)", ""),
        (r"\boxed{\{x \in [0,1] \mid x \ge 0\}}", r"[0,\infty)", ""),
        (r"\boxed{i\sqrt{x^2}}", "ix", ""),
        (r"\boxed{i\sqrt{x^2}}", "-ix", ""),
        (r"\boxed{a+i\sqrt{b^2}}", "a+bi", ""),
        (r"\boxed{a+i\sqrt{b^2}}", "a-bi", ""),
        (r"\boxed{e^{i\sqrt{x^2}}}", "e^{ix}", ""),
        (r"\boxed{y=1, x=2}", "(1,2)", ""),
        (r"\boxed{x=1,y=2}", "1:2", ""),
        (r"\boxed{1:2}", "x=1,y=2", ""),
        (r"\boxed{\{(1,2),(3,4)\}}", r"(1,2)\cup(3,4)", ""),
        (r"\boxed{0.5\%}", r"\frac12", ""),
        (r"\boxed{\frac{\pi}{6}^\circ}", r"\frac{\pi}{6}", ""),
        (r"\boxed{0.75\approx 0.8}", "0.8", ""),
        (r"\boxed{\sqrt{2}\tanh(200)}", r"\sqrt{2}", ""),
        (r"\boxed{|x^2-10^8|}", "10^8-x^2", ""),
        (r"\boxed{5 Mm}", "5 mm", ""),
        ("The answer is not $7$.", "7", ""),
        ("The answer is less than $7$", "7", ""),
        ("The answer is -$7$", "7", ""),
        ("The answer is $8$ minus $7$", "7", ""),
        ("The answer is $8$. Or $7$.", "7", ""),
        ("<answer>The answer is not $7$</answer>", "7", ""),
        ("The answer is 7 and a half apples in total", "7", ""),
        ("The answer is minus 7 degrees outside", "7", ""),
        ("The answer is 7 million in total", "7", ""),
        ("The answer is definitely not the number 7", "7", ""),
        ("The answer is 5 centimeters in total length", "5 m", ""),
        ("7 and a half", "7", ""),
        ("It is 3 million.", "3", ""),
        ("7 squared", "7", ""),
        ("minus 7", "7", ""),
        ("The temperature is minus 7 degrees.", "7", ""),
        ("It is not $7$.", "7", ""),
        ("$5$ vs $7$", "7", ""),
        ("Let us see.\nSo the total is 10^7", "7", ""),
        (r"$-\boxed{7}$", "7", ""),
        (r"\boxed{7} million", "7", ""),
        (r"\boxed{\lfloor \sqrt{12}\approx 3.46\rfloor}", "3", ""),
        ("The answer is $8$. Or $7$.", "8", ""),
        (r"$10^{\boxed{7}}$", "7", ""),
        (r"\boxed{234, 1}", "1,234", ""),
        (r"\boxed{5\text{ Mm}}", "5 mm", ""),
        (r"\boxed{\sqrt2\tanh(200)}", r"\sqrt2", ""),
        (r"\boxed{(x+1)^2}", "x^2+2x+1", "Expand $(x+1)^2$."),
        (r"\boxed{\cos 30^\circ}", r"\frac{\sqrt3}{2}", r"Find $\cos 30^\circ$."),
        (r"\boxed{\sqrt{50}+\sqrt{18}}", r"8\sqrt2", r"Simplify $\sqrt{50}+\sqrt{18}$."),
        (r"\boxed{x+y=5}", "6", ""),
        ("5", "x+y=5", ""),
    ],
)
def test_what_is_not_the_answer_is_not_paid(completion: str, answer: str, prompt: str) -> None:
    assert outcome(completion, answer, prompt) in (Outcome.INCORRECT, Outcome.UNPARSED)


@pytest.mark.parametrize(
    ("completion", "answer", "prompt"),
    [
        ("The answer is:\n$$\n\\frac{1}{2}\n$$\n", "1/2", ""),
        ("I will put my final answer in \\boxed{}.\n\\boxed{42}", "42", ""),
        (r"\boxed{5m}", "5 m", ""),
        (r"\boxed{m+n=7}", "7", ""),
        (r"\boxed{\textbf{(C)}\ 5}", "C", ""),
        ("To answer this question, we multiply 6 by 7.\n6*7 = 42\nSo 42 apples.", "42", ""),
        ("The area is 42 cm^2.", "42", ""),
        (r"\boxed{5 people}", "5 persons", ""),
        (r"\boxed{3 kids}", "3 children", ""),
        (r"\boxed{x=2\lor x=3}", "2,3", ""),
        (r"\boxed{\mathbb{R}^+}", r"(0,\infty)", ""),
        ("#### **42**", "42", ""),
        ("<Answer>42</Answer>", "42", ""),
        ('The answer is "42".', "42", ""),
        (r"\boxed{|x-1|<2}", "(-1,3)", ""),
        (r"\boxed{10\ \Omega}", "10", ""),
        ("The answer is 42, not 43.", "42", ""),
        ("-7 is the answer.", "-7", ""),
        ("The temperature is minus 7 degrees.", "-7", ""),
        ("It is 3 million.", "3000000", ""),
        ("The answer is:\n$$\n\\frac{1}{2}\n$$", "1/2", ""),
        (r"I will put my final answer in \boxed{}. So \boxed{42}", "42", ""),
        ("To answer the question we note that there are 6 rows.\nTherefore there are 42 seats.", "42", ""),
        (r"\boxed{9.8m/s^2}", "9.8 m/s^2", ""),
        (r"\boxed{25m²}", "25 m^2", ""),
        (r"\boxed{p+q=2+3=5}", "5", ""),
        ("The answer is minus 7.", "-7", ""),
        ("The answer is -$7$", "-7", ""),
        ("The answer is $x=5$ since $5+2=7$.", "5", ""),
        ("The answer is $5$ apples.", "5", ""),
        (r"The answer is, after simplification, $\frac{1}{2}$.", "0.5", ""),
        (r"So the final answer is: $\boxed{12}$.", "12", ""),
        ("Answer: 12 dollars", "12", ""),
        ("**Answer:** 12", "12", ""),
        ("The answer is 3/4.", "0.75", ""),
        ("The answer to the problem is 15.", "15", ""),
        (r"\boxed{408}", "408", "What is 12*34?"),
        (r"\boxed{x^2+2x+1}", "x^2+2x+1", "Expand $(x+1)^2$ to get $x^2+2x+1$"),
        (r"\boxed{\frac{1}{7}\begin{pmatrix}1&2\\3&4\end{pmatrix}}", r"\begin{pmatrix}1/7&2/7\\3/7&4/7\end{pmatrix}", ""),
        (r"\boxed{50\%}", "50", ""),
        (r"\boxed{50\%}", "0.5", ""),
        (r"\boxed{\{x\in\mathbb{R}:1<x<5\}}", "(1,5)", ""),
        (r"\boxed{\{x\mid x>2\}}", r"(2,\infty)", ""),
        (r"\boxed{101, 103}", "101,103", ""),
        (r"\boxed{2\text{ hours and }30\text{ minutes}}", "2.5 hours", ""),
        (r"\boxed{(x,y)=(1,2)}", "(1,2)", ""),
        (r"\boxed{x=1, y=2}", "(1,2)", ""),
        ("She has 12 pounds left.", "12", ""),
        ("It costs 15 percent", "15", ""),
    ],
)
def test_what_a_careful_reader_accepts_is_paid(completion: str, answer: str, prompt: str) -> None:
    assert outcome(completion, answer, prompt) is Outcome.CORRECT


LONG = {
    "letters": ("xyz " * 170, "7"),
    "capitals": ("ABCDEF " * 90, "7"),
    "factorials": ("!" * 900, "7"),
    "union": (r"\cup".join(rf"(\sqrt{{{k}}},e^{{{k}}})" for k in range(2, 20)), "7"),
    "short union": (r"\cup".join(rf"(\sqrt{{{k}}},e^{{{k}}})" for k in range(2, 13)), "7"),
    "set": (r"\{" + ",".join(rf"\lfloor x/{k}\rfloor" for k in range(2, 46)) + r"\}", r"\{1,2\}"),
    "list": (",".join(rf"\sqrt{{x+{k}}}" for k in range(2, 46)), ",".join(rf"\sqrt{{x+{k}}}" for k in range(45, 1, -1))),
}


@pytest.mark.parametrize("name", LONG)
def test_long_answers_end_in_a_verdict(name: str) -> None:
    """These took twenty seconds and more, or ended in a RecursionError."""
    text, gold = LONG[name]
    assert outcome(rf"\boxed{{{text}}}", gold) is not Outcome.CORRECT
