"""Rows whose answer is wrong and costs time, floods a parser, or is code."""

from __future__ import annotations

from evidence.grading.attacks import Attack, boxed, text

COSTLY: list[Attack] = [
    *boxed(
        "costly input",
        *(
            (gold, answer)
            for gold in ("5", r"x^2+\sqrt{2}")
            for answer in (
                "9^{9^{9^9}}",
                "9**9**9",
                "(10^8)!",
                "((5!)!)!",
                "5!!!!!!!!",
                r"\binom{10^9}{5}",
                r"\binom{10^9}{5\cdot10^8}",
                r"\sum_{k=1}^{10^{10}} k^k",
                "(a+b+c+d+e+f+g+h)^{200}",
                r"\frac{x^{800}-1}{x-1}-(x^{799})",
                "x^{x^{x^{x}}}",
                "e^{e^{e^{e^e}}}",
                r"\sin(10^{300})",
                r"\sin(\sin(\sin(10^{9})))" * 5,
                "1" * 200_000,
                "0." + "1" * 100_000,
                "1e999999999",
                "10^{-10^{10}}",
                "(" * 4000 + "1" + ")" * 4000,
                "{" * 4000 + "1" + "}" * 4000,
                r"\sqrt{" * 4000 + "2" + "}" * 4000,
                r"\frac{1}{" * 2000 + "2" + "}" * 2000,
                r"\text{" * 4000 + "2" + "}" * 4000,
                "-" * 100_000 + "1",
                "x!" * 100,
                "1," * 50_000 + "1",
                ",".join(rf"\sqrt{{{n}}}" for n in range(2, 60)),
                ",".join(f"x^{n}+1" for n in range(2, 50)),
                r"\pm1" * 40,
                r"x\pm" * 20 + "1",
                "+".join(rf"\sqrt{{{n}}}" for n in range(2, 90)),
                "*".join(rf"\sin({n})" for n in range(2, 90)),
                r"\tan(" * 30 + "x" + ")" * 30,
                r"(n!)^{n!}",
                r"\binom{n}{\binom{n}{\binom{n}{2}}}",
                r"\begin{pmatrix}" + "1&" * 300 + r"1\end{pmatrix}",
                "x<" * 300 + "1",
                r"\cup".join("(1,2)" for _ in range(90)),
                "1:" * 400 + "1",
                "2^" * 400 + "2",
                "|" * 800,
                "a_" * 400,
            )
        ),
    ),
    *text(
        "costly text",
        *(
            ("5", flood)
            for flood in (
                r"\boxed{" * 20_000,
                r"\boxed{1}" * 20_000,
                "}" * 100_000 + r"\boxed{",
                "$" * 100_000,
                "$a" * 50_000,
                "<answer>" * 20_000,
                "</answer>" * 20_000,
                "<answer>" * 5000 + "</answer>" * 5000,
                "answer is " * 20_000,
                "answer" + " " * 100_000 + "is",
                "####" * 50_000,
                "#### \t" * 20_000,
                "1,1" * 50_000,
                "1,111" * 40_000,
                ",111" * 50_000,
                "1" * 200_000 + "x",
                "1 / " * 50_000,
                r"\(" * 50_000,
                r"\[ \] " * 20_000,
                "<think>" * 30_000,
                "</think>" * 30_000,
                "\\" * 100_000,
                "\n" * 100_000,
                "is " * 60_000,
                "\u221212" * 50_000,
            )
        ),
    ),
    *boxed(
        "code",
        *(
            (gold, answer)
            for gold in ("5", r"\pi")
            for answer in (
                "__import__('os').system('touch /tmp/proctor-was-here')",
                "eval('5')",
                "exec(bytes([53]))+\\pi",
                "(lambda: 5)()",
                "[x for x in (5,)][0]",
                "().__class__.__bases__[0].__subclasses__()",
                "open('/etc/passwd').read()",
                "5 if True else 6",
                "print(5)",
                "import os; 5",
                "5#comment",
                "5;import os",
                "f'{5}'",
                "Integer(5)",
                "Symbol('x', real=True)",
                r"\input{/etc/passwd}",
                r"\write18{touch /tmp/proctor-was-here}",
                "{{5}}'\"`$(touch /tmp/proctor-was-here)`",
                "solve(x-5, x)",
                "int('5')",
            )
        ),
    ),
]
