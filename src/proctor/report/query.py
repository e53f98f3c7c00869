"""The search language of the viewer: `reward > 0.9 and length < 20` to SQL with parameters.

A query is read by the grammar below and by nothing else; every name must be in `FIELDS`, every value becomes a parameter, so what a
person types, or a link carries, can never become SQL.

    query   = either ;  either = both { "or" both } ;  both = single { ["and"] single } ;
    single  = "not" single | "(" either ")" | field operator value | value ;
    value   = number | word | '"' text '"' ;

A value alone is looked for in the completion, without regard to case.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from proctor.errors import ConfigError
from proctor.report.rules import ROLLOUT_RULES

_MAX_DEPTH = 40
_MAX_LENGTH = 4000

Operator = Literal["=", "!=", "<", "<=", ">", ">=", "~"]
Kind = Literal["number", "text", "outcome", "flag", "verdict"]


@dataclass(frozen=True, slots=True)
class Field:
    """A name that may be compared.

    Attributes:
        sql: the expression over a row of `rollouts`.
        kind: what it is compared with.
        meaning: one line for people.
    """

    sql: str
    kind: Kind
    meaning: str


FIELDS: Mapping[str, Field] = {
    "reward": Field("reward", "number", "scalar after weighting"),
    "advantage": Field("advantage", "number", "credit of the rollout"),
    "length": Field("num_completion_tokens", "number", "tokens that the model wrote"),
    "step": Field("step", "number", "counted from 0"),
    "group": Field('"group"', "number", "place of the group in its step"),
    "index": Field('"index"', "number", "place of the rollout in its group"),
    "turns": Field("num_turns", "number", "completions in the rollout"),
    "staleness": Field("(step - policy_version)", "number", "versions behind the step"),
    "status": Field("status", "text", "finished, truncated or error"),
    "finish": Field("finish_reason", "text", "eos, stop, length or repetition"),
    "task": Field("task_id", "text", "id of the task"),
    "source": Field("source", "text", "data source of the task"),
    "text": Field("text", "text", "the completion; `text ~ word` looks inside"),
    "prompt": Field("prompt_text", "text", "what was asked"),
    "answer": Field("answer", "text", "the reference answer, as JSON"),
    "extracted": Field("list_aggregate(list_transform(scores, lambda s: s.extracted), 'string_agg', ' ')", "text", "the answers that verifiers read"),
    "reason": Field("list_aggregate(list_transform(scores, lambda s: s.reason), 'string_agg', ' ')", "text", "why verifiers decided so"),
    "outcome": Field("list_transform(scores, lambda s: s.outcome)", "outcome", "CORRECT, INCORRECT, UNPARSED or ERROR, by any verifier"),
    "flag": Field("", "flag", "a suspicion, by its name"),
    "verdict": Field("", "verdict", "a person's mark: wrongly_rewarded, wrongly_refused or any"),
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """`field operator value`."""

    field: str
    operator: Operator
    value: str | float


@dataclass(frozen=True, slots=True)
class Contains:
    """A text that the completion holds, without regard to case."""

    text: str


@dataclass(frozen=True, slots=True)
class Not:
    inner: Node


@dataclass(frozen=True, slots=True)
class Both:
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Either:
    left: Node
    right: Node


Node = Comparison | Contains | Not | Both | Either


@dataclass(frozen=True, slots=True)
class Condition:
    """SQL with `?` for each of `parameters`, over the rows of `rollouts`."""

    sql: str
    parameters: tuple[str | float | list[str], ...] = ()


EVERYTHING = Condition("TRUE")

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>"(?:[^"\\]|\\.)*")
      | (?P<operator><=|>=|!=|==|=|<|>|~)
      | (?P<open>\()
      | (?P<close>\))
      | (?P<word>[^\s()"<>=!~]+)
    )""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    position: int


def parse(text: str) -> Node | None:
    """Read a query; None for an empty one.

    Raises:
        ConfigError: it does not follow the grammar; the message names the place and what is allowed there.
    """
    if len(text) > _MAX_LENGTH:
        raise ConfigError(f"the search has {len(text)} characters; at most {_MAX_LENGTH} are allowed")
    tokens = _tokens(text)
    return _Parser(tokens, text).whole() if tokens else None


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    position = 0
    while text[position:].strip():
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise ConfigError(
                f"the search cannot be read at {text[position:].strip()[:20]!r}: a quoted text must end with a quote, and `!` stands only in `!=`"
            )
        tokens.append(_Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)))
        position = match.end()
    return tokens


class _Parser:
    """Recursive descent over the tokens; one method a rule of the grammar."""

    def __init__(self, tokens: list[_Token], text: str) -> None:
        self._tokens, self._text, self._place = tokens, text, 0

    def whole(self) -> Node:
        node = self._either(0)
        if self._place < len(self._tokens):
            raise self._error("an operator, `and`, `or` or the end")
        return node

    def _either(self, depth: int) -> Node:
        node = self._both(depth)
        while self._word("or"):
            node = Either(node, self._both(depth))
        return node

    def _both(self, depth: int) -> Node:
        node = self._single(depth)
        while self._place < len(self._tokens) and not self._at_end_of_both():
            self._word("and")
            node = Both(node, self._single(depth))
        return node

    def _at_end_of_both(self) -> bool:
        token = self._tokens[self._place]
        return token.kind in ("close", "operator") or (token.kind == "word" and token.text.lower() == "or")

    def _single(self, depth: int) -> Node:
        if depth > _MAX_DEPTH:
            raise ConfigError(f"the search nests deeper than {_MAX_DEPTH} parentheses")
        if self._word("not"):
            return Not(self._single(depth + 1))
        token = self._next("a field, a text or `(`")
        if token.kind == "open":
            node = self._either(depth + 1)
            if self._next("`)`").kind != "close":
                self._place -= 1
                raise self._error("`)`")
            return node
        if token.kind not in ("word", "text"):
            self._place -= 1
            raise self._error("a field, a text or `(`")
        if token.kind == "word" and self._peek() == "operator":
            return self._comparison(token)
        return Contains(_unquoted(token))

    def _comparison(self, name: _Token) -> Comparison:
        if name.text not in FIELDS:
            raise ConfigError(f"the search names {name.text!r}; fields are {', '.join(FIELDS)}. To look for it in the completions write it in quotes")
        operator = self._next("an operator").text.replace("==", "=")
        value = self._next("a value")
        if value.kind not in ("word", "text"):
            self._place -= 1
            raise self._error("a value")
        return _checked(name.text, operator, _unquoted(value))

    def _peek(self) -> str:
        return self._tokens[self._place].kind if self._place < len(self._tokens) else ""

    def _next(self, expected: str) -> _Token:
        if self._place == len(self._tokens):
            raise self._error(expected)
        self._place += 1
        return self._tokens[self._place - 1]

    def _word(self, word: str) -> bool:
        """Take the keyword if it stands here."""
        found = self._peek() == "word" and self._tokens[self._place].text.lower() == word
        self._place += found
        return found

    def _error(self, expected: str) -> ConfigError:
        found = repr(self._text[self._tokens[self._place].position :][:20]) if self._place < len(self._tokens) else "the end"
        return ConfigError(f"the search has {found} where {expected} is expected; as in: reward > 0.9 and length < 20")


def _unquoted(token: _Token) -> str:
    return re.sub(r"\\(.)", r"\1", token.text[1:-1], flags=re.DOTALL) if token.kind == "text" else token.text


def _checked(name: str, operator: str, value: str) -> Comparison:
    """The comparison, if the field has this operator and can have this value."""
    kind = FIELDS[name].kind
    allowed: Collection[str] = {"number": ("=", "!=", "<", "<=", ">", ">="), "text": ("=", "!=", "~")}.get(kind, ("=", "!="))
    if operator not in allowed:
        raise ConfigError(f"the search compares {name} with {operator}; allowed are {' '.join(allowed)}")
    if kind == "number":
        try:
            return Comparison(name, operator, float(value))  # type: ignore[arg-type]  # checked above
        except ValueError:
            raise ConfigError(f"the search compares {name} with {value!r}, which is not a number") from None
    if kind == "flag" and value not in ROLLOUT_RULES:
        raise ConfigError(f"the search names the suspicion {value!r}; there are {', '.join(ROLLOUT_RULES)}")
    if kind == "verdict" and value not in ("wrongly_rewarded", "wrongly_refused", "any"):
        raise ConfigError(f"the search names the verdict {value!r}; there are wrongly_rewarded, wrongly_refused and any")
    return Comparison(name, operator, value)  # type: ignore[arg-type]  # checked above


def condition(node: Node | None, *, marks: Mapping[str, Collection[str]] | None = None) -> Condition:
    """The SQL of a query.

    Args:
        node: from `parse`; None matches everything.
        marks: `step/group/index` of the rollouts under each verdict.
    """
    if node is None:
        return EVERYTHING
    match node:
        case Contains(text):
            return Condition("contains(lower(text), lower(?))", (text,))
        case Not(inner):
            inside = condition(inner, marks=marks)
            return Condition(f"NOT coalesce(({inside.sql}), FALSE)", inside.parameters)
        case Both(left, right):
            return _joined("AND", condition(left, marks=marks), condition(right, marks=marks))
        case Either(left, right):
            return _joined("OR", condition(left, marks=marks), condition(right, marks=marks))
        case Comparison():
            return _compared(node, marks or {})


def _joined(word: str, left: Condition, right: Condition) -> Condition:
    return Condition(f"(({left.sql}) {word} ({right.sql}))", (*left.parameters, *right.parameters))


def _compared(node: Comparison, marks: Mapping[str, Collection[str]]) -> Condition:
    field, operator, value = FIELDS[node.field], node.operator, node.value
    negated = "NOT " if operator == "!=" else ""
    match field.kind:
        case "number":
            return Condition(f"{field.sql} {operator} ?", (value,))
        case "text" if operator == "~":
            return Condition(f"contains(lower({field.sql}), lower(?))", (value,))
        case "text":
            return Condition(f"{field.sql} {operator} ?", (value,))
        case "outcome":
            return Condition(f"{negated}list_contains({field.sql}, ?)", (str(value).upper(),))
        case "flag":
            return Condition(f"{negated}coalesce(({ROLLOUT_RULES[str(value)].sql}), FALSE)")
        case "verdict":
            keys = sorted({key for verdict, found in marks.items() if value in (verdict, "any") for key in found})
            return Condition(f'{negated}list_contains(?::VARCHAR[], concat_ws(\'/\', step, "group", "index"))', (keys,))
