"""Semi-additive measures: a balance is never summed over time, so one moment of each period is picked first."""

from __future__ import annotations

from answerable.context.compiler.grid import PERIOD, Grid
from answerable.context.compiler.relation import Relation
from answerable.context.compiler.scan import Scanner, within
from answerable.context.compiler.time import Moment, frame_window
from answerable.context.errors import NotSupported
from answerable.context.model import Model, Pick
from answerable.context.query import TimeWindow
from sqlglot import exp

DAY, VALUE = "day", "of_day"


def snapshot(scanner: Scanner, pick: Pick) -> exp.Select:
    """The scan of one semi-additive metric (SEMANTICS.md, 9)."""
    metric = scanner.scan.cells[0][1].metric
    if scanner.grid and (scanner.runs or not scanner.grid.shows(scanner.own) or pick.per or pick.after):
        raise NotSupported(f"{metric.words} is a balance, and a balance that runs over periods is not supported.", metric.name)
    if pick.pick in ("average", "min", "max"):
        return _over_days(scanner, pick.pick)
    if pick.per or pick.after:
        return scanner.select().where(_picked_each(scanner, pick), copy=False)
    window = _window(scanner)
    picked = _picked(scanner, pick.pick, window)
    if scanner.own or scanner.grid:
        return scanner.select().where(picked, copy=False)
    # Without a grain one side is no bound: where the window has no row (a late feed), the last one before it counts.
    bounds = within(scanner.relation.moment(), *_sides(pick.pick, window))
    return scanner.select(bounded=False).where(*bounds, picked, copy=False)


def _picked(scanner: Scanner, pick: str, window: TimeWindow) -> exp.Expr:
    model, time = scanner.scan.model, scanner.scan.time or ""
    day, own = _day(model, time), exp.column(time, table=model.name)
    if scanner.grid:
        return _picked_of_pieces(scanner, scanner.grid, pick)
    if scanner.own:
        relation = Relation(scanner.catalog, model, time)
        periods = [relation.key(field) for field in scanner.own]
        parts = [relation.key(field) for field in scanner.own if field.grain == "hour_of_day"]  # a day has several of them
        bounds = [*within(own, window.start, window.end), *_on_time(scanner, relation)]
        inner = relation.select(*parts, _function(pick)(this=day.copy())).where(*bounds).group_by(*periods)
        picked = exp.Tuple(expressions=[*(part.copy() for part in parts), day]) if parts else day
        return exp.In(this=picked, query=exp.Subquery(this=inner))
    return exp.EQ(this=day, expression=exp.Subquery(this=picked_day(scanner, pick)))


def _window(scanner: Scanner) -> TimeWindow:
    return frame_window(scanner.scan.frame, scanner.scan.window or TimeWindow(), scanner.catalog.settings)


def _on_time(scanner: Scanner, relation: Relation) -> list[exp.Expr]:
    """The plan's conditions on the balance's own time, which say like a window what days there are to pick from."""
    return [relation.condition(text) for text in scanner.query.where if scanner.is_about_own_time(text)]


def _sides(pick: str, window: TimeWindow) -> tuple[Moment | None, Moment | None]:
    """The side of a window that a pick keeps to: the last day is before its end, the first after its start."""
    return (window.start, None) if pick == "first" else (None, window.end)


def _picked_of_pieces(scanner: Scanner, grid: Grid, pick: str) -> exp.Expr:
    """For each shown period the day that it is taken from, of those that count for it."""
    model, time = scanner.scan.model, scanner.scan.time or ""
    day, period = _day(model, time), grid.column(PERIOD)
    fact = exp.to_table(model.name).as_(model.name)
    inner = exp.select(period, _function(pick)(this=day.copy())).from_(grid.name)
    inner = inner.join(fact, on=exp.and_(*scanner.bounds(exp.column(time, table=model.name)))).group_by(period.copy())
    return exp.In(this=exp.Tuple(expressions=[period.copy(), day]), query=exp.Subquery(this=inner))


def _picked_each(scanner: Scanner, pick: Pick) -> exp.Expr:
    """One day for each of `per`, over the filtered rows where `after: filters` says so (dbt's way)."""
    model, time = scanner.scan.model, scanner.scan.time or ""
    inner = Scanner(scanner.catalog, scanner.query, scanner.scan)
    conditions = [*inner.window(), *(inner.filters() if pick.after else [])]
    per, day = [exp.column(name, table=model.name) for name in pick.per], _day(model, time)
    groups: list[exp.Expr] = [*(column.copy() for column in per), *(inner.relation.key(field) for field in inner.own)]
    select = inner.relation.select(*per, exp.alias_(_function(pick.pick)(this=day.copy()), DAY)).where(*conditions)
    select = select.group_by(*groups) if groups else select
    return exp.In(this=exp.Tuple(expressions=[*(c.copy() for c in per), day]) if per else day, query=exp.Subquery(this=select))


def picked_day(scanner: Scanner, pick: str) -> exp.Select:
    """The one day that a balance without a grain is taken from, over all rows of the model that the asker sees."""
    model, time = scanner.scan.model, scanner.scan.time or ""
    relation = Relation(scanner.catalog, model, time)
    bounds = [*within(relation.moment(), *_sides(pick, _window(scanner))), *_on_time(scanner, relation)]
    return relation.select(exp.alias_(_function(pick)(this=_day(model, time)), DAY)).where(*bounds)


def _day(model: Model, time: str) -> exp.Expr:
    fine = (model.dimensions[time].grain or "day") in ("second", "minute", "hour")
    own = exp.column(time, table=model.name)
    return exp.cast(own, "DATE") if fine else own


def _function(pick: str) -> type[exp.Max | exp.Min]:
    return exp.Max if pick == "last" else exp.Min


def _over_days(scanner: Scanner, pick: str) -> exp.Select:
    """The mean, least or greatest of the days' sums."""
    column = scanner.scan.cells[0][0]
    days = scanner.select().where(scanner.relation.moment().is_(exp.null()).not_())  # rows without a date are of no day
    days = days.select(exp.alias_(exp.cast(scanner.relation.moment(), "DATE"), DAY)).group_by(exp.Literal.number(len(scanner.fields) + 2))
    function = {"average": exp.Avg, "min": exp.Min, "max": exp.Max}[pick]
    keys = [exp.column(f.ref, quoted=True) for f in scanner.fields]
    outer = exp.select(*keys, exp.alias_(function(this=exp.column(column, quoted=True)), column, quoted=True)).from_(days.subquery(VALUE))
    return outer.group_by(*(exp.Literal.number(n + 1) for n in range(len(keys)))) if keys else outer
