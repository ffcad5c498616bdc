"""Plans without metrics: the distinct combinations of dimensions, or the rows themselves."""

from __future__ import annotations

from dataclasses import replace

from answerable.context.catalog import Catalog
from answerable.context.compiler.columns import key_column
from answerable.context.compiler.combine import quoted
from answerable.context.compiler.relation import Relation
from answerable.context.compiler.scan import within
from answerable.context.errors import NotSupported, PlanError, UnknownName, Unreachable, nearest
from answerable.context.model import Model
from answerable.context.paths import Field
from answerable.context.query import Column, SemanticQuery, Top
from sqlglot import exp


def listing(query: SemanticQuery, catalog: Catalog) -> tuple[exp.Select, tuple[Column, ...]]:
    """The tree of a plan without metrics, and its columns. The first `by` says which model it lists."""
    if not query.by:
        raise PlanError("A plan needs a metric, or a dimension to list.", "metrics")
    if query.having or query.compare or query.share or isinstance(query.limit, Top):
        raise NotSupported("A list has no having, compare, share or limit in groups.", "metrics")
    model = listed_model(catalog, query.by[0])
    relation = Relation(catalog, model, model.time)
    relation.every = query.each
    fields = [replace(relation.field(_own(ref, model)), ref=ref) for ref in query.by]
    keys = [exp.alias_(relation.key(field), field.ref, quoted=True) for field in fields]
    conditions = [relation.condition(text) for text in query.where]
    if query.window:
        if not model.time:
            raise Unreachable(f"{model.words} has no time dimension, so a window has nothing to stand on.", model.name)
        conditions += within(relation.moment(), query.window.start, query.window.end)
    if query.each and (query.rows or query.each not in {field.model.name for field in fields if len(field.path) == 1}):
        near = tuple(join.model for join in model.joins.values())
        raise PlanError(f"A list of {model.words} keeps every one of a model that it names and joins, as distinct values.", "each", near)
    if query.bounds:
        return _bounds(relation, fields, conditions)
    select = relation.select(*keys).where(*conditions)
    select = select if query.rows else select.distinct()
    asked = [(text.lstrip("-"), text.startswith("-")) for text in query.order]
    for name, _ in asked:
        if name not in query.by:
            raise UnknownName(f"The order names {name}, which is no column of this list.", name, nearest(name, query.by))
    rest = [(ref, False) for ref in query.by if ref not in dict(asked)]
    select = select.order_by(*(exp.Ordered(this=quoted(n), desc=d, nulls_first=False) for n, d in [*asked, *rest]))
    return (select.limit(query.limit) if isinstance(query.limit, int) else select), tuple(map(key_column, fields))


def _bounds(relation: Relation, fields: list[Field], conditions: list[exp.Expr]) -> tuple[exp.Select, tuple[Column, ...]]:
    """The least and the greatest value of each dimension."""
    ends: list[tuple[str, type[exp.Min | exp.Max]]] = [("min", exp.Min), ("max", exp.Max)]
    values = [exp.alias_(f(this=relation.key(field)), f"{field.ref}_{end}", quoted=True) for field in fields for end, f in ends]
    columns = [_end(key_column(field), end) for field in fields for end, _ in ends]
    return relation.select(*values).where(*conditions), tuple(columns)


def _end(column: Column, end: str) -> Column:
    said = {"min": "first", "max": "last"} if column.type in ("date", "time") else {"min": "least", "max": "greatest"}
    return replace(column, name=f"{column.name}_{end}", label=f"{said[end]} {column.label.lower()}")


def listed_model(catalog: Catalog, ref: str) -> Model:
    """The model that a list is about: by its name, its entity, or the one join that has the name."""
    head = ref.split(".")[0].split(":")[0]
    if head == "time" and catalog.calendars:
        grain = ref.partition(":")[2]
        return catalog.calendars[grain if grain in catalog.calendars else "day"]
    if head in catalog.models:
        return catalog.models[head]
    by_entity = [m for m in catalog.models.values() if (m.entity or "").replace(" ", "_") == head]
    by_join = {j.model for m in catalog.models.values() for n, j in m.joins.items() if n == head and j.model in catalog.models}
    owners = by_entity or [catalog.models[name] for name in sorted(by_join)]
    if "." not in ref:
        owners = [m for m in catalog.models.values() if head in m.dimensions]
    if len(owners) == 1:
        return owners[0]
    if owners:
        raise UnknownName(f"{ref} is a dimension of several models.", ref, tuple(f"{m.name}.{ref.split('.')[-1]}" for m in owners))
    raise UnknownName(f"No model is called {head}.", ref, nearest(head, catalog.models))


def _own(ref: str, model: Model) -> str:
    """A listed model's own dimension, without the word that names the model; other names keep their path."""
    head, _, tail = ref.partition(".")
    if tail and head not in model.joins and (head == model.name or "." not in tail):
        return tail
    return ref
