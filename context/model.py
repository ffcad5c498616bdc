"""The nouns that a data team endorses, as their YAML writes them; frozen. Metric kinds are a closed union."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

from answerable.context.errors import Where
from answerable.context.expr import parse_expression
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from sqlglot import exp

Grain = Literal["second", "minute", "hour", "day", "week", "month", "quarter", "year"]
GRAINS: tuple[str, ...] = ("second", "minute", "hour", "day", "week", "month", "quarter", "year", "fiscal_quarter", "fiscal_year")
PARTS: tuple[str, ...] = ("hour_of_day", "day_of_week", "day_of_month", "week_of_year", "month_of_year", "quarter_of_year")


def _words(value: Any) -> Any:
    """A list, or one word that stands for a list of one; numbers are words here."""
    if value is None:
        return ()
    if isinstance(value, (str, int, float)):
        value = [value]
    return tuple(str(v) if isinstance(v, (int, float)) else v for v in value) if isinstance(value, (list, tuple)) else value


Words = Annotated[tuple[str, ...], BeforeValidator(_words)]


class Frozen(BaseModel):
    """A value: never changed, and no key that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, defer_build=True)


class UnitColumn(Frozen):
    """A unit that depends on the row, such as a currency column."""

    column: str


class Item(Frozen):
    """What everything that has a name may carry. `where` is its place in the project's files."""

    name: str = ""
    label: str | None = None
    description: str | None = None
    synonyms: Words = ()
    owner: str | None = None
    endorsed: bool | None = None
    unit: str | UnitColumn | None = None
    format: str | None = None
    tags: Words = ()
    hidden: bool = False
    source_name: str | None = None
    where: Where = Field(default=Where("?"), repr=False)

    def __hash__(self) -> int:
        return hash((type(self).__name__, self.name))

    @property
    def words(self) -> str:
        """The name as people read it."""
        return self.label or self.name.replace("_", " ")


class Value(Frozen):
    """A declared value of a dimension: its synonyms, and what it means."""

    synonyms: Words = ()
    description: str | None = None


def _values(value: Any) -> Any:
    if isinstance(value, list):
        return {str(v): {} for v in value}
    if not isinstance(value, Mapping):
        return value

    def one(said: Any) -> Any:
        if said is None or isinstance(said, list):
            return {"synonyms": said or ()}
        return {"description": said} if isinstance(said, str) else said

    return {str(k): one(v) for k, v in value.items()}


class Dimension(Item):
    """What a number can be split or filtered by. Without `expr` it is the column of its own name."""

    expr: str | None = None
    type: Literal["text", "number", "boolean", "time"] = "text"
    grain: Grain | None = None
    values: Annotated[dict[str, Value], BeforeValidator(_values)] = {}
    values_of: str | None = None
    private: bool = False
    group: bool = True
    future: bool = False
    stored_in: str | None = None
    partition: bool = False

    @property
    def sql(self) -> str:
        return self.expr or self.name

    @cached_property
    def column(self) -> str | None:
        """The physical column that this dimension plainly is, or None where it is computed."""
        tree = parse_expression(self.sql)
        return tree.name if isinstance(tree, exp.Column) and len(tree.parts) == 1 else None


class Validity(Frozen):
    """The half-open span in which a row of a slowly changing table holds."""

    from_: str = Field(alias="from")
    to: str


class Join(Item):
    """A to-one way to another model; `on` maps own columns to columns of its key."""

    model: str
    on: dict[str, str]
    valid: Validity | None = None
    roles: Words = ()
    default: bool = False


class Freshness(Frozen):
    """The column that says when a row was loaded, and how old the newest may be."""

    column: str
    within: str | None = None


class Pick(Frozen):
    """How a semi-additive metric takes one moment of a period."""

    pick: Literal["first", "last", "min", "max", "average"]
    per: Words = ()
    after: Literal["filters"] | None = None


class _Metric(Item):
    model: str | None = None
    """The model it is defined on; None for metrics across models."""


class SimpleMetric(_Metric):
    """A SQL aggregate over the model's rows, plus a filter."""

    expr: str
    filter: str | None = None
    time: str | None = None
    fill: float | None = None
    spine: bool | None = None
    """Periods without rows come as one row each, without groups; False: `fill` adds none; None: `fill` adds them for each group."""
    over_time: Pick | None = None
    type: Literal["number", "text", "date", "boolean"] = "number"


class RatioMetric(_Metric):
    """One metric over another; null where the denominator is zero."""

    type: Literal["ratio"]
    numerator: str
    denominator: str
    fill: float | None = None
    spine: bool | None = None


class Input(Frozen):
    """A metric that takes part in another, moved in time or filtered."""

    metric: str
    offset: str | None = None
    offset_to: str | None = None
    filter: str | None = None


class DerivedMetric(_Metric):
    """Arithmetic over other metrics, each by its name or by an input's."""

    type: Literal["derived"]
    expr: str
    inputs: dict[str, Input] = {}
    fill: float | None = None
    spine: bool | None = None

    @cached_property
    def parts(self) -> dict[str, Input]:
        """Each name in `expr` with the input that it stands for."""
        used = dict.fromkeys(column.name for column in parse_expression(self.expr).find_all(exp.Column))
        return {name: self.inputs.get(name, Input(metric=name)) for name in used}


class CumulativeMetric(_Metric):
    """A running total: over a window, since the start of a period, or of all time."""

    type: Literal["cumulative"]
    metric: str
    window: str | None = None
    to_date: str | None = None
    at_period: Literal["first", "last", "average"] = "last"
    fill: float | None = None
    spine: bool | None = None


class ConversionMetric(_Metric):
    """How many base events were followed by a converted one of the same entity within the window."""

    type: Literal["conversion"]
    base: str
    converted: str
    entity: str | dict[str, str]
    window: str | None = None
    value: Literal["rate", "count"] = "rate"
    counted: Literal["base", "converted"] = "base"
    """Base events that converted, or converted events: dbt counts these, so that a rate can pass 100 %."""
    constant: Words = ()
    fill: float | None = None
    spine: bool | None = None


Metric = SimpleMetric | RatioMetric | DerivedMetric | CumulativeMetric | ConversionMetric
METRIC_KINDS: dict[str, type[_Metric]] = {
    "ratio": RatioMetric,
    "derived": DerivedMetric,
    "cumulative": CumulativeMetric,
    "conversion": ConversionMetric,
}


def kind_of(metric: Metric) -> str:
    """`simple`, `ratio`, `derived`, `cumulative` or `conversion`."""
    return "simple" if isinstance(metric, SimpleMetric) else metric.type


class Model(Item):
    """A governed relation: a table or a query, its grain, its dimensions and its ways to other models."""

    table: str | None = None
    sql: str | None = None
    entity: str | None = None
    primary_key: Words = ()
    unique: tuple[Words, ...] = ()
    time: str | None = None
    freshness: Freshness | None = None
    joins: dict[str, Join] = {}
    dimensions: dict[str, Dimension] = {}
    always: str | None = None

    @property
    def entity_words(self) -> str:
        return self.entity or self.words

    @cached_property
    def title(self) -> Dimension | None:
        """The dimension by which people know a row: `name`, or the one labelled like the model or its entity."""
        if "name" in self.dimensions:
            return self.dimensions["name"]
        known = {self.name.lower(), (self.entity or "").lower(), (self.label or "").lower()}
        return next((d for d in self.dimensions.values() if d.words.lower() in known), None)


class Rule(Frozen):
    """A workspace rule: prose, and the defaults that the program applies."""

    name: str
    text: str
    groups: Words = ()
    words: dict[str, str] = {}
    defaults: dict[str, str] = {}
    periods: dict[str, tuple[dt.date, dt.date]] = {}
    where: Where = Where("?")

    def applies(self, groups: frozenset[str]) -> bool:
        """Whether it holds for somebody of these groups; a rule that names none holds for all."""
        return not self.groups or bool(groups.intersection(self.groups))


class Source(Frozen):
    """Where a trusted value comes from."""

    sql: str | None = None
    by: str | None = None
    on: dt.date | None = None


class Exposure(Frozen):
    """Something downstream that uses metrics."""

    name: str
    kind: str | None = None
    url: str | None = None
    owner: str | None = None
    metrics: Words = ()
    where: Where = Where("?")
