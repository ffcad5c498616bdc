"""The same plans on DuckDB and on PostgreSQL give the same rows."""

from __future__ import annotations

import datetime as dt
import json
import math
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from answerable.context.catalog import visible
from answerable.context.compiler import compile_query
from answerable.context.engines.base import Engine
from answerable.context.engines.duckdb import DuckDBEngine
from answerable.context.engines.postgres import PostgresEngine
from answerable.context.errors import EngineError, PlanError
from answerable.context.guard import govern, govern_text
from answerable.context.loader import load
from answerable.context.policy import Principal
from answerable.context.query import as_query
from answerable.context.settings import Limits
from cases import FIXTURES, cases
from postgres_server import READER, Server

Rows = list[tuple[Any, ...]]
LIMITS = Limits(rows=1000, seconds=20, memory="1GB")


@pytest.fixture(scope="module")
def engine(shop_on_postgres: str) -> Iterator[PostgresEngine]:
    engine = PostgresEngine(shop_on_postgres, LIMITS, "Europe/Berlin")
    yield engine
    engine.close()


def on_postgres(shop: Any, engine: PostgresEngine, plan: dict[str, Any], *groups: str, **attributes: Any) -> Rows:
    principal = Principal("ana@shop.example", frozenset(groups), attributes)
    compiled = compile_query(as_query(plan), visible(shop.catalog, principal))
    return engine.run(govern(compiled.tree, shop.catalog, principal, engine.site)).rows


def alike(one: Any, other: Any) -> bool:
    one, other = (None if isinstance(cell, float) and not math.isfinite(cell) else cell for cell in (one, other))  # shown as null
    if isinstance(one, (int, float)) or isinstance(other, (int, float)):
        return one is not None and other is not None and math.isclose(float(one), float(other), rel_tol=1e-9)
    return bool(one == other)


def assert_alike(ours: Rows, theirs: Rows) -> None:
    assert len(ours) == len(theirs), f"{ours} != {theirs}"
    for one, other in zip(ours, theirs, strict=True):
        assert all(map(alike, one, other)), f"{one} != {other}"


@pytest.mark.parametrize(("plan", "sql", "rows"), cases("plans/sql.txt"))
def test_a_plan_has_the_same_rows_on_both(plan: str, sql: str, rows: str, given: Callable[..., Any], engine: PostgresEngine) -> None:
    shop = given()
    assert_alike(on_postgres(shop, engine, json.loads(plan)), shop.ask(json.loads(plan)))


MASKS = ["first 1", "first 3", "last 2", "hash", "redact", '"null"']
SEEN = {"by": ["customers.name", "customers.email", "customers.tier", "customers.score", "customers.born", "customers.member"]}


@pytest.mark.parametrize("mask", MASKS)
def test_a_masked_column_is_the_same_on_both(mask: str, given: Callable[..., Any], engine: PostgresEngine) -> None:
    names = ["email", "name", "tier", *(["score", "member"] if mask in ("hash", "redact", '"null"') else [])]
    shop = given(customers=f"groups: {{everyone: {{mask: {{{', '.join(f'{name}: {mask}' for name in names)}}}}}}}")
    theirs = shop.ask(SEEN)
    assert_alike(on_postgres(shop, engine, SEEN), theirs)
    assert not any("ada@shop.example" in row for row in theirs)


def test_keys_that_are_hashed_meet_on_both(given: Callable[..., Any], engine: PostgresEngine) -> None:
    shop = given()
    texts = {name: (shop.folder / f"models/{name}.yml").read_text() for name in ("customers", "orders", "visits")}
    texts = {name: text.replace("dimensions:\n", "dimensions:\n  customer_id: {type: number}\n") for name, text in texts.items()}
    texts["orders"] = texts["orders"].replace("dimensions:\n", "dimensions:\n  buyer: {expr: customer.name}\n")
    policy = "model: {}\ngroups: {{everyone: {{mask: {{customer_id: hash}}}}}}\n"
    shop = shop.changed({**{f"models/{n}.yml": t for n, t in texts.items()}, **{f"policies/{n}.yml": policy.format(n) for n in texts}})
    for plan in (
        {"metrics": ["orders"], "by": ["buyer"]},
        {"metrics": ["orders"], "by": ["customer.tier"]},
        {"by": ["orders.customer_id"]},
    ):
        assert_alike(on_postgres(shop, engine, plan), shop.ask(plan))


@pytest.mark.parametrize("mask", ["year", "month"])
def test_a_date_is_cut_the_same_on_both(mask: str, given: Callable[..., Any], engine: PostgresEngine) -> None:
    shop = given(customers=f"groups: {{everyone: {{mask: {{born: {mask}}}}}}}")
    plan = {"by": ["customers.born"]}
    assert_alike(on_postgres(shop, engine, plan), shop.ask(plan))


@pytest.mark.parametrize(
    ("condition", "attributes"),
    [
        ("tier = {user.tier}", {"tier": "gold"}),
        ("tier = {user.tier}", {"tier": "go'ld $1 %s \\"}),
        ("tier in {user.tiers}", {"tiers": ["gold", "silver"]}),
        ("tier in {user.tiers}", {"tiers": ["gold", 'sil"ver,{}']}),
        ("tier in {user.tiers}", {"tiers": []}),
        ("not tier in {user.tiers}", {"tiers": ["gold"]}),
        ("score in {user.scores}", {"scores": [90, 70]}),
        ("score > {user.least} and tier = {user.tier}", {"least": 50, "tier": "gold"}),
        ("member = {user.member}", {"member": True}),
        ("born >= {user.since}", {"since": "1990-01-01"}),
        ("region.name = {user.region} or tier = {user.tier}", {"region": "South", "tier": "gold"}),
        ("left(name, 1) in ('A', 'B') and coalesce(score, 0) / 2 > {user.least}", {"least": 10}),
        (r"name like '\%a' or name ilike 'a%'", {}),
    ],
)
def test_a_policy_keeps_the_same_rows_on_both(
    condition: str, attributes: dict[str, Any], given: Callable[..., Any], engine: PostgresEngine
) -> None:
    shop = given(customers=f"groups: {{sales: {{rows: {json.dumps(condition)}}}}}")
    for plan in (SEEN, {"metrics": ["orders", "pages"], "by": ["customer.tier"]}, {"metrics": ["average_score"], "by": ["tier"]}):
        assert_alike(on_postgres(shop, engine, plan, "sales", **attributes), shop.ask(plan, "sales", **attributes))


EXPRESSIONS = """
count_if(score > 50)
count(*) filter (where member)
count(email) filter (where member)
count(distinct tier) filter (where member)
sum(score) / count(*)
sum(score) // 7
sum(score) % 7
sum(score) / sum(score - score)
median(score)
quantile_cont(score, 0.9)
quantile_disc(score, 0.5)
approx_count_distinct(tier)
arg_max(name, score)
arg_min(name, born)
max_by(name, born)
round(avg(score), 1)
round(sum(score) / 3, 2)
stddev(score)
bool_or(member)
sum(case when member then 1 else 0 end)
string_agg(name, '+' order by name)
count(distinct date_trunc('month', born))
max(date_diff('day', born, date '2025-01-31'))
max(date_diff('month', born, date '2025-01-31'))
max(date_diff('week', born, date '2025-01-31'))
max(date_diff('year', born, date '2025-01-31'))
max(dayofweek(born))
max(isodow(born))
max(week(born))
max(quarter(born))
max(hour(born))
min(date_part('year', born))
max(strftime(born, '%Y-%m'))
max(monthname(born))
max(length(email))
max(contains(email, '@')::int)
max(split_part(email, '@', 2))
max(regexp_extract(email, '@(.*)', 1))
max(upper(name) || '!' || tier)
max(if(member, 2, 1))
max(ifnull(score, -1))
max(greatest(score, 50, null))
max(cast(score as double) / 7)
max(cast(born + interval 1 month as date))
max(cast(born + interval (score) day as date))
max(cast(date_trunc('week', born) as date))
max(last_day(born))
max(make_date(2025, 1, score // 40))
"""


@pytest.mark.parametrize("expression", EXPRESSIONS.strip().splitlines())
def test_a_metric_has_the_same_value_on_both(expression: str, given: Callable[..., Any], engine: PostgresEngine) -> None:
    kind = (
        "boolean"
        if "bool_or" in expression
        else "text"
        if "name" in expression or "email" in expression or "strftime" in expression
        else "number"
    )
    shop = given()
    text = (shop.folder / "models/customers.yml").read_text() + f"  measured: {{expr: {json.dumps(expression)}, type: {kind}}}\n"
    shop = shop.changed({"models/customers.yml": text})
    for plan in ({"metrics": ["measured"]}, {"metrics": ["measured"], "by": ["tier"]}, {"metrics": ["measured", "orders"]}):
        assert_alike(on_postgres(shop, engine, plan), shop.ask(plan))


# -- names ----------------------------------------------------------------------------------------------------------------------

LONG = "the_part_of_all_orders_that_came_in_by_the_new_web_site_and_were_paid_at_once"
LINES = f"""
model: lines
table: shop."orderLines"
endorsed: true
primary_key: lineId
time: end
joins: {{order: {{model: orders, on: {{orderId: order_id}}}}}}
dimensions: {{end: {{type: time, grain: day}}, user: {{}}, {LONG}: {{expr: '"orderId" > 1', type: boolean}}}}
metrics: {{select: {{expr: 'sum("lineId")'}}, {LONG}_share: {{expr: count(*), filter: "{LONG}"}}, Total: {{expr: sum("lineId" * 2)}}}}
"""
ROWS = """
create table shop."orderLines" ("lineId" int, "orderId" int, "end" date, "user" varchar);
insert into shop."orderLines" values (1, 1, '2025-01-10', 'Ada'), (2, 3, '2025-02-10', 'Ben')
"""


@pytest.fixture
def lines(given: Callable[..., Any], postgres: Server) -> Iterator[tuple[Any, PostgresEngine]]:
    tables = 'shop.orders shop."orderLines"'
    url = (
        postgres.made("lines", (FIXTURES / "shop/rows.sql").read_text() + ROWS, tables)
        if not made(postgres)
        else postgres.of("lines", READER)
    )
    engine = PostgresEngine(url, LIMITS, "Europe/Berlin")
    yield given().changed({"models/lines.yml": LINES}), engine
    engine.close()


def made(postgres: Server) -> bool:
    return bool(postgres.execute("SELECT 1 FROM pg_database WHERE datname = 'lines'"))


def test_names_are_exact_whatever_their_letters_and_length(lines: tuple[Any, PostgresEngine]) -> None:
    shop, engine = lines
    plan = {"metrics": ["select", f"{LONG}_share", "Total", "orders"], "by": ["lines.user", "order.status"], "order": ["-Total"]}
    assert on_postgres(shop, engine, {**plan, "metrics": plan["metrics"][:3]}) == [
        ("Ben", "cancelled", 2, 1, 4),
        ("Ada", "completed", 1, None, 2),
    ]
    plan = {"metrics": ["select", f"{LONG}_share"], "by": [f"lines.{LONG}", "time:month"]}
    assert on_postgres(shop, engine, plan) == [(False, dt.date(2025, 1, 1), 1, None), (True, dt.date(2025, 2, 1), 2, 1)]


def test_sent_sql_reads_names_as_postgresql_does(lines: tuple[Any, PostgresEngine]) -> None:
    shop, engine = lines

    def sent(text: str) -> Rows:
        return engine.run(govern_text(text, shop.catalog, Principal("ana"), engine.site)).rows

    assert sent('SELECT "lineId" AS Line, L."end" FROM Lines AS l ORDER BY LINE') == [(1, dt.date(2025, 1, 10)), (2, dt.date(2025, 2, 10))]
    assert sent('SELECT "user", 7 / 2 AS half FROM shop."orderLines" ORDER BY 1') == [("Ada", 3), ("Ben", 3)]
    with pytest.raises(EngineError, match="a name, a type or an argument in it does not fit"):
        sent("SELECT lineId FROM lines")


# -- the demo -------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def both_demos(demo: Path, demo_on_postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, Engine]]:
    limits = Limits(rows=20_000, seconds=60)
    copy = Path(shutil.copy(demo / "alder.duckdb", tmp_path_factory.mktemp("both")))  # the demo may be open with other limits
    engines = DuckDBEngine(copy, limits, "Europe/Berlin"), PostgresEngine(demo_on_postgres, limits, "Europe/Berlin")
    yield engines
    for engine in engines:
        engine.close()


def test_the_demos_verified_plans_have_the_same_rows_on_both(demo: Path, both_demos: tuple[Engine, Engine]) -> None:
    catalog = load(demo)
    everything = Principal("ana@alder.example", frozenset({"finance"}))
    for question in catalog.verified:
        if question.plan is not None:
            tree = compile_query(question.plan, catalog).tree
            theirs, ours = (engine.run(govern(tree, catalog, everything, engine.site)).rows for engine in both_demos)
            assert_alike(ours, theirs)


def test_each_of_the_demos_metrics_has_the_same_rows_by_month_on_both(demo: Path, both_demos: tuple[Engine, Engine]) -> None:
    catalog = load(demo)
    everything = Principal("ana@alder.example", frozenset({"finance"}))
    for name in visible(catalog, everything).metrics:
        plan = {"metrics": [name], "by": ["time:month"], "window": {"start": "2025-01-01", "end": "2025-07-01"}}
        try:
            tree = compile_query(as_query(plan), catalog).tree
        except PlanError:  # it has no time
            tree = compile_query(as_query({"metrics": [name]}), catalog).tree
        theirs, ours = (engine.run(govern(tree, catalog, everything, engine.site)).rows for engine in both_demos)
        assert_alike(ours, theirs)


def test_hours_and_conditions_within_a_day_lose_no_row_on_either(demo: Path, both_demos: tuple[Engine, Engine]) -> None:
    catalog = load(demo)
    where = ["ordered_at >= '2025-03-28 10:00'", "ordered_at < '2025-03-31 09:00'"]  # over the night without its third hour
    for by in ("time:hour", "time:day", "time:week", "time:hour_of_day"):
        plans = [{"metrics": ["orders_placed"], "by": keys, "where": where} for keys in ([by], [])]
        trees = [compile_query(as_query(plan), catalog).tree for plan in plans]
        found = [[engine.run(govern(t, catalog, Principal(), engine.site)).rows for t in trees] for engine in both_demos]
        for rows, whole in found:
            assert sum(row[1] for row in rows) == whole[0][0] > 0
        assert_alike(found[1][0], found[0][0])


def test_small_cells_are_withheld_on_both(given: Callable[..., Any], engine: PostgresEngine) -> None:
    shop = given(orders="groups: {everyone: {at_least: 3}}", customers="groups: {everyone: {at_least: 2}}")
    for plan in (
        {"metrics": ["orders", "revenue", "average_order"], "by": ["status"], "having": ["orders > 0"]},
        {"metrics": ["orders", "buyers", "gold_revenue"], "by": ["customer.tier"], "order": ["-orders"]},
    ):
        assert_alike(on_postgres(shop, engine, plan), shop.ask(plan))
        principal = Principal("ana@shop.example")
        compiled = compile_query(as_query(plan), visible(shop.catalog, principal))
        counting = govern(compiled.tree, shop.catalog, principal, engine.site).withheld
        assert counting is not None
        assert_alike(engine.run(counting).rows, shop.engine.run(shop.govern(plan).withheld).rows)
