r"""Turns what is set in rows (`align*`, `gather`, `aligned`) into formulas of one line, so that a chain over several rows is read as one.

A row that begins with a sign goes on with the row before it. `cases` and matrices are answers, and stay.
"""

from __future__ import annotations

import re

_ENVIRONMENT = re.compile(
    r"(?P<open>\$\$|\\\[)?\s{0,9}\\begin\{(?P<name>align|aligned|alignat|gather|gathered|eqnarray|equation|multline|split)(?P<star>\*?)\}"
    r"(?P<body>.{1,2000}?)\\end\{(?P=name)(?P=star)\}[.,]?\s{0,9}(?P<close>\$\$|\\\])?",
    re.DOTALL,
)
_ROW = re.compile(r"\\\\(?:\[[^\]]{0,9}\])?")
_GOES_ON = re.compile(r"\s*(?:=|<|>|≤|≥|≈|\\(?:approx|equiv|[lg]eq?|implies|Rightarrow)(?![a-z]))")


def in_lines(text: str) -> str:
    """Return a text with its rows of formulas as formulas of one line each."""
    return _ENVIRONMENT.sub(_formulas, text) if "\\begin" in text else text


def _formulas(found: re.Match[str]) -> str:
    lines: list[str] = []
    for row in _ROW.split(found["body"].replace("&", " ")):
        if lines and _GOES_ON.match(row):
            lines[-1] += f" {row.strip()}"
        elif row.strip():
            lines.append(row.strip())
    return "\n" + "\n".join(f"$${line}$$" for line in lines) + "\n"
