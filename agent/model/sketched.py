"""A sketch becomes a plan: each name is looked up in what this asker may see. What does not hold is told to the model, to mend it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from answerable.agent.model.steps import Condition, Malformed, Sketch
from answerable.agent.timing import Timing
from answerable.context.catalog import Catalog
from answerable.context.compiler import Compiled, compile_query
from answerable.context.errors import PlanError
from answerable.context.model import Metric, Model
from answerable.context.paths import resolve
from answerable.context.query import Compare, SemanticQuery, TimeWindow, Top
from pydantic import ValidationError


@dataclass(frozen=True)
class Field:
    """A field of a plan and the dimension behind it. `grain` is a grain or a part of a time."""

    name: str
    model: str
    dimension: str
    grain: str | None = None

    @property
    def target(self) -> str:
        return f"{self.model}.{self.dimension}"


@dataclass(frozen=True)
class Shape:
    """A sketch whose every name was found, with the plan that it is."""

    sketch: Sketch
    query: SemanticQuery
    metrics: tuple[Metric, ...]
    bases: tuple[Model, ...]
    by: tuple[Field, ...]
    where: tuple[tuple[Field, Condition], ...]

    def timed(self, timing: Timing) -> Shape:
        """The same with the window, the comparison and the weekdays that time words mean; what has no name is none of the best."""
        ranked = self.by if self.sketch.limit and self.sketch.order and self.metrics else ()
        named = (f"{field.name} is not null" for field in ranked if not field.grain and field.name not in self.sketch.limit_per)
        where = tuple(dict.fromkeys((*self.query.where, *timing.where, *named)))
        update = {"window": timing.window, "compare": timing.compare, "where": where}
        return replace(self, query=self.query.model_copy(update=update))

    @property
    def words(self) -> str:
        """The plan in words, for whoever picks or confirms it."""
        measured = " and ".join(metric.words for metric in self.metrics) or self.bases[0].words
        split = " and ".join(_said(field) for field in self.by)
        kept = ", ".join(f"{_said(field)} {said.operator} {' or '.join(map(str, said.values))}".strip() for field, said in self.where)
        having = ", ".join(f"{said.metric} {said.operator} {said.value:.12g}" for said in self.sketch.having)
        return "".join((measured, f" by {split}" if split else "", *(f", {part}" for part in (kept, having) if part)))

    def compiled(self, catalog: Catalog) -> Compiled:
        """Raises Malformed with what the compiler says against the plan."""
        try:
            return compile_query(self.query, catalog)
        except PlanError as error:
            raise Malformed(f"The plan can't be computed. {error}") from None


def _said(field: Field) -> str:
    *path, last = field.name.replace("_", " ").split(".")
    way = "".join(f" of the {step}" for step in reversed(path))
    return f"{last}{way}" + (f" by {field.grain.replace('_', ' ')}" if field.grain else "")


def placed(sketch: Sketch, catalog: Catalog) -> Shape:
    """The sketch in names of the visible catalogue. Raises Malformed that says what is not there, and what is near."""
    metrics = tuple(_metric(name, catalog) for name in sketch.metrics)
    leaves = [leaf for metric in metrics for leaf in catalog.leaves(metric)]
    bases = tuple({leaf.model: model for leaf in leaves if (model := catalog.models.get(leaf.model or ""))}.values())
    bases = bases or _of_list(sketch, catalog)
    by = tuple(_field(split.field, split.grain, bases, catalog) for split in sketch.by)
    if len({*by}) < len(by):
        raise Malformed("The plan groups by the same field twice.")
    where = tuple((_field(said.field, None, bases, catalog), said) for said in sketch.where)
    try:
        query = SemanticQuery.model_validate(
            {
                "metrics": [metric.name for metric in metrics],
                "by": [f"{field.name}:{field.grain}" if field.grain else field.name for field in by],
                "where": [_condition(field.name, said) for field, said in where],
                "having": [f"{said.metric} {said.operator} {said.value:.15g}" for said in sketch.having],
                "window": TimeWindow.model_validate(sketch.window.model_dump()) if sketch.window else None,
                "compare": Compare(to=sketch.compare) if sketch.compare else None,
                "order": sketch.order,
                "limit": Top(n=sketch.limit, per=sketch.limit_per) if sketch.limit and sketch.limit_per else sketch.limit,
                "share": (sketch.share,) if sketch.share else None,
            }
        )
    except ValidationError as error:
        path = error.errors(include_input=False, include_url=False)[0]["loc"]
        raise Malformed(
            f"The plan's {path[0] if path else 'form'} is not of the form that a plan has; days are written as 2026-03-31."
        ) from None
    return Shape(sketch, query, metrics, bases, by, where)


def _metric(name: str, catalog: Catalog) -> Metric:
    metric = catalog.metric(name)
    if metric is None or metric.hidden or not catalog.endorsed(metric):
        raise Malformed(f"There is no metric of one of the names in the plan. Name only those that were shown: {_shown(catalog)}.")
    return metric


def _shown(catalog: Catalog) -> str:
    names = [metric.name for metric in catalog.metrics.values() if not metric.hidden]
    return ", ".join(names[:20]) + ("; search for more" if len(names) > 20 else "")


def _of_list(sketch: Sketch, catalog: Catalog) -> tuple[Model, ...]:
    """Of a list without a metric: the model that the first field begins with."""
    named = [split.field.partition(".")[0] for split in sketch.by] + [said.field.partition(".")[0] for said in sketch.where]
    found = next((catalog.models[name] for name in named if name in catalog.models), None)
    if found is None:
        raise Malformed("The plan has no metric. Name one, or for a list begin its fields with a model's name.")
    return (found,)


def _field(name: str, grain: str | None, bases: tuple[Model, ...], catalog: Catalog) -> Field:
    said, _, own_grain = name.partition(":")
    grain = grain or own_grain or None
    try:
        found = [resolve(catalog, base, f"{said}:{grain}" if grain else said) for base in bases]
    except PlanError as error:
        raise Malformed(f"A field of the plan can't be used with its metrics. {error}") from None
    first = found[0]
    if first.dimension.hidden or (grain and not first.is_time):
        raise Malformed("A field of the plan is not among those that were shown.")
    return Field(said, first.model.name, first.dimension.name, grain)


def _condition(name: str, said: Condition) -> str:
    """A condition as plans write it: every value is a literal."""
    if said.operator in ("is null", "is not null"):
        return f"{name} {said.operator}"
    if any(isinstance(value, bool) for value in said.values) and said.operator != "=":
        raise Malformed("A condition on a yes/no field says = true or = false.")
    if not said.values:
        raise Malformed(f"A condition with {said.operator} has no value.")
    listed = ", ".join(map(literal, said.values))
    if said.operator == "in":
        return f"{name} in ({listed})"
    if said.operator == "not in":
        return f"({name} not in ({listed}) or {name} is null)"  # left out means left out: rows without a value stay
    if len(said.values) > 1:
        raise Malformed(f"A condition with {said.operator} has one value; several go with `in`.")
    if said.operator in ("starts with", "contains"):
        plain = str(said.values[0])
        if {"%", "_"} & {*plain}:
            raise Malformed("A part of a text can't hold % or _.")
        return f"{name} like {literal(f'%{plain}%' if said.operator == 'contains' else f'{plain}%')}"
    return f"{name} {'is distinct from' if said.operator == '<>' else said.operator} {literal(said.values[0])}"


def literal(value: str | float | bool) -> str:
    """A value as SQL writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.15g}" if isinstance(value, float) else "'" + str(value).replace("'", "''") + "'"
