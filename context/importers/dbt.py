"""dbt's `semantic_manifest.json` or YAML as a project folder. What dbt infers (joins, keys, helper metrics) is written out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from answerable.context.importers import dbt_yaml
from answerable.context.importers.dbt_filters import GRAINS, Dimension, Entity, Names, SemanticModel
from answerable.context.importers.dbt_manifest import Manifest, load, manifest_of, prose, spines, table
from answerable.context.importers.dbt_metrics import Carrier, Document
from answerable.context.importers.project import SETTINGS, ImportedProject, Note, Source

ACROSS = "metrics/across.yml"
FINEST = "second"
FINER = ("second", "minute", "hour")  # the grains of time spines that a calendar has a place for beside its days
SCHEMA = "main"  # where YAML doesn't say in which schema dbt builds its models
# Every key that is carried, or that only says where something stands (metadata) or repeats another (input_measures).
COMMON = {"name", "description", "label", "type", "metadata"}
INPUT = {"name", "alias", "filter", "offset_window", "offset_to_grain", "fill_nulls_with", "join_to_timespine"}
NOT_ADDED = {"name", "window_choice", "window_groupings"}
PERCENTILE = {"percentile", "use_discrete_percentile", "use_approximate_percentile"}
GRAIN = {"time_granularity", "validity_params"}
INPUTS = ("measure", "numerator", "denominator", "metric", "base_measure", "conversion_measure", "base_metric", "conversion_metric")
KNOWN = {
    "manifest": {"semantic_models", "metrics", "project_configuration", "saved_queries"},
    "semantic_models": COMMON | {"node_relation", "primary_entity", "defaults", "entities", "dimensions", "measures"},
    "entities": COMMON | {"expr"},
    "dimensions": COMMON | {"expr", "type_params", "is_partition"},
    "measures": COMMON
    | {"agg", "expr", "agg_params", "agg_time_dimension", "non_additive_dimension"}
    | {"create_metric", "create_metric_display_name"},
    "metrics": COMMON | {"type_params", "filter", "time_granularity"},
    "dimensions/type_params": GRAIN,
    "metrics/type_params": {"measure", "input_measures", "numerator", "denominator", "expr", "window", "grain_to_date", "metrics"}
    | {"conversion_type_params", "cumulative_type_params", "metric_aggregation_params"}
    | {"is_private", "join_to_timespine", "fill_nulls_with"},
    "metric_aggregation_params": {"semantic_model", "agg", "agg_params", "agg_time_dimension", "non_additive_dimension"},
    "cumulative_type_params": {"metric", "measure", "window", "grain_to_date", "period_agg"},
    "conversion_type_params": {"base_measure", "conversion_measure", "base_metric", "conversion_metric"}
    | {"entity", "calculation", "window", "constant_properties"},
    "constant_properties": {"base_property", "conversion_property"},
    "type_params/metrics": INPUT,
    **dict.fromkeys(INPUTS, INPUT),
    "agg_params": PERCENTILE,
    "non_additive_dimension": NOT_ADDED,
    "validity_params": {"is_start", "is_end"},
    "defaults": {"agg_time_dimension"},
    "node_relation": {"alias", "schema_name", "database", "relation_name", "compiled_relation"},
    "project_configuration": {"time_spines", "time_spine_table_configurations", "metadata", "dsi_package_version"},
    "time_spines": {"node_relation", "primary_column", "custom_granularities", "metadata"},
    "time_spine_table_configurations": {"location", "column_name", "grain"},
    "primary_column": {"name", "time_granularity"},
    "custom_granularities": {"name", "column_name"},
}


def read_manifest(path: Path, schema: str = SCHEMA) -> ImportedProject:
    """The project that a `semantic_manifest.json` describes, or a YAML file, or the YAML below a folder."""
    manifest, notes = _read(path, schema)
    carrier = Carrier(manifest)
    for name in manifest.metrics:
        carrier.carry(name)
    files = {f"models/{model.name}.yml": _model_document(model, manifest.names, carrier) for model in manifest.models.values()}
    across = {name: document for name, document in carrier.documents.items() if len(carrier.homes[name]) > 1}
    if across:
        files[ACROSS] = {"metrics": across}
    calendar = _calendar(manifest.source)
    if calendar:
        files[SETTINGS] = {"calendar": calendar}
    return ImportedProject(files, (*notes, *_notes(manifest), *carrier.notes))


def read_names(path: Path) -> Names:
    """The names of the same file or folder, for whoever translates dbt's queries and filters into plans."""
    return _read(path, SCHEMA)[0].names


def _read(path: Path, schema: str) -> tuple[Manifest, tuple[Note, ...]]:
    if not dbt_yaml.is_yaml(path):
        return load(path), ()
    source, notes = dbt_yaml.read(path, schema)
    return manifest_of(source), notes


# --- models ---


def _model_document(model: SemanticModel, names: Names, carrier: Carrier) -> Document:
    time = model.dimension(model.time or "")
    metrics = {name: document for name, document in carrier.documents.items() if carrier.homes[name] == (model.name,)}
    document: Document = {
        "model": model.name,
        "table": model.table,
        **prose(model.source),
        "endorsed": True,
        "entity": model.entity,
        **_keys(model, names),
        "time": time.name if time else None,
        "joins": _joins(model, names),
        "dimensions": {**_dimensions(model), **carrier.hidden.get(model.name, {})},
        "metrics": metrics,
    }
    return {key: value for key, value in document.items() if value not in (None, {}, [])}


def _keys(model: SemanticModel, names: Names) -> Document:
    """The primary key, and the other columns (or dimensions, for expressions) that identify a row."""
    by_type = [e for kind in ("primary", "unique") for e in model.entities if e.type == kind and not e.constant]
    joined = {edge.remote for edges in names.edges.values() for edge in edges if edge.target == model.name}
    listed = [list(entity.columns) or [entity.key] for entity in by_type]
    listed += [[e.key] for e in by_type if e.key in joined]
    if model.validity:
        listed += [[e.key, model.validity["from"]] for e in model.entities if e.type == "natural"]
    keys = [key for position, key in enumerate(listed) if key not in listed[:position]]
    if not keys:
        return {}
    first, *others = keys
    return {"primary_key": first[0] if len(first) == 1 else first, **({"unique": others} if others else {})}


def _joins(model: SemanticModel, names: Names) -> Document:
    edges = names.edges[model.name]
    onward = [other.target for edge in edges for other in names.edges[edge.target]]
    direct = [edge.target for edge in edges]
    twins = [(edge.target, edge.local, edge.remote) for edge in edges]
    joins: Document = {}
    for edge, twin in zip(edges, twins, strict=True):
        joins[edge.name] = {"model": edge.target, "on": edge.local if edge.local == edge.remote else {edge.local: edge.remote}}
        if edge.valid:
            joins[edge.name]["valid"] = dict(edge.valid)
        if twins.count(twin) > 1 and twins.index(twin) == edges.index(edge):
            joins[edge.name]["default"] = True  # one way under two names is no choice to ask about
        if direct.count(edge.target) == 1 and edge.target in onward:
            joins[edge.name]["default"] = True  # dbt goes the shortest way
    return joins


def _dimensions(model: SemanticModel) -> Document:
    """Its dimensions; its entities too, since people list by them."""
    documents = {d.name: _dimension(d) for d in model.dimensions}
    return {**documents, **{e.name: _entity(e) for e in model.entities if e.name not in documents}}


def _dimension(dimension: Dimension) -> Document:
    document: Document = {"type": "time", "grain": _at_least_a_second(dimension.grain)} if dimension.grain else {}
    if dimension.expr != dimension.name:
        document["expr"] = dimension.expr
    if dimension.partition:
        document["partition"] = True
    if dimension.source_name != dimension.name:
        document["source_name"] = dimension.source_name
    return {**document, **dimension.prose}


def _at_least_a_second(grain: str) -> str:
    return max(grain, FINEST, key=GRAINS.index)


def _entity(entity: Entity) -> Document:
    return {**({} if entity.expr == entity.name else {"expr": entity.expr}), **entity.prose}


# --- the rest ---


def _calendar(source: Source) -> Document:
    day = next((spine for spine in spines(source) if _grain(spine) == "day"), None)
    if day is not None:
        grains = {each.text("name"): each.maybe("column_name") or each.text("name") for each in day.children("custom_granularities")}
        column = day.need("primary_column").text("name")
        document = {"table": table(day.need("node_relation")), "day": column, **({"grains": grains} if grains else {}), "spine": True}
        finer = {grain: _fine_table(spine) for spine in spines(source) if (grain := _grain(spine)) in FINER}
        return {**document, **({"finer": finer} if finer else {})}
    found = next((spine for spine in _older_spines(source) if _older_grain(spine) == "day"), None)
    return {"table": found.text("location"), "day": found.text("column_name"), "spine": True} if found else {}


def _fine_table(spine: Source) -> Document:
    return {"table": table(spine.need("node_relation")), "column": spine.need("primary_column").text("name")}


def _older_spines(source: Source) -> list[Source]:
    settings = source.child("project_configuration")
    return settings.children("time_spine_table_configurations") if settings else []


def _older_grain(spine: Source) -> str:
    return (spine.maybe("grain") or "day").lower()


def _grain(spine: Source) -> str:
    column = spine.child("primary_column")
    return column.text("time_granularity").lower() if column else ""


def _notes(manifest: Manifest) -> Iterator[Note]:
    yield from manifest.names.refused_joins
    yield from _model_notes(manifest)
    yield from _unused_measures(manifest)
    yield from _unknown_keys(manifest.source)
    yield from _spine_notes(manifest.source)
    for query in manifest.source.children("saved_queries"):
        instead = "ask it as a plan, or keep it as a verified question"
        yield _left_out("saved_query", query.text("name"), "a saved query is no definition", instead)


def _left_out(kind: str, name: str, reason: str, instead: str = "it was left out") -> Note:
    return Note(kind, name, reason, instead, "left_out")


def _model_notes(manifest: Manifest) -> Iterator[Note]:
    for model in manifest.models.values():
        for entity in model.entities:
            name = f"{model.name}.{entity.name}"
            if entity.constant and entity.to_one:
                yield _left_out("primary_key", name, f"{entity.expr} is a constant, which identifies no row", "no key was written")
            elif len(entity.columns) > 1 and entity.to_one:
                yield Note("primary_key", name, f"it strings columns together ({entity.expr})", "the key is the list of columns")
            elif entity.key != entity.expr and not entity.constant:
                yield Note("entity", name, f"it is an expression ({entity.expr})", f"the dimension {entity.name} holds it; joins name that")
        for dimension in model.dimensions:
            if dimension.name != dimension.source_name:
                yield Note("dimension", f"{model.name}.{dimension.source_name}", "plans use that word", f"it is called {dimension.name}")
            if dimension.grain and dimension.grain != _at_least_a_second(dimension.grain):
                name = f"{model.name}.{dimension.source_name}"
                yield Note("dimension", name, f"its grain ({dimension.grain}) is finer than ours", f"its grain is a {FINEST}")


def _unused_measures(manifest: Manifest) -> Iterator[Note]:
    used = {child.text("name") for metric in manifest.metrics.values() if (child := metric.params.child("measure"))}
    for name, measure in manifest.measures.items():
        if name not in used:
            yield _left_out("measure", f"{measure.model}.{name}", "no metric is made of it, so dbt answers nothing from it")


def _unknown_keys(source: Source, kind: str = "manifest") -> Iterator[Note]:
    """What this importer gives no place: free settings of the team's, and keys of a later dbt or mistyped."""
    for key, value in source.data.items():
        inner = next((place for place in (f"{kind.split('/')[-1]}/{key}", key) if place in KNOWN), None)
        if key not in KNOWN[kind]:
            if _says_something(value):
                yield _left_out("setting", f"{source.where}, {key}", f"{value!r} has no place in the form")
        elif inner and isinstance(value, list):
            yield from (note for child in source.children(key) for note in _unknown_keys(child, inner))
        elif inner and (child := source.child(key)):
            yield from _unknown_keys(child, inner)


def _says_something(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_says_something, value.values()))
    return value not in (None, False, "", [])


def _spine_notes(source: Source) -> Iterator[Note]:
    newer = [(_grain(spine), table(spine.need("node_relation")), spine) for spine in spines(source)]
    tables = {name for _, name, _ in newer}
    older = [(_older_grain(spine), spine.text("location"), spine) for spine in _older_spines(source)]
    listed = newer + [entry for entry in older if entry[1] not in tables]
    taken = next((spine for grain, _, spine in listed if grain == "day"), None)
    for grain, name, spine in listed:
        if spine is taken:
            continue
        if grain not in FINER or (grain, name, spine) not in newer:
            reason = f"a calendar has days, hours, minutes and seconds; this table is by the {grain}"
            yield _left_out("calendar", name, reason, "such periods are worked out without a table")
        for custom in spine.children("custom_granularities"):
            yield _left_out("calendar", custom.text("name"), f"a grain of its own on a table by the {grain}")
