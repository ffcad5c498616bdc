"""Plan → SQL → rows, and plan → refusal: fixtures/plans/*.txt hold them, over the shop of fixtures/shop."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import duckdb
import pytest
from answerable.context.compiler import compile_query
from answerable.context.compiler.grid import Grid
from answerable.context.compiler.time import Step, floor, shift, truncated
from answerable.context.errors import NotSupported, PlanError, UnknownName, Unreachable
from answerable.context.expr import substitute
from answerable.context.query import SemanticQuery, TimeWindow, as_query
from answerable.context.settings import ProjectSettings
from cases import cases
from hypothesis import given as drawn
from hypothesis import strategies as st
from sqlglot import exp


def shown(cell: Any) -> str:
    return "null" if cell is None else f"{cell:.4g}" if isinstance(cell, float) else str(cell)


@pytest.mark.parametrize(("plan", "sql", "rows"), cases("plans/sql.txt"))
def test_a_plan_becomes_sql_that_a_person_can_read_and_check(plan: str, sql: str, rows: str, given: Callable[..., Any]) -> None:
    shop = given()
    compiled = compile_query(as_query(json.loads(plan)), shop.catalog)
    assert compiled.tree.sql("duckdb", pretty=True) == sql
    assert "\n".join(" | ".join(map(shown, row)) for row in shop.ask(json.loads(plan))) == rows


@pytest.mark.parametrize(("plan", "refusal"), cases("plans/refusals.txt"))
def test_a_plan_that_cannot_be_answered_rightly_is_refused(plan: str, refusal: str, given: Callable[..., Any]) -> None:
    with pytest.raises(PlanError) as error:
        compile_query(as_query(json.loads(plan)), given().catalog)
    assert f"{type(error.value).__name__}: {error.value}" == refusal


def test_the_same_plan_gives_the_same_sql(given: Callable[..., Any]) -> None:
    plan = as_query({"metrics": ["pages", "orders", "revenue"], "by": ["customer.tier", "customer.name"]})
    texts = {compile_query(plan, given_catalog).tree.sql("duckdb") for given_catalog in [given().catalog] * 3}
    assert len(texts) == 1


def test_columns_are_called_as_in_the_plan_and_know_their_type_and_unit(given: Callable[..., Any]) -> None:
    plan = {"metrics": ["revenue"], "by": ["customer.score", "time:month", "time:day_of_week"], "share": "total"}
    columns = compile_query(as_query(plan), given().catalog).columns
    assert [(c.name, c.kind, c.type, c.unit) for c in columns] == [
        ("customer.score", "dimension", "number", None),
        ("time:month", "dimension", "date", None),
        ("time:day_of_week", "dimension", "number", None),
        ("revenue", "metric", "number", "EUR"),
        ("revenue_share", "share", "number", "%"),
    ]


def test_what_a_plan_stands_on_is_told(given: Callable[..., Any]) -> None:
    compiled = compile_query(as_query({"metrics": ["visits_per_order", "shipments"], "by": ["time:month"]}), given().catalog)
    assert {(fact.model, fact.time, fact.metrics) for fact in compiled.facts} == {
        ("visits", "visited_on", ("visits",)),
        ("orders", "ordered_on", ("orders",)),
        ("orders", "shipped_on", ("shipments",)),
    }


# -- what once went wrong ---------------------------------------------------------------------------------------------------


def with_fill(given: Callable[..., Any]) -> Any:
    shop = given()
    text = (shop.folder / "models/orders.yml").read_text().replace("orders: {expr: count(*)}", "orders: {expr: count(*), fill: 0}")
    return shop.changed({"models/orders.yml": text})


def test_rows_without_a_day_are_not_lost_when_empty_periods_are_filled(given: Callable[..., Any]) -> None:
    assert with_fill(given).ask({"metrics": ["orders"], "by": ["ordered_on:quarter"]}) == [
        (dt.date(2025, 1, 1), 6),
        (dt.date(2025, 4, 1), 1),
        (None, 1),
    ]


def test_a_model_may_be_called_like_a_step_of_the_sql(given: Callable[..., Any]) -> None:
    text = "model: {}\ntable: shop.regions\nendorsed: true\nprimary_key: region_id\nmetrics: {{n: {{expr: count(*)}}}}\n"
    for name in ("orders_totals", "periods", "together", "filled"):
        shop = with_fill(given).changed({"models/other.yml": text.format(name)})
        assert shop.ask({"metrics": ["orders", "n"]}) == [(8, 4)]
        plan = {"metrics": ["orders", "n"], "by": ["time:quarter"], "window": {"start": "2025-01-01", "end": "2025-04-01"}}
        with pytest.raises(Unreachable):  # it has no time, and not: a wrong number
            shop.ask(plan)
        assert shop.ask({**plan, "metrics": ["orders", "revenue_to_date"]}) == [(dt.date(2025, 1, 1), 6, 220)]


def test_a_period_that_the_window_cuts_is_compared_with_as_much_of_the_one_before(given: Callable[..., Any]) -> None:
    plan = {"metrics": ["orders"], "by": ["time:month"], "window": {"start": "2025-02-01", "end": "2025-02-15"}}
    rows = given().ask({**plan, "compare": {"to": "previous"}})  # the 14 days before: only the order of 31 January
    assert rows == [(dt.date(2025, 2, 1), 1, 1, 0, 0.0)]


def test_a_comparison_may_mix_days_and_moments(given: Callable[..., Any]) -> None:
    plan = {"metrics": ["orders"], "window": {"start": "2025-02-01T10:00:00", "end": "2025-03-01"}}
    rows = given().ask({**plan, "compare": {"to": {"start": "2025-01-01", "end": "2025-02-01"}}})
    assert rows == [(2, 2, 0, 0.0)]


def test_the_month_so_far_starts_anew_in_its_first_hour() -> None:
    settings = ProjectSettings(name="x", warehouse="duckdb:x")
    start, _ = Grid("hour", "hours").frame((Step("to_date", grain="month"),), "hour", False, TimeWindow(), settings)
    hour = exp.cast(exp.Literal.string("2025-03-01 05:00:00"), "TIMESTAMP")
    assert start is not None and evaluated(substitute(start, lambda period: hour.copy())) == dt.date(2025, 3, 1)


REPS = """model: reps
sql: select 1 as rep_id, team, date '2025-01-01' as valid_from, valid_to from (values ('A', date '2025-02-01')) t(team, valid_to)
  union all select 1, 'B', date '2025-02-01', null
endorsed: true
primary_key: rep_id
dimensions: {team: {}}
"""


def test_a_join_that_holds_for_a_span_of_time_holds_at_the_metrics_own_time(given: Callable[..., Any]) -> None:
    shop = given()
    join = "joins:\n  rep: {model: reps, on: {customer_id: rep_id}, valid: {from: valid_from, to: valid_to}}\n"
    texts = {name: (shop.folder / f"models/{name}.yml").read_text().replace("joins:\n", join) for name in ("orders", "customers")}
    shop = shop.changed({"models/reps.yml": REPS, **{f"models/{name}.yml": text for name, text in texts.items()}})
    assert shop.ask({"metrics": ["orders"], "by": ["rep.team"]}) == [("A", 2), (None, 6)]
    assert shop.ask({"metrics": ["shipments"], "by": ["rep.team"]}) == [("A", 1), ("B", 1), (None, 4)]
    with pytest.raises(Unreachable, match="has no time"):
        shop.ask({"metrics": ["customers_known"], "by": ["rep.team"]})


def test_what_is_in_several_units_is_never_added_up(given: Callable[..., Any]) -> None:
    shop = given()
    text = (shop.folder / "models/items.yml").read_text().replace("{expr: sum(quantity)}", "{expr: sum(quantity), unit: {column: product}}")
    shop = shop.changed({"models/items.yml": text})
    with pytest.raises(PlanError, match="several units"):
        shop.ask({"metrics": ["pieces"]})
    with pytest.raises(PlanError, match="several units"):
        shop.ask({"metrics": ["pieces"], "where": ["product <> 'pen'"]})
    assert shop.ask({"metrics": ["pieces"], "where": ["product = 'pen'"]}) == [(5,)]
    assert shop.ask({"metrics": ["pieces"], "by": ["product"]}) == [("ink", 5), ("pad", 5), ("pen", 5)]


def test_a_balance_stands_beside_that_of_another_month_and_never_adds_up(given: Callable[..., Any]) -> None:
    shop = given(stock="groups: {everyone: {}}")
    window, earlier = {"start": "2025-01-01", "end": "2025-03-01"}, {"start": "2024-12-01", "end": "2025-02-01"}
    plan = {"metrics": ["pieces_in_stock"], "by": ["day:month"], "window": window, "compare": {"to": earlier}}
    assert shop.ask(plan) == [(dt.date(2025, 1, 1), 8, None, None, None), (dt.date(2025, 2, 1), 15, 8, 7, 0.875)]
    shop = shop.changed({"metrics/running.yml": "metrics: {all_stock: {type: cumulative, metric: pieces_in_stock, to_date: year}}"})
    with pytest.raises(NotSupported, match="a balance that runs"):
        shop.ask({"metrics": ["all_stock"], "by": ["day:month"]})


def test_a_metric_that_is_hidden_from_somebody_hides_those_whose_filters_compare_with_it(given: Callable[..., Any]) -> None:
    text = "  regulars: {expr: count(*), filter: orders per customer > 1}\n"
    shop = given(orders="groups: {everyone: {}, buyers: {deny: [orders]}}")
    shop = shop.changed({"models/customers.yml": (shop.folder / "models/customers.yml").read_text() + text})
    assert shop.ask({"metrics": ["regulars"]}) == [(2,)]
    shop = shop.changed({"policies/orders.yml": "model: orders\ngroups: {buyers: {}}\n"})
    with pytest.raises(UnknownName, match="no metric regulars"):
        shop.ask({"metrics": ["regulars"]})
    assert shop.ask({"metrics": ["regulars"]}, "buyers") == [(2,)]


def test_a_late_feed_shows_the_last_day_there_is(given: Callable[..., Any]) -> None:
    shop = given()
    assert shop.ask({"metrics": ["pieces_in_stock"], "window": {"start": "2025-02-10", "end": "2025-02-11"}}) == [(8,)]
    assert shop.ask({"metrics": ["average_stock"], "by": ["day:month"]}) == [(dt.date(2025, 1, 1), 11.5), (dt.date(2025, 2, 1), 15.0)]


# -- grains, in Python and in SQL -----------------------------------------------------------------------------------------------


def evaluated(tree: exp.Expression) -> Any:
    with duckdb.connect() as connection:
        return connection.execute("select " + tree.sql("duckdb")).fetchall()[0][0]


@drawn(
    day=st.dates(dt.date(1990, 1, 1), dt.date(2050, 12, 31)),
    grain=st.sampled_from(["day", "week", "month", "quarter", "year", "fiscal_quarter", "fiscal_year"]),
    week_start=st.sampled_from(["monday", "saturday", "sunday"]),
    month=st.integers(1, 12),
)
def test_a_period_starts_on_the_same_day_in_python_and_in_sql(day: dt.date, grain: str, week_start: Any, month: int) -> None:
    settings = ProjectSettings(name="x", warehouse="duckdb:x", week_start=week_start, fiscal_year_start=month)
    literal = exp.cast(exp.Literal.string(day.isoformat()), "DATE")
    assert evaluated(truncated(literal, grain, settings)) == floor(day, grain, settings)


@pytest.mark.parametrize(
    ("day", "months", "moved"),
    [
        ("2025-03-31", -1, "2025-02-28"),
        ("2024-02-29", -12, "2023-02-28"),
        ("2025-01-31", 1, "2025-02-28"),
        ("2025-01-15", -13, "2023-12-15"),
    ],
)
def test_months_clamp_at_their_end(day: str, months: int, moved: str) -> None:
    assert shift(dt.date.fromisoformat(day), months) == dt.date.fromisoformat(moved)


# -- plans as data ------------------------------------------------------------------------------------------------------------------


def test_a_plan_is_the_same_whatever_the_order_of_its_conditions() -> None:
    one = as_query({"metrics": ["orders"], "where": ["status = 'open'", "amount  > 3"]})
    other = as_query({"metrics": "orders", "where": ["amount > 3", "status = 'open'"]})
    assert one.hash == other.hash != as_query({"metrics": ["orders"]}).hash


def test_a_plan_goes_through_json_unchanged() -> None:
    plan = {
        "metrics": ["orders"],
        "by": ["time:month"],
        "window": {"start": "2025-01-01", "end": "2025-02-01T12:00:00"},
        "limit": {"n": 3, "per": []},
    }
    query = as_query(plan)
    assert as_query(json.loads(json.dumps(query.as_data()))) == query
    assert SemanticQuery.model_validate(query.as_data()) == query


def test_a_conversion_without_keys_counts_events(given: Callable[..., Any]) -> None:
    shop = given()
    compiled = compile_query(as_query({"metrics": ["signup_to_order"]}), shop.catalog)
    assert "SELECT\n    FROM" not in compiled.tree.sql("duckdb", pretty=True)
