"""The same plans on DuckDB and on PostgreSQL give the same rows."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from answerable.context.catalog import visible
from answerable.context.compiler import compile_query
from answerable.context.engines.postgres import PostgresEngine
from answerable.context.guard import govern
from answerable.context.policy import Principal
from answerable.context.query import as_query
from answerable.context.settings import Limits
from cases import cases

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
