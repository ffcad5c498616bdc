"""Moments, grains and frames, each twice: on Python dates where a plan's window is known, and as SQL for each period."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from dataclasses import dataclass
from typing import Literal

from answerable.context.errors import NotSupported
from answerable.context.query import TimeWindow
from answerable.context.settings import ProjectSettings
from sqlglot import exp

Moment = dt.datetime | dt.date
UNITS = {
    "second": 0,
    "minute": 0,
    "hour": 0,
    "day": 1,
    "week": 7,
    "month": 1,
    "quarter": 3,
    "year": 12,
    "fiscal_quarter": 3,
    "fiscal_year": 12,
}
_SPAN = re.compile(r"(\d+) (\w+?)s?")


@dataclass(frozen=True)
class Span:
    """A length of time: whole months, or days, or seconds; or `count` periods of a `custom` grain."""

    months: int = 0
    days: int = 0
    seconds: int = 0
    custom: str = ""
    count: int = 0

    @staticmethod
    def of(text: str, custom: tuple[str, ...] = ()) -> Span:
        """`1 month`, `28 days`, `1 fiscal_period` where that is a grain of the calendar. Raises NotSupported for anything else."""
        match = _SPAN.fullmatch(text.strip())
        unit = next((grain for grain in custom if match and grain in (match[2], f"{match[2]}s")), "")
        if match and unit:
            return Span(custom=unit, count=int(match[1]))
        if not match or match[2] not in UNITS or match[2].startswith("fiscal"):
            raise NotSupported(f"{text} is no length of time that is understood.", text)
        return Span.grain(match[2], int(match[1]))

    @staticmethod
    def grain(unit: str, n: int = 1) -> Span:
        """`n` times a grain; a fiscal year is a year long."""
        if unit in ("day", "week"):
            return Span(days=n * UNITS[unit])
        if unit in ("second", "minute", "hour"):
            return Span(seconds=n * {"second": 1, "minute": 60, "hour": 3600}[unit])
        return Span(months=n * UNITS[unit])

    def before(self, moment: Moment) -> Moment:
        return shift(moment, -self.months, -self.days, -self.seconds)

    def after(self, moment: Moment) -> Moment:
        return shift(moment, self.months, self.days, self.seconds)

    def sql(self, moment: exp.Expr, sign: Literal[-1, 1]) -> exp.Expr:
        n, unit = (self.months, "MONTH") if self.months else (self.days, "DAY") if self.days else (self.seconds, "SECOND")
        interval = exp.Interval(this=exp.Literal.string(str(n)), unit=exp.var(unit))
        return exp.Add(this=moment, expression=interval) if sign > 0 else exp.Sub(this=moment, expression=interval)


def shift(moment: Moment, months: int = 0, days: int = 0, seconds: int = 0) -> Moment:
    """A moment moved; months clamp at the month's end (31 March less a month is 28 February)."""
    index = moment.year * 12 + moment.month - 1 + months
    year, month = divmod(index, 12)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    moved = moment.replace(year=year, month=month + 1, day=day) + dt.timedelta(days=days)
    return as_datetime(moved) + dt.timedelta(seconds=seconds) if seconds else moved


def as_datetime(moment: Moment) -> dt.datetime:
    return moment if isinstance(moment, dt.datetime) else dt.datetime.combine(moment, dt.time())


def floor(day: dt.date, grain: str, settings: ProjectSettings) -> dt.date:
    """The first day of the period of `grain` that holds `day`."""
    match grain:
        case "week":
            return day - dt.timedelta(days=(day.weekday() - week_day(settings)) % 7)
        case "month":
            return day.replace(day=1)
        case "quarter":
            return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
        case "year":
            return day.replace(month=1, day=1)
        case "fiscal_quarter" | "fiscal_year":
            months = UNITS[grain]
            offset = (day.month - settings.fiscal_year_start) % 12 % months
            moved = shift(day.replace(day=1), months=-offset)
            return moved.date() if isinstance(moved, dt.datetime) else moved
        case _:
            return day


def week_day(settings: ProjectSettings) -> int:
    """The first day of a week, Monday being 0."""
    return {"monday": 0, "saturday": 5, "sunday": 6}[settings.week_start]


def literal(moment: Moment) -> exp.Expr:
    """A typed literal, so that no engine guesses."""
    if isinstance(moment, dt.datetime):
        return exp.cast(exp.Literal.string(moment.isoformat(sep=" ")), "TIMESTAMP")
    return exp.cast(exp.Literal.string(moment.isoformat()), "DATE")


def truncated(moment: exp.Expr, grain: str, settings: ProjectSettings) -> exp.Expr:
    """The start of the period that holds a moment: a date from the day on, else a timestamp."""
    ahead: exp.Expr | None = None
    if grain == "week" and week_day(settings):
        ahead = exp.Interval(this=exp.Literal.string(str(7 - week_day(settings))), unit=exp.var("DAY"))
    if grain.startswith("fiscal_"):
        months = (settings.fiscal_year_start - 1) % UNITS[grain]
        grain = grain.removeprefix("fiscal_")
        ahead = exp.Interval(this=exp.Literal.string(str(UNITS[grain] - months)), unit=exp.var("MONTH")) if months else None
    inner = exp.Add(this=moment, expression=ahead) if ahead else moment
    cut: exp.Expr = exp.TimestampTrunc(this=inner, unit=exp.var(grain.upper()))
    cut = exp.Sub(this=cut, expression=ahead.copy()) if ahead else cut
    return cut if grain in ("second", "minute", "hour") else exp.cast(cut, "DATE")


_EXTRACT = {
    "hour_of_day": "HOUR",
    "day_of_week": "ISODOW",
    "day_of_month": "DAY",
    "week_of_year": "WEEK",
    "month_of_year": "MONTH",
    "quarter_of_year": "QUARTER",
}


def part(moment: exp.Expr, name: str) -> exp.Expr:
    """A part of a moment as a number; Monday is 1."""
    return exp.Extract(this=exp.var(_EXTRACT[name]), expression=moment)


@dataclass(frozen=True)
class Step:
    """One way to get from a shown period to the rows that count for it."""

    kind: Literal["offset", "offset_to", "window", "to_date", "all"]
    span: Span = Span()
    grain: str = ""


Frame = tuple[Step, ...]
"""From the outermost definition to the innermost; empty for the period itself."""


def frame_window(frame: Frame, window: TimeWindow, settings: ProjectSettings) -> TimeWindow:
    """The rows that count for a window. Raises NotSupported where the frame needs a side that the window leaves open."""
    start, end = window.start, window.end
    for step in frame:
        if step.span.custom or (step.grain and step.grain in settings.grains):
            name = step.span.custom or step.grain
            raise NotSupported(f"A value by the calendar's {name} needs a grain to be shown by.", name)
        match step.kind:
            case "offset":
                start, end = _moved(start, end, step.span)
            case "window":
                start = step.span.before(end) if end else None
            case "to_date":
                start = floor(_last_day(end), step.grain, settings) if end else None
            case "all":
                start = None
            case "offset_to":
                raise NotSupported("A value at the start of a period needs a grain to be shown by.", step.grain)
    return TimeWindow(start=start, end=end)


def _moved(start: Moment | None, end: Moment | None, span: Span) -> tuple[Moment | None, Moment | None]:
    """Both ends moved. A day whose end would be clamped to its start (28 February of a leap year) stays as long as it is."""
    before, until = (span.before(edge) if edge else None for edge in (start, end))
    if start and end and before and until and as_datetime(until) <= as_datetime(before):
        until = as_datetime(before) + (as_datetime(end) - as_datetime(start))
    return before, until


def _last_day(end: Moment) -> dt.date:
    last = as_datetime(end) - dt.timedelta(microseconds=1)
    return last.date()
