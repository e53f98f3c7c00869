"""Tasks that Proctor brings along to attack a target with, where the user names none: few, and with a hold for every class of threat."""

from __future__ import annotations

from collections.abc import Sequence

from proctor.audit.specimen import FORMS, Form, Specimen, Surface, mutations
from proctor.core.task import Task

_PYTHON = Form("python fence", "```python\n", "\n```")
_BARE = FORMS[-1]
_TAGS = Form("think and answer tags", "<think>I work it out.</think><answer>", "</answer>")

_MATH = (
    ("What is 3 + 4?", "7", ("8", "6", "5")),
    ("What is 5 + 7?", "12", ("13", "11", "21")),
    ("What is 2 - 7?", "-5", ("5", "-6", "-4")),
    ("What is 50 % of 50?", "25", ("24", "50", "52")),
    ("Add the integers from 1 to 100.", "5050", ("5000", "4950", "5051")),
    ("Name the integer between 123456788 and 123456790.", "123456789", ("123456779", "123456889", "23456789")),
    ("Divide 3 by 4.", r"\frac{3}{4}", (r"\frac{4}{3}", r"\frac{3}{5}", "3")),
    ("Write a quarter as a decimal.", "0.25", ("0.24", "0.52", "4")),
    ("Simplify the square root of 117.", r"3\sqrt{13}", (r"13\sqrt{3}", r"3\sqrt{12}", r"2\sqrt{13}")),
    ("What is the circumference of a circle of radius 1?", r"2\pi", (r"\pi", r"3\pi", r"2\pi^2")),
    ("How wide is the strip, with its unit?", r"5\text{ cm}", (r"6\text{ cm}", r"4\text{ cm}")),
    ("What is sixteen in base three?", "121_3", ("122_3", "120_3")),
    ("Give the set of x with 0 <= x < 1 as an interval.", "[0, 1)", ("[0, 2)", "[1, 2)")),
    ("Where do the lines meet? Give a pair.", "(1, 2)", ("(1, 3)", "(2, 2)")),
    ("Solve (x - 1)(x - 3) = 0. Give a set.", r"\{1, 3\}", (r"\{1, 2\}", r"\{1\}")),
    ("Divide a by b + c.", r"\frac{a}{b+c}", (r"\frac{a}{b-c}", r"\frac{b+c}{a}")),
    ("What is the probability of 99 heads in a row?", r"\frac{1}{2^{99}}", (r"\frac{1}{2^{98}}", r"\frac{1}{3^{99}}")),
    ("How long do seven days last?", r"\text{week}", (r"\text{year}", r"\text{day}")),
)
_CHOICE = (
    ("Which is a noble gas?\nA. helium\nB. oxygen\nC. nitrogen\nD. chlorine", "A", ("B", "C", "D")),
    ("Which city is the capital of France?\nA. Rome\nB. Paris\nC. Oslo\nD. Bern", "B", ("A", "C", "D")),
    ("Which number is prime?\nA. 9\nB. 15\nC. 13\nD. 21", "C", ("A", "B", "D")),
    ("Which is an insect?\nA. spider\nB. crab\nC. snail\nD. bee", "D", ("A", "B", "C")),
)
_TEXT = (
    ("Which is the largest city of the United States?", "New York City", ("Los Angeles", "New York State", "Chicago")),
    ("By which process do plants make sugar?", "photosynthesis", ("respiration", "osmosis")),
    ("Who wrote the first published algorithm for a machine?", "Ada Lovelace", ("Charles Babbage", "Alan Turing")),
    ("Which colour has the sky on a clear day?", "blue", ("green", "red")),
)
_JSON = (
    (
        "Give the person as JSON.",
        '{"name": "Ada", "age": 36, "is_member": true}',
        ('{"name": "Ada", "age": 37, "is_member": true}', '{"name": "Bob", "age": 36, "is_member": true}'),
        {
            "schema": {
                "type": "object",
                "properties": {"name": {"type": "string", "minLength": 1}, "age": {"type": "integer"}, "is_member": {"type": "boolean"}},
                "required": ["name", "age", "is_member"],
                "additionalProperties": False,
            }
        },
    ),
    ("List the first three primes as JSON.", "[2, 3, 5]", ("[2, 3]", "[3, 2, 5]"), {"schema": {"type": "array", "items": {"type": "integer"}, "minItems": 1}}),
)
_PEOPLE = (
    "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, age INTEGER);"
    "INSERT INTO people VALUES (1, 'Ada', 36), (2, 'Bob', 41), (3, 'Cy', 17), (4, 'Di', 29), (5, 'Ed', 64), (6, 'Flo', 12);"
)
_SQL = (
    ("How many people are there?", "SELECT COUNT(*) FROM people", ("SELECT COUNT(*) + 1 FROM people", "SELECT MAX(age) FROM people"), [[6]]),
    (
        "Who is an adult? Oldest first.",
        "SELECT name FROM people WHERE age >= 18 ORDER BY age DESC",
        ("SELECT name FROM people WHERE age >= 18 ORDER BY age", "SELECT name FROM people ORDER BY age DESC"),
        [["Ed"], ["Bob"], ["Ada"], ["Di"]],
    ),
)
_INSTRUCTIONS = (
    (
        "Name two planets and use the words orbit and moon. Do not use a comma.",
        "Mars has an orbit of its own and more than one moon. So does Jupiter.",
        ("Mars is a planet.", "Jupiter, which has an orbit, has a moon."),
        [{"id": "keywords:existence", "arguments": {"keywords": ["orbit", "moon"]}}, {"id": "punctuation:no_comma", "arguments": {}}],
    ),
    (
        "Is water wet? Answer with one of the allowed sentences.",
        "My answer is yes.",
        ("Yes it is.", "I would say so."),
        [{"id": "detectable_format:constrained_response", "arguments": {}}],
    ),
)
_CODE = (
    (
        "Read an integer n and print its square.",
        "n = int(input())\nprint(n * n)",
        ("n = int(input())\nprint(n + n)", "print(9)"),
        {"tests": [{"input": "3\n", "output": "9\n"}, {"input": "12\n", "output": "144\n"}, {"input": "-4\n", "output": "16\n"}]},
    ),
)
_JUDGE = (
    (
        "Why does the moon show phases?",
        "because the sunlit half is seen at changing angles",
        ("because the earth's shadow falls on it", "because clouds cover it"),
    ),
    ("Which planet has the largest mass?", "Jupiter", ("Saturn", "Mars")),
)


def specimens(surface: Surface) -> list[Specimen]:
    """Return Proctor's own tasks for one surface; the form in which they are answered is chosen later, where the surface leaves a choice."""
    match surface:
        case Surface.MATH | Surface.CHOICE | Surface.TEXT | Surface.JUDGE:
            rows = {Surface.MATH: _MATH, Surface.CHOICE: _CHOICE, Surface.TEXT: _TEXT, Surface.JUDGE: _JUDGE}[surface]
            return [Specimen(Task(f"{surface}-{number}", prompt, answer), answer, wrong) for number, (prompt, answer, wrong) in enumerate(rows, 1)]
        case Surface.FORMAT:
            rows = _MATH[:3] + _TEXT[:2]
            return [Specimen(Task(f"format-{number}", prompt, answer), answer, wrong, _TAGS) for number, (prompt, answer, wrong) in enumerate(rows, 1)]
        case Surface.JSON:
            return [
                Specimen(Task(f"json-{number}", prompt, answer, info), answer, wrong, _BARE) for number, (prompt, answer, wrong, info) in enumerate(_JSON, 1)
            ]
        case Surface.SQL:
            return [
                Specimen(Task(f"sql-{number}", prompt, answer, {"database": _PEOPLE, "expected_rows": rows, "table": "people"}), answer, wrong, _BARE)
                for number, (prompt, answer, wrong, rows) in enumerate(_SQL, 1)
            ]
        case Surface.INSTRUCTIONS:
            return [
                Specimen(Task(f"instructions-{number}", prompt, None, {"instructions": rules}), good, bad, _BARE)
                for number, (prompt, good, bad, rules) in enumerate(_INSTRUCTIONS, 1)
            ]
        case Surface.CODE:
            return [
                Specimen(Task(f"code-{number}", prompt, None, info), program, wrong, _PYTHON) for number, (prompt, program, wrong, info) in enumerate(_CODE, 1)
            ]


def from_tasks(tasks: Sequence[Task]) -> list[Specimen]:
    """Make specimens of a user's tasks, with near misses of their answers as the wrong ones; tasks without an answer are left out."""
    found: list[Specimen] = []
    for task in tasks:
        answer = "" if task.answer is None else str(task.answer).strip()
        wrong = mutations(answer, seed=task.id)
        if answer and wrong:
            found.append(Specimen(task, answer, wrong))
    return found
