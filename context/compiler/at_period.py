"""Running totals of which a coarser period shows one value: worked out piece by piece of time, then its first, last or mean is taken."""

from __future__ import annotations

from answerable.context.compiler.grid import PERIOD
from answerable.context.compiler.scan import Scanner
from sqlglot import exp

PIECE, VALUE = "piece", "by_piece"


def taken_of_period(scanner: Scanner) -> exp.Select:
    """By the grid's pieces first; then each period's first or mean value as dbt's `period_agg` has it, else its last."""
    assert scanner.grid is not None
    inner = scanner.select().select(exp.alias_(scanner.grid.column(PERIOD), PIECE))
    inner = inner.group_by(exp.Literal.number(len(inner.expressions)))
    keys = [exp.column(field.ref, quoted=True) for field in scanner.fields]
    values = [exp.alias_(_taken(exp.column(name, quoted=True), cell.shown), name, quoted=True) for name, cell in scanner.scan.cells]
    return exp.select(*keys, *values).from_(inner.subquery(VALUE)).group_by(*(exp.Literal.number(n + 1) for n in range(len(keys))))


def _taken(value: exp.Expr, shown: str) -> exp.Expr:
    if shown == "average":
        return exp.Avg(this=value)
    return (exp.ArgMin if shown == "first" else exp.ArgMax)(this=value, expression=exp.column(PIECE))
