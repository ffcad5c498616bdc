"""`each` in a plan: every row of a model is kept, also one that no fact is about ("customers without orders")."""

from __future__ import annotations

from dataclasses import replace

from answerable.context.compiler.combine import quoted
from answerable.context.compiler.relation import Relation
from answerable.context.compiler.scan import Scanner
from answerable.context.errors import NotSupported, PlanError, UnknownName, nearest
from answerable.context.model import Model
from answerable.context.paths import Field, follow
from sqlglot import exp


def every(scanner: Scanner, name: str, sources: list[str]) -> exp.Select:
    """The groups of all rows of the model `name` that pass the plan's conditions on it.

    Keys that are not of it are null, in rows for those only that none of the `sources` has.

    Raises UnknownName for the model, PlanError where no key is of it, NotSupported beside periods of time.
    """
    catalog = scanner.catalog
    model = catalog.models.get(name)
    if model is None:
        raise UnknownName(f"No model is called {name}.", name, nearest(name, catalog.models))
    if scanner.own:
        raise NotSupported(f"Every one of {model.words} by period is not supported yet.", "each")
    rests = {field.ref: _rest(scanner, field, model) for field in scanner.fields}
    if all(rest is None for rest in rests.values()):
        raise PlanError(f"The plan keeps every one of {model.words}, and is split by nothing of it.", "each", tuple(model.dimensions)[:3])
    relation = Relation(catalog, model, model.time)
    keys = [exp.alias_(relation.key(rest) if rest else exp.null(), ref, quoted=True) for ref, rest in rests.items()]

    def value(field: Field) -> exp.Expr | None:
        rest = _rest(scanner, field, model)
        return relation.typed(rest) if rest else None

    texts = scanner.query.where
    conditions = [c for text in texts for c in scanner.relation.narrowed(text, lambda f: _rest(scanner, f, model) is not None, value)]
    select = relation.select(*keys).where(*conditions).distinct()
    own = [ref for ref, rest in rests.items() if rest]
    if len(own) < len(rests):
        select = select.where(*(_missing(source, relation, {ref: rests[ref] for ref in own}) for source in sources))
    select.add_comments([f" every one of {model.words} "])
    return select


def _missing(source: str, relation: Relation, own: dict[str, Field | None]) -> exp.Expr:
    """Whether a step has no row for the group."""
    same = [exp.NullSafeEQ(this=quoted(ref, source), expression=relation.key(field)) for ref, field in own.items() if field]
    return exp.not_(exp.Exists(this=exp.select(exp.Literal.number(1)).from_(source).where(*same)))


def _rest(scanner: Scanner, field: Field, model: Model) -> Field | None:
    """The field as the model itself reads it; None where the way to it does not lead over the model."""
    for n in range(len(field.path) + 1):
        if follow(scanner.catalog, scanner.scan.model, field.path[:n]) == model:
            return replace(field, path=field.path[n:])
    return None
