"""Conversions: each converted event belongs to the last base event of its entity before it, and counts when it comes soon enough."""

from __future__ import annotations

from answerable.context.compiler.grid import FINE
from answerable.context.compiler.relation import Relation, entity_column
from answerable.context.compiler.scan import Scanner, empty_counts_are_null, within
from answerable.context.compiler.time import Span, frame_window, truncated
from answerable.context.errors import NotSupported, Unreachable
from answerable.context.expr import dotted, parse_expression, substitute
from answerable.context.model import GRAINS, ConversionMetric, Model, SimpleMetric
from answerable.context.query import TimeWindow
from sqlglot import exp

CONVERTED, EVENTS, EVENT, BASES, NEXT = "converted", "events", "event_number", "bases", "next_base"


def conversion(scanner: Scanner, metric: ConversionMetric) -> exp.Select:
    """The base events that converted, or as dbt counts the converted events, by the base event's time and dimensions."""
    catalog = scanner.catalog
    base, converted = catalog.metric(metric.base), catalog.metric(metric.converted)
    assert isinstance(base, SimpleMetric) and isinstance(converted, SimpleMetric)
    if scanner.grid and metric.counted != "base":
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
    """The base metric over those of its rows that a converted event belongs to: it comes in time, and before the next base event."""
    model, catalog = scanner.scan.model, scanner.catalog
    if len(model.primary_key) != 1:
        raise NotSupported(f"{metric.words} needs a primary key of one column on {model.words}.", metric.name)
    key = model.primary_key[0]
    if _agreeing(scanner.relation, events, metric)[0][0] == key:  # one base event for each entity: none comes after it
        return scanner.select().where(exp.Exists(this=_events(scanner.relation, events, metric, converted)), copy=False)
    bases = Relation(catalog, model, scanner.scan.time, BASES)
    keys = [exp.column(name, table=BASES) for name in dict.fromkeys((key, scanner.scan.time or "", *_own(bases, events, metric)))]
    after = exp.Window(
        this=exp.Lead(this=bases.moment()),
        partition_by=[bases.column((), own) for own in _own(bases, events, metric)],
        order=exp.Order(expressions=[exp.Ordered(this=bases.moment(), nulls_first=False)]),
    )
    conditions = [bases.filtered(base.filter)] if base.filter else []
    numbered = bases.select(*keys, exp.alias_(after, NEXT)).where(*conditions, *_near(scanner, bases, metric))
    unless = exp.column(NEXT, table=BASES)
    before = _cut(events.moment(), events, bases) < _cut(unless.copy(), bases, events)
    exists = _events(bases, events, metric, converted).where(exp.or_(unless.is_(exp.null()), before))
    inner = exp.select(exp.column(key, table=BASES)).from_(numbered.subquery(BASES)).where(exp.Exists(this=exists))
    belongs = exp.In(this=scanner.relation.column((), key), query=exp.Subquery(this=inner))
    return scanner.select().where(belongs, copy=False)


def _events(bases: Relation, events: Relation, metric: ConversionMetric, converted: SimpleMetric) -> exp.Select:
    """The converted events of a base event."""
    conditions = [events.filtered(converted.filter)] if converted.filter else []
    return events.select(exp.Literal.number(1)).where(_pairs(bases, events, metric), *conditions)


def _near(scanner: Scanner, bases: Relation, metric: ConversionMetric) -> list[exp.Expr]:
    """Only base events of the window matter, and those that could take a converted event from one of them."""
    window = frame_window(scanner.scan.frame, scanner.scan.window or TimeWindow(), scanner.catalog.settings)
    end = Span.of(metric.window).after(window.end) if metric.window and window.end else None
    return within(bases.moment(), window.start, end)


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
    measure = measure if shown else empty_counts_are_null(measure)
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


def _cut(moment: exp.Expr, of: Relation, beside: Relation) -> exp.Expr:
    """A time as the other side's can be compared with it: by the month, say, where the other is known by no finer grain."""
    own, other = (relation.model.dimensions[relation.time or ""].grain or "day" for relation in (of, beside))
    coarser = GRAINS.index(other) > GRAINS.index(own) and other not in (*FINE, "day")
    return truncated(moment, other, of.catalog.settings) if coarser else moment


def _agreeing(base: Relation, events: Relation, metric: ConversionMetric) -> list[tuple[str, str]]:
    """The columns in which both events agree: the entity first, then the constant properties."""
    said = metric.entity if isinstance(metric.entity, dict) else {"base": metric.entity, "converted": metric.entity}
    entity = entity_column(base.model, said["base"], base.catalog), entity_column(events.model, said["converted"], base.catalog)
    return [entity, *((name, name) for name in metric.constant)]


def _own(base: Relation, events: Relation, metric: ConversionMetric) -> list[str]:
    return [ours for ours, _ in _agreeing(base, events, metric)]


def _pairs(base: Relation, events: Relation, metric: ConversionMetric) -> exp.Expr:
    """The same entity, the converted event not before the base one and within the window, and what must agree."""
    moment, event = _cut(base.moment(), base, events), _cut(events.moment(), events, base)
    on: list[exp.Expr] = [
        exp.EQ(this=base.column((), ours), expression=events.column((), theirs)) for ours, theirs in _agreeing(base, events, metric)
    ]
    on.append(event >= moment)
    if metric.window:
        on.append(event.copy() < Span.of(metric.window).sql(moment.copy(), 1))
    return exp.and_(*on)
