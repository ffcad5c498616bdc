"""The resolver of time against a plain calendar: any day, any week start, any fiscal year; by the table of SEMANTICS.md."""

from __future__ import annotations

import calendar
import datetime as dt
from typing import NamedTuple

import pytest
from answerable.agent.when import Reader
from answerable.agent.windows import When
from answerable.agent.words import tokens
from answerable.context.settings import ProjectSettings
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from plain_calendar import DAY, LENGTHS, MONTHS, WEEKDAYS, Plain, months_later

FIRST, LAST = dt.date(1995, 1, 1), dt.date(2035, 12, 31)
UNITS = ("day", "week", "month", "quarter", "year", "fiscal quarter", "fiscal year")
ORDINALS = ("first", "second", "third", "fourth")
years = st.integers(1996, 2035)
edges = st.builds(
    lambda year, day: dt.date(year, *day) if day != (2, 29) or calendar.isleap(year) else dt.date(year, 2, 28),
    years,
    st.sampled_from([(1, 1), (2, 28), (2, 29), (3, 1), (3, 31), (4, 1), (6, 30), (7, 1), (9, 30), (10, 1), (12, 29), (12, 30), (12, 31)]),
)
days = st.one_of(edges, st.dates(FIRST, LAST))
plain = st.builds(Plain, days, st.sampled_from(["monday", "sunday"]), st.integers(1, 12), st.sampled_from(["end", "start"]))
counts = st.integers(1, 60)
numbers = st.integers(1, 12)
some = settings(max_examples=max(50, settings.default.max_examples if settings.default else 0))


class Window(NamedTuple):
    """A window with its whole end: that of a running period is cut after today."""

    start: dt.date | None
    end: dt.date | None
    whole: dt.date | None


def when(now: Plain, phrase: str) -> When | None:
    """What a phrase is read as; None where it's not read, or not to its end."""
    project = {"name": "x", "warehouse": "duckdb:x", "week_start": now.week_start, "fiscal_year_start": now.fiscal}
    reader = Reader(now.today, ProjectSettings.model_validate({**project, "fiscal_year_named": now.named}))
    said = tokens(phrase)
    found = reader.at(said, 0)
    return found[1] if found and found[0] == len(said) else None


def read(now: Plain, phrase: str) -> Window:
    found = when(now, phrase)
    assert found is not None, f"“{phrase}” is not read on {now.today}"
    assert found.open is None and found.other is None and not found.weekdays, phrase
    if found.start and found.end:
        assert found.start < found.end, f"“{phrase}” is {found.start}/{found.end} on {now.today}"
    whole = max(found.end, found.whole) if found.end and found.whole else found.end
    return Window(found.start, found.end, whole)


def holds(now: Plain, phrase: str, start: dt.date | None, end: dt.date) -> None:
    """That a phrase is a period, whole: while it's running it ends with today, and its whole end is known."""
    running = start is not None and start <= now.today < end
    assert read(now, phrase) == (start, now.tomorrow if running else end, end), f"{phrase} on {now}"


def is_exactly(now: Plain, phrase: str, start: dt.date | None, end: dt.date | None) -> None:
    found = read(now, phrase)
    assert (found.start, found.end) == (start, end), f"{phrase} on {now}"


# -- units before, of and after today ------------------------------------------------------------------------------------------------


@some
@given(plain)
def test_days_around_today(now: Plain) -> None:
    for phrase, back in (("today", 0), ("yesterday", 1), ("the day before yesterday", 2), ("tomorrow", -1)):
        is_exactly(now, phrase, now.today - back * DAY, now.tomorrow - back * DAY)


@some
@given(plain, st.sampled_from(UNITS[1:]), st.sampled_from(["last", "previous", "past", "prior"]), st.sampled_from(["this", "current"]))
def test_the_last_unit_ends_where_the_running_one_begins(now: Plain, unit: str, last: str, this: str) -> None:
    start = now.start(unit)
    is_exactly(now, f"{last} {unit}", now.moved(start, unit, -1), start)
    is_exactly(now, f"in the {last} {unit}", now.moved(start, unit, -1), start)
    is_exactly(now, f"the {unit} before last", now.moved(start, unit, -2), now.moved(start, unit, -1))
    holds(now, f"{this} {unit}", start, now.moved(start, unit, 1))
    holds(now, f"next {unit}", now.moved(start, unit, 1), now.moved(start, unit, 2))


@some
@given(plain, st.sampled_from(UNITS), counts, st.sampled_from(["last", "past", "previous", "trailing"]))
def test_the_last_units_are_those_before_the_running_one(now: Plain, unit: str, n: int, last: str) -> None:
    start = now.start(unit)
    is_exactly(now, f"{last} {n} {unit}s", now.moved(start, unit, -n), start)
    is_exactly(now, f"over the {last} {n} {unit}s", now.moved(start, unit, -n), start)


@some
@given(plain, st.sampled_from(UNITS), counts)
def test_so_many_units_ago_is_one_unit(now: Plain, unit: str, n: int) -> None:
    start = now.start(unit)
    is_exactly(now, f"{n} {unit}s ago", now.moved(start, unit, -n), now.moved(start, unit, 1 - n))
    is_exactly(now, f"a {unit} ago", now.moved(start, unit, -1), start)


@some
@given(plain, st.sampled_from([("year", "ytd"), ("quarter", "qtd"), ("month", "mtd"), ("week", "wtd"), ("fiscal year", "fytd")]))
def test_to_date_ends_with_today(now: Plain, said: tuple[str, str]) -> None:
    unit, short = said
    phrases = (short, f"{unit} to date", f"this {unit} so far", f"so far this {unit}", f"this {unit} to date", f"this {unit} until today")
    for phrase in phrases:
        is_exactly(now, phrase, now.start(unit), now.tomorrow)


@some
@given(plain)
def test_a_weekday_is_the_latest_and_last_one_is_before_today(now: Plain) -> None:
    for n, name in enumerate(WEEKDAYS):
        latest = max(day for back in range(7) if (day := now.today - back * DAY).weekday() == n)
        before = max(day for back in range(1, 8) if (day := now.today - back * DAY).weekday() == n)
        is_exactly(now, name, latest, latest + DAY)
        is_exactly(now, f"last {name}", before, before + DAY)
        is_exactly(now, f"on {name}", latest, latest + DAY)


@some
@given(plain)
def test_the_weekend_is_a_saturday_and_its_sunday(now: Plain) -> None:
    for phrase in ("the weekend", "last weekend", "this weekend"):
        found = read(now, phrase)
        assert found.start and found.start.weekday() == 5 and found.whole == found.start + 2 * DAY
    last = read(now, "last weekend")
    assert last.end and last.end <= now.today and now.today - last.end < 7 * DAY


# -- periods by name ------------------------------------------------------------------------------------------------------------------


def spelt(month: int) -> st.SearchStrategy[str]:
    name = MONTHS[month - 1]
    return st.sampled_from([name, name[:3], name.capitalize()])


@some
@given(plain, numbers, years, st.data())
def test_months(now: Plain, month: int, year: int, data: st.DataObject) -> None:
    name = data.draw(spelt(month))
    start = dt.date(year, month, 1)
    for phrase in (f"{name} {year}", f"in {name} {year}", f"{name} of {year}", f"{year}-{month:02}"):
        holds(now, phrase, start, months_later(start, 1))
    latest = now.latest([dt.date(now.today.year - back, month, 1) for back in (0, 1)])
    holds(now, f"in {name}", latest, months_later(latest, 1))
    before = dt.date(now.today.year - 1, month, 1)
    holds(now, f"{name} last year", before, months_later(before, 1))


@some
@given(plain, years)
def test_years(now: Plain, year: int) -> None:
    for phrase in (f"{year}", f"in {year}", f"in the year {year}", *([f"'{year % 100:02}"] if year >= 2000 else [])):
        is_exactly(now, phrase, dt.date(year, 1, 1), dt.date(year + 1, 1, 1))


@some
@given(plain, st.integers(1, 4), years)
def test_quarters(now: Plain, n: int, year: int) -> None:
    start = dt.date(year, 3 * n - 2, 1)
    for phrase in (f"Q{n} {year}", f"in q{n} of {year}", f"the {ORDINALS[n - 1]} quarter of {year}", f"quarter {n} {year}"):
        holds(now, phrase, start, months_later(start, 3))
    latest = now.latest([dt.date(now.today.year - back, 3 * n - 2, 1) for back in (0, 1)])
    for phrase in (f"q{n}", f"in Q{n}", f"the {ORDINALS[n - 1]} quarter"):
        holds(now, phrase, latest, months_later(latest, 3))
    last = dt.date(now.today.year - 1, 3 * n - 2, 1)
    holds(now, f"Q{n} last year", last, months_later(last, 3))


@some
@given(plain, st.integers(1, 2), years)
def test_halves(now: Plain, n: int, year: int) -> None:
    start = dt.date(year, 6 * n - 5, 1)
    for phrase in (f"H{n} {year}", f"the {ORDINALS[n - 1]} half of {year}", *([f"the last half of {year}"] if n == 2 else [])):
        holds(now, phrase, start, months_later(start, 6))
    latest = now.latest([dt.date(now.today.year - back, 6 * n - 5, 1) for back in (0, 1)])
    holds(now, f"in h{n}", latest, months_later(latest, 6))
    month = dt.date(year, 2, 1)
    holds(now, f"the first half of february {year}", month, dt.date(year, 2, 16))
    holds(now, f"the second half of february {year}", dt.date(year, 2, 16), dt.date(year, 3, 1))


@some
@given(plain, years, st.integers(1, 4))
def test_fiscal_years_and_their_quarters(now: Plain, year: int, n: int) -> None:
    start = now.of_fiscal(year)
    for phrase in (f"FY{year % 100:02}", f"fiscal {year}", f"fiscal year {year}", f"fy{year}", f"in FY {year}") if year >= 2000 else ():
        is_exactly(now, phrase, start, months_later(start, 12))
    quarter = months_later(start, 3 * n - 3)
    nth = f"the {ORDINALS[n - 1]} quarter"
    for phrase in (
        f"Q{n} fiscal {year}",
        f"Q{n} fiscal year {year}",
        f"Q{n} FY{year}",
        f"Q{n} of fiscal {year}",
        f"{nth} of fiscal year {year}",
    ):
        holds(now, phrase, quarter, months_later(quarter, 3))
    last = months_later(now.start("fiscal year"), -12 + 3 * n - 3)
    holds(now, f"{nth} of the last fiscal year", last, months_later(last, 3))
    running = now.start("fiscal year")
    third = months_later(running, -10)
    holds(now, f"{MONTHS[third.month - 1]} of the last fiscal year", third, months_later(third, 1))
    is_exactly(now, f"3 {MONTHS[third.month - 1]} of the last fiscal year", third + 2 * DAY, third + 3 * DAY)


MONDAYS = {(m.isocalendar().year, m.isocalendar().week): m for m in (dt.date(1985, 12, 30) + 7 * i * DAY for i in range(2700))}


@some
@example(Plain(dt.date(2024, 12, 30)), 1, 2025)
@example(Plain(dt.date(2027, 1, 1)), 53, 2026)
@example(Plain(dt.date(2025, 6, 1)), 53, 2025)
@given(plain, st.one_of(st.integers(1, 53), st.sampled_from([1, 52, 53])), years)
def test_iso_weeks_are_read_where_weeks_begin_on_monday(now: Plain, n: int, year: int) -> None:
    if now.week_start == "sunday":
        assert when(now, f"week {n}") is None and when(now, f"week {n} of {year}") is None
        return
    latest = max(monday for (_, week), monday in MONDAYS.items() if week == n and monday <= now.today)
    holds(now, f"week {n}", latest, latest + 7 * DAY)
    holds(now, f"in week {n}", latest, latest + 7 * DAY)
    if monday := MONDAYS.get((year, n)):
        for phrase in (f"week {n} {year}", f"week {n} of {year}"):
            holds(now, phrase, monday, monday + 7 * DAY)
    else:
        assert when(now, f"week {n} of {year}") is None


@some
@given(plain, days)
def test_days_by_their_date(now: Plain, day: dt.date) -> None:
    month = MONTHS[day.month - 1]
    for phrase in (f"{day}", f"{day.day} {month} {day.year}", f"on {month} {day.day}, {day.year}", f"{day.day}.{day.month}.{day.year}"):
        is_exactly(now, phrase, day, day + DAY)
    first = day - ((day.weekday() - WEEKDAYS.index(now.week_start)) % 7) * DAY
    holds(now, f"the week of {day}", first, first + 7 * DAY)


@some
@example(Plain(dt.date(2024, 1, 15)), dt.date(2024, 2, 29))
@example(Plain(dt.date(2025, 1, 15)), dt.date(2024, 2, 29))
@given(plain, days)
def test_a_day_without_a_year_is_the_latest_that_has_been(now: Plain, day: dt.date) -> None:
    candidates = [now.today - back * DAY for back in range(366 * 8 + 3)]
    latest = next(d for d in candidates if (d.month, d.day) == (day.month, day.day))
    month = MONTHS[day.month - 1]
    for phrase in (f"{day.day} {month}", f"on {month} {day.day}"):
        is_exactly(now, phrase, latest, latest + DAY)


@some
@given(plain, numbers, years, st.integers(1, 20))
def test_the_first_and_the_last_days_of_a_month(now: Plain, month: int, year: int, n: int) -> None:
    start = dt.date(year, month, 1)
    end = months_later(start, 1)
    holds(now, f"the first {n} days of {MONTHS[month - 1]} {year}", start, start + n * DAY)
    holds(now, f"the last {n} days of {MONTHS[month - 1]} {year}", end - n * DAY, end)
    holds(now, f"the last day of {MONTHS[month - 1]} {year}", end - DAY, end)
    holds(now, f"the first week of {MONTHS[month - 1]} {year}", start, start + 7 * DAY)


@some
@given(plain, st.integers(1, 11), years)
def test_the_first_and_the_last_months_of_a_year(now: Plain, n: int, year: int) -> None:
    start, end = dt.date(year, 1, 1), dt.date(year + 1, 1, 1)
    holds(now, f"the first {n} months of {year}", start, months_later(start, n))
    holds(now, f"the last {n} months of {year}", months_later(end, -n), end)
    holds(now, f"the last month of {year}", dt.date(year, 12, 1), end)
    holds(now, f"the last quarter of {year}", dt.date(year, 10, 1), end)


@some
@given(plain, st.sampled_from(["month", "quarter", "week", "year"]))
def test_the_same_unit_last_year(now: Plain, unit: str) -> None:
    start = now.start(unit)
    end = now.moved(start, unit, 1)
    before = (start - 364 * DAY, end - 364 * DAY) if unit == "week" else (months_later(start, -12), months_later(end, -12))
    found = when(now, f"the same {unit} last year")
    assert found and (found.start, found.end) == before


# -- what stands before a period ------------------------------------------------------------------------------------------------------


class Named(NamedTuple):
    """A period with its name."""

    text: str
    start: dt.date
    end: dt.date


@st.composite
def named(draw: st.DrawFn) -> Named:
    """A day, month, quarter, half or year, by its name with its year."""
    year, unit = draw(years), draw(st.sampled_from(["day", "month", "quarter", "half", "year"]))
    if unit == "day":
        day = draw(days)
        return Named(draw(st.sampled_from([f"{day}", f"{day.day} {MONTHS[day.month - 1]} {day.year}"])), day, day + DAY)
    length = LENGTHS[unit]
    n = draw(st.integers(1, 12 // length))
    start = dt.date(year, length * (n - 1) + 1, 1)
    text = {"month": f"{MONTHS[n - 1]} {year}", "quarter": f"Q{n} {year}", "half": f"H{n} {year}", "year": f"{year}"}[unit]
    return Named(text, start, months_later(start, length))


@some
@given(plain, named())
def test_since_a_period_is_to_the_end_of_today(now: Plain, period: Named) -> None:
    for phrase in (f"since {period.text}", f"from {period.text} on", f"from {period.text} onwards", f"starting {period.text}"):
        if period.start <= now.today:
            is_exactly(now, phrase, period.start, now.tomorrow)
        else:
            lies_ahead(now, phrase)


def lies_ahead(now: Plain, phrase: str) -> None:
    """That a phrase about what has not happened is not read, or known as ahead and never a window turned round."""
    found = when(now, phrase)
    if found is not None:
        assert found.start and found.start > now.today, f"{phrase} on {now}"
        assert found.end is None or found.start < found.end, f"{phrase} is {found.start}/{found.end} on {now}"


@some
@given(plain, named())
def test_until_a_period_is_to_its_end(now: Plain, period: Named) -> None:
    for phrase in (f"until {period.text}", f"through {period.text}", f"up to {period.text}", f"until the end of {period.text}"):
        is_exactly(now, phrase, None, period.end)


@some
@given(plain, named())
def test_before_ends_where_a_period_starts_and_after_starts_where_it_ends(now: Plain, period: Named) -> None:
    is_exactly(now, f"before {period.text}", None, period.start)
    if period.end <= now.today:
        is_exactly(now, f"after {period.text}", period.end, now.tomorrow)
    else:
        lies_ahead(now, f"after {period.text}")


@some
@given(plain, named())
def test_as_of_a_period_is_its_end(now: Plain, period: Named) -> None:
    for phrase in (f"as of {period.text}", f"at the end of {period.text}"):
        found = when(now, phrase)
        assert found and found.as_of and found.end
        assert max(found.end, found.whole or found.end) == period.end


@some
@given(plain, named(), named())
def test_a_range_is_from_the_start_of_one_to_the_end_of_the_other(now: Plain, one: Named, two: Named) -> None:
    assume(one.start < two.end)
    for phrase in (f"from {one.text} to {two.text}", f"between {one.text} and {two.text}", f"from {one.text} until {two.text}"):
        found = read(now, phrase)
        assert found.start == one.start, f"{phrase} on {now}"
        assert found.end == (now.tomorrow if two.start <= now.today < two.end and not two.text.isdigit() else two.end), f"{phrase} on {now}"


@some
@given(plain, numbers, numbers, years)
def test_a_year_named_once_counts_for_both_ends(now: Plain, one: int, two: int, year: int) -> None:
    assume(one < two)
    start, end = dt.date(year, one, 1), months_later(dt.date(year, two, 1), 1)
    a, b = MONTHS[one - 1], MONTHS[two - 1]
    for phrase in (f"from {a} to {b}", f"between {a} and {b}", f"{a} to {b}", f"{a} - {b}", f"{a} through {b}"):
        found = read(now, f"{phrase} {year}")
        running = dt.date(year, two, 1) <= now.today < end
        assert (found.start, found.end) == (start, now.tomorrow if running else end), f"{phrase} on {now}"


@some
@given(plain, numbers, numbers)
def test_months_without_a_year_are_the_latest_in_their_order(now: Plain, one: int, two: int) -> None:
    assume(one != two)
    last = now.latest([dt.date(now.today.year - back, two, 1) for back in (0, 1)])
    start = max(day for back in (0, 1) if (day := dt.date(last.year - back, one, 1)) < last)
    found = read(now, f"from {MONTHS[one - 1]} to {MONTHS[two - 1]}")
    assert found.start == start and found.end == min(months_later(last, 1), now.tomorrow)


@some
@given(plain, years)
def test_a_leap_day_takes_the_year_of_the_other_end(now: Plain, year: int) -> None:
    assume(now.today >= dt.date(1996, 2, 29))
    first = dt.date(year, 2, 29 if calendar.isleap(year) else 28)
    is_exactly(now, f"from 29 february to 5 march {year}", first, dt.date(year, 3, 6))


@some
@given(plain, numbers, st.integers(1, 27), st.integers(1, 27), years)
def test_two_days_of_one_month(now: Plain, month: int, one: int, two: int, year: int) -> None:
    assume(one < two)
    name = MONTHS[month - 1]
    for phrase in (f"between {one} and {two} {name}", f"from {one} to {two} {name}", f"from {one} {name} to {two} {name}"):
        is_exactly(now, f"{phrase} {year}", dt.date(year, month, one), dt.date(year, month, two + 1))


@some
@given(plain, named(), st.sampled_from(["since", "until", "before", "after", "as of", "around", "from", "in", "between", "up to"]))
def test_no_phrase_gives_a_window_turned_round(now: Plain, period: Named, lead: str) -> None:
    led = f"{lead} {period.text}"
    for phrase in (led, f"{led} to {now.today}", f"{led} and today", f"{period.text} so far"):
        found = when(now, phrase)
        if found and found.start and found.end:
            assert found.start < found.end, f"{phrase} is {found.start}/{found.end} on {now}"


@some
@given(plain, st.integers(2, 9), st.sampled_from(["march", "Q2", "the first half", "3 march", "the first quarter", "week 12"]))
def test_a_part_of_several_years_is_not_the_part_of_one(now: Plain, n: int, part: str) -> None:
    assert when(now, f"{part} of the last {n} years") is None


NO_DAYS = ("30 february 2025", "29 february 2025", "2025-02-29", "31.4.2025", "30 february", "between 0 and 5 may 2025")


@pytest.mark.parametrize("phrase", [*NO_DAYS, "week 54", "q5", "h3"])
def test_what_is_on_no_calendar_is_not_read(phrase: str) -> None:
    assert when(Plain(dt.date(2025, 9, 12)), phrase) is None
