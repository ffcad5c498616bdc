"""MetricFlow's own cases: import, compile, gate, DuckDB, and the rows compared with those expected.

MetricFlow's conventions live here and not in the compiler: windows with both ends in them, widened to whole periods; `metric_time` by the
coarsest default grain of the metrics; names as dbt users write them.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import answerable
from answerable.agent.answer import plain
from answerable.agent.ask import Project
from answerable.context.compiler import compile_query
from answerable.context.compiler.time import Span, floor
from answerable.context.errors import AnswerableError, NotSupported, PlanError, UnknownName, UsageError
from answerable.context.guard import govern
from answerable.context.importers.dbt import read_manifest, read_names
from answerable.context.importers.dbt_filters import FilterError, Leaf, Names, Scope, translate_filter
from answerable.context.importers.project import write_project
from answerable.context.policy import Principal
from answerable.context.query import as_query

PARTS = {"dow": "day_of_week", "day": "day_of_month", "month": "month_of_year", "quarter": "quarter_of_year"}
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
        write_project(read_manifest(source), folder, source.stem, f"duckdb:{warehouse}")
        self.project: Project = answerable.open(folder, run="eval")

    @cached_property
    def catalog(self) -> Any:
        return self.project.sights.of(Principal()).catalog

    def plan(self, case: dict[str, Any]) -> dict[str, Any]:
        """A case as a plan. Raises PlanError or FilterError for names that lead nowhere or mean two things."""
        leaves = [leaf for name in case["metrics"] for leaf in self._leaves(name)]
        grain = max((self.names.grain_of(leaf) or "day" for leaf in leaves), key=ORDER.index, default="day")
        by = [self._ref(group, leaves, grain) for group in case["group_bys"]]
        plan: dict[str, Any] = {"metrics": [name.lower() for name in case["metrics"]], "by": by}
        plan["where"] = [self._where(text, leaves, grain) for text in case["where_filters"]]
        shown = dict(zip([self._shown(g) for g in case["group_bys"]], by, strict=True)) | {name: name for name in plan["metrics"]}
        plan["order"] = [("-" if text.startswith("-") else "") + self._ordered(text.lstrip("-"), shown) for text in case["order_bys"]]
        if case["limit"]:
            plan["limit"] = case["limit"]
        if case["time_constraint"]:
            plan["window"] = self._window(case["time_constraint"], by)
        if case["min_max_only"]:
            plan["bounds"] = True
        if not case["apply_group_by"] and not case["metrics"]:
            plan["rows"] = True
        return plan

    def _leaves(self, metric: str) -> tuple[Leaf, ...]:
        if metric.lower() not in self.names.leaves:
            raise UnknownName(f"There is no metric {metric}.", metric)
        return self.names.leaves[metric.lower()]

    def _shown(self, group: dict[str, Any]) -> str:
        return "__".join(filter(None, (group["name"], group.get("grain"))))

    def _ordered(self, name: str, shown: dict[str, str]) -> str:
        if name in shown:
            return shown[name]
        near = [ref for said, ref in shown.items() if said.split("__")[0] == name or name.startswith(said)]
        return near[0] if near else name

    def _ref(self, group: dict[str, Any], leaves: list[Leaf], default: str) -> str:
        links, element, grain, part = self.names.split(group["name"])
        grain, part = (group.get("grain") or grain or "").lower() or None, (group.get("date_part") or part or "").lower() or None
        if element == "metric_time" and not links:
            return f"time:{PARTS.get(part, part)}" if part else f"time:{grain or default}"
        found = {self._find(leaf.model, group["name"]) for leaf in leaves} if leaves else {self._listed(group["name"])}
        if len(found) != 1:
            raise PlanError(f"{group['name']} does not mean one thing for all metrics.", group["name"])
        path, own, own_part = found.pop()
        suffix = PARTS.get(part or own_part or "", part or own_part) or grain or own
        return f"{path}:{suffix}" if suffix else path

    def _find(self, model: str, name: str) -> tuple[str, str | None, str | None]:
        found = self.names.find(model, name)
        if not found:
            raise UnknownName(f"{model} has no {name}.", name)
        if len(found) > 1:
            raise PlanError(f"{name} is reached in {len(found)} ways from {model}.", name)
        return found[0].path, found[0].grain, found[0].part

    def _listed(self, name: str) -> tuple[str, str | None, str | None]:
        """A dimension without a metric: by the model of its entity."""
        links, *_ = self.names.split(name)
        for model in self.names.models.values():
            if links and (links[-1],) in {(prefix,) for prefix in model.prefixes}:
                found = self.names.find(model.name, name)
                if len(found) == 1 and "." not in found[0].path:
                    return f"{model.name}.{found[0].path}", found[0].grain, found[0].part
        raise UnknownName(f"No model has {name}.", name)

    def _where(self, text: str, leaves: list[Leaf], grain: str) -> str:
        if not leaves:
            raise NotSupported("A filter of a list by dbt's names is not translated yet.", text)
        return translate_filter(text, Scope(self.names, leaves[0].model, "time", grain))

    def _window(self, constraint: list[str], by: list[str]) -> dict[str, str]:
        """Both ends are in it, and it is as wide as the periods that it touches."""
        start, end = (dt.datetime.fromisoformat(text) for text in constraint)
        grain = next((ref.partition(":")[2] for ref in by if ref.startswith("time:") and ref.partition(":")[2] in ORDER), "day")
        if grain in ("second", "minute", "hour"):
            step = Span.grain(grain)
            start, end = (_cut(moment, grain) for moment in (start, end))
            return {"start": start.isoformat(), "end": step.after(end).isoformat()}
        settings = self.project.catalog.settings
        first, last = floor(start.date(), grain, settings), floor(end.date(), grain, settings)
        return {"start": first.isoformat(), "end": Span.grain(grain).after(last).isoformat()}


def _cut(moment: dt.datetime, grain: str) -> dt.datetime:
    moment = moment.replace(microsecond=0)
    if grain == "second":
        return moment
    return moment.replace(second=0) if grain == "minute" else moment.replace(minute=0, second=0)


def run(folder: Path, work: Path, only: str = "") -> Iterator[Outcome]:
    """Every case of a suite's folder, in order. Raises UsageError where the folder is no suite."""
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
                manifests[name] = Manifest(folder / "manifests_json" / f"{name}.json", work / name, work / "w.duckdb")
            yield _outcome(case, manifests[name], expected.get(case["id"]), compare)


def _outcome(case: dict[str, Any], manifest: Manifest, expected: dict[str, Any] | None, compare: ModuleType) -> Outcome:
    try:
        if case.get("saved_query"):
            raise NotSupported("Saved queries are not imported.", case["saved_query"])
        compiled = compile_query(as_query(manifest.plan(case)), manifest.catalog)
        sql = govern(compiled.tree, manifest.project.catalog, Principal(), "duckdb")
        found = manifest.project.engine.run(sql)
    except NotSupported as error:
        return Outcome(case, "refused" if expected is None else "unsupported", error.text)
    except FilterError as error:
        return Outcome(case, "refused" if expected is None else "unsupported", str(error))
    except AnswerableError as error:
        return Outcome(case, "refused" if expected is None else "failed", str(error))
    rows = tuple(tuple(row) for row in found.rows)
    if expected is None:
        return Outcome(case, "answered", case.get("kind", ""), found.names, rows, sql.text)
    same, why = compare.equal(case, expected, expected["columns"], [list(row) for row in rows])
    return Outcome(case, "passed" if same else "failed", why or "", found.names, rows, sql.text)


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
