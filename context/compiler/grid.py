"""The grid of time on which moved, running and filled values are shown: which pieces a plan's keys need, and their rows as SQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from answerable.context.catalog import Catalog
from answerable.context.compiler.time import Frame, Span, as_datetime, floor, literal, part, truncated
from answerable.context.errors import NotSupported
from answerable.context.model import GRAINS
from answerable.context.paths import NEEDED, Field
from answerable.context.query import TimeWindow
from answerable.context.settings import ProjectSettings
from sqlglot import exp

PERIOD, UNTIL = "period", "until"
FINE = ("second", "minute", "hour")
_MONTHLY = ("quarter", "year", "fiscal_quarter", "fiscal_year")
NESTS: dict[str, tuple[str, ...]] = {
    **{grain: GRAINS[GRAINS.index(grain) + 1 :] for grain in (*FINE, "day")},
    "week": (), "month": _MONTHLY, "quarter": ("year",), "fiscal_quarter": ("fiscal_year",),
}  # fmt: skip
"""Which coarser grains a piece of time always lies wholly within."""
_MOST = 100_000
Source = tuple[str, str]
"""The name of a fact and of the time dimension that it is shown by."""


@dataclass(frozen=True)
class Grid:
    """Pieces of time of one grain, also a custom one; each knows the custom periods that it lies in and those moved to."""

    grain: str
    name: str
    """Of the step that has its rows."""
    custom: frozenset[str] = frozenset()
    moves: frozenset[Span] = frozenset()

    def with_(self, other: Grid) -> Grid:
        return replace(self, custom=self.custom | other.custom, moves=self.moves | other.moves)

    def at_most(self, grain: str, catalog: Catalog) -> Grid:
        """The grid with pieces no coarser than `grain`."""
        finer = self.grain not in GRAINS or GRAINS.index(self.grain) > GRAINS.index(grain)
        return replace(self, grain=grain, name=catalog.free_word(f"{grain}s")) if finer else self

    def column(self, name: str) -> exp.Column:
        return exp.column(name, table=self.name)

    def key(self, field: Field, settings: ProjectSettings) -> exp.Expr:
        """What a key of a plan is for a piece: the piece, a coarser period that holds it, or a part of it."""
        period, grain = self.column(PERIOD), grain_of(field)
        if grain in settings.grains:
            return self.column(grain)
        if field.is_part:
            return part(period, grain)
        return period if grain == self.grain else truncated(period, grain, settings)

    def frame(
        self, frame: Frame, own: str, by_day: bool, window: TimeWindow, settings: ProjectSettings
    ) -> tuple[exp.Expr | None, exp.Expr]:
        """The half-open bounds of the rows that count for a piece; None is open.

        `own` is the grain of the data's own time. Where days are shown (`by_day`) a moved one is a whole day: the 29th of March is
        beside the 29th of February, whatever day the 30th would be. Longer periods move both their ends.
        """
        start: exp.Expr | None
        start, end = self.bounds(window, settings)
        at: Span | None = Span()  # the custom period that the piece was moved to; None where nobody knows
        for step in frame:
            match step.kind:
                case "offset" if step.span.custom:
                    start, end = self._moved(start, end, step.span)
                    at = step.span if at == Span() else None
                case "offset":
                    before = step.span.sql(start, -1) if start is not None else None
                    end = Span.grain(self.grain).sql(before.copy(), 1) if before and by_day else step.span.sql(end, -1)
                    start, at = before, None
                case "offset_to":
                    start = self._start_of(start if start is not None else self.column(PERIOD), step.grain, at, settings)
                    end = Span.grain(own).sql(start.copy(), 1)
                case "window":
                    start = self._back(end, step.span)
                case "to_date":
                    start = self._start_of(_moment_before(end), step.grain, at, settings)
                case "all":
                    start = None
            by_day = by_day and step.kind == "offset" and not step.span.custom
        return start, end

    def _start_of(self, moment: exp.Expr, grain: str, at: Span | None, settings: ProjectSettings) -> exp.Expr:
        """The start of the period that holds a moment; of a custom one, that of the piece or of where it was moved."""
        if grain not in settings.grains:
            return truncated(moment, grain, settings)
        if at is None or at.custom not in ("", grain):
            raise NotSupported(f"A value of the calendar's {grain} to date can be moved by {grain} only.", grain)
        if at.custom:
            return self.column(moved_column(at, "start"))
        return self.column(PERIOD) if grain == self.grain else self.column(moved_column(Span(custom=grain), "start"))

    def _back(self, end: exp.Expr, span: Span) -> exp.Expr:
        if span.custom:
            raise NotSupported(f"A window of {span.count} {span.custom} is not supported yet.", span.custom)
        return span.sql(end.copy(), -1)

    def _moved(self, start: exp.Expr | None, end: exp.Expr, span: Span) -> tuple[exp.Expr | None, exp.Expr]:
        """The same days of an earlier custom period, as far as that has them; the whole one where the pieces are such periods."""
        before, until = (self.column(moved_column(span, edge)) for edge in ("start", "end"))
        if self.grain == span.custom:
            return before, until
        own = self.column(moved_column(Span(custom=span.custom), "start"))

        def same(moment: exp.Expr) -> exp.Expr:
            ahead = exp.Sub(this=exp.cast(moment, "TIMESTAMP"), expression=exp.cast(own.copy(), "TIMESTAMP"))
            return exp.func("LEAST", exp.Add(this=before.copy(), expression=exp.paren(ahead)), until.copy())

        return (same(start) if start is not None else None), same(end)

    def shows(self, fields: Iterable[Field]) -> bool:
        """Whether each combination of the keys is one piece."""
        return self.grain in {grain_of(field) for field in fields}

    def bounds(self, window: TimeWindow, settings: ProjectSettings) -> tuple[exp.Expr, exp.Expr]:
        """A piece's own half-open bounds; one that the window cuts is as long as what the window leaves of it."""
        start: exp.Expr = self.column(PERIOD)
        own = self.grain in settings.grains
        end = self.column(UNTIL) if own else Span.grain(self.grain).sql(start.copy(), 1)
        if window.start and (own or not begins(window.start, self.grain, settings)):
            start = exp.func("GREATEST", start, literal(window.start))
        if window.end and (own or not begins(window.end, self.grain, settings)):
            end = exp.func("LEAST", end, literal(window.end))
        return start, end


def grain_of(field: Field) -> str:
    return field.grain or field.dimension.grain or "day"


def grid_of(own: Sequence[Field], frame: Frame, catalog: Catalog) -> Grid | None:
    """The coarsest pieces from which all of a plan's own times follow; None where it has none.

    Raises NotSupported where a custom period would be moved for pieces finer than a day.
    """
    if not own:
        return None
    settings = catalog.settings
    wanted = {NEEDED.get(grain_of(field), grain_of(field)) for field in own}
    moves = frozenset(step.span for step in frame if step.span.custom)
    moves |= {Span(custom=step.grain) for step in frame if step.grain in settings.grains}
    custom = frozenset(wanted & {*settings.grains}) | {span.custom for span in moves}
    if len(wanted) == 1 and wanted == custom and moves:
        return Grid(min(wanted), catalog.free_word(f"{own[0].grain}s"), custom, moves)
    plain = {*(wanted - custom), *(["day"] if custom else [])}
    nested = [grain for grain in plain if all(other == grain or other in NESTS.get(grain, ()) for other in plain)]
    grain = min(nested, key=GRAINS.index, default="day")
    if moves and grain in FINE:
        raise NotSupported("Periods of the calendar are moved by whole days, so the plan can't be by the hour.", own[0].ref)
    return Grid(grain, catalog.free_word(f"{grain}s"), custom, moves)


def _moment_before(end: exp.Expr) -> exp.Expr:
    return exp.Sub(this=end.copy(), expression=exp.Interval(this=exp.Literal.string("1"), unit=exp.var("SECOND")))


def begins(moment: dt.date, grain: str, settings: ProjectSettings) -> bool:
    """Whether a period of `grain` begins at this moment."""
    exact = as_datetime(moment)
    if grain in FINE:
        return exact == cut(exact, grain)
    return exact.time() == dt.time() and floor(exact.date(), grain, settings) == exact.date()


def cut(moment: dt.datetime, grain: str) -> dt.datetime:
    """The start of the hour, minute or second."""
    moment = moment.replace(microsecond=0)
    moment = moment if grain == "second" else moment.replace(second=0)
    return moment.replace(minute=0) if grain == "hour" else moment


# -- the pieces as SQL --------------------------------------------------------------------------------------------------------


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
    touches = _touching(exp.column(PERIOD, table="pieces"), keys, exp.column("first", table="pieces"), exp.column("last", table="pieces"))
    select.set("qualify", exp.Qualify(this=touches))
    return select


def _touching(piece: exp.Expr, keys: Sequence[exp.Expr], first: exp.Expr, last: exp.Expr) -> exp.Expr:
    """Whether the shown period that a piece lies in has a day of the data."""

    def over(function: type[exp.Min | exp.Max]) -> exp.Window:
        return exp.Window(this=function(this=piece.copy()), partition_by=[key.copy() for key in keys])

    day = [exp.cast(edge.copy(), "DATE") for edge in (first, last)]
    return exp.and_(exp.cast(over(exp.Min), "DATE") <= day[1], exp.cast(over(exp.Max), "DATE") >= day[0])


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
            select = select.where(moment.copy() >= truncated(first, grid.grain, settings), moment.copy() <= last)
        else:
            keys = [_calendar_key(field, period, settings) for field in own]
            select.set("qualify", exp.Qualify(this=_touching(moment, keys, first, last)))
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


def moved_column(span: Span, edge: str) -> str:
    """The column with the `start` or `end` of the period that lies `span` before a piece's own; with count 0, of its own."""
    return f"{span.custom}_{span.count}_before_{edge}" if span.count else f"{span.custom}_{edge}"


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
    touches = exp.and_(start <= exp.column("last", table="data"), until > exp.column("first", table="data"))
    return select.join(_data(facts), join_type="cross").where(touches)


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
