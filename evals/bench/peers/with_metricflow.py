"""MetricFlow on the shop, in its own environment: `with_metricflow.py WAREHOUSE` prints a line of JSON for each question.

Not here: gross margin by category. A measure of MetricFlow reads one table, and the cost of a piece stands in another.
"""

import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest  # type: ignore[import-not-found]
from metricflow.protocols.sql_client import SqlEngine  # type: ignore[import-not-found]
from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer  # type: ignore[import-not-found]
from metricflow_semantic_interfaces.parsing.dir_to_model import (  # type: ignore[import-not-found]
    parse_yaml_file_paths_to_semantic_manifest,
)
from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup  # type: ignore[import-not-found]

QUESTIONS: dict[str, tuple[list[str], list[str]]] = {
    "revenue": (["revenue"], []),
    "distinct orders": (["distinct_orders"], []),
    "average order value by segment": (["average_order_value"], ["customer__segment"]),
    "revenue by month and region": (["revenue"], ["metric_time__month", "customer__region"]),
    "shipping fees beside revenue by region": (["shipping_fees", "revenue"], ["customer__region"]),
    "customers beside revenue by segment": (["customers", "revenue"], ["customer__segment"]),
    "revenue and refunds by region": (["revenue", "refunds"], ["customer__region"]),
    "revenue growth month over month": (["revenue_growth"], ["metric_time__month"]),
    "cumulative revenue by month": (["cumulative_revenue"], ["metric_time__month"]),
    "weekly active customers": (["active_customers"], ["metric_time__week"]),
}


class Client:
    """What MetricFlow asks a warehouse for when it only writes SQL."""

    sql_engine_type = SqlEngine.DUCKDB
    sql_plan_renderer = DuckDbSqlPlanRenderer()

    def render_bind_parameter_key(self, key: str) -> str:
        return f"${key}"


def main(warehouse: str) -> None:
    manifest = parse_yaml_file_paths_to_semantic_manifest([str(Path(__file__).with_name("metricflow.yml"))]).semantic_manifest
    engine = MetricFlowEngine(SemanticManifestLookup(manifest), Client())
    connection = duckdb.connect()
    connection.execute(f"attach '{warehouse}' as shop_db (read_only)")
    # The days of the data and no more: MetricFlow shows running and moved values for every day of its spine.
    connection.execute(
        "create table days as select unnest(generate_series(date '2023-01-01', date '2025-10-31', interval 1 day))::date as day"
    )
    for name, (metrics, by) in QUESTIONS.items():
        print(json.dumps({"question": name, **asked(engine, connection, metrics, by)}, default=str))


def asked(engine: Any, connection: Any, metrics: list[str], by: list[str]) -> dict[str, Any]:
    def sql() -> str:
        request = MetricFlowQueryRequest.create(metric_names=metrics, group_by_names=by, order_by_names=by)
        return str(engine.explain(request).sql_statement.sql)

    try:
        text, times = sql(), []
        for _ in range(9):
            started = time.perf_counter()
            sql()
            times.append((time.perf_counter() - started) * 1000)
        return {"ms": statistics.median(times), "rows": connection.execute(text).fetchall()}
    except Exception as error:  # a driver: whatever it is, it is what the table shows
        return {"error": f"{type(error).__name__}: {str(error).strip()[:300]}"}


if __name__ == "__main__":
    main(sys.argv[1])
