"""A year of 4-4-5 weeks: shown by its periods, running since their start, moved by one of them; as Python makes it of the rows."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from itertools import cycle
from typing import Any

import pytest
from answerable.context.errors import NotSupported
from hypothesis import given
from hypothesis import strategies as st
from timelines import (
    Asked,
    Frame,
    Pieces,
    Row,
    Sales,
    Span,
    Values,
    as_rows,
    as_window,
    asked_of,
    at,
    inside,
    over,
    period,
    pieces,
    sales_of,
    side_by_side,
    sold,
    still,
    to_date,
    trailing,
    valued,
)  # fmt: skip

FIRST, UNTIL = dt.date(2024, 1, 1), dt.date(2024, 9, 30)  # a Monday to another: three quarters of thirteen weeks


def periods() -> dict[dt.date, dt.date]:
    """Each day with the first day of its period."""
    found: dict[dt.date, dt.date] = {}
    start = FIRST
    for weeks in cycle([4, 4, 5]):
        if start >= UNTIL:
            break
        found |= {start + dt.timedelta(days=n): start for n in range(7 * weeks)}
        start += dt.timedelta(weeks=weeks)
    return found


PERIODS = periods()
STARTS = sorted(set(PERIODS.values()))
SEASONS = {day: "winter" if day < dt.date(2024, 3, 10) else "spring" if day < dt.date(2024, 6, 1) else "summer" for day in PERIODS}


def fiscal_period(day: dt.date) -> Any:
    return PERIODS.get(day)


def season(day: dt.date) -> Any:
    return SEASONS.get(day)


NAMED = {"fiscal_period": fiscal_period, "season": season}
SETTINGS = "calendar: {table: t.days, day: day, grains: {fiscal_period: period_start, season: season_name}}\n"
TABLE = "create table t.days as select * from (values {}) d(day, period_start, season_name)".format(
    ", ".join(f"(date '{day}', date '{start}', '{SEASONS[day]}')" for day, start in PERIODS.items())
)
METRICS = """
  taken_of_period: {type: cumulative, metric: taken, to_date: fiscal_period}
  buyers_of_period: {type: cumulative, metric: buyers, to_date: fiscal_period}
  taken_of_season: {type: cumulative, metric: taken, to_date: season}
  taken_of_year: {type: cumulative, metric: taken, to_date: year}
  taken_of_week: {type: cumulative, metric: taken, window: 7 days}
  buyers_of_week: {type: cumulative, metric: buyers, window: 7 days}
  taken_before: {type: derived, expr: before, inputs: {before: {metric: taken, offset: 1 fiscal_period}}}
  buyers_before: {type: derived, expr: before, inputs: {before: {metric: buyers, offset: 1 fiscal_period}}}
  taken_two_before: {type: derived, expr: before, inputs: {before: {metric: taken, offset: 2 fiscal_periods}}}
  taken_last_season: {type: derived, expr: before, inputs: {before: {metric: taken, offset: 1 season}}}
  taken_a_month_ago: {type: derived, expr: before, inputs: {before: {metric: taken, offset: 1 month}}}
  taken_of_period_before: {type: derived, expr: before, inputs: {before: {metric: taken_of_period, offset: 1 fiscal_period}}}
  taken_of_period_a_week_ago: {type: derived, expr: before, inputs: {before: {metric: taken_of_period, offset: 7 days}}}
"""
# Also days that no period of the calendar has, at both ends.
DAYS = st.dates(dt.date(2023, 12, 25), dt.date(2024, 10, 5)) | st.sampled_from([*STARTS, *(day - dt.timedelta(days=1) for day in STARTS)])
SALES = sales_of(DAYS)


def two_of(days: st.SearchStrategy[dt.date]) -> st.SearchStrategy[Span]:
    return st.lists(days, min_size=2, max_size=2, unique=True).map(lambda two: (at(min(two)), at(max(two))))


WINDOWS, WHOLE = st.none() | two_of(DAYS), st.none() | two_of(st.sampled_from([*STARTS, UNTIL]))
BY = st.sampled_from([[], ["kind"], ["shop.city"]])


def asked(sales: Sales) -> Asked:
    return asked_of(sales, METRICS, SETTINGS, [TABLE])


def days_of(sales: Sales, window: Span | None) -> Pieces:
    """The days that the calendar has, of the window or of the data."""
    return {day: piece for day, piece in pieces("day", sales.sales, window).items() if day in PERIODS}


@given(SALES, st.lists(st.tuples(st.sampled_from(sorted(NAMED)), BY, WINDOWS), min_size=1, max_size=3))
def test_rows_are_in_the_period_of_their_day(sales: Sales, plans: list[tuple[str, list[str], Span | None]]) -> None:
    def name(row: Row, grain: str) -> Any:
        return row["sold_at"] and NAMED[grain](row["sold_at"].date())

    world = asked(sales)
    for grain, by, window in plans:
        rows = inside(sales.sales, window or (None, None))

        def of(metric: str, rows: list[Row] = rows, grain: str = grain, by: list[str] = by) -> Values:
            named = {n: [row for row in rows if name(row, grain) == n] for n in {name(row, grain) for row in rows}}
            return {(n, *key): value for n, among in named.items() for key, value in valued(sales, metric, among, by).items()}

        found = world.ask({"metrics": ["taken", "buyers"], "by": [f"time:{grain}", *by], **as_window(window)})
        assert as_rows(found, ["taken", "buyers"]) == side_by_side([("taken", of("taken")), ("buyers", of("buyers"))])


RUNNING: dict[str, tuple[str, Frame]] = {
    "taken_of_period": ("taken", to_date(fiscal_period)),
    "buyers_of_period": ("buyers", to_date(fiscal_period)),
    "taken_of_season": ("taken", to_date(season)),
    "taken_of_year": ("taken", to_date("year")),
    "buyers_of_week": ("buyers", trailing(days=7)),
}


@given(SALES, st.lists(st.tuples(st.sampled_from(sorted(RUNNING)), BY, WINDOWS), min_size=1, max_size=3))
def test_a_running_value_by_day(sales: Sales, plans: list[tuple[str, list[str], Span | None]]) -> None:
    world = asked(sales)
    for name, by, window in plans:
        metric, frame = RUNNING[name]
        days = days_of(sales, window) if name.endswith(("period", "season")) else pieces("day", sales.sales, window)
        found = world.ask({"metrics": [name], "by": ["time:day", *by], **as_window(window)})
        assert as_rows(found, [metric]) == side_by_side([(metric, over(sales, metric, frame, days, sales.sales, by))])


def days_of_whole(sales: Sales, window: Span | None, named: Any) -> Pieces:
    """The days that the calendar has of a window; without one of all periods that have a day from the data's first to its last."""
    shown = days_of(sales, window)
    if window:
        return shown
    names = {named(day) for day in pieces("day", sales.sales)}
    return {day: (at(day), at(day + dt.timedelta(days=1))) for day in PERIODS if named(day) in names}


def ends(days: Pieces, named: Any) -> Pieces:
    """The last of the days that each period has."""
    return {named(day): piece for day, piece in sorted(days.items())}


SHOWN = {**NAMED, "month": lambda day: day.replace(day=1)}


@given(SALES, st.lists(st.tuples(st.sampled_from(sorted(RUNNING)), st.sampled_from(sorted(SHOWN)), BY, WINDOWS), min_size=1, max_size=3))
def test_a_running_value_of_a_longer_period_is_that_at_its_end(sales: Sales, plans: list[tuple[str, str, list[str], Span | None]]) -> None:
    world = asked(sales)
    for name, grain, by, window in plans:
        if grain == "month" and not name.endswith(("period", "season")):
            continue  # nothing of the calendar: test_running.py
        metric, frame = RUNNING[name]
        shown = ends(days_of_whole(sales, window, SHOWN[grain]), SHOWN[grain])
        found = world.ask({"metrics": [name], "by": [f"time:{grain}", *by], **as_window(window)})
        assert as_rows(found, [metric]) == side_by_side([(metric, over(sales, metric, frame, shown, sales.sales, by))]), (
            name,
            grain,
            window,
        )


def period_before(named: Any, n: int = 1) -> Frame:
    """The whole period before; of a day the same day of it, as far as it has one."""
    names = list(dict.fromkeys(name for day in sorted(PERIODS) if (name := named(day)) is not None))
    bounds = {name: period(next(day for day in PERIODS if named(day) == name), named) for name in names}

    def back(span: Span, grain: str) -> Span:
        start, end = span
        assert start is not None and end is not None
        place = names.index(named(start.date())) - n
        if place < 0:
            return start, start  # the calendar has no such period
        first, until = bounds[names[place]]
        if grain != "day":
            return first, until
        own = bounds[named(start.date())][0]
        return min(first + (start - own), until), min(first + (end - own), until)

    return back


MOVED: dict[str, tuple[str, Any, int]] = {
    "taken_before": ("taken", fiscal_period, 1),
    "buyers_before": ("buyers", fiscal_period, 1),
    "taken_two_before": ("taken", fiscal_period, 2),
    "taken_last_season": ("taken", season, 1),
}


@given(SALES, st.lists(st.tuples(st.sampled_from(sorted(MOVED)), BY, WINDOWS), min_size=1, max_size=3))
def test_a_day_is_beside_the_same_day_of_the_period_before(sales: Sales, plans: list[tuple[str, list[str], Span | None]]) -> None:
    world = asked(sales)
    for name, by, window in plans:
        metric, named, n = MOVED[name]
        column = over(sales, metric, period_before(named, n), days_of(sales, window), sales.sales, by, "day")
        found = world.ask({"metrics": [name], "by": ["time:day", *by], **as_window(window)})
        assert as_rows(found, [metric]) == side_by_side([(metric, column)]), (name, window)


@given(SALES, st.lists(st.tuples(st.sampled_from(sorted(MOVED)), BY, WHOLE), min_size=1, max_size=3))
def test_a_period_is_beside_the_whole_one_before(sales: Sales, plans: list[tuple[str, list[str], Span | None]]) -> None:
    world = asked(sales)
    for name, by, window in plans:
        metric, named, n = MOVED[name]
        if named is season and window:
            continue  # it would cut a season
        grain = named.__name__
        shown = pieces(named, sales.sales, window)
        column = over(sales, metric, period_before(named, n), shown, sales.sales, by)
        found = world.ask({"metrics": [name], "by": [f"time:{grain}", *by], **as_window(window)})
        assert as_rows(found, [metric]) == side_by_side([(metric, column)]), (name, window)


def by_days(sales: Sales, metric: str, frame: Frame, days: Pieces, named: Any, by: list[str]) -> Values:
    """A longer period as what the days of it are beside."""
    found: Values = {}
    for shown in dict.fromkeys(named(day) for day in days):
        rows = [row for day, piece in days.items() if named(day) == shown for row in inside(sales.sales, frame(piece, "day"))]
        found |= {(shown, *key): value for key, value in valued(sales, metric, rows, by).items()} if rows else {}
    return found


@given(SALES, st.lists(st.tuples(st.sampled_from(sorted(MOVED)), BY, WINDOWS), min_size=1, max_size=3))
def test_a_month_is_beside_the_days_that_its_days_are_beside(sales: Sales, plans: list[tuple[str, list[str], Span | None]]) -> None:
    world = asked(sales)
    for name, by, window in plans:
        metric, named, n = MOVED[name]
        column = by_days(sales, metric, period_before(named, n), days_of_whole(sales, window, SHOWN["month"]), SHOWN["month"], by)
        found = world.ask({"metrics": [name], "by": ["time:month", *by], **as_window(window)})
        assert as_rows(found, [metric]) == side_by_side([(metric, column)]), (name, window)


@given(SALES, st.sampled_from(sorted(MOVED)), BY, WINDOWS, st.sampled_from(STARTS))
def test_a_condition_on_the_period_chooses_the_days_shown(
    sales: Sales, name: str, by: list[str], window: Span | None, start: dt.date
) -> None:
    metric, named, n = MOVED[name]
    days = {day: piece for day, piece in days_of(sales, window).items() if PERIODS[day] == start}
    column = over(sales, metric, period_before(named, n), days, sales.sales, by, "day")
    plan = {"metrics": [name], "by": ["time:day", *by], "where": [f"time:fiscal_period = '{start}'"], **as_window(window)}
    assert as_rows(asked(sales).ask(plan), [metric]) == side_by_side([(metric, column)])


@given(SALES, BY, WHOLE)
def test_periods_without_rows_are_filled_for_each_group(sales: Sales, by: list[str], window: Span | None) -> None:
    shown = pieces(fiscal_period, sales.sales, window)
    rows = [row for row in inside(sales.sales, window or (None, None)) if window or row["sold_at"]]
    sales = replace(sales, sales=tuple(rows))
    groups = {tuple(sales.value(row, ref) for ref in by) for row in rows if by} or ({()} if not by else set())
    column = over(sales, "taken", still, shown, rows, by)
    expected = {(name, *group): column.get((name, *group)) or 0 for name in shown for group in groups}
    found = asked(sales).ask({"metrics": ["taken_or_0"], "by": ["time:fiscal_period", *by], **as_window(window)})
    assert {row[:-1]: row[-1] for row in found if row[0]} == expected


# -- by hand ---------------------------------------------------------------------------------------------------------------------


def test_the_periods_of_the_first_quarter() -> None:
    sales = sold(("2024-01-01", 1), ("2024-01-28", 2), ("2024-01-29", 4), ("2024-02-25", 8), ("2024-02-26", 16), ("2024-03-31", 32))
    assert asked(sales).ask({"metrics": ["taken", "taken_before", "taken_of_season"], "by": ["time:fiscal_period"]}) == [
        (dt.date(2024, 1, 1), 3, None, 3),
        (dt.date(2024, 1, 29), 12, 3, 15),
        (dt.date(2024, 2, 26), 48, 12, 32),  # spring began on 10 March
    ]


def test_the_29th_day_of_a_period_of_five_weeks_is_beside_nothing() -> None:
    sales, window = sold(("2024-02-25", 1), ("2024-03-24", 2), ("2024-03-25", 4)), {"start": "2024-03-24", "end": "2024-03-26"}
    rows = asked(sales).ask({"metrics": ["taken", "taken_before"], "by": ["time:day"], "window": window})
    assert rows == [(dt.date(2024, 3, 24), 2, 1), (dt.date(2024, 3, 25), 4, None)]


MARCH = {"start": "2024-02-26", "end": "2024-04-01"}


@pytest.mark.parametrize("by", [["time:fiscal_period"], ["time:fiscal_period", "time:month"]])
def test_a_period_moved_by_a_month_is_moved_at_both_ends(by: list[str]) -> None:
    rows = asked(sold(("2024-02-29", 1), ("2024-03-29", 2))).ask({"metrics": ["taken_a_month_ago"], "by": by, "window": MARCH})
    assert [row[-1] for row in rows if row[-1] is not None] == [1]


def test_a_period_to_date_may_be_moved_by_periods_only() -> None:
    sales, window = sold(("2024-01-03", 1), ("2024-01-10", 2), ("2024-01-31", 4)), {"start": "2024-01-31", "end": "2024-02-01"}
    plan = {"by": ["time:day"], "window": window}
    # The third day of the second period is beside the third of the first.
    assert asked(sales).ask({**plan, "metrics": ["taken_of_period_before"]}) == [(dt.date(2024, 1, 31), 1)]
    with pytest.raises(NotSupported):
        asked(sales).ask({**plan, "metrics": ["taken_of_period_a_week_ago"]})


def test_a_period_to_date_is_beside_the_whole_one_before() -> None:
    rows = asked(sold(("2024-01-03", 1), ("2024-01-10", 2), ("2024-01-31", 4))).ask(
        {"metrics": ["taken_of_period_before"], "by": ["time:fiscal_period"]}
    )
    assert rows == [(dt.date(2024, 1, 29), 3)]


def test_a_month_moved_by_a_period_is_what_its_days_are_beside() -> None:
    sales, window = sold(("2024-01-03", 1), ("2024-01-20", 2), ("2024-02-01", 4)), {"start": "2024-02-01", "end": "2024-03-01"}
    rows = asked(sales).ask({"metrics": ["taken_before"], "by": ["time:month"], "window": window})
    assert rows == [(dt.date(2024, 2, 1), 6)]  # 1 to 25 February are beside 4 to 28 January, the rest beside 29 January to 1 February


def test_the_last_month_is_whole_without_a_window_too() -> None:
    rows = asked(sold(("2024-01-03", 1), ("2024-01-20", 2), ("2024-02-01", 4))).ask({"metrics": ["taken_before"], "by": ["time:month"]})
    assert rows == [(dt.date(2024, 1, 1), 1), (dt.date(2024, 2, 1), 6)]


def test_a_running_value_of_the_last_period_is_that_at_its_end() -> None:
    world = asked(sold(("2024-01-03", 1), ("2024-01-20", 2)))
    assert world.ask({"metrics": ["taken_of_week"], "by": ["time:month"]}) == []  # nothing in the seven days to the end of January
    assert world.ask({"metrics": ["taken_of_week"], "by": ["time:fiscal_period"]}) == []  # nor in those to the 28th


def test_a_window_with_an_end_alone_shows_the_days_to_its_end() -> None:
    world, plan = asked(sold(("2024-01-03", 1))), {"by": ["time:day"], "window": {"end": "2024-01-05"}}
    days = [(dt.date(2024, 1, 3), 1), (dt.date(2024, 1, 4), 1)]
    assert world.ask({**plan, "metrics": ["taken_of_year"]}) == days  # without the calendar
    assert world.ask({**plan, "metrics": ["taken_of_period"]}) == days


def test_a_window_with_an_end_alone_shows_the_periods_to_its_end() -> None:
    rows = asked(sold(("2024-01-03", 1))).ask({"metrics": ["taken_before"], "by": ["time:fiscal_period"], "window": {"end": "2024-02-26"}})
    assert rows == [(dt.date(2024, 1, 29), 1)]
