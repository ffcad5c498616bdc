"""dbt's `semantic_manifest.json`, read and checked: measures of older dbt and aggregations of newer look alike. Writes nothing."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from answerable.context.importers.dbt_filters import GRAINS, RESERVED, Dimension, Entity, Leaf, Names, SemanticModel, check_name
from answerable.context.importers.project import ImportProblem, Source

MEND = "run `dbt parse` and import target/semantic_manifest.json"
AGAIN = "mend it in dbt (and run `dbt parse` again, where its JSON is imported)"


@dataclass(frozen=True)
class Input:
    """A metric within a metric."""

    name: str
    alias: str | None = None
    filters: tuple[str, ...] = ()
    offset: str | None = None
    offset_to: str | None = None

    @property
    def shifted(self) -> bool:
        return bool(self.offset or self.offset_to)

    @property
    def plain(self) -> bool:
        return not (self.filters or self.shifted)


@dataclass(frozen=True)
class Aggregation:
    """What a simple metric computes: written on the metric by newer dbt, on a measure of its model by older."""

    model: str
    function: str
    expr: str
    time: str | None
    source: Source


@dataclass(frozen=True)
class Metric:
    name: str
    type: str
    source: Source
    params: Source
    filters: tuple[str, ...] = ()
    grain: str | None = None
    inputs: tuple[Input, ...] = ()
    aggregation: Aggregation | None = None

    @property
    def details(self) -> Source:
        """The parameters of its kind, which older dbt wrote one level higher."""
        return self.params.child(f"{self.type}_type_params") or self.params


@dataclass(frozen=True)
class Manifest:
    source: Source
    models: Mapping[str, SemanticModel]
    measures: Mapping[str, Aggregation]
    metrics: Mapping[str, Metric]
    names: Names


def load(path: Path) -> Manifest:
    return manifest_of(_parse(path))


def manifest_of(source: Source) -> Manifest:
    models = {name: _model(each) for name, each in _by_name(source, "semantic_models").items()}
    if not models:
        raise ImportProblem(f"{source.where} holds no semantic models: define some in dbt, then {MEND}.")
    measures = {name: measure for model in models.values() for name, measure in _measures(model)}
    metrics = _Reader(_by_name(source, "metrics"), measures, models).metrics()
    custom = tuple(grain.text("name") for spine in spines(source) for grain in spine.children("custom_granularities"))
    grains = {name: metric.grain for name, metric in metrics.items() if metric.grain}
    saved = {query.text("name"): query for query in source.children("saved_queries")}
    names = Names(models, _leaves(metrics, models, source.where), custom, grains, saved)
    return Manifest(source, models, measures, metrics, names)


def spines(source: Source) -> list[Source]:
    settings = source.child("project_configuration")
    return settings.children("time_spines") if settings else []


def expression(source: Source) -> str:
    """Its SQL; dbt leaves it out where it is the name."""
    return source.maybe("expr") or source.text("name")


def prose(source: Source) -> dict[str, str]:
    """Label and description, as they are said of anything."""
    return {key: text for key in ("label", "description") if (text := source.maybe(key))}


def table(relation: Source) -> str:
    """`schema.table`; BigQuery's backticks become the quotes of standard SQL."""
    name = relation.maybe("relation_name") or f"{relation.text('schema_name')}.{relation.text('alias')}"
    return name.replace("`", '"')


def _parse(path: Path) -> Source:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ImportProblem(f"{path} can't be read ({error.strerror}): {MEND}.") from error
    except ValueError as error:
        raise ImportProblem(f"{path} isn't JSON ({error}): {MEND}.") from error
    if not isinstance(data, dict) or "semantic_models" not in data or "nodes" in data:
        raise ImportProblem(f"{path} isn't a semantic manifest: {MEND}, which lies beside manifest.json.")
    return Source(data, str(path))


def _by_name(source: Source, key: str) -> dict[str, Source]:
    found: dict[str, Source] = {}
    for item in source.children(key):
        name = check_name(item.text("name"), item.where)
        if name in found:
            raise ImportProblem(f"{item.where} is defined twice: rename one of the two in dbt.")
        found[name] = item
    return found


# --- models ---


def _model(source: Source) -> SemanticModel:
    defaults = source.child("defaults")
    entities = tuple(
        Entity(name, each.text("type").lower(), expression(each), prose(each)) for name, each in _by_name(source, "entities").items()
    )
    primary = next((e.name for kind in ("primary", "natural") for e in entities if e.type == kind), None)
    return SemanticModel(
        name=source.text("name"),
        table=table(source.need("node_relation")),
        entity=source.maybe("primary_entity") or primary,
        time=defaults.maybe("agg_time_dimension") if defaults else None,
        entities=entities,
        dimensions=tuple(_dimension(name, each) for name, each in _by_name(source, "dimensions").items()),
        source=source,
    )


def _dimension(name: str, source: Source) -> Dimension:
    details = source.child("type_params")
    timed = source.text("type").lower() == "time"
    if timed and details is None:
        raise ImportProblem(f"{source.where} is a time dimension without 'type_params': name its time_granularity in dbt.")
    grain = details.text("time_granularity").lower() if timed and details else None
    if grain and grain not in GRAINS:
        raise ImportProblem(f"{source.where} has the grain {grain!r}: name one of {', '.join(GRAINS)} in dbt.")
    validity = details.child("validity_params") if details else None
    return Dimension(
        name=f"{name}_value" if name in RESERVED else name,
        source_name=name,
        expr=expression(source),
        grain=grain,
        partition=bool(source.data.get("is_partition")),
        validity=None if validity is None else "from" if validity.data.get("is_start") else "to" if validity.data.get("is_end") else None,
        prose=prose(source),
    )


def _measures(model: SemanticModel) -> Iterator[tuple[str, Aggregation]]:
    for source in model.source.children("measures"):
        yield source.text("name"), _aggregation(source, model.name, expression(source))


def _aggregation(source: Source, model: str, expr: str) -> Aggregation:
    return Aggregation(model, source.text("agg").lower(), expr, source.maybe("agg_time_dimension"), source)


# --- metrics ---


@dataclass(frozen=True)
class _Reader:
    sources: Mapping[str, Source]
    measures: Mapping[str, Aggregation]
    models: Mapping[str, SemanticModel]
    helpers: dict[str, Metric] = field(default_factory=dict)

    def metrics(self) -> dict[str, Metric]:
        found = {name: self._metric(name, source) for name, source in self.sources.items()}
        return {**self.helpers, **found}

    def _metric(self, name: str, source: Source) -> Metric:
        kind, params = source.text("type").lower(), source.child("type_params") or Source({}, f"{source.where}, type_params")
        metric = Metric(name, kind, source, params, filters(source), source.maybe("time_granularity"))
        if kind != "simple":
            return replace(metric, inputs=tuple(self._inputs(metric)))
        measure = params.child("measure")
        # Newer dbt repeats the measure's filter on the metric.
        conditions = (*(filters(measure) if measure else ()), *metric.filters)
        return replace(metric, filters=tuple(dict.fromkeys(conditions)), aggregation=self._simple(name, params, measure))

    def _simple(self, name: str, params: Source, measure: Source | None) -> Aggregation:
        source = params.child("metric_aggregation_params")
        if source is not None:
            found = _aggregation(source, source.text("semantic_model"), params.maybe("expr") or name)
        elif measure is not None and measure.text("name") in self.measures:
            found = self.measures[measure.text("name")]
        else:
            raise ImportProblem(f"{params.where} names neither an aggregation nor a measure that exists: {AGAIN}.")
        if found.model not in self.models:
            raise ImportProblem(f"{params.where} names the semantic model {found.model!r}, which doesn't exist: {AGAIN}.")
        return found

    def _inputs(self, metric: Metric) -> Iterator[Input]:
        keys: dict[str, list[tuple[str, ...]]] = {
            "ratio": [("numerator",), ("denominator",)],
            "cumulative": [("metric", "measure")],
            "conversion": [("base_metric", "base_measure"), ("conversion_metric", "conversion_measure")],
        }
        if metric.type == "derived":
            yield from map(_input, metric.params.children("metrics"))
        for choices in keys.get(metric.type, []):
            found = [(key, child) for key in choices for place in (metric.details, metric.params) if (child := place.child(key))]
            if not found:
                raise ImportProblem(f"{metric.source.where} lacks {choices[0]!r}: {AGAIN}.")
            key, source = found[0]
            yield _input(source, self._stand_in(source) if key.endswith("measure") else None)

    def _stand_in(self, used: Source) -> str:
        """The metric that is just this measure; where there is none, a private one of ours. Older dbt names measures in metrics."""
        wanted = (used.text("name"), *_empties(used))
        if wanted[0] not in self.measures:
            raise ImportProblem(f"{used.where} names the measure {wanted[0]!r}, which doesn't exist: {AGAIN}.")
        for name, source in self.sources.items():
            measure = _only_measure(source)
            if measure and (measure.text("name"), *_empties(measure)) == wanted:
                return name
        return self._helper(used)

    def _helper(self, used: Source) -> str:
        measure = used.text("name")
        bare = {key: value for key, value in used.data.items() if key not in ("filter", "alias")}
        params = Source({"measure": bare, "is_private": True}, used.where)
        for name in candidates(_helper_name(used)):
            if name in self.helpers and self.helpers[name].params.data == params.data:
                return name
            if name not in self.sources and name not in self.helpers:
                source = Source({"name": name, "type": "simple", "type_params": params.data}, used.where)
                self.helpers[name] = Metric(name, "simple", source, params, aggregation=self.measures[measure])
                return name
        raise AssertionError("candidates never end")


def _only_measure(metric: Source) -> Source | None:
    """The measure of a simple metric that adds no filter to it."""
    params = metric.child("type_params")
    measure = params.child("measure") if params and metric.text("type").lower() == "simple" else None
    return measure if measure and not filters(metric) and not filters(measure) else None


def _helper_name(used: Source) -> str:
    """What dbt calls the metric that it makes of a measure."""
    fill, spine = _empties(used)
    filled = [] if fill is None else [f"fill_nulls_with_{fill}".replace("-", "neg_")]
    return "_".join([used.text("name"), *filled, *(["join_to_timespine"] if spine else [])])


def _empties(measure: Source) -> tuple[object, bool]:
    """What it says of empty periods."""
    return measure.data.get("fill_nulls_with"), bool(measure.data.get("join_to_timespine"))


def candidates(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}_{number}" for number in itertools.count(2))


def _input(source: Source, name: str | None = None) -> Input:
    offset, offset_to = duration(source, "offset_window"), source.maybe("offset_to_grain")
    return Input(name or source.text("name"), source.maybe("alias"), filters(source), offset, offset_to)


def filters(source: Source, key: str = "filter") -> tuple[str, ...]:
    """The conditions of a metric or an input, which dbt writes as a text, a list, or `{where_filters: […]}`."""
    value = source.data.get(key)
    listed = [value] if isinstance(value, str) else value
    if isinstance(listed, list):
        return tuple(text.strip() for text in listed if isinstance(text, str))
    child = source.child(key)
    return tuple(each.text("where_sql_template") for each in child.children("where_filters")) if child else ()


def duration(source: Source, key: str) -> str | None:
    """`7 days`, which dbt writes as a text or as count and granularity."""
    if isinstance(source.data.get(key), str):
        return source.text(key)
    child = source.child(key)
    if child is None:
        return None
    count = child.data.get("count")
    if not isinstance(count, int):
        raise ImportProblem(f"{child.where} lacks 'count', a whole number: {AGAIN}.")
    grain = child.text("granularity").lower()
    plural = grain.endswith("s") and not grain.endswith("ss")  # dbt leaves a grain of the team's own as it was written
    return f"{count} {grain}{'' if count == 1 or plural else 's'}"


def _leaves(metrics: Mapping[str, Metric], models: Mapping[str, SemanticModel], where: str) -> dict[str, tuple[Leaf, ...]]:
    found: dict[str, tuple[Leaf, ...]] = {}

    def read(name: str, above: tuple[str, ...]) -> tuple[Leaf, ...]:
        if name in above:
            raise ImportProblem(f"{where}: metric {name!r} is defined by itself ({' > '.join((*above, name))}): mend it in dbt.")
        if name not in found and name in metrics:
            metric = metrics[name]
            # A conversion is dated, split and filtered by its base event.
            inputs = metric.inputs[:1] if metric.type == "conversion" else metric.inputs
            own = (_leaf(metric.aggregation, models),) if metric.aggregation else ()
            found[name] = tuple(dict.fromkeys([*own, *(leaf for each in inputs for leaf in read(each.name, (*above, name)))]))
        return found.get(name, ())

    for name in metrics:
        read(name, ())
    return found


def _leaf(aggregation: Aggregation, models: Mapping[str, SemanticModel]) -> Leaf:
    model = models[aggregation.model]
    named = aggregation.time or model.time
    time = model.dimension(named or "")
    if named and time is None:
        raise ImportProblem(f"{aggregation.source.where} is dated by {named!r}, no dimension of {model.name}: {AGAIN}.")
    return Leaf(model.name, time.name if time else None, time.grain if time else None)
