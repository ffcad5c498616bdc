"""Numbers over at least so many rows, on DuckDB: no cell of fewer, by no shape of plan, and no SQL and no rows at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlglot
from answerable.context.at_least import kept
from answerable.context.engines.base import DUCKDB
from answerable.context.errors import DeniedError, GuardError
from answerable.context.governed import Governed
from answerable.context.policy import Principal

Given = Callable[..., Any]
ORDERS = {"orders": "groups: {few: {at_least: 3}, all: {}}"}
CUSTOMERS = {"customers": "groups: {few: {at_least: 2}}"}


def withheld(shop: Any, plan: dict[str, Any]) -> int:
    return int(shop.engine.run(shop.govern(plan, "few").withheld).rows[0][0] or 0)


def test_a_cell_over_fewer_rows_is_withheld_and_counted(given: Given) -> None:
    shop = given(**ORDERS)
    plan = {"metrics": ["orders", "refunds"], "by": ["status"]}
    assert shop.ask(plan, "all") == [("cancelled", 1, None), ("completed", 6, None), ("refunded", 1, 60)]
    assert shop.ask(plan, "few") == [("cancelled", None, None), ("completed", 6, None), ("refunded", None, None)]
    assert withheld(shop, plan) == 3 and shop.govern(plan, "few").filtered
    assert "orders: numbers over at least 3 rows (policies/orders.yml:2: group few)" in shop.govern(plan, "few").decisions


def test_a_person_who_is_also_in_a_group_without_it_is_free(given: Given) -> None:
    shop = given(**ORDERS)
    assert shop.ask({"metrics": ["orders"], "by": ["status"]}, "few", "all")[0] == ("cancelled", 1)
    assert shop.govern({"metrics": ["orders"]}, "few", "all").withheld is None


def test_only_rows_that_enter_the_number_count(given: Given) -> None:
    shop = given(**ORDERS)
    assert shop.ask({"metrics": ["revenue", "buyers", "refunds"]}, "few") == [(290, 4, None)]
    assert shop.ask({"metrics": ["gold_revenue"]}, "few") == [(190,)]
    assert shop.ask({"metrics": ["gold_revenue"], "where": ["customer.name <> 'Ada'"]}, "few") == [(None,)]


def test_the_rows_of_a_joined_model_are_counted_once_each(given: Given) -> None:
    shop = given(**CUSTOMERS)
    assert shop.ask({"metrics": ["orders"], "by": ["customer.tier"]}, "few") == [("gold", 3), ("silver", 3), (None, None)]
    assert shop.ask({"metrics": ["orders"], "by": ["customer.region.name"]}, "few") == [
        ("North", None),  # two orders of one customer
        ("South", None),
        ("West", None),
        (None, None),
    ]
    assert shop.ask({"metrics": ["orders"], "by": ["status"]}, "few")[1] == ("completed", 6)  # customers are not asked


@pytest.mark.parametrize(
    ("more", "rows"),
    [
        ({"having": ["orders > 0"]}, [("completed", 6)]),
        ({"having": ["orders < 3"]}, []),
        ({"having": ["orders is null"]}, []),
        ({"order": ["-orders"], "limit": 1}, [("completed", 6)]),
        ({"order": ["orders"], "limit": 1}, [("completed", 6)]),
    ],
)
def test_having_order_and_limit_see_only_what_is_shown(given: Given, more: dict[str, Any], rows: list[Any]) -> None:
    shop = given(**ORDERS)
    assert shop.ask({"metrics": ["orders"], "by": ["status"], **more}, "few") == rows
    assert withheld(shop, {"metrics": ["orders"], "by": ["status"], **more}) == 2


def test_of_a_ratio_each_part_stands_on_enough_rows(given: Given) -> None:
    shop = given(orders="groups: {few: {at_least: 2}}")
    plan = {"metrics": ["average_order"], "by": ["time:month"]}
    assert [row[1] for row in shop.ask(plan, "few")] == [150, None, 25, None]


def test_a_missing_number_is_not_shown_as_nothing(given: Given) -> None:
    shop = given(visits="groups: {few: {at_least: 3}}")
    plan = {"metrics": ["visits"], "where": ["customer.tier = 'gold'"]}
    assert shop.ask(plan, "few") == [(None,)] and withheld(shop, plan) == 1
    assert given().ask(plan) == [(1,)]


@pytest.mark.parametrize(
    "plan",
    [
        {
            "metrics": ["revenue"],
            "by": ["time:month"],
            "compare": {"to": "previous"},
            "window": {"start": "2025-01-01", "end": "2025-04-01"},
        },
        {"metrics": ["revenue_growth"], "by": ["time:month"]},
        {"metrics": ["revenue_to_date"], "by": ["time:month"]},
        {"metrics": ["revenue"], "by": ["status"], "share": ["total"]},
        {"metrics": ["revenue"], "by": ["status"], "limit": {"n": 1, "per": ["status"]}},
        {"metrics": ["orders"], "by": ["customer.tier"], "each": "customers"},
        {"metrics": ["orders", "visits"]},
        {"metrics": ["shipments"], "by": ["time:month"]},
        {"by": ["orders.status"]},
        {"by": ["orders.status", "orders.amount"], "rows": True},
    ],
    ids=str,
)
def test_what_would_build_on_cells_that_are_missing_is_refused(given: Given, plan: dict[str, Any]) -> None:
    with pytest.raises(GuardError, match="in numbers over at least 3 rows only: ask for metrics of one model"):
        given(**ORDERS).ask(plan, "few")


@pytest.mark.parametrize("metric", ["largest_order"])
def test_a_largest_value_is_one_rows_and_refused(given: Given, metric: str) -> None:
    with pytest.raises(GuardError, match="max would show a value of one row"):
        given(**ORDERS).ask({"metrics": [metric]}, "few")


@pytest.mark.parametrize(
    "shown", ["count(*) + amount", "count(*) || histogram(amount)", "count(*) || histogram(amount) filter (where amount > 3)"]
)
def test_no_value_stands_beside_an_aggregate(given: Given, shown: str) -> None:
    shop = given(**ORDERS)
    principal = Principal("ana", frozenset({"few"}))
    orders = Governed(shop.catalog, shop.catalog.models["orders"], principal, {}, DUCKDB)
    tree = sqlglot.parse_one(f"select {shown} as x from orders as orders", dialect="duckdb")
    with pytest.raises(GuardError, match="ask for metrics of one model"):
        kept(tree, {"orders": orders})


@pytest.mark.parametrize(
    ("policies", "plan"),
    [
        ({"customers": "groups: {few: {at_least: 2, mask: {name: first 1}}}"}, {"metrics": ["customers_known"], "by": ["customers.name"]}),
        ({"customers": "groups: {few: {at_least: 2, mask: {name: first 1}}}"}, {"metrics": ["orders"], "by": ["customer.name"]}),
        ({"customers": "groups: {few: {at_least: 2, mask: {tier: redact}}}"}, {"metrics": ["orders"], "where": ["customer.tier = '***'"]}),
    ],
    ids=["masked", "masked over a join", "filter"],
)
def test_nothing_goes_by_what_tells_rows_apart(given: Given, policies: dict[str, str], plan: dict[str, Any]) -> None:
    with pytest.raises(GuardError, match="which tells them apart"):
        given(**policies).ask(plan, "few")


def test_nothing_goes_by_a_key(given: Given) -> None:
    shop = given(**ORDERS)
    text = (shop.folder / "models/orders.yml").read_text().replace("dimensions:\n", "dimensions:\n  order_id: {type: number}\n")
    shop = shop.changed({"models/orders.yml": text})
    for plan in ({"metrics": ["orders"], "by": ["order_id"]}, {"metrics": ["orders"], "where": ["order_id > 3"]}):
        with pytest.raises(GuardError, match="not by order_id, which tells them apart"):
            shop.ask(plan, "few")


@pytest.mark.parametrize(
    "sql",
    [
        "select count(*) from orders",
        "select * from orders",
        "select name from customers where exists (select 1 from orders)",
        "with orders as (select * from orders) select count(*) from orders",
    ],
)
def test_there_is_no_sql(given: Given, sql: str) -> None:
    with pytest.raises(DeniedError, match="ask for metrics, not in SQL") as error:
        given(**ORDERS).ask(sql, "few")
    assert error.value.owner == "sales@shop.example"


def test_a_dimension_that_reaches_into_such_a_model_is_refused(given: Given) -> None:
    shop = given(**CUSTOMERS)
    text = (shop.folder / "models/orders.yml").read_text().replace("dimensions:\n", "dimensions:\n  buyer: {expr: customer.name}\n")
    shop = shop.changed({"models/orders.yml": text})
    for asked in ({"metrics": ["orders"], "by": ["buyer"]}, "select buyer from orders"):
        with pytest.raises(GuardError, match="customers may be seen by you in numbers over at least 2 rows only, not in orders"):
            shop.ask(asked, "few")


def test_a_policy_may_still_read_such_a_model(given: Given) -> None:
    shop = given(**CUSTOMERS, orders="groups: {few: {rows: \"customer.tier = 'gold'\"}}")
    assert shop.ask({"metrics": ["orders"]}, "few") == [(3,)]


@pytest.mark.parametrize("by", ["keyed", "orders_name", "customer.named"])
def test_what_is_made_of_a_key_or_a_name_tells_rows_apart_too(given: Given, by: str) -> None:
    """A dimension computed over a private column or a key is as good as it, here and behind a join."""
    shop = given()
    customers = (shop.folder / "models/customers.yml").read_text()
    orders = (shop.folder / "models/orders.yml").read_text()
    private = "dimensions:\n  secret: {expr: email, private: true}\n  named: {expr: \"concat(secret, '')\"}\n"
    own = "dimensions:\n  keyed: {type: number, expr: order_id + 0}\n  orders_name: {expr: customer.secret}\n"
    files = {
        "models/customers.yml": customers.replace("dimensions:\n", private, 1),
        "models/orders.yml": orders.replace("dimensions:\n", own, 1),
        **{f"policies/{model}.yml": f"model: {model}\ngroups: {{few: {{at_least: 2}}}}\n" for model in ("customers", "orders")},
    }
    few, quoted = shop.changed(files), "'3'"
    for plan in ({"metrics": ["orders"], "by": [by]}, {"metrics": ["orders"], "where": [f"{by} = {3 if by == 'keyed' else quoted}"]}):
        with pytest.raises((GuardError, DeniedError), match="tells them apart"):
            few.govern(plan, "few")
