"""How compiling and loading grow with the project, on generated projects; and a plan of seventy ratios by a hundred dimensions."""

from __future__ import annotations

import shutil
import statistics
from collections.abc import Callable
from pathlib import Path

import yaml
from answerable.context import cache
from answerable.context.catalog import Catalog, visible
from answerable.context.compiler import compile_query
from answerable.context.engines.base import DUCKDB
from answerable.context.errors import GuardError
from answerable.context.expr import parse_condition, parse_expression
from answerable.context.guard import govern
from answerable.context.loader import load, settings_of
from answerable.context.policy import Principal
from answerable.context.query import SemanticQuery
from answerable.evals.bench.figures import Figure, in_turns, once_ms

FOLDER = Path("build/scale")
SIZES = (10, 100, 1000)
RATIOS, DIMENSIONS = 70, 100
NOBODY = Principal()


def scale() -> dict[str, Figure]:
    return {**_compiling(), **_loading(), **_wide()}


def _compiling() -> dict[str, Figure]:
    catalogs = [visible(load(project(size)), NOBODY) for size in SIZES]
    pairs = [(plan, catalog) for catalog in catalogs for plan in _plans(catalog)]
    works: list[Callable[[], object]] = [lambda p=p, c=c: compile_query(p, c) for p, c in pairs]  # type: ignore[misc]
    times, each = in_turns(works, 25), len(pairs) // len(SIZES)
    medians = [statistics.median(times[i : i + each]) for i in range(0, len(times), each)]
    said = ", ".join(f"{size:,}: {ms:.2f} ms" for size, ms in zip(SIZES, medians, strict=True))
    return {"scale: compile with 1,000 / 10 models": Figure(medians[-1] / medians[0], "×", 2, "lower", said)}


def _plans(catalog: Catalog) -> list[SemanticQuery]:
    """The same plans over the last models of each project; the third looks for the one path to a model."""
    last = len(catalog.models) - 1
    plans = (
        {"metrics": [f"total_{last}"], "by": ["parent.kind", "happened_at:month"], "where": ["parent.size = 'small'"]},
        {"metrics": [f"total_{last}", f"total_{last - 1}"], "by": ["time:month"], "window": {"start": "2025-01-01", "end": "2026-01-01"}},
        {"metrics": [f"total_{last}"], "by": [f"things_{last - 1}.kind", "other.state"], "order": [f"-total_{last}"], "limit": 10},
    )
    return [SemanticQuery.model_validate(plan) for plan in plans]


def _loading() -> dict[str, Figure]:
    folder = project(SIZES[-1])
    settings, text = settings_of(folder, str)
    assert settings
    kept = folder / "catalogue.pickle"
    cache.write(kept, cache.key(folder, text), load(folder))
    loading, parsing, cached = in_turns(
        [lambda: _load(folder), lambda: _parse(folder), lambda: cache.read(kept, cache.key(folder, text), settings)], 5
    )
    assert cache.read(kept, cache.key(folder, text), settings)
    against = f"{loading / 1000:.2f} s beside {parsing / 1000:.2f} s, {SIZES[-1]:,} models"
    return {
        "scale: load / parse the same YAML": Figure(loading / parsing, "×", 3, "lower", against),
        "scale: load from the cache": Figure(cached / 1000, "s", 0.3, "lower", f"{SIZES[-1]:,} models, {kept.stat().st_size / 1e6:.1f} MB"),
    }


def _load(folder: Path) -> None:
    """As a fresh process does it, which remembers no expression."""
    parse_expression.cache_clear()
    parse_condition.cache_clear()
    load(folder)


def _parse(folder: Path) -> None:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for path in sorted(folder.glob("**/*.yml")):
        yaml.load(path.read_text(), Loader=loader)


def _wide() -> dict[str, Figure]:
    catalog = visible(load(wide()), NOBODY)
    half, whole = (_plan(count) for count in (RATIOS // 2, RATIOS))
    small, large = (len(compile_query(plan, catalog).tree.sql("duckdb", pretty=True)) for plan in (half, whole))
    seconds = statistics.median([once_ms(lambda: compile_query(whole, catalog)) for _ in range(6)][1:]) / 1000
    what = f"scale: compile {RATIOS} ratios by {DIMENSIONS} dimensions"
    return {
        what: Figure(seconds, "s", 0.5, "lower", _gated(whole, catalog)),
        f"scale: SQL of {RATIOS} / {RATIOS // 2} ratios": Figure(large / small, "×", 2.2, "lower", f"{large / 1000:.0f} KB"),
    }


def _gated(plan: SemanticQuery, catalog: Catalog) -> str:
    """How long the whole way to SQL text takes, or why the gate refuses it."""
    try:
        return f"to governed SQL {once_ms(lambda: govern(compile_query(plan, catalog).tree, catalog, NOBODY, DUCKDB)) / 1000:.2f} s"
    except GuardError as error:
        return f"the gate refuses it: {error}"


def _plan(ratios: int) -> SemanticQuery:
    by = tuple(f"d{n}" if n < DIMENSIONS // 2 else f"thing.d{n}" for n in range(DIMENSIONS))
    return SemanticQuery(metrics=tuple(f"ratio_{n}" for n in range(ratios)), by=by)


# -- projects -------------------------------------------------------------------------------------------------------------------------


def project(models: int, folder: Path | None = None) -> Path:
    """A folder with so many models, each with its own metric and to-one joins to one or two earlier ones."""
    folder = _fresh(folder or FOLDER / str(models))
    for n in range(models):
        (folder / "models" / f"things_{n}.yml").write_text(_model(n))
    return folder


def _model(n: int) -> str:
    parent, other = n // 10, n - 1 - n % 3
    joins = [f"  parent: {{model: things_{parent}, on: parent_id}}"] if n else []
    joins += [f"  other: {{model: things_{other}, on: other_id}}"] if n % 2 and other > parent else []
    return "\n".join(
        [
            f"model: things_{n}", f"table: main.things_{n}", f"description: One row for each thing of kind {n}.", "endorsed: true",
            f"owner: team-{n % 7}@bench.example", f"entity: thing {n}", "primary_key: thing_id", "time: happened_at",
            *(["joins:", *joins] if joins else []),
            "dimensions:",
            "  kind: {label: Kind, description: What kind of thing it is, synonyms: [sort, class]}",
            "  size: {description: How large it is, values: {small: [little], large: [big]}}",
            "  state: {expr: lower(state), description: Where it stands}",
            "  happened_at: {type: time, grain: day, description: The day of it}",
            "metrics:",
            f"  total_{n}: {{label: Total {n}, description: Amounts of things {n}, unit: EUR, expr: sum(amount), filter: state = 'done'}}",
        ]
    ) + "\n"  # fmt: skip


def wide(folder: Path = FOLDER / "wide") -> Path:
    """A fact with half of the dimensions and a joined model with the rest; seventy ratios, each of two metrics with their own filters."""
    _fresh(folder)
    half = DIMENSIONS // 2
    own, joined = ([f"  d{n}: {{description: The {n}th way to split}}" for n in range(*span)] for span in ((half,), (half, DIMENSIONS)))
    sums = [f"  sum_{n}: {{expr: sum(amount_{n}), filter: d{n % half} = 'x'}}" for n in range(RATIOS)]
    counts = [f"  rows_{n}: {{expr: count(*), filter: d{n % half} <> 'y{n}'}}" for n in range(RATIOS)]
    ratios = [f"  ratio_{n}: {{type: ratio, numerator: sum_{n}, denominator: rows_{n}}}" for n in range(RATIOS)]
    join = ["joins:", "  thing: {model: things, on: thing_id}"]
    fact = ["model: facts", "table: main.facts", "endorsed: true", "primary_key: fact_id", *join]
    fact += ["dimensions:", *own, "metrics:", *sums, *counts, *ratios]
    (folder / "models" / "facts.yml").write_text("\n".join(fact) + "\n")
    thing = ["model: things", "table: main.things", "endorsed: true", "primary_key: thing_id", "dimensions:", *joined]
    (folder / "models" / "things.yml").write_text("\n".join(thing) + "\n")
    return folder


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "models").mkdir(parents=True)
    (folder / "answerable.yml").write_text("name: Scale\nwarehouse: duckdb:none.duckdb\n")
    return folder
