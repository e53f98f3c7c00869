r"""Turns the text of an answer into tokens: LaTeX, plain and Unicode spellings of one thing become one token.

Fonts, sizes, spacing and delimiters of formulas vanish; what groups (braces, brackets) never does. Nothing is computed
and nothing is deleted that could hide a second answer: text inside `\text{...}` becomes words. Linear in the text,
which is bounded before it is looked at.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

MAX_CHARS = 1000
MAX_NESTING = 40


class Unreadable(ValueError):
    """The text is not, as a whole, an answer that this grammar knows."""


@dataclass(frozen=True, slots=True)
class Token:
    r"""The smallest part of an answer.

    Attributes:
        kind: `word` is a run of letters in a formula, `text` one inside `\text{...}`; `set` a blackboard letter;
            `begin` and `end` carry the name of an environment; `command` has lost its backslash.
        text: its one spelling.
        is_spaced: whether white space stands before it.
    """

    kind: Literal["number", "word", "text", "command", "mark", "set", "begin", "end"]
    text: str
    is_spaced: bool = False


_CHARACTERS = {
    "−–—‐‑‒﹣": "-",
    "×✕✖": r"\times ",
    "·⋅∙•": r"\cdot ",
    "÷∕⁄": "/",
    "π": r"\pi ",
    "∞": r"\infty ",
    "√": r"\radical ",
    "∛": r"\sqrt[3]",
    "≤⩽≦": r"\le ",
    "≥⩾≧": r"\ge ",
    "≠": r"\ne ",
    "≈": r"\approx ",
    "∈": r"\in ",
    "∪": r"\cup ",
    "∩": r"\cap ",
    "∖": r"\setminus ",
    "±": r"\pm ",
    "∓": r"\mp ",
    "°º˚": r"\degree ",
    "∅": r"\emptyset ",
    "∠": r"\angle ",
    "∂": r"\partial ",
    "µ": r"\mu ",
    "…": r"\ldots ",
    "⟨〈": r"\langle ",
    "⟩〉": r"\rangle ",
    "⌊": r"\lfloor ",
    "⌋": r"\rfloor ",
    "⌈": r"\lceil ",
    "⌉": r"\rceil ",
    "ℝ": r"\mathbb{R}",
    "ℤ": r"\mathbb{Z}",
    "ℕ": r"\mathbb{N}",
    "ℚ": r"\mathbb{Q}",
    "ℂ": r"\mathbb{C}",
    "′’‘ʹ": "'",
    "″": "''",
    "、": ",",
    "。": ".",
    "½": r"\frac{1}{2}",
    "⅓": r"\frac{1}{3}",
    "⅔": r"\frac{2}{3}",
    "¼": r"\frac{1}{4}",
    "¾": r"\frac{3}{4}",
    "⅕": r"\frac{1}{5}",
    "⅛": r"\frac{1}{8}",
    "\u00a0\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u3000": " ",
    "\u200b\u2060\ufeff": "",
}
_GREEK = "αβγδεζηθικλμνξρστυφχψωΓΔΘΛΞΣΦΨΩ"
_GREEK_NAMES = """
alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi rho sigma tau upsilon varphi chi psi omega
Gamma Delta Theta Lambda Xi Sigma Phi Psi Omega
"""
_LETTERS = dict(zip(_GREEK, _GREEK_NAMES.split(), strict=True))
_TRANSLATED = str.maketrans(
    {char: spelling for chars, spelling in _CHARACTERS.items() for char in chars} | {char: f"\\{name} " for char, name in _LETTERS.items()}
)
_SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱᵃᵇᶜᵈᵉᵏᵐᵖʳˢᵗᵘᵛʷˣʸᶻ", "0123456789+-()niabcdekmprstuvwxyz", strict=True))
_SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋", "0123456789+-", strict=True))
_RAISED = re.compile(f"[{''.join(_SUPERSCRIPTS)}]+")
_LOWERED = re.compile(f"[{''.join(_SUBSCRIPTS)}]+")

_MICRO = re.compile(r"(\d\s?)[μµ](Pa|Hz|mol|[mgsLJWVACFHT])(?![A-Za-z(^])")
"""`40 μC`; what is no text could be a coefficient of friction, too."""
_WORD_IN_TEXT = r"\\(?:text|mathrm)\s?\{\s?([A-Za-z]{1,3})\s?\}"
_UNIT_FRACTION = re.compile(rf"\\[dt]?frac\s?\{{\s?{_WORD_IN_TEXT}\s?\}}\s?\{{\s?{_WORD_IN_TEXT}(?:\s?\^\s?\{{?\s?([23])\s?\}}?)?\s?\}}")
"""`\\frac{\\text{m}}{\\text{s}^2}`, which is a unit and no quotient of letters."""
_PLAIN_SET = re.compile(r"(?<![\\_^A-Za-z}])\{(\s?[a-z]\s?(?:(?:∈|\\in(?![a-z]))[^{}:|<>]{1,14})?(?:[:|]|\\mid(?![a-z]))[^{}]{1,80})\}")
"""`{x ∈ ℝ : x > 3}`, a set whose braces are plain."""
_UNION = re.compile(r"(?<=[)\]])\s{0,3}U\s{0,3}(?=[(\[])")
_ROW_SPACE = re.compile(r"\\\\\[\s?-?\d[\d.]{0,6}\s?(?:pt|em|ex|mm|cm|in)\s?\]")
_COMPOUND_UNIT = re.compile(
    r"\\(?:mathrm|text|rm|mbox)\s?\{((?>\s|\\[,;: ]|~|\\cdot(?![a-z])"
    r"|[A-Za-zμµΩ]{1,6}(?![A-Za-z])(?:\s?\^\s?\{?\s?-?\d\s?\}?)?){2,24})\}"
)
_FACTOR = re.compile(r"([A-Za-zμµΩ]{1,6})(?:\s?\^\s?\{?\s?(-?\d)\s?\}?)?")
"""`\\mathrm{m\\,s^{-1}}`, units side by side in one group."""
_CHEMICAL = re.compile(r"\\ce\s?\{([^{}]{1,200})\}")
_ATOMS = re.compile(r"(?<=[A-Za-z)\]])(\d{1,3})")
_PRIME = re.compile(r"\^\s?(?:\{\s?((?:\\prime\s?){1,3})\}|(\\prime)(?![a-zA-Z]))")
_DEGREE = re.compile(r"\^\s*(?:\{\s*\\(?:circ|degree)\s*\}|\\(?:circ|degree)(?![a-zA-Z]))")
_GROUPED_FIRMLY = re.compile(r"(?<![\d.,])\d{1,3}(?:(?:\{,\}(?:\\!)?|,\\!|\\!,|\\[,!;: ]|~|\{\\,\})\s?\d{3}){1,30}(?!\d)")
_GROUPED_BY_SPACES = re.compile(r"(?<![\w.,}])(?<!\d )[1-9]\d{0,2}(?: \d{3}){1,30}(?!\d| \d)")
_GROUPED_BY_COMMAS = re.compile(r"(?<![\d.,])[1-9]\d{0,2}(?: ?,\d{3}){1,30}(?!\d|,\d)")
_DECIMAL_COMMA = re.compile(r"(?<=\d)\{,\}(?=\d)")
_COLON = re.compile(r"\{\s?:\s?\}")
_ESCAPED_TWICE = re.compile(r"\\\\(?=[a-zA-Z$%{}])")
_CONNECTIVES = re.compile(r"\\(lor|land)(?![a-zA-Z])")
_NOT_DIGITS = re.compile(r"\D+")

_SKIPPED_WORDS = (
    "displaystyle|textstyle|scriptstyle|limits|nolimits|left|right|middle|big|Big|bigg|Bigg|bigl|bigr|Bigl|Bigr|biggl|biggr|Biggl|Biggr"
    "|quad|qquad|thinspace|enspace|medspace|thickspace|negthinspace|hfill|rm|bf|it|sf|tt|cal|boxed|fbox|ensuremath|underline|nonumber|strut|mathstrut|displaylimits"
    "|tiny|scriptsize|footnotesize|small|normalsize|large|Large|LARGE|huge|Huge"
)
_TOKEN = re.compile(
    rf"""(?P<space>\s+|~|\\[,;:!>\s]|\\(?:left|right)\.|\\(?:{_SKIPPED_WORDS})(?![a-zA-Z]))
  | (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{{1,4}}(?![\w.]))?)
  | (?P<command>\\[a-zA-Z]+\*?|\\.)
  | (?P<word>[A-Za-z]+)
  | (?P<mark>\*\*|<=|>=|!=|==|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_TEXT_FONTS = frozenset({"text", "textbf", "textit", "textrm", "textsf", "texttt", "textnormal", "textup", "mbox", "hbox", "emph"})
_MATH_FONTS = frozenset({"mathrm", "mathbf", "mathit", "mathsf", "mathtt", "mathnormal", "mathcal", "boldsymbol", "bm", "pmb", "operatorname", "operatorname*"})
_DROPPED_WITH_ARGUMENT = frozenset({"color", "hspace", "hspace*", "vspace", "phantom", "hphantom", "vphantom", "label", "tag", "textcolor", "hskip"})
_RENAMED_COMMANDS = {"dfrac": "frac", "tfrac": "frac", "cfrac": "frac", "dbinom": "binom", "tbinom": "binom", "ast": "times", "cdot": "times", "lg": "log"}
_MARKS = {
    **dict.fromkeys(("leq", "le", "leqslant", "leqq"), "≤"),
    **dict.fromkeys(("geq", "ge", "geqslant", "geqq"), "≥"),
    **dict.fromkeys(("neq", "ne"), "≠"),
    **dict.fromkeys(("approx", "approxeq", "thickapprox"), "≈"),
    **dict.fromkeys(("{", "lbrace"), "\\{"),
    **dict.fromkeys(("}", "rbrace"), "\\}"),
    **dict.fromkeys(("lvert", "rvert", "vert"), "|"),
    **dict.fromkeys(("setminus", "backslash"), "∖"),
    **dict.fromkeys(("emptyset", "varnothing"), "∅"),
    **dict.fromkeys(("ldots", "dots", "cdots"), "…"),
    "lt": "<",
    "gt": ">",
    "in": "∈",
    "cup": "∪",
    "cap": "∩",
    "pm": "±",
    "mp": "∓",
    "times": "*",
    "div": "/",
    "degree": "°",
    "prime": "'",
    "lbrack": "[",
    "rbrack": "]",
    "langle": "⟨",
    "rangle": "⟩",
    "mid": "¦",
    "%": "%",
    "$": "$",
    "colon": ":",
    "newline": "\\\\",
    "\\": "\\\\",
    "&": "&",
    "pounds": "£",
    "euro": "€",
}
_PLAIN_MARKS = {"<=": "≤", ">=": "≥", "!=": "≠", "==": "=", "**": "^"}


def unify(text: str) -> str:
    """Spell an answer in ASCII LaTeX, as far as one character stands for another.

    Raises:
        Unreadable: it is empty or too long.
    """
    if len(text) > MAX_CHARS:
        raise Unreadable(f"longer than {MAX_CHARS} characters")
    text = _UNION.sub("∪", text)
    text = _PLAIN_SET.sub(r"\\{\1\\}", text)
    if not text.isascii():
        text = _MICRO.sub(r"\1\\text{μ \2}", text)
        text = _RAISED.sub(lambda run: "^{" + "".join(_SUPERSCRIPTS[char] for char in run.group()) + "}", text)
        text = _LOWERED.sub(lambda run: "_{" + "".join(_SUBSCRIPTS[char] for char in run.group()) + "}", text)
        text = "".join(unicodedata.normalize("NFKC", char) if "\uff00" < char < "\uff5f" else char for char in text.translate(_TRANSLATED))
    text = _COLON.sub(":", text)
    if "\\" in text:
        text = _CONNECTIVES.sub(lambda found: r"\text{ or }" if found[1] == "lor" else r"\text{ and }", text)
        text = text if r"\begin" in text else _ESCAPED_TWICE.sub(r"\\", text)
        text = _ROW_SPACE.sub(r"\\\\", text)
        text = _CHEMICAL.sub(_formula, _COMPOUND_UNIT.sub(_factors, text))
        text = _UNIT_FRACTION.sub(lambda found: rf"\text{{ {found[1]}/{found[2]}{'^' + found[3] if found[3] else ''}}}", text)
        text = _DEGREE.sub(r"\\degree ", _PRIME.sub(lambda found: "'" * (found[1] or found[2]).count("p"), text))
    text = _without_end(text.strip())
    if not text:
        raise Unreadable("empty")
    return _GROUPED_BY_SPACES.sub(_digits, _DECIMAL_COMMA.sub(".", _GROUPED_FIRMLY.sub(_digits, text)))


def _factors(group: re.Match[str]) -> str:
    """The units of a group, each in a group of its own, where one of them has an exponent."""
    if "^" not in group[1]:
        return group.group()
    return " ".join(rf"\text{{ {name}}}" + (f"^{{{power}}}" if power else "") for name, power in _FACTOR.findall(group[1].replace(r"\cdot", " ")))


def _formula(chemical: re.Match[str]) -> str:
    r"""What `\ce{2H2 + O2 -> 2H2O}` shows."""
    return _ATOMS.sub(r"_{\1}", chemical[1]).replace("->", r"\to ")


def _without_end(text: str) -> str:
    r"""A text without the full stop, comma, space or thin space with which it ends: `12\;`."""
    stripped = text.rstrip(".,;: \t\n")
    while stripped != text or stripped.endswith((r"\!", "\\")):
        text = stripped.removesuffix(r"\!").removesuffix("\\")
        stripped = text.rstrip(".,;: \t\n")
    return text


def _digits(match: re.Match[str]) -> str:
    return _NOT_DIGITS.sub("", match.group())


def join_thousands(text: str) -> str:
    """Join `1,234` outside round and square brackets, where a comma would separate."""
    if "," not in text:
        return text
    depth = start = 0
    pieces: list[str] = []
    for match in _GROUPED_BY_COMMAS.finditer(text):
        depth += sum((char in "([") - (char in ")]") for char in text[start : match.start()])
        pieces += [text[start : match.start()], _digits(match) if depth <= 0 else match.group()]
        start = match.end()
    return "".join([*pieces, text[start:]])


@lru_cache(maxsize=4096)
def lex(text: str) -> tuple[Token, ...]:
    """Split unified text into tokens.

    Raises:
        Unreadable: a brace is not closed, or groups nest too deeply.
    """
    bare = text.replace(r"\$", "")
    is_money = bare.count("$") == 1 and "$" in bare.lstrip("-+( ")[:3]
    return tuple(_Lexer(text, is_money=is_money).tokens(0, len(text), in_text=False, depth=0))


@dataclass(frozen=True, slots=True)
class _Lexer:
    source: str
    is_money: bool

    def tokens(self, position: int, end: int, *, in_text: bool, depth: int) -> Iterator[Token]:
        if depth > MAX_NESTING:
            raise Unreadable(f"nested deeper than {MAX_NESTING}")
        is_spaced = False
        while position < end:
            match = _TOKEN.match(self.source, position, end)
            if match is None:  # pragma: no cover - the last alternative matches every character
                raise Unreadable("an unknown character")
            kind, text, position = str(match.lastgroup), match.group(), match.end()
            if kind == "space" or (kind == "mark" and text == "$" and not self.is_money):
                is_spaced = True
                continue
            if kind == "command":
                produced, position = self._command(text[1:], position, end, depth, in_text=in_text)
            elif kind == "word":
                produced = [Token("text" if in_text else "word", text)]
            elif kind == "number":
                produced = [Token("number", text)]
            else:
                produced = [Token("mark", _PLAIN_MARKS.get(text, text))]
            for token in produced:
                yield Token(token.kind, token.text, token.is_spaced or is_spaced)
                is_spaced = False
            is_spaced = is_spaced and not produced

    def _command(self, name: str, position: int, end: int, depth: int, *, in_text: bool) -> tuple[list[Token], int]:
        """The tokens that a command stands for, and where reading goes on."""
        name = _RENAMED_COMMANDS.get(name, name)
        if name in _MARKS or (name == "times"):
            return [Token("mark", _MARKS[name])], position
        if name in ("(", ")", "[", "]"):
            return [], position
        if name in _DROPPED_WITH_ARGUMENT:
            return [], self._argument(position, end)[1]
        if name in ("begin", "end"):
            (start, stop), after = self._argument(position, end)
            environment = self.source[start:stop].strip("* ")
            if name == "begin" and environment in ("array", "tabular") and self.source[after : after + 1] == "{":
                after = self._argument(after, end)[1]
            return [Token(name, environment)], after
        if name == "mathbb" or name in ("R", "N", "Z", "Q", "C"):
            (start, stop), after = self._argument(position, end) if name == "mathbb" else ((0, 0), position)
            return [Token("set", self.source[start:stop].strip() if name == "mathbb" else name)], after
        if name in _TEXT_FONTS or name in _MATH_FONTS:
            return self._font(name, position, end, depth, in_text=in_text)
        return [Token("command", name)], position

    def _font(self, name: str, position: int, end: int, depth: int, *, in_text: bool) -> tuple[list[Token], int]:
        (start, stop), after = self._argument(position, end)
        content = self.source[start:stop].strip()
        is_text = in_text or name in _TEXT_FONTS or (name == "mathrm" and "+" not in content and "-" not in content) or (content.isalpha() and len(content) > 1)
        inner = list(self.tokens(start, stop, in_text=is_text, depth=depth + 1))
        if is_text or len(inner) < 2:
            spaced = self.source[start : start + 1].isspace()
            return [Token(token.kind, token.text, token.is_spaced or (index == 0 and spaced)) for index, token in enumerate(inner)], after
        return [Token("mark", "{"), *inner, Token("mark", "}")], after

    def _argument(self, position: int, end: int) -> tuple[tuple[int, int], int]:
        """Where the argument of a command begins and ends, and where reading goes on."""
        while position < end and self.source[position].isspace():
            position += 1
        if position >= end or self.source[position] != "{":
            stop = _TOKEN.match(self.source, position, end).end() if position < end and self.source[position] == "\\" else min(position + 1, end)  # type: ignore[union-attr]
            return (position, stop), stop
        depth = 0
        at = position
        while at < end:
            char = self.source[at]
            if char == "\\":
                at += 2
                continue
            depth += (char == "{") - (char == "}")
            if depth == 0:
                return (position + 1, at), at + 1
            at += 1
        raise Unreadable("a brace is not closed")
