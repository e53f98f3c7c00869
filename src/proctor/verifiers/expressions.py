r"""Reads a closed or symbolic expression, in LaTeX or plain notation, into a small tree.

A recursive-descent parser of our own: text that a model wrote is never handed to `eval`, `sympify` or `parse_expr`.
Length, nesting and digits are bounded before anything is computed, and nothing is computed here. What is not fully
understood is refused (`Unreadable`), never half-read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

MAX_CHARS = 1000
MAX_DEPTH = 40
MAX_DIGITS = 400
MAX_TEN_EXPONENT = 400


class Unreadable(ValueError):
    """The text is not an expression that this grammar knows."""


@dataclass(frozen=True, slots=True)
class Number:
    """An exact rational number."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class Symbol:
    """A variable, or one of the constants `pi`, `e`, `i`, `oo`."""

    name: str


@dataclass(frozen=True, slots=True)
class Apply:
    """An operator or function of its arguments.

    Attributes:
        operator: one of `+ * / ^ - !` (`-` is unary) or a function's name.
        arguments: one or two subtrees.
    """

    operator: str
    arguments: tuple[Node, ...]


Node = Number | Symbol | Apply

FUNCTIONS = frozenset({"sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "ln", "log", "exp"})
CONSTANTS = {"pi": "pi", "infty": "oo"}
_GREEK_LETTERS = """
alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi rho sigma tau phi varphi chi psi omega
Gamma Delta Theta Lambda Xi Sigma Phi Psi Omega ell
"""
GREEK = frozenset(_GREEK_LETTERS.split())

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{1,3}(?![\w.]))?)
  | (?P<command>\\[a-zA-Z]+)
  | (?P<word>[A-Za-z]+)
  | (?P<mark>\*\*|[-+*/^_!|(){}\[\]'])
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    is_spaced: bool


def parse(text: str) -> Node:
    """Read one expression; all of the text must belong to it.

    Raises:
        Unreadable: it does not, or it is too long, too deep or has too many digits.
    """
    if len(text) > MAX_CHARS:
        raise Unreadable(f"longer than {MAX_CHARS} characters")
    parser = _Parser(_tokens(text))
    node = parser.sum(0)
    if parser.peek() is not None:
        raise Unreadable(f"unexpected {parser.peek()!r}")
    return node


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    position = 0
    text = text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise Unreadable(f"unexpected {text[position : position + 10]!r}")
        kind = str(match.lastgroup)
        value = match.group(kind)
        is_spaced = match.start(kind) > position
        if kind == "word" and value not in FUNCTIONS and value not in ("sqrt", "pi"):
            if len(value) > 3:
                raise Unreadable(f"the word {value!r}")
            tokens.extend(_Token("name", letter, is_spaced and index == 0) for index, letter in enumerate(value))
        elif kind == "word":
            tokens.append(_Token("command", value, is_spaced))
        else:
            tokens.append(_Token(kind, value.removeprefix("\\") if kind == "command" else value, is_spaced))
        position = match.end()
    return tokens


class _Parser:
    """Recursive descent over tokens: sum > product > sign > power > postfix > atom."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._position = 0

    def peek(self) -> str | None:
        return self._tokens[self._position].text if self._position < len(self._tokens) else None

    def _next(self) -> _Token:
        if self._position >= len(self._tokens):
            raise Unreadable("it ends too early")
        self._position += 1
        return self._tokens[self._position - 1]

    def _accept(self, *texts: str) -> str | None:
        if self.peek() in texts and self._tokens[self._position].kind != "name":
            return self._next().text
        return None

    def _expect(self, text: str) -> None:
        if self._accept(text) is None:
            raise Unreadable(f"{text!r} is missing")

    def sum(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise Unreadable(f"nested deeper than {MAX_DEPTH}")
        node = self._product(depth)
        while sign := self._accept("+", "-"):
            term = self._product(depth)
            node = Apply("+", (node, term if sign == "+" else Apply("-", (term,))))
        return node

    def _product(self, depth: int) -> Node:
        node = self._signed(depth)
        while True:
            if self._accept("*", "cdot", "times"):
                node = Apply("*", (node, self._signed(depth)))
            elif self._accept("/", "div"):
                node = Apply("/", (node, self._signed(depth)))
            elif self._starts_factor():
                node = self._juxtaposed(node, depth)
            else:
                return node

    def _juxtaposed(self, left: Node, depth: int) -> Node:
        r"""`2x` is a product, `1\frac{1}{2}` and `1 1/2` are mixed numbers, `1 2` is nothing."""
        begin = self._tokens[self._position]
        is_integer = isinstance(left, Number) and left.value.denominator == 1 and self._tokens[self._position - 1].kind == "number"
        right = self._power(depth)
        if begin.kind == "number":
            if not (is_integer and isinstance(right, Number) and self._accept("/")):
                raise Unreadable("two numbers side by side")
            right = Apply("/", (right, self._power(depth)))
        if is_integer and isinstance(right, Apply) and right.operator == "/":
            top, bottom = right.arguments
            if isinstance(top, Number) and isinstance(bottom, Number) and 0 < top.value < bottom.value:
                return Apply("+", (left, right))
            if begin.kind == "number":
                raise Unreadable("two numbers side by side")
        return Apply("*", (left, right))

    def _starts_factor(self) -> bool:
        if self._position >= len(self._tokens):
            return False
        token = self._tokens[self._position]
        if token.kind in ("name", "number"):
            return True
        if token.kind == "command":
            return token.text not in ("cdot", "times", "div", "rfloor", "rceil", "rvert")
        return token.text in ("(", "[", "{")

    def _signed(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise Unreadable(f"nested deeper than {MAX_DEPTH}")
        if self._accept("-"):
            return Apply("-", (self._signed(depth + 1),))
        if self._accept("+"):
            return self._signed(depth + 1)
        return self._power(depth)

    def _power(self, depth: int) -> Node:
        node = self._atom(depth + 1)
        while self._accept("!"):
            node = Apply("!", (node,))
        if self._accept("^", "**"):
            node = Apply("^", (node, self._exponent(depth)))
            while self._accept("!"):
                node = Apply("!", (node,))
        return node

    def _exponent(self, depth: int) -> Node:
        if self._accept("{"):
            return self._closed("}", depth)
        if self._accept("-"):
            return Apply("-", (self._power(depth + 1),))
        return self._power(depth + 1)

    def _closed(self, bracket: str, depth: int) -> Node:
        node = self.sum(depth + 1)
        self._expect(bracket)
        return node

    def _atom(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise Unreadable(f"nested deeper than {MAX_DEPTH}")
        token = self._next()
        if token.kind == "number":
            return _number(token.text)
        if token.kind == "name":
            return self._subscripted(token.text)
        if token.kind == "command":
            return self._command(token.text, depth)
        if token.text in ("(", "[", "{"):
            return self._closed({"(": ")", "[": "]", "{": "}"}[token.text], depth)
        if token.text == "|":
            return Apply("abs", (self._closed("|", depth),))
        raise Unreadable(f"unexpected {token.text!r}")

    def _subscripted(self, name: str) -> Node:
        if self._accept("_"):
            if self._accept("{"):
                parts: list[str] = []
                while self._accept("}") is None:
                    parts.append(self._next().text)
                name = f"{name}_{''.join(parts)}"
            else:
                name = f"{name}_{self._next().text}"
        return Symbol(name)

    def _command(self, name: str, depth: int) -> Node:
        if name in CONSTANTS:
            return Symbol(CONSTANTS[name])
        if name in GREEK:
            return self._subscripted(name)
        if name in ("frac", "binom"):
            top = self._argument(depth)
            return Apply("/" if name == "frac" else "binom", (top, self._argument(depth)))
        if name == "sqrt":
            index = self._closed("]", depth) if self._accept("[") else None
            radicand = self._argument(depth)
            return Apply("sqrt", (radicand,)) if index is None else Apply("root", (radicand, index))
        if name in FUNCTIONS:
            return self._function(name, depth)
        if name in ("lfloor", "lceil", "lvert"):
            return Apply({"lfloor": "floor", "lceil": "ceil", "lvert": "abs"}[name], (self._closed("r" + name[1:], depth),))
        if name in ("vec", "overrightarrow", "overline", "bar", "hat"):
            return Apply(name, (self._argument(depth),))
        raise Unreadable(f"unknown command \\{name}")

    def _function(self, name: str, depth: int) -> Node:
        base: Node | None = None
        power: Node | None = None
        if name == "log" and self._accept("_"):
            base = self._argument(depth)
        if self._accept("^"):
            power = self._exponent(depth)
            if not (isinstance(power, Number) and power.value > 0):
                raise Unreadable("an inverse or symbolic power of a function")
        argument = self._argument_of_function(depth)
        node = Apply("logbase", (argument, base)) if base is not None else Apply(name, (argument,))
        return node if power is None else Apply("^", (node, power))

    def _argument_of_function(self, depth: int) -> Node:
        r"""`\sin(x)` and `\sin{x}` end at the bracket; `\sin 2x` takes the factors that follow, up to a sign."""
        if self.peek() in ("(", "{"):
            return self._atom(depth + 1)
        node = self._signed(depth + 1)
        while self._starts_factor() and self._tokens[self._position].kind == "name":
            node = Apply("*", (node, self._power(depth + 1)))
        return node

    def _argument(self, depth: int) -> Node:
        r"""A braced group, or one token: of a number, one digit (`\frac12`)."""
        if self._accept("{"):
            return self._closed("}", depth)
        token = self._tokens[self._position] if self._position < len(self._tokens) else None
        if token is not None and token.kind == "number" and token.text.isdigit():
            if len(token.text) == 1:
                self._position += 1
            else:
                self._tokens[self._position] = _Token("number", token.text[1:], False)
            return _number(token.text[0])
        return self._atom(depth + 1)


def _number(text: str) -> Number:
    mantissa, _, exponent = text.lower().partition("e")
    if len(mantissa) > MAX_DIGITS or abs(int(exponent or 0)) > MAX_TEN_EXPONENT:
        raise Unreadable("too many digits")
    return Number(Fraction(mantissa.rstrip(".")) * Fraction(10) ** int(exponent or 0))
