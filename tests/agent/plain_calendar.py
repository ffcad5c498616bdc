"""A calendar by the standard library alone, to hold the resolver of time against: starts of units, and counting in them."""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass

DAY = dt.timedelta(days=1)
MONTHS = [name.lower() for name in calendar.month_name[1:]]
WEEKDAYS = [name.lower() for name in calendar.day_name]
LENGTHS = {"month": 1, "quarter": 3, "half": 6, "year": 12, "fiscal quarter": 3, "fiscal year": 12}


@dataclass(frozen=True)
class Plain:
    """One day, with the week's first day (Monday is 0), the fiscal year's first month, and the year that names it."""

    today: dt.date
    week_start: str = "monday"
    fiscal: int = 1
    named: str = "end"

    @property
    def tomorrow(self) -> dt.date:
        return self.today + DAY

    def start(self, unit: str) -> dt.date:
        """The first day of the unit that today is in."""
        day = self.today
        if unit == "day":
            return day
        if unit == "week":
            while WEEKDAYS[day.weekday()] != self.week_start:
                day -= DAY
            return day
        first = self.fiscal if unit.startswith("fiscal") else 1
        day = day.replace(day=1)
        while (day.month - first) % LENGTHS[unit]:
            day = (day - DAY).replace(day=1)
        return day

    def moved(self, start: dt.date, unit: str, n: int) -> dt.date:
        """The start of the unit `n` units later."""
        if unit in ("day", "week"):
            return start + n * (7 if unit == "week" else 1) * DAY
        return months_later(start, n * LENGTHS[unit])

    def of_fiscal(self, year: int) -> dt.date:
        """The first day of a fiscal year by its name."""
        ends_later = self.fiscal > 1 and self.named == "end"
        return dt.date(year - 1 if ends_later else year, self.fiscal, 1)

    def latest(self, starts: list[dt.date]) -> dt.date:
        """The latest of some days that has been by today."""
        return max(day for day in starts if day <= self.today)


def months_later(first: dt.date, n: int) -> dt.date:
    """A first of a month moved by whole months, one at a time."""
    assert first.day == 1
    for _ in range(abs(n)):
        first = (first + 31 * DAY).replace(day=1) if n > 0 else (first - DAY).replace(day=1)
    return first
