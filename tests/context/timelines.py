"""Sales over time in a database of their own, and what plain Python makes of them: a span of rows for each shown piece of time."""

from __future__ import annotations

import atexit
import datetime as dt
import random
import tempfile
from calendar import monthrange
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
from answerable.context.catalog import Catalog, visible
from answerable.context.compiler import compile_query
from answerable.context.engines.base import DUCKDB
from answerable.context.guard import govern
from answerable.context.loader import load
from answerable.context.policy import Principal
from answerable.context.query import GovernedSQL, as_query
from hypothesis import strategies as st

Row = dict[str, Any]
Key = tuple[Any, ...]
Values = dict[Key, Any]
Span = tuple[dt.datetime | None, dt.datetime | None]
"""Half-open; None is open."""

TYPES = {
    "shops": {"shop_id": "bigint", "city": "varchar"},
    "sales": {
        "sale_id": "bigint", "shop": "bigint", "kind": "varchar", "buyer": "bigint", "amount": "bigint", "sold_at": "timestamp",
    },
    "refunds": {"refund_id": "bigint", "shop": "bigint", "kind": "varchar", "amount": "bigint", "refunded_on": "date"},
}  # fmt: skip
MODELS = {
    "models/shops.yml": "model: shops\ntable: t.shops\nendorsed: true\nprimary_key: shop_id\ndimensions: {city: {}}\n",
    "models/sales.yml": """
model: sales
table: t.sales
endorsed: true
primary_key: sale_id
time: sold_at
joins: {shop: {model: shops, on: shop}}
dimensions: {kind: {}, amount: {type: number}, sold_at: {type: time, grain: hour}}
metrics:
  taken: {expr: sum(amount)}
  taken_or_0: {expr: sum(amount), fill: 0}
  sales: {expr: count(*)}
  buyers: {expr: count(distinct buyer)}
  largest: {expr: max(amount)}
  average: {expr: avg(amount)}
  paid: {expr: count(amount)}
  spread: {expr: max(amount) - min(amount)}
  per_sale: {expr: sum(amount) * 1.0 / count(*)}
  ratio: {type: ratio, numerator: taken_a, denominator: sales}
  taken_a: {expr: sum(amount), filter: kind = 'a'}
  oslo_sales: {expr: count(*), filter: shop.city = 'Oslo'}
""",
    "models/refunds.yml": """
model: refunds
table: t.refunds
endorsed: true
primary_key: refund_id
time: refunded_on
joins: {shop: {model: shops, on: shop}}
dimensions: {kind: {}, refunded_on: {type: time, grain: day}}
metrics: {refunded: {expr: sum(amount)}, refunds: {expr: count(*)}}
""",
}


@dataclass(frozen=True)
class Sales:
    """The rows of each table."""

    shops: tuple[Row, ...]
    sales: tuple[Row, ...]
    refunds: tuple[Row, ...] = ()

    def city(self, row: Row) -> str | None:
        return next((shop["city"] for shop in self.shops if row["shop"] is not None and shop["shop_id"] == row["shop"]), None)

    def value(self, row: Row, ref: str) -> Any:
        return self.city(row) if ref == "shop.city" else row[ref]


def moment(row: Row) -> dt.datetime | None:
    """When a row of either fact happened."""
    value = row["sold_at"] if "sold_at" in row else row["refunded_on"]
    return None if value is None else at(value)


def at(value: dt.date) -> dt.datetime:
    return value if isinstance(value, dt.datetime) else dt.datetime.combine(value, dt.time())


# -- rows ------------------------------------------------------------------------------------------------------------------------

# The ends of months and years, a leap day and the days around them, more often than others.
EDGES = [dt.date.fromisoformat(day) for day in (
    "2023-12-31 2024-01-01 2024-01-29 2024-01-31 2024-02-01 2024-02-28 2024-02-29 2024-03-01 2024-03-29 2024-03-31 2024-12-31 2025-01-01 "
    "2025-01-31 2025-02-28 2025-03-01 2025-03-31"
).split()]  # fmt: skip
DAYS = st.sampled_from(EDGES) | st.dates(dt.date(2023, 12, 1), dt.date(2025, 3, 31))
TIMES = st.sampled_from([dt.time(), dt.time(), dt.time(0, 30), dt.time(9), dt.time(23, 59, 59)])


def _rows(key: str, most: int, **columns: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Row, ...]]:
    rows = st.lists(st.fixed_dictionaries(columns), max_size=most)
    return rows.map(lambda rows: tuple({key: n, **row} for n, row in enumerate(rows, 1)))


def sales_of(days: st.SearchStrategy[dt.date] = DAYS, most: int = 14) -> st.SearchStrategy[Sales]:
    """Shops with and without a city, and facts of them, of nobody and of shops that are gone; some without a date."""

    def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.none() | values

    common = {"shop": maybe(st.integers(1, 4)), "kind": maybe(st.sampled_from("ab")), "amount": maybe(st.integers(-3, 9))}
    return st.builds(
        Sales,
        shops=_rows("shop_id", 3, city=maybe(st.sampled_from(["Oslo", "Rome"]))),
        sales=_rows("sale_id", most, **common, buyer=maybe(st.integers(1, 3)), sold_at=maybe(st.builds(dt.datetime.combine, days, TIMES))),
        refunds=_rows("refund_id", 5, **common, refunded_on=maybe(days)),
    )


def dated(sales: Sales) -> Sales:
    """Without the rows that have no date."""
    return replace(sales, sales=tuple(r for r in sales.sales if r["sold_at"]), refunds=tuple(r for r in sales.refunds if r["refunded_on"]))


def sold(*rows: tuple[str | None, int]) -> Sales:
    """Sales by their moment and amount, of no shop and kind."""
    common = {"shop": None, "kind": None, "buyer": None}
    moments = [(text and dt.datetime.fromisoformat(text), amount) for text, amount in rows]
    return Sales((), tuple({"sale_id": n, **common, "amount": amount, "sold_at": t} for n, (t, amount) in enumerate(moments, 1)))


def many(seed: int = 1) -> Sales:
    """So many rows that no way to count them wrongly is likely to give the right number."""
    draw = random.Random(seed)

    def maybe(values: Sequence[Any]) -> Any:
        return draw.choice([None, *values, *values])

    def when() -> dt.datetime:
        day = draw.choice([*EDGES, *(dt.date(2023, 12, 1) + dt.timedelta(days=draw.randrange(487)) for _ in EDGES)])
        return dt.datetime.combine(day, draw.choice([dt.time(), dt.time(9), dt.time(23, 59, 59)]))

    def row() -> Row:
        return {"shop": maybe([1, 2, 3, 4]), "kind": maybe("ab"), "amount": maybe(range(-3, 10))}

    return Sales(
        shops=tuple({"shop_id": n, "city": city} for n, city in enumerate(["Oslo", "Rome", None], 1)),
        sales=tuple({"sale_id": n, **row(), "buyer": maybe([1, 2, 3]), "sold_at": maybe([when()])} for n in range(60)),
        refunds=tuple({"refund_id": n, **row(), "refunded_on": when().date()} for n in range(20)),
    )


@cache
def _project(files: tuple[tuple[str, str], ...]) -> Catalog:
    with tempfile.TemporaryDirectory() as name:
        for file, text in files:
            (Path(name) / file).parent.mkdir(exist_ok=True)
            (Path(name) / file).write_text(text)
        return load(Path(name))


@cache
def _memory() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    atexit.register(_memory.cache_clear)
    return connection


class Asked:
    """The sales as a project's warehouse; a plan passes the gate as one of anybody."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog

    def sql(self, plan: dict[str, Any]) -> GovernedSQL:
        asker = Principal("ana", frozenset(), {})
        return govern(compile_query(as_query(plan), visible(self.catalog, asker)).tree, self.catalog, asker, DUCKDB)

    def ask(self, plan: dict[str, Any]) -> list[Key]:
        sql = self.sql(plan)
        return _memory().execute(sql.text, sql.params or None).fetchall()


def in_memory(schema: str, types: dict[str, dict[str, str]], rows: Any, files: dict[str, str], sql: Sequence[str] = ()) -> Asked:
    """A project over a schema made anew: the rows of each table, which are an attribute of its name, and SQL that makes more tables."""
    connection = _memory()
    connection.execute(f"drop schema if exists {schema} cascade")
    connection.execute(f"create schema {schema}")
    for table, columns in types.items():
        connection.execute(f"create table {schema}.{table} ({', '.join(f'{c} {kind}' for c, kind in columns.items())})")
        if among := getattr(rows, table):
            marks = ", ".join([f"({', '.join('?' * len(columns))})"] * len(among))
            connection.execute(f"insert into {schema}.{table} values {marks}", [row[c] for row in among for c in columns])
    for statement in sql:
        connection.execute(statement)
    return Asked(_project(tuple(files.items())))


def asked_of(
    sales: Sales, metrics: str = "", settings: str = "", sql: Sequence[str] = (), models: tuple[tuple[str, str], ...] = ()
) -> Asked:
    """The sales, with metrics across models, settings, more tables and more models."""
    files = {"answerable.yml": f"name: Sales\nwarehouse: duckdb:data.duckdb\n{settings}", **MODELS, **dict(models)}
    if metrics:
        files["metrics/moved.yml"] = f"metrics:\n{metrics}"
    return in_memory("t", TYPES, sales, files, sql)


# -- periods -----------------------------------------------------------------------------------------------------------------------

FISCAL_START = 2
SETTINGS = "fiscal_year_start: february\n"
StartOf = Callable[[dt.date], Any]
Pieces = dict[Any, Span]


@cache
def start_of(grain: str) -> StartOf:
    """What names the period of a day: its first day."""

    def first(day: dt.date) -> dt.date:
        match grain:
            case "week":
                return day - dt.timedelta(days=day.weekday())
            case "month":
                return day.replace(day=1)
            case "quarter":
                return dt.date(day.year, day.month - (day.month - 1) % 3, 1)
            case "year":
                return dt.date(day.year, 1, 1)
            case "fiscal_quarter":
                first = day.replace(day=1)
                while (first.month - FISCAL_START) % 3:
                    first = (first - dt.timedelta(days=1)).replace(day=1)
                return first
            case "fiscal_year":
                return dt.date(day.year - (day.month < FISCAL_START), FISCAL_START, 1)
        assert grain == "day", grain
        return day

    return first


@cache
def period(day: dt.date, start_of: StartOf) -> tuple[dt.datetime, dt.datetime]:
    """The half-open period of a day: from the first day of that name to the next day that has another. A day in none is alone."""
    own, first, last, one = start_of(day), day, day, dt.timedelta(days=1)
    while own is not None and start_of(first - one) == own:
        first -= one
    while own is not None and start_of(last + one) == own:
        last += one
    return at(first), at(last + one)


def pieces(grain: str | StartOf, facts: Iterable[Row], window: Span | None = None) -> Pieces:
    """The shown periods with their bounds: those of the window, which cuts them, or from the data's first to its last."""
    named = start_of(grain) if isinstance(grain, str) else grain
    moments = [known for row in facts if (known := moment(row)) is not None]
    start, end = window or (None, None)
    if not moments and (start is None or end is None):
        return {}
    first = start if start is not None else period(min(moments).date(), named)[0]
    until = end if end is not None else period(max(moments).date(), named)[1]
    found, day = {}, first.date()
    while at(day) < until:
        own, after = period(day, named)
        found[named(day)] = (max(own, first), min(after, until))
        day = after.date()
    return {name: piece for name, piece in found.items() if name is not None}


def months_later(value: dt.datetime, months: int) -> dt.datetime:
    """The same day of another month, or that month's last."""
    year, month = divmod(value.year * 12 + value.month - 1 + months, 12)
    return value.replace(year=year, month=month + 1, day=min(value.day, monthrange(year, month + 1)[1]))


def later(value: dt.datetime, months: int = 0, days: int = 0) -> dt.datetime:
    return months_later(value, months) + dt.timedelta(days=days)


# -- from a shown piece of time to the rows that count for it ---------------------------------------------------------------------

Frame = Callable[[Span, str], Span]
"""The span that counts for a piece of some grain; "" is a window as a whole."""


def moved(months: int = 0, days: int = 0) -> Frame:
    """An offset: a day keeps its length, longer pieces move at both ends."""

    def back(span: Span, grain: str) -> Span:
        start, end = span
        before = None if start is None else later(start, -months, -days)
        if grain == "day" and start is not None and end is not None and before is not None:
            return before, before + (end - start)
        return before, None if end is None else later(end, -months, -days)

    return back


def trailing(months: int = 0, days: int = 0) -> Frame:
    return lambda span, grain: (None if span[1] is None else later(span[1], -months, -days), span[1])


def to_date(unit: str | StartOf) -> Frame:
    named = start_of(unit) if isinstance(unit, str) else unit

    def since(span: Span, grain: str) -> Span:
        assert span[1] is not None
        last = span[1] - dt.timedelta(microseconds=1)
        return period(last.date(), named)[0], span[1]

    return since


def ever(span: Span, grain: str) -> Span:
    return None, span[1]


def still(span: Span, grain: str) -> Span:
    return span


def each_of(*frames: Frame) -> Frame:
    """Frames one after the other, the outermost first."""

    def all_of(span: Span, grain: str) -> Span:
        for frame in frames:
            span = frame(span, grain)
        return span

    return all_of


# -- values ------------------------------------------------------------------------------------------------------------------------

Passes = Callable[[Sales, Row], bool]
Value = Callable[[list[Row]], Any]


def known(rows: list[Row], column: str) -> list[Any]:
    return [row[column] for row in rows if row[column] is not None]


def total(rows: list[Row]) -> Any:
    return sum(known(rows, "amount")) if known(rows, "amount") else None


def everything(sales: Sales, row: Row) -> bool:
    return True


# A sum or count of no rows is null; a distinct count of none is 0.
METRICS: dict[str, tuple[Passes, Value]] = {
    "taken": (everything, total),
    "sales": (everything, lambda rows: len(rows) or None),
    "buyers": (everything, lambda rows: len(set(known(rows, "buyer")))),
    "largest": (everything, lambda rows: max(known(rows, "amount"), default=None)),
    "average": (everything, lambda rows: total(rows) / len(known(rows, "amount")) if known(rows, "amount") else None),
    "paid": (everything, lambda rows: len(known(rows, "amount")) if rows else None),
    "spread": (everything, lambda rows: max(a) - min(a) if (a := known(rows, "amount")) else None),
    "per_sale": (everything, lambda rows: total(rows) / len(rows) if known(rows, "amount") else None),
    "ratio": (everything, lambda rows: None if (a := total([row for row in rows if row["kind"] == "a"])) is None else a / len(rows)),
    "taken_a": (lambda sales, row: row["kind"] == "a", total),
    "oslo_sales": (lambda sales, row: sales.city(row) == "Oslo", lambda rows: len(rows) or None),
    "refunded": (everything, total),
    "refunds": (everything, lambda rows: len(rows) or None),
}


def inside(rows: Iterable[Row], span: Span) -> list[Row]:
    """The rows of a span; those without a date are in that of all time only."""
    start, end = span
    if start is None and end is None:
        return list(rows)
    first, until = start or dt.datetime.min, end or dt.datetime.max
    return [row for row in rows if (t := moment(row)) is not None and first <= t < until]


def valued(sales: Sales, metric: str, rows: Iterable[Row], by: Sequence[str] = ()) -> dict[Key, Any]:
    """A metric of some rows by their groups; without groups there is always a value."""
    passes, value = METRICS[metric]
    counted = [row for row in rows if passes(sales, row)]
    keys: set[Key] = {tuple(sales.value(row, ref) for ref in by) for row in counted} if by else {()}
    return {key: value([row for row in counted if tuple(sales.value(row, ref) for ref in by) == key]) for key in keys}


def over(sales: Sales, metric: str, frame: Frame, shown: Pieces, rows: Iterable[Row], by: Sequence[str] = (), grain: str = "") -> Values:
    """A moved or running metric: for each shown piece and group that has rows, that of the rows which the frame counts."""
    rows = list(rows)
    found: Values = {}
    for name, piece in shown.items():
        if counted := inside(rows, frame(piece, grain)):
            found |= {(name, *key): value for key, value in valued(sales, metric, counted, by).items()}
    return found


def nothing(metric: str) -> Any:
    return METRICS[metric][1]([])


def side_by_side(columns: Sequence[tuple[str, Values]]) -> dict[Key, Key]:
    """Several values of the same groups, without those in which there is nothing of any. Each comes with the metric that it is of."""
    keys = dict.fromkeys(key for _, column in columns for key in column)
    empty = tuple(nothing(metric) for metric, _ in columns)
    rows = {key: tuple(column.get(key, nothing(metric)) for metric, column in columns) for key in keys}
    return {key: row for key, row in rows.items() if row != empty}


def as_rows(rows: list[tuple[Any, ...]], metrics: Sequence[str]) -> dict[Key, Key]:
    """A result by its keys, without rows of nothing. `metrics` are those that the last columns are of."""
    empty, n = tuple(map(nothing, metrics)), len(metrics)
    assert len({row[:-n] for row in rows}) == len(rows)
    return {row[:-n]: row[-n:] for row in rows if row[-n:] != empty}


def _windows(moments: st.SearchStrategy[dt.datetime]) -> st.SearchStrategy[Span]:
    return st.lists(moments, min_size=2, max_size=2, unique=True).map(lambda two: (min(two), max(two)))


SOME_WINDOWS = _windows(DAYS.map(at))
WINDOWS: st.SearchStrategy[Span | None] = st.none() | SOME_WINDOWS | st.tuples(DAYS.map(at), st.none()) | st.tuples(st.none(), DAYS.map(at))
CLOSED_WINDOWS: st.SearchStrategy[Span | None] = st.none() | SOME_WINDOWS
CUT_WINDOWS = _windows(st.builds(dt.datetime.combine, DAYS, TIMES))
"""Windows that begin or end in the midst of a day."""


def as_window(window: Span | None) -> dict[str, Any]:
    """The window as a plan says it."""
    return {"window": {name: side.isoformat() for name, side in zip(("start", "end"), window, strict=True) if side}} if window else {}
