"""dbt's newest spec: models whose columns say what they mean, and metrics beside them, as semantic models and metrics of the manifest."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from answerable.context.importers.dbt_tables import Ref, Tables
from answerable.context.importers.lined import Lined, LinedSource
from answerable.context.importers.project import ImportProblem, Note, Source

# What a model or a column may say besides its meaning: of its table, its tests and its make.
OTHER = set(
    "config meta docs tests data_tests constraints tags data_type quote access group contract deprecation_date identifier quote_columns "
    "policy_tags databricks_tags column_mask classifiers static_analysis_off_reason latest_version versions".split()
)
MODEL = OTHER | {"name", "description", "columns", "semantic_model", "time_spine"}
MODEL |= {"primary_entity", "agg_time_dimension", "metrics", "derived_semantics"}
COLUMN = OTHER | {"name", "description", "granularity", "dimension", "entity"}
SEMANTIC = {"enabled", "name"}
METRIC = {"name", "type", "label", "description", "filter", "time_granularity", "config"}
KINDS = {
    "simple": set(
        "agg expr percentile percentile_type agg_time_dimension non_additive_dimension fill_nulls_with join_to_timespine".split()
    ),
    "ratio": {"numerator", "denominator"},
    "derived": {"expr", "input_metrics"},
    "cumulative": {"input_metric", "window", "grain_to_date", "period_agg"},
    "conversion": {"entity", "calculation", "base_metric", "conversion_metric", "window", "constant_properties"},
}


def left_out(kind: str, name: str, reason: str, instead: str = "it was left out") -> Note:
    return Note(kind, name, reason, instead, "left_out")


def input_of(value: Any, beside: Lined) -> Any:
    """A metric or measure within a metric, for which its name may stand alone."""
    return Lined({"name": value}, beside.place) if isinstance(value, str) else value


def config_of(data: Mapping[str, Any]) -> Mapping[str, Any]:
    config = data.get("config")
    return config if isinstance(config, Mapping) else {}


def enabled(source: LinedSource, kind: str, notes: list[Note]) -> Lined | None:
    """The definition without its switch, or nothing where dbt leaves it out: `config: {enabled: false}`."""
    switch = config_of(source.data).get("enabled", True)
    if not isinstance(switch, bool):
        raise ImportProblem(f"{source.where}: 'enabled' is {switch!r}, which only dbt can read: write true or false.")
    if not switch:
        notes.append(left_out(kind, str(source.data.get("name")), "it is switched off in dbt (enabled: false)"))
        return None
    config = source.data.get("config")
    return source.lined.but(config=config.but(enabled=None) or None) if isinstance(config, Lined) else source.lined


@dataclass
class ModelReader:
    """Reads the entries of `models:`; the metrics that stand beside them gather in `metrics`."""

    tables: Tables
    notes: list[Note]
    metrics: list[Lined] = field(default_factory=list)

    def semantic_model(self, entry: Lined) -> Lined | None:
        source = LinedSource.at(entry, "model")
        settings = self._settings(source)
        if settings is None:
            reason = f"its model {entry.get('name')} has no `semantic_model: {{enabled: true}}`, so dbt knows no such metric"
            self.notes += [left_out("metric", metric.text("name"), reason) for metric in source.children("metrics")]
            return None
        name = settings.get("name") or source.text("name")
        self._strange(source, MODEL)
        self.metrics += [_metric(each, name) for each in source.children("metrics") if enabled(each, "metric", self.notes) is not None]
        entities, dimensions = self._meanings(source)
        time = source.maybe("agg_time_dimension")
        document = {
            "name": name,
            "description": entry.get("description"),
            "node_relation": self.tables.relation(Ref(source.text("name"))),
            "defaults": {"agg_time_dimension": time} if time else None,
            "primary_entity": entry.get("primary_entity"),
            "entities": entities,
            "dimensions": dimensions,
        }
        return Lined({**document, **_rest(settings, SEMANTIC)}, entry.place)

    def metric(self, raw: Lined) -> Lined:
        """A metric that stands apart from models."""
        source = LinedSource.at(raw, "metric")
        if _kind(source) == "simple":
            mend = "move it under `metrics:` of its model, or name its measure under `type_params:`"
            raise ImportProblem(f"{source.where} is simple and belongs to no model: {mend}.")
        return _metric(source, None)

    def _settings(self, source: LinedSource) -> Lined | None:
        """What `semantic_model:` says, or nothing where it is missing or off."""
        said = source.data.get("semantic_model")
        if said is None:
            return None
        if said is True:
            said = Lined({}, source.lined.place)
        if said is False or (isinstance(said, Lined) and said.get("enabled") is False):
            self.notes.append(left_out("semantic_model", source.text("name"), "it is switched off in dbt (enabled: false)"))
            return None
        if not isinstance(said, Lined) or said.get("enabled", True) is not True:
            raise ImportProblem(f"{source.where}: 'semantic_model' should be true, or a mapping with 'enabled: true', not {said!r}.")
        return said if enabled(source, "semantic_model", self.notes) is not None else None

    def _meanings(self, source: LinedSource) -> tuple[list[Lined], list[Lined]]:
        derived = source.child("derived_semantics") or LinedSource({}, source.where)
        self._strange(derived, {"entities", "dimensions"})
        entities, dimensions = list[Lined](), list[Lined]()
        for column in source.children("columns"):
            self._strange(column, COLUMN)
            if column.data.get("entity") is not None:
                entities.append(_of_column(column, "entity"))
            if column.data.get("dimension") is not None:
                dimensions.append(_timed(_of_column(column, "dimension"), column))
        entities += [each.lined for each in derived.children("entities")]
        return entities, dimensions + [_timed(each.lined, each) for each in derived.children("dimensions")]

    def _strange(self, source: Source, known: Collection[str]) -> None:
        for key, value in _rest(source.data, known).items():
            self.notes.append(left_out("setting", f"{source.where}, {key}", f"{value!r} has no place in the form"))


def _rest(data: Mapping[str, Any], known: Collection[str]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key not in known}


def _of_column(column: LinedSource, kind: str) -> Lined:
    """An entity or a dimension: its type alone, or a mapping, which may name it otherwise than the column."""
    said = column.data[kind]
    found = Lined({"type": said}, column.lined.place) if isinstance(said, str) else LinedSource.of(said, f"{column.where}, {kind}").lined
    name = found.get("name") or column.text("name")
    meta = config_of(column.data).get("meta")
    return found.but(
        name=name,
        description=found.get("description") or column.data.get("description"),
        expr=column.text("name") if name != column.text("name") else None,
        config=found.get("config") or ({"meta": meta} if meta else None),
    )


def _timed(dimension: Lined, beside: LinedSource) -> Lined:
    """The grain stands on the column, or on the derived dimension itself."""
    grain, validity = beside.maybe("granularity") or dimension.get("granularity"), dimension.get("validity_params")
    if grain is None and (str(dimension.get("type")).lower() == "time" or validity):
        where = f"{beside.where}, dimension {dimension.get('name')!r}"
        raise ImportProblem(f"{where} is about time and has no 'granularity': name its grain, as in 'granularity: day'.")
    params = Lined({"time_granularity": grain, "validity_params": validity}, dimension.place).but() if grain else None
    return dimension.but(granularity=None, validity_params=None, type_params=params)


# --- metrics ---


def _kind(source: LinedSource) -> str:
    return (source.maybe("type") or "simple").lower()


def _metric(source: LinedSource, model: str | None) -> Lined:
    raw, kind = enabled(source, "metric", []) or source.lined, _kind(source)
    known = METRIC | {"hidden"} | KINDS.get(kind, set())
    kept = {key: value for key, value in raw.items() if key in METRIC or key not in known}
    params = {**dict(_params(kind, raw, source, model)), **({"is_private": True} if raw.get("hidden") is True else {})}
    return Lined({**kept, "type": kind, "type_params": Lined(params, raw.place)}, raw.place)


def _params(kind: str, raw: Lined, source: LinedSource, model: str | None) -> Iterator[tuple[str, Any]]:
    said = {key: raw[key] for key in KINDS.get(kind, ()) if raw.get(key) is not None}
    for key in ("numerator", "denominator", "base_metric", "conversion_metric", "input_metric"):
        if key in said:
            said[key] = input_of(said[key], raw)
    match kind:
        case "simple":
            yield from _simple(said, raw, source, model)
        case "derived":
            yield "expr", said.get("expr")
            inputs = said.get("input_metrics") or []
            yield "metrics", [input_of(each, raw) for each in inputs] if isinstance(inputs, list) else inputs
        case "cumulative" | "conversion":
            if "input_metric" in said:
                said["metric"] = said.pop("input_metric")
            yield f"{kind}_type_params", Lined(said, raw.place)
        case _:
            yield from said.items()


def _simple(said: dict[str, Any], raw: Lined, source: LinedSource, model: str | None) -> Iterator[tuple[str, Any]]:
    yield from ((key, said[key]) for key in ("expr", "fill_nulls_with", "join_to_timespine") if key in said)
    percentile = {"percentile": said.get("percentile"), "use_discrete_percentile": str(said.get("percentile_type")).lower() == "discrete"}
    aggregation = {
        "semantic_model": model,
        "agg": source.text("agg"),
        "agg_params": percentile if "percentile" in said else None,
        "agg_time_dimension": said.get("agg_time_dimension"),
        "non_additive_dimension": _non_additive(source.child("non_additive_dimension")),
    }
    yield "metric_aggregation_params", Lined(aggregation, raw.place).but()


def _non_additive(source: LinedSource | None) -> Lined | None:
    if source is None:
        return None
    names = {"window_agg": "window_choice", "group_by": "window_groupings"}
    return Lined({names.get(key, key): value for key, value in source.data.items()}, source.lined.place)
