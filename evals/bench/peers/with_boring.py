"""boring-semantic-layer on the shop, in its own environment: `with_boring.py WAREHOUSE` prints a line of JSON for each question.

Two facts by one of their shared dimensions are asked from that dimension's model, which is joined to both as its documentation does.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import ibis  # type: ignore[import-not-found]
from boring_semantic_layer import to_semantic_table  # type: ignore[import-not-found]


def models(tables: Any) -> dict[str, Any]:
    """The facts with their to-one joins, and the customers with their facts."""
    customers = (
        to_semantic_table(tables("customers"), name="customers")
        .with_dimensions(segment=lambda t: t.segment, region=lambda t: t.region)
        .with_measures(customers=lambda t: t.count())
    )
    products = to_semantic_table(tables("products"), name="products").with_dimensions(category=lambda t: t.category)
    orders = to_semantic_table(tables("orders"), name="orders").with_measures(shipping_fees=lambda t: t.shipping_fee.sum())
    returns = to_semantic_table(tables("returns"), name="returns").with_measures(refunds=lambda t: t.refund.sum())
    items = (
        to_semantic_table(tables("order_items"), name="items")
        .with_dimensions(month=lambda t: t.sold_at.truncate("M"), week=lambda t: t.sold_at.truncate("W"))
        .with_measures(
            revenue=lambda t: t.amount.sum(),
            distinct_orders=lambda t: t.order_id.nunique(),
            active_customers=lambda t: t.customer_id.nunique(),
        )
        .with_measures(average_order_value=lambda t: t.revenue / t.distinct_orders)
    )
    by_product = items.join_one(products, on="product_id")
    return {
        "items": items,
        "by_customer": items.join_one(customers, on="customer_id"),
        "by_product": by_product.with_measures(gross_margin=lambda t: (t.amount - t.quantity * t.unit_cost).sum()),
        "fees": customers.join_many(orders, on="customer_id").join_many(items, on="customer_id"),
        "refunds": customers.join_many(items, on="customer_id").join_many(returns, on="customer_id"),
        "buyers": customers.join_many(items, on="customer_id"),
    }


def questions(m: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    def months() -> Any:
        return m["items"].group_by("month").aggregate("revenue")

    return {
        "revenue": lambda: m["items"].aggregate("revenue"),
        "distinct orders": lambda: m["items"].aggregate("distinct_orders"),
        "average order value by segment": lambda: m["by_customer"].group_by("customers.segment").aggregate("items.average_order_value"),
        "revenue by month and region": lambda: m["by_customer"].group_by("items.month", "customers.region").aggregate("items.revenue"),
        "gross margin by category": lambda: m["by_product"].group_by("products.category").aggregate("gross_margin"),
        "shipping fees beside revenue by region": lambda: (
            m["fees"].group_by("customers.region").aggregate("orders.shipping_fees", "items.revenue")
        ),
        "customers beside revenue by segment": lambda: (
            m["buyers"].group_by("customers.segment").aggregate("customers.customers", "items.revenue")
        ),
        "revenue and refunds by region": lambda: m["refunds"].group_by("customers.region").aggregate("items.revenue", "returns.refunds"),
        "revenue growth month over month": lambda: (
            months()
            .mutate(growth=lambda t: t.revenue / t.revenue.lag().over(ibis.window(order_by=t.month)) - 1)
            .to_untagged()
            .select("month", "growth")
        ),
        "cumulative revenue by month": lambda: (
            months()
            .mutate(running=lambda t: t.revenue.sum().over(ibis.cumulative_window(order_by=t.month)))
            .to_untagged()
            .select("month", "running")
        ),
        "weekly active customers": lambda: m["items"].group_by("week").aggregate("active_customers"),
    }


def main(warehouse: str) -> None:
    connection = ibis.duckdb.connect(warehouse, read_only=True)
    for name, question in questions(models(lambda table: connection.table(table, database="shop"))).items():
        print(json.dumps({"question": name, **asked(connection, question)}, default=str))


def asked(connection: Any, question: Callable[[], Any]) -> dict[str, Any]:
    def sql() -> str:
        table = question()
        return str(table.sql() if hasattr(table, "to_untagged") else ibis.to_sql(table))

    try:
        text, times = sql(), []
        for _ in range(9):
            started = time.perf_counter()
            sql()
            times.append((time.perf_counter() - started) * 1000)
        return {"ms": statistics.median(times), "rows": connection.raw_sql(text).fetchall()}
    except Exception as error:  # a driver: whatever it is, it is what the table shows
        return {"error": f"{type(error).__name__}: {str(error).strip()[:300]}"}


if __name__ == "__main__":
    main(sys.argv[1])
