"""dbt's metrics in our form, each with what it means there or, unendorsed, with the reason why not."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from answerable.context.importers.dbt_filters import (
    FilterError,
    Leaf,
    Scope,
    SemanticModel,
    join_filters,
    mentions_time,
    metrics_named,
    translate_filter,
)
from answerable.context.importers.dbt_manifest import Aggregation, Input, Manifest, Metric, candidates, duration, prose
from answerable.context.importers.project import Note, Source, spoken

FUNCTIONS = {"sum": "sum", "min": "min", "max": "max", "average": "avg", "median": "median", "count": "count"}
UNENDORSED = "it was written with `endorsed: false`, so it never answers"

Document = dict[str, Any]


class MetricError(ValueError):
    """A metric that can't be written at all."""


@dataclass
class Carrier:
    """Writes metrics, inputs first. A metric whose meaning would change is written unendorsed, and so is what leans on it."""

    manifest: Manifest
    documents: dict[str, Document] = field(default_factory=dict)
    homes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    hidden: dict[str, Document] = field(default_factory=dict)  # dimensions added to models
    left_out: set[str] = field(default_factory=set)
    weak: set[str] = field(default_factory=set)
    opened: set[str] = field(default_factory=set)
    notes: list[Note] = field(default_factory=list)

    def carry(self, name: str) -> None:
        if name in self.opened:
            return
        self.opened.add(name)
        metric = self.manifest.metrics[name]
        try:
            self._carry_inputs(metric)
            body = self._body(metric)
        except MetricError as error:
            self.left_out.add(name)
            self.notes.append(Note("metric", name, str(error), "it was left out", "left_out"))
            return
        for leaned in self._needs(metric):
            if leaned in self.weak | self.left_out:
                self._weaken(name, f"it leans on {leaned}, which isn't endorsed")
        hidden = {"hidden": True} if metric.params.data.get("is_private") else {}
        self.documents[name] = {**prose(metric.source), **hidden, **body, **({"endorsed": False} if name in self.weak else {})}
        own = [metric.aggregation.model] if metric.aggregation else []
        self.homes[name] = tuple(dict.fromkeys([*own, *(home for each in metric.inputs for home in self.homes[each.name])]))
        if metric.grain:
            self._note(name, f"its default grain ({metric.grain}) has no place in the form", "a plan names the grain that it asks for")

    def _needs(self, metric: Metric) -> list[str]:
        """Its inputs, and the metrics that its filters compare with."""
        templates = [*metric.filters, *(text for each in metric.inputs for text in each.filters)]
        named: set[str] = set()
        for template in templates:
            with suppress(FilterError):  # said when the filter is translated
                named |= metrics_named(template)
        return [*(each.name for each in metric.inputs), *sorted(named)]

    def _carry_inputs(self, metric: Metric) -> None:
        for needed in self._needs(metric):
            if needed in self.manifest.metrics:
                self.carry(needed)
        for each in metric.inputs:
            if each.name not in self.documents:
                raise MetricError(f"it needs {each.name}, which " + ("was left out" if each.name in self.left_out else "doesn't exist"))

    def _body(self, metric: Metric) -> Document:
        match metric.type:
            case "simple" if metric.aggregation:
                return self._simple(metric, metric.aggregation)
            case "ratio":
                return self._ratio(metric)
            case "derived":
                return {"type": "derived", "expr": self._expr(metric), **self._inputs(metric, {})}
            case "cumulative":
                return self._cumulative(metric)
            case "conversion":
                return self._conversion(metric)
        raise MetricError(f"its type {metric.type!r} isn't simple, ratio, derived, cumulative or conversion")

    def _simple(self, metric: Metric, aggregation: Aggregation) -> Document:
        (leaf,) = self._leaves(metric.name)
        body: Document = {"expr": self._aggregate(metric.name, aggregation)}
        condition = self._condition(metric.name, metric.filters, (leaf,), metric.grain)
        if condition:
            body["filter"] = condition
        model = self.manifest.models[leaf.model]
        default = model.dimension(model.time or "")
        if leaf.time and (default is None or default.name != leaf.time):
            body["time"] = leaf.time
        if leaf.time is None:
            self._note(metric.name, f"{leaf.model} has no default time dimension", "it can't be asked by time")
        return {**body, **self._over_time(metric.name, aggregation, leaf), **_empty_periods(metric)}

    def _aggregate(self, name: str, aggregation: Aggregation) -> str:
        function, expr = aggregation.function, aggregation.expr
        if (function, expr) in (("sum", "1"), ("count", "1"), ("count", "*")):
            return "count(*)"  # null over no rows, as the sum is
        if function in FUNCTIONS:
            return f"{FUNCTIONS[function]}({expr})"
        if function == "count_distinct":
            return f"count(distinct {expr})"
        if function == "sum_boolean":
            return f"sum(case when {expr} then 1 else 0 end)"
        if function == "percentile":
            return self._percentile(name, expr, aggregation.source.child("agg_params"))
        raise MetricError(f"its aggregation {function!r} has no counterpart")

    def _percentile(self, name: str, expr: str, params: Source | None) -> str:
        fraction = params.data.get("percentile") if params else None
        if params is None or not isinstance(fraction, int | float):
            raise MetricError("it is a percentile that doesn't say which")
        if params.data.get("use_approximate_percentile"):
            self._note(name, "it is an approximate percentile", "its value may differ a little from engine to engine")
            return f"approx_quantile({expr}, {fraction})"
        function = "percentile_disc" if params.data.get("use_discrete_percentile") else "percentile_cont"
        return f"{function}({fraction}) within group (order by {expr})"

    def _over_time(self, name: str, aggregation: Aggregation, leaf: Leaf) -> Document:
        source = aggregation.source.child("non_additive_dimension")
        if source is None:
            return {}
        model = self.manifest.models[leaf.model]
        if model.own(source.text("name").lower()) != leaf.time:
            self._weaken(name, f"it isn't added along {source.text('name')}, which isn't its own time dimension ({leaf.time})")
        groups = source.data.get("window_groupings") or []
        if not isinstance(groups, list):
            raise MetricError(f"its window_groupings should be a list, not {spoken(groups)}")
        unknown = [group for group in groups if model.own(str(group)) is None]
        if unknown:
            self._weaken(name, f"it isn't added along {', '.join(map(str, unknown))}, unknown in {leaf.model}")
        picked = "first" if (source.maybe("window_choice") or "min").lower() == "min" else "last"
        per = {"per": [model.own(str(group)) for group in groups]} if groups and not unknown else {}
        return {"over_time": {"pick": picked, **per, "after": "filters"}}

    def _ratio(self, metric: Metric) -> Document:
        if not metric.filters and all(each.plain for each in metric.inputs):
            return {"type": "ratio", "numerator": metric.inputs[0].name, "denominator": metric.inputs[1].name}
        self._note(metric.name, "a ratio has no place for the filters and offsets of its parts", "it was written as a derived metric")
        aliases = {0: "numerator", 1: "denominator"}
        return {"type": "derived", "expr": "cast(numerator as double) / nullif(denominator, 0)", **self._inputs(metric, aliases)}

    def _expr(self, metric: Metric) -> str:
        expr = metric.params.maybe("expr")
        if expr is None:
            raise MetricError("it is derived from an expression that it doesn't give")
        return expr

    def _inputs(self, metric: Metric, aliases: dict[int, str]) -> Document:
        inputs: Document = {}
        for position, each in enumerate(metric.inputs):
            alias = aliases.get(position) or each.alias or each.name
            document = {"metric": each.name, "offset": each.offset, "offset_to": each.offset_to, "filter": self._narrowed(metric, each)}
            document = {key: value for key, value in document.items() if value}
            if alias in inputs and inputs[alias] != document:
                raise MetricError(f"two of its inputs are called {alias}")
            if document != {"metric": alias} or alias in inputs:
                inputs[alias] = document
        return {"inputs": inputs} if inputs else {}

    def _narrowed(self, metric: Metric, each: Input) -> str | None:
        """The input's filter and the metric's own, which holds for all of its inputs."""
        if (each.shifted or self._shifts(each.name)) and self._dated(each, metric.filters):
            self._weaken(metric.name, f"a filter on the date of {each.name}, which is shifted or adds up over time, may mean either date")
        leaves, inner = self._leaves(each.name), self.manifest.metrics[each.name].grain
        own = self._condition(metric.name, each.filters, leaves, inner)
        outer = self._condition(metric.name, metric.filters, leaves, metric.grain)
        return join_filters([text for text in (own, outer) if text]) or None

    def _cumulative(self, metric: Metric) -> Document:
        details, (each,) = metric.details, metric.inputs
        body = {"type": "cumulative", "metric": self._base(metric, each, metric.filters)}
        window = duration(details, "window") or duration(metric.params, "window")
        to_date = details.maybe("grain_to_date") or metric.params.maybe("grain_to_date")
        body |= {"window": window} if window else {"to_date": to_date} if to_date else {}
        return {**body, "at_period": (details.maybe("period_agg") or "first").lower()}

    def _conversion(self, metric: Metric) -> Document:
        base, converted = metric.inputs
        window, details = duration(metric.details, "window"), metric.details
        sides = {"base": self._base(metric, base, metric.filters), "converted": self._base(metric, converted, ())}
        body: Document = {"type": "conversion", **sides, "counted": "converted"}
        body["entity"] = self._conversion_entity(details.text("entity"), [self._model(base), self._model(converted)])
        if window:
            body["window"] = window
        if (details.maybe("calculation") or "conversion_rate").lower() == "conversions":
            body["value"] = "count"
        constant = [self._constant(metric, source) for source in details.children("constant_properties")]
        return {**body, **({"constant": constant} if constant else {})}

    def _model(self, each: Input) -> SemanticModel:
        return self.manifest.models[self._leaves(each.name)[0].model]

    def _conversion_entity(self, entity: str, models: list[SemanticModel]) -> str | dict[str, str]:
        """Its name; said for each side where it isn't the name of exactly one model's rows."""
        sides = [model.own(entity) for model in models]
        missing = [model.name for model, side in zip(models, sides, strict=True) if side is None]
        if missing:
            raise MetricError(f"its entity {entity} is no column of {' or '.join(missing)}")
        owners = [m for m in self.manifest.models.values() if m.entity == entity]
        return entity if len(owners) == 1 and owners[0] not in models else {"base": str(sides[0]), "converted": str(sides[1])}

    def _constant(self, metric: Metric, source: Source) -> str:
        """A property by one name on both sides: where dbt has two, a side that lacks the common one gets it as a hidden dimension."""
        base, converted = (self._model(each) for each in metric.inputs)
        names = (source.text("base_property"), source.text("conversion_property"))
        known = [_expressions(model) for model in (base, converted)]
        exprs = [have.get(name) for have, name in zip(known, names, strict=True)]
        if None in exprs:
            raise MetricError(f"its constant property {' = '.join(names)} isn't found in {base.name} and {converted.name}")
        sides = list(zip((base, converted), known, names, map(str, exprs), strict=True))
        choices = chain(reversed(names), candidates(f"{names[1]}_of_both"))
        shared = next(name for name in choices if all(have.get(name, expr) == expr for _, have, _, expr in sides))
        for model, have, name, expr in sides:
            if shared not in have:
                self.hidden.setdefault(model.name, {})[shared] = {**({} if expr == shared else {"expr": expr}), "hidden": True}
                reason = f"its constant property has two names ({' = '.join(names)})"
                self._note(metric.name, reason, f"{model.name}.{name} is also {shared}, hidden")
        return shared

    def _base(self, metric: Metric, each: Input, outer: Sequence[str]) -> str:
        """The input; with filters, a hidden copy that carries them, since only simple metrics and inputs of derived ones have any."""
        if not each.filters and not outer:
            return each.name
        if metric.type == "cumulative" and self._dated(each, outer):
            self._weaken(metric.name, "a filter on the date of what adds up over time limits the rows shown, not those added")
        leaves = self._leaves(each.name)
        grains = (self.manifest.metrics[each.name].grain, metric.grain)
        texts = [self._condition(metric.name, t, leaves, g) for t, g in zip((each.filters, outer), grains, strict=True)]
        condition = join_filters([text for text in texts if text])
        if not condition:
            return each.name
        name = next(n for n in candidates(f"{metric.name}_base") if n not in self.documents and n not in self.manifest.metrics)
        self.documents[name] = {**self._filtered(each.name, condition), "hidden": True}
        if metric.name in self.weak:
            self.documents[name]["endorsed"] = False
        self.homes[name] = self.homes[each.name]
        self._note(metric.name, f"a {metric.type} metric has no filter of its own", f"the hidden metric {name} is {each.name} with it")
        return name

    def _filtered(self, name: str, condition: str) -> Document:
        document = {key: value for key, value in self.documents[name].items() if key not in ("label", "description")}
        if "type" in document:
            return {"type": "derived", "expr": name, "inputs": {name: {"metric": name, "filter": condition}}}
        return {"expr": document.pop("expr"), "filter": join_filters([document.pop("filter", condition), condition]), **document}

    def _condition(self, name: str, templates: Sequence[str], leaves: Sequence[Leaf], grain: str | None) -> str | None:
        """The filters in our names, seen from every model that is read; they must read alike from all."""
        texts: list[str] = []
        for template in templates:
            try:
                seen = {translate_filter(template, Scope.of(self.manifest.names, leaf, grain)) for leaf in leaves}
                if len(seen) != 1:
                    raise FilterError(f"{template!r} reads differently from each of its models ({'; '.join(sorted(seen))})")
                texts += seen
            except FilterError as error:
                self._weaken(name, f"its filter can't be carried: {error}")
        return join_filters(texts) or None

    def _dated(self, each: Input, outer: Sequence[str]) -> bool:
        scopes = [Scope.of(self.manifest.names, leaf) for leaf in self._leaves(each.name)]
        return any(mentions_time(template, scope) for template in (*each.filters, *outer) for scope in scopes)

    def _shifts(self, name: str) -> bool:
        metric = self.manifest.metrics[name]
        return metric.type == "cumulative" or any(each.shifted or self._shifts(each.name) for each in metric.inputs)

    def _leaves(self, name: str) -> tuple[Leaf, ...]:
        return self.manifest.names.leaves[name]

    def _note(self, name: str, reason: str, instead: str) -> None:
        note = Note("metric", name, reason, instead)
        if note not in self.notes:
            self.notes.append(note)

    def _weaken(self, name: str, reason: str) -> None:
        self.weak.add(name)
        self._note(name, reason, UNENDORSED)


def _expressions(model: SemanticModel) -> dict[str, str]:
    return {**{entity.name: entity.expr for entity in model.entities}, **{d.source_name: d.expr for d in model.dimensions}}


def _empty_periods(metric: Metric) -> Document:
    measure = metric.params.child("measure")
    places = [metric.params, *([measure] if measure else [])]
    fill = next((place.data["fill_nulls_with"] for place in places if place.data.get("fill_nulls_with") is not None), None)
    spine = any(place.data.get("join_to_timespine") for place in places)
    if fill is None:
        return {"spine": True} if spine else {}
    return {"fill": fill, "spine": spine}  # said either way: dbt's fill alone adds no periods, ours does
