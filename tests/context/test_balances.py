"""Balances: the day that each is taken from, the mean, least and greatest of the days; as Python makes them of the rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from timelines import (
    CUT_WINDOWS,
    DAYS,
    SETTINGS,
    WINDOWS,
    Asked,
    Row,
    Sales,
    Span,
    Values,
    as_rows,
    as_window,
    asked_of,
    dated,
    inside,
    moment,
    moved,
    pieces,
    sales_of,
    side_by_side,
    sold,
    start_of,
    valued,
)  # fmt: skip

PICKS = ["last", "first", "average", "min", "max"]
# The same tables as levels: what lay in a shop at a moment, and what was owed on a day.
LEVELS = """model: levels
table: t.sales
endorsed: true
primary_key: sale_id
time: sold_at
joins: {shop: {model: shops, on: shop}}
dimensions: {kind: {}, sold_at: {type: time, grain: hour}}
metrics:
""" + "\n".join(
    f"  {metric}_{pick}: {{expr: {expr}, over_time: {pick}{condition}}}"
    for pick in PICKS
    for metric, expr, condition in [
        ("taken", "sum(amount)", ""),
        ("sales", "count(*)", ""),
        ("taken_a", "sum(amount)", ", filter: kind = 'a'"),
    ]
)
DEBTS = """model: debts
table: t.refunds
endorsed: true
primary_key: refund_id
time: refunded_on
joins: {shop: {model: shops, on: shop}}
dimensions: {kind: {}, refunded_on: {type: time, grain: day}}
metrics:
""" + "\n".join(f"  refunded_{pick}: {{expr: sum(amount), over_time: {pick}}}" for pick in PICKS)
METRICS = "\n".join(
    f"  {metric}_{pick}_before: {{type: derived, expr: v, inputs: {{v: {{metric: {metric}_{pick}, offset: 1 month}}}}}}"
    for metric in ("taken", "refunded") for pick in PICKS
)  # fmt: skip
BALANCES = st.tuples(st.sampled_from(["taken", "sales", "taken_a", "refunded"]), st.sampled_from(PICKS))
PARTS: dict[str, Callable[[dt.date], Any]] = {
    **{grain: start_of(grain) for grain in ("day", "week", "month", "quarter", "fiscal_year")},
    "day_of_week": lambda day: day.isoweekday(), "month_of_year": lambda day: day.month,
}  # fmt: skip
BY = st.sampled_from([[], ["kind"], ["shop.city"], ["shop.city", "kind"]])
FEW_DAYS = st.sampled_from([dt.date(2024, 2, day) for day in (1, 2, 28, 29)] + [dt.date(2024, 3, 1)]) | DAYS
SALES = sales_of(FEW_DAYS) | sales_of(FEW_DAYS).map(dated)


def asked(sales: Sales) -> Asked:
    return asked_of(sales, f"{METRICS}\n", SETTINGS, models=(("models/levels.yml", LEVELS), ("models/debts.yml", DEBTS)))


def rows_of(sales: Sales, metric: str) -> tuple[Row, ...]:
    return sales.refunds if metric == "refunded" else sales.sales


def day_of(row: Row) -> dt.date | None:
    time = moment(row)
    return time and time.date()


def balance(
    sales: Sales, metric: str, pick: str, rows: list[Row], by: list[str], counted: Callable[[Row], bool] = lambda row: True
) -> Values:
    """A balance of some rows. Its day is one that any of the rows has; what is `counted` of that day is the balance."""
    days = {day for row in rows if (day := day_of(row))}
    if pick in ("last", "first"):
        day = (max if pick == "last" else min)(days, default=None)
        return valued(sales, metric, [row for row in rows if day and day_of(row) == day and counted(row)], by)
    of_days = [valued(sales, metric, [row for row in rows if day_of(row) == day and counted(row)], by) for day in days]
    keys = {key for values in of_days for key in values}
    found = {key: [value for values in of_days if (value := values.get(key)) is not None] for key in keys}
    return {key: sum(v) / len(v) if pick == "average" else min(v) if pick == "min" else max(v) for key, v in found.items() if v}


def near(window: Span | None, pick: str) -> Span:
    """A balance without a grain keeps to one side of its window: where that has no row, the next day beyond it counts."""
    start, end = window or (None, None)
    return (None, end) if pick == "last" else (start, None) if pick == "first" else (start, end)


@given(SALES, st.lists(st.tuples(BALANCES, BY, WINDOWS | CUT_WINDOWS), min_size=1, max_size=4))
def test_a_balance(sales: Sales, plans: list[tuple[tuple[str, str], list[str], Span | None]]) -> None:
    world = asked(sales)
    for (metric, pick), by, window in plans:
        rows = [row for row in inside(rows_of(sales, metric), near(window, pick)) if moment(row)]
        found = world.ask({"metrics": [f"{metric}_{pick}"], "by": by, **as_window(window)})
        assert as_rows(found, [metric]) == side_by_side([(metric, balance(sales, metric, pick, rows, by))]), (metric, pick, by, window)


@given(SALES, st.lists(st.tuples(BALANCES, st.sampled_from(sorted(PARTS)), BY, WINDOWS | CUT_WINDOWS), min_size=1, max_size=4))
def test_a_balance_by_period_is_of_each_period(sales: Sales, plans: list[tuple[tuple[str, str], str, list[str], Span | None]]) -> None:
    world = asked(sales)
    for (metric, pick), part, by, window in plans:
        rows = [row for row in inside(rows_of(sales, metric), window or (None, None)) if moment(row)]
        column: Values = {}
        for name in {PARTS[part](day) for row in rows if (day := day_of(row))}:
            of_period = [row for row in rows if (day := day_of(row)) and PARTS[part](day) == name]
            column |= {(name, *key): value for key, value in balance(sales, metric, pick, of_period, by).items()}
        found = [row for row in world.ask({"metrics": [f"{metric}_{pick}"], "by": [f"time:{part}", *by], **as_window(window)}) if row[0]]
        assert as_rows(found, [metric]) == side_by_side([(metric, column)]), (metric, pick, part, by, window)


@given(SALES, st.lists(st.tuples(BALANCES, st.sampled_from(["kind = 'a'", "shop.city = 'Oslo'"]), WINDOWS), min_size=1, max_size=4))
def test_a_group_without_a_row_on_the_day_has_ended(sales: Sales, plans: list[tuple[tuple[str, str], str, Span | None]]) -> None:
    world = asked(sales)
    for (metric, pick), where, window in plans:
        ref, passing = ("kind", "a") if where.startswith("kind") else ("shop.city", "Oslo")
        rows = [row for row in inside(rows_of(sales, metric), near(window, pick)) if moment(row)]

        def is_counted(row: Row, ref: str = ref, passing: str = passing) -> bool:
            return bool(sales.value(row, ref) == passing)

        column = balance(sales, metric, pick, rows, [], is_counted)
        found = world.ask({"metrics": [f"{metric}_{pick}"], "where": [where], **as_window(window)})
        assert as_rows(found, [metric]) == side_by_side([(metric, column)]), (metric, pick, where, window)


@given(
    SALES,
    st.lists(
        st.tuples(
            st.sampled_from(["taken", "refunded"]),
            st.sampled_from(["last", "first"]),
            st.sampled_from(["day", "week", "month", "quarter"]),
            BY,
            WINDOWS,
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_a_balance_of_a_month_ago(sales: Sales, plans: list[tuple[str, str, str, list[str], Span | None]]) -> None:
    world, frame = asked(sales), moved(months=1)
    for metric, pick, grain, by, window in plans:
        column: Values = {}
        for name, piece in pieces(grain, rows_of(sales, metric), window).items():
            rows = inside(rows_of(sales, metric), frame(piece, grain))
            column |= {(name, *key): value for key, value in balance(sales, metric, pick, rows, by).items()} if rows else {}
        found = world.ask({"metrics": [f"{metric}_{pick}_before"], "by": [f"time:{grain}", *by], **as_window(window)})
        assert as_rows(found, [metric]) == side_by_side([(metric, column)]), (metric, pick, grain, by, window)
        if not window:
            continue
        start, end = frame(window, "")
        rows = [row for row in inside(rows_of(sales, metric), near((start, end), pick)) if moment(row)]
        found = world.ask({"metrics": [f"{metric}_{pick}_before"], "by": by, **as_window(window)})
        assert as_rows(found, [metric]) == side_by_side([(metric, balance(sales, metric, pick, rows, by))]), (metric, pick, by, window)


@given(SALES, BALANCES, BALANCES, st.sampled_from(["day", "month"]), BY, WINDOWS)
def test_two_balances_side_by_side(
    sales: Sales, one: tuple[str, str], other: tuple[str, str], grain: str, by: list[str], window: Span | None
) -> None:
    if one == other:
        return
    columns = []
    for metric, pick in (one, other):
        column: Values = {}
        for name, piece in pieces(grain, rows_of(sales, metric), window).items():
            rows = inside(rows_of(sales, metric), piece)
            column |= {(name, *key): value for key, value in balance(sales, metric, pick, rows, by).items()} if rows else {}
        columns.append((metric, column))
    found = asked(sales).ask({"metrics": ["_".join(one), "_".join(other)], "by": [f"time:{grain}", *by], **as_window(window)})
    assert as_rows([row for row in found if row[0]], [one[0], other[0]]) == side_by_side(columns)


def test_rows_without_a_date_are_no_day() -> None:
    sales = sold(("2024-02-01", 1), ("2024-02-02", 3), (None, 8))
    assert asked(sales).ask({"metrics": ["taken_average", "taken_max", "taken_last"]}) == [(2, 3, 3)]
