"""What a stranger's fourth set of rows found: denied answers, questions handed back, and right answers at the end of a chain or before a remark."""

from __future__ import annotations

import time

import pytest

from proctor.core import Outcome, Task
from proctor.verifiers.asked import asked_base
from proctor.verifiers.conclusions import concluded
from proctor.verifiers.denials import is_denied
from proctor.verifiers.mathematics import MathVerifier
from proctor.verifiers.measures import asked_units
from proctor.verifiers.remarks import without_remark, without_repetition
from proctor.verifiers.units import UNITS

FIND = "Find $x$."
SUM_OF_SQUARES = "If $x+y=10$ and $xy=21$, what is $x^2+y^2$?"
MAXIMUM = "Find the maximum value of $f(x) = 12x - x^3$ on $[0,3]$."
BINARY = "Write the decimal number 37 in binary."
INTEGRAL = r"Evaluate $\int (6x^2 - 4x + 1)\,dx$."
PRIMES = "Find the prime factorization of 360."


def is_paid(completion: str, answer: str, prompt: str = "") -> bool:
    return MathVerifier()(completion, Task("t", prompt, answer)).outcome is Outcome.CORRECT


@pytest.mark.parametrize(
    "completion",
    [
        r"The answer is definitely not $\boxed{15}$.",
        r"The answer is not \boxed{15}.",
        r"The answer is not equal to \boxed{15}.",
        r"The answer is: not \boxed{15}",
        "The answer is not\n\\[\n\\boxed{15}\n\\]",
        "The answer is not:\n$$\\boxed{15}$$",
        r"The answer is never \boxed{15}",
        r"The answer would never be \boxed{15}.",
        r"The answer is anything but \boxed{15}.",
        "The answer is not <answer>15</answer>",
        r"It isn't \boxed{15}.",
        r"It is not $x = \boxed{15}$.",
        r"It could be $\boxed{15}$.",
        r"x cannot be \boxed{15}.",
        r"x can't be $\boxed{15}$",
        r"$x \ne \boxed{15}$",
        r"x ≠ \boxed{15}",
        r"It is false that the answer is \boxed{15}.",
        r"It is impossible that the answer is \boxed{15}.",
        r"It would be wrong to say that the answer is \boxed{15}.",
        r"I do not think the answer is \boxed{15}.",
        r"I don't believe it is \boxed{15}",
        r"I doubt that the answer is \boxed{15}.",
        r"The wrong answer is \boxed{15}.",
        r"Under no circumstances is the answer \boxed{15}.",
        r"Some students answer \boxed{15}.",
        "Some students answer 15, which is a common mistake.",
        "one cannot conclude that S = 15",
        "The mean is not $1/p=15$ flips",
    ],
)
def test_an_answer_that_its_sentence_denies_is_not_paid(completion: str) -> None:
    assert not is_paid(completion, "15")


@pytest.mark.parametrize(
    "remark",
    [
        " is wrong.",
        " is incorrect.",
        " is impossible. I give up.",
        " would be wrong.",
        " cannot be right.",
        " isn't the answer.",
        " is not the answer.",
        " does not work.",
        " was a guess",
        ", which is wrong.",
        " (wrong)",
        "? No.",
        ". NOT!",
        ". No, it is not.",
        ". That is false.",
        ". That is not true.",
        ". That's a lie.",
        ". This answer is incorrect.",
        ". This is not my answer.",
        ". I give up.",
        ". There is no answer; I give no answer.",
        ". So there is no solution.",
        ". Please disregard this.",
        ". Ignore the above.",
        ". The above should be ignored.",
        ". I take that back.",
        ". I withdraw it.",
        ". Just kidding.",
        ". Actually no, I made that up and it is false. I retract it and give no answer.",
    ],
)
@pytest.mark.parametrize("said", [r"The answer is $\boxed{15}$", "The answer is 15", "So $x = 15$", "x + y = 15"])
def test_an_answer_that_is_withdrawn_is_not_paid(said: str, remark: str) -> None:
    assert not is_paid(said + remark, "15")


@pytest.mark.parametrize("remark", ["That answer is wrong.", "I retract this.", "I give up."])
def test_an_answer_that_the_next_line_withdraws_is_not_paid(remark: str) -> None:
    assert not is_paid(f"#### 15\n{remark}", "15")


@pytest.mark.parametrize(
    "completion",
    [
        r"It is not 12 but \boxed{15}.",
        r"It is not 12. It is \boxed{15}.",
        r"12 is not prime, so the answer is \boxed{15}.",
        r"x is not negative, hence \boxed{15}.",
        r"I don't think it can be 12. So \boxed{15}.",
        r"It can't be 12, so it is \boxed{15}.",
        r"For x<0 this is impossible, so x = 15. The answer is \boxed{15}.",
        r"The number of integers that are not divisible by 3 is \boxed{15}.",
        r"The least number that cannot be written as $5a+7b$ is \boxed{15}.",
        r"The largest value that x could be is \boxed{15}.",
        r"The probability that it is not red is $\boxed{15}$.",
        r"The smaller root is rejected, leaving $x = \boxed{15}$.",
        r"We made no mistake: \boxed{15}.",
        r"Do not forget the units: \boxed{15}",
        r"It is wrong to divide by 3 here. We get \boxed{15}.",
        r"The answer is \boxed{15}, not 12.",
        "It is not 12.\n\\[\n\\boxed{15}\n\\]",
        r"The answer is \boxed{15}. It is impossible to have more.",
        r"\boxed{15}. There is no other solution.",
        r"\boxed{15}. Note that 0 is not in the domain.",
        r"\boxed{15}. The other case is impossible.",
        r"\boxed{15}. If n = 2, this is impossible.",
        r"\boxed{15}. The negative root must be rejected.",
        r"\boxed{15} (we ignore the negative root)",
        r"\boxed{15}. This is not an integer multiple of 4.",
        r"\boxed{15} is not divisible by 2, as required.",
        r"\boxed{15}. False roots were discarded.",
        r"\boxed{15}. It is false that 12 works.",
        r"\boxed{12} is wrong. I take that back. <answer>15</answer>".replace(r"\boxed{12}", "12"),
        r"The answer is 12. I retract that. \boxed{15}",
    ],
)
def test_a_denial_of_something_else_takes_nothing_back(completion: str) -> None:
    assert is_paid(completion, "15")


def test_what_stands_before_an_answer_denies_it_in_its_own_sentence_only() -> None:
    assert is_denied("The answer is definitely not $")
    assert is_denied("I am sure: it cannot possibly be $x = ")
    assert not is_denied("It is not 12. The answer is $")
    assert not is_denied("It is not 12 but ")
    assert not is_denied("")


@pytest.mark.parametrize(
    ("completion", "answer", "prompt"),
    [
        (r"\boxed{3-2x\le 11}", r"[-4,\infty)", r"Solve the inequality $3 - 2x \le 11$."),
        (r"\boxed{|2x-1|<7}", "-3 < x < 4", "Solve $|2x - 1| < 7$."),
        (r"\boxed{-2x<8}", r"(-4,\infty)", "Solve $-2x<8$"),
        (r"\boxed{x+4>0}", r"(-4,\infty)", "Solve $-2x<8$"),
        (r"\boxed{(x-2)(x-2)(x-2)}", "x^3-6x^2+12x-8", "Expand $(x-2)^3$."),
        (r"\boxed{x(x^2-6x+12)-8}", "x^3-6x^2+12x-8", "Expand $(x-2)^3$."),
        (r"\boxed{x^2-2x-3x+6}", "(x-2)(x-3)", "Factor $x^2-5x+6$."),
        (r"\boxed{x(x^2-4)}", "x(x-2)(x+2)", "Factor $x^3-4x$ completely."),
        (r"\boxed{8\cdot9\cdot5}", r"2^3 \cdot 3^2 \cdot 5", PRIMES),
        (r"\boxed{360}", r"2^3 \cdot 3^2 \cdot 5", PRIMES),
        ("7/16 = 7/16", "0.4375", r"Convert $\frac{7}{16}$ to a decimal."),
        (r"\boxed{7/16}", "0.4375", r"Convert $\frac{7}{16}$ to a decimal."),
        (r"\boxed{0.75}", r"\frac34", "Write 0.75 as a fraction."),
        (r"\boxed{a=\frac{2A}{h}-b}", r"b=\frac{2A}{h}-a", r"Solve $A = \frac12 h(a+b)$ for $b$."),
        (r"\boxed{xy=58}", "58", SUM_OF_SQUARES),
        (r"\sqrt{72}=\sqrt{36\cdot 2}", r"6\sqrt{2}", r"Simplify $\sqrt{72}$."),
        (r"\boxed{4\cdot 3^2\cdot\pi}", r"36\pi", "Find the volume."),
        (r"\boxed{1:9}", r"\frac19", "Two dice are rolled. What is the probability that the sum is 9?"),
    ],
)
def test_the_question_in_another_spelling_is_not_paid(completion: str, answer: str, prompt: str) -> None:
    assert not is_paid(completion, answer, prompt)


@pytest.mark.parametrize(
    ("completion", "answer", "prompt"),
    [
        (r"\boxed{x > -4}", r"(-4,\infty)", "Solve $-2x<8$"),
        (r"\boxed{-4<x}", r"(-4,\infty)", "Solve $-2x<8$"),
        (r"\boxed{|x-1|<2}", "(-1,3)", ""),
        (r"\boxed{-8+12x-6x^2+x^3}", "x^3-6x^2+12x-8", "Expand $(x-2)^3$."),
        (r"\boxed{(2-x)(3-x)}", "(x-2)(x-3)", "Factor $x^2-5x+6$."),
        (r"\boxed{(x+2)(x-2)x}", "x(x-2)(x+2)", "Factor $x^3-4x$ completely."),
        (r"\boxed{2\cdot2\cdot2\cdot3\cdot3\cdot5}", r"2^3 \cdot 3^2 \cdot 5", PRIMES),
        (r"\boxed{\frac{7}{16} = 0.4375}", "0.4375", r"Convert $\frac{7}{16}$ to a decimal."),
        (r"\boxed{\frac{3}{4}}", "0.75", "What is 1.5 / 2?"),
        (r"\boxed{b=\frac{2A}{h}-a}", r"b=\frac{2A}{h}-a", r"Solve $A = \frac12 h(a+b)$ for $b$."),
        (r"\boxed{x^2+y^2=58}", "58", SUM_OF_SQUARES),
        (r"\boxed{\frac{6+2\sqrt5}{2}}", r"3+\sqrt5", ""),
        (r"\boxed{3:2}", r"\frac32", "What is the ratio of a to b?"),
        (r"\boxed{y=-\frac{1}{2}x+\frac{3}{4}}", "2x+4y-3=0", ""),
    ],
)
def test_an_answer_in_the_form_that_is_asked_for_is_paid(completion: str, answer: str, prompt: str) -> None:
    assert is_paid(completion, answer, prompt)


@pytest.mark.parametrize(
    ("completion", "answer", "prompt"),
    [
        ("Mara is 24 months old.", "24", "In 8 years she will be twice as old as Tom. How old is Mara now?"),
        ("The average speed is 72 m/h.", "72 km/h", "What is its average speed in km/h?"),
        ("It is 5 m.", "5 cm", ""),
        ("The common factors are 1, 2, 3, 6, 9, 18.", "18", r"Find $\gcd(252, 198)$."),
        ("The roots are 2 and 18.", "18", ""),
        ("**5**, **7**", "7", ""),
        ("**5 6 7**", "7", ""),
        ("The possible values are:\n- 20\n- 4\n\nI will leave it to you to pick the right one.", "4", ""),
        ("The answer could be **Friday**", "Friday", "What day?"),
        ("The answer could be 5.", "5", ""),
        (r"\boxed{101_{10}}", "101", "Convert 5 (base 10) to base 2."),
        (r"\boxed{100101_3}", "100101", BINARY),
        (r"\boxed{100100_2}", "100101", BINARY),
        (r"\boxed{100101_2}", "100101", "Which number is it?"),
        (r"\boxed{2x^3 - 2x^2 + x + Kx}", "2x^3-2x^2+x+C", INTEGRAL),
        (r"\boxed{2x^3 - 2x^2 + x + K + L}", "2x^3-2x^2+x+C", INTEGRAL),
        (r"\boxed{2x^3 - 2x^2 + x + x}", "2x^3-2x^2+x+C", INTEGRAL),
        (r"\boxed{x^2+k}", "x^2+C", r"Find $\int 2x\,dx$ if $k=3$."),
        (r"\boxed{A^{-1}=\begin{pmatrix}3&-1\\-5&1\end{pmatrix}}", r"\begin{pmatrix}3&-1\\-5&2\end{pmatrix}", ""),
        (r"\boxed{2A=\begin{pmatrix}3&-1\\-5&2\end{pmatrix}}", r"\begin{pmatrix}3&-1\\-5&2\end{pmatrix}", ""),
    ],
)
def test_other_units_lists_bases_and_labels_are_not_paid(completion: str, answer: str, prompt: str) -> None:
    assert not is_paid(completion, answer, prompt)


@pytest.mark.parametrize(
    ("completion", "answer", "prompt"),
    [
        ("Mara is 24 years old.", "24", "How old is Mara?"),
        ("The baby is 24 months old.", "24", "The baby was 20 months old. How old is it now?"),
        ("The train's average speed is 72 km/h.", "72 km/h", ""),
        ("It goes 60 miles per hour.", "60 mph", ""),
        ("It is 5 m long.", "5", ""),
        ("After 3 days, 18 remain.", "18", ""),
        (r"37 = 32 + 4 + 1 → \boxed{100101_2}", "100101", BINARY),
        (r"\boxed{100101_{2}}", "100101", BINARY),
        (r"\boxed{25_{16}}", "25", "Convert 37 to hexadecimal."),
        (r"\boxed{2x^3 - 2x^2 + x + K}", "2x^3-2x^2+x+C", INTEGRAL),
        (r"\boxed{A^{-1}=\begin{pmatrix}3&-1\\-5&2\end{pmatrix}}", r"\begin{pmatrix}3&-1\\-5&2\end{pmatrix}", ""),
        (r"\boxed{M^T=\begin{pmatrix}3&-1\\-5&2\end{pmatrix}}", r"\begin{pmatrix}3&-1\\-5&2\end{pmatrix}", ""),
        ("The answer can be written as 5.", "5", ""),
    ],
)
def test_units_bases_and_labels_that_say_the_same_are_paid(completion: str, answer: str, prompt: str) -> None:
    assert is_paid(completion, answer, prompt)


@pytest.mark.parametrize(
    ("completion", "answer", "prompt"),
    [
        ("Modulus = √(25 + 144) = √169 = 13.", "13", "Find $|5 - 12i|$."),
        ("1 + 3 + ... + 79 = 40² = 1600.", "1600", "Find the sum of the first 40 positive odd integers."),
        ("r = 6/9 = 2/3, then S = a/(1−r) = 9·3 = 27 ✔", "27", "Find the sum."),
        (r"$\left[x^3+2x\right]_0^2=(8+4)-0=12$", "12", r"Evaluate $\int_0^{2} (3x^2+2)\,dx$."),
        (r"$$\lim_{x\to0}\frac{\sin5x}{3x}=\frac53\lim_{x\to0}\frac{\sin5x}{5x}=\frac53$$", r"\frac{5}{3}", r"Compute $\lim_{x\to 0} \frac{\sin 5x}{3x}$."),
        (r"$$\frac{(9-2)\cdot180^\circ}{9}=140^\circ$$", "140", "How many degrees?"),
        (r"$7^{2023}\equiv7^3=343\equiv3\pmod{10}$", "3", "What is the units digit?"),
        ("Then so x ≡ −11 ≡ 15 (mod 26).", "15", r"Find the least positive integer $x$ with $7x \equiv 1 \pmod{26}$."),
        ("$720=2^4\\cdot3^2\\cdot5^1$\n\n$(4+1)(2+1)(1+1)=30$", "30", "How many positive divisors does 720 have?"),
        (r"$P(\text{sum}=9)=\dfrac{4}{36}=\dfrac19$", r"\frac{1}{9}", "What is the probability that the sum is 9?"),
        ("4 of 36: probability = 4/36 = 1/9 ≈ 0.111.", r"\frac{1}{9}", "What is the probability?"),
        ("C(5,2)/C(8,2) = 10/28 = 5/14", r"\frac{5}{14}", "What is the probability?"),
        (r"$\frac58\cdot\frac47=\frac{20}{56}=\frac{5}{14}\approx 0.357$", r"\frac{5}{14}", "What is the probability?"),
        (r"$\sqrt{50}=5\sqrt2\approx5\times1.41421=7.07107\approx 7.07$", "7.07", r"Round $\sqrt{50}$ to two decimal places."),
        ("E = 1 + E/2, hence E = 2.", "2", "What is the expected number?"),
        ("By the geometric distribution the mean is $1/p=2$ flips.", "2", "What is the expected number of flips?"),
        ("x = 0.3636…, 99x = 36, x = 36/99 = 4/11.", r"\frac{4}{11}", r"Write $0.\overline{36}$ as a fraction."),
        ("$(r+s)^2-2rs=49-6=43$", "43", "If $r$ and $s$ are the roots of $x^2 - 7x + 3 = 0$, find $r^2 + s^2$."),
        ("5.2 km = 5,200 m", "5200 m", "Convert 5.2 kilometres to metres."),
        ("2x = 8, x = 4", "4", FIND),
        ("Hence the maximum is **16**, attained at x = 2.", "16", MAXIMUM),
        ("The maximum of 16 occurs at x = 2.", "2", "Where is the maximum?"),
        ("The maximum is 16, attained at x = 2.", "2", "At what x is the maximum attained?"),
        ("5cos(5x)/3 → 5/3 as x → 0.", r"\frac{5}{3}", r"Compute $\lim_{x\to 0} \frac{\sin 5x}{3x}$."),
        ("Speed = 126 km / 1.75 h = **72 km/h**, i.e. 20 m/s.", "72 km/h", "What is its average speed in km/h?"),
        ("So 18 dimes (and 32 nickels).", "18", "How many dimes are in the jar?"),
        ("Final answer: 3.6 hours (3 h 36 min)", r"\frac{18}{5}", "How many hours do they need?"),
        ("So 1.6 L, or 1600 mL, is left.", "1600 mL", "How many millilitres is that?"),
        ("So 1.6 L, or 1600 mL, is left.", "1600", "How many millilitres is that?"),
    ],
)
def test_the_last_side_of_a_chain_and_a_value_before_a_remark_are_paid(completion: str, answer: str, prompt: str) -> None:
    assert is_paid(completion, answer, prompt)


@pytest.mark.parametrize(
    ("completion", "answer", "prompt"),
    [
        ("2x = 8", "8", FIND),
        ("$2x=8$", "8", FIND),
        ("So $2x=4+4=8$.", "8", FIND),
        ("$x+3=8$", "8", FIND),
        ("x + 2 = 5·2 = 10", "10", FIND),
        ("f(x) = 3x = 12", "12", "Solve $f(x)=12$ for $x$"),
        ("P = 3x = 12", "12", FIND),
        ("xy = 58", "58", SUM_OF_SQUARES),
        ("the equation is $2d=36$", "36", "How many?"),
        (r"$2p = 2$ flips", "2", ""),
        (r"$12\cdot 34=407$", "407", ""),
        (r"$S=3\cdot 4$", "12", ""),
        (r"$\frac{1}{2}+\frac13=\frac{2}{5}$", r"\frac25", ""),
        ("P = 4/36 = 1/8", "1/8", ""),
        (r"$P=\frac{20}{56}=\frac{5}{14}\approx 0.367$", r"\frac{5}{14}", ""),
        ("Then 4/36 = 1/9 ≈ 0.222", "1/9", ""),
        (r"$\sqrt{50}\approx 7.08$", "7.08", r"Round $\sqrt{50}$ to two decimal places."),
        (r"$7^{3}\equiv 343 \equiv 4 \pmod{10}$", "4", ""),
        ("x ≡ −11 ≡ 16 (mod 26).", "16", ""),
        ("5.2 km = 5,300 m", "5300 m", ""),
        ("x = 3, y = 5", "5", ""),
        ("x = 3, x = 5", "5", ""),
        ("x = 3 or x = 5", "5", ""),
        ("x = 3 and x = 5", "5", ""),
        (r"$x = \pm 5$", "5", ""),
        ("S = 12, T = 13", "13", ""),
        ("Area = 3·4 = 12 or 13", "13", ""),
        ("x = 0.45…, 99x = 36, x = 36/99 = 4/11", r"\frac{4}{11}", ""),
        ("S = 3·4 = 12 > 7", "12", ""),
        ("Is S = 3·4 = 12?", "12", ""),
        ("Suppose S = 3·4 = 12", "12", ""),
        ("It could be S = 3·4 = 12", "12", ""),
        ("I doubt that S = 3·4 = 12", "12", ""),
        ("It is impossible that S = 3·4 = 12", "12", ""),
        ("S = 3·4 = 12 wrong", "12", ""),
        ("S = 3·4 = 12. Wait, no, 13.", "12", ""),
        ("x → 5 as y → 3", "5", ""),
        ("3x → 5 as x → 2", "5", FIND),
        ("Hence the maximum is 16, attained at x = 2 which is wrong", "16", MAXIMUM),
        ("The maximum is not 16, attained at x = 2", "16", MAXIMUM),
        ("the maximum is 16, attained at x = 2", "2", MAXIMUM),
        ("So 18 dimes (and 32 nickels).", "32", "How many dimes are in the jar?"),
        ("So 18 dimes (or 32 nickels).", "18", "How many dimes are in the jar?"),
        ("Final answer: 3.6 hours (3 h 30 min)", "3.6", "How many hours?"),
        ("So 1.6 L, or 1700 mL, is left.", "1600 mL", ""),
        ("So 1.6 L, or 1600 mL, is wrong.", "1600 mL", ""),
    ],
)
def test_equations_and_chains_that_say_something_else_are_not_paid(completion: str, answer: str, prompt: str) -> None:
    assert not is_paid(completion, answer, prompt)


@pytest.mark.parametrize(
    ("completion", "answer", "prompt"),
    [
        ("$(x,y)=(2,3)$", "(2,3)", ""),
        ("$x=2, y=3$", "(2,3)", ""),
        ("x = 3 or x = 5", "3, 5", ""),
        ("$x^2+y^2=25$", "x^2+y^2=25", "Find the equation of the circle."),
        ("$y=2x+1$", "y=2x+1", ""),
        ("V = πr²h = π·9·4 = 36π", r"36\pi", ""),
    ],
)
def test_answers_that_are_no_number_are_read_as_before(completion: str, answer: str, prompt: str) -> None:
    assert is_paid(completion, answer, prompt)


def test_what_a_last_sentence_says() -> None:
    assert concluded("Some work.\nThe sum is 3 + 4 = 7.", "").candidates == ("7",)
    assert concluded("P = 4/36 = 1/9 ≈ 0.111", "").candidates == (r"1/9 \approx 0.111",)
    assert concluded("It has seven of them.", "").candidates == ()
    assert without_repetition("3.6 hours (3 h 36 min)") == "3.6 hours"
    assert without_repetition("3.6 hours (3 h 30 min)") == "3.6 hours (3 h 30 min)"
    assert without_remark("16, attained at x = 2", "Where is it?", lambda quantity: False) == "16, attained at x = 2"


def test_what_more_prompts_ask_for() -> None:
    assert asked_units("How old is Mara now?") == {UNITS["year"]}
    assert asked_units("How many months old is he? How old is he?") == {UNITS["month"]}
    assert asked_base(BINARY) == 2
    assert asked_base("What is the binary number 1101 in decimal?") is None


LONG = {
    "denials": "not " * 24_000 + r"\boxed{14}",
    "withdrawn": r"\boxed{14} " + "which is " * 11_000,
    "no answers": r"\boxed{14} " + ("It is quite really be " * 4000),
    "sides": "x = " + "1 = " * 95 + "14",
    "commas": "x = 1, " * 14_000 + "x = 14",
    "brackets": "(" * 90_000 + " = 14",
    "words": "word " * 19_000 + "= 14",
    "listed": "5, " * 30_000 + "14",
    "bullets": "- 14\n" * 19_000,
    "spaces": "14" + " " * 90_000 + "(and 3 nickels)",
    "remarks": "14 m, or " * 10_000 + "14 m",
    "leads": "so x is = " * 9000 + "(1, 2)",
    "checks": "\nCheck: 1=1" * 9000,
    "courtesies": "done. " * 15_000,
    "days": "friday " * 14_000,
    "verdicts": "True. " * 16_000,
    "full stops": "14" + "." * 90_000,
    "number words": "ten " * 20_000,
    "repeated": "the 3 of " * 9000 + "360",
    "factors": r"\boxed{" + "(x-2)" * 120 + "}",
}


@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize(
    "prompt", ["Find the prime factorization, expand and solve for x.", "Convert " * 500 + "to", "$x=2$ " * 600 + "Find $x$"], ids=["forms", "convert", "sides"]
)
def test_long_completions_take_no_long_time(name: str, prompt: str) -> None:
    began = time.perf_counter()
    for answer in ("14", "Friday", "x^3-6x^2+12x-8"):
        MathVerifier()(LONG[name], Task("t", prompt, answer))
    assert time.perf_counter() - began < 3
