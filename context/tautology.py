"""Whether a condition lets every row in, but for its nulls. Knows no model."""

from __future__ import annotations

import itertools
import operator
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from answerable.context.expr import conjuncts
from sqlglot import exp
from sqlglot.optimizer.normalize import normalize
from sqlglot.optimizer.simplify import simplify

_OF_EQUALS = (exp.EQ, exp.GTE, exp.LTE, exp.Like, exp.ILike, exp.NullSafeEQ)
_COMPARISONS: dict[type[exp.Expr], Callable[[Any, Any], bool]] = {
    exp.EQ: operator.eq, exp.NEQ: operator.ne, exp.GT: operator.gt, exp.GTE: operator.ge, exp.LT: operator.lt, exp.LTE: operator.le,
}  # fmt: skip


def always(tree: exp.Expr) -> bool:
    """Whether no row is left out but for nulls: `true`, `1 = 1`, `region = region`, `region = 'EU' or region <> 'EU'`.

    What it can't follow, such as `length(region) >= 0`, is taken for a condition.
    """
    tree = tree.transform(lambda node: exp.true() if _of_itself(node) else node)
    return all(_covers(clause) for clause in conjuncts(normalize(simplify(tree))))


def _of_itself(node: exp.Expr) -> bool:
    """`region = region`, and `region like '%'`."""
    if isinstance(node, (exp.Like, exp.ILike)) and isinstance(node.expression, exp.Literal) and set(node.expression.this) == {"%"}:
        return True
    return isinstance(node, _OF_EQUALS) and node.this == node.expression


def _covers(clause: exp.Expr) -> bool:
    """Whether one of the parts that `or` joins always holds."""
    clause = clause.unnest()
    parts = [part.unnest() for part in clause.flatten()] if isinstance(clause, exp.Or) else [clause]
    if any(isinstance(part, exp.Boolean) and part.this for part in parts):
        return True
    opposites = {simplify(exp.Not(this=exp.paren(part))).sql() for part in parts}
    return any(part.sql() in opposites for part in parts) or any(_covers_all(said) for said in _by_side(parts))


def _by_side(parts: list[exp.Expr]) -> Iterator[list[tuple[Callable[[Any, Any], bool], Any]]]:
    """The comparisons with constants, for each expression that is compared."""
    found = defaultdict[str, list[tuple[Callable[[Any, Any], bool], Any]]](list)
    for part in parts:
        if type(part) in _COMPARISONS and isinstance(part.expression, (exp.Literal, exp.Neg)):
            value = part.expression.to_py()
            found[f"{part.this.sql()} {isinstance(value, str)}"].append((_COMPARISONS[type(part)], value))
    yield from found.values()


def _covers_all(said: list[tuple[Callable[[Any, Any], bool], Any]]) -> bool:
    """Whether each value there could be meets one of the comparisons: `score >= 5 or score < 6`."""
    known = sorted({value for _, value in said})
    if isinstance(known[0], str):
        points: list[Any] = ["", *known, *(value + "\0" for value in known)]
    else:
        points = [known[0] - 1, *known, *((a + b) / 2 for a, b in itertools.pairwise(known)), known[-1] + 1]
    return all(any(compare(point, value) for compare, value in said) for point in points)
