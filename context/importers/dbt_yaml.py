"""dbt's semantic YAML, of both its generations and as MetricFlow writes it, as the data of a `semantic_manifest.json`. Writes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from answerable.context.importers.dbt_filters import GRAINS
from answerable.context.importers.dbt_models import ModelReader, enabled, input_of, left_out
from answerable.context.importers.dbt_tables import PROJECT, Ref, Tables, files_below
from answerable.context.importers.lined import Lined, LinedSource, read_documents
from answerable.context.importers.project import ImportProblem, Note, Source

SUFFIXES = (".yml", ".yaml")
SETTINGS = {PROJECT, "profiles.yml", "packages.yml", "package-lock.yml", "dependencies.yml", "selectors.yml"}  # they define nothing
LISTS = ("semantic_models", "metrics", "saved_queries", "models")
DOCUMENTS = {
    "semantic_model": "semantic_models",
    "metric": "metrics",
    "saved_query": "saved_queries",
    "project_configuration": "configurations",
}
OLDER_SPINE = "metricflow_time_spine"  # what dbt called the calendar when it had no YAML for it
TEXTS = ("expr", "label", "description")  # dbt takes numbers and booleans here too
UNRENDERED = ("filter", "where", "query_params", "config", "meta", "exports", "metadata")  # read later, or not carried
_DOC = re.compile(r"\{\{-?\s*doc\(\s*['\"](?:\w+['\"]\s*,\s*['\"])?(\w+)['\"]\s*\)\s*-?\}\}")
_DOCS = re.compile(r"\{%-?\s*docs\s+(\w+)\s*-?%\}(.*?)\{%-?\s*enddocs\s*-?%\}", re.DOTALL)
MEND = "write its value out, or run `dbt parse` and import target/semantic_manifest.json, where it is filled in"


def is_yaml(path: Path) -> bool:
    return path.is_dir() or path.suffix in SUFFIXES


def read(path: Path, schema: str) -> tuple[Source, tuple[Note, ...]]:
    """What the file, or all files of the folder, define, and what of it has no counterpart."""
    parts = _Parts()
    for file in files_below(path, *SUFFIXES):
        if file.name not in SETTINGS:
            parts.add(file)
    if not path.is_dir() and not path.is_file():
        raise ImportProblem(f"{path} can't be read: there is no such file or folder.")
    project = _Project(parts, Tables(path, {str(entry.get("name")): entry for entry in parts.models}, schema))
    source = project.manifest(str(path))
    return source, (*parts.notes(), *project.notes, *project.tables.notes())


@dataclass
class _Parts:
    """The definitions of all files, by kind."""

    semantic_models: list[Lined] = field(default_factory=list)
    metrics: list[Lined] = field(default_factory=list)
    saved_queries: list[Lined] = field(default_factory=list)
    models: list[Lined] = field(default_factory=list)
    configurations: list[Lined] = field(default_factory=list)
    others: dict[str, list[str]] = field(default_factory=dict)  # files by a key that isn't read

    def add(self, file: Path) -> None:
        for document in read_documents(file):
            if not isinstance(document, Lined):
                self.others.setdefault("a document without keys", []).append(file.name)
                continue
            for key in document:
                self._add(key, document, file)

    def _add(self, key: str, document: Lined, file: Path) -> None:
        source = LinedSource(document, document.place)
        if key in LISTS:
            getattr(self, key).extend(item.lined for item in source.children(key))
        elif key in DOCUMENTS:
            getattr(self, DOCUMENTS[key]).append(source.need(key).data)
        elif key != "version":
            self.others.setdefault(key, []).append(file.name)

    def notes(self) -> Iterator[Note]:
        for key, files in self.others.items():
            names = sorted(set(files))
            listed = ", ".join(names[:3]) + (f" and {len(names) - 3} more files" if len(names) > 3 else "")
            yield left_out("setting", f"{key} in {listed}", "it holds no semantic models and no metrics")
        plain = [entry for entry in self.models if not entry.get("semantic_model") and not entry.get("time_spine")]
        if plain:
            what = "they have no `semantic_model`, so they are described to dbt only"
            yield left_out("model", f"{len(plain)} of `models:`", what, "what other definitions say of them is read")


@dataclass
class _Project:
    parts: _Parts
    tables: Tables
    notes: list[Note] = field(default_factory=list)

    def manifest(self, where: str) -> Source:
        reader = ModelReader(self.tables, self.notes)
        newest = [model for entry in self.parts.models if (model := reader.semantic_model(entry)) is not None]
        models = [self._semantic_model(raw) for raw in self._enabled("semantic_model", self.parts.semantic_models)]
        if not models and not newest:
            mend = "name a file or folder with `semantic_models:`, or with `semantic_model:` on a model"
            raise ImportProblem(f"{where} holds no semantic models: {mend}.")
        metrics = [_metric(raw) if "type_params" in raw else reader.metric(raw) for raw in self._enabled("metric", self.parts.metrics)]
        metrics += reader.metrics
        data = {
            "semantic_models": [*models, *newest],
            "metrics": [*metrics, *_made_of_measures(models, {str(metric.get("name")) for metric in metrics})],
            "saved_queries": self._enabled("saved_query", self.parts.saved_queries),
            "project_configuration": self._configuration(),
        }
        return LinedSource(_Finisher(self._custom_grains(data), self.tables.path, self.notes).finish(data), where)

    def _enabled(self, kind: str, raws: Iterable[Lined]) -> list[Lined]:
        found = [enabled(LinedSource.at(raw, kind), kind, self.notes) for raw in raws]
        return [raw for raw in found if raw is not None]

    def _semantic_model(self, raw: Lined) -> Lined:
        source = LinedSource.at(raw, "semantic model")
        if "model" not in raw:
            if "node_relation" not in raw:
                raise ImportProblem(f"{source.where} names no table: add its dbt model, as in \"model: ref('orders')\".")
            return raw
        return raw.but(model=None, node_relation=self.tables.relation(Ref.read(source.text("model"), source.where)))

    # --- calendars ---

    def _configuration(self) -> dict[str, Any]:
        settings = [LinedSource.at(each, "project_configuration") for each in self.parts.configurations]
        others = {key: value for each in settings for key, value in each.data.items()}
        newer = [spine.lined for each in settings for spine in each.children("time_spines")]
        older = [spine.lined for each in settings for spine in each.children("time_spine_table_configurations")]
        newer += [self._spine(LinedSource.at(entry, "model")) for entry in self.parts.models if entry.get("time_spine")]
        return {**others, "time_spines": newer, "time_spine_table_configurations": [*older, *self._older_spine()]}

    def _spine(self, source: LinedSource) -> Lined:
        spine = source.need("time_spine")
        name = spine.text("standard_granularity_column")
        column = next((each for each in source.children("columns") if each.data.get("name") == name), None)
        if column is None:
            raise ImportProblem(f"{spine.where} names the column {name!r}, which isn't among its columns: list it with its granularity.")
        primary = Lined({"name": name, "time_granularity": column.text("granularity")}, column.lined.place)
        relation = self.tables.relation(Ref(source.text("name")))
        return spine.lined.but(standard_granularity_column=None, node_relation=relation, primary_column=primary)

    def _older_spine(self) -> Iterator[Lined]:
        entry = next((entry for entry in self.parts.models if entry.get("name") == OLDER_SPINE), Lined({}, OLDER_SPINE))
        if self.tables.exists(OLDER_SPINE) and not entry.get("time_spine"):
            relation = self.tables.relation(Ref(OLDER_SPINE))
            table = relation.get("relation_name") or f"{relation['schema_name']}.{relation['alias']}"
            yield Lined({"location": table, "column_name": "date_day", "grain": "day"}, entry.place)

    def _custom_grains(self, data: dict[str, Any]) -> set[str]:
        spines = [LinedSource.at(spine, "time spine") for spine in data["project_configuration"]["time_spines"]]
        return {grain.text("name") for spine in spines for grain in spine.children("custom_granularities")}


# --- metrics ---


def _metric(raw: Lined) -> Lined:
    """A metric with `type_params`, where a name alone may stand for an input."""
    params = raw.get("type_params") or {}
    if not isinstance(params, Lined):
        raise ImportProblem(f"{raw.place}, metric {raw.get('name')!r}: 'type_params' should be a mapping of names to values.")
    params = params.but(**{key: input_of(params[key], params) for key in ("measure", "numerator", "denominator") if key in params})
    if isinstance(params.get("metrics"), list):
        params = params.but(metrics=[input_of(each, params) for each in params["metrics"]])
    for key, inputs in DETAILS.items():
        details = params.get(key)
        if isinstance(details, Lined):
            params = params.but(**{key: details.but(**{name: input_of(details[name], details) for name in inputs if name in details})})
    return raw.but(type_params=params)


DETAILS = {
    "cumulative_type_params": ("metric", "measure"),
    "conversion_type_params": ("base_measure", "conversion_measure", "base_metric", "conversion_metric"),
}


def _made_of_measures(models: Iterable[Lined], taken: set[str]) -> Iterator[Lined]:
    """`create_metric: true` makes a metric of the measure's name, unless there is one."""
    for model in models:
        for measure in LinedSource.at(model, "semantic model").children("measures"):
            if measure.data.get("create_metric") is True and measure.text("name") not in taken:
                data: dict[str, Any] = {"name": measure.text("name"), "type": "simple"}
                label = measure.data.get("create_metric_display_name") or measure.data.get("label")
                data |= {"label": label, "description": measure.data.get("description")}
                yield Lined({**data, "type_params": {"measure": {"name": measure.text("name")}}}, measure.lined.place).but()


# --- values ---


@dataclass(frozen=True)
class _Finisher:
    """The values of all definitions as the manifest has them: texts are texts, windows are counted, templates are said."""

    custom_grains: set[str]
    path: Path
    notes: list[Note]

    @cached_property
    def docs(self) -> dict[str, str]:
        """dbt's blocks of prose, which descriptions name."""
        texts = [file.read_text(encoding="utf-8", errors="replace") for file in files_below(self.path, ".md")]
        return {name: " ".join(prose.split()) for text in texts for name, prose in _DOCS.findall(text)}

    def finish(self, data: Any, where: str = "") -> Any:
        if isinstance(data, list):
            return [self.finish(item, where) for item in data]
        if not isinstance(data, Mapping):
            return data
        where = f"{data.place}" if isinstance(data, Lined) else where
        finished = {key: self._value(key, value, where) for key, value in data.items()}
        return Lined(finished, data.place) if isinstance(data, Lined) else finished

    def _value(self, key: str, value: Any, where: str) -> Any:
        if key in UNRENDERED:
            return value
        if isinstance(value, str) and ("{{" in value or "{%" in value):
            return self._template(key, value, where)
        if key in ("window", "offset_window") and value is not None:
            return self._window(str(value), where)
        if key in ("grain_to_date", "offset_to_grain") and isinstance(value, str):
            return value.lower()
        if key in TEXTS and value is not None and not isinstance(value, Mapping | list):
            return str(value)
        return self.finish(value, where)

    def _template(self, key: str, value: str, where: str) -> str | None:
        doc = _DOC.fullmatch(value.strip())
        if doc and doc[1] in self.docs:
            return self.docs[doc[1]]
        if key not in ("label", "description"):
            raise ImportProblem(f"{where}: {key!r} holds a template ({' '.join(value.split())}), which only dbt can fill in: {MEND}.")
        self.notes.append(left_out(key, where, f"it holds a template ({' '.join(value.split())}), which only dbt can fill in"))
        return None

    def _window(self, text: str, where: str) -> dict[str, Any]:
        found = re.fullmatch(r"(\d+) (\w+)", text.strip().lower())
        if found is None:
            raise ImportProblem(f"{where}: the window {text!r} should be a count and a grain, as in '7 days'.")
        count, grain = int(found[1]), found[2]
        single = grain.removesuffix("s")
        return {"count": count, "granularity": single if single in GRAINS or single in self.custom_grains else grain}
