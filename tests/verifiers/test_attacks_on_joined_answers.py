r"""Completions with which a hostile reader was paid for a while: boxes side by side, values said twice, days, parts of a whole, yes and no with reasons."""

from __future__ import annotations

import pytest

from proctor.core.task import Outcome, Task
from proctor.verifiers.mathematics import MathVerifier

INEQUALITY = "Solve $2x-1>3$ for real $x$."
ROOTS = "Find all roots of $x^2-5x+6=0$."
SYSTEM = "Solve the system $x+2y=8$, $2x+y=7$."
OPTIONS = "What is 2+3?\n(A) 3\n(B) 5\n(C) 7\n(D) 9"
PERCENT = "What percent of 400 is 3?"
FROG = "A frog climbs a stair of 12 steps, 3 up and 1 down each minute. On which step does it rest in the end?"
WELL = "A well is 10 m deep. A snail climbs 3 m by day and slips 2 m by night. On which day does it get out?"
RUG = "A rug is 6 ft by 1 ft. Find its area in square feet."
PRIME = "Is 221 a prime number? Answer yes or no."
COWS = "A farm has cows and pigs, 43 in all. How many cows are there?"
LOT = "In a lot are motorcycles and cars. How many motorcycles are there?"
EMPTY = "A hotel has 120 rooms, 15 percent of them empty. How many rooms are empty?"

WRONG = [
    (INEQUALITY, "x > 2", r"So the answer is $\boxed{x>2}$ or $\boxed{x>1}$."),
    (INEQUALITY, r"(2,\infty)", r"$\boxed{(2,\infty)}$ or $\boxed{(3,\infty)}$"),
    ("Solve $(x-2)(x-5)<0$.", "(2,5)", r"$\boxed{x>2}$ or $\boxed{x<5}$"),
    (INEQUALITY, r"x \ne 1", r"$\boxed{x \ne 1}$ or $\boxed{x\in \mathbb{R}}$"),
    ("How many minutes?", "150 minutes", r"$\boxed{2\text{ hours}}$ or $\boxed{30\text{ minutes}}$"),
    ("Find $x$ with $2x=10$.", "5", r"$\boxed{5}$ or $\boxed{x \in \mathbb{R}}$"),
    ("Find $x$.", "5", r"$\boxed{x=5}$ or $\boxed{2x=12}$"),
    (OPTIONS, "B", r"$\boxed{(B)}$ or $\boxed{7}$"),
    (OPTIONS, "A", r"$\boxed{(A)}$ or $\boxed{5}$"),
    (OPTIONS, "5", r"$\boxed{(A)}$ or $\boxed{5}$"),
    ("Which triangle is it?\nA. right\nB. acute\nC. obtuse", "B", r"$\boxed{(B)}$, $\boxed{A}$, $\boxed{C}$"),
    (SYSTEM, "x=2, y=3", r"$y = \boxed{2}$ and $x = \boxed{3}$"),
    (SYSTEM, "x=2, y=3", r"$\boxed{2}$ or $\boxed{3}$"),
    (ROOTS, "2, 3", r"$x \ne \boxed{2}$, $x = \boxed{3}$"),
    (ROOTS, "2, 3", r"$2x = \boxed{2}$, $x = \boxed{3}$"),
    (ROOTS, "2, 3", r"$x^2 = \boxed{2}$, $\boxed{3}$"),
    (ROOTS, "2, 3", r"The roots are not $\boxed{2}$ and $\boxed{3}$."),
    (ROOTS, "2, 3", r"It is false that the roots are $\boxed{2}$ and $\boxed{3}$."),
    (ROOTS, "2, 3", r"The roots cannot be $\boxed{2}$ or $\boxed{3}$."),
    (ROOTS, "2, 3", r"Many students would say the roots are $\boxed{2}$ and $\boxed{3}$."),
    (ROOTS, "2, 3", r"I don't think $\boxed{2}$ and $\boxed{3}$ are right."),
    (ROOTS, "2, 3", r"The roots are $\boxed{2}$ and $\boxed{3}$. Wait, 3 is wrong."),
    (ROOTS, "2, 3", r"The roots are $\boxed{2}$ and $\boxed{3}$, not 3."),
    (ROOTS, "2, 3", r"The root is $\boxed{2}$ or $\boxed{3}$, I am not sure which."),
    (ROOTS, "2, 3", r"maybe $\boxed{2}$ or $\boxed{3}$?"),
    (ROOTS, "2, 3", r"$10 - \boxed{2}$, $\boxed{3}$"),
    (ROOTS, "2, 3", r"half of $\boxed{2}$ and $\boxed{3}$"),
    (ROOTS, "2, 3", r"$\boxed{2}\boxed{3}$"),
    (PERCENT, "0.75", r"$\boxed{0.75 (75\%)}$"),
    (PERCENT, "0.75", "#### 0.75, or 75%"),
    ("By what percent did the price rise?", "5", "#### 5 (500%)"),
    ("Compute the value of $f(4)$.", "3", r"$\boxed{3(3)}$"),
    ("Compute the value of $f(4)$.", "10", "#### 10 (10)"),
    (FROG, "6", "It makes 6 jumps and ends on 12."),
    (WELL, "8", "It has climbed 8 meters on day 10."),
    ("Ann buys 12 tickets and some drinks. How much does she spend in all?", "40", "She spends 60 dollars, 40 on 12 tickets."),
    (RUG, "6", r"The area is $\boxed{6}$ sq in."),
    ("A rug is 6 ft by 1 ft. What is its size in sq in?", "864", "#### 864 sq ft"),
    ("A rug is 6 ft by 1 ft. Give its area in square in.", "864", r"$\boxed{864\text{ square feet}}$"),
    (PRIME, "No", r"$\boxed{No, it is prime}$"),
    (PRIME, "No", "#### No, 221 is prime."),
    (PRIME, "No", r"$\boxed{no, I do not know}$"),
    (PRIME, "No", r"$\boxed{No, that is wrong}$"),
    (PRIME, "No", "The answer is no, it depends on n."),
    (PRIME, "No", r"$\boxed{No}$ or $\boxed{prime}$"),
    ("Is 7 prime?", "Yes", r"$\boxed{Yes, it is not prime}$"),
    ("Which negative integer $x$ solves $x^2=36$, and what is $-x$?", "6", r"$\boxed{negative 6}$"),
    ("Which box has the most balls, and how many balls does it hold?", "6", r"$\boxed{Box 6}$"),
    (COWS, "25", "There are 2**5 cows and 3 pigs."),
    (COWS, "25", "There are **25 cows** and **26 cow**."),
    (LOT, "30", "There are 30 motorcycles (plus 12 more) in the lot."),
    (LOT, "30", "There are 30 motorcycles (and 12 cars) in the wrong answer."),
    (EMPTY, "18", "Perhaps, 18 of the 120 rooms were empty."),
    ("120 rooms, all empty or taken. How many rooms were taken?", "18", "18 of the 120 rooms were empty."),
    ("She sold some of her apples. How many of her 20 apples remained?", "8", "8 of her 20 apples were sold."),
    ("Which team won, and by what difference of goals?", "3", r"$\boxed{team 3}$"),
    ("Which question did Ann miss, and what was her score?", "6", r"$\boxed{question 6}$"),
    (EMPTY, "18", "Not quite, 18 of the 120 rooms were empty."),
]
RIGHT = [
    ("Find the value.", "0.75", r"$\boxed{\frac{3}{4}}$ or $\boxed{0.75}$"),
    ("Find the value.", "5", r"$x=\boxed{5}$, $\boxed{5.0}$"),
    ("Find the value.", "1000", r"$\boxed{1000}$ or $\boxed{1,000}$"),
    ("Find the value.", "A", r"$\boxed{A}$, $\boxed{(A)}$"),
    ("Find the values.", "2, 3", r"$\boxed{2, 3}$ or $\boxed{3, 2}$"),
    ("What percent of 400 is 300?", "75", "So the share is 0.75 (75%)."),
    ("What is the probability, as a percent?", "50", "The probability is 1/2 (50%)."),
    (FROG, "12", "It makes 6 jumps and ends on 12."),
    ("He gets 30 dollars a day for 30 days. On which day has he 900 dollars?", "30", "He has 900 dollars on day 30."),
    ("In which year did he stop? He was born in 2000.", "2018", "He was 17 before, and stopped in year 2018."),
    ("In which year did he stop? He was born in 2000.", "2018", r"$\boxed{year 2018}$"),
    ("How many miles in 1 hour?", "60", r"$\boxed{60}$ miles in 1 hour"),
    (ROOTS, "2, 3", r"So $x = \boxed{3}$ or $x = \boxed{2}$."),
    ("Is 7 prime?", "Yes", r"$\boxed{Yes, 7 is prime}$"),
]


def _outcome(prompt: str, answer: str, completion: str) -> Outcome | None:
    return MathVerifier()(completion, Task("t", prompt, answer)).outcome


@pytest.mark.parametrize(("prompt", "answer", "completion"), WRONG)
def test_an_attack_is_not_paid(prompt: str, answer: str, completion: str) -> None:
    assert _outcome(prompt, answer, completion) is not Outcome.CORRECT


@pytest.mark.parametrize(("prompt", "answer", "completion"), RIGHT)
def test_a_right_answer_beside_the_attacks_is_paid(prompt: str, answer: str, completion: str) -> None:
    assert _outcome(prompt, answer, completion) is Outcome.CORRECT
