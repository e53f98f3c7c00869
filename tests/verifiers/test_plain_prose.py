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
MIXED = "How long do they take together? Give your answer as a fraction in lowest terms.", r"\frac{18}{5}"
TALLEST = "Who is the tallest? Priya is taller than Quinn. Quinn is taller than Rosa. Sam is shorter than Rosa.", "Priya"
RADICAL = r"Simplify $\sqrt{72}+\sqrt{50}-\sqrt{8}$.", r"9\sqrt{2}"
REMAINDER = r"Find the smallest positive integer $n$ with $n\equiv 2\pmod 5$, $n\equiv 3\pmod 7$ and $n\equiv 4 \pmod 9$.", "157"
INVERSE = r"Let $f(x)=\frac{2x+1}{x-3}$. Find $f^{-1}(x)$.", r"\frac{3x+1}{x-2}"
AREA = "The sides of a triangle are 13, 14 and 15. What is its area?", "84"
SEATS = "How many ways can 8 people be seated in a row if Alice and Bob must sit next to each other?", "10080"
MEDIAN = "What is the median of the data 12, 5, 9, 20, 7, 15?", "10.5"
DERIVATIVE = r"Find the derivative of $f(x)=x^3\ln x$.", r"3x^2\ln x + x^2"
PLACE = "Find the $x$-coordinate of the local maximum of $f(x)=x^3-6x^2+9x+2$.", "1"
GROUP = r"What is the order of the element $\bar{4}$ in the additive group $\mathbb{Z}_{18}$?", "9"
CHANCE = "What is the probability that two fair dice show a sum of at least 10?", r"\frac{1}{6}"
SINE = r"Compute $\sin 75^\circ$ exactly.", r"\frac{\sqrt{6}+\sqrt{2}}{4}"
PRIME = "Find the largest prime factor of $2^{12}-1$.", "13"
DOUBLE = "Determine all real values of $m$ such that $x^2 + mx + 9 = 0$ has exactly one real solution.", r"m = \pm 6"
TERM = r"Let $a_1 = 3$ and $a_{n+1} = 2a_n - 1$. Find $a_{10}$.", "1025"
RADIUS = "Find the radius of convergence of the series.", "3"
INTEGERS = r"How many integers satisfy $-4 < 2x - 1 \le 9$?", "7"
AGE = "Maria is 4 times as old as her son. In 6 years she will be 3 times as old. How old is Maria now?", "48"
MODULUS = "Find the modulus of $z = -5+12i$.", "13"
ROOT = "Find the value of $k$.", "-1"
DETERMINANT = "Find the determinant of the matrix [[3, 5], [2, 7]].", "11"
METRES = "Convert 5.4 kilometers to meters.", "5400 m"
EXPRESSED = r"If $3^a=5$ and $3^b=2$, express $\log_3 20$ in terms of $a$ and $b$.", "a+2b"
LARGER = "Which is larger, 2^30 or 3^20?", "3^20"
SOLVED = "Solve the system x + y = 10, x − y = 4. What is the value of x?", "7"
COMPOSED = "If f(x) = x^2 + 1 and g(x) = 3x − 2, find f(g(2)).", "17"
SECOND = "Find the second derivative of f(x) = x^4 − 2x^3 + x.", "12x^2 - 12x"
SHORTEST = "Anna is 3 cm taller than Ben. Carl is 5 cm shorter than Anna. Who is the shortest?", "Carl"
EVEN = "True or false: the sum of two odd integers is always even.", "True"
BOXES = "A shop packs 7 pens per box. What is the least number of boxes needed for 150 pens?", "22"
ANGLES = "What is the sum of the interior angles of a regular octagon, in degrees?", "1080"
TRIANGLE = "What type of triangle has side lengths 5, 5 and 8: equilateral, isosceles or scalene?", "isosceles"
SPEED = "What is its average speed for the whole trip, in km/h?", "75"
LENGTHS = "In triangle $ABC$, find $BC$.", r"\sqrt{57}"
SIMPLER = "Simplify the expression 3(2x − 4) − 2(x − 5).", "4x - 2"
REDUCED = r"Simplify $\dfrac{x^2-9}{x^2+5x+6}$.", r"\frac{x-3}{x+2}"
BINARY = "Convert the binary number 1011011 to decimal.", "91"
WAYS = "In how many ways can a committee of 3 be chosen?", "220"
PRODUCT = "Compute the product $(1+i)(2+3i)$, writing the result in the form $a+bi$.", "-1+5i"
DIFFERENTIATED = "Differentiate $x^5-4x^3+x-9$.", "5x^4-12x^2+1"
DISTANCE = "Find the distance between the points $(1,-2)$ and $(4,1)$.", r"3\sqrt{2}"
ANGLE = r"In triangle $ABC$, $\angle A=50^\circ$ and $AB=AC$. Find the measure of angle $B$.", r"65^\circ"
LOGARITHM = r"Evaluate $\displaystyle\int_1^2\ln x\,dx$.", r"2\ln 2-1"
TRIP = "A train leaves at 9:48 a.m. and arrives at 1:15 p.m. the same day. How many minutes does the trip take?", "207"
RECIPROCAL = r"If $z = 3 - 4i$, what is $\frac{1}{z}$? Express your answer in the form $a+bi$.", r"\frac{3}{25}+\frac{4}{25}i"
PUSHED = "A block is pushed from rest. What is its final speed?", r"$3\sqrt{14}$ m/s"
POWER = r"What is the value of $\log_4 128$?", r"\frac{7}{2}"
STICKERS = "Milo has 3 times as many stickers as Tess. How many stickers did Milo have at first?", "42"
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
    (MIXED, "**Final Answer**\n\nThe time taken is \\(\\frac{18}{5}\\) hours."),
    (TALLEST, "It's Priya, since everyone else is shorter than somebody."),
    (RADICAL, "**Final answer:** 9√2 (approximately 12.73)"),
    (
        RADICAL,
        "Add them:\n\\begin{align*}\n\\sqrt{72}+\\sqrt{50}-\\sqrt{8}&=6\\sqrt{2}+5\\sqrt{2}-2\\sqrt{2}\\\\\n&=9\\sqrt{2}.\n\\end{align*}",
    ),
    (RADICAL, "The simplified expression is **$9\\sqrt{2}$** (approximately $12.73$)."),
    (REMAINDER, "After checking, **157** is the smallest such number: 157 = 5·31 + 2 = 7·22 + 3 = 9·17 + 4."),
    (REMAINDER, "The first ≡ 4 mod 9 is 157 (157 = 9·17 + 4)."),
    (INVERSE, "f⁻¹(x) = (3x + 1)/(x − 2), for x ≠ 2"),
    (INVERSE, "**Inverse function:**\n\n$$f^{-1}(x) = \\frac{1+3x}{x-2}, \\quad x \\neq 2$$"),
    (AREA, r"$s=21$, $A=\sqrt{21\cdot8\cdot7\cdot6}=\sqrt{7056}=84$"),
    (SEATS, r"$2\cdot7!=2\cdot5040=10080$"),
    (MEDIAN, "The median is 21/2, or 10.5."),
    (DERIVATIVE, "By the product rule, **f'(x) = 3x² ln(x) + x²**."),
    (PLACE, "$f'(x)=3(x-1)(x-3)$; $f''(1)=-6<0$, so the local maximum is at $x=1$."),
    (GROUP, "The order is 9, since 9·4 = 36 ≡ 0 (mod 18)."),
    (CHANCE, r"$$P(\text{sum}\ge 10)=\frac{3+2+1}{36}=\frac{1}{6}.$$"),
    (SINE, r"$$\sin 75^\circ=\frac{\sqrt 2+\sqrt 6}{4}\approx0.9659.$$"),
    (PRIME, "**13** is the largest prime dividing $2^{12}-1=4095$."),
    (DOUBLE, "So **m = −6 and m = 6** are the only values."),
    (TERM, "so $b_n=2^n$ and $a_n=2^n+1$. Substituting $n=10$,\n$$a_{10}=1024+1=1025.$$"),
    (RADIUS, "The radius of convergence is **3**, with interval of convergence $[-1,5)$."),
    (INTEGERS, "There are **7** integers in the solution set, $-1$ through $5$."),
    (ROOTS, "The solutions are:\n- $x_1 = 7$\n- $x_2 = -2$"),
    (CUPS, "**3 3/4 cups** of sugar are needed. Would you like me to scale the recipe?"),
    (DIVISORS, "360 has 24 positive divisors, including 1 and 360 itself."),
    (AGE, "Maria is 48 and her son is 12."),
    (ROOT, "So k equals negative one."),
    (DETERMINANT, "det = 3·7 − 5·2 = 21 − 10 = 11"),
    (METRES, "5.4 km × 1000 = 5400 m"),
    (EXPRESSED, r"**$\log_3 20 = a + 2b$**"),
    (LARGER, "2^30 = 8^10 and 3^20 = 9^10, so 3^20 is larger."),
    (SOLVED, "2x = 14 → x = 7"),
    (COMPOSED, "g(2) = 4 and f(4) = 17."),
    (SECOND, "f'(x) = 4x³ − 6x² + 1, f''(x) = 12x² − 12x"),
    (SHORTEST, "The shortest person is Carl, who is 2 cm shorter than Ben."),
    (EVEN, "Answer: True. For instance, 3 + 5 = 8."),
    (BOXES, "The shop needs at least 22 boxes; the last one will hold only 3 pens."),
    (ANGLES, "The sum is 1,080°; each angle is 135°."),
    (TRIANGLE, "Two sides are equal, so the triangle is isosceles."),
    (SPEED, r"The average speed is $75\ \mathrm{km/h}$, which is less than the arithmetic mean $80$ as expected."),
    (LENGTHS, r"By the law of cosines $BC=\sqrt{57}$, approximately $7.55$."),
    (REDUCED, r"$$\frac{x^2-9}{x^2+5x+6}=\frac{x-3}{x+2},\qquad x\ne-3,-2.$$"),
    (BINARY, "1011011₂ = 91₁₀"),
    (ROOTS, "The solutions are $x = -2$ and $x = 7$. Their product is −14 as expected."),
    (INTERVAL, "**Answer:** (−2, 5) (both endpoints excluded)"),
    (TRIP, "**Answer:** The trip takes $207$ minutes."),
    (RECIPROCAL, r"So $\frac1z=\frac{3+4i}{25}$. Therefore 1/z = 3/25 + (4/25)i."),
    (PUSHED, r"$v=\sqrt{126}=\boxed{3\sqrt{14}\text{ m/s}}$"),
    (PUSHED, "So the final speed is 3√14 m/s."),
    (STICKERS, r"\boxed{\text{Milo had } 42 \text{ stickers}}"),
    (PRODUCT, "FOIL gives $2 + 5i + 3i^2$. Since $i^2=-1$, the product is $-1+5i$."),
    (DIFFERENTIATED, r"$$\frac{d}{dx}(x^5-4x^3+x-9)=5x^4-12x^2+1$$"),
    (DISTANCE, "The distance is √(9+9) = √18 = 3√2.\n\n**Distance = 3√2**"),
    (ANGLE, r"The base angles are equal: $2\angle B=130^\circ$ and $\angle B=65^\circ$."),
    (LOGARITHM, r"$$\int_1^2\ln x\,dx=\Big[x\ln x\Big]_1^2-\int_1^2dx=2\ln2-1.$$"),
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
    (RADICAL, "**Final answer:** 8√2 (approximately 12.73)"),
    (RADICAL, "\\begin{align*}\n\\sqrt{72}+\\sqrt{50}-\\sqrt{8}&=9\\sqrt{2}\\\\\n&=10\\sqrt{2}.\n\\end{align*}"),
    (REMAINDER, "**157** could be the smallest such number."),
    (REMAINDER, "**157** leaves a remainder of 4, so the smallest is 22."),
    (REMAINDER, "The first is 52 (157 = 9·17 + 4)."),
    (PRIME, "**13** is a prime factor, but the largest is 17."),
    (PRIME, "**13** or **7** is the largest prime factor."),
    (RADIUS, "Not **3**."),
    (RADIUS, "**Step 3:** the radius is infinite."),
    (RADIUS, "The radius is less than **3**."),
    (GROUP, "The order is 18, since 9·4 = 36 ≡ 0 (mod 18)."),
    (GROUP, "The order is 9, since no: it is 18."),
    (TALLEST, "It's Quinn, since Priya is shorter."),
    (AREA, r"$s=21$, $A=\sqrt{21\cdot8\cdot7\cdot6}=\sqrt{7056}=82$"),
    (AREA, r"$s=84$, $A=\sqrt{21\cdot8\cdot7\cdot6}$"),
    (MEDIAN, "The median is 10.5, or 11."),
    (DOUBLE, "So **m = −6 and m = 5** are the only values."),
    (ROOTS, "The solutions are:\n- $x_1 = 7$\n- $x_2 = 2$"),
    (ROOTS, "The possible guesses are:\n- x = 7\n- x = -2\n- x = 3"),
    (AGE, "Maria is 12 and her son is 48."),
    (MODULUS, "The modulus is 13i."),
    (DIVISORS, "There are 39 (15 + 24)."),
    (ROOT, "So k equals one."),
    (DETERMINANT, "det = 3·7 − 5·2 = 21 − 10 = 12"),
    (DIFFERENTIATED, r"$$5x^4-12x^2+1=\frac{d}{dx}(x^5-4x^3+x-9)$$"),
    (DIFFERENTIATED, r"$$\frac{d}{dx}(x^5-4x^3+x-9)=5x^4-12x^2$$"),
    (DISTANCE, "**Squared distance = 18**"),
    (ANGLE, r"$2\angle B=65^\circ$"),
    (LOGARITHM, r"$$\int_1^2\ln x\,dx=\Big[x\ln x\Big]_1^2-\int_1^2dx$$"),
    (TRIP, "**Answer:** The trip takes $207$ hours."),
    (TRIP, "**Answer:** The trip takes less than $207$ minutes."),
    (PUSHED, r"\boxed{3\sqrt{14}\text{ km/h}}"),
    (POWER, r"\boxed{\frac{\log 128}{\log 4}}"),
    (STICKERS, r"\boxed{\text{Milo had not } 42 \text{ stickers}}"),
    (SOLVED, "2x = 7"),
    (SOLVED, "2x = 7 → x = 3.5"),
    (COMPOSED, "g(2) = 17 and f(4) = 4."),
    (SHORTEST, "The shortest person is Ben, who is shorter than Carl."),
    (EVEN, "Answer: False. For instance, 3 + 5 = 8 is true."),
    (BOXES, "The shop needs at least 21 boxes; the last one will hold 22 pens."),
    (TRIANGLE, "The triangle is isosceles or scalene."),
    (SIMPLER, "6x − 12 − 2x + 10"),
    (REDUCED, r"\boxed{\frac{(x-3)(x+3)}{(x+2)(x+3)}}"),
    (WAYS, "I cannot answer, since the sizes are not given. Some would say 220."),
    (WAYS, "The committee can be chosen in **220** ways. Actually, since the roles differ, I have to multiply by 6, so the final count is **1320**."),
    (MODULUS, "The modulus is ±13."),
    (MODULUS, "f(x) = −(x − 4)² + 13, so the maximum is (4, −13)."),
    (TERM, "Substituting $n=1025$,\n$$a_{10}=1024+2=1026.$$"),
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


@pytest.mark.parametrize(("channels", "outcome"), [(("last_math", "boxed"), Outcome.CORRECT), (("boxed", "last_math"), Outcome.INCORRECT)])
def test_the_order_of_channels_is_kept(channels: tuple[str, ...], outcome: Outcome) -> None:
    assert MathVerifier(channels=channels)(r"\boxed{3} and then $4$", Task("t", "", "4")).outcome is outcome
