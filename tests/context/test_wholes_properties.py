"""Every row of a model kept, shares, the first of each group, filters by a metric, filled periods; as Python makes them of the rows."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from stars import PROJECT, STARS, TYPES, Row, Star
from test_properties import METRICS, WHERE, Condition, expected
from timelines import SETTINGS, WINDOWS, Asked, Key, Sales, Span, as_window, asked_of, in_memory, inside, over, pieces, sales_of, still

ON_CUSTOMERS = ["customer.tier", "customer.region.name", "customer.member", "customer.name"]
Where = list[tuple[str, Condition]]
COUNTING = {"orders", "amount_sum", "amounts", "buyers", "open_sum", "open_orders", "gold_orders"}
"""Those that are 0 for a customer without orders; a mean, least or greatest value of nothing is null."""


def world(star: Star) -> Asked:
    return in_memory("star", TYPES, star, PROJECT)


def rows_of(star: Star, metrics: list[str], by: list[str], where: Where, orders: tuple[Row, ...] | None = None) -> dict[Key, Key]:
    rows = expected(star, metrics, by, where, star.orders if orders is None else orders)
    return {row[: len(by)]: row[len(by) :] for row in rows}


def as_customer(star: Star, customer: Row, ref: str) -> Any:
    """What a dimension of orders is for a customer."""
    return star.look({"buyer": customer["customer_id"]}, ref)


@given(
    STARS, st.lists(st.sampled_from(sorted(METRICS)), unique=True, min_size=1, max_size=2),
    st.lists(st.sampled_from(ON_CUSTOMERS), unique=True, min_size=1, max_size=2), WHERE,
)  # fmt: skip
def test_each_keeps_the_groups_of_all_customers(star: Star, metrics: list[str], by: list[str], where: Where) -> None:
    nothing = tuple(0 if metric in COUNTING else None for metric in metrics)
    kept = [
        customer for customer in star.customers
        if all(passes(as_customer(star, customer, ref)) for ref, (_, passes) in where if ref.startswith("customer."))
    ]  # fmt: skip
    found = {tuple(as_customer(star, customer, ref) for ref in by): nothing for customer in kept}
    for key, values in rows_of(star, metrics, by, where).items():
        found[key] = tuple(0 if value is None and metric in COUNTING else value for metric, value in zip(metrics, values, strict=True))
    plan = {"metrics": metrics, "by": by, "where": [text for _, (text, _) in where], "each": "customers"}
    asked = world(star)
    rows = asked.ask(plan)
    assert {row[: len(by)]: row[len(by) :] for row in rows} == found
    assert len(rows) == len(found)
    none = {row for row in rows if row[len(by)] == 0}
    assert set(asked.ask({**plan, "having": [f"{metrics[0]} = 0"]})) == none


@given(STARS, st.lists(st.sampled_from(["status", "customer.tier", "customer.region.name"]), unique=True, min_size=1, max_size=2), WHERE)
def test_shares_are_of_the_whole_or_of_their_group(star: Star, by: list[str], where: Where) -> None:
    values = {key: value for key, (value,) in rows_of(star, ["amount_sum"], by, where).items()}

    def share(key: Key, whole: list[Any]) -> float | None:
        value, total = values[key], sum(known) if (known := [v for v in whole if v is not None]) else None
        return value / total if value is not None and total else None

    of_all = {key: share(key, list(values.values())) for key in values}
    of_group = {key: share(key, [value for other, value in values.items() if other[0] == key[0]]) for key in values}
    plan = {"metrics": ["amount_sum"], "by": by, "where": [text for _, (text, _) in where]}
    asked = world(star)
    assert {row[:-2]: row[-2:] for row in asked.ask({**plan, "share": "total"})} == {k: (values[k], of_all[k]) for k in values}
    assert {row[:-2]: row[-2:] for row in asked.ask({**plan, "share": [by[0]]})} == {k: (values[k], of_group[k]) for k in values}
    having = asked.ask({**plan, "share": "total", "having": ["amount_sum > 1"]})
    assert {row[:-2]: row[-1] for row in having} == {key: of_all[key] for key, value in values.items() if value is not None and value > 1}


def last_null(value: Any) -> tuple[bool, Any]:
    return value is None, 0 if value is None else value


@given(STARS, st.sampled_from(["amount_sum", "orders", "amount_avg"]), st.sampled_from(["", "-"]), st.integers(1, 2), WHERE)
def test_the_first_of_each_group(star: Star, metric: str, sign: str, n: int, where: Where) -> None:
    by = ["customer.tier", "status", "customer.region.name"]
    rows = [(*key, *value) for key, value in rows_of(star, [metric], by, where).items()]

    def order(row: Key) -> list[Any]:
        value = last_null(row[-1])
        return [(value[0], -value[1] if sign else value[1]), *map(last_null, row[:-1])]

    ordered = sorted(rows, key=order)
    by_tier = sorted(ordered, key=lambda row: last_null(row[0]))
    top = [row for _, of_tier in groupby(by_tier, key=lambda row: row[0]) for row in list(of_tier)[:n]]
    plan = {"metrics": [metric], "by": by, "where": [text for _, (text, _) in where], "order": [f"{sign}{metric}"]}
    asked = world(star)
    assert asked.ask({**plan, "limit": n}) == ordered[:n]
    assert asked.ask({**plan, "limit": {"n": n, "per": ["customer.tier"]}}) == top


PER: dict[str, Callable[[list[Row]], Any]] = {
    "orders": lambda rows: len(rows) or None,
    "amount_sum": METRICS["amount_sum"][1],
    "calls": lambda rows: len(rows) or None,
    "minutes": lambda rows: sum(known) if (known := [row["minutes"] for row in rows if row["minutes"] is not None]) else None,
    "open_orders": lambda rows: len([row for row in rows if row["status"] == "a"]) or None,
}


@given(STARS, st.sampled_from(sorted(PER)), st.integers(0, 3), st.sampled_from([[], ["status"], ["customer.tier"]]), WHERE)
def test_a_metric_in_a_filter_is_of_the_whole_customer(star: Star, metric: str, least: int, by: list[str], where: Where) -> None:
    def of_customer(row: Row) -> Any:
        """The metric of the row's customer by its own filters only, also of one who is gone; nobody has none."""
        facts = star.calls if metric in ("calls", "minutes") else star.orders
        return PER[metric]([other for other in facts if row["buyer"] is not None and other["buyer"] == row["buyer"]])

    kept = tuple(row for row in star.orders if (value := of_customer(row)) is not None and value > least)
    plan = {"metrics": ["orders", "amount_sum"], "by": by, "where": [*(text for _, (text, _) in where), f"{metric} per customer > {least}"]}
    asked = world(star)
    rows = asked.ask(plan)
    assert {row[: len(by)]: row[len(by) :] for row in rows} == rows_of(star, ["orders", "amount_sum"], by, where, kept)


GRAINS = st.sampled_from(["day", "week", "month", "quarter", "fiscal_year"])
BY = st.sampled_from([[], ["kind"], ["shop.city"], ["shop.city", "kind"]])


@given(sales_of(), st.lists(st.tuples(GRAINS, BY, WINDOWS, st.booleans(), st.booleans()), max_size=5))
def test_the_periods_of_each_group_are_filled(sales: Sales, plans: list[tuple[str, list[str], Span | None, bool, bool]]) -> None:
    world = asked_of(sales, settings=SETTINGS)
    for grain, by, window, beside, filtered in plans:
        facts = [*sales.sales, *(sales.refunds if beside else ())]
        shown = pieces(grain, facts, window)
        rows = [row for row in inside(sales.sales, window or (None, None)) if not filtered or row["kind"] == "a"]
        others = [row for row in inside(sales.refunds, window or (None, None)) if not filtered or row["kind"] == "a"] if beside else []
        groups = {tuple(sales.value(row, ref) for ref in by) for row in [*rows, *others]} if by else {()}
        taken, refunded = over(sales, "taken", still, shown, rows, by), over(sales, "refunded", still, shown, others, by)
        keys = [(name, *group) for name in shown for group in groups]
        metrics = ["taken_or_0", *(["refunded"] if beside else [])]
        plan = {"metrics": metrics, "by": [f"time:{grain}", *by], "where": ["kind = 'a'"] if filtered else [], **as_window(window)}
        found = {row[: len(by) + 1]: row[len(by) + 1 :] for row in world.ask(plan) if row[0]}
        assert found == {key: (taken.get(key) or 0, *([refunded.get(key)] if beside else [])) for key in keys}, (grain, by, window, beside)


@given(sales_of(), WINDOWS)
def test_a_total_of_nothing_is_0_where_it_is_filled(sales: Sales, window: Span | None) -> None:
    [(found,)] = asked_of(sales, settings=SETTINGS).ask({"metrics": ["taken_or_0"], **as_window(window)})
    assert found == sum(row["amount"] or 0 for row in inside(sales.sales, window or (None, None)))
