"""Running values: over the rows from the start of a period, over the last days, over all time; as Python makes them of the rows."""

from __future__ import annotations

import datetime as dt

import pytest
from answerable.context.errors import NotSupported, PlanError
from hypothesis import given
from hypothesis import strategies as st
from timelines import (
    CUT_WINDOWS,
    SETTINGS,
    SOME_WINDOWS,
    WINDOWS,
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
    dated,
    ever,
    inside,
    many,
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

FRAMES: dict[str, tuple[str, Frame]] = {
    "week_to_date": ("to_date: week", to_date("week")),
    "month_to_date": ("to_date: month", to_date("month")),
    "quarter_to_date": ("to_date: quarter", to_date("quarter")),
    "year_to_date": ("to_date: year", to_date("year")),
    "fiscal_year_to_date": ("to_date: fiscal_year", to_date("fiscal_year")),
    "of_3_days": ("window: 3 days", trailing(days=3)),
    "of_2_weeks": ("window: 2 weeks", trailing(days=14)),
    "of_a_month": ("window: 1 month", trailing(months=1)),
    "of_a_year": ("window: 1 year", trailing(months=12)),
    "so_far": ("", ever),
}
MEASURES = ("taken", "buyers", "average", "largest", "paid", "spread", "per_sale", "taken_a", "refunded")
RUNNING = [(metric, frame) for metric in MEASURES for frame in FRAMES]
METRICS = "\n".join(
    f"  {metric}_{frame}: {{type: cumulative, metric: {metric}{', ' * bool(FRAMES[frame][0])}{FRAMES[frame][0]}}}"
    for metric, frame in RUNNING
)
EVERY_GRAIN = ["day", "week", "month", "quarter", "year", "fiscal_quarter", "fiscal_year"]
GRAINS = st.sampled_from(EVERY_GRAIN)
BY = st.sampled_from([[], ["kind"], ["shop.city"], ["shop.city", "kind"]])
WHICH = st.sampled_from(RUNNING)
SALES = sales_of()


def asked(sales: Sales) -> Asked:
    return asked_of(sales, f"{METRICS}\n", SETTINGS)


def rows_of(sales: Sales, metric: str) -> tuple[Row, ...]:
    return sales.refunds if metric == "refunded" else sales.sales


def running(sales: Sales, which: tuple[str, str], shown: Pieces, by: list[str]) -> Values:
    metric, frame = which
    return over(sales, metric, FRAMES[frame][1], shown, rows_of(sales, metric), by)


@given(SALES, st.lists(st.tuples(WHICH, GRAINS, BY, WINDOWS | CUT_WINDOWS), min_size=1, max_size=4))
def test_a_running_value_by_a_period_is_that_at_its_end(
    sales: Sales, plans: list[tuple[tuple[str, str], str, list[str], Span | None]]
) -> None:
    world = asked(sales)
    for (metric, frame), grain, by, window in plans:
        column = running(sales, (metric, frame), pieces(grain, rows_of(sales, metric), window), by)
        found = world.ask({"metrics": [f"{metric}_{frame}"], "by": [f"time:{grain}", *by], **as_window(window)})
        assert as_rows(found, [metric]) == side_by_side([(metric, column)]), (metric, frame, grain, by, window)


@given(SALES, st.lists(st.tuples(WHICH, BY, SOME_WINDOWS | CUT_WINDOWS), min_size=1, max_size=4))
def test_a_running_value_of_a_window_is_that_at_its_end(sales: Sales, plans: list[tuple[tuple[str, str], list[str], Span]]) -> None:
    world = asked(sales)
    for (metric, frame), by, window in plans:
        rows = inside(rows_of(sales, metric), FRAMES[frame][1](window, ""))
        found = world.ask({"metrics": [f"{metric}_{frame}"], "by": by, **as_window(window)})
        assert as_rows(found, [metric]) == side_by_side([(metric, valued(sales, metric, rows, by))]), (metric, frame, by, window)


@given(SALES, WHICH, BY)
def test_without_a_window_and_a_grain_there_is_a_value_of_all_time_only(sales: Sales, which: tuple[str, str], by: list[str]) -> None:
    metric, frame = which
    plan = {"metrics": [f"{metric}_{frame}"], "by": by}
    if frame != "so_far":
        with pytest.raises(PlanError, match="needs a window"):
            asked(sales).ask(plan)
        return
    assert as_rows(asked(sales).ask(plan), [metric]) == side_by_side([(metric, valued(sales, metric, rows_of(sales, metric), by))])


@given(SALES, st.lists(st.tuples(WHICH, WHICH, GRAINS, BY, WINDOWS), min_size=1, max_size=4))
def test_several_running_values_run_side_by_side(
    sales: Sales, plans: list[tuple[tuple[str, str], tuple[str, str], str, list[str], Span | None]]
) -> None:
    world = asked(sales)
    for one, other, grain, by, window in plans:
        if one == other:
            continue
        facts = [
            row
            for metric in dict.fromkeys((one[0] == "refunded", other[0] == "refunded"))
            for row in (sales.refunds if metric else sales.sales)
        ]
        shown = pieces(grain, facts, window)
        found = world.ask({"metrics": ["_".join(one), "_".join(other)], "by": [f"time:{grain}", *by], **as_window(window)})
        columns = [(which[0], running(sales, which, shown, by)) for which in (one, other)]
        assert as_rows(found, [one[0], other[0]]) == side_by_side(columns), (one, other, grain, by, window)


@given(SALES, st.lists(st.tuples(WHICH, GRAINS, BY, WINDOWS), min_size=1, max_size=4))
def test_a_running_value_beside_its_own(sales: Sales, plans: list[tuple[tuple[str, str], str, list[str], Span | None]]) -> None:
    sales = dated(sales)
    world = asked(sales)
    for (metric, frame), grain, by, window in plans:
        rows = rows_of(sales, metric)
        shown = pieces(grain, rows, window)
        columns = [(metric, over(sales, metric, still, shown, rows, by)), (metric, running(sales, (metric, frame), shown, by))]
        found = world.ask({"metrics": [metric, f"{metric}_{frame}"], "by": [f"time:{grain}", *by], **as_window(window)})
        assert as_rows(found, [metric, metric]) == side_by_side(columns), (metric, frame, grain, by, window)


@given(
    SALES,
    WHICH,
    st.sampled_from([("week", "month"), ("day", "quarter"), ("month", "quarter"), ("week", "year")]),
    BY,
    st.none() | SOME_WINDOWS,
)
def test_a_running_value_by_two_periods_is_that_at_the_end_of_what_is_in_both(
    sales: Sales, which: tuple[str, str], grains: tuple[str, str], by: list[str], window: Span | None
) -> None:
    fine, coarse = map(start_of, grains)
    shown = pieces(lambda day: (fine(day), coarse(day)), rows_of(sales, which[0]), window)
    column = {(*key[0], *key[1:]): value for key, value in running(sales, which, shown, by).items()}
    plan = {"metrics": ["_".join(which)], "by": [*(f"time:{grain}" for grain in grains), *by], **as_window(window)}
    assert as_rows(asked(sales).ask(plan), [which[0]]) == side_by_side([(which[0], column)])


@given(SALES, WHICH, GRAINS, st.sampled_from([("kind = 'a'", "kind", "a"), ("shop.city = 'Oslo'", "shop.city", "Oslo")]), WINDOWS)
def test_a_condition_on_a_group_leaves_the_shown_periods(
    sales: Sales, which: tuple[str, str], grain: str, where: tuple[str, str, str], window: Span | None
) -> None:
    metric, frame = which
    shown = pieces(grain, rows_of(sales, metric), window)
    kept = [row for row in rows_of(sales, metric) if sales.value(row, where[1]) == where[2]]
    column = over(sales, metric, FRAMES[frame][1], shown, kept)
    plan = {"metrics": ["_".join(which)], "by": [f"time:{grain}"], "where": [where[0]], **as_window(window)}
    assert as_rows(asked(sales).ask(plan), [metric]) == side_by_side([(metric, column)])


@given(
    SALES,
    WHICH,
    st.sampled_from([("day", "month"), ("day", "week"), ("month", "quarter"), ("quarter", "year")]),
    st.integers(0, 99),
    WINDOWS,
)
def test_a_condition_on_the_time_limits_what_is_shown_and_not_what_counts(
    sales: Sales, which: tuple[str, str], grains: tuple[str, str], nth: int, window: Span | None
) -> None:
    grain, coarser = grains
    named, shown = start_of(coarser), pieces(grain, rows_of(sales, which[0]), window)
    among = sorted({named(day) for day in shown}) or [dt.date(2024, 1, 1)]
    chosen = among[nth % len(among)]
    column = running(sales, which, {day: piece for day, piece in shown.items() if named(day) == chosen}, [])
    plan = {"metrics": ["_".join(which)], "by": [f"time:{grain}"], "where": [f"time:{coarser} = '{chosen}'"], **as_window(window)}
    assert as_rows(asked(sales).ask(plan), [which[0]]) == side_by_side([(which[0], column)])


@pytest.mark.parametrize("frame", sorted(FRAMES))
def test_every_running_value_by_every_period(frame: str) -> None:
    sales = many()
    world = asked(sales)
    for grain in EVERY_GRAIN:
        for metric, window in (("taken", None), ("per_sale", (dt.datetime(2024, 2, 1), dt.datetime(2025, 4, 1)))):
            column = running(sales, (metric, frame), pieces(grain, sales.sales, window), ["kind"])
            found = world.ask({"metrics": [f"{metric}_{frame}"], "by": [f"time:{grain}", "kind"], **as_window(window)})
            assert as_rows(found, [metric]) == side_by_side([(metric, column)]), (grain, window)


@given(SALES, BY, st.sampled_from(["taken", "buyers"]))
def test_the_year_to_date_of_its_last_month_is_the_year(sales: Sales, by: list[str], metric: str) -> None:
    world, span = asked(sales), {"window": {"start": "2023-01-01", "end": "2026-02-01"}}
    for frame, grain, last in (("year_to_date", "year", 12), ("fiscal_year_to_date", "fiscal_year", 1)):
        months = world.ask({"metrics": [f"{metric}_{frame}"], "by": ["time:month", *by], **span})
        years = world.ask({"metrics": [metric], "by": [f"time:{grain}", *by], **span})
        assert {(m.year - (last == 1), *key): value for m, *key, value in months if m.month == last} == {
            (year.year, *key): value for year, *key, value in years
        }


# -- by hand ---------------------------------------------------------------------------------------------------------------------


def test_the_month_to_the_30th_of_march_is_that_since_the_28th_of_february() -> None:
    """The window ends with the day; 31 March less a month is the last of February."""
    sales, window = sold(("2025-02-27", 1), ("2025-02-28", 2), ("2025-03-30", 4)), {"start": "2025-03-30", "end": "2025-03-31"}
    assert asked(sales).ask({"metrics": ["taken_of_a_month"], "by": ["time:day"], "window": window}) == [(dt.date(2025, 3, 30), 6)]


def test_a_condition_on_the_time_without_a_grain_is_refused() -> None:
    sales, window = sold(("2024-01-10", 1), ("2024-02-10", 10)), {"start": "2024-01-01", "end": "2024-03-01"}
    plan = {"metrics": ["taken_year_to_date"], "where": ["time:month = '2024-02-01'"], "window": window}
    with pytest.raises(NotSupported, match="name a window"):
        asked(sales).ask(plan)


@pytest.mark.parametrize("frame", ["month_to_date", "of_3_days"])
def test_a_window_without_an_end_has_no_value_at_its_end(frame: str) -> None:
    sales = sold(("2024-01-05", 1), ("2024-01-20", 2), ("2024-02-10", 4), ("2024-03-10", 8), (None, 16))
    with pytest.raises(PlanError):
        asked(sales).ask({"metrics": [f"taken_{frame}"], "window": {"start": "2024-02-01"}})


def test_a_window_with_an_end_alone_shows_the_periods_to_its_end() -> None:
    world, plan = asked(sold(("2024-01-03", 1))), {"metrics": ["taken_so_far"], "window": {"end": "2024-01-15"}}
    for by in (["time:week"], ["time:week", "time:year"]):
        rows = world.ask({**plan, "by": by})
        assert [(row[0], row[-1]) for row in rows] == [(dt.date(2024, 1, 1), 1), (dt.date(2024, 1, 8), 1)], by
