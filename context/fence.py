"""Whether a query could learn of rows that a policy hides, by what an engine computes before the policy's filter.

Engines run conditions in the order that they think cheapest, and an expression that can fail on a value tells, by failing, that there is
such a value (PostgreSQL's manual calls this leaky, 41.5 "Rules and Privileges"). A fence keeps the asker's conditions above the policy's;
it costs the engine its short cuts, so it stands only where something can fail.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

_HARMLESS = (
    exp.Query, exp.With, exp.CTE, exp.TableAlias, exp.Table, exp.From, exp.Join, exp.Where, exp.Group, exp.Having, exp.Qualify, exp.Order,
    exp.Ordered, exp.Limit, exp.Offset, exp.Distinct, exp.Alias, exp.Column, exp.Identifier, exp.Star, exp.Literal, exp.Boolean, exp.Null,
    exp.Paren, exp.Tuple, exp.And, exp.Or, exp.Not, exp.Is, exp.Exists, exp.Cube, exp.Rollup, exp.GroupingSets, exp.Var, exp.DataType,
    exp.Coalesce, exp.Case, exp.If, exp.Lower, exp.Upper, exp.Filter, exp.Window, exp.WindowSpec, exp.TryCast, exp.Nullif,
)  # fmt: skip
"""Nodes that can not fail on a value, whatever it is."""
_PLACES = (exp.From, exp.Join, exp.Lateral, exp.CTE, exp.SetOperation, exp.Exists, exp.In, exp.Subquery, exp.Any, exp.All)
"""Where a query may give any number of rows; elsewhere it stands for one value, and fails on a second row."""
_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ, exp.In, exp.Between)


def can_fail(tree: exp.Expr, types: Mapping[str, str]) -> bool:
    """Whether any part of a query can fail on a value; `types` are those of the columns that it reads, by name.

    What stands within an aggregate is computed from rows that passed the filter, and a constant fails before any row is read.
    """
    stack: list[exp.Expr] = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, _COMPARISONS):
            fails = not _alike(node, types)
        elif isinstance(node, (exp.Like, exp.ILike)):
            fails = not isinstance(node.expression, exp.Literal) or "\\" in node.expression.name  # which may end in half an escape
        elif isinstance(node, exp.Query) and node is not tree and not isinstance(node.parent, _PLACES):
            fails = not _one_row(node)
        elif isinstance(node, exp.AggFunc) and not isinstance(node.parent, exp.Window):
            continue
        elif isinstance(node, (*_HARMLESS, exp.AggFunc)):
            fails = False
        elif not _reads(node):
            continue
        else:
            fails = not _of_time(node, types)
        if fails:
            return True
        stack.extend(node.iter_expressions())
    return False


def filters_can_fail(tree: exp.Expr, types: Mapping[str, str]) -> bool:
    """The same of a plan's tree, which the compiler made: only its conditions can be computed before a policy's; its joins are by keys."""
    return any(can_fail(condition, types) for condition in tree.find_all(exp.Where, exp.Having, exp.Qualify))


def _reads(node: exp.Expr) -> bool:
    """Whether a value of a row goes into a node, other than through an aggregate."""
    stack = [node]
    while stack:
        node = stack.pop()
        if isinstance(node, exp.Column):
            return True
        if not isinstance(node, exp.AggFunc) or isinstance(node.parent, exp.Window):
            stack.extend(node.iter_expressions())
    return False


def _one_row(query: exp.Expr) -> bool:
    """Whether a query gives one row at most, whatever there is: an aggregate over everything, or the first row."""
    while isinstance(query, exp.Subquery):
        query = query.this
    if not isinstance(query, exp.Select):
        return False
    limit = query.args.get("limit")
    if isinstance(limit, exp.Limit) and limit.expression is not None and limit.expression.name in ("0", "1"):
        return True
    whole = not query.args.get("group") and not query.args.get("having")
    return whole and bool(query.expressions) and all(_aggregated(projection) for projection in query.expressions)


def _aggregated(projection: exp.Expr) -> bool:
    aggregate = projection.find(exp.AggFunc)
    return aggregate is not None and not isinstance(aggregate.parent, exp.Window) and not projection.find(exp.Window)


def _of_time(node: exp.Expr, types: Mapping[str, str]) -> bool:
    """Whether a node only cuts or names a moment, which no moment fails: `date_trunc('month', ordered_at)`, `year(ordered_at)`."""
    match node:
        case exp.Cast() if node.is_type(*exp.DataType.TEMPORAL_TYPES):
            return _type(node.this, types) == "time"
        case exp.TimestampTrunc() | exp.DateTrunc() | exp.Year() | exp.Quarter() | exp.Month() | exp.Week() | exp.Day():
            return _type(node.this, types) == "time"
        case exp.Extract():
            return _type(node.expression, types) == "time"
    return False


def _alike(node: exp.Expr, types: Mapping[str, str]) -> bool:
    """Whether the sides of a comparison are of one type, so that none is cast."""
    kinds = {kind for side in node.iter_expressions() if (kind := _type(side, types)) != "any"}
    return len(kinds) <= 1 and None not in kinds


def _type(node: exp.Expr, types: Mapping[str, str]) -> str | None:
    match node:
        case exp.Paren() | exp.Lower() | exp.Upper() | exp.Subquery() | exp.Alias() | exp.Min() | exp.Max():
            return _type(node.this, types)
        case exp.Select():
            return _type(node.expressions[0], types) if len(node.expressions) == 1 else None
        case exp.Count() | exp.Sum() | exp.Avg():
            return "number"
        case exp.Column():
            return types.get(node.name.lower())
        case exp.Literal():
            return "any" if node.is_string else "number"  # a text that is said is cast once, before any row is read
        case exp.Null():
            return "any"
        case exp.Boolean():
            return "boolean"
        case exp.TimestampTrunc() | exp.DateTrunc():
            return "time"
        case exp.Cast() | exp.TryCast():
            kinds = {"time": exp.DataType.TEMPORAL_TYPES, "number": exp.DataType.NUMERIC_TYPES, "text": exp.DataType.TEXT_TYPES}
            return next((kind for kind, types_ in kinds.items() if node.is_type(*types_)), None)
        case exp.AggFunc():
            return None
        case exp.Add() | exp.Sub() if not _reads(node):
            return _type(node.this, types)
        case _ if not _reads(node):
            return "any"
    return None
