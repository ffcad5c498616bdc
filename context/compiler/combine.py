"""Scans become one result: merged so that null keys meet and no row is lost, filled where asked, then cut and ordered."""

from __future__ import annotations

import datetime as dt

from answerable.context.catalog import Catalog
from answerable.context.compiler.scan import PERIOD, Scan, grain_of
from answerable.context.compiler.time import Span, as_datetime, floor, literal, truncated
from answerable.context.errors import NotSupported
from answerable.context.paths import Field
from answerable.context.query import TimeWindow
from sqlglot import exp

TOGETHER, FILLED, GROUPS = "together", "filled", "groups"


def quoted(name: str, table: str | None = None) -> exp.Column:
    return exp.column(exp.to_identifier(name, quoted=True), table=table)


def merged(parts: list[tuple[str, list[str]]], keys: list[str]) -> exp.Select:
    """One row for each group from several scans: UNION ALL and one more GROUP BY, in which null keys are equal.

    `parts` are scans' names with their value columns. The size grows linearly with the number of scans.
    """
    columns = [column for _, own in parts for column in own]
    selects = []
    for name, own in parts:
        values = [quoted(c) if c in own else exp.alias_(exp.null(), c, quoted=True) for c in columns]
        selects.append(exp.select(*(quoted(k) for k in keys), *values).from_(name))
    union: exp.Query = selects[0]
    for select in selects[1:]:
        union = exp.union(union, select, distinct=False)
    folded = [exp.alias_(exp.Max(this=quoted(c)), c, quoted=True) for c in columns]
    select = exp.select(*(quoted(k) for k in keys), *folded).from_(union.subquery("parts"))
    return select.group_by(*(exp.Literal.number(n + 1) for n in range(len(keys)))) if keys else select


def filled(source: str, periods: str, period: str, keys: list[str], values: list[str], dateless: bool) -> exp.Query:
    """Each group that occurs, in each period: those without rows come with nulls, which `fill` turns into its value.

    `dateless` keeps the groups of rows without a date too, which are in no period.
    """
    others = [key for key in keys if key != period]
    groups = exp.select(*(quoted(k) for k in others)).distinct().from_(source).subquery(GROUPS)
    on: list[exp.Expr] = [exp.EQ(this=quoted(period, source), expression=exp.column(PERIOD, table=periods))]
    on += [exp.NullSafeEQ(this=quoted(k, source), expression=quoted(k, GROUPS)) for k in others]
    shown = [exp.alias_(exp.column(PERIOD, table=periods), k, quoted=True) if k == period else quoted(k, GROUPS) for k in keys]
    select = exp.select(*shown, *(quoted(v, source) for v in values)).from_(periods)
    if others:
        select = select.join(groups, join_type="cross")
    select = select.join(exp.to_table(source), on=exp.and_(*on), join_type="left")
    if not dateless:
        return select
    rest = exp.select(*(quoted(name) for name in [*keys, *values])).from_(source).where(quoted(period).is_(exp.null()))
    return exp.union(select, rest, distinct=False)


def periods(catalog: Catalog, field: Field, scans: list[Scan], window: TimeWindow) -> exp.Select:
    """The starts of the periods to show: those of the window, or from the data's first to its last."""
    grain, settings = grain_of(field), catalog.settings
    if grain in ("second", "minute", "hour") and not (window.start and window.end):
        raise NotSupported("Periods finer than a day need a window.", field.ref)
    data = exp.Subquery(this=_data_bounds(scans), alias=exp.TableAlias(this=exp.to_identifier("data")))
    start = _floor(window.start, grain, catalog) if window.start else truncated(exp.column("first", table="data"), grain, settings)
    last = _floor(_before(window.end), grain, catalog) if window.end else truncated(exp.column("last", table="data"), grain, settings)
    series = exp.GenerateSeries(start=start, end=last, step=Span.grain(grain).sql(exp.null(), 1).expression)
    cell: exp.Expr = exp.Unnest(expressions=[series])
    cell = cell if grain == "hour" else exp.cast(cell, "DATE")
    select = exp.select(exp.alias_(cell, PERIOD))
    return select if window.start and window.end else select.from_(data)


def _floor(moment: dt.date, grain: str, catalog: Catalog) -> exp.Expr:
    if grain == "hour":
        return literal(as_datetime(moment).replace(minute=0, second=0, microsecond=0))
    day = moment.date() if isinstance(moment, dt.datetime) else moment
    return literal(floor(day, grain, catalog.settings))


def _before(end: dt.date) -> dt.date:
    return as_datetime(end) - dt.timedelta(microseconds=1)


def _data_bounds(scans: list[Scan]) -> exp.Query:
    facts = {(scan.model.name, scan.time) for scan in scans if scan.time}
    bounds = [
        exp.select(
            exp.alias_(exp.Min(this=exp.column(time, table=name)), "first"), exp.alias_(exp.Max(this=exp.column(time, table=name)), "last")
        ).from_(exp.to_table(name).as_(name))
        for name, time in sorted(facts, key=str)
    ]
    union: exp.Query = bounds[0]
    for other in bounds[1:]:
        union = exp.union(union, other, distinct=False)
    least, most = exp.alias_(exp.Min(this=exp.column("first")), "first"), exp.alias_(exp.Max(this=exp.column("last")), "last")
    return exp.select(least, most).from_(union.subquery("bounds")) if len(bounds) > 1 else union
