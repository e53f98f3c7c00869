"""Small changes to a module's syntax tree, each a plausible slip: another operator, bound, constant, order, a check or a mask left out."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType

OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
SWAPS = [("min", "max"), ("minimum", "maximum"), ("amin", "amax"), ("any", "all"), ("sum", "mean"), ("exp", "expm1"), ("log", "log1p"), ("sqrt", "rsqrt")]
RENAMED = {name: other for pair in SWAPS for name, other in (pair, pair[::-1])} | {"var": "std", "logaddexp": "maximum", "largest": "sum"}
# Methods whose call can be forgotten: what they are called on takes their place.
FORGOTTEN = {"abs", "clamp", "cumsum", "detach", "exp", "expm1", "flip", "log", "repeat_interleave", "roll", "rsqrt", "sigmoid", "sqrt", "square"}
DROPPED_KEYWORDS = {"correction", "descending", "dim", "keepdim", "max", "min"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change.

    Attributes:
        line: number of the line in the source.
        content: that line, stripped.
        change: the expression before and after.
        code: the compiled module with the change.
    """

    line: int
    content: str
    change: str
    code: CodeType


@dataclass(frozen=True, slots=True)
class _Slot:
    """A place in the tree that holds a node."""

    parent: ast.AST
    field: str
    index: int | None

    def put(self, node: ast.AST) -> None:
        if self.index is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.index] = node


def mutants(source: str, *, path: str) -> Iterator[Mutant]:
    """Every mutant of a module, in the order of its source; no two compile to the same tree."""
    tree, lines = ast.parse(source, path), source.splitlines()
    seen = {ast.dump(tree)}
    for slot, node in _nodes(tree):
        for replacement in _replacements(node):
            ast.copy_location(replacement, node)
            slot.put(replacement)
            ast.fix_missing_locations(tree)
            fingerprint = ast.dump(tree)
            if fingerprint not in seen:
                seen.add(fingerprint)
                line: int = getattr(node, "lineno", 1)
                yield Mutant(line, lines[line - 1].strip(), f"{ast.unparse(node)} -> {ast.unparse(replacement)}", compile(tree, path, "exec"))
            slot.put(node)


def _nodes(parent: ast.AST) -> Iterator[tuple[_Slot, ast.AST]]:
    """Expressions and statements that compute, with their places; not annotations, decorators, messages or names of exports."""
    for field, value in ast.iter_fields(parent):
        if isinstance(parent, ast.keyword) and parent.arg == "strict":  # of zip: a guard for what cannot happen
            continue
        if field in {"annotation", "returns", "decorator_list", "defaults", "kw_defaults", "type_params"}:
            continue
        for index, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(node, ast.AST) or isinstance(node, ast.Raise | ast.JoinedStr | ast.Import | ast.ImportFrom):
                continue
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                continue
            yield _Slot(parent, field, index), node
            is_negative_number = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant)
            if not is_negative_number:  # mutated as one number: the positive of a dimension counted from the end is the same dimension
                yield from _nodes(node)


def _replacements(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Constant(value=value):
            yield from _constants(value)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            yield from _constants(-value)
        case ast.UnaryOp(op=ast.USub() | ast.Invert() | ast.Not(), operand=operand):
            yield operand
        case ast.BinOp(left=left, op=op, right=right):
            if type(op) in OPERATORS:
                yield ast.BinOp(left, OPERATORS[type(op)](), right)
            yield left
            yield right
        case ast.AugAssign(target=target, op=op, value=value) if type(op) in OPERATORS:
            yield ast.AugAssign(target, OPERATORS[type(op)](), value)
        case ast.BoolOp(op=op, values=values):
            yield ast.BoolOp(ast.And() if isinstance(op, ast.Or) else ast.Or(), values)
            yield from (ast.BoolOp(op, [*values[:place], *values[place + 1 :]]) if len(values) > 2 else values[1 - place] for place in range(len(values)))
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            for place, op in enumerate(ops):
                yield from (ast.Compare(left, [*ops[:place], other(), *ops[place + 1 :]], comparators) for other in COMPARISONS.get(type(op), ()))
        case ast.IfExp(body=body, orelse=orelse):
            yield body
            yield orelse
        case ast.If(body=body, orelse=orelse):
            yield ast.If(ast.Constant(False), body, orelse)
            if not isinstance(body[0], ast.Raise):
                yield ast.If(ast.Constant(True), body, orelse)
        case ast.Expr(value=ast.Call(func=ast.Name(id=name))) if name.lstrip("_").startswith("require"):
            yield ast.Pass()
        case ast.Call():
            yield from _calls(node)
        case ast.Attribute(value=value, attr=attr) if attr in RENAMED:
            yield ast.Attribute(value, RENAMED[attr], node.ctx)
        case ast.Name(id=name) if name in {"min", "max", "any", "all"}:
            yield ast.Name(RENAMED[name], node.ctx)
        case _:
            pass


def _constants(value: object) -> Iterator[ast.expr]:
    match value:
        case bool():
            yield ast.Constant(not value)
        case int():  # not 0 to -1: of a vector's only dimension, the same
            yield from (ast.parse(repr(other), mode="eval").body for other in ((value + 1, value - 1) if value else (1,)))
        case float():
            yield from (ast.parse(repr(other), mode="eval").body for other in (2 * value, 0.0, -value))
        case "amax":
            yield ast.Constant("amin")
        case _:
            pass


def _calls(node: ast.Call) -> Iterator[ast.expr]:
    function, arguments, keywords = node.func, node.args, node.keywords
    match function:
        case ast.Attribute(value=ast.Name(id="torch"), attr="where") if len(arguments) == 3:
            condition, chosen, other = arguments
            yield chosen
            yield other
            yield ast.Call(function, [condition, other, chosen], [])
        case ast.Attribute(value=value, attr=attr) if attr in FORGOTTEN and ast.unparse(value) != "torch":
            yield value
        case _:
            pass
    # `torch.where` is done above; the order of the others means nothing.
    has_order = ast.unparse(function).split(".")[-1] not in {"where", "min", "max", "minimum", "maximum", "logaddexp"}
    if len(arguments) > 1 and has_order and not any(isinstance(argument, ast.Starred) for argument in arguments[:2]):
        yield ast.Call(function, [arguments[1], arguments[0], *arguments[2:]], keywords)
    for place, keyword in enumerate(keywords):
        others = [*keywords[:place], *keywords[place + 1 :]]
        if keyword.arg in DROPPED_KEYWORDS:
            yield ast.Call(function, arguments, others)
        if keyword.arg in {"min", "max"}:
            yield ast.Call(function, arguments, [*others, ast.keyword(RENAMED[keyword.arg], keyword.value)])
