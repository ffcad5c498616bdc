"""Values moved in time, and comparisons: each shown piece of time beside the one that it was moved to, as Python makes it of the rows."""

from __future__ import annotations

import datetime as dt

import pytest
from answerable.context.errors import NotSupported
from hypothesis import given
from hypothesis import strategies as st
from timelines import (
    CLOSED_WINDOWS,
    CUT_WINDOWS,
    DAYS,
    SETTINGS,
    SOME_WINDOWS,
    WINDOWS,
    Asked,
    Frame,
    Key,
    Row,
    Sales,
    Span,
    Values,
    as_rows,
    as_window,
    asked_of,
    at,
    each_of,
    ever,
    many,
    moment,
    moved,
    over,
    pieces,
    sales_of,
    side_by_side,
    sold,
    start_of,
    still,
    to_date,
    trailing,
    valued,
)  # fmt: skip

STEPS: dict[str, tuple[str, Frame]] = {
    "a_month_ago": ("1 month", moved(months=1)),
    "a_quarter_ago": ("1 quarter", moved(months=3)),
    "a_year_ago": ("1 year", moved(months=12)),
    "a_week_ago": ("7 days", moved(days=7)),
}
MEASURES = ("taken", "buyers", "average", "paid", "spread", "per_sale", "ratio", "taken_a", "oslo_sales", "refunded")
MOVED = [(metric, step) for metric in MEASURES for step in STEPS]
NESTED: dict[str, tuple[str, str, Frame]] = {
    "month_and_year": ("taken_a_month_ago", "1 year", each_of(moved(months=12), moved(months=1))),
    "two_months": ("taken_a_month_ago", "1 month", each_of(moved(months=1), moved(months=1))),
    "to_date_last_year": ("to_date", "1 year", each_of(moved(months=12), to_date("year"))),
    "month_to_date_last_month": ("month_to_date", "1 month", each_of(moved(months=1), to_date("month"))),
    "week_before": ("last_week", "7 days", each_of(moved(days=7), trailing(days=7))),
    "ever_before": ("so_far", "1 month", each_of(moved(months=1), ever)),
}
METRICS = "\n".join([
    *(f"  {m}_{step}: {{type: derived, expr: v, inputs: {{v: {{metric: {m}, offset: {STEPS[step][0]}}}}}}}" for m, step in MOVED),
    *(f"  {name}: {{type: derived, expr: v, inputs: {{v: {{metric: {m}, offset: {text}}}}}}}" for name, (m, text, _) in NESTED.items()),
    "  to_date: {type: cumulative, metric: taken, to_date: year}",
    "  month_to_date: {type: cumulative, metric: taken, to_date: month}",
    "  last_week: {type: cumulative, metric: taken, window: 7 days}",
    "  so_far: {type: cumulative, metric: taken}",
    "",
])  # fmt: skip
EVERY_GRAIN = ["day", "week", "month", "quarter", "year", "fiscal_quarter", "fiscal_year"]
GRAINS = st.sampled_from(EVERY_GRAIN)
BY = st.sampled_from([[], ["kind"], ["shop.city"], ["shop.city", "kind"]])
Plan = tuple[str, list[str], Span | None]


def asked(sales: Sales) -> Asked:
    return asked_of(sales, METRICS, SETTINGS)


def facts(sales: Sales, *metrics: str) -> list[Row]:
    """The rows of all facts of a plan, which say what periods are shown."""
    refunds = any(metric.startswith("refund") for metric in metrics)
    return [*(sales.sales if any(not metric.startswith("refund") for metric in metrics) else ()), *(sales.refunds if refunds else ())]


def rows_of(sales: Sales, metric: str) -> tuple[Row, ...]:
    return sales.refunds if metric.startswith("refund") else sales.sales


def own(sales: Sales, metric: str, grain: str, window: Span | None, by: list[str]) -> Values:
    """A metric that is not moved; rows without a date are in no period, and shown apart without a window."""
    rows = rows_of(sales, metric)
    found = over(sales, metric, still, pieces(grain, rows, window), rows, by, grain)
    undated = [row for row in rows if moment(row) is None]
    return found | ({(None, *key): value for key, value in valued(sales, metric, undated, by).items()} if undated and not window else {})


@given(sales_of(), st.lists(st.tuples(st.sampled_from(MOVED), GRAINS, BY, WINDOWS | CUT_WINDOWS), min_size=1, max_size=4))
def test_a_moved_value(sales: Sales, plans: list[tuple[tuple[str, str], str, list[str], Span | None]]) -> None:
    world = asked(sales)
    for (metric, step), grain, by, window in plans:
        if grain == "day" and any(edge and edge.time() != dt.time() for edge in window or ()):
            continue  # see below, by hand
        shown = pieces(grain, facts(sales, metric), window)
        column = over(sales, metric, STEPS[step][1], shown, rows_of(sales, metric), by, grain)
        found = world.ask({"metrics": [f"{metric}_{step}"], "by": [f"time:{grain}", *by], **as_window(window)})
        assert as_rows(found, [metric]) == side_by_side([(metric, column)]), (metric, step, grain, by, window)


@given(sales_of(), st.lists(st.tuples(st.sampled_from(sorted(NESTED)), GRAINS, BY, WINDOWS), min_size=1, max_size=4))
def test_a_moved_value_of_one_that_is_moved_or_runs(sales: Sales, plans: list[tuple[str, str, list[str], Span | None]]) -> None:
    world = asked(sales)
    for name, grain, by, window in plans:
        column = over(sales, "taken", NESTED[name][2], pieces(grain, sales.sales, window), sales.sales, by, grain)
        found = world.ask({"metrics": [name], "by": [f"time:{grain}", *by], **as_window(window)})
        assert as_rows(found, ["taken"]) == side_by_side([("taken", column)]), (name, grain, by, window)


@given(
    sales_of(),
    st.lists(st.tuples(st.sampled_from(MOVED), st.sampled_from(["taken", "buyers", "refunded"]), GRAINS, BY, WINDOWS), max_size=4),
)
def test_a_moved_value_beside_others(sales: Sales, plans: list[tuple[tuple[str, str], str, str, list[str], Span | None]]) -> None:
    world = asked(sales)
    for (metric, step), other, grain, by, window in plans:
        shown = pieces(grain, facts(sales, metric, other), window)
        columns = [
            (other, own(sales, other, grain, window, by)),
            (metric, over(sales, metric, STEPS[step][1], shown, rows_of(sales, metric), by, grain)),
        ]
        found = world.ask({"metrics": [other, f"{metric}_{step}"], "by": [f"time:{grain}", *by], **as_window(window)})
        assert as_rows(found, [other, metric]) == side_by_side(columns), (metric, step, other, grain, by, window)


@given(sales_of(), st.lists(st.tuples(st.sampled_from(MOVED), st.sampled_from(sorted(NESTED)), BY, SOME_WINDOWS), max_size=4))
def test_a_moved_value_of_a_window(sales: Sales, plans: list[tuple[tuple[str, str], str, list[str], Span]]) -> None:
    world = asked(sales)
    for (metric, step), nested, by, window in plans:
        for name, of, frame in ((f"{metric}_{step}", metric, STEPS[step][1]), (nested, "taken", NESTED[nested][2])):
            column = over(sales, of, frame, {"": window}, rows_of(sales, of), by)
            found = world.ask({"metrics": [name], "by": by, **as_window(window)})
            expected = side_by_side([(of, {key[1:]: value for key, value in column.items()})])
            assert as_rows(found, [of]) == expected, (name, by, window)


CONDITIONS = {"kind = 'a'": ("kind", "a"), "shop.city = 'Oslo'": ("shop.city", "Oslo")}


@given(sales_of(), st.sampled_from(MOVED), st.sampled_from(sorted(CONDITIONS)), GRAINS, WINDOWS)
def test_a_condition_on_a_group_is_one_on_the_rows_that_count(
    sales: Sales, which: tuple[str, str], where: str, grain: str, window: Span | None
) -> None:
    metric, step = which
    ref, passing = CONDITIONS[where]
    shown = pieces(grain, facts(sales, metric), window)
    rows = [row for row in rows_of(sales, metric) if sales.value(row, ref) == passing]
    column = over(sales, metric, STEPS[step][1], shown, rows, [], grain)
    found = asked(sales).ask({"metrics": [f"{metric}_{step}"], "by": [f"time:{grain}"], "where": [where], **as_window(window)})
    assert as_rows(found, [metric]) == side_by_side([(metric, column)])


@given(
    sales_of(), st.sampled_from(MOVED), st.sampled_from(["day", "month"]), st.sampled_from(["month", "quarter", "year"]), st.data(), WINDOWS
)
def test_a_condition_on_the_time_chooses_what_is_shown(
    sales: Sales, which: tuple[str, str], grain: str, coarser: str, data: st.DataObject, window: Span | None
) -> None:
    metric, step = which
    shown = pieces(grain, facts(sales, metric), window)
    named = start_of(coarser)
    chosen = data.draw(st.sampled_from(sorted({named(day) for day in shown}) or [dt.date(2024, 1, 1)]))
    kept = {day: piece for day, piece in shown.items() if named(day) == chosen}
    column = over(sales, metric, STEPS[step][1], kept, rows_of(sales, metric), [], grain)
    plan = {"metrics": [f"{metric}_{step}"], "by": [f"time:{grain}"], "where": [f"time:{coarser} = '{chosen}'"], **as_window(window)}
    assert as_rows(asked(sales).ask(plan), [metric]) == side_by_side([(metric, column)])


@given(
    sales_of(), st.sampled_from(MOVED), st.sampled_from([("week", "month"), ("month", "quarter"), ("week", "year")]), BY, CLOSED_WINDOWS
)  # fmt: skip
def test_what_is_in_two_periods_moves_at_both_ends(
    sales: Sales, which: tuple[str, str], grains: tuple[str, str], by: list[str], window: Span | None
) -> None:
    metric, step = which
    one, other = map(start_of, grains)
    shown = pieces(lambda day: (one(day), other(day)), facts(sales, metric), window)
    column = over(sales, metric, STEPS[step][1], shown, rows_of(sales, metric), by)
    plan = {"metrics": [f"{metric}_{step}"], "by": [*(f"time:{grain}" for grain in grains), *by], **as_window(window)}
    expected = side_by_side([(metric, {(*key[0], *key[1:]): value for key, value in column.items()})])
    assert as_rows(asked(sales).ask(plan), [metric]) == expected


@given(sales_of(), st.lists(st.tuples(st.sampled_from(MOVED), GRAINS.filter(lambda g: g != "day"), DAYS, st.booleans()), max_size=4))
def test_a_condition_up_to_a_day_or_from_it_on_cuts_as_a_window_does(
    sales: Sales, plans: list[tuple[tuple[str, str], str, dt.date, bool]]
) -> None:
    world = asked(sales)
    for (metric, step), grain, day, is_start in plans:
        dates = [time for row in rows_of(sales, metric) if (time := moment(row))]
        if not dates or not min(dates) < at(day) <= max(dates):
            continue  # the window would show other periods than the data has
        shown = pieces(grain, facts(sales, metric), (at(day), None) if is_start else (None, at(day)))
        column = over(sales, metric, STEPS[step][1], shown, rows_of(sales, metric), [], grain)
        where = [f"time {'>=' if is_start else '<'} '{day}'"]
        found = world.ask({"metrics": [f"{metric}_{step}"], "by": [f"time:{grain}"], "where": where})
        assert as_rows(found, [metric]) == side_by_side([(metric, column)]), (metric, step, grain, where)


# -- comparisons -----------------------------------------------------------------------------------------------------------------


def length(window: Span) -> Frame:
    """The move by a window's own length: whole months where it begins and ends on the same day of one, else days."""
    start, end = window
    assert start and end
    months = (end.year - start.year) * 12 + end.month - start.month
    return moved(months=months) if months and start.day == end.day else moved(days=(end - start).days)


def change(now: Key, before: Key) -> Key:
    """What a comparison shows of two values."""
    (a,), (b,) = now, before
    less = None if a is None or b is None else a - b
    return a, b, less, less / b if less is not None and b else None


@given(
    sales_of(),
    st.lists(
        st.tuples(
            st.sampled_from(["taken", "buyers", "ratio", "paid", "taken_a", "refunded"]),
            st.none() | GRAINS,
            BY,
            SOME_WINDOWS,
            st.booleans(),
        ),
        max_size=4,
    ),
)
def test_a_comparison_with_the_time_before_or_the_year_before(
    sales: Sales, plans: list[tuple[str, str | None, list[str], Span, bool]]
) -> None:
    world = asked(sales)
    for metric, grain, by, window, previous in plans:
        shown = pieces(grain, (), window) if grain else {"": window}
        rows, frame = rows_of(sales, metric), length(window) if previous else moved(months=12)
        columns = [(metric, over(sales, metric, f, shown, rows, by, grain or "")) for f in (still, frame)]
        expected = {key: change((now,), (before,)) for key, (now, before) in side_by_side(columns).items()}
        plan = {"metrics": [metric], "by": [*([f"time:{grain}"] if grain else []), *by], **as_window(window)}
        found = world.ask({**plan, "compare": {"to": "previous" if previous else "last_year"}})
        kept = {row[:-4] if grain else ("", *row[:-4]): row[-4:] for row in found if any(row[-4:-2])}
        assert kept == {key: row for key, row in expected.items() if any(row[:2])}, (metric, grain, by, window, previous)


@pytest.mark.parametrize("name", sorted(NESTED))
def test_every_moved_value_by_every_period(name: str) -> None:
    sales = many()
    world = asked(sales)
    for grain in EVERY_GRAIN:
        for window in (None, (dt.datetime(2024, 2, 1), dt.datetime(2025, 4, 1))):
            column = over(sales, "taken", NESTED[name][2], pieces(grain, sales.sales, window), sales.sales, ["kind"], grain)
            found = world.ask({"metrics": [name], "by": [f"time:{grain}", "kind"], **as_window(window)})
            assert as_rows(found, ["taken"]) == side_by_side([("taken", column)]), (grain, window)


# -- by hand ---------------------------------------------------------------------------------------------------------------------


MARCH = {"start": "2024-03-01", "end": "2024-04-01"}


def test_the_last_days_of_march_are_beside_the_last_of_february() -> None:
    sales, window = sold(("2024-02-28", 1), ("2024-02-29", 2), ("2024-03-01", 4)), {"start": "2024-03-28", "end": "2024-04-01"}
    rows = asked(sales).ask({"metrics": ["taken_a_month_ago"], "by": ["time:day"], "window": window})
    assert rows == [(dt.date(2024, 3, day), amount) for day, amount in ((28, 1), (29, 2), (30, 2), (31, 2))]


def test_the_29th_of_february_is_beside_the_28th_a_year_before() -> None:
    sales, window = sold(("2023-02-28T09:00", 1), ("2024-02-28", 2), ("2024-02-29", 4)), {"start": "2024-02-28", "end": "2024-03-01"}
    rows = asked(sales).ask({"metrics": ["taken"], "by": ["time:day"], "window": window, "compare": {"to": "last_year"}})
    assert rows == [(dt.date(2024, 2, 28), 2, 1, 1, 1.0), (dt.date(2024, 2, 29), 4, 1, 3, 3.0)]


HALF_DAY = sold(
    ("2024-02-05T06:00", 1), ("2024-02-05T13:00", 2), ("2024-02-06T06:00", 4), ("2024-03-05T06:00", 8), ("2024-03-05T13:00", 16)
)


@pytest.mark.parametrize(("start", "end", "before"), [("2024-03-05T10:00", "2024-03-06", 2), ("2024-03-05", "2024-03-05T12:00", 1)])
def test_a_day_that_the_window_cuts_is_beside_as_much_of_another(start: str, end: str, before: int) -> None:
    plan = {"metrics": ["taken_a_month_ago"], "window": {"start": start, "end": end}}
    assert asked(HALF_DAY).ask(plan) == [(before,)]
    assert asked(HALF_DAY).ask({**plan, "by": ["time:day"]}) == [(dt.date(2024, 3, 5), before)]


def test_a_morning_is_compared_with_the_evening_before() -> None:
    window = {"start": "2024-02-06", "end": "2024-02-06T12:00"}
    rows = asked(HALF_DAY).ask({"metrics": ["taken"], "by": ["time:day"], "window": window, "compare": {"to": "previous"}})
    assert rows == [(dt.date(2024, 2, 6), 4, 2, 2, 1.0)]


def test_weeks_by_months_count_the_29th_of_february_once() -> None:
    sales = sold(("2024-02-29", 1), ("2024-03-29", 2))
    rows = asked(sales).ask({"metrics": ["taken_a_month_ago"], "by": ["time:month", "time:week"], "window": MARCH})
    assert rows == [(dt.date(2024, 3, 1), dt.date(2024, 3, 25), 1)]


def test_a_window_of_one_day_is_beside_one_day() -> None:
    sales, day = sold(("2023-02-28", 1), ("2024-02-28", 2)), {"start": "2024-02-28", "end": "2024-02-29"}
    assert asked(sales).ask({"metrics": ["taken"], "window": day, "compare": {"to": "last_year"}}) == [(2, 1, 1, 1.0)]


OF_A_YEAR = sold(("2023-03-10", 1), ("2023-12-31", 2), ("2024-01-31", 4), ("2024-02-10", 8))


@pytest.mark.parametrize(("grain", "name", "rows"), [
    ("year", "to_date_last_year", [(dt.date(2024, 1, 1), 3)]),
    ("month", "month_to_date_last_month", [(dt.date(2023, 4, 1), 1), (dt.date(2024, 1, 1), 2), (dt.date(2024, 2, 1), 4)]),
])  # fmt: skip
def test_a_period_to_date_is_beside_the_whole_one_before(grain: str, name: str, rows: list[Key]) -> None:
    assert asked(OF_A_YEAR).ask({"metrics": [name], "by": [f"time:{grain}"]}) == rows


def test_the_month_to_date_is_compared_with_the_month_before() -> None:
    plan = {"metrics": ["month_to_date"], "by": ["time:month"], "window": {"start": "2024-02-01", "end": "2024-03-01"}}
    assert asked(OF_A_YEAR).ask({**plan, "compare": {"to": "previous"}}) == [(dt.date(2024, 2, 1), 8, 4, 4, 1.0)]


MONTHS = sold(("2023-12-10", 1000), ("2024-01-10", 1), ("2024-02-10", 10), ("2024-03-10", 100))
FIRST_QUARTER = {"start": "2024-01-01", "end": "2024-04-01"}


@pytest.mark.parametrize(("month", "now", "before"), [("2024-01-01", 1, 1000), ("2024-02-01", 10, 1), ("2024-03-01", 100, 10)])
def test_a_condition_on_months_cuts_a_quarter_and_the_one_beside_it_alike(month: str, now: int, before: int) -> None:
    plan = {
        "metrics": ["taken", "taken_a_month_ago"],
        "by": ["time:quarter"],
        "where": [f"time:month = '{month}'"],
        "window": FIRST_QUARTER,
    }
    assert asked(MONTHS).ask(plan) == [(dt.date(2024, 1, 1), now, before)]


def test_saturdays_by_month_are_beside_the_days_that_those_are_moved_to() -> None:
    sales = sold(("2024-01-10", 1), ("2024-01-11", 5), ("2024-02-10", 10))  # a Wednesday, a Thursday, a Saturday
    plan = {"metrics": ["taken", "taken_a_month_ago"], "by": ["time:month"], "where": ["time:day_of_week = 6"], "window": FIRST_QUARTER}
    assert asked(sales).ask(plan) == [(dt.date(2024, 2, 1), 10, 1)]


def test_a_condition_on_the_time_without_a_grain_is_refused() -> None:
    plan = {"metrics": ["taken", "taken_a_month_ago"], "where": ["time:month = '2024-02-01'"], "window": FIRST_QUARTER}
    with pytest.raises(NotSupported, match="name a window"):
        asked(MONTHS).ask(plan)


def test_a_whole_day_keeps_its_length_where_the_window_cuts_another() -> None:
    sales = sold(("2024-02-28T11:00", 1), ("2024-02-29", 2))
    window = {"start": "2024-03-28T10:00", "end": "2024-04-01"}
    rows = asked(sales).ask({"metrics": ["taken_a_month_ago"], "by": ["time:day"], "window": window})
    assert rows == [(dt.date(2024, 3, day), amount) for day, amount in ((28, 1), (29, 2), (30, 2), (31, 2))]
