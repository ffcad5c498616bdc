"""The rows of a grid as SQL: the pieces of a window, of the shown periods that have data, or all that the calendar has."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import replace

from answerable.context.catalog import Catalog
from answerable.context.compiler.grid import FINE, PERIOD, UNTIL, Grid, cut, grain_of, moved_column
from answerable.context.compiler.time import Span, as_datetime, floor, literal, part, truncated
from answerable.context.errors import NotSupported
from answerable.context.paths import Field
from answerable.context.query import TimeWindow
from answerable.context.settings import ProjectSettings
from sqlglot import exp

_MOST = 100_000
"""Minutes or seconds that are still worked out one by one."""
Source = tuple[str, str]
"""The name of a fact and of the time dimension that it is shown by."""


def pieces(
    catalog: Catalog, grid: Grid, own: Sequence[Field], facts: Sequence[Source], window: TimeWindow
) -> Iterator[tuple[str, exp.Query]]:
    """The steps that give a grid's rows: those of the window, or of the shown periods that have data, or all that the calendar has."""
    calendar = catalog.settings.calendar
    for name in sorted({span.custom for span in grid.moves} | ({grid.grain} & grid.custom)):
        yield _periods_of(catalog, name), _custom_periods(catalog, name)
    if grid.grain in catalog.settings.grains:
        yield grid.name, _whole(grid, catalog, facts, window)
    elif grid.custom or (calendar and calendar.spine and not (grid.grain in FINE and grid.grain not in calendar.finer)):
        yield grid.name, _from_calendar(catalog, grid, own, facts, window)
    elif grid.shows(own) or (window.start and window.end):
        yield grid.name, _series(catalog, grid, facts, window)
    else:
        yield grid.name, _whole_series(catalog, grid, own, facts, window)


def _series(catalog: Catalog, grid: Grid, facts: Sequence[Source], window: TimeWindow) -> exp.Select:
    grain, settings = grid.grain, catalog.settings
    _bounded(grain, window)
    start = _floor(window.start, grain, settings) if window.start else truncated(exp.column("first", table="data"), grain, settings)
    last = _floor(_before(window.end), grain, settings) if window.end else truncated(exp.column("last", table="data"), grain, settings)
    series = exp.GenerateSeries(start=start, end=last, step=Span.grain(grain).sql(exp.null(), 1).expression)
    cell: exp.Expr = exp.Unnest(expressions=[series])
    select = exp.select(exp.alias_(cell if grain in FINE else exp.cast(cell, "DATE"), PERIOD))
    return select if window.start and window.end else select.from_(_data(facts))


def _whole_series(catalog: Catalog, grid: Grid, own: Sequence[Field], facts: Sequence[Source], window: TimeWindow) -> exp.Select:
    """The pieces of the shown periods that have data, each whole: weeks cut by months end with their month."""
    grain, settings = grid.grain, catalog.settings
    _bounded(grain, window)
    first, last = exp.column("first", table="data"), exp.column("last", table="data")
    grains = [grain, *(g for f in own if not f.is_part and (g := grain_of(f)) != grain)]
    starts = [truncated(first.copy(), g, settings) for g in grains]
    ends = [Span.grain(g).sql(truncated(last.copy(), g, settings), 1) for g in grains]
    start = _floor(window.start, grain, settings) if window.start else exp.func("LEAST", *starts)
    end = literal(window.end) if window.end else exp.func("GREATEST", *ends)
    step = Span.grain(grain).sql(exp.null(), 1).expression
    until = exp.Sub(this=end, expression=exp.Interval(this=exp.Literal.string("1"), unit=exp.var("SECOND")))
    cell: exp.Expr = exp.Unnest(expressions=[exp.GenerateSeries(start=start, end=until, step=step)])
    cell = cell if grain in FINE else exp.cast(cell, "DATE")
    inner = exp.select(exp.alias_(cell, PERIOD), first.copy(), last.copy()).from_(_data(facts))
    keys = [replace(grid, name="pieces").key(f, settings) for f in own]
    select = exp.select(exp.column(PERIOD, table="pieces")).from_(inner.subquery("pieces"))
    edges = exp.column("first", table="pieces"), exp.column("last", table="pieces")
    touches = _touching(exp.column(PERIOD, table="pieces"), keys, *edges, window)
    select.set("qualify", exp.Qualify(this=touches))
    return select


def _touching(piece: exp.Expr, keys: Sequence[exp.Expr], first: exp.Expr, last: exp.Expr, window: TimeWindow) -> exp.Expr:
    """Whether the shown period that a piece lies in has a day of the data, on the sides that the window leaves open."""

    def over(function: type[exp.Min | exp.Max]) -> exp.Expr:
        return exp.cast(exp.Window(this=function(this=piece.copy()), partition_by=[key.copy() for key in keys]), "DATE")

    sides = [] if window.end else [over(exp.Min) <= exp.cast(last.copy(), "DATE")]
    return exp.and_(*sides, *([] if window.start else [over(exp.Max) >= exp.cast(first.copy(), "DATE")]))


def _periods_of(catalog: Catalog, custom: str) -> str:
    return catalog.free_word(f"{custom}_periods")


def _bounded(grain: str, window: TimeWindow) -> None:
    """Seconds and minutes of all the data would be too many."""
    if grain not in ("second", "minute"):
        return
    length = as_datetime(window.end) - as_datetime(window.start) if window.start and window.end else None
    if length is None or length.total_seconds() > _MOST * Span.grain(grain).seconds:
        raise NotSupported(f"Every {grain} of so long a time is too much: periods finer than an hour need a short window.", grain)


def _from_calendar(catalog: Catalog, grid: Grid, own: Sequence[Field], facts: Sequence[Source], window: TimeWindow) -> exp.Select:
    """The days of the calendar, or its finer moments, with their custom periods; or the coarser periods that it has days of."""
    settings = catalog.settings
    assert settings.calendar is not None
    if grid.grain in FINE:
        select, moment = _moments(catalog, grid)
        period = moment
    else:
        calendar = catalog.calendars["day"]
        moment = exp.cast(exp.column(calendar.time or "", table="calendar"), "DATE")
        period = moment.copy() if grid.grain == "day" else truncated(moment.copy(), grid.grain, settings)
        select = exp.select().from_(exp.to_table(calendar.name).as_("calendar"))
    select = select.select(exp.alias_(period, PERIOD), *_custom_columns(grid, settings))
    for name in sorted({span.custom for span in grid.moves}):
        select = _moved(select, name, [span for span in sorted(grid.moves, key=str) if span.custom == name], catalog)
    select = select.where(*_in_window(moment, grid.grain, window, settings))
    if not settings.calendar.spine and not (window.start and window.end):
        select = select.join(_data(facts), join_type="cross")
        first, last = exp.column("first", table="data"), exp.column("last", table="data")
        if grid.shows(own):
            sides: list[exp.Expr] = [] if window.start else [moment.copy() >= truncated(first, grid.grain, settings)]
            select = select.where(*sides, *([] if window.end else [moment.copy() <= last]))
        else:
            keys = [_calendar_key(field, period, settings) for field in own]
            select.set("qualify", exp.Qualify(this=_touching(moment, keys, first, last, window)))
    return select if grid.grain in ("day", *FINE) else select.distinct()


def _calendar_key(field: Field, period: exp.Expr, settings: ProjectSettings) -> exp.Expr:
    """A plan's key of a day of the calendar."""
    grain = grain_of(field)
    if settings.calendar and grain in settings.calendar.grains:
        return exp.column(settings.calendar.grains[grain], table="calendar")
    return part(period.copy(), grain) if field.is_part else truncated(period.copy(), grain, settings)


def _moments(catalog: Catalog, grid: Grid) -> tuple[exp.Select, exp.Expr]:
    """The calendar's moments finer than a day, beside their days where custom periods are wanted."""
    finer, calendar = catalog.calendars.get(grid.grain), catalog.calendars["day"]
    if finer is None:
        raise NotSupported(f"The calendar has no table of {grid.grain}s, which its own periods would be shown beside.", grid.grain)
    alias = "moments" if grid.custom else "calendar"
    moment = exp.column(finer.time or "", table=alias)
    select = exp.select().from_(exp.to_table(finer.name).as_(alias))
    if grid.custom:
        day = exp.cast(exp.column(calendar.time or "", table="calendar"), "DATE")
        on = exp.EQ(this=day, expression=exp.cast(moment.copy(), "DATE"))
        select = select.join(exp.to_table(calendar.name).as_("calendar"), on=on, join_type="left")
    return select, moment


def _custom_columns(grid: Grid, settings: ProjectSettings) -> list[exp.Expr]:
    assert settings.calendar is not None
    columns = settings.calendar.grains
    return [exp.alias_(exp.column(columns[name], table="calendar"), name) for name in sorted(grid.custom)]


def _in_window(day: exp.Expr, grain: str, window: TimeWindow, settings: ProjectSettings) -> list[exp.Expr]:
    first: list[exp.Expr] = [day.copy() >= _floor(window.start, grain, settings)] if window.start else []
    return first + ([day.copy() < literal(window.end)] if window.end else [])


def _custom_periods(catalog: Catalog, name: str) -> exp.Select:
    """Each period of a custom grain with its first day, the day after its last, and its number in time."""
    settings, calendar = catalog.settings, catalog.calendars["day"]
    assert settings.calendar is not None
    day = exp.cast(exp.column(calendar.time or "", table="calendar"), "DATE")
    column = exp.column(settings.calendar.grains[name], table="calendar")
    first, last = exp.Min(this=day.copy()), exp.Max(this=day.copy())
    number = exp.Window(this=exp.RowNumber(), order=exp.Order(expressions=[exp.Ordered(this=first.copy(), nulls_first=False)]))
    until = Span(days=1).sql(last, 1)
    select = exp.select(
        exp.alias_(column, name), exp.alias_(first, PERIOD), exp.alias_(exp.cast(until, "DATE"), UNTIL),
        exp.alias_(number, "number"),
    )  # fmt: skip
    known = column.copy().is_(exp.null()).not_()
    return select.from_(exp.to_table(calendar.name).as_("calendar")).where(known).group_by(exp.Literal.number(1))


def _moved(select: exp.Select, name: str, spans: list[Span], catalog: Catalog) -> exp.Select:
    """With the bounds of the piece's own custom period and of those before it."""
    assert catalog.settings.calendar is not None
    table, own = _periods_of(catalog, name), exp.column(catalog.settings.calendar.grains[name], table="calendar")
    on = exp.EQ(this=exp.column(name, table=f"own_{name}"), expression=own)
    select = select.join(exp.to_table(table).as_(f"own_{name}"), on=on, join_type="left")
    select = select.select(exp.alias_(exp.column(PERIOD, table=f"own_{name}"), moved_column(Span(custom=name), "start")))
    return _befores(select, table, spans, f"own_{name}")


def _befores(select: exp.Select, table: str, spans: list[Span], own: str) -> exp.Select:
    for span in filter(lambda span: span.count, spans):
        alias = f"{span.custom}_{span.count}_before"
        number = exp.Sub(this=exp.column("number", table=own), expression=exp.Literal.number(span.count))
        on = exp.EQ(this=exp.column("number", table=alias), expression=number)
        select = select.join(exp.to_table(table).as_(alias), on=on, join_type="left")
        edges = [(PERIOD, "start"), (UNTIL, "end")]
        select = select.select(*(exp.alias_(exp.column(c, table=alias), moved_column(span, edge)) for c, edge in edges))
    return select


def _whole(grid: Grid, catalog: Catalog, facts: Sequence[Source], window: TimeWindow) -> exp.Select:
    """The periods of a custom grain themselves."""
    name, settings = grid.grain, catalog.settings
    assert settings.calendar is not None
    own = _periods_of(catalog, name)
    select = exp.select(*(exp.column(column, table=own) for column in (name, PERIOD, UNTIL))).from_(own)
    select = _befores(select, own, sorted(grid.moves, key=str), own)
    start, until = exp.column(PERIOD, table=own), exp.column(UNTIL, table=own)
    bounds = [until > literal(window.start)] if window.start else []
    select = select.where(*bounds, *([start < literal(window.end)] if window.end else []))
    if settings.calendar.spine or (window.start and window.end):
        return select
    sides: list[exp.Expr] = [] if window.end else [start <= exp.column("last", table="data")]
    sides += [] if window.start else [until > exp.column("first", table="data")]
    return select.join(_data(facts), join_type="cross").where(*sides)


def _floor(moment: dt.date, grain: str, settings: ProjectSettings) -> exp.Expr:
    if grain in FINE:
        return literal(cut(as_datetime(moment), grain))
    day = moment.date() if isinstance(moment, dt.datetime) else moment
    return literal(floor(day, grain, settings))


def _before(end: dt.date) -> dt.date:
    return as_datetime(end) - dt.timedelta(microseconds=1)


def _data(facts: Sequence[Source]) -> exp.Expr:
    """The first and the last moment of the facts."""
    bounds = [
        exp.select(
            exp.alias_(exp.Min(this=exp.column(time, table=name)), "first"), exp.alias_(exp.Max(this=exp.column(time, table=name)), "last")
        ).from_(exp.to_table(name).as_(name))
        for name, time in dict.fromkeys(facts)
    ]
    union: exp.Query = bounds[0]
    for other in bounds[1:]:
        union = exp.union(union, other, distinct=False)
    least, most = exp.alias_(exp.Min(this=exp.column("first")), "first"), exp.alias_(exp.Max(this=exp.column("last")), "last")
    whole = exp.select(least, most).from_(union.subquery("bounds")) if len(bounds) > 1 else union
    return exp.Subquery(this=whole, alias=exp.TableAlias(this=exp.to_identifier("data")))
