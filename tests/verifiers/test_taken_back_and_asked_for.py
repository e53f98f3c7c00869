"""What a stranger's third set of rows found: answers that are taken back, ratios and units that are not those asked for, and right answers in other words."""

from __future__ import annotations

import time

import pytest

from proctor.core import Outcome, Task
from proctor.verifiers.asked import asked_base, values_said
from proctor.verifiers.mathematics import MathVerifier, number_verifier
from proctor.verifiers.measures import asked_units
from proctor.verifiers.retractions import doubt_after
from proctor.verifiers.units import UNITS

MEAN = "The mean of 8, 11, 15 and $x$ is 12. Find $x$."


def is_paid(completion: str, answer: str, prompt: str) -> bool:
    return MathVerifier()(completion, Task("t", prompt, answer)).outcome is Outcome.CORRECT


@pytest.mark.parametrize(
    ("completion", "answer", "prompt"),
    [
        ("The answer is 14. Scratch that, I mis-added; x is 16.", "14", MEAN),
        (r"\boxed{14} Scratch that, x is 16.", "14", MEAN),
        ("#### 14\nScratch that, I mis-added; x is 16.", "14", MEAN),
        ("The answer is 14. Hmm, let me recheck: 48 - 32 = 16, so it should be 16.", "14", MEAN),
        ("The answer is 14. No, that's wrong. It is 16.", "14", MEAN),
        ("The answer is 14. Correction: x is 16.", "14", MEAN),
        ("The answer is 14. Oops, I mis-added, x is 16.", "14", MEAN),
        ("The answer is 14. On second thought x is 16.", "14", MEAN),
        ("The answer is 14.\n\nWait, 48 - 32 = 16.", "14", MEAN),
        ("The answer is 14.\n\nActually, x = 16.", "14", MEAN),
        ("\\boxed{14}\n\nWait, I made a mistake. $x = 16$.", "14", MEAN),
        ("\\boxed{14}\n\nHold on: 34 should be 32, so x = 16. Yes.", "14", MEAN),
        ("<answer>14</answer> Oops, it is 16.", "14", MEAN),
        ("<answer>14</answer>\nThat is incorrect. x is 16.", "14", MEAN),
        ("The answer is 14. I take that back; it is 16.", "14", MEAN),
        ("The answer is 14. No: it is 16.", "14", MEAN),
        ("The answer is 14. No, it is 16.", "14", MEAN),
        ("The answer is 14, or rather 16.", "14", MEAN),
        (r"\boxed{14}, or rather 16.", "14", MEAN),
        (r"\boxed{14} is wrong; x is 16.", "14", MEAN),
        (r"\boxed{14}. But that is not right, since 8+11+15=32, so x is 16.", "14", MEAN),
        ("So $x=14$. Oops, that is wrong.", "14", MEAN),
        ("The answer is 14. My mistake, 16.", "14", MEAN),
        ("The answer is 14. Sorry, 16.", "14", MEAN),
        ("The answer is 14. I mean 16.", "14", MEAN),
        ("The answer is 14. x is 16, not 14.", "14", MEAN),
        ("**Answer: 14**\n\nOn reflection, x is 16.", "14", MEAN),
        ("The answer is 14. Wait, x = 16. Yes, that is right.", "14", MEAN),
        ("The answer is 14. Wait, let me check: 48 - 32 = 16. Yes, that is right.", "14", MEAN),
        ("The answer is 14. Wait, I don't think the answer is right. x is 16.", "14", MEAN),
        ("The answer is 14. Wait, is the answer right? No, x is 16.", "14", MEAN),
        ("\\boxed{14}\nWait.\n$x = 16$", "14", MEAN),
        ("\\boxed{14}\n\nHmm. That gives 8+11+15+14=48, but we need 50. So x = 16.", "14", MEAN),
        ("The answer is 14. Let me recheck: 48 - 32 = 16, so it should be 16.", "14", MEAN),
        ("The answer is 14. Ah, I see my mistake: x is 16.", "14", MEAN),
        ("The answer is 14. That was a mistake; the value is 16.", "14", MEAN),
        ("The answer is 14 -- scratch that, 16.", "14", MEAN),
        ("The answer is 14. This is wrong. 16 is right.", "14", MEAN),
        ("The answer is 14.\n\n**Correction:** x = 16", "14", MEAN),
        ("The answer is 14. Edit: 16", "14", MEAN),
        ("The answer is 14. I apologize, x = 16.", "14", MEAN),
        ("The answer is 14. I need to correct myself: x=16.", "14", MEAN),
        ("The answer is 14. Let me correct myself: x=16.", "14", MEAN),
        ("The answer is 14. I was mistaken; x = 16.", "14", MEAN),
        ("The answer is 14. This isn't right though: x = 16.", "14", MEAN),
        ("The answer is 14. But wait: x = 16.", "14", MEAN),
        ("The answer is 14. However, I mis-added. x = 16.", "14", MEAN),
        ("The answer is 14. Upon review, x = 16.", "14", MEAN),
        ("The answer is 14. After rechecking, x is actually 16.", "14", MEAN),
        ("The answer is 14. Actually 16.", "14", MEAN),
        ("The answer is 14. Nope, 16.", "14", MEAN),
        ("The answer is 14. Rather, x = 16.", "14", MEAN),
        ("The answer is 14. No wait, x = 16.", "14", MEAN),
        ("The answer is 14. Ignore that. x = 16.", "14", MEAN),
        ("The answer is 14. I misspoke: it's 16.", "14", MEAN),
        ("#### 14\n\nHmm, that's off. x is 16.", "14", MEAN),
        ("#### 14\n\nThis can't be right. x is 16.", "14", MEAN),
    ],
)
def test_what_is_taken_back_is_not_paid(completion: str, answer: str, prompt: str) -> None:
    assert not is_paid(completion, answer, prompt)


@pytest.mark.parametrize(
    ("completion", "answer", "prompt"),
    [
        ("The answer is 14. Let me verify: 14+2=16. Yes, the answer is right.", "14", MEAN),
        ("The answer is 14.\n\nLet me check: (8+11+15+14)/4 = 48/4 = 12.", "14", MEAN),
        ("\\boxed{14}\n\nLet me double-check: 8+11+15+14=48 and 48/4=12. ✓", "14", MEAN),
        ("\\boxed{14}\n\nWait, let me verify: 8+11+15+14=48, and 48/4=12. Yes, the answer is right.", "14", MEAN),
        ("\\boxed{14}\n\nWait, let me verify: 8+11+15+14=48, and 48/4=12, which matches.", "14", MEAN),
        ("\\boxed{14}\n\nWait, let me recheck the sum. 48-34=14. So x = 14.", "14", MEAN),
        ("\\boxed{14}\n\nActually, this is a standard problem.", "14", MEAN),
        (r"\boxed{14}. Some would say 16, but that is wrong.", "14", MEAN),
        ("\\boxed{14}\n\nNote: a common mistake is to forget the 4.", "14", MEAN),
        ("\\boxed{14}\n\nNo further work is needed.", "14", MEAN),
        ("\\boxed{14}\n\nThe total is 48, so the check 8+11+15+14=48 works.", "14", MEAN),
        ("The answer is 16. Scratch that. 48-34=14.\n\n\\boxed{14}", "14", MEAN),
        ("I made a mistake above, so the answer is 14.", "14", MEAN),
        ("The answer is 14. It is correct.", "14", MEAN),
        ("The answer is 14, not 16.", "14", MEAN),
        ("The answer is 14, since it is not right to divide by 3.", "14", MEAN),
        (r"\boxed{\text{No}}. It is not correct to say so.", "No", ""),
        (r"\boxed{14} is right.", "14", MEAN),
        ("\\boxed{14}\n\nThis matches the mean: 48/4 = 12. No mistakes here.", "14", MEAN),
        ("\\boxed{14}\n\nIf we forgot the x we would get 11.33, which is wrong.", "14", MEAN),
        ("\\boxed{14}\n\nThe answer is actually 14.", "14", MEAN),
        ("\\boxed{14}\n\nIt should be noted that 12 is the mean.", "14", MEAN),
        ("\\boxed{14}\n\nThe mean is 12, not 13.", "14", MEAN),
        ("\\boxed{14}\n\nHope this helps! Let me know if you want me to correct anything.", "14", MEAN),
        ("The answer is 14.\n\nDoes it work? (8+11+15+14)/4 = 12. Yes, it does.", "14", MEAN),
        ("Wait, I made a mistake. Let me redo it. 48-34=14. So the answer is 14.", "14", MEAN),
        (r"The answer is 16. Wait, that's wrong. \boxed{14}", "14", MEAN),
        ("\\boxed{14}\n\nThat is not a coincidence.", "14", MEAN),
        (r"The final answer is $\boxed{14}$. I hope it is correct.", "14", MEAN),
    ],
)
def test_a_check_and_a_remark_take_nothing_back(completion: str, answer: str, prompt: str) -> None:
    assert is_paid(completion, answer, prompt)


@pytest.mark.parametrize(
    ("completion", "answer", "prompt"),
    [
        (r"\boxed{84:126}", "2:3", "Simplify the ratio 84 : 126"),
        (r"\boxed{84 : 126}", "2:3", "Simplify the ratio $84:126$."),
        (r"\boxed{42:63}", "2:3", "Simplify the ratio $84:126$."),
        ("The ratio is 84:126.", "2:3", "Simplify the ratio 84 to 126."),
        (r"\boxed{12:18:24}", "2:3:4", "Simplify the ratio 12:18:24."),
        (r"\boxed{84:126}", r"\frac{2}{3}", "Write the ratio 84:126 as a fraction."),
        (r"\boxed{3500\text{ km}}", "3500", "A rope is 3.5 km long. How many metres is that?"),
        ("The answer is 135 hours.", "135", "How many minutes long is it?"),
        ("So it is 135 hours.", "135", "How many minutes long is it?"),
        (r"\boxed{x = 135\text{ hours}}", "135", "How many minutes long is it?"),
        (r"\boxed{60\text{ miles per minute}}", "60", "What is its average speed, in miles per hour?"),
        (r"\boxed{60\text{ m/s}}", "60", "What is its speed in km/h?"),
        (r"\boxed{60\text{ m/s}}", "60", r"What is its speed in $\text{km/h}$?"),
        (r"\boxed{850\text{ cents}}", "850", "Pens are $2.45 each. How much does she pay?"),
        (r"\boxed{90\text{ radians}}", "90", "the angle between its hands, in degrees? Give it in degrees."),
        (r"\boxed{2\text{ degrees}}", "2", "Find the angle in radians."),
        (r"\boxed{900\text{ cm}^2}", "900", "What is the greatest area, in square metres?"),
        (r"\boxed{900\text{ cm}^2}", "900", "What is the greatest area, in m^2?"),
        (r"\boxed{5\text{ g}}", "5", "What is its mass in kilograms?"),
        (r"\boxed{5 \text{ weeks}}", "5", "How many days does it take?"),
        (r"\boxed{x+y=58}", "58", "If $x+y=10$ and $xy=21$, what is $x^2+y^2$?"),
        (r"\boxed{x^2+y^2=57}", "58", "If $x+y=10$ and $xy=21$, what is $x^2+y^2$?"),
        (r"\boxed{x^2+y^2=100-42}", "58", "If $x+y=10$ and $xy=21$, what is $x^2+y^2$?"),
        (r"\boxed{x^2+y^2=100-42=57=58}", "58", "If $x+y=10$ and $xy=21$, what is $x^2+y^2$?"),
        (r"\boxed{x^2=2x}", "2x", "Find the derivative of $x^2$."),
        (r"\boxed{\int_0^\pi \cos x\,dx = 2}", "2", r"Evaluate $\int_0^{\pi} \sin x\,dx$."),
        (r"\boxed{\int_0^1 \sin x\,dx = 2}", "2", r"Evaluate $\int_0^{\pi} \sin x\,dx$."),
        (r"\boxed{\int_0^\pi \sin x\,dx = 1+1}", "2", r"Evaluate $\int_0^{\pi} \sin x\,dx$."),
        (r"\boxed{\int_0^\pi \sin x\,dx}", "2", r"Evaluate $\int_0^{\pi} \sin x\,dx$."),
        (r"\boxed{\sum_{k=1}^{50}k=\frac{50\cdot 51}{2}}", "1275", r"Evaluate $\sum_{k=1}^{50} k$."),
        (r"\boxed{\frac{1}{x(x+1)}=\frac{1}{x(x+1)}}", r"\frac{1}{x}-\frac{1}{x+1}", r"Find the partial fraction decomposition of $\frac{1}{x(x+1)}$."),
        (r"\boxed{f(x)=\frac{3x+1}{x-2}+1}", r"\frac{3x+1}{x-2}", r"Let $f(x)=\frac{2x+1}{x-3}$. Find $f^{-1}(x)$."),
        (r"\boxed{1\le h(x)\le 5}", "[1,5]", r"What is the range of $g(x) = 3 - 2\sin x$?"),
        (r"\boxed{1<g(x)\le 5}", "[1,5]", r"What is the range of $g(x) = 3 - 2\sin x$?"),
        (r"\boxed{1\le g(x)\le 5}", "[1,5]", r"What is the domain of $g(x) = 3 - 2\sin x$?"),
        (r"\boxed{\frac{150\pi}{180}=\frac{5\pi}{7}}", r"\frac{5\pi}{6}", ""),
        (r"\boxed{\frac{150\pi}{181}=\frac{5\pi}{6}}", r"\frac{5\pi}{6}", ""),
        (r"\boxed{\frac{6\pm\sqrt{20}}{2}=3\pm\sqrt6}", r"3\pm\sqrt5", ""),
        (r"\boxed{\frac{6\pm\sqrt{24}}{2}=3\pm\sqrt5}", r"3\pm\sqrt5", ""),
        (r"\boxed{\frac{6\pm\sqrt{20}}{2}=3+\sqrt5}", r"3\pm\sqrt5", ""),
        (r"\boxed{10900\text{ m}=109\text{ km}}", "109", ""),
        (r"\boxed{10900\text{ m}=10.9\text{ kg}}", "10.9", ""),
        (r"\boxed{10.9\text{ km} = 10900\text{ m}}", "10900", "How many km did he run?"),
        (r"\boxed{x < -\frac{15}{3} = -6}", "x < -5", ""),
        (r"\boxed{x < -\frac{15}{3} = -6}", "x < -6", ""),
        (r"\boxed{\begin{pmatrix}-3\\6\\3\end{pmatrix}}", r"\langle -3,6,-3\rangle", ""),
        (r"\boxed{\begin{pmatrix}-3&6&-3\end{pmatrix}}", r"\langle -3,6,-3\rangle", ""),
        (r"\boxed{\begin{pmatrix}1\\5\end{pmatrix}}", "(1,5)", ""),
        (r"\boxed{-3\mathbf{i}+6\mathbf{j}+3\mathbf{k}}", r"\langle -3,6,-3\rangle", ""),
        (r"\boxed{-3\mathbf{i}+6\mathbf{k}-3\mathbf{j}}", r"\langle -3,6,-3\rangle", ""),
        (r"\boxed{-3\mathbf{i}+6\mathbf{j}}", r"\langle -3,6,-3\rangle", ""),
        (r"\boxed{(1-4)\mathbf{i}+6\mathbf{j}-3\mathbf{k}}", r"\langle -3,6,-3\rangle", ""),
        (r"\boxed{3i+4j}", "3+4i", ""),
        (r"\boxed{2x^3+2x}", "2x^3+2x+C", r"Evaluate $\int (6x^2+2)\,dx$."),
        (r"\boxed{2x^3+2x+c}", "2x^3+2x+C", "What is the polynomial?"),
        (r"\boxed{2x^3+2cx}", "2x^3+2x+C", r"Evaluate $\int (6x^2+2)\,dx$."),
        (r"\boxed{1{:}25\text{ a.m.}}", "1:25 PM", ""),
        (r"\boxed{\lambda_1=5,\lambda_2=3}", "2,5", ""),
        (r"\boxed{x_1=5,x_2=2}", "(2,5)", "Solve for $x_1$ and $x_2$."),
        (r"\boxed{x_1=5,x_2=2}", "2,5", "Solve for $x_1$ and $x_2$."),
        (r"\boxed{53_{9}}", "53", "Convert to base 10"),
        (r"\boxed{203}", "202_7", "Convert 100 (base 10) to base 7."),
        (r"\boxed{202}", "202_7", "What is it in base 8?"),
        (r"\boxed{202}", "202_7", ""),
        (r"\boxed{100}", "202_7", "Convert 100 (base 10) to base 7."),
        (r"\boxed{\{0,\pm3\}}", "-2,0,2", ""),
        (r"\boxed{17.5\text{ sq. cm}}", "17.5 cubic cm", ""),
        (r"$\frac{240\text{ mi}}{4\text{ h}} = 61$ mi/h.", "61", ""),
        (r"$\frac{240\text{ mi}}{4\text{ h}} = 60$ mi/h.", "60", "What is its speed in miles per minute?"),
        ("So 45 is 18 percent of 250.", "250", "What percent of 250 is 45?"),
        ("So 45 is 18 percent of 250.", r"45\%", "What percent of 250 is 45?"),
        ("So 45 is not 18 percent of 250.", r"18\%", "What percent of 250 is 45?"),
        ("It will be Monday. It will be Friday.", "Friday", "What day?"),
        ("It will be Monday, Tuesday or Friday.", "Friday", "What day?"),
        ("**Monday, Friday**", "Friday", "What day?"),
        ("**Monday or Friday**", "Friday", "What day?"),
        ("**Monday**\n**Friday**\nIt is Monday or Friday.", "Friday", "What day?"),
        ("It is not Friday.", "Friday", "What day?"),
        ("Yes. No.", "No", "Is 391 prime?"),
        ("Yes, it is.\nNo, it is not.", "No", "Is 391 prime?"),
        ("The function is even. The function is odd.", "odd", "Is it even, odd or neither?"),
        ("The function is not odd.", "odd", "Is it even, odd or neither?"),
        ("So Ann is the shortest. So Carla is the shortest.", "Carla", "Who is the shortest?"),
        ("So Ann or Carla is the shortest.", "Carla", "Who is the shortest?"),
        ("Ann, Ben, Carla and Dave. **Ann Ben Carla Dave**", "Carla", "Who is the shortest?"),
        ("**7 or 8**", "8", ""),
        ("text\n**7, 8**", "8", ""),
        ("text\n**3+5**", "8", ""),
        ("text\n**x**", "5", "Find $x$"),
        (r"It is \boxed{135} hours.", "135", "How many minutes?"),
        (r"It is $\boxed{135}$ hours.", "135", "How many minutes?"),
        ("It is $135$ hours.", "135", "How many minutes?"),
        ("The speed is $60$ miles per minute.", "60", "What is it in miles per hour?"),
        (r"It is $\boxed{135}\text{ hours}$.", "135", "How many minutes?"),
        (r"\boxed{101_{10}}", "101", "Write 5 in base 2."),
        ("$(2+3i)(1-i) = 2 - 2i + 3i - 3i^2$", "5 + i", "Simplify $(2+3i)(1-i)$."),
        (r"\boxed{\frac{240\text{ mi}}{4\text{ h}}}", "60", "It goes 240 miles in 4 hours. What is its speed in miles per hour?"),
        (r"\boxed{x^2+y^2=x^2+y^2=58-0}", "58", "what is $x^2+y^2$?"),
        (r"\boxed{x^2+y^2=50, 58}", "58", "what is $x^2+y^2$?"),
        (r"\boxed{x^2+y^2=50 \text{ or } 58}", "58", "what is $x^2+y^2$?"),
        (r"\boxed{x^2+y^2 \neq 58}", "58", "what is $x^2+y^2$?"),
        (r"\boxed{x^2+y^2 < 58}", "58", "what is $x^2+y^2$?"),
        (r"\boxed{-(x^2+y^2) = 58}", "58", "what is $x^2+y^2$?"),
        (r"\boxed{58 = x^2+y^2}", "57", "what is $x^2+y^2$?"),
        (r"\boxed{(x+1)^2=(x+1)^2}", "x^2+2x+1", "Expand $(x+1)^2$."),
        (r"\boxed{(x+1)^2=(x+1)(x+1)}", "x^2+2x+1", "Expand $(x+1)^2$."),
        (r"\boxed{2^{10}+2^9=2^{10}+2^9}", "1536", "What is $2^{10}+2^9$?"),
        (r"\boxed{2^{10}+2^9=1024+512}", "1536", "What is $2^{10}+2^9$?"),
        (r"\boxed{\log_2 32 = \log_2 32}", "5", r"Evaluate $\log_2 32$."),
        (r"\boxed{\frac{408}{34}=\frac{408}{34}}", "12", r"Compute $\frac{408}{34}$."),
        (r"\boxed{\frac{408\text{ m}}{34\text{ s}}=\frac{408\text{ m}}{34\text{ s}}}", "12", "It runs 408 m in 34 s. Speed?"),
        (r"\boxed{12\text{ m}=7\text{ m}+5\text{ m}}", "12", ""),
        (r"\boxed{7\text{ m}+5\text{ m}}", "12", ""),
        (r"\boxed{\frac{7\text{ m}+5\text{ m}}{1\text{ s}}}", "12", ""),
        (r"\boxed{x=\pm 3=\pm 3}", "3", ""),
        (r"\boxed{\langle 1+1,2\rangle}", r"\begin{pmatrix}2\\2\end{pmatrix}", ""),
        (r"\boxed{2i+3j}", r"\langle 2,3,1\rangle", ""),
        (r"\boxed{2i+3i}", r"\langle 2,3\rangle", ""),
        (r"\boxed{2i+3j+1}", r"\langle 2,3\rangle", ""),
        (r"\boxed{2i\cdot 3j}", r"\langle 2,3\rangle", ""),
        (r"\boxed{\begin{vmatrix}2\\3\end{vmatrix}}", r"\langle 2,3\rangle", ""),
        (r"\boxed{x^2+cx}", "x^2+C", r"Find $\int 2x\,dx$."),
        ("It is odd or even.", "odd", ""),
        ("It is odd? It is even.", "odd", ""),
        ("Is it odd? It is unclear.\n**Even, odd**", "odd", ""),
        ("Work\n**Odd Even**", "odd", ""),
        ("Work\n**not odd**", "odd", ""),
        ("Yes, or no.", "No", "Is it?"),
        ("No, wait, yes.", "No", "Is it?"),
        ("No? Yes.", "No", "Is it?"),
        ("Nobody is the shortest.", "Carla", "Who is the shortest?"),
        ("So either Ann or Carla is the shortest.", "Carla", "Who is the shortest?"),
    ],
)
def test_near_misses_are_not_paid(completion: str, answer: str, prompt: str) -> None:
    assert not is_paid(completion, answer, prompt)


@pytest.mark.parametrize(
    ("completion", "answer", "prompt"),
    [
        (r"\boxed{2:3}", "2:3", "Simplify the ratio 84 : 126"),
        (r"\boxed{\frac23}", "2:3", "Simplify the ratio 84 : 126"),
        (r"\boxed{84:126}", "84:126", "Give the ratio of 84 to 126"),
        (r"\boxed{3500\text{ m}}", "3500", "A rope is 3.5 km long. How many metres is that?"),
        (r"\boxed{3500\text{ km}}", "3500", "How long is the rope?"),
        (r"\boxed{60\text{ mph}}", "60", "What is its average speed, in miles per hour?"),
        (r"\boxed{3\text{ hours}}", "3", "How many hours and minutes does it take?"),
        (r"\boxed{5\text{ m}}", "5", "A rope is cut in 4 pieces. How many metres long is each, in cm or m?"),
        (r"\boxed{\$8.55}", "8.55", "Pens are $2.45 each. How much does she pay?"),
        (r"\boxed{30\text{ cents}}", "30", "A pen is $2, a sweet 30 cents. How much is a sweet?"),
        (r"\boxed{90^\circ}", "90", "What is the angle in degrees?"),
        (r"\boxed{\frac{\pi}{2}\text{ radians}}", r"\frac{\pi}{2}", "What is the angle in radians?"),
        (r"\boxed{x^2+y^2=58}", "58", "If $x+y=10$ and $xy=21$, what is $x^2+y^2$?"),
        (r"\boxed{x+y=41}", "41", "find $x+y$."),
        (r"\boxed{x + y = 41}", "41", "Find x+y."),
        (r"\boxed{\lim_{x\to0}\frac{\sin3x}{5x}=\frac{3}{5}}", r"\frac35", r"Evaluate $\lim_{x\to0}\frac{\sin 3x}{5x}$."),
        (r"\boxed{y=2x+1}", "y=2x+1", "Find the equation of the line"),
        (r"\boxed{x^2+y^2=25}", "x^2+y^2=25", "Find the equation of the circle"),
        (r"\boxed{\begin{bmatrix}-3\\6\\-3\end{bmatrix}}", r"\langle -3,6,-3\rangle", ""),
        (r"\boxed{\langle -3,6,-3\rangle}", r"\begin{pmatrix}-3\\6\\-3\end{pmatrix}", ""),
        (r"\boxed{-3\hat{i}+6\hat{j}-3\hat{k}}", r"\langle -3,6,-3\rangle", ""),
        (r"\boxed{\mathbf{i}-\mathbf{k}}", r"\langle 1,0,-1\rangle", ""),
        (r"\boxed{\langle 1,2\rangle}", r"\mathbf{i}+2\mathbf{j}", ""),
        (r"\boxed{2x^3+2x+c}", "2x^3+2x+C", r"Evaluate $\int (6x^2+2)\,dx$."),
        (r"\boxed{y = 2x^3+2x+c}", "y=2x^3+2x+C", "Find the general solution."),
        (r"\boxed{x_1=5, x_2=2}", "2,5", "Solve $x^2-7x+10=0$"),
        (r"\boxed{53_{10}}", "53", "Convert it to base 10."),
        (r"\boxed{202_7}", "202_7", "Convert 100 (base 10) to base 7."),
        (r"\boxed{\{\pm2\}}", "-2,2", ""),
        (r"\boxed{17.5\text{ sq. cm}}", "17.5 cm^2", ""),
        (r"\boxed{x = \frac{6\pm\sqrt{20}}{2}=3\pm\sqrt5}", r"3\pm\sqrt5", ""),
        (r"\boxed{90\text{ min} = 1.5\text{ h}}", "1.5", "How many hours?"),
        ("Adding gives $2+3=5$. So 45 is 18% of 250.", r"18\%", "What percent of 250 is 45?"),
        ("So 45 is 18 percent of 250.", "18", "What percent of 250 is 45?"),
        ("30 is 20% of 150.", "150", "20% of what number is 30?"),
        ("Work.\n**No**", "No", "Is it?"),
        ("The function is **odd**.", "odd", "Is it?"),
        ("Work $2+2=4$.\nSo the remainder is 9.", "9", ""),
        ("Work.\n**≈ 12**", "12", ""),
        ("Work.\n**12 apples**", "12", ""),
        ("Work.\n**(2, 3)**", "(2,3)", ""),
        ("Work.\n**x = 3, y = 4**", "(3,4)", ""),
        ("So she has 54 (30 + 24).", "54", ""),
        (r"It is \boxed{135} minutes.", "135", "How many minutes?"),
        (r"It is \boxed{135} in total.", "135", "How many feet?"),
        (r"It is \boxed{5}. A second way", "5", "How many cm?"),
        (r"\boxed{60:150}", "2:5", "6 boys: ratio of boys to all?"),
        (r"\boxed{3 \text{ inches}}", "3", "How many feet or inches?"),
        ("$x^2+y^2=(x+y)^2-2xy=100-42=58$.", "58", "If $x+y=10$ and $xy=21$, what is $x^2+y^2$?"),
        ("x² + y² = **58**", "58", "If $x+y=10$ and $xy=21$, what is $x^2+y^2$?"),
        (r"\boxed{1\le g(x)\le 5}", "[1,5]", r"What is the range of $g(x) = 3 - 2\sin x$?"),
        (r"\boxed{f^{-1}(x)=\dfrac{-3x-1}{2-x}}", r"\frac{3x+1}{x-2}", r"Let $f(x)=\frac{2x+1}{x-3}$. Find $f^{-1}(x)$."),
        (
            r"\boxed{\frac{1}{x(x+1)}=\frac{1}{x}-\frac{1}{x+1}}",
            r"\frac{1}{x}-\frac{1}{x+1}",
            r"Find the partial fraction decomposition of $\frac{1}{x(x+1)}$.",
        ),
        (r"$\boxed{\sum_{k=1}^{50}k=1275}$", "1275", r"Evaluate $\sum_{k=1}^{50} k$."),
        (r"\boxed{\int_0^\pi \sin x\,dx = 2}", "2", r"Evaluate $\int_0^{\pi} \sin x\,dx$."),
        (r"\boxed{\dfrac{150\pi}{180}=\dfrac{5\pi}{6}}", r"\frac{5\pi}{6}", "Convert 150 degrees to radians."),
        (r"\boxed{10900\text{ m} = 10.9\text{ km}}", "10.9", "How many km did he run in total?"),
        (r"\boxed{x < -\frac{15}{3} = -5}", "x < -5", "Solve $-3x + 4 > 19$."),
        (r"Average speed = $\frac{240\text{ mi}}{4\text{ h}} = 60$ mi/h.", "60", "in miles per hour?"),
        (r"\boxed{1{:}25 \text{ p.m.}}", "1:25 PM", ""),
        (r"\boxed{\lambda_1=5,\ \lambda_2=2}", "2, 5", "Find the eigenvalues."),
        (r"\boxed{202}", "202_7", "Convert 100 (base 10) to base 7."),
        (r"\boxed{\{0, \pm 2\}}", "-2,0,2", ""),
        (r"\boxed{17.5\text{ sq. units}}", r"\frac{35}{2}", ""),
        (r"We have $7^4\equiv 9$. So the remainder is 9.", "9", ""),
        (r"$(n-2)\cdot180=1440$, so $n-2=8$. 1440/10 = 144°", r"144^\circ", ""),
        (r"They cost $7.35. The total is **\$8.55**.", "8.55", ""),
        ("The total comes out to 666 seats (rows of 20, 22, ..., 54).", "666", ""),
        ("100 = 14·7 + 2, so we move two days ahead. It will be Friday.", "Friday", "What day will it be?"),
        ("We have Dave > Ann > Ben.\nSo Carla is the shortest.", "Carla", "Who is the shortest?"),
        (r"$17\cdot23=391$. No, 391 is not prime.", "No", "Is 391 prime?"),
        ("$f(-x)=-f(x)$.\n\n**Odd**", "odd", "Is it even, odd, or neither?"),
        ("72 = 36 · 2.\n\n**6√2**", r"6\sqrt{2}", r"Simplify $\sqrt{72}$."),
    ],
)
def test_right_answers_in_other_words_are_paid(completion: str, answer: str, prompt: str) -> None:
    assert is_paid(completion, answer, prompt)


def test_the_last_number_counts_whatever_follows_it() -> None:
    """As `number` declares: a doubt without another number is not read."""
    assert number_verifier()("It is 14. Oops, that is wrong.", Task("t", "", "14")).outcome is Outcome.CORRECT


@pytest.mark.parametrize(
    ("prompt", "names"),
    [
        ("How many minutes long is it?", ["minute"]),
        ("How many hours and minutes does it take?", ["hour", "minute"]),
        ("A car covers 210 km in 3 hours. How many metres is that?", ["metre"]),
        ("A rope is 3 m long. How long is it, in cm?", ["cm"]),
        ("Convert 2.4 hours to minutes.", ["minute"]),
        ("Pens are $2.45 each and pads $1.20. How much does she pay?", ["dollar"]),
        ("A pen is $2, a sweet 30 cents. How much is a sweet?", []),
        ("What is the coefficient of $x^3$ in $(1+2x)^5$?", []),
        ("Find the sum in $m$ terms.", []),
        ("A train goes 60 miles in 2 hours.", []),
        ("How many pens can you buy?", []),
    ],
)
def test_units_asked_for(prompt: str, names: list[str]) -> None:
    assert asked_units(prompt) == {UNITS[name] for name in names}


def test_bases_asked_for() -> None:
    assert asked_base("Convert 100 (base 10) to base 7.") == 7
    assert asked_base("Convert $1101_2$ to decimal.") == 10
    assert asked_base("Write 0.5 in decimal form.") is None
    assert asked_base("Convert it to base 2 and to base 8.") is None
    assert asked_base("What is sixteen in base three?") is None


def test_only_what_is_asked_for_may_stand_before_the_answer() -> None:
    assert values_said("x+y=41", "Find $x+y$.") == ("41",)
    assert values_said("x+y=2+39=41", "Find $x+y$.") == ("2+39=41",)
    assert values_said("x+y=41", "Given that $x+y=41$, find $xy$.") == ()
    assert values_said("x+y=41", "What is $x+y$ divided by two?") == ()
    assert values_said("x^2=2x", "Find the derivative of $x^2$.") == ()


def test_what_follows_an_answer() -> None:
    doubt = doubt_after("14", ". Scratch that, x is 16.")
    assert doubt is not None and doubt.is_retraction and doubt.text.strip() == ", x is 16."
    doubt = doubt_after("14", ". Wait, x is 16.")
    assert doubt is not None and not doubt.is_retraction
    assert doubt_after("14", ". Let me verify: 14 + 2 = 16.") is None
    assert doubt_after("14", ". Wait, let me check: 14 + 34 = 48. Yes, it is correct.") is None


LONG = {
    "doubts": "\\boxed{14} " + "Wait, no - " * 8000,
    "mistakes": "\\boxed{14} " + "I made a " * 10_000,
    "sentences": "It is a. " * 10_000 + "It will be Friday.",
    "openings": "so so " * 15_000 + "it is Friday",
    "brackets": "5 (" + "(" * 90_000,
    "sides": r"\boxed{" + "x=1=" * 240 + "14}",
    "plus-minus": r"\boxed{" + r"\pm 1=" * 100 + "1}",
    "units": r"\boxed{" + r"1\text{ m}=" * 60 + r"1\text{ m}}",
    "vectors": r"\boxed{" + "+".join(["3i"] * 140) + "+2j}",
}


@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize(
    "prompt", ["Who is the shortest?", "In how many minutes? " * 200, "Find the " * 400 + "$" + "x+" * 80 + "x$."], ids=["who", "units", "formula"]
)
def test_long_completions_take_no_long_time(name: str, prompt: str) -> None:
    began = time.perf_counter()
    for answer in ("14", "Friday", r"\langle 1,2\rangle"):
        MathVerifier()(LONG[name], Task("t", prompt, answer))
    assert time.perf_counter() - began < 10
