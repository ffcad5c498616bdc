"""MetricFlow's own cases: import, compile, gate, DuckDB, and the rows compared with those expected.

MetricFlow's conventions live here and not in the compiler: windows with both ends in them, widened to whole periods; `metric_time` by the
coarsest default grain of the metrics; names as dbt users write them.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import answerable
from answerable.agent.answer import plain
from answerable.agent.ask import Project
from answerable.context.compiler import compile_query
from answerable.context.compiler.grid import FINE, cut
from answerable.context.compiler.time import Span, floor
from answerable.context.engines.base import DUCKDB
from answerable.context.errors import AnswerableError, NotSupported, PlanError, UnknownName, UsageError
from answerable.context.expr import PER, dotted, parse_condition, substitute
from answerable.context.guard import govern
from answerable.context.importers.dbt import read_manifest, read_names
from answerable.context.importers.dbt_filters import FilterError, Leaf, Names, Scope, translate_filter
from answerable.context.importers.dbt_manifest import filters
from answerable.context.importers.project import SETTINGS, Source, write_project
from answerable.context.paths import resolve
from answerable.context.policy import Principal
from answerable.context.query import as_query
from sqlglot import exp

PARTS = {"dow": "day_of_week", "day": "day_of_month", "month": "month_of_year", "quarter": "quarter_of_year"}
MOST_ROWS = 1_000_000
ORDER = ("second", "minute", "hour", "day", "week", "month", "quarter", "year")


@dataclass(frozen=True)
class Outcome:
    """What became of a case: `passed`, `failed`, `refused`, `unsupported` or `answered` (of one that MetricFlow refuses)."""

    case: dict[str, Any]
    verdict: str
    says: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    sql: str = ""


class Manifest:
    """One imported project, and its names as dbt writes them."""

    def __init__(self, source: Path, folder: Path, warehouse: Path) -> None:
        self.names: Names = read_names(source)
        imported = read_manifest(source)
        settings = {**imported.files.get(SETTINGS, {}), "limits": {"rows": MOST_ROWS}}
        write_project(replace(imported, files={**imported.files, SETTINGS: settings}), folder, source.stem, f"duckdb:{warehouse}")
        self.project: Project = answerable.open(folder, run="eval")

    @cached_property
    def catalog(self) -> Any:
        return self.project.sights.of(Principal()).catalog

    def plan(self, case: dict[str, Any]) -> dict[str, Any]:
        """A case as a plan. Raises PlanError or FilterError for names that lead nowhere or mean two things."""
        case = self._expanded(case)
        names = [name.lower() for name in case["metrics"]]
        leaves = [leaf for name in names for leaf in self._leaves(name)]
        grain = max((self._grain(name) for name in names), key=ORDER.index, default="day")
        listed = None if leaves else self._listed(case)
        by = [self._ref(group, leaves, grain, listed) for group in case["group_bys"]]
        plan: dict[str, Any] = {"metrics": names, "by": by}
        models = list(dict.fromkeys(leaf.model for leaf in leaves)) or [listed or ""]
        plan["where"] = [self._where(text, models, grain) for text in case["where_filters"]]
        shown = dict(zip([self._shown(g) for g in case["group_bys"]], by, strict=True)) | {name: name for name in names}
        plan["order"] = [("-" if text.startswith("-") else "") + self._ordered(text.lstrip("-"), shown) for text in case["order_bys"]]
        if case["limit"]:
            plan["limit"] = case["limit"]
        if case["time_constraint"]:
            plan["window"] = self._window(case["time_constraint"], by, grain)
        if listed and (far := self._far(by)):
            plan["each"] = far
        if case["min_max_only"]:
            plan["bounds"] = True
        if not case["apply_group_by"] and not names:
            plan["rows"] = True
        return plan

    def _where(self, text: str, models: list[str], grain: str) -> str:
        """A filter as all the metrics' models read it: by the names of the dimensions' own models where the ways differ."""
        texts = {model: translate_filter(text, Scope(self.names, model, "time", grain)) for model in models}
        if len(set(texts.values())) == 1:
            return self._typed(texts[models[0]], models[0])
        refs = {model: [dotted(c) for c in parse_condition(texts[model]).find_all(exp.Column)] for model in models}
        ends = {model: [self._end(model, ref) for ref in refs[model]] for model in models}
        hops = [{ref.count(".") for ref in same} - {0} for same in zip(*refs.values(), strict=True)]
        if any(found != ends[models[0]] for found in ends.values()) or any(len(lengths) > 1 for lengths in hops):
            raise PlanError(f"The filter {text} does not mean one thing for all metrics.", text)
        names = dict(zip(refs[models[0]], ends[models[0]], strict=True))
        return substitute(parse_condition(texts[models[0]]), lambda column: exp.column(names[dotted(column)], quoted=True)).sql("duckdb")

    def _end(self, model: str, ref: str) -> str:
        end = resolve(self.catalog, self.catalog.models[model], ref)
        return f"{end.model.name}.{end.dimension.name}" + (f":{end.grain}" if end.grain else "")

    def _typed(self, condition: str, model: str) -> str:
        """With a cast where a dimension of dbt's, which has no type but the column's, is compared with a number."""
        tree = parse_condition(condition).copy()
        for number in list(tree.find_all(exp.Literal)):
            side = number.parent.this if isinstance(number.parent, exp.Predicate) and not number.is_string else None
            if isinstance(side, exp.Column) and PER not in side.name and ":" not in side.name:
                field = resolve(self.catalog, self.catalog.models[model], dotted(side)) if model else None
                if field and field.dimension.type == "text":
                    side.replace(exp.cast(side.copy(), "DOUBLE"))
        return tree.sql("duckdb") if tree != parse_condition(condition) else condition

    def _expanded(self, case: dict[str, Any]) -> dict[str, Any]:
        """With what its saved query says, where the case itself says nothing."""
        if not case.get("saved_query"):
            return case
        if case["saved_query"] not in self.names.saved:
            raise UnknownName(f"There is no saved query {case['saved_query']}.", case["saved_query"])
        said = self.names.saved[case["saved_query"]].child("query_params") or Source({}, case["saved_query"])
        asked = {
            "metrics": list(said.data.get("metrics") or []),
            "group_bys": [_group(text) for text in said.data.get("group_by") or []],
            "where_filters": filters(said, "where"),
            "order_bys": [_ordering(text) for text in said.data.get("order_by") or []],
            "limit": said.data.get("limit"),
        }
        return {**case, **{key: case[key] or value for key, value in asked.items()}}

    def _leaves(self, metric: str) -> tuple[Leaf, ...]:
        if metric not in self.names.leaves:
            raise UnknownName(f"There is no metric {metric}.", metric)
        return self.names.leaves[metric]

    def _grain(self, metric: str) -> str:
        """Of `metric_time` where the case says none: the metric's own, else a day, or coarser where the data is."""
        own = [self.names.grain_of(leaf) or "day" for leaf in self.names.leaves[metric]]
        said = self.names.grains.get(metric, "").lower()
        return said if said in ORDER else max(own, key=ORDER.index, default="day")

    def _shown(self, group: dict[str, Any]) -> str:
        return "__".join(filter(None, (group["name"], group.get("grain"))))

    def _ordered(self, name: str, shown: dict[str, str]) -> str:
        if name in shown:
            return shown[name]
        near = [ref for said, ref in shown.items() if said.split("__")[0] == name or name.startswith(said)]
        return near[0] if near else name

    def _ref(self, group: dict[str, Any], leaves: list[Leaf], default: str, listed: str | None) -> str:
        links, element, grain, part = self.names.split(group["name"])
        grain, part = (group.get("grain") or grain or "").lower() or None, (group.get("date_part") or part or "").lower() or None
        if element == "metric_time" and not links:
            return f"time:{PARTS.get(part, part)}" if part else f"time:{grain or default}"
        found = {self._find(leaf.model, group["name"]) for leaf in leaves} if leaves else {self._find(listed or "", group["name"])}
        paths = {path for path, *_ in found}
        path = f"{listed}.{paths.pop()}" if listed else paths.pop() if len(paths) == 1 else self._shared(group["name"], leaves)
        _, own, own_part = next(iter(found))
        suffix = PARTS.get(part or own_part or "", part or own_part) or grain or own
        return f"{path}:{suffix}" if suffix else path

    def _shared(self, name: str, leaves: list[Leaf]) -> str:
        """A dimension that the metrics' models reach by ways of different names, said by its own model's."""
        models, (links, *_) = self.catalog.models, self.names.split(name)
        if any(self._find(leaf.model, name)[0].count(".") > len(links) for leaf in leaves):
            raise PlanError(f"{name} is reached by longer ways than it says, and not by the same from all metrics.", name)
        ends = {resolve(self.catalog, models[leaf.model], self._find(leaf.model, name)[0]) for leaf in leaves}
        said = {f"{end.model.name}.{end.dimension.name}" for end in ends}
        if len(said) != 1:
            raise PlanError(f"{name} does not mean one thing for all metrics.", name)
        return said.pop()

    def _far(self, by: list[str]) -> str | None:
        """The one other model of a list, of which dbt keeps every row too."""
        ends = [resolve(self.catalog, self.catalog.models[ref.partition(".")[0]], ref.partition(".")[2]) for ref in by if "." in ref]
        far = {end.model.name for end in ends if end.path}
        return far.pop() if len(far) == 1 and len(far) < len(by) else None

    def _find(self, model: str, name: str) -> tuple[str, str | None, str | None]:
        found = self.names.find(model, name)
        if not found:
            raise UnknownName(f"{model} has no {name}.", name)
        if len(found) > 1:
            raise PlanError(f"{name} is reached in {len(found)} ways from {model}.", name)
        return found[0].path, found[0].grain, found[0].part

    def _listed(self, case: dict[str, Any]) -> str | None:
        """The model of a list: the one from which all that it names is nearest. None for the calendar's own days."""
        named = [group["name"] for group in case["group_bys"]]
        named = [name for name in named if not name.startswith("metric_time")]
        named += [name for text in case["where_filters"] for name in re.findall(r"Dimension\('(\w+)'", text)]
        ways = {model: [self.names.find(model, name) for name in named] for model in self.names.models}
        near = {model: sum(len(way[0].path.split(".")) for way in found) for model, found in ways.items() if all(found)}
        if named and not near:
            raise UnknownName(f"No model has {', '.join(named)}.", named[0])
        return min(near, key=lambda model: near[model]) if named else None

    def _window(self, constraint: list[str], by: list[str], default: str) -> dict[str, str]:
        """Both ends are in it, and it is as wide as the periods that it touches: those asked for, or the metrics' own."""
        start, end = (dt.datetime.fromisoformat(text) for text in constraint)
        grain = next((ref.partition(":")[2] for ref in by if ref.startswith("time:") and ref.partition(":")[2] in ORDER), default)
        if grain in FINE:
            step = Span.grain(grain)
            start, end = (cut(moment, grain) for moment in (start, end))
            return {"start": start.isoformat(), "end": step.after(end).isoformat()}
        settings = self.project.catalog.settings
        first, last = floor(start.date(), grain, settings), floor(end.date(), grain, settings)
        return {"start": first.isoformat(), "end": Span.grain(grain).after(last).isoformat()}


def _group(text: str) -> dict[str, Any]:
    """`TimeDimension('metric_time', 'day')` of a saved query as a case has it."""
    name, *grain = re.findall(r"'(\w+)'", text)
    return {"name": name, "grain": grain[0] if grain else None}


def _ordering(text: str) -> str:
    return ("-" if re.search(r"descending\(True\)", text) else "") + "__".join(re.findall(r"'(\w+)'", text))


def run(folder: Path, work: Path, only: str = "", form: str = "json") -> Iterator[Outcome]:
    """Every case of a suite's folder, in order; `form` is that of the manifests. Raises UsageError where the folder is no suite."""
    if not (folder / "cases.jsonl").is_file():
        raise UsageError(f"{folder} holds no cases.jsonl, so it is no conformance suite.")
    subprocess.run([sys.executable, str(folder / "load_tables.py"), str(work / "w.duckdb")], check=True, capture_output=True)
    compare = _module(folder / "compare.py")
    expected = {e["id"]: e for file in ("expected.jsonl", "extra_expected.jsonl") for e in _lines(folder / file)}
    manifests: dict[str, Manifest] = {}
    for file in ("cases.jsonl", "extra.jsonl", "refused.jsonl"):
        for case in _lines(folder / file):
            if only not in case["id"]:
                continue
            name = case["manifest"]
            if name not in manifests:
                source = folder / "manifests_json" / f"{name}.json" if form == "json" else folder / "manifests" / name
                manifests[name] = Manifest(source, work / name, work / "w.duckdb")
            yield _outcome(case, manifests[name], expected.get(case["id"]), compare)


def _outcome(case: dict[str, Any], manifest: Manifest, expected: dict[str, Any] | None, compare: ModuleType) -> Outcome:
    try:
        compiled = compile_query(as_query(manifest.plan(case)), manifest.catalog)
        sql = govern(compiled.tree, manifest.project.catalog, Principal(), DUCKDB)
        found = manifest.project.engine.run(sql)
    except NotSupported as error:
        return Outcome(case, "refused" if expected is None else "unsupported", error.text)
    except FilterError as error:
        return Outcome(case, "refused" if expected is None else "unsupported", str(error))
    except AnswerableError as error:
        return Outcome(case, "refused" if expected is None else "failed", str(error))
    rows = tuple(_numbered(row, case) for row in found.rows)
    if expected is None:
        return Outcome(case, "answered", case.get("kind", ""), found.names, rows, sql.text)
    same, why = compare.equal(case, expected, expected["columns"], [list(row) for row in rows])
    return Outcome(case, "passed" if same else "failed", why or "", found.names, rows, sql.text)


def _numbered(row: Sequence[Any], case: dict[str, Any]) -> tuple[Any, ...]:
    """With a year as a number where the case asks for it as a part of a date: ours is the year's first day."""
    years = [n for n, g in enumerate(case["group_bys"]) if "year" in (g.get("date_part"), g["name"].partition("__extract_")[2])]
    return tuple(value.year if n in years and value is not None else value for n, value in enumerate(row))


def summary(outcomes: list[Outcome]) -> str:
    """Passed, failed, refused and unsupported: official, extra (with and without `suspect`), and those that MetricFlow refuses."""
    kinds = {
        "official": [o for o in outcomes if "suspect" not in o.case and "why" not in o.case],
        "extra": [o for o in outcomes if o.case.get("suspect") == []],
        "suspect": [o for o in outcomes if o.case.get("suspect")],
        "refused there": [o for o in outcomes if "why" in o.case],
    }
    lines = [
        f"{kind:<14} {len(found):>4}  " + ", ".join(f"{v} {n}" for v, n in Counter(o.verdict for o in found).most_common())
        for kind, found in kinds.items()
    ]
    failing = Counter(c for o in outcomes if o.verdict in ("failed", "unsupported") for c in o.case.get("classes", ()))
    return "\n".join([*lines, "by class: " + ", ".join(f"{c} {n}" for c, n in failing.most_common(12))])


def line(outcome: Outcome, with_sql: bool) -> dict[str, Any]:
    """A case as the suite's own form has it."""
    if outcome.columns:
        data: dict[str, Any] = {
            "id": outcome.case["id"],
            "columns": outcome.columns,
            "rows": [[plain(v) for v in row] for row in outcome.rows],
        }
        return {**data, "sql": outcome.sql} if with_sql else data
    return {"id": outcome.case["id"], "error": outcome.says, "kind": outcome.verdict}


def _lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(text) for text in file.read_text(encoding="utf-8").splitlines() if text.strip()] if file.is_file() else []


def _module(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
