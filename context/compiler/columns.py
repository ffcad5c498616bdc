"""What a result's columns are called, typed and measured in; and whether a metric's parts add up to its whole."""

from __future__ import annotations

from answerable.context.catalog import Catalog
from answerable.context.expr import parse_expression
from answerable.context.model import GRAINS, PARTS, Metric, SimpleMetric, UnitColumn
from answerable.context.paths import Field
from answerable.context.query import Column
from sqlglot import exp


def additive(metric: SimpleMetric) -> bool:
    """Whether parts add up to the whole: sums and plain counts, of rows that are counted once."""
    tree = parse_expression(metric.expr)
    aggregates = list(tree.find_all(exp.AggFunc))
    plain = all(isinstance(a, (exp.Sum, exp.Count, exp.CountIf)) and not a.find(exp.Distinct) for a in aggregates)
    linear = not any(division.expression.find(exp.AggFunc) for division in tree.find_all(exp.Div))
    return plain and linear and metric.over_time is None


def counts(metric: SimpleMetric) -> bool:
    """Whether a metric of no rows is nothing of something: a sum or a count."""
    aggregates = list(parse_expression(metric.expr).find_all(exp.AggFunc))
    return all(isinstance(a, (exp.Sum, exp.Count, exp.CountIf)) for a in aggregates)


def counts_distinct(metric: SimpleMetric) -> bool:
    """Whether a metric counts different values, which of no rows are 0."""
    tree = parse_expression(metric.expr)
    return isinstance(tree, exp.Count) and isinstance(tree.this, exp.Distinct)


def key_column(field: Field) -> Column:
    """What a group-by gives: a day or a moment, a number for a part of a time, else the dimension's own type."""
    dimension = field.dimension
    kind: str = "number" if field.is_part else dimension.type
    if field.grain and field.grain not in (*GRAINS, *PARTS):
        return Column(field.ref, "dimension", f"{field.model.name}.{dimension.name}", "text", label=field.grain.replace("_", " "))
    if kind == "time":
        kind = "time" if (field.grain or dimension.grain or "day") in ("second", "minute", "hour") else "date"
    unit = dimension.unit if isinstance(dimension.unit, str) else None
    return Column(field.ref, "dimension", f"{field.model.name}.{dimension.name}", kind, unit, dimension.format, dimension.words)


def share_name(metric: str, share: tuple[str, ...] | None) -> str:
    """`revenue_share`, or `revenue_share_of_region`."""
    within = [ref.replace(".", "_").replace(":", "_") for ref in share or () if ref != "total"]
    return f"{metric}_share" + (f"_of_{'_'.join(within)}" if within else "")


def value_column(name: str, catalog: Catalog) -> Column:
    metric: Metric | None = catalog.metric(name)
    if metric is not None:
        return Column(
            name,
            "metric",
            name,
            getattr(metric, "type", "number") if isinstance(metric, SimpleMetric) else "number",
            unit_of(metric),
            metric.format,
            metric.words,
        )
    base = next((n for n in sorted(catalog.metrics, key=len, reverse=True) if name.startswith(n + "_")), name)
    inner = catalog.metric(base)
    suffix = name[len(base) + 1 :]
    rate = suffix == "change_rate" or suffix.startswith("share")
    unit = "%" if rate else (unit_of(inner) if inner else None)
    return Column(
        name,
        "change" if "change" in suffix or suffix == "before" else "share",
        base,
        "number",
        unit,
        None,
        f"{inner.words if inner else base}, {suffix.replace('_', ' ')}",
    )


def unit_of(metric: Metric) -> str | None:
    """The unit to say; `%` where the format says so."""
    if metric.format == "percent":
        return "%"
    return None if isinstance(metric.unit, UnitColumn) else metric.unit
