"""A metric becomes arithmetic over cells: simple metrics, each with the frame of time and the filters of its place."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Literal, assert_never

from answerable.context.catalog import Catalog
from answerable.context.compiler.time import Frame, Span, Step
from answerable.context.errors import NotSupported, UnknownName, nearest
from answerable.context.expr import parse_expression, substitute
from answerable.context.model import (
    ConversionMetric,
    CumulativeMetric,
    DerivedMetric,
    Input,
    Metric,
    RatioMetric,
    SimpleMetric,
)
from answerable.context.query import TimeWindow
from sqlglot import exp


@dataclass(frozen=True)
class Cell:
    """One number for each group: a simple metric, the rows of time that count, and filters from the metrics above it."""

    metric: SimpleMetric
    frame: Frame = ()
    filters: tuple[str, ...] = ()
    window: TimeWindow | None = None
    """Another window than the plan's, for comparisons."""
    shown: Literal["first", "average", ""] = ""
    """Which of the values within a coarser period is shown, where it's not the last."""
    conversion: ConversionMetric | None = None
    """Where the metric counts only events that follow a base event: the conversion that says which."""


class Cells:
    """The distinct cells of a plan, each with the column that it gets in the merged result."""

    def __init__(self, catalog: Catalog, taken: Collection[str] = ()) -> None:
        self.catalog, self.taken = catalog, taken
        self.columns: dict[Cell, str] = {}

    def expression(self, name: str, frame: Frame = (), window: TimeWindow | None = None) -> exp.Expr:
        """The metric `name` as SQL over cells' columns. Raises UnknownName or NotSupported."""
        metric = self.catalog.metric(name)
        if metric is None:
            raise UnknownName(
                f"There is no metric {name}.", name, nearest(name, [n for n, m in self.catalog.metrics.items() if not m.hidden])
            )
        return self._expression(metric, Cell(_NONE, frame, window=window))

    def _expression(self, metric: Metric, at: Cell) -> exp.Expr:
        value = self._value(metric, at)
        return value if metric.fill is None else exp.func("COALESCE", value, exp.Literal.number(f"{metric.fill:g}"))

    def _value(self, metric: Metric, at: Cell) -> exp.Expr:
        match metric:
            case SimpleMetric():
                return exp.column(self._column(replace(at, metric=metric)))
            case RatioMetric():
                over, under = self._inner(metric.numerator, at), self._inner(metric.denominator, at)
                nonzero = exp.func("NULLIF", under, exp.Literal.number(0))
                return exp.Div(this=exp.cast(over, "DOUBLE"), expression=nonzero)
            case DerivedMetric():
                parts = metric.parts
                tree = substitute(parse_expression(metric.expr), lambda column: self._part(parts[column.name], at))
                return exp.paren(_null_over_zero(tree), copy=False)
            case CumulativeMetric():
                if metric.at_period != "last":
                    at = replace(at, shown=metric.at_period)
                return self._inner(metric.metric, replace(at, frame=(*at.frame, _running(metric, self.catalog.settings.grains))))
            case ConversionMetric():
                return self._conversion(metric, at)
            case _:
                assert_never(metric)

    def _conversion(self, metric: ConversionMetric, at: Cell) -> exp.Expr:
        base, converted = self.catalog.metric(metric.base), self.catalog.metric(metric.converted)
        if not isinstance(converted, SimpleMetric) or not isinstance(base, SimpleMetric):
            raise NotSupported(f"{metric.words} is made of metrics that are not simple, which is not supported yet.", metric.name)
        counted = base if metric.counted == "base" else converted
        count: exp.Expr = exp.column(self._column(replace(at, metric=counted, conversion=metric)))
        if converted.fill is not None:
            count = exp.func("COALESCE", count, exp.Literal.number(f"{converted.fill:g}"))
        if metric.value == "count":
            return count
        if metric.counted == "base":  # of base events none of which converted, the rate is 0; dbt has none then
            count = exp.func("COALESCE", count, exp.Literal.number(0))
        return exp.Div(this=exp.cast(count, "DOUBLE"), expression=exp.func("NULLIF", self._inner(metric.base, at), exp.Literal.number(0)))

    def _inner(self, name: str, at: Cell) -> exp.Expr:
        metric = self.catalog.metric(name)
        if metric is None:
            raise UnknownName(f"There is no metric {name}.", name)
        return self._expression(metric, at)

    def _part(self, part: Input, at: Cell) -> exp.Expr:
        if part.offset:
            at = replace(at, frame=(*at.frame, Step("offset", Span.of(part.offset, self.catalog.settings.grains))))
        if part.offset_to:
            at = replace(at, frame=(*at.frame, Step("offset_to", grain=part.offset_to)))
        if part.filter:
            at = replace(at, filters=(*at.filters, part.filter))
        return self._inner(part.metric, at)

    def _column(self, cell: Cell) -> str:
        if cell not in self.columns:
            taken = {*self.taken, *self.columns.values()}
            suffix = (
                ([cell.shown] if cell.shown else [])
                + (["before"] if cell.window else [])
                + ([cell.conversion.name] if cell.conversion else [])
            )
            suffix += [step.kind for step in cell.frame] + (["where"] if cell.filters else [])
            name = "_".join([cell.metric.name.replace(".", "_"), *suffix])
            self.columns[cell] = next(n for n in _numbered(name) if n not in taken)
        return self.columns[cell]


def _null_over_zero(tree: exp.Expr) -> exp.Expr:
    """Arithmetic of metrics, in which a zero denominator gives null on every engine."""
    for division in list(tree.find_all(exp.Div)):
        if not isinstance(division.expression, (exp.Literal, exp.Nullif)):
            division.set("expression", exp.func("NULLIF", division.expression, exp.Literal.number(0)))
    return tree


def _running(metric: CumulativeMetric, custom: tuple[str, ...]) -> Step:
    if metric.to_date:
        return Step("to_date", grain=metric.to_date)
    return Step("window", Span.of(metric.window, custom)) if metric.window else Step("all")


def _numbered(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}_{n}" for n in range(2, 10_000))


_NONE = SimpleMetric(name="", expr="count(*)")
