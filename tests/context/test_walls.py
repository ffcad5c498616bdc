"""The gate's second wall and its fence: what the engine's own parser reads, and in which order it may compute."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlglot
from answerable.context.engines.postgres import PostgresEngine
from answerable.context.errors import EngineError, GuardError
from answerable.context.fence import can_fail
from answerable.context.guard import govern_text
from answerable.context.policy import Principal
from answerable.context.recheck import recheck, relations
from answerable.context.settings import Limits
from sqlglot import exp

Given = Callable[..., Any]
TYPES = {"status": "text", "amount": "number", "ordered_on": "time", "vip": "boolean"}
OURS = 'SELECT status FROM (SELECT status FROM "w"."shop"."orders" AS orders_tag) AS orders'


def tree_of(sql: str) -> exp.Expr:
    return sqlglot.parse_one(sql, dialect="duckdb")


def check(text: str, tree: str = OURS, dialect: str = "duckdb") -> None:
    recheck(text, relations(tree_of(tree)), ["orders_tag"], ["user_region"], dialect)


@pytest.mark.parametrize("dialect", ["duckdb", "postgres"])
def test_the_text_that_the_gate_made_passes(dialect: str) -> None:
    check(OURS, dialect=dialect)


@pytest.mark.parametrize("dialect", ["duckdb", "postgres"])
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (OURS + " UNION ALL SELECT note FROM hr.salaries", "other relations"),
        ("SELECT status FROM (SELECT status FROM hr.salaries AS orders_tag) AS orders", "other relations"),
        ('SELECT status FROM (SELECT status FROM "w"."shop"."orders" AS another) AS orders', "other relations"),
        ('SELECT status FROM "w"."shop"."orders" AS orders_tag, "w"."shop"."orders" AS orders_tag', "other relations"),
        ("SELECT 1", "other relations"),
        (OURS + "; SELECT 1", "as one SELECT"),
        ("DELETE FROM shop.orders", "as one SELECT"),
        ("SELECT", "other relations|as one SELECT"),
        (OURS.replace("SELECT status FROM (", "SELECT shop.ssn_of(1) FROM ("), "a function of a schema|ssn_of"),
        (OURS.replace("SELECT status FROM (", "SELECT pg_sleep(3) FROM ("), "function pg_sleep"),
        (OURS.replace("SELECT status FROM (", "SELECT nextval('s') FROM ("), "function nextval"),
    ],
)
def test_a_text_that_the_engine_reads_otherwise_is_refused(text: str, reason: str, dialect: str) -> None:
    with pytest.raises(GuardError, match=reason):
        check(text, dialect=dialect)


@pytest.mark.parametrize(
    ("text", "dialect", "reason"),
    [
        (OURS + " WHERE status = $other", "duckdb", "parameter"),
        ("SELECT * FROM (DESCRIBE hr.salaries)", "duckdb", "other relations"),
        ("SELECT * FROM (SUMMARIZE shop.orders)", "duckdb", "other relations"),
        (OURS + ", read_csv('secrets.csv')", "duckdb", "function read_csv"),
        (OURS + ", query('select 1')", "duckdb", "function query"),
        (OURS + ", 'secrets.csv'", "duckdb", "other relations"),
        (OURS + " FOR UPDATE", "postgres", "writes or locks|LockingClause"),
        (OURS.replace("status FROM (", "status INTO pwn FROM (", 1), "postgres", "writes or locks"),
        (OURS + ", LATERAL (SELECT 1 OPERATOR(pg_catalog.+) 2) AS x", "postgres", "operator"),
        (OURS.replace("SELECT status FROM (", "SELECT current_user FROM ("), "postgres", "CURRENT_USER"),
        (OURS + ", XMLTABLE('/a' PASSING '<a/>' COLUMNS b int)", "postgres", "RangeTableFunc"),
    ],
)
def test_what_only_one_engine_has_is_refused_too(text: str, dialect: str, reason: str) -> None:
    with pytest.raises(GuardError, match=reason):
        check(text, dialect=dialect)


def test_within_a_governed_relation_the_teams_own_functions_may_stand() -> None:
    own = "SELECT status FROM (SELECT icu_sort_key(status, 'de') AS status FROM shop.orders AS orders_tag) AS orders"
    check(own, own)
    with pytest.raises(GuardError, match="icu_sort_key"):
        check(own.replace("SELECT status", "SELECT icu_sort_key(status, 'de')", 1), own)


def test_the_tag_of_a_text_is_not_known_before_the_text_is(given: Given) -> None:
    governed = given().govern("select status from orders")
    tag = re.search(r"orders(_[0-9a-f]{12})", governed.text)
    assert tag is not None
    assert tag[1] not in given().govern(f"select status, '{tag[1]}' as x from orders").text.replace(f"'{tag[1]}'", "")


@pytest.mark.parametrize(
    "condition",
    [
        "status = 'paid'", "status in ('paid', 'open') and amount > 10", "ordered_on >= date '2025-01-01'", "ordered_on > '2025-01-01'",
        "status is null or not vip", "status like 'p%'", "lower(status) = 'paid'", "coalesce(status, 'x') = 'paid'",
        "ordered_on >= date '2025-06-30' - interval '30 days'", "date_trunc('month', ordered_on) = date '2025-01-01'",
        "amount between 1 and 2", "case when amount > 1 then status else 'x' end = 'paid'", "extract(year from ordered_on) = 2025",
    ],
)  # fmt: skip
def test_a_condition_that_can_not_fail_needs_no_fence(condition: str) -> None:
    assert not can_fail(tree_of(f"SELECT count(*), sum(amount * 2) FROM orders WHERE {condition}"), TYPES)


@pytest.mark.parametrize(
    "condition",
    [
        "cast(status as int) = 1", "status = 5", "amount * 9 > 1", "-amount > 1", "amount / 0 > 1", "status > ordered_on",
        "strptime(status, '%d') > date '2025-01-01'", "status like amount", "unknown = 5", "status in (1, 2)",
        "status in (select cast(status as int) from orders)", "status in (select amount from orders)", "status like 'p\\\\'",
        "(select status from orders) = 'paid'", "case when amount > 1 then (select status from orders) = 'a' end",
        "status = (select max(amount) from orders)", "try_cast(status as int) = 1", "status in (select status from orders)",
        "exists (select 1 from orders o where o.status = orders.status)", "amount > (select avg(amount) from orders)",
        "case when amount > 1 then cast(cast(now() as text) as int) is null end", "current_date + 1 > ordered_on",
        "exists (select 1 from orders o limit case when orders.amount > 1 then 1 else -1 end)", "status = any(['a'])",
        "(select count(cast(orders.status as int)) from orders o) > 0",
    ],
)  # fmt: skip
def test_a_condition_that_can_fail_on_a_value_needs_one(condition: str) -> None:
    assert can_fail(tree_of(f"SELECT count(*) FROM orders WHERE {condition}"), TYPES)


def test_a_failing_cast_tells_nothing_of_hidden_rows(given: Given) -> None:
    shop = given(orders="groups: {everyone: {rows: \"status = 'paid'\"}}")
    governed = shop.govern("select count(*) from orders where cast(status as int) > 0")
    assert f"LIMIT {2**63 - 1}" in governed.text
    assert "LIMIT" not in shop.govern("select count(*) from orders where amount > 0").text


def test_the_nodes_on_the_lists_are_those_that_the_engine_writes(given: Given) -> None:
    sql = """
        with recursive n(i) as (select 1 union all select i + 1 from n where i < 3),
        o as materialized (select * exclude (amount) from orders)
        select n.i, [x * 2 for x in [1, 2]], {'a': 1}, list_transform([1], lambda x: x + 1), case when n.i > 1 then 'a' end,
               row_number() over (partition by status order by ordered_on rows between 1 preceding and current row) as r,
               (select max(amount) from orders), count(*) filter (where n.i > 1) over ()
        from n left join o on o.customer_id = n.i, generate_series(1, 2) g(k), (values (1)) v(z), lateral (select n.i + 1 as j) l
        where n.i between 0 and 9 and status not in ('x') and exists (select 1) order by all nulls last limit 3 offset 0
    """
    assert json.dumps(given().govern(sql).text)


LEAKY = [
    "select count(*) from orders where cast(case when order_id in (3, 7) then 'x' else '1' end as int) > 0",
    "select count(*) from orders where (select address_id from addresses where address_id = 1 or order_id in (3, 7)) = 1",
    "select count(*) from orders where case when order_id = 3 then (select city from addresses) = 'x' else true end",
    "select count(*) from orders where case when order_id = 3 then cast(cast(now() as text) as int) is null else true end",
    "select count(*) from orders o where (select count(cast(case o.order_id when 3 then city else '1' end as int)) from addresses) > 0",
    "select count(*) from orders where case when order_id = 3 then (select bool_or(cast(city as int) = 1) from addresses) else true end",
    "select count(*) from orders o where exists (select 1 from addresses a limit case when o.order_id = 3 then -1 else 1 end)",
    "select count(*) from orders o where exists (select ntile(case when o.order_id = 3 then 0 else 1 end) over () from addresses a)",
    "select count(*) from orders o where (select (select max(region_id) from regions) from addresses where o.order_id = 3) is null",
    "select count(*) from orders o where (select unnest(array_agg(address_id)) from addresses where o.order_id = 3) is null",
]
LEAKY_LIKE = "select count(*) from customers where name like 'Be\\\\'"


@pytest.mark.parametrize("leaky", LEAKY)
def test_on_postgres_what_fails_is_kept_above_the_policy(
    leaky: str, given: Given, shop_on_postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL computes what is cheap first: without the fence an error tells that there is an order which nobody may see."""
    shop = given(orders="groups: {everyone: {rows: \"customer.tier = 'gold'\"}}")
    engine = PostgresEngine(shop_on_postgres, Limits(rows=100, seconds=20, memory="1GB"), "UTC")
    asker = Principal("ana@shop.example")
    try:
        governed = govern_text(leaky, shop.catalog, asker, engine.site)
        assert engine.run(governed).rows == [(3,)]
        monkeypatch.setattr("answerable.context.guard.can_fail", lambda tree, types: False)
        with pytest.raises(EngineError):
            engine.run(govern_text(leaky, shop.catalog, asker, engine.site))
    finally:
        engine.close()


def test_what_the_team_computes_itself_is_fenced_too(given: Given) -> None:
    orders = (given().folder / "models" / "orders.yml").read_text()
    risky = orders.replace("dimensions:\n", "dimensions:\n  digits: {type: number, expr: cast(status as int)}\n", 1)
    shop = given(orders="groups: {everyone: {rows: \"status = '1'\"}}").changed({"models/orders.yml": risky})
    assert "LIMIT" in shop.govern("select count(*) from orders where digits > 1").text
    assert "LIMIT" in shop.govern({"metrics": ["orders"], "where": ["digits > 1"]}).text
    assert "LIMIT" not in shop.govern({"metrics": ["orders"], "where": ["status = '2'"]}).text


def test_a_model_that_is_reached_by_a_dimension_is_fenced_where_its_rows_are_hidden(given: Given) -> None:
    orders = (given().folder / "models" / "orders.yml").read_text()
    reached = orders.replace("dimensions:\n", "dimensions:\n  tier: {expr: customer.tier}\n", 1)
    shop = given(customers="groups: {everyone: {rows: \"tier = 'gold'\"}}").changed({"models/orders.yml": reached})
    text = shop.govern("select count(*) from orders where cast(tier as int) > 1").text
    assert text.count("LIMIT") == 2


def test_on_postgres_half_an_escape_tells_no_hidden_name(given: Given, shop_on_postgres: str) -> None:
    shop = given(customers="groups: {everyone: {rows: \"tier = 'gold'\"}}")
    engine = PostgresEngine(shop_on_postgres, Limits(rows=100, seconds=20, memory="1GB"), "UTC")
    try:
        assert engine.run(govern_text(LEAKY_LIKE, shop.catalog, Principal("ana@shop.example"), engine.site)).rows == [(0,)]
    finally:
        engine.close()
