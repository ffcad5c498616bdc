"""Base events that converted: each converted event belongs to the last base event of its shop before it; as Python finds them."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from timelines import (
    SETTINGS,
    Key,
    Row,
    Sales,
    Values,
    as_window,
    asked_of,
    at,
    inside,
    later,
    moment,
    sales_of,
    start_of,
    valued,
)  # fmt: skip

SHOPS = "model: shops\ntable: t.shops\nendorsed: true\nentity: shop\nprimary_key: shop_id\ndimensions: {city: {}}\n"
SPANS: dict[str, tuple[str, int, int]] = {"": ("", 0, 0), "_in_a_week": ("window: 7 days", 0, 7), "_in_a_month": ("window: 1 month", 1, 0)}
KINDS = [
    ("sales", "refunds", ""),
    ("refunds", "sales", ""),
    ("sales", "refunds", "kind"),
    ("taken_a", "refunds", ""),
    ("buyers", "refunds", ""),
]


def definitions() -> str:
    """A rate and a count of each kind within each span."""
    found = ""
    for base, converted, constant in KINDS:
        for name, (window, *_) in SPANS.items():
            said = [f"base: {base}, converted: {converted}, entity: shop", window, f"constant: [{constant}]" if constant else ""]
            for value in ("rate", "count"):
                parts = ", ".join(filter(None, ["type: conversion", *said, f"value: {value}"]))
                found += f"  {base}_{value}_{constant}{name}: {{{parts}}}\n"
    return found


METRICS = definitions()
DAYS = st.dates(dt.date(2024, 2, 20), dt.date(2024, 4, 5))
WINDOWS = st.none() | st.lists(DAYS.map(at), min_size=2, max_size=2, unique=True).map(lambda two: (min(two), max(two)))
BY = st.sampled_from([[], ["kind"], ["shop.city"], ["time:week"], ["time:month", "kind"]])
WHERE = st.sampled_from([None, ("kind = 'a'", "kind", "a"), ("shop.city = 'Oslo'", "shop.city", "Oslo")])


def untied(sales: Sales) -> Sales:
    """Without base events of one shop at one moment, of which any could be the last."""
    found: dict[Any, Row] = {}
    for row in sales.sales:
        found.setdefault((row["shop"], row["sold_at"]) if row["shop"] and row["sold_at"] else row["sale_id"], row)
    refunds: dict[Any, Row] = {}
    for row in sales.refunds:
        refunds.setdefault((row["shop"], row["refunded_on"]) if row["shop"] and row["refunded_on"] else row["refund_id"], row)
    return replace(sales, sales=tuple(found.values()), refunds=tuple(refunds.values()))


SALES = sales_of(DAYS, most=10).map(untied)


def converted(base: list[Row], events: list[Row], constant: str, months: int, days: int) -> list[Row]:
    """The base events that a converted event belongs to, and comes to soon enough."""
    found = []
    for event in events:
        time = moment(event)
        before = [
            row for row in base
            if row["shop"] is not None and row["shop"] == event["shop"] and time and (t := moment(row)) and t <= time
            and (not constant or (row[constant] is not None and row[constant] == event[constant]))
        ]  # fmt: skip
        if not before:
            continue
        last = max(before, key=lambda row: moment(row) or dt.datetime.min)
        start, end = moment(last), time
        assert start and end
        if not (months or days) or end < later(start, months, days):
            found.append(last)
    return [row for row in base if row in found]


def known(rows: list[Key]) -> Values:
    """A result by its keys, without null and zero."""
    return {row[:-1]: row[-1] for row in rows if row[-1]}


def valued_by(sales: Sales, metric: str, rows: list[Row], by: list[str]) -> Values:
    """A metric of rows by groups and periods; rows without a date are in the period of none."""
    grains, groups = (
        [ref.removeprefix("time:") for ref in by if ref.startswith("time:")],
        [ref for ref in by if not ref.startswith("time:")],
    )
    if not grains:
        return valued(sales, metric, rows, groups)
    named = {row_id(row): (time := moment(row)) and start_of(grains[0])(time.date()) for row in rows}
    periods = dict.fromkeys(named.values())
    return {
        (name, *key): value
        for name in periods
        for key, value in valued(sales, metric, [row for row in rows if named[row_id(row)] == name], groups).items()
    }


def row_id(row: Row) -> Any:
    return next(iter(row.values()))


@given(SALES, st.lists(st.tuples(st.sampled_from(KINDS), st.sampled_from(sorted(SPANS)), BY, WHERE, WINDOWS), min_size=1, max_size=4))
def test_base_events_that_converted(sales: Sales, plans: list[Any]) -> None:
    world = asked_of(sales, METRICS, SETTINGS, models=(("models/shops.yml", SHOPS),))
    for (base, _, constant), name, by, where, window in plans:
        rows = sales.refunds if base == "refunds" else sales.sales
        events = sales.sales if base == "refunds" else sales.refunds
        of_base = [row for row in rows if base != "taken_a" or row["kind"] == "a"]
        months, days = SPANS[name][1:]
        both = of_base, converted(of_base, list(events), constant, months, days)
        all_of, some = (
            valued_by(
                sales,
                base,
                [row for row in inside(among, window or (None, None)) if not where or sales.value(row, where[1]) == where[2]],
                by,
            )
            for among in both
        )
        plan = {"by": by, "where": [where[0]] if where else [], **as_window(window)}
        found = world.ask({**plan, "metrics": [f"{base}_count_{constant}{name}"]})
        assert known(found) == {key: value for key, value in some.items() if value}, (base, constant, name, by, where, window)
        found = world.ask({**plan, "metrics": [f"{base}_rate_{constant}{name}"]})
        rates = {key: (some.get(key) or 0) / value for key, value in all_of.items() if value}
        assert known(found) == {key: rate for key, rate in rates.items() if rate}, (base, constant, name, by, where, window)
        assert base == "taken_a" or {row[:-1] for row in found if row[-1] == 0} == {key for key, rate in rates.items() if not rate}
