"""Windows of time for one day and one project: half-open, clipped at today where they are running."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from answerable.agent.time_words import WEEKDAYS, as_date
from answerable.context.compiler.time import Span, floor, shift
from answerable.context.settings import ProjectSettings


@dataclass(frozen=True)
class When:
    """A window with the words it came from. `whole` is the period with the days that still lie ahead."""

    start: dt.date | None
    end: dt.date | None
    unit: str = "day"
    whole: dt.date | None = None
    to_date: bool = False
    as_of: bool = False
    now: bool = False
    """A word for the moment ("currently"), which only a balance or a status can take."""
    year_named: bool = True
    open: str | None = None
    """Why the phrase has no one meaning; then it is asked."""
    before_it: bool = False
    """Refers to the period before another one named ("the month before")."""
    again: bool = False
    """Refers to the same period a year before another one named ("same month last year")."""
    holds: bool = False
    """Refers to the period that holds another one named ("the whole week"); standing alone it's the running one."""
    weekdays: tuple[int, ...] = ()
    other: When | None = None
    """The other window that an ambiguous date may mean: both are readings."""
    parts: tuple[When, ...] = ()
    """The first and the last period of a range, where "from July to August" may also set one against the other."""

    @property
    def full_end(self) -> dt.date | None:
        """The end with the days that still lie ahead."""
        return max(self.end, self.whole) if self.end and self.whole else self.end


class Windows:
    """Makes windows, seen from one day."""

    def __init__(self, today: dt.date, settings: ProjectSettings) -> None:
        self.today, self.settings = today, settings

    @property
    def _tomorrow(self) -> dt.date:
        return self.today + dt.timedelta(days=1)

    def _one(self, day: dt.date, unit: str) -> When:
        end = day + dt.timedelta(days=1)
        return When(day, end, unit, whole=day if day > self.today else None)

    def _clipped(self, start: dt.date, end: dt.date, unit: str) -> When:
        """A period; the running one is to date, one that lies ahead keeps its end."""
        if start > self.today:
            return When(start, end, unit, whole=start)
        if end > self._tomorrow:
            return When(start, self._tomorrow, unit, whole=end, to_date=True)
        return When(start, end, unit)

    def _clipped_month(self, year: int, month: int) -> When:
        start = dt.date(year, month, 1)
        return self._clipped(start, as_date(shift(start, months=1)), "month")

    def _calendar_year(self, year: int) -> When:
        start, end = dt.date(year, 1, 1), dt.date(year + 1, 1, 1)
        return When(start, end, "year", whole=start if start > self.today else None)

    def _fiscal_year(self, named: int) -> When:
        named += 2000 if named < 100 else 0
        first = self.settings.fiscal_year_start
        year = named - 1 if self.settings.fiscal_year_named == "end" and first > 1 else named
        start = dt.date(year, first, 1)
        return When(start, as_date(shift(start, months=12)), "fiscal_year", whole=start if start > self.today else None)

    def holding(self, day: dt.date, unit: str) -> When:
        """The period of a unit that holds a day."""
        start = floor(day, unit, self.settings)
        return self._clipped(start, as_date(Span.grain(unit).after(start)), unit)

    def _running(self, unit: str) -> When:
        return replace(self._unit_moved(unit, 0), to_date=True, whole=None)

    def _unit_moved(self, unit: str, by: int) -> When:
        start = (
            as_date(Span.grain(unit, abs(by)).after(floor(self.today, unit, self.settings)))
            if by >= 0
            else as_date(Span.grain(unit, -by).before(floor(self.today, unit, self.settings)))
        )
        end = as_date(Span.grain(unit).after(start))
        return self._clipped(start, end, unit)

    def _many(self, kind: int, n: int, unit: str) -> When:
        this = floor(self.today, unit, self.settings)
        if kind < 0:
            return When(as_date(Span.grain(unit, n).before(this)), this, unit)
        start = as_date(Span.grain(unit).after(this))
        return When(start, as_date(Span.grain(unit, n).after(start)), unit, whole=start)

    def _ago(self, n: int, unit: str) -> When:
        if unit == "day":
            return self._one(self.today - dt.timedelta(days=n), "day")
        return self._unit_moved(unit, -n)

    def _weekday(self, name: str, strictly: bool) -> When:
        back = (self.today.weekday() - WEEKDAYS.index(name)) % 7
        return self._one(self.today - dt.timedelta(days=back or (7 if strictly else 0)), "day")

    def _same_year(self, start: When, last: When) -> When:
        """A year named once counts for both."""
        if start.year_named or start.start is None or last.start is None or (not last.year_named and not last.now):
            if start.start and last.start and not start.year_named and not last.year_named and start.start > last.start:
                return replace(start, start=as_date(shift(start.start, months=-12)))
            return start
        moved = start.start
        if last.year_named and not last.now:
            moved = as_date(shift(start.start, months=12 * (last.start.year - start.start.year)))
        return replace(start, start=moved)
