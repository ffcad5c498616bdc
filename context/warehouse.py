"""Definitions beside the warehouse they name: tables and columns that are gone, each with its mend; and a first project from tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from answerable.context.catalog import Catalog
from answerable.context.engines.base import Engine
from answerable.context.errors import Complaint, EngineError, Where, nearest
from answerable.context.expr import PER, names, parse_expression
from answerable.context.model import Model, SimpleMetric
from answerable.context.query import GovernedSQL
from answerable.context.words import singular


def check_columns(catalog: Catalog, engine: Engine) -> list[Complaint]:
    """What the definitions name and the warehouse does not have."""
    found: list[Complaint] = []
    for model in catalog.models.values():
        columns = _columns(model, engine)
        if columns is None:
            near = nearest(model.table or "", engine.tables(), 1)
            mend = f"did you mean {near[0]}?" if near else "mend table, or build it"
            found.append(
                Complaint(
                    "table gone", model.where, f"{model.name} stands on {model.table or 'its sql'}, which is not in the warehouse", mend
                )
            )
        else:
            found += _missing(model, catalog, columns, exact=engine.dialect == "postgres")
    return found


def _columns(model: Model, engine: Engine) -> dict[str, str] | None:
    if model.table:
        return engine.columns(model.table)
    try:
        rows = engine.run(GovernedSQL(f"SELECT * FROM ({model.sql}) AS q LIMIT 0"))
    except EngineError:
        return None
    return dict(zip(rows.names, rows.types, strict=True))


def _missing(model: Model, catalog: Catalog, columns: dict[str, str], exact: bool) -> Iterator[Complaint]:
    """`exact` where capitals make another name."""
    known = {*columns} if exact else {name.lower() for name in columns}

    def gone(name: str, where: Where, by: str) -> Iterator[Complaint]:
        if (name if exact else name.lower()) not in known:
            near = tuple(c for c in columns if c.lower() == name.lower()) or nearest(name, columns, 1)
            mend = f"rename to {near[0]}" if near else f"the columns are {', '.join(columns)}"
            yield Complaint("column gone", where, f"column {name}, which {by} names, is not in {model.table or model.name}", mend)

    for dimension in model.dimensions.values():
        for name in dict.fromkeys(n for n in names(parse_expression(dimension.sql)) if "." not in n):
            yield from gone(name, dimension.where, dimension.name)
    for key in model.primary_key:
        yield from gone(key, model.where, "primary_key")
    for join in model.joins.values():
        for own in join.on:
            if own not in model.dimensions:
                yield from gone(own, join.where, f"join {join.name}")
    if model.freshness:
        yield from gone(model.freshness.column, model.where, "freshness")
    for metric in catalog.metrics.values():
        if isinstance(metric, SimpleMetric) and metric.model == model.name:
            for name in dict.fromkeys(n for n in names(parse_expression(metric.expr)) if "." not in n):
                yield from gone(name, metric.where, metric.name)
            for name in names(parse_expression(metric.filter)) if metric.filter else ():
                if "." not in name and PER not in name and name not in model.dimensions:
                    yield from gone(name, metric.where, f"the filter of {metric.name}")


# -- a first project ----------------------------------------------------------------------------------------------------------


def draft_models(engine: Engine) -> dict[str, dict[str, Any]]:
    """A model for each table, by name, as data for YAML: dimensions by type, a key and joins where the names say so; nothing endorsed."""
    tables = {table: engine.columns(table) or {} for table in engine.tables()}
    called = _called(list(tables))
    keys = {called[table]: _key(called[table], columns) for table, columns in tables.items()}
    drafts = {}
    for table, columns in tables.items():
        name = called[table]
        joins = {
            _join_name(column): {"model": other, "on": column}
            for column in columns
            for other, key in keys.items()
            if key == column and other != name
        }
        time = next((column for column, kind in columns.items() if _kind(kind) == "time"), None)
        drafts[name] = {
            "model": name, "table": table, "endorsed": False, "entity": " ".join(singular(word) for word in name.split("_")),
            **{key: value for key, value in (("primary_key", keys[name]), ("time", time), ("joins", joins)) if value},
            "dimensions": {c: _typed(k) for c, k in columns.items() if c != keys[name] and c not in _ids(joins)},
            "metrics": {f"{name}_rows": {"expr": "count(*)", "description": f"Rows of {table}"}},
        }  # fmt: skip
    return drafts


def _called(tables: list[str]) -> dict[str, str]:
    """A model's name for each table: its own where that is free, else with its schema."""
    last = [table.split(".")[-1].strip('"') for table in tables]
    plain = {table: re.sub(r"\W", "_", name if last.count(name) == 1 else table) for table, name in zip(tables, last, strict=True)}
    return {table: name if not name[0].isdigit() else f"t_{name}" for table, name in plain.items()}


def _key(model: str, columns: dict[str, str]) -> str | None:
    words = model.split("_")
    single = "_".join([*words[:-1], singular(words[-1])])
    return next((c for c in (f"{single}_id", f"{singular(words[-1])}_id", "id", f"{single}_key") if c in columns), None)


def _join_name(column: str) -> str:
    return re.sub(r"_(id|key)$", "", column) or column


def _ids(joins: dict[str, dict[str, str]]) -> set[str]:
    return {join["on"] for join in joins.values()}


def _typed(type_name: str) -> dict[str, str]:
    return {} if _kind(type_name) == "text" else {"type": _kind(type_name)}


def _kind(type_name: str) -> str:
    name = type_name.upper()
    if name.startswith(("DATE", "TIMESTAMP")):
        return "time"
    if name.startswith("BOOL"):
        return "boolean"
    return "number" if re.match(r"U?(TINY|SMALL|BIG|HUGE)?INT(?!ERVAL)|DOUBLE|FLOAT|DECIMAL|NUMERIC|REAL", name) else "text"
