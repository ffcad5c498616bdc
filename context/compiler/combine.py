"""Scans become one result: merged so that null keys meet and no row is lost, filled where asked, then cut and ordered."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from answerable.context.compiler.grid import Grid
from answerable.context.paths import Field
from answerable.context.settings import ProjectSettings
from sqlglot import exp

TOGETHER, FILLED, GROUPS, SHOWN = "together", "filled", "groups", "shown"


def quoted(name: str, table: str | None = None) -> exp.Column:
    return exp.column(exp.to_identifier(name, quoted=True), table=table)


def merged(parts: list[tuple[str, list[str]]], keys: list[str], flags: Collection[str] = ()) -> exp.Select:
    """One row for each group from several scans: UNION ALL and one more GROUP BY, in which null keys are equal.

    `parts` are scans' names with their value columns, of which `flags` are true or false: not every engine has a greatest of those.
    The size grows linearly with the number of scans.
    """
    columns = [column for _, own in parts for column in own]
    selects = []
    for name, own in parts:
        values = [quoted(c) if c in own else exp.alias_(exp.null(), c, quoted=True) for c in columns]
        selects.append(exp.select(*(quoted(k) for k in keys), *values).from_(exp.to_table(name)))
    union: exp.Query = selects[0]
    for select in selects[1:]:
        union = exp.union(union, select, distinct=False, copy=False)
    folded = [exp.alias_((exp.LogicalOr if c in flags else exp.Max)(this=quoted(c)), c, quoted=True) for c in columns]
    select = exp.select(*(quoted(k) for k in keys), *folded).from_(union.subquery("parts", copy=False), copy=False)
    return select.group_by(*(exp.Literal.number(n + 1) for n in range(len(keys))), copy=False) if keys else select


def shown_pieces(grid: Grid, own: Sequence[Field], conditions: Sequence[exp.Expr], settings: ProjectSettings) -> exp.Select:
    """The periods that a plan's own times show, from the grid's pieces that pass the conditions on the time."""
    keys = [exp.alias_(grid.key(field, settings), field.ref, quoted=True) for field in own]
    select = exp.select(*keys).from_(grid.name).where(*conditions)
    return select if grid.shows(own) and len(own) == 1 else select.distinct()


def on_spine(scan: str, shown: exp.Select, own: list[str], keys: list[str], values: list[str], passing: list[exp.Expr]) -> exp.Query:
    """The rows of a scan, and one row without groups for each shown period that it has no row in (dbt's join to the time spine).

    `passing` are the plan's conditions on such a row: nulls for all but the time.
    """
    rows = exp.select(*(quoted(name) for name in [*keys, *values])).from_(scan)
    blank = [quoted(k, SHOWN) if k in own else exp.alias_(exp.null(), k, quoted=True) for k in keys]
    blank += [exp.alias_(exp.null(), value, quoted=True) for value in values]
    on = exp.and_(*(exp.EQ(this=quoted(k, scan), expression=quoted(k, SHOWN)) for k in own))
    rest = exp.select(*blank).from_(shown.subquery(SHOWN)).join(exp.to_table(scan), on=on, join_type="left")
    return exp.union(rows, rest.where(quoted(own[0], scan).is_(exp.null()), *passing), distinct=False)


def filled(source: str, shown: exp.Select, own: list[str], keys: list[str], values: list[str], dateless: bool) -> exp.Query:
    """Each group that occurs, in each shown period: those without rows come with nulls, which `fill` turns into its value.

    `dateless` keeps the groups of rows without a date too, which are in no period.
    """
    others = [key for key in keys if key not in own]
    on: list[exp.Expr] = [exp.EQ(this=quoted(k, source), expression=quoted(k, SHOWN)) for k in own]
    on += [exp.NullSafeEQ(this=quoted(k, source), expression=quoted(k, GROUPS)) for k in others]
    columns = [quoted(k, SHOWN if k in own else GROUPS) for k in keys]
    select = exp.select(*columns, *(quoted(v, source) for v in values)).from_(shown.subquery(SHOWN))
    if others:
        groups = exp.select(*(quoted(k) for k in others)).distinct().from_(source).subquery(GROUPS)
        select = select.join(groups, join_type="cross")
    select = select.join(exp.to_table(source), on=exp.and_(*on), join_type="left")
    if not dateless:
        return select
    undated = [quoted(name).is_(exp.null()) for name in own]
    rest = exp.select(*(quoted(name) for name in [*keys, *values])).from_(source).where(*undated)
    return exp.union(select, rest, distinct=False)
