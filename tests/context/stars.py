"""Star schemas made on the fly: a fact, customers, regions two hops away, a second fact; and what plain Python makes of their rows."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
from answerable.context.catalog import Catalog, visible
from answerable.context.compiler import compile_query
from answerable.context.engines.base import DUCKDB
from answerable.context.engines.duckdb import DuckDBEngine
from answerable.context.guard import govern, govern_text
from answerable.context.loader import load
from answerable.context.policy import Principal
from answerable.context.query import as_query
from answerable.context.settings import Limits
from hypothesis import strategies as st

Row = dict[str, Any]
TYPES = {
    "regions": {"region_id": "bigint", "name": "varchar", "size": "bigint"},
    "customers": {
        "customer_id": "bigint",
        "region": "bigint",
        "name": "varchar",
        "tier": "varchar",
        "score": "bigint",
        "member": "boolean",
    },
    "orders": {"order_id": "bigint", "buyer": "bigint", "status": "varchar", "amount": "bigint", "ordered_on": "date"},
    "calls": {"call_id": "bigint", "buyer": "bigint", "status": "varchar", "minutes": "bigint"},
}
PROJECT = {
    "answerable.yml": "name: Star\nwarehouse: duckdb:data.duckdb\nmask_key: sixteen bytes or more\n",
    "models/regions.yml": """
model: regions
table: star.regions
endorsed: true
primary_key: region_id
dimensions: {name: {}, size: {type: number}}
""",
    "models/customers.yml": """
model: customers
table: star.customers
endorsed: true
primary_key: customer_id
joins: {region: {model: regions, on: {region: region_id}}}
dimensions: {name: {}, tier: {}, score: {type: number}, member: {type: boolean}}
metrics: {people: {expr: count(*)}}
""",
    "models/orders.yml": """
model: orders
table: star.orders
endorsed: true
primary_key: order_id
time: ordered_on
joins: {customer: {model: customers, on: buyer}}
dimensions: {status: {}, amount: {type: number}, ordered_on: {type: time, grain: day}}
metrics:
  amount_sum: {expr: sum(amount)}
  orders: {expr: count(*)}
  amounts: {expr: count(amount)}
  buyers: {expr: count(distinct buyer)}
  amount_avg: {expr: avg(amount)}
  amount_min: {expr: min(amount)}
  amount_max: {expr: max(amount)}
  open_sum: {expr: sum(amount), filter: status = 'a'}
  open_orders: {expr: count(*), filter: status = 'a'}
  gold_orders: {expr: count(*), filter: customer.tier = 'gold'}
""",
    "models/calls.yml": """
model: calls
table: star.calls
endorsed: true
primary_key: call_id
joins: {customer: {model: customers, on: buyer}}
dimensions: {status: {}, minutes: {type: number}}
metrics:
  calls: {expr: count(*)}
  minutes: {expr: sum(minutes)}
""",
}


@dataclass(frozen=True)
class Star:
    """The rows of each table."""

    regions: tuple[Row, ...]
    customers: tuple[Row, ...]
    orders: tuple[Row, ...]
    calls: tuple[Row, ...]

    def without(self, table: str, hidden: Callable[[Row], bool]) -> Star:
        return replace(self, **{table: tuple(row for row in getattr(self, table) if not hidden(row))})

    def look(self, fact: Row, ref: str) -> Any:
        """The value of `customer.region.name` for a row of a fact: null where a key is null or leads nowhere."""
        *path, name = ref.split(".")
        row: Row | None = fact
        for step in path:
            key, rows = ("customer_id", self.customers) if step == "customer" else ("region_id", self.regions)
            wanted = row["buyer" if step == "customer" else "region"] if row else None
            row = next((r for r in rows if wanted is not None and r[key] == wanted), None)
        return row[name] if row else None


def _maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


STATUS, TIERS, NAMES = st.sampled_from("ab"), st.sampled_from(["gold", "silver"]), st.sampled_from(["1", "2", "x", "O'Neil", ""])
NUMBERS, DAYS = st.integers(-3, 9), st.dates(dt.date(2025, 1, 1), dt.date(2025, 3, 31))


def _table(table: str, most: int, /, **columns: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Row, ...]]:
    key = next(iter(TYPES[table]))
    rows = st.lists(st.fixed_dictionaries(columns), max_size=most)
    return rows.map(lambda rows: tuple({key: n, **row} for n, row in enumerate(rows, 1)))


STARS = st.builds(
    Star,
    regions=_table("regions", 3, name=_maybe(NAMES), size=_maybe(NUMBERS)),
    customers=_table(
        "customers", 5, region=_maybe(st.integers(1, 4)), name=_maybe(NAMES), tier=_maybe(TIERS), score=_maybe(NUMBERS),
        member=_maybe(st.booleans()),
    ),
    orders=_table("orders", 8, buyer=_maybe(st.integers(1, 7)), status=_maybe(STATUS), amount=_maybe(NUMBERS), ordered_on=_maybe(DAYS)),
    calls=_table("calls", 6, buyer=_maybe(st.integers(1, 7)), status=_maybe(STATUS), minutes=_maybe(NUMBERS)),
)  # fmt: skip


class World:
    """A star in a DuckDB file, under policies, asked as a member of groups."""

    def __init__(self, catalog: Catalog, engine: DuckDBEngine) -> None:
        self.catalog, self.engine = catalog, engine

    def ask(self, asked: str | dict[str, Any], *groups: str, **attributes: Any) -> list[tuple[Any, ...]]:
        principal = Principal("ana", frozenset(groups), attributes)
        if isinstance(asked, str):
            return self.engine.run(govern_text(asked, self.catalog, principal, DUCKDB)).rows
        compiled = compile_query(as_query(asked), visible(self.catalog, principal))
        return self.engine.run(govern(compiled.tree, self.catalog, principal, DUCKDB)).rows


@cache
def _catalog(policies: str) -> Catalog:
    with tempfile.TemporaryDirectory() as name:
        texts = {f"policies/{model}.yml": json.dumps({"model": model, "groups": groups}) for model, groups in json.loads(policies).items()}
        for file, text in {**PROJECT, **texts}.items():
            (Path(name) / file).parent.mkdir(exist_ok=True)
            (Path(name) / file).write_text(text)
        return load(Path(name))


@contextmanager
def world(star: Star, **policies: Any) -> Iterator[World]:
    """The star in a database of its own, with a policy for each model that is named."""
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "data.duckdb"
        with duckdb.connect(str(file)) as connection:
            connection.execute("create schema star")
            for table, columns in TYPES.items():
                connection.execute(f"create table star.{table} ({', '.join(f'{c} {t}' for c, t in columns.items())})")
                if rows := getattr(star, table):
                    marks = ", ".join([f"({', '.join('?' * len(columns))})"] * len(rows))
                    connection.execute(f"insert into star.{table} values {marks}", [row[c] for row in rows for c in columns])
        engine = DuckDBEngine(file, Limits(threads=1), "UTC", alone=True)  # by itself: a process for each world would take long
        try:
            yield World(_catalog(json.dumps(policies)), engine)
        finally:
            engine.close()
