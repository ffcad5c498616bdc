"""Conversions: each converted event belongs to the last base event of its entity before it, and counts when it comes soon enough."""

from __future__ import annotations

from answerable.context.compiler.grid import FINE
from answerable.context.compiler.relation import Relation, entity_column
from answerable.context.compiler.scan import Scanner
from answerable.context.compiler.time import Span, truncated
from answerable.context.errors import NotSupported, Unreachable
from answerable.context.expr import dotted, parse_expression, substitute
from answerable.context.model import GRAINS, ConversionMetric, Model, SimpleMetric
from sqlglot import exp

CONVERTED, EVENTS, EVENT, BASES = "converted", "events", "event_number", "bases"


def conversion(scanner: Scanner, metric: ConversionMetric) -> exp.Select:
    """The base events that converted, or as dbt counts the converted events, by the base event's time and dimensions."""
    catalog = scanner.catalog
    base, converted = catalog.metric(metric.base), catalog.metric(metric.converted)
    assert isinstance(base, SimpleMetric) and isinstance(converted, SimpleMetric)
    if scanner.grid:
        raise NotSupported(f"{metric.words} moved in time by period is not supported yet.", metric.name)
    model = catalog.models[converted.model or ""]
    if not scanner.scan.time or not (converted.time or model.time):
        raise Unreachable(f"{metric.words} needs a time on both sides.", metric.name)
    events = Relation(catalog, model, converted.time or model.time, CONVERTED)
    if metric.counted == "base":
        return _converted_bases(scanner, metric, base, converted, events)
    return _converted_events(scanner, metric, base, converted, events)


def _converted_bases(
    scanner: Scanner, metric: ConversionMetric, base: SimpleMetric, converted: SimpleMetric, events: Relation
) -> exp.Select:
    """The base metric over those of its rows that a converted event belongs to."""
    model = scanner.scan.model
    if len(model.primary_key) != 1:
        raise NotSupported(f"{metric.words} needs a primary key of one column on {model.words}.", metric.name)
    bases = Relation(scanner.catalog, model, scanner.scan.time, BASES)
    key = bases.column((), model.primary_key[0])
    belongs = exp.In(
        this=scanner.relation.column((), model.primary_key[0]),
        query=exp.Subquery(this=_last(bases, events, metric, base, converted, [key], [])),
    )
    return scanner.select().where(belongs, copy=False)


def _converted_events(
    scanner: Scanner, metric: ConversionMetric, base: SimpleMetric, converted: SimpleMetric, events: Relation
) -> exp.Select:
    """The converted metric over the events that belong to a base event."""
    column = scanner.scan.cells[0][0]
    keys = [exp.alias_(scanner.relation.key(field), field.ref, quoted=True) for field in scanner.fields]
    inputs, measure = _inputs(events, converted)
    inputs = inputs or ([] if keys else [exp.alias_(exp.Literal.number(1), EVENT)])
    inner = _last(scanner.relation, events, metric, base, converted, [*keys, *inputs], [*scanner.window(), *scanner.wheres])
    shown = [exp.column(exp.to_identifier(field.ref, quoted=True)) for field in scanner.fields]
    outer = exp.select(*shown, exp.alias_(measure, column, quoted=True)).from_(inner.subquery(EVENTS))
    return outer.group_by(*(exp.Literal.number(n + 1) for n in range(len(shown)))) if shown else outer


def _last(
    bases: Relation, events: Relation, metric: ConversionMetric, base: SimpleMetric, converted: SimpleMetric,
    columns: list[exp.Expr], conditions: list[exp.Expr],
) -> exp.Select:  # fmt: skip
    """Each converted event with the last base event of its entity before it."""
    conditions += [bases.filtered(base.filter)] if base.filter else []
    conditions += [events.filtered(converted.filter)] if converted.filter else []
    pairs = exp.select(*columns).from_(bases.table()).join(events.table(), on=_pairs(bases, events, metric))
    inner = events.joined(bases.joined(pairs)).where(*conditions)
    if not events.model.primary_key:
        _number_rows(inner, events.model)
    rank = exp.Window(
        this=exp.RowNumber(),
        partition_by=[exp.column(key, table=CONVERTED) for key in events.model.primary_key or (EVENT,)],
        order=exp.Order(expressions=[exp.Ordered(this=bases.moment(), desc=True, nulls_first=False)]),
    )
    inner.set("qualify", exp.Qualify(this=exp.EQ(this=rank, expression=exp.Literal.number(1))))
    return inner


def _number_rows(select: exp.Select, model: Model) -> None:
    """Give the events of a model without a key a number, so that each is counted once."""
    used = sorted({column.name for column in select.find_all(exp.Column) if column.table == CONVERTED})
    number = exp.alias_(exp.Window(this=exp.RowNumber()), EVENT)
    rows = exp.select(*(exp.column(name, table=CONVERTED) for name in used), number).from_(exp.to_table(model.name).as_(CONVERTED))
    for table in list(select.find_all(exp.Table)):
        if table.alias == CONVERTED:
            table.replace(rows.subquery(CONVERTED))


def _inputs(events: Relation, converted: SimpleMetric) -> tuple[list[exp.Expr], exp.Expr]:
    """The columns that the converted metric aggregates, and its expression over them."""
    names: dict[str, str] = {}
    for found in parse_expression(converted.expr).find_all(exp.Column):
        names.setdefault(dotted(found), f"input_{len(names) + 1}")
    columns = [exp.alias_(events.measured(name if "." in name else exp.column(name).sql()), alias) for name, alias in names.items()]
    return columns, substitute(parse_expression(converted.expr), lambda column: exp.column(names[dotted(column)]))


def _comparable(base: Relation, events: Relation) -> tuple[exp.Expr, exp.Expr]:
    """Both times, cut to the coarser grain where one side is known by the month, say, and the other by the day."""
    grains = [relation.model.dimensions[relation.time or ""].grain or "day" for relation in (base, events)]
    coarser = max(grains, key=GRAINS.index)
    cut = [
        relation.moment()
        if grain == coarser or coarser in FINE or coarser == "day"
        else truncated(relation.moment(), coarser, base.catalog.settings)
        for relation, grain in zip((base, events), grains, strict=True)
    ]
    return cut[0], cut[1]


def _pairs(base: Relation, events: Relation, metric: ConversionMetric) -> exp.Expr:
    """The same entity, the converted event not before the base one and within the window, and what must agree."""
    moment, event = _comparable(base, events)
    said = metric.entity if isinstance(metric.entity, dict) else {"base": metric.entity, "converted": metric.entity}
    pairs = [(entity_column(base.model, said["base"], base.catalog), entity_column(events.model, said["converted"], base.catalog))]
    pairs += [(name, name) for name in metric.constant]
    on: list[exp.Expr] = [exp.EQ(this=base.column((), ours), expression=events.column((), theirs)) for ours, theirs in pairs]
    on.append(event >= moment)
    if metric.window:
        on.append(event.copy() < Span.of(metric.window).sql(moment.copy(), 1))
    return exp.and_(*on)
