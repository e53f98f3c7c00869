r"""Answers in plain sentences, without a box and without the word "answer": what they say, and what they only seem to say."""

from __future__ import annotations

import pytest

from proctor.core.task import Outcome, Task
from proctor.verifiers.mathematics import MathVerifier

INTERVAL = "Solve the inequality $|2x-3|<7$. Write the answer in interval notation.", "(-2,5)"
SYSTEM = "Solve the system $3x+2y=16$, $x-y=2$. Give your answer as an ordered pair.", "(4,2)"
UNION = r"Let $A=\{1,2,3,4\}$ and $B=\{3,4,5\}$. Find $A\cup B$.", r"\{1,2,3,4,5\}"
MATRIX = "Find the inverse of the matrix.", r"\begin{pmatrix}3&-1\\-5&2\end{pmatrix}"
LINE = "Find the equation of the line through (2, 3) and (6, 11) in slope-intercept form.", "y=2x-1"
FACTOR = "Factor $6x^2-7x-3$ completely.", "(2x-3)(3x+1)"
INTEGRAL = r"Find the indefinite integral $\int (6x^2-4x+1)\,dx$.", "2x^3-2x^2+x+C"
PERIOD = r"What is the period of $y=3\sin(4x)$?", r"\frac{\pi}{2}"
VOLUME = "A cone has radius 3 and height 8. What is its volume? Give an exact answer.", r"24\pi"
ROOTS = "Find all real solutions of $x^2-5x-14=0$.", "x=7, x=-2"
EIGEN = "Find the eigenvalues of the matrix.", "2, 5"
TANGENT = "Find the equation of the tangent line to $y=x^2+1$ at $x=2$.", "y=4x-3"
RATIO = "Simplify the ratio 84 : 60.", "7:5"
DATE = "A library book is borrowed on March 20 and is due 18 days later. On what date is it due?", "April 7"
LENGTH = "A movie starts at 6:50 p.m. and ends at 9:15 p.m. How long is it? Give hours and minutes.", "2 hours 25 minutes"
DAY = "If today is Wednesday, what day of the week will it be 100 days from now?", "Friday"
TRUTH = "True or false: every continuous function on the real line is differentiable.", "False"
SERIES = r"Does the series $\sum_{n=1}^\infty \frac{1}{\sqrt n}$ converge or diverge?", "diverges"
DIRECTION = "A hiker faces north, turns 90 degrees right, then turns 180 degrees. Which direction does the hiker face?", "West"
STORE = "Which is the better buy: Store A sells 12 oranges for $5.40, Store B sells 8 oranges for $3.44?", "Store B"
DIVISORS = "How many positive divisors does 360 have?", "24"
WEEKS = "Maya saves $35 a week. She already has $120. How many weeks until she has at least $400?", "8"
CUPS = "A recipe uses 3/4 cup of sugar per batch. How many cups of sugar are needed for 5 batches? Give a mixed number.", r"3\frac{3}{4}"
CANDIES = "Nina gave a third of her candies away and then ate 4, leaving her with 22. How many candies did she have at first?", "39"
WORKERS = "If 5 workers build a wall in 12 days, how many days do 6 workers need?", "10"
RENT = "Maya has $2,000 and spends 35% of it on rent. How much money is left?", "1300"
ORDER = r"Arrange $0.6$, $\frac{5}{8}$, and $\frac{4}{7}$ in order from least to greatest.", r"\frac{4}{7}, 0.6, \frac{5}{8}"
GIRLS = "The ratio of boys to girls in a club is 3:5 and there are 40 members. How many girls are there?", "25"
ZEROS = "How many trailing zeros does $50!$ have?", "12"
SLOPE = r"Find $\frac{dy}{dx}$ at $t=2$ if $x=t^2$, $y=t^3-t$.", r"\frac{11}{4}"
MEAN = "The mean of five numbers is 18. Four of the numbers are 12, 20, 15 and 25. What is the fifth number?", "18"
BASE = "Write 45 in base 4.", "231_4"

RIGHT = [
    (INTERVAL, "The solution is **(-2, 5)**."),
    (SYSTEM, "Substituting gives y = 2 and x = 4, so the solution is (4, 2)."),
    (SYSTEM, "x = 6/2 = 3, no: x = 4.\n\nSolution: (4, 2)"),
    (UNION, r"Combining elements without repetition, $A\cup B=\{1, 2, 3, 4, 5\}$."),
    (UNION, "The union is **{1, 2, 3, 4, 5}**. Let me know if you have any questions!"),
    (MATRIX, "The inverse is [[3, -1], [-5, 2]]."),
    (LINE, "The line is **y = 2x − 1**."),
    (LINE, "The equation of the line is:\n\n$$y = 2x - 1$$\n\nYou can check that (6, 11) works: 2(6) − 1 = 11. ✓"),
    (FACTOR, "$6x^2-9x+2x-3=3x(2x-3)+1(2x-3)=(3x+1)(2x-3)$"),
    (FACTOR, "The factored form is **(3x + 1)(2x − 3)**. Done."),
    (INTEGRAL, r"$$\int(6x^2-4x+1)\,dx=2x^3-2x^2+x+C$$ where $C$ is the constant of integration."),
    (PERIOD, "The period is **π/2**."),
    (VOLUME, "The volume is **24π cubic units**."),
    (ROOTS, "Using the formula, x = (5 ± √81)/2 = (5 ± 9)/2, which gives **x = 7** and **x = -2**."),
    (EIGEN, "The eigenvalues are **λ₁ = 5** and **λ₂ = 2**."),
    (TANGENT, r"$y - 5 = 4(x-2) \implies y = 4x - 3$"),
    (TANGENT, "So the tangent is the line $y=4x-3$."),
    (RATIO, "The GCD is 12, so the ratio is **7 : 5**."),
    (DATE, "The book is due on April 7th."),
    (DATE, "It is due on the 7th of April."),
    (LENGTH, "From 6:50 to 8:50 is 2 hours, and 8:50 to 9:15 is 25 minutes. So 2 hours and 25 minutes."),
    (LENGTH, "The movie is 2 hours and 25 minutes long."),
    (DAY, "100 mod 7 = 2, so it will be Friday."),
    (DAY, "100 days is 14 weeks and 2 days. Two days after Wednesday is **Friday**."),
    (TRUTH, "False. A counterexample is $|x|$, which is continuous but not differentiable at 0."),
    (TRUTH, "The statement is false."),
    (SERIES, "This is a p-series with p = 1/2 ≤ 1, so it diverges."),
    (DIRECTION, "North → east → west. The hiker faces **west**."),
    (STORE, "Store A: $0.45 each. Store B: $0.43 each. **Store B** is the better buy."),
    (DIVISORS, "There are 24 positive divisors of 360."),
    (WEEKS, "400 - 120 = 280\n280 / 35 = 8\n\nIt'll take her 8 weeks to reach $400."),
    (CUPS, "You need 3 3/4 cups of sugar for 5 batches."),
    (CANDIES, "26 is two thirds, so a third is 13 and the total is 13 × 3 = **39**.\n\nCheck: 39 − 13 = 26; 26 − 4 = 22 ✓."),
    (WORKERS, "They will need ten days."),
    (RENT, "The amount left is **$1,300** (65% of her money)."),
    (ORDER, r"$\frac{4}{7}<0.6<\frac{5}{8}$"),
    (ORDER, "In order: 4/7, 0.6, 5/8"),
    (GIRLS, "40/8 = 5, and 5 × 5 = 25 girls."),
    (ZEROS, "Answer: 12 trailing zeros"),
    (SLOPE, r"$\frac{dy}{dx}=\frac{3t^2-1}{2t}=\frac{11}{4}$"),
    (BASE, "So the answer is 231 (base 4)."),
]

WRONG = [
    (INTERVAL, "The solution is **[-2, 5)**."),
    (INTERVAL, "The solution is not (-2, 5)."),
    (INTERVAL, "The solution might be (-2, 5)."),
    (INTERVAL, "The solution is (-2, 5) or [-2, 5]."),
    (INTERVAL, "If the solution is (-2, 5)."),
    (INTERVAL, "Is the solution (-2, 5)?"),
    (INTERVAL, "The solution is (-2, 5). The solution is (2, 5)."),
    (SYSTEM, "The solution is (2, 4)."),
    (SYSTEM, "The solution is (4, 2), but (2, 4) works too."),
    (SYSTEM, "Solution: (2, 4)\nSolution: (4, 2)"),
    (SYSTEM, "A classmate says the wrong solution is (4, 2)."),
    (UNION, "The union is everything except {1, 2, 3, 4, 5}."),
    (MATRIX, "The inverse is half of [[3, -1], [-5, 2]]."),
    (LINE, "The line is y = 2x - 1 or y = 2x + 1."),
    (LINE, "The line is parallel to y = 2x - 1, namely y = 2x."),
    (FACTOR, "$6x^2-7x-3=(3x-1)(2x+3)$"),
    (FACTOR, "So we factor $6x^2-7x-3$."),
    (FACTOR, "$(3x+1)(2x-3) = 6x^2-7x-3$"),
    (INTEGRAL, r"The integral is $\int (6x^2-4x+1)\,dx$."),
    (PERIOD, "The period is twice π/2."),
    (PERIOD, "The period is not π/2."),
    (VOLUME, "The volume is **24 cubic units**."),
    (VOLUME, "The volume is less than 24π."),
    (ROOTS, "The solutions are x = 7 and x = 2."),
    (ROOTS, "The solution is x = 7."),
    (EIGEN, "The eigenvalues are 5 and 3."),
    (TANGENT, r"$y - 5 = 4(x-2) \implies y = 4x + 3$"),
    (RATIO, "The ratio is 5 : 7."),
    (DATE, "The book is due on April 8th."),
    (DATE, "The book is not due on April 7th."),
    (DATE, "The book is due before April 7th."),
    (LENGTH, "The movie is 2 hours and 35 minutes long."),
    (LENGTH, "The movie is longer than 2 hours and 25 minutes."),
    (DAY, "It will not be Friday."),
    (DAY, "It will be Friday or Saturday."),
    (DAY, "Is it Friday?"),
    (DAY, "It will be the day after Friday, which is Saturday."),
    (TRUTH, "True. It is false that a continuous function is anything else."),
    (TRUTH, "True or false?"),
    (TRUTH, "It is not false."),
    (TRUTH, "False.\nTrue."),
    (SERIES, "The series does not diverge."),
    (SERIES, "It converges or diverges."),
    (DIRECTION, "The hiker faces west or east."),
    (STORE, "Store A is the better buy."),
    (STORE, "Store B is not the better buy."),
    (DIVISORS, "There are 23 positive divisors of 360."),
    (DIVISORS, "There are not 24 positive divisors of 360."),
    (DIVISORS, "There are fewer than 24 positive divisors of 360."),
    (WEEKS, "It'll take her 9 weeks to reach $400."),
    (WEEKS, "It'll take her 8 weeks, or 9, to reach $400."),
    (CUPS, "You need 3 1/4 cups of sugar for 5 batches."),
    (CANDIES, "The total is 39. Check: 40 − 13 = 27, so the total is 40."),
    (CANDIES, "The total is 39.\n\nCheck: it fails, 40 is better."),
    (WORKERS, "They will need more than ten days."),
    (WORKERS, "They will need ten or twelve days."),
    (WORKERS, "They will need half of ten days."),
    (RENT, "The amount left is **$1,300** (or now $1,200)."),
    (ORDER, r"\boxed{\frac58, 0.6, \frac47}"),
    (ORDER, "0.6, 4/7, 5/8"),
    (GIRLS, "40/8 = 5, and 3 × 5 = 15 girls."),
    (ZEROS, "Answer: 11 trailing zeros"),
    (SLOPE, r"$\frac{dy}{dx}=\frac{3t^2-1}{2t}=\frac{13}{4}$"),
    (MEAN, "The fifth number is x, where (72 + x)/5 = 18."),
    (BASE, "So the answer is 231 (base 5)."),
]


def _outcome(problem: tuple[str, str], completion: str) -> Outcome | None:
    prompt, answer = problem
    return MathVerifier()(completion, Task("t", prompt, answer)).outcome


@pytest.mark.parametrize(("problem", "completion"), RIGHT)
def test_says_the_answer(problem: tuple[str, str], completion: str) -> None:
    assert _outcome(problem, completion) is Outcome.CORRECT


@pytest.mark.parametrize(("problem", "completion"), WRONG)
def test_says_something_else(problem: tuple[str, str], completion: str) -> None:
    assert _outcome(problem, completion) is not Outcome.CORRECT
