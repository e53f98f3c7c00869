"""What a program prints or comments is no answer; and four smaller findings of a fifth reader who had not seen the grader."""

from __future__ import annotations

import pytest

from proctor.core.task import Outcome, Task
from proctor.verifiers.blocks import without_code
from proctor.verifiers.mathematics import MathVerifier


def outcome(completion: str, answer: str, prompt: str = "") -> Outcome:
    return MathVerifier()(completion, Task("t", prompt, answer)).outcome


@pytest.mark.parametrize(
    "completion",
    [
        "Here is my answer:\n\n```python\n# answer: 3\nprint(5)\n```\n\n$\\boxed{}$",
        "```python\n# The answer is 3.\n```",
        "```py\nprint('\\boxed{3}')\n```\nI do not know.",
        "```python\n# answer: 3\nprint(5)\n```\nSo it is **5**.",
        "```c++\n// the answer is 3",
        "  ```Python\n  # \\boxed{3}\n  ```\n",
        "~~~python\n# answer: 3\nprint(5)\n~~~",
        "````python\n```\n# answer: 3\n```\n````\nI am not sure.",
    ],
)
def test_what_stands_in_a_program_is_not_said(completion: str) -> None:
    assert outcome(completion, "3") is not Outcome.CORRECT


@pytest.mark.parametrize(
    "completion",
    [
        "```python\nprint(1 + 2)\n```\nIt prints 3, so the answer is 3.",
        "```\nThe answer is 3.\n```",
        "```latex\n\\boxed{3}\n```",
        "```markdown\nSo the answer is \\boxed{3}.\n```",
        "Use `python` for it.\nThe answer is ```3```.",
        "```python\nx = 1\n```\n```text\n3\n```\nThe answer is 3.",
    ],
)
def test_other_fences_and_what_follows_a_program_are_read(completion: str) -> None:
    assert outcome(completion, "3") is Outcome.CORRECT


def test_fences_are_taken_out_line_by_line() -> None:
    assert without_code("a\n```python\nb\n```\nc") == "a\nc"
    assert without_code("a\n```\nb\n```\nc") == "a\n```\nb\n```\nc"
    assert without_code("a\n```js\nb") == "a"
    assert without_code("```text\n```python\n```\nc") == "```text\n```python\n```\nc"  # inside a fence nothing opens another
    assert without_code("a\n~~~js\n```\nb\n~~~~\nc") == "a\nc"
    assert without_code("plain") == "plain"


def test_a_leading_article_tells_no_texts_apart() -> None:
    prompt = "Which theorem relates the sides of a right triangle?"
    assert outcome(r"\boxed{\text{the Pythagorean theorem}}", "Pythagorean theorem", prompt) is Outcome.CORRECT
    assert outcome(r"\boxed{\text{Pythagorean theorem}}", "The Pythagorean theorem", prompt) is Outcome.CORRECT
    assert outcome(r"\boxed{\text{the theorem}}", "Pythagorean theorem", prompt) is Outcome.INCORRECT
    assert outcome(r"\boxed{\text{the}}", "Pythagorean theorem", prompt) is not Outcome.CORRECT


def test_the_name_of_an_inverse_in_the_reference_is_a_name() -> None:
    prompt = r"Find the inverse of f(x) = \frac{x-4}{3}."
    for said in ("3x+4", "f^{-1}(x) = 3x+4", "f^{-1}(x)=4+3x"):
        assert outcome(rf"\boxed{{{said}}}", "f^{-1}(x) = 3x+4", prompt) is Outcome.CORRECT
    for said in ("3x-4", "f^{-1}(x) = 3x-4", r"\frac{x-4}{3}", "f(x) = 3x+5"):
        assert outcome(rf"\boxed{{{said}}}", "f^{-1}(x) = 3x+4", prompt) is not Outcome.CORRECT


def test_a_column_is_the_vector_in_round_brackets_where_vectors_are_asked_for() -> None:
    column = r"\boxed{\begin{pmatrix} -6 \\ -1 \\ 3 \end{pmatrix}}"
    assert outcome(column, "(-6,-1,3)", r"Compute the cross product (1,0,2) \times (0,3,1).") is Outcome.CORRECT
    assert outcome(r"\boxed{(-6,-1,3)}", r"\begin{pmatrix} -6 \\ -1 \\ 3 \end{pmatrix}", "Find the vector that is normal to both.") is Outcome.CORRECT
    assert outcome(column.replace("3", "-3"), "(-6,-1,3)", "Compute the cross product.") is not Outcome.CORRECT
    assert outcome(column, "(-6,-1)", "Compute the cross product.") is not Outcome.CORRECT


def test_the_quantity_to_be_converted_is_no_answer() -> None:
    assert outcome(r"$\boxed{72\text{ km/h}}$", "20 m/s", "Convert 72 km/h to m/s.") is not Outcome.CORRECT
    assert outcome(r"$\boxed{20\text{ m/s}}$", "20 m/s", "Convert 72 km/h to m/s.") is Outcome.CORRECT


@pytest.mark.parametrize(
    "completion",
    [
        "<!-- The answer is \\boxed{14} -->\nI could not solve this problem.",
        "I give this: <!-- \\boxed{14}",
        "If we had ignored the constraints, the answer would be $\\boxed{14}$. But we must not, and I don't know the true answer.",
        "My friend says the answer is $\\boxed{14}$, but he is wrong.",
        "They got $\\boxed{14}$, and they are mistaken.",
        "La réponse n'est pas $\\boxed{14}$.",
        "Die Antwort ist nicht $\\boxed{14}$.",
        "La respuesta no es $\\boxed{14}$.",
        "答案不是 $\\boxed{14}$。",
        "Suppose the answer were $\\boxed{14}$. This leads to a contradiction. Hence it is something else.",
        "Assume that the answer is \\boxed{14}. Then x is too large.",
        "The answer is 14? I cannot solve this.",
    ],
)
def test_what_is_hidden_supposed_or_denied_in_any_language_is_not_said(completion: str) -> None:
    assert outcome(completion, "14") is not Outcome.CORRECT


@pytest.mark.parametrize(
    "completion",
    [
        "<!-- working -->\nThe answer is \\boxed{14}.",
        "If each of them had 7 marbles, the total would be \\boxed{14}.",
        "Suppose x = 3. Then y = 14, so the answer is \\boxed{14}.",
        "Assume the opposite; it fails. The answer is $\\boxed{14}$.",
        "My friend says 12, but he is wrong. The answer is $\\boxed{14}$.",
        "La réponse est $\\boxed{14}$.",
        "答案是 $\\boxed{14}$。",
        "I do not know any shorter way. The answer is \\boxed{14}.",
        "If n is the number of pens, n = \\boxed{14}.",
    ],
)
def test_what_is_stated_beside_such_words_is(completion: str) -> None:
    assert outcome(completion, "14") is Outcome.CORRECT


def test_an_equation_to_be_solved_for_a_letter_is_no_answer_in_another_form() -> None:
    prompt = "Solve for $y$: $4x-2y=10$."
    for said in ("4x-2y=10", "-2y=10-4x", "y-2x=-5", "2y=4x-10", r"x=\frac{y+5}{2}", "y=4x-5-2x+y-y"):
        assert outcome(rf"\boxed{{{said}}}", "$y=2x-5$", prompt) is not Outcome.CORRECT, said
    for said in ("y=2x-5", "y=-5+2x", "2x-5", "2x-5=y"):
        assert outcome(rf"\boxed{{{said}}}", "$y=2x-5$", prompt) is Outcome.CORRECT, said
    assert outcome(r"\boxed{2x-y=5}", "y=2x-5", "Find the line through (0,-5) and (1,-3) in slope-intercept form.") is not Outcome.CORRECT
    assert outcome(r"\boxed{2x-y=5}", "y=2x-5", "Find an equation of the line through (0,-5) and (1,-3).") is Outcome.CORRECT


def test_a_cosine_is_no_value_where_the_reference_has_one() -> None:
    gold = r"\frac{\sqrt6-\sqrt2}{4}"
    for said in (r"\cos 75^\circ", r"\sin 15^\circ", r"\cos\frac{5\pi}{12}"):
        assert outcome(rf"\boxed{{{said}}}", gold, r"Evaluate $\cos\frac{5\pi}{12}$.") is not Outcome.CORRECT, said
    assert outcome(r"\boxed{\frac{\sqrt2}{4}(\sqrt3-1)}", gold, r"Evaluate $\cos\frac{5\pi}{12}$.") is Outcome.CORRECT
    assert outcome(r"\boxed{\sin 15^\circ}", gold, "Find the height of the tower.") is Outcome.CORRECT
    assert outcome(r"\boxed{\sin 15^\circ}", r"\cos 75^\circ", "Write it as a sine or a cosine.") is Outcome.CORRECT
    assert outcome(r"\boxed{2\sin x\cos x}", r"\sin 2x", "Write it in terms of x.") is Outcome.CORRECT
