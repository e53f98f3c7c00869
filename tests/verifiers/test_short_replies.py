r"""Short replies without a box: chains of equations with units, derivatives by their notation, conclusions in words, remarks behind the answer."""

from __future__ import annotations

import pytest

from proctor.core.task import Outcome, Task
from proctor.verifiers.mathematics import MathVerifier

MAP = "A map has scale 1:50000. Two towns are 6 cm apart on the map. What is the actual distance in km?", "3"
LAMP = "A lamp uses 60 W of power for 5 hours. How much energy does it use in kWh?", "0.3 kWh"
SPEED = "Convert 72 km/h to m/s.", "20 m/s"
FORCE = "A force of 20 N acts on a mass of 4 kg. What is the acceleration?", "5 m/s^2"
CHARGE = "A capacitor of 4 microfarads is charged to 10 V. What charge does it hold?", r"40 \mu C"
DIAGONALS = "How many diagonals does a regular octagon have?", "20"
SIDES = "A convex polygon has 20 diagonals. How many sides does it have?", "8"
FRACTION = "Write 35% as a fraction in lowest terms.", "7/20"
DIGITS = r"What is the sum of the digits of 2^{10}?", "7"
STEPS = r"Evaluate 8 + 2 \times (15 - 9)^2 \div 4.", "26"
IDENTITY = r"Simplify \sin^2 x \cdot (1 + \cot^2 x), where it is defined.", "1"
UNKNOWN = "Solve 2m + 6 = 20 for m.", "20"
POLYNOMIAL = "Find the derivative of f(x) = x^3 - 4x.", "3x^2 - 4"
PRODUCT = "Differentiate f(x) = x e^x.", "(x+1)e^x"
SINE = r"Find the derivative of \sin(3x).", r"3\cos(3x)"
PARTIAL = "Find the partial derivative of f(x,y) = x^2 y + 3xy^2 with respect to y.", "x^2 + 6xy"
INVERSE = "Find the inverse function of f(x) = 2x + 6. Express it as a function of x.", r"\frac{x-6}{2}"
ABSOLUTE = 'Solve for real x: |x| = -4. If there is none, write "no solution".', "no solution"
LINEAR = 'Solve 2(x - 3) = 2x + 5 for x. If there is none, write "no solution".', "no solution"
SYSTEM = "How many solutions does the system y = 2x + 1, 2y = 4x + 2 have?", "infinitely many"
SPRING = "What is the energy of a spring of stiffness k at amplitude A?", r"\frac{1}{2}kA^2"
ROOTS = "How many real solutions does the equation have: none, one or infinitely many?", "one solution"
QUADRANT = "In what quadrant does the point (-4, 7) lie?", "II"
LIMIT = "Find the limit of 1/x as x goes to 0, if it exists.", "does not exist"
FACTORED = "Factor completely: x^2 + 2x - 15. Give your answer in factored form.", "(x+5)(x-3)"
BUSES = "A school rents 7 buses. Each bus has 54 seats, and on each bus exactly 5 seats stay empty. How many passengers travel in total?", "343"
ODD = "The sum of the first n positive odd integers is 625. Find n.", "25"
EIGENVALUES = "Find the eigenvalues of [[2, 1], [1, 2]].", r"\{1, 3\}"
HYPOTENUSE = "直角三角形の二辺が 6 と 8 のとき、斜辺の長さを求めよ(6 と 8 は直角をはさむ二辺)。", "10"
APPLES = "한 상자에 사과가 24개 들어 있습니다. 15상자에는 사과가 모두 몇 개 있습니까?", "360"
LENGTH = "一个长方形的周长是 48 厘米,长是 14 厘米。宽是多少厘米?", "10"

RIGHT = [
    (MAP, "6 × 50000 = 300000 cm = 3000 m = 3 km."),
    (MAP, "6 cm × 50,000 = 300,000 cm = 3 km"),
    (MAP, r"$6\text{ cm}\times 50000 = 300000\text{ cm} = 3\text{ km}$"),
    (LAMP, "E = 60 W × 5 h = 300 Wh = 0.3 kWh"),
    (LAMP, "60 W × 5 h = 0.3 kWh"),
    (LAMP, r"$0.06\text{ kW}\cdot5\text{ h}=\boxed{0.3\text{ kWh}}$"),
    (LAMP, "It uses **0.3 kilowatt-hours**."),
    (LAMP, r"\boxed{300\text{ Wh}}"),
    (SPEED, "72 km/h × (1000 m / 3600 s) = 20 m/s"),
    (SPEED, "72 km/h = 72000 m / 3600 s = 20 m/s"),
    (FORCE, "a = F/m = 20 N / 4 kg = 5 m/s²."),
    (FORCE, r"$a = \frac{F}{m} = \frac{20\text{ N}}{4\text{ kg}} = 5\text{ m/s}^2$"),
    (CHARGE, "Q = CV = 4 μF × 10 V = 40 μC."),
    (CHARGE, "Q = CV = 4 µF × 10 V = 40 µC"),
    (CHARGE, r"$Q=CV=4\times10^{-6}\cdot10=\boxed{4\times10^{-5}\text{ C}}$"),
    (CHARGE, r"\boxed{0.04\text{ mC}}"),
    (CHARGE, r"\boxed{40\,\mu\text{C}}"),
    (CHARGE, "It holds 40 microcoulombs."),
    (DIAGONALS, "n(n−3)/2 = 8·5/2 = 20"),
    (DIAGONALS, "$n(n-3)/2 = 8(8-3)/2 = 20$"),
    (FRACTION, "35% = 35/100 = 7/20."),
    (DIGITS, "2¹⁰ = 1024, and 1 + 0 + 2 + 4 = 7."),
    (STEPS, "(15 − 9)² = 36; 2 × 36 = 72; 72 ÷ 4 = 18; 8 + 18 = 26."),
    (IDENTITY, "1 + cot²x = csc²x and sin²x·csc²x = 1."),
    (POLYNOMIAL, "Using the power rule, f′(x) = 3x² − 4."),
    (POLYNOMIAL, r"By the power rule, $f^{\prime}(x) = 3x^2 - 4$."),
    (POLYNOMIAL, r"\boxed{f^\prime(x)=3x^2-4}"),
    (PRODUCT, "By the product rule: f′(x) = eˣ + x·eˣ.\n\n**f′(x) = eˣ + xeˣ**"),
    (SINE, "By the chain rule, d/dx sin(3x) = 3 cos(3x)."),
    (SINE, r"By the chain rule, $\frac{d}{dx}\sin(3x) = 3\cos(3x)$."),
    (PARTIAL, "Treat x as a constant: ∂f/∂y = x² + 6xy."),
    (PARTIAL, r"\boxed{\frac{\partial f}{\partial y} = x^2 + 6xy}"),
    (INVERSE, "Swap x and y: x = 2y + 6, so y = (x − 6)/2.\n\n$f^{-1}(x) = \\dfrac{x}{2} - 3$"),
    (INVERSE, r"Hence \[\boxed{f^{-1}(x)=\frac{x-6}{2}}\]"),
    (INVERSE, "Solving for x, so f⁻¹(x) = (x − 6)/2."),
    (ABSOLUTE, "An absolute value cannot be negative, so the equation has **no solution**."),
    (ABSOLUTE, "An absolute value is never negative; therefore there are no real solutions."),
    (LINEAR, "2x − 6 = 2x + 5 gives −6 = 5, a contradiction. So there is **no solution**."),
    (SYSTEM, "The second equation is twice the first, so both describe the same line: there are infinitely many solutions."),
    (SYSTEM, "They are the same line, so the system has **infinitely many solutions**."),
    (QUADRANT, "x is negative and y is positive, so the point lies in Quadrant II."),
    (SPRING, r"\boxed{\frac{1}{2} k A^2}"),
    (ROOTS, "It is strictly increasing, so it has exactly one solution."),
    (QUADRANT, "The point is in the second quadrant."),
    (FACTORED, "x² + 2x − 15 = (x + 5)(x − 3). Expanding confirms: x² − 3x + 5x − 15 ✓."),
    (FACTORED, "x² + 2x − 15 = (x + 5)(x − 3).\n\nMultiplying this out gives back x² + 2x − 15 ✓"),
    (BUSES, "- Total: 7 × 49 = **343**\n\nSo 343 passengers travel in total. This makes sense because 7 full buses would carry 378, and 35 seats are empty."),
    (ODD, "So n² = 625 and, since n is positive, n = 25.\n\nSanity check: the last odd number would be 49, and (1 + 49)/2 · 25 = 625. Great!"),
    (EIGENVALUES, "(2 − λ)² − 1 = 0, so 2 − λ = ±1 and λ = 1 or λ = 3."),
    (HYPOTENUSE, "三平方の定理より √(36+64) = √100 = 10。よって斜辺の長さは 10 です。"),
    (HYPOTENUSE, "よって斜辺の長さは10である。"),
    (APPLES, "24 × 15 = 360이므로 사과는 모두 360개입니다."),
    (APPLES, "따라서 답은 360개이다."),
    (LENGTH, "48 ÷ 2 = 24,24 − 14 = 10。所以宽是 10 厘米。"),
    (LIMIT, "The one-sided limits differ, so the limit does not exist."),
    (LIMIT, "The one-sided limits are 1 and −1. Because they differ, the two-sided limit does not exist."),
]
WRONG = [
    (MAP, "6 × 50000 = 300000 cm = 3000 m = 30 km."),
    (MAP, "6 × 50000 = 300000 cm = 3 km. The true scale is half of that, so the distance is 1.5 km."),
    (MAP, "6 × 50000 = 300000 cm = 3 m"),
    (MAP, "3 km = 300000 cm"),
    (MAP, "The answer is not 6 × 50000 = 300000 cm = 3 km."),
    (LAMP, "E = 60 W × 5 h = 300 Wh = 3 kWh"),
    (LAMP, "E = 60 W × 5 h = 0.3 kWh = 300 kWh"),
    (LAMP, "60 W × 5 h = 0.3 kWh or 300 kWh"),
    (LAMP, r"\boxed{0.3\text{ Wh}}"),
    (LAMP, r"\boxed{0.3\text{ kW}}"),
    (SPEED, "72 km/h × (3600 s / 1000 m) = 259.2 m/s"),
    (FORCE, "a = F/m = 20 N / 4 kg = 5 m/s."),
    (FORCE, "a = m/F = 4 kg / 20 N = 0.2 m/s²."),
    (FORCE, "a = F/m = 4 kg / 20 N = 5 m/s²."),
    (CHARGE, "Q = CV = 4 μF × 10 V = 40 mC."),
    (CHARGE, "The charge is 40 nC."),
    (CHARGE, r"\boxed{40\text{ C}}"),
    (CHARGE, r"\boxed{4\times10^{-6}\text{ C}}"),
    (CHARGE, r"\boxed{40\,\mu\text{F}}"),
    (DIAGONALS, "n(n−3)/2 = 8·5/2 = 40"),
    (DIAGONALS, "n(n−3)/2 = 8·5 = 40"),
    (DIAGONALS, "n(n−3)/2 = 20"),
    (SIDES, "n(n−3)/2 = 8·5/2 = 20"),
    (FRACTION, "35% = 35/100 = 7/25."),
    (FRACTION, "7/20 = 35%, not 35/100 = 7/20?"),
    (DIGITS, "2¹⁰ = 1024, and 1 + 0 + 2 + 4 = 8."),
    (DIGITS, "2¹⁰ = 512, and 1 + 0 + 2 + 4 = 7."),
    (STEPS, "(15 − 9)² = 36; 2 × 36 = 72; 8 + 72 = 80; 80 ÷ 4 = 20."),
    (STEPS, "8 + 18 = 26; 2 × 36 = 72; 72 ÷ 4 = 18."),
    (STEPS, "15 − 9 = 6; 13 × 2 = 26."),
    (UNKNOWN, "2m = 20"),
    (UNKNOWN, "2m + 6 = 20"),
    (UNKNOWN, "2m + 6 = 2·7 + 6 = 20"),
    (POLYNOMIAL, "Using the power rule, f′(x) = 3x² + 4."),
    (POLYNOMIAL, "Using the power rule, f′(x) = 3x² − 4x."),
    (POLYNOMIAL, "f′(x) = 3x² − 4, so f′(2) = 8."),
    (SINE, "By the chain rule, d/dx sin(3x) = cos(3x)."),
    (SINE, "By the chain rule, d/dx sin(3x) is not 3 cos(3x)."),
    (PARTIAL, "Treat y as a constant: ∂f/∂x = 2xy + 3y²."),
    (INVERSE, r"\boxed{f^{-1}(x)=\frac{x+6}{2}}"),
    (INVERSE, "$f^{-1}(x) = \\dfrac{1}{2x+6}$"),
    (ABSOLUTE, "It is not true that the equation has no solution."),
    (ABSOLUTE, "If x were positive, the equation would have no solution."),
    (ABSOLUTE, "So x = 4 or x = −4. Note that without the bars there is one solution."),
    (ABSOLUTE, "The equation has no solution or exactly one solution."),
    (ABSOLUTE, "So is there no solution?"),
    (LINEAR, "So there is exactly one solution."),
    (LINEAR, "So there is no solution with x > 3, and x = 2 works."),
    (SYSTEM, "The lines are parallel, so the system has no solution."),
    (SYSTEM, "A system has no solution, one solution or infinitely many solutions."),
    (SYSTEM, "There are infinitely many solutions. Wait, the lines differ, so there is exactly one solution."),
    (QUADRANT, "x is positive and y is negative, so the point lies in Quadrant IV."),
    (SPRING, r"\boxed{\frac{1}{2}}"),
    (ROOTS, "It changes its sign, so it has at least one solution."),
    (QUADRANT, "The point lies in Quadrant I or Quadrant II."),
    (QUADRANT, "The point does not lie in Quadrant II."),
    (LIMIT, "The limit exists, though it may seem that it does not exist."),
    (LIMIT, "The limit is 4. The maximum does not exist."),
    (LIMIT, "The limit is 4. The limit does not exist."),
    (LIMIT, "The left limit does not exist."),
    (ABSOLUTE, "The equation has exactly one solution. Its companion has no solution."),
    (ABSOLUTE, "There are infinitely many solutions. The other system has no solution."),
    (ABSOLUTE, "I claim that it has exactly one solution. A student said the equation has no solution"),
    (QUADRANT, "The student thinks the point lies in Quadrant II."),
    (QUADRANT, "Points with x>0 lie in Quadrant I. Points with x<0 and y>0 lie in Quadrant II"),
    (("Find $f(x)$, twice x.", "2x"), r"\boxed{f^{-1}(x)=2x}"),
    (FACTORED, "x² + 2x − 15 = (x − 5)(x + 3). Expanding confirms: (x + 5)(x − 3) ✓."),
    (BUSES, "So 378 passengers travel in total. This makes sense because 343 is less."),
    (BUSES, "So 343 passengers travel in total. This makes sense, but one bus is not used, so the answer is 294."),
    (ODD, "So n² = 625 and, since n is positive, n = 24."),
    (ODD, "So n = 24.\n\nSanity check: (1 + 49)/2 · 25 = 625. Great!"),
    (EIGENVALUES, "(2 − λ)² − 1 = 0, so 2 − λ = ±1 and λ = 1 or λ = −3."),
    (EIGENVALUES, "(2 − λ)² − 1 = 0, so 2 − λ = ±1 and λ = 1."),
    (HYPOTENUSE, "√100 = 10。よって斜辺の長さは 100 です。"),
    (HYPOTENUSE, "よって斜辺の長さは 10 ではありません。"),
    (HYPOTENUSE, "斜辺の長さは 8 または 10 です。"),
    (HYPOTENUSE, "斜辺の長さは 10 ですか。"),
    (HYPOTENUSE, "斜辺の長さは 10 万です。"),
    (APPLES, "사과는 모두 360개가 아닙니다."),
    (APPLES, "사과는 모두 350개 또는 360개입니다."),
    (APPLES, "24 × 15 = 360이므로 사과는 모두 36개입니다."),
    (LENGTH, "24 − 14 = 10,所以宽不是 10 厘米。"),
    (LENGTH, "所以宽是 10 米。"),
]


def _outcome(problem: tuple[str, str], completion: str) -> Outcome | None:
    prompt, answer = problem
    return MathVerifier()(completion, Task("t", prompt, answer)).outcome


@pytest.mark.parametrize(("problem", "completion"), RIGHT)
def test_a_short_reply_says_the_answer(problem: tuple[str, str], completion: str) -> None:
    assert _outcome(problem, completion) is Outcome.CORRECT


@pytest.mark.parametrize(("problem", "completion"), WRONG)
def test_a_short_reply_says_something_else(problem: tuple[str, str], completion: str) -> None:
    assert _outcome(problem, completion) is not Outcome.CORRECT
