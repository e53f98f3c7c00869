r"""Reads a closed or symbolic expression, in LaTeX or plain notation, into a small tree.

A recursive-descent parser of our own: text that a model wrote is never handed to `eval`, `sympify` or `parse_expr`.
Length, nesting and digits are bounded before anything is computed, and nothing is computed here. What is not fully
understood is refused (`Unreadable`), never half-read: sums, integrals, limits, maxima and unknown commands among it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from proctor.verifiers.notation import Token, Unreadable, lex, unify

MAX_DEPTH = 40
MAX_TOKENS = 300
"""In one expression: a chain of so many operators is a tree as deep, and trees are walked by recursion."""
MAX_DIGITS = 400
MAX_TEN_EXPONENT = 400


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
DECORATIONS = frozenset({"vec", "overrightarrow", "overline", "bar", "hat", "widehat", "tilde", "dot", "ddot", "angle", "triangle"})
_GREEK_LETTERS = """
alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi rho sigma tau upsilon phi varphi chi psi omega
Gamma Delta Theta Lambda Xi Sigma Phi Psi Omega ell hbar partial nabla
"""
GREEK = frozenset(_GREEK_LETTERS.split())
_PLAIN_COMMANDS = {
    **{name: name for name in FUNCTIONS | GREEK - {"partial", "nabla"}},
    "pi": "pi",
    "inf": "infty",
    "oo": "infty",
    "infinity": "infty",
    "sqrt": "radical",
    "cbrt": "cbrt",
    "abs": "abs",
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "floor": "floor",
    "ceil": "ceil",
    "binom": "binom",
    "lg": "log",
}
_FACTOR_ENDS = frozenset({"rfloor", "rceil", "choose", "over", "circ"})
_ENGLISH_WORDS = """
is or and not no yes the of to in at by if so it we one two six ten per for all any odd nor but
"""
_ENGLISH = frozenset(_ENGLISH_WORDS.split())
_OPENERS = {"(": ")", "[": "]", "{": "}"}


def parse(text: str) -> Node:
    """Read one expression; all of the text must belong to it.

    Raises:
        Unreadable: it does not, or it is too long, too deep or has too many digits.
    """
    return parse_tokens(lex(unify(text)))


def parse_tokens(tokens: Sequence[Token]) -> Node:
    """Read one expression; every token must belong to it.

    Raises:
        Unreadable: one does not, or it is too deep or has too many digits.
    """
    parser = _Parser(list(_letters(tokens)))
    if len(parser) > MAX_TOKENS:
        raise Unreadable(f"more than {MAX_TOKENS} numbers, letters and signs")
    node = parser.whole()
    if (left := parser.peek()) is not None:
        raise Unreadable(f"unexpected {left!r}")
    return node


def _letters(tokens: Sequence[Token]) -> Iterator[Token]:
    """Read runs of letters: a known function or constant, or a product of variables."""
    for index, token in enumerate(tokens):
        if token.kind not in ("word", "text"):
            yield token
        elif is_times_sign(tokens, index):
            yield Token("mark", "*", token.is_spaced)
        else:
            yield from _word(token, is_base=index + 1 < len(tokens) and tokens[index + 1].text == "^")


def is_times_sign(tokens: Sequence[Token], index: int) -> bool:
    """Whether an `x` stands for multiplication, as in `3 x 10^5`."""
    around = tokens[max(0, index - 1) : index + 3]
    return len(around) == 4 and around[1].text in "xX" and around[0].kind == around[2].kind == "number" and around[2].text == "10" and around[3].text == "^"


def _word(token: Token, *, is_base: bool) -> Iterator[Token]:
    """The factors of a run of letters; of an English word only where it has an exponent, as `at^2`."""
    word, spaced = token.text, token.is_spaced
    if word in _PLAIN_COMMANDS:
        yield Token("command", _PLAIN_COMMANDS[word], spaced)
        return
    if len(word) == 1:
        yield Token("word", word, spaced)
        return
    prefix = next((name for name in ("sqrt", "sin", "cos", "tan", "ln", "log") if word.startswith(name) and len(word) <= len(name) + 1), None)
    if token.kind == "text" or (word.lower() in _ENGLISH and not is_base) or not (prefix or len(word) <= 3 or (word.isupper() and len(word) <= 6)):
        raise Unreadable(f"the word {word!r}")
    if prefix:
        yield Token("command", _PLAIN_COMMANDS[prefix], spaced)
        word, spaced = word[len(prefix) :], False
    for letter in word:
        yield Token("word", letter, spaced)
        spaced = False


class _Parser:
    """Recursive descent over tokens: sum > product > sign > power > postfix > atom."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._position = 0

    def __len__(self) -> int:
        return len(self._tokens)

    def peek(self) -> str | None:
        return self._tokens[self._position].text if self._position < len(self._tokens) else None

    def _next(self) -> Token:
        if self._position >= len(self._tokens):
            raise Unreadable("it ends too early")
        self._position += 1
        return self._tokens[self._position - 1]

    def _accept(self, *texts: str) -> str | None:
        if self.peek() in texts and self._tokens[self._position].kind in ("mark", "command"):
            return self._next().text
        return None

    def _expect(self, text: str) -> None:
        if self._accept(text) is None:
            raise Unreadable(f"{text!r} is missing")

    def whole(self) -> Node:
        node = self.sum(0)
        operator = self._accept("choose", "over")
        return node if operator is None else Apply("binom" if operator == "choose" else "/", (node, self.sum(0)))

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
            if self._accept("*"):
                node = Apply("*", (node, self._signed(depth)))
            elif self._accept("/"):
                node = Apply("/", (node, self._signed(depth)))
            elif self._starts_factor():
                node = self._juxtaposed(node, depth)
            else:
                return node

    def _juxtaposed(self, left: Node, depth: int) -> Node:
        r"""`2x` is a product, `1\frac{1}{2}` and `1 1/2` are mixed numbers, `1 2` is nothing."""
        begin = self._tokens[self._position]
        before = self._tokens[self._position - 1]
        whole = left.arguments[0] if isinstance(left, Apply) and left.operator == "-" else left
        is_integer = isinstance(whole, Number) and whole.value.denominator == 1 and before.kind == "number"
        right = self._power(depth)
        if begin.kind == "number" and before.text != "!":
            if not is_integer or not isinstance(right, Number) or not self._accept("/"):
                raise Unreadable("two numbers side by side")
            right = Apply("/", (right, self._power(depth)))
        if is_integer and isinstance(right, Apply) and right.operator == "/":
            top, bottom = right.arguments
            if isinstance(top, Number) and isinstance(bottom, Number) and 0 < top.value < bottom.value:
                return Apply("+", (left, right)) if whole is left else Apply("-", (Apply("+", (whole, right)),))
            if begin.kind == "number":
                raise Unreadable("two numbers side by side")
        return Apply("*", (left, right))

    def _starts_factor(self) -> bool:
        if self._position >= len(self._tokens):
            return False
        token = self._tokens[self._position]
        if token.kind in ("word", "number"):
            return True
        if token.kind == "command":
            return token.text not in _FACTOR_ENDS
        return token.kind == "mark" and token.text in _OPENERS

    def _signed(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise Unreadable(f"nested deeper than {MAX_DEPTH}")
        if self._accept("-"):
            return Apply("-", (self._signed(depth + 1),))
        if self._accept("+"):
            return self._signed(depth + 1)
        return self._power(depth)

    def _power(self, depth: int) -> Node:
        node = self._postfix(self._atom(depth + 1))
        if self._accept("^"):
            node = self._postfix(Apply("^", (node, self._exponent(depth))))
        return node

    def _postfix(self, node: Node) -> Node:
        while mark := self._accept("!", "°"):
            node = Apply("!", (node,)) if mark == "!" else Apply("*", (node, Apply("/", (Symbol("pi"), Number(Fraction(180))))))
        return node

    def _exponent(self, depth: int) -> Node:
        if self._accept("{"):
            return self._closed("}", depth)
        if self._accept("-"):
            return Apply("-", (self._power(depth + 1),))
        return self._power(depth + 1)

    def _closed(self, bracket: str, depth: int) -> Node:
        node = self.sum(depth + 1)
        if bracket == "}" and (operator := self._accept("choose", "over")):
            node = Apply("binom" if operator == "choose" else "/", (node, self.sum(depth + 1)))
        self._expect(bracket)
        return node

    def _atom(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise Unreadable(f"nested deeper than {MAX_DEPTH}")
        token = self._next()
        if token.kind == "number":
            return self._decimal(token.text)
        if token.kind == "word":
            return self._subscripted(token.text)
        if token.kind == "command":
            return self._command(token.text, depth)
        if token.kind == "mark" and token.text in _OPENERS:
            return self._closed(_OPENERS[token.text], depth)
        if token.kind == "mark" and token.text == "|":
            return Apply("abs", (self._closed("|", depth),))
        raise Unreadable(f"unexpected {token.text!r}")

    def _decimal(self, text: str) -> Node:
        r"""A number, with the digits that `\overline{...}` repeats (also `\dot{3}`)."""
        node = read_number(text)
        follows = self._tokens[self._position : self._position + 4]
        if "." in text and len(follows) == 4 and follows[0].kind == "command" and follows[0].text in ("overline", "bar", "dot"):
            period = follows[2].text
            if follows[1].text == "{" and follows[2].kind == "number" and period.isdigit() and follows[3].text == "}" and len(period) <= 50:
                self._position += 4
                places = len(text.partition(".")[2])
                return Number(node.value + Fraction(int(period), (10 ** len(period) - 1) * 10**places))
        return node

    def _subscripted(self, name: str) -> Node:
        if self._accept("_"):
            if self._accept("{"):
                parts: list[str] = []
                while self._accept("}") is None:
                    parts.append(self._next().text)
                name = f"{name}_{''.join(parts)}"
            else:
                name = f"{name}_{self._next().text}"
        while self._accept("'"):
            name += "'"
        return Symbol(name + self._value_in_brackets())

    def _value_in_brackets(self) -> str:
        """The argument of `f(2)`, which is no product: one number in brackets, with its sign."""
        follows = self._tokens[self._position : self._position + 4]
        size = 4 if len(follows) > 1 and follows[1].text == "-" else 3
        is_call = len(follows) >= size and follows[0].text == "(" and follows[size - 2].kind == "number" and follows[size - 1].text == ")"
        if not is_call or follows[0].is_spaced:
            return ""
        self._position += size
        return "".join(token.text for token in follows[:size])

    def _command(self, name: str, depth: int) -> Node:
        if name in CONSTANTS:
            return Symbol(CONSTANTS[name])
        if name in GREEK:
            return self._subscripted(name)
        if name in ("frac", "binom"):
            top = self._argument(depth)
            return Apply("/" if name == "frac" else "binom", (top, self._argument(depth)))
        if name in ("sqrt", "radical"):
            index = self._closed("]", depth) if self._accept("[") else None
            radicand = self._argument(depth) if name == "sqrt" else self._atom(depth + 1)
            return Apply("sqrt", (radicand,)) if index is None else Apply("root", (radicand, index))
        if name in FUNCTIONS:
            return self._function(name, depth)
        if name in ("lfloor", "lceil"):
            return Apply({"lfloor": "floor", "lceil": "ceil"}[name], (self._closed("r" + name[1:], depth),))
        if name in ("cbrt", "abs", "floor", "ceil"):
            argument = self._atom(depth + 1)
            return Apply("root", (argument, Number(Fraction(3)))) if name == "cbrt" else Apply(name, (argument,))
        if name in DECORATIONS:
            return self._subscripted(f"{name} {self._argument(depth)!r}")
        raise Unreadable(f"unknown command \\{name}")

    def _function(self, name: str, depth: int) -> Node:
        base: Node | None = None
        power: Node | None = None
        if name == "log" and self._accept("_"):
            base = self._argument(depth)
        if self._accept("^"):
            power = self._exponent(depth)
            if power == Apply("-", (Number(Fraction(1)),)) and f"arc{name}" in FUNCTIONS:
                name, power = f"arc{name}", None
            elif not (isinstance(power, Number) and power.value > 0):
                raise Unreadable("an inverse or symbolic power of a function")
        argument = self._argument_of_function(depth)
        node = Apply("logbase", (argument, base)) if base is not None else Apply(name, (argument,))
        return node if power is None else Apply("^", (node, power))

    def _argument_of_function(self, depth: int) -> Node:
        r"""`\sin(x)` and `\sin{x}` end at the bracket; `\sin 2x` takes the factors that follow, up to a sign."""
        if self.peek() in ("(", "{", "["):
            return self._atom(depth + 1)
        node = self._signed(depth + 1)
        while self._starts_factor() and (self._tokens[self._position].kind == "word" or self.peek() in GREEK or self.peek() == "pi"):
            node = Apply("*", (node, self._power(depth + 1)))
        if self.peek() == "/" and isinstance(node, Symbol | Apply) and _is_angle(node):
            self._next()
            node = Apply("/", (node, self._power(depth + 1)))
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
                self._tokens[self._position] = Token("number", token.text[1:])
            return read_number(token.text[0])
        return self._atom(depth + 1)


def _is_angle(node: Node) -> bool:
    """`k pi`: what stands before a slash in `sin pi/4`."""
    return node == Symbol("pi") or (isinstance(node, Apply) and node.operator == "*" and node.arguments[1] == Symbol("pi"))


def read_number(text: str) -> Number:
    """Read a decimal numeral, exactly.

    Raises:
        Unreadable: it has too many digits or too large an exponent.
    """
    mantissa, _, exponent = text.lower().partition("e")
    if len(mantissa) > MAX_DIGITS or abs(int(exponent or 0)) > MAX_TEN_EXPONENT:
        raise Unreadable("too many digits")
    return Number(Fraction(mantissa.rstrip(".")) * Fraction(10) ** int(exponent or 0))
