"""dbt's `semantic_manifest.json` as a project folder. What dbt infers (joins, keys, helper metrics) is written out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from answerable.context.importers.dbt_filters import GRAINS, Dimension, Edge, Entity, Names, SemanticModel
from answerable.context.importers.dbt_manifest import Manifest, load, prose, spines, table
from answerable.context.importers.dbt_metrics import Carrier, Document
from answerable.context.importers.project import SETTINGS, ImportedProject, Note, Source

ACROSS = "metrics/across.yml"
FINEST = "second"
# Every key that is carried, or that only says where something stands (metadata) or repeats another (input_measures).
COMMON = {"name", "description", "label", "type", "metadata"}
KNOWN = {
    "manifest": {"semantic_models", "metrics", "project_configuration", "saved_queries"},
    "models": COMMON | {"node_relation", "primary_entity", "defaults", "entities", "dimensions", "measures"},
    "entities": COMMON | {"expr"},
    "dimensions": COMMON | {"expr", "type_params", "is_partition"},
    "metrics": COMMON | {"type_params", "filter", "time_granularity"},
    "type_params": {"measure", "input_measures", "numerator", "denominator", "expr", "window", "grain_to_date", "metrics", "is_private"}
    | {"conversion_type_params", "cumulative_type_params", "metric_aggregation_params", "join_to_timespine", "fill_nulls_with"},
}


def read_manifest(path: Path) -> ImportedProject:
    """The project that a `semantic_manifest.json` describes."""
    manifest = load(path)
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
    return ImportedProject(files, (*_notes(manifest), *carrier.notes))


def read_names(path: Path) -> Names:
    """The names of the same file, for whoever translates dbt's queries and filters into plans."""
    return load(path).names


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
        "joins": _joins(names.edges[model.name]),
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


def _joins(edges: Sequence[Edge]) -> Document:
    twins = [(edge.target, edge.local, edge.remote) for edge in edges]
    joins: Document = {}
    for edge, twin in zip(edges, twins, strict=True):
        joins[edge.name] = {"model": edge.target, "on": edge.local if edge.local == edge.remote else {edge.local: edge.remote}}
        if edge.valid:
            joins[edge.name]["valid"] = dict(edge.valid)
        if twins.count(twin) > 1 and twins.index(twin) == edges.index(edge):
            joins[edge.name]["default"] = True  # one way under two names is no choice to ask about
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
        return {"table": table(day.need("node_relation")), "day": column, **({"grains": grains} if grains else {})}
    found = next((spine for spine in _older_spines(source) if _older_grain(spine) == "day"), None)
    return {"table": found.text("location"), "day": found.text("column_name")} if found else {}


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
    yield from _unknown_keys(manifest)
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


def _unknown_keys(manifest: Manifest) -> Iterator[Note]:
    """What this importer gives no place: free settings of the team's, and keys of a later dbt."""
    models = [model.source for model in manifest.models.values()]
    parts = {key: [part for model in models for part in model.children(key)] for key in ("entities", "dimensions")}
    metrics = [metric.source for metric in manifest.metrics.values()]
    params = [metric.params for metric in manifest.metrics.values()]
    groups = {"manifest": [manifest.source], "models": models, **parts, "metrics": metrics, "type_params": params}
    for group, sources in groups.items():
        for source in sources:
            for key, value in source.data.items():
                if key not in KNOWN[group] and _says_something(value):
                    yield _left_out("setting", f"{source.where}, {key}", f"{value!r} has no place in the form")


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
        reason = f"a calendar has one table, by the day; this one is by the {grain}"
        yield _left_out("calendar", name, reason, "such periods are worked out without a table")
        for custom in spine.children("custom_granularities"):
            yield _left_out("calendar", custom.text("name"), f"a grain of its own on a table by the {grain}")
