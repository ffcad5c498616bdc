"""Running totals of which a longer period shows one value: worked out piece by piece of time, then its last, first or mean is taken."""

from __future__ import annotations

from answerable.context.compiler.grid import PERIOD, Grid
from answerable.context.compiler.scan import Scanner
from sqlglot import exp

PIECE, VALUE = "piece", "by_piece"


def taken_of_period(scanner: Scanner) -> exp.Select:
    """The value at each period's last piece; or as dbt's `period_agg` has it, the first or the mean of those that there are."""
    assert scanner.grid is not None
    if not scanner.runs:  # the value at the start of a longer period is that of its first piece
        return scanner.select().where(_is_end(scanner, scanner.grid, exp.Min), copy=False)
    if not scanner.scan.cells[0][1].shown:
        return scanner.select().where(_is_end(scanner, scanner.grid, exp.Max), copy=False)
    inner = scanner.select().select(exp.alias_(scanner.grid.column(PERIOD), PIECE))
    inner = inner.group_by(exp.Literal.number(len(inner.expressions)))
    keys = [exp.column(field.ref, quoted=True) for field in scanner.fields]
    values = [exp.alias_(_taken(exp.column(name, quoted=True), cell.shown), name, quoted=True) for name, cell in scanner.scan.cells]
    return exp.select(*keys, *values).from_(inner.subquery(VALUE)).group_by(*(exp.Literal.number(n + 1) for n in range(len(keys))))


def _is_end(scanner: Scanner, grid: Grid, end: type[exp.Min | exp.Max]) -> exp.Expr:
    """Whether a piece is the first or the last of the period that it is shown in."""
    keys = [grid.key(field, scanner.catalog.settings) for field in scanner.own]
    ends = exp.select(end(this=grid.column(PERIOD))).from_(exp.to_table(grid.name)).where(*scanner.shown_filters()).group_by(*keys)
    return exp.In(this=grid.column(PERIOD), query=exp.Subquery(this=ends))


def _taken(value: exp.Expr, shown: str) -> exp.Expr:
    return exp.Avg(this=value) if shown == "average" else exp.ArgMin(this=value, expression=exp.column(PIECE))
