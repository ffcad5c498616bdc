"""Numbers, dates and windows as people read them; the only place that rounds. Knows no question."""

from __future__ import annotations

import datetime as dt
import math
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from answerable.context.compiler.time import Span, floor
from answerable.context.query import Column, TimeWindow
from answerable.context.settings import ProjectSettings

SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "$": "$", "€": "€", "£": "£"}
MINUS, NARROW = "−", "\u202f"
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")


def cell(value: Any, column: Column, signed: bool = False) -> str:
    """A cell as it is shown: thousands with a comma, currency before, one decimal for a percentage; null is "no value"."""
    if value is None:
        return "no value"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if column.kind == "dimension" and isinstance(value, (int, float, Decimal)):
        return part(int(value), column.name.rpartition(":")[2]) or f"{value}"
    if isinstance(value, (int, float, Decimal)):
        return number(value, column.unit, signed)
    return date(value, column.name.rpartition(":")[2]) if isinstance(value, dt.date) else str(value)


def number(value: float | Decimal, unit: str | None, signed: bool = False) -> str:
    """A number with its unit's sign. Rounds half to even."""
    if isinstance(value, float) and not math.isfinite(value):
        return "no value"
    exact = value if isinstance(value, Decimal) else Decimal(str(value))
    sign = MINUS if exact < 0 else "+" if signed and exact > 0 else ""
    size = abs(exact)
    if unit == "%":
        return f"{sign}{rounded(size * 100, 1)}{NARROW}%"
    if unit in SIGNS:
        return f"{sign}{SIGNS[unit]}{rounded(size, 2 if size < 1000 and size != size.to_integral_value() else 0)}"
    return sign + rounded(size, 0 if size == size.to_integral_value() or size >= 1000 else 1 if size >= 100 else 2)


def rounded(size: Decimal, places: int) -> str:
    return f"{size.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN):,}"


def part(value: int, name: str) -> str:
    """A part of a time by its name: `Monday`, `March`, `14:00`."""
    match name:
        case "day_of_week":
            return DAYS[value - 1] if 1 <= value <= 7 else str(value)
        case "month_of_year":
            return MONTHS[value - 1] if 1 <= value <= 12 else str(value)
        case "quarter_of_year":
            return f"Q{value}"
        case "hour_of_day":
            return f"{value:02d}:00"
    return ""


def date(value: dt.date, grain: str = "") -> str:
    """A day or the period that begins with it: `19 Nov 2026`, `Nov 2026`, `Q4 2026`, `2026`."""
    match grain:
        case "month":
            return f"{value:%b %Y}"
        case "quarter":
            return f"Q{(value.month + 2) // 3} {value.year}"
        case "year":
            return str(value.year)
    day = f"{value.day} {value:%b %Y}"
    return f"{day}, {value:%H:%M}" if isinstance(value, dt.datetime) and value.time() != dt.time() else day


def window(value: TimeWindow | None, settings: ProjectSettings) -> str:
    """A window in a sentence: `in August 2025`, `from 1 Apr to 12 Sep 2025`, `over all time`."""
    if value is None or (value.start is None and value.end is None):
        return "over all time"
    if value.start is None:
        return f"up to {date(_last(value.end))}"
    if value.end is None:
        return f"since {date(value.start)}"
    if name := _named(value.start, value.end, settings):
        return name
    return f"from {date(value.start)} to {date(_last(value.end))}"


def _named(start: dt.date, end: dt.date, settings: ProjectSettings) -> str:
    if isinstance(start, dt.datetime) or isinstance(end, dt.datetime):
        return ""
    if end == start + dt.timedelta(days=1):
        return f"on {date(start)}"
    for grain, name in (("month", f"in {start:%B %Y}"), ("quarter", f"in {date(start, 'quarter')}"), ("year", f"in {start.year}")):
        if floor(start, grain, settings) == start and Span.grain(grain).after(start) == end:
            return name
    if floor(start, "week", settings) == start and end == start + dt.timedelta(days=7):
        return f"in the week of {date(start)}"
    return ""


def _last(end: dt.date | None) -> dt.date:
    assert end is not None
    return end - dt.timedelta(days=1) if not isinstance(end, dt.datetime) else end


def interval(value: TimeWindow, settings: ProjectSettings) -> str:
    """The exact half-open interval with its zone, for the definitions."""
    start = f"from {date(value.start)}" if value.start else "from the first row"
    end = f" up to, not including, {date(value.end)}" if value.end else ""
    return f"{start}{end} ({settings.timezone})"


def listed(items: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]
