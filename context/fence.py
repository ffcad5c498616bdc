"""Whether a query could learn of rows that a policy hides, by what an engine computes before the policy's filter.

Engines run conditions in the order that they think cheapest, and an expression that fails on a value, or takes long over it, tells that
there is such a value (PostgreSQL's manual calls this leaky, 41.5 "Rules and Privileges"). A fence keeps the asker's conditions above the
policy's. It costs the engine its short cuts, so it is left out where all that is said is on a short list: bare columns beside literals or
columns of their type. A constant is not on it: an engine may compute one only when a row needs it.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

_PLAIN = (
    exp.Query, exp.With, exp.CTE, exp.TableAlias, exp.Table, exp.From, exp.Join, exp.Where, exp.Group, exp.Having, exp.Qualify, exp.Order,
    exp.Ordered, exp.Distinct, exp.Alias, exp.Column, exp.Identifier, exp.Star, exp.Literal, exp.Boolean, exp.Null, exp.Paren, exp.Tuple,
    exp.And, exp.Or, exp.Not, exp.Is, exp.Cube, exp.Rollup, exp.GroupingSets, exp.Var, exp.DataType, exp.If, exp.Lower, exp.Upper,
    exp.Filter,
)  # fmt: skip
"""Nodes that can not fail on a value, whatever it is."""
_ALIKE = (
    exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ, exp.In, exp.Between, exp.Coalesce, exp.Nullif,
)  # fmt: skip
"""Nodes that can not, where what stands in them is of one type."""
_OF_TIME = (exp.TimestampTrunc, exp.DateTrunc, exp.Year, exp.Quarter, exp.Month, exp.Week, exp.Day)
_OF_ITS_FIRST = (
    exp.Paren, exp.Lower, exp.Upper, exp.Alias, exp.Min, exp.Max, exp.Add, exp.Sub, exp.Coalesce, exp.Nullif, exp.Window,
)  # fmt: skip
_NUMBERS = (
    exp.Count, exp.Sum, exp.Avg, exp.RowNumber, exp.Rank, exp.DenseRank,
    exp.Extract, exp.Year, exp.Quarter, exp.Month, exp.Week, exp.Day,
)  # fmt: skip
_SOURCES = (exp.From, exp.Join, exp.CTE, exp.SetOperation)
_TYPES = {"time": exp.DataType.TEMPORAL_TYPES, "number": exp.DataType.NUMERIC_TYPES, "text": exp.DataType.TEXT_TYPES}
Types = Mapping[str, str | None]
OTHERS = ""
"""In the types, that of all columns which have no name there."""


def can_fail(tree: exp.Expr, types: Types) -> bool:
    """Whether any part of a query is not on the list; `types` are those of the columns that it reads, by name.

    What stands within an aggregate or a window is computed from rows that passed the filter, unless it stands in a query within a
    condition: that runs for each row, so there is none on the list.
    """
    stack: list[tuple[exp.Expr, bool]] = [(tree, False)]
    while stack:
        node, after = stack.pop()
        if node is not tree and _asks_within(node):
            return True
        after = after or isinstance(node, (exp.AggFunc, exp.Window))
        if not after and not _plain(node, types):
            return True
        after = after or isinstance(node, (exp.Cast, exp.Interval))  # of which `_plain` has seen the inside
        for child in node.iter_expressions():
            stack.append((child, after))
    return False


def filters_can_fail(tree: exp.Expr, types: Types) -> bool:
    """The same of a plan's tree, which the compiler made: only its conditions can be computed before a policy's; its joins are by keys.

    A condition of a plan names columns of a model, or what the compiler made of them, which it compares with its like.
    """
    types = {**types, OTHERS: "any"}
    return any(can_fail(condition, types) for condition in tree.find_all(exp.Where, exp.Having, exp.Qualify))


def _asks_within(node: exp.Expr) -> bool:
    """Whether a query stands where a value or a condition does, or beside a relation whose columns it sees."""
    match node:
        case exp.Subquery():
            return not isinstance(node.parent, (*_SOURCES, exp.Subquery))
        case exp.Exists() | exp.Lateral() | exp.Any() | exp.All():
            return True
        case exp.In():
            return bool(node.args.get("query"))
    return False


def _plain(node: exp.Expr, types: Types) -> bool:
    match node:
        case exp.TryCast():
            return False
        case exp.Limit() | exp.Offset():
            return isinstance(node.expression, exp.Literal)
        case exp.Like() | exp.ILike():
            return isinstance(node.expression, exp.Literal) and "\\" not in node.expression.name  # which may end in half an escape
        case exp.Interval():
            return isinstance(node.this, exp.Literal)
        case exp.Cast():
            to_time = node.is_type(*exp.DataType.TEMPORAL_TYPES)
            return isinstance(node.this, exp.Literal) or (
                to_time and isinstance(node.this, (exp.Column, *_OF_TIME)) and _is_time(node.this, types)
            )
        case exp.Add() | exp.Sub():
            return _said_day(node.this) and isinstance(node.expression, exp.Interval)
        case exp.Extract():
            return isinstance(node.expression, exp.Column) and _is_time(node.expression, types)
        case exp.Case():
            results = [*(branch.args.get("true") for branch in node.args["ifs"]), node.args.get("default")]
            return _one_type([result for result in results if result is not None], types)
    if isinstance(node, _OF_TIME):
        return isinstance(node.this, exp.Column) and _is_time(node.this, types)
    if isinstance(node, _ALIKE):
        return _one_type(list(node.iter_expressions()), types)
    return isinstance(node, _PLAIN)


def _said_day(node: exp.Expr) -> bool:
    """A day that is said, or another before or after it."""
    if isinstance(node, (exp.Add, exp.Sub)):
        return _said_day(node.this)
    return isinstance(node, exp.Cast) and isinstance(node.this, exp.Literal)


def _is_time(node: exp.Expr, types: Types) -> bool:
    return _type(node, types) == "time"


def _one_type(sides: list[exp.Expr], types: Types) -> bool:
    """Whether all are of one type that is known, so that none is cast."""
    kinds = {kind for side in sides if (kind := _type(side, types)) != "any"}
    return len(kinds) <= 1 and None not in kinds


def _type(node: exp.Expr | None, types: Types) -> str | None:
    if isinstance(node, _OF_ITS_FIRST):
        return _type(node.this, types)
    if isinstance(node, _NUMBERS):
        return "number"
    match node:
        case exp.Column():
            return types.get(node.name.lower(), types.get(OTHERS))
        case exp.Literal():
            return "any" if node.is_string else "number"  # a text that is said is cast once, before any row is read
        case exp.Null():
            return "any"
        case exp.Boolean():
            return "boolean"
        case exp.TimestampTrunc() | exp.DateTrunc():
            return "time"
        case exp.Cast():
            return next((kind for kind, types_ in _TYPES.items() if node.is_type(*types_)), None)
        case exp.Case():
            return _type(node.args["ifs"][0].args.get("true"), types)
        case exp.Tuple():
            kinds = {_type(part, types) for part in node.expressions}
            return kinds.pop() if len(kinds) == 1 else None
    return None
