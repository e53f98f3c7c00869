"""Reads matrices, and sums and multiples of matrices, into rows of expressions."""

from __future__ import annotations

from collections.abc import Sequence

from proctor.verifiers.brackets import depth_change, encloses, split
from proctor.verifiers.expressions import Apply, Node, parse_tokens
from proctor.verifiers.notation import Token, Unreadable

MAX_ENTRIES = 100
_ENVIRONMENTS = frozenset({"matrix", "pmatrix", "bmatrix", "Bmatrix", "smallmatrix", "array", "vmatrix", "Vmatrix"})

Rows = tuple[tuple[Node, ...], ...]


def read_matrix(tokens: Sequence[Token]) -> tuple[Rows, bool]:
    """Read `A`, `A + B`, `k A`, `A / k`, `A^T`.

    Returns:
        The rows, and whether they are written as a determinant.

    Raises:
        Unreadable: it is something else.
    """
    total: Rows | None = None
    is_determinant = False
    for sign, term in _terms(tokens):
        rows, is_determinant = _term(term)
        rows = tuple(tuple(Apply("-", (entry,)) for entry in row) for row in rows) if sign == "-" else rows
        total = rows if total is None else _added(total, rows)
    if total is None:
        raise Unreadable("no matrix")
    return total, is_determinant


def matrix_name(tokens: Sequence[Token]) -> str | None:
    """What a left side of one letter with a power calls a matrix: `A^{-1}`, `A^2`, `M^T`; None for all else."""
    texts = [token.text for token in tokens if token.text not in ("{", "}")]
    is_name = len(texts) in (3, 4) and tokens[0].kind == "word" and len(texts[0]) == 1 and texts[1] == "^"
    return "".join(texts) if is_name and texts[2:] in (["T"], ["top"], ["-", "1"], *([str(power)] for power in range(2, 10))) else None


def _terms(tokens: Sequence[Token]) -> list[tuple[str, Sequence[Token]]]:
    terms: list[tuple[str, Sequence[Token]]] = []
    depth = start = 0
    sign = "+"
    for index, token in enumerate(tokens):
        depth += depth_change(token)
        if depth == 0 and token.kind == "mark" and token.text in "+-":
            if index > start:
                terms.append((sign, tokens[start:index]))
            sign, start = token.text, index + 1
    return [*terms, (sign, tokens[start:])]


def _term(tokens: Sequence[Token]) -> tuple[Rows, bool]:
    while len(tokens) > 2 and tokens[0].text in ("(", "[", "{", "\\{") and encloses(tokens):
        tokens = tokens[1:-1]
    begin = next((index for index, token in enumerate(tokens) if token.kind == "begin"), None)
    if begin is None:
        raise Unreadable("a number added to a matrix")
    opened = begin - 1 if begin and tokens[begin - 1].text in ("(", "[") else begin
    end = next((index for index in range(begin, len(tokens)) if tokens[index].kind == "end"), None)
    if end is None or tokens[begin].text not in _ENVIRONMENTS or tokens[end].text != tokens[begin].text:
        raise Unreadable("an environment that is no matrix")
    after = end + 1 + (begin - opened)
    rows = _rows(tokens[begin + 1 : end])
    factor = tokens[:opened]
    factor = factor[:-1] if factor and factor[-1].text == "*" else factor
    if factor:
        number = parse_tokens(factor)
        rows = tuple(tuple(Apply("*", (number, entry)) for entry in row) for row in rows)
    rest = tokens[after:]
    if [token.text for token in rest if token.text not in "{}"] in (["^", "T"], ["^", "top"]):
        return tuple(zip(*rows, strict=True)), False
    if rest and rest[0].text == "/":
        divisor = parse_tokens(rest[1:])
        return tuple(tuple(Apply("/", (entry, divisor)) for entry in row) for row in rows), False
    if rest:
        raise Unreadable("something after a matrix")
    return rows, tokens[begin].text in ("vmatrix", "Vmatrix")


def _rows(tokens: Sequence[Token]) -> Rows:
    rows = tuple(tuple(parse_tokens(cell) for cell in split(row, ("&",))) for row in split(tokens, ("\\\\",)))
    if not rows or len({len(row) for row in rows}) != 1 or len(rows) * len(rows[0]) > MAX_ENTRIES:
        raise Unreadable("rows of unequal length, or too many entries")
    return rows


def _added(left: Rows, right: Rows) -> Rows:
    if len(left) != len(right) or len(left[0]) != len(right[0]):
        raise Unreadable("matrices of different shape")
    return tuple(tuple(Apply("+", pair) for pair in zip(a, b, strict=True)) for a, b in zip(left, right, strict=True))
