"""Definitions tried on the warehouse without reading a row: its planner says whether it has what their SQL names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from answerable.context.catalog import Catalog
from answerable.context.compiler import compile_query
from answerable.context.engines.base import Engine
from answerable.context.errors import Complaint, EngineError, GuardError, PlanError, Where
from answerable.context.guard import govern
from answerable.context.model import SimpleMetric
from answerable.context.policy import Principal
from answerable.context.query import as_query


def check_runs(catalog: Catalog, engine: Engine) -> list[Complaint]:
    """The endorsed dimensions and simple metrics that the warehouse can't work out.

    Definitions are in DuckDB's words, so only of another warehouse there is something to ask.
    """
    if engine.dialect == "duckdb":
        return []
    everything = replace(catalog, policies={})
    return [complaint for kind, name, where, plan in _plans(catalog) for complaint in _tried(everything, engine, kind, name, where, plan)]


def _plans(catalog: Catalog) -> Iterator[tuple[str, str, Where, dict[str, Any]]]:
    for model in catalog.models.values():
        for name, dimension in model.dimensions.items():
            if model.endorsed and dimension.column is None:
                yield "dimension", name, dimension.where, {"by": [f"{model.name}.{name}"]}
    for name, metric in catalog.metrics.items():
        if isinstance(metric, SimpleMetric) and catalog.endorsed(metric):
            yield "metric", name, metric.where, {"metrics": [name]}


def _tried(catalog: Catalog, engine: Engine, kind: str, name: str, where: Where, plan: dict[str, Any]) -> Iterator[Complaint]:
    try:
        sql = govern(compile_query(as_query(plan), catalog).tree, catalog, Principal(), engine.site)
        engine.run(replace(sql, text=f"EXPLAIN {sql.text}"))
    except PlanError:
        return  # it needs a window, or more
    except GuardError as error:
        yield Complaint(
            "not there", where, f"the {kind} {name} can not be said to the warehouse", f"{str(error).rstrip('.')}; write it otherwise"
        )
    except EngineError as error:
        if error.kind == "failed":
            yield Complaint(
                "not there",
                where,
                f"the warehouse can not work out the {kind} {name}",
                f"look at its expr and types. {str(error).rstrip('.')}",
            )
