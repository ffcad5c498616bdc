"""The grid of time on which moved, running and filled values are shown: which pieces a plan's keys need, and what counts for each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
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
                    start, end = self._moved(start, end, step.span, window)
                    at = step.span if at == Span() else None
                case "offset":
                    before = step.span.sql(start.copy(), -1) if start is not None else None
                    end = self._as_long(before, start, end, window) if before and start and by_day else step.span.sql(end, -1)
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

    def _as_long(self, before: exp.Expr, start: exp.Expr, end: exp.Expr, window: TimeWindow) -> exp.Expr:
        """The end of a day that was moved: a whole day on, or as much as the window leaves of the day."""
        if not any(edge and as_datetime(edge) != cut(as_datetime(edge), "day") for edge in (window.start, window.end)):
            return Span.grain(self.grain).sql(before.copy(), 1)
        length = exp.Sub(this=exp.cast(end, "TIMESTAMP"), expression=exp.cast(start, "TIMESTAMP"))
        return exp.Add(this=exp.cast(before.copy(), "TIMESTAMP"), expression=exp.paren(length))

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

    def _moved(self, start: exp.Expr | None, end: exp.Expr, span: Span, window: TimeWindow) -> tuple[exp.Expr | None, exp.Expr]:
        """The same days of an earlier custom period, as far as that has them; the whole one beside a whole one."""
        before, until = (self.column(moved_column(span, edge)) for edge in ("start", "end"))
        whole = self.grain == span.custom
        if whole and not (window.start or window.end):
            return before, until
        own = self.column(PERIOD) if whole else self.column(moved_column(Span(custom=span.custom), "start"))

        def same(moment: exp.Expr) -> exp.Expr:
            ahead = exp.Sub(this=exp.cast(moment.copy(), "TIMESTAMP"), expression=exp.cast(own.copy(), "TIMESTAMP"))
            return exp.func("LEAST", exp.Add(this=before.copy(), expression=exp.paren(ahead)), until.copy())

        last = same(end)
        if whole:
            last = exp.Case(ifs=[exp.If(this=exp.EQ(this=end.copy(), expression=self.column(UNTIL)), true=until.copy())], default=last)
        return (same(start) if start is not None else None), last

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
    """The start of the day, hour, minute or second."""
    if grain == "day":
        return dt.datetime.combine(moment.date(), dt.time())
    moment = moment.replace(microsecond=0)
    moment = moment if grain == "second" else moment.replace(second=0)
    return moment.replace(minute=0) if grain == "hour" else moment


def moved_column(span: Span, edge: str) -> str:
    """The column with the `start` or `end` of the period that lies `span` before a piece's own; with count 0, of its own."""
    return f"{span.custom}_{span.count}_before_{edge}" if span.count else f"{span.custom}_{edge}"
