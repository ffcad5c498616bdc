"""A dbt manifest becomes a project that means the same, or says where it doesn't."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from answerable.context.importers.dbt import read_manifest, read_names
from answerable.context.importers.dbt_filters import FilterError, Scope, translate_filter
from answerable.context.importers.project import ImportedProject, ImportProblem, to_yaml, write_project

MANIFESTS = Path(__file__).parents[3] / "shared" / "data" / "metricflow" / "manifests_json"
ALL = sorted(MANIFESTS.glob("*.json"))


def dim(name: str, kind: str = "categorical", grain: str | None = None, **more: Any) -> dict[str, Any]:
    params = {"time_granularity": grain, "validity_params": more.pop("validity", None)} if grain else None
    return {"name": name, "type": kind, "expr": None, "is_partition": False, "type_params": params, **more}


def entity(name: str, kind: str, expr: str | None = None) -> dict[str, Any]:
    return {"name": name, "type": kind, "expr": expr}


Items = list[dict[str, Any]]


def model(name: str, entities: Items, dimensions: Items, time: str | None = None, **more: Any) -> dict[str, Any]:
    relation = {"alias": name, "schema_name": "shop", "database": None, "relation_name": f"shop.{name}"}
    defaults = {"agg_time_dimension": time} if time else None
    return {"name": name, "node_relation": relation, "defaults": defaults, "entities": entities, "dimensions": dimensions, **more}


def where(*templates: str) -> dict[str, Any]:
    return {"where_filters": [{"where_sql_template": template} for template in templates]}


def simple(name: str, agg: str = "sum", expr: str = "amount", on: str = "orders", aggregation: Any = None, **more: Any) -> dict[str, Any]:
    params = more.pop("params", {})
    aggregated = {"semantic_model": on, "agg": agg, **(aggregation or {})}
    return {"name": name, "type": "simple", "type_params": {"expr": expr, "metric_aggregation_params": aggregated, **params}, **more}


def other(name: str, kind: str, params: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "type_params": params, **more}


ORDERS = model(
    "orders",
    [entity("order", "primary", "order_id"), entity("customer", "foreign", "customer_id"), entity("item", "foreign", "item_id")],
    [dim("status"), dim("ordered_at", "time", "day"), dim("paid_at", "time", "hour", expr="paid_ts")],
    "ordered_at",
)
CUSTOMERS = model("customers", [entity("customer", "primary", "id"), entity("region", "foreign")], [dim("tier"), dim("on"), dim("name")])
PROFILES = model("profiles", [entity("profile", "primary"), entity("customer", "unique", "customer_id")], [dim("age")])
REGIONS = model("regions", [entity("region", "primary")], [dim("country"), dim("population")])
ITEMS = model(
    "items",
    [entity("item", "natural", "item_id")],
    [
        dim("colour"),
        dim("starts", "time", "day", expr="valid_from", validity={"is_start": True, "is_end": False}),
        dim("ends", "time", "day", expr="valid_to", validity={"is_start": False, "is_end": True}),
    ],
    primary_entity="item",
)
MODELS = [ORDERS, CUSTOMERS, PROFILES, REGIONS, ITEMS]
SPINE = {
    "node_relation": {"alias": "days", "schema_name": "shop", "relation_name": "shop.days"},
    "primary_column": {"name": "day", "time_granularity": "day"},
    "custom_granularities": [{"name": "sprint", "column_name": None}],
}


def write(folder: Path, *metrics: dict[str, Any], models: list[dict[str, Any]] = MODELS, **more: Any) -> Path:
    path = folder / "semantic_manifest.json"
    path.write_text(json.dumps({"semantic_models": models, "metrics": metrics, "project_configuration": {"time_spines": [SPINE]}, **more}))
    return path


def metrics_of(project: ImportedProject, file: str = "models/orders.yml") -> dict[str, Any]:
    found: dict[str, Any] = project.files[file]["metrics"]
    return found


def imported(folder: Path, *metrics: dict[str, Any]) -> dict[str, Any]:
    return metrics_of(read_manifest(write(folder, *metrics)))


# --- MetricFlow's own manifests ---


@pytest.mark.skipif(not ALL, reason=f"MetricFlow's manifests are not in {MANIFESTS}")
def test_there_are_thirteen_manifests() -> None:
    assert len(ALL) == 13


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_each_metric_of_a_manifest_is_carried_or_noted(path: Path) -> None:
    project = read_manifest(path)
    source = json.loads(path.read_text())
    carried = {name for document in project.files.values() for name in document.get("metrics", {})}
    left_out = {note.name for note in project.notes if note.kind == "metric" and note.verdict == "left_out"}
    assert {metric["name"] for metric in source["metrics"]} <= carried | left_out
    assert {f"models/{model['name']}.yml" for model in source["semantic_models"]} <= set(project.files)


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_each_join_leads_to_a_key_of_its_model(path: Path) -> None:
    project = read_manifest(path)
    models = {document["model"]: document for document in project.files.values() if "model" in document}
    for document in models.values():
        for join in document.get("joins", {}).values():
            target, on = models[join["model"]], join["on"]
            remote = on if isinstance(on, str) else next(iter(on.values()))
            keys = [target["primary_key"], *target.get("unique", [])]
            assert [remote, join["valid"]["from"]] in keys if "valid" in join else remote in keys or [remote] in keys


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_what_is_written_reads_back_the_same(path: Path, tmp_path: Path) -> None:
    project = read_manifest(path)
    for target in write_project(project, tmp_path / "out", "Shop", "duckdb:shop.duckdb"):
        text, name = target.read_text(), target.relative_to(tmp_path / "out").as_posix()
        settings = {"name": "Shop", "warehouse": "duckdb:shop.duckdb"} if name == "answerable.yml" else {}
        expected = {**settings, **project.files.get(name, {})}
        assert yaml.load(text, Loader=Loader12) == expected
        assert max(map(len, text.splitlines())) <= 125
        assert "&id" not in text


# --- models ---


def test_a_semantic_model_becomes_a_model_with_keys_joins_and_dimensions(tmp_path: Path) -> None:
    project = read_manifest(write(tmp_path, simple("revenue")))
    assert project.files["models/orders.yml"] == {
        "model": "orders",
        "table": "shop.orders",
        "endorsed": True,
        "entity": "order",
        "primary_key": "order_id",
        "time": "ordered_at",
        "joins": {
            "customer": {"model": "customers", "on": {"customer_id": "id"}, "default": True},
            "customer_profiles": {"model": "profiles", "on": "customer_id", "default": True},
            "item": {"model": "items", "on": "item_id", "valid": {"from": "valid_from", "to": "valid_to"}},
        },
        "dimensions": {
            "status": {},
            "ordered_at": {"type": "time", "grain": "day"},
            "paid_at": {"type": "time", "grain": "hour", "expr": "paid_ts"},
            "order": {"expr": "order_id"},
            "customer": {"expr": "customer_id"},
            "item": {"expr": "item_id"},
        },
        "metrics": {"revenue": {"expr": "sum(amount)"}},
    }


def test_primary_and_unique_entities_join_one_to_one(tmp_path: Path) -> None:
    profiles = read_manifest(write(tmp_path)).files["models/profiles.yml"]
    assert (profiles["primary_key"], profiles["unique"]) == ("profile", [["customer_id"]])
    assert profiles["joins"] == {"customer": {"model": "customers", "on": {"customer_id": "id"}}}


def test_a_key_of_several_columns_is_a_list_and_an_expression_is_joined_by_its_dimension(tmp_path: Path) -> None:
    lines = model("lines", [entity("line", "primary", "order_id || '-' || pos"), entity("sku", "foreign", "lower(sku)")], [])
    skus = model("skus", [entity("sku", "primary", "trim(code)")], [])
    project = read_manifest(write(tmp_path, models=[lines, skus]))
    assert project.files["models/lines.yml"]["primary_key"] == ["order_id", "pos"]
    assert project.files["models/lines.yml"]["joins"] == {"sku": {"model": "skus", "on": "sku"}}
    assert project.files["models/skus.yml"] | {"dimensions": None} == {
        **{"model": "skus", "table": "shop.skus", "endorsed": True, "entity": "sku", "primary_key": "sku"},
        "dimensions": None,
    }
    noted = {(note.kind, note.name) for note in project.notes}
    assert noted == {("primary_key", "lines.line"), ("entity", "lines.sku"), ("entity", "skus.sku")}


def test_a_dimension_called_as_a_word_of_plans_is_renamed(tmp_path: Path) -> None:
    events = model("events", [entity("event", "primary")], [dim("time", "time", "day")], "time")
    document = read_manifest(write(tmp_path, simple("events", on="events"), models=[events])).files["models/events.yml"]
    assert document["time"] == "time_value"
    assert document["dimensions"]["time_value"] == {"type": "time", "grain": "day", "expr": "time", "source_name": "time"}


def test_a_grain_below_a_second_is_a_second_and_said(tmp_path: Path) -> None:
    logs = model("logs", [entity("log", "primary")], [dim("at", "time", "millisecond")])
    project = read_manifest(write(tmp_path, models=[logs]))
    assert project.files["models/logs.yml"]["dimensions"]["at"] == {"type": "time", "grain": "second"}
    assert [note.name for note in project.notes] == ["logs.at"]


def test_the_day_spine_becomes_the_calendar(tmp_path: Path) -> None:
    calendar = read_manifest(write(tmp_path)).files["answerable.yml"]["calendar"]
    assert calendar == {"table": "shop.days", "day": "day", "grains": {"sprint": "sprint"}, "spine": True}


def test_saved_queries_and_unknown_settings_are_noted(tmp_path: Path) -> None:
    metric = simple("revenue", config={"meta": {"tier": 1}})
    notes = read_manifest(write(tmp_path, metric, saved_queries=[{"name": "weekly", "query_params": {}}])).notes
    assert [(note.kind, note.verdict) for note in notes] == [("setting", "left_out"), ("saved_query", "left_out")]


# --- metrics ---


@pytest.mark.parametrize(
    ("agg", "expr", "more", "expected"),
    [
        ("sum", "amount", None, "sum(amount)"),
        ("sum", "1", None, "count(*)"),
        ("count", "amount", None, "count(amount)"),
        ("count_distinct", "customer_id", None, "count(distinct customer_id)"),
        ("average", "amount", None, "avg(amount)"),
        ("median", "amount", None, "median(amount)"),
        ("min", "amount", None, "min(amount)"),
        ("sum_boolean", "is_gift", None, "sum(case when is_gift then 1 else 0 end)"),
        ("percentile", "amount", {"percentile": 0.9}, "percentile_cont(0.9) within group (order by amount)"),
        ("percentile", "a", {"percentile": 0.9, "use_discrete_percentile": True}, "percentile_disc(0.9) within group (order by a)"),
    ],
)
def test_an_aggregation_becomes_sql(tmp_path: Path, agg: str, expr: str, more: Any, expected: str) -> None:
    assert imported(tmp_path, simple("m", agg, expr, aggregation={"agg_params": more})) == {"m": {"expr": expected}}


def test_a_simple_metric_keeps_its_date_filters_and_empty_periods(tmp_path: Path) -> None:
    params = {"fill_nulls_with": 0, "join_to_timespine": True, "is_private": True}
    templates = ("{{ Dimension('order__status') }} = 'a' OR 1 = 0", "{{ Dimension('customer__tier') }} = 'gold'\n")
    metric = simple("paid", aggregation={"agg_time_dimension": "paid_at"}, params=params, filter=where(*templates), label="Paid")
    assert imported(tmp_path, metric)["paid"] == {
        "label": "Paid",
        "hidden": True,
        "expr": "sum(amount)",
        "filter": "(status = 'a' OR 1 = 0) and customer.tier = 'gold'",
        "time": "paid_at",
        "fill": 0,
        "spine": True,
    }


def test_a_semi_additive_metric_picks_after_the_filters(tmp_path: Path) -> None:
    picked = {"name": "ordered_at", "window_choice": "max", "window_groupings": ["customer"]}
    metric = imported(tmp_path, simple("open", aggregation={"non_additive_dimension": picked}))["open"]
    assert metric["over_time"] == {"pick": "last", "per": ["customer"], "after": "filters"}


def test_a_ratio_stays_one_unless_its_parts_are_filtered(tmp_path: Path) -> None:
    gold = {"name": "revenue", "filter": where("{{ Dimension('customer__tier') }} = 'gold'")}
    plain = other("per_order", "ratio", {"numerator": {"name": "revenue"}, "denominator": {"name": "orders"}})
    share = other("gold_share", "ratio", {"numerator": gold, "denominator": {"name": "revenue"}})
    metrics = imported(tmp_path, simple("revenue"), simple("orders", expr="1"), plain, share)
    assert metrics["per_order"] == {"type": "ratio", "numerator": "revenue", "denominator": "orders"}
    assert metrics["gold_share"] == {
        "type": "derived",
        "expr": "cast(numerator as double) / nullif(denominator, 0)",
        "inputs": {"numerator": {"metric": "revenue", "filter": "customer.tier = 'gold'"}, "denominator": {"metric": "revenue"}},
    }


def test_a_derived_metric_names_only_the_inputs_that_differ(tmp_path: Path) -> None:
    before = {"name": "revenue", "alias": "before", "offset_window": {"count": 14, "granularity": "day"}}
    start = {"name": "revenue", "alias": "start", "offset_to_grain": "month"}
    growth = other("growth", "derived", {"expr": "revenue - before - start", "metrics": [{"name": "revenue"}, before, start]})
    assert imported(tmp_path, simple("revenue"), growth)["growth"] == {
        "type": "derived",
        "expr": "revenue - before - start",
        "inputs": {"before": {"metric": "revenue", "offset": "14 days"}, "start": {"metric": "revenue", "offset_to": "month"}},
    }


def test_a_grain_of_the_teams_own_may_come_in_the_plural(tmp_path: Path) -> None:
    before = {"name": "revenue", "alias": "before", "offset_window": {"count": 2, "granularity": "sprints"}}
    growth = other("growth", "derived", {"expr": "revenue - before", "metrics": [{"name": "revenue"}, before]})
    assert imported(tmp_path, simple("revenue"), growth)["growth"]["inputs"]["before"]["offset"] == "2 sprints"


def test_a_filter_on_a_derived_metric_goes_to_all_its_inputs(tmp_path: Path) -> None:
    only = where("{{ Dimension('order__status') }} = 'a'")
    metric = other("double", "derived", {"expr": "2 * revenue", "metrics": [{"name": "revenue"}]}, filter=only)
    assert imported(tmp_path, simple("revenue"), metric)["double"]["inputs"] == {"revenue": {"metric": "revenue", "filter": "status = 'a'"}}


def test_cumulative_metrics_say_which_value_a_period_shows(tmp_path: Path) -> None:
    week = {"metric": {"name": "revenue"}, "window": {"count": 7, "granularity": "day"}, "period_agg": "last"}
    metrics = [other("week", "cumulative", {"cumulative_type_params": week})]
    metrics += [other("mtd", "cumulative", {"cumulative_type_params": {"metric": {"name": "revenue"}, "grain_to_date": "month"}})]
    found = imported(tmp_path, simple("revenue"), *metrics)
    assert found["week"] == {"type": "cumulative", "metric": "revenue", "window": "7 days", "at_period": "last"}
    assert found["mtd"] == {"type": "cumulative", "metric": "revenue", "to_date": "month", "at_period": "first"}


def test_a_filtered_cumulative_metric_adds_up_a_hidden_one(tmp_path: Path) -> None:
    params = {"cumulative_type_params": {"metric": {"name": "revenue"}}}
    metric = other("ever", "cumulative", params, filter=where("{{ Dimension('order__status') }} = 'a'"))
    found = imported(tmp_path, simple("revenue", description="Money."), metric)
    assert found["ever_base"] == {"expr": "sum(amount)", "filter": "status = 'a'", "hidden": True}
    assert found["ever"]["metric"] == "ever_base"


def test_a_conversion_across_models_goes_to_a_file_of_its_own(tmp_path: Path) -> None:
    visitor = [entity("customer", "foreign", "visitor"), entity("session", "foreign", "session_no")]
    visits = model("visits", visitor, [dim("at", "time", "day")], "at")
    buys = model("buys", [entity("customer", "foreign"), entity("session_id", "foreign")], [dim("at", "time", "day")], "at")
    params = {
        "base_metric": {"name": "visits"},
        "conversion_metric": {"name": "buys"},
        "entity": "customer",
        "calculation": "conversions",
        "window": {"count": 7, "granularity": "day"},
        "constant_properties": [{"base_property": "session", "conversion_property": "session_id"}],
    }
    metrics = [simple("visits", expr="1", on="visits"), simple("buys", expr="1", on="buys")]
    conversion = other("bought", "conversion", {"conversion_type_params": params})
    project = read_manifest(write(tmp_path, *metrics, conversion, models=[visits, buys, CUSTOMERS]))
    assert metrics_of(project, "metrics/across.yml")["bought"] == {
        **{
            "type": "conversion",
            "base": "visits",
            "converted": "buys",
            "entity": "customer",
            "window": "7 days",
            "counted": "converted",
            "value": "count",
        },
        "constant": ["session_id"],
    }
    assert project.files["models/visits.yml"]["dimensions"]["session_id"] == {"expr": "session_no", "hidden": True}


def test_measures_of_older_dbt_are_read_too(tmp_path: Path) -> None:
    orders = {**ORDERS, "measures": [{"name": "total", "agg": "sum", "expr": "amount"}, {"name": "spare", "agg": "max", "expr": "x"}]}
    gold = other("gold", "simple", {"measure": {"name": "total", "filter": where("{{ Dimension('customer__tier') }} = 'gold'")}})
    ever = other("ever", "cumulative", {"measure": {"name": "total"}, "grain_to_date": "year"})
    project = read_manifest(write(tmp_path, gold, ever, models=[orders, *MODELS[1:]]))
    assert metrics_of(project) == {
        "total": {"hidden": True, "expr": "sum(amount)"},
        "gold": {"expr": "sum(amount)", "filter": "customer.tier = 'gold'"},
        "ever": {"type": "cumulative", "metric": "total", "to_date": "year", "at_period": "first"},
    }
    assert [note.name for note in project.notes] == ["orders.spare"]


# --- what can't be carried ---


def test_a_filter_that_leads_nowhere_takes_the_endorsement_away_from_all_that_lean_on_it(tmp_path: Path) -> None:
    lost = simple("lost", filter=where("{{ Dimension('moon__phase') }} = 'full'"))
    double = other("double", "derived", {"expr": "2 * lost", "metrics": [{"name": "lost"}]})
    project = read_manifest(write(tmp_path, lost, double, simple("revenue")))
    endorsed = {name: document.get("endorsed") for name, document in metrics_of(project).items()}
    assert endorsed == {"lost": False, "double": False, "revenue": None}
    assert "moon__phase leads nowhere from orders" in next(note.reason for note in project.notes if note.name == "lost")


def test_an_unknown_aggregation_leaves_out_what_is_made_of_it(tmp_path: Path) -> None:
    double = other("double", "derived", {"expr": "2 * odd", "metrics": [{"name": "odd"}]})
    project = read_manifest(write(tmp_path, simple("odd", "geomean"), double))
    assert "metrics" not in project.files["models/orders.yml"]
    assert [(note.name, note.verdict) for note in project.notes] == [("odd", "left_out"), ("double", "left_out")]


def test_a_date_filter_on_a_shifted_input_is_not_guessed(tmp_path: Path) -> None:
    dated = where("{{ TimeDimension('metric_time') }} > '2020-01-01'")
    shifted = {"name": "revenue", "offset_window": {"count": 1, "granularity": "month"}, "filter": dated}
    late = other("late", "derived", {"expr": "revenue", "metrics": [shifted]})
    assert imported(tmp_path, simple("revenue"), late)["late"]["endorsed"] is False


def test_metrics_that_compare_with_each_other_come_to_an_end(tmp_path: Path) -> None:
    one = simple("one", filter=where("{{ Metric('two', ['customer']) }} > 1"))
    two = simple("two", filter=where("{{ Metric('one', ['customer']) }} > 1"))
    assert imported(tmp_path, one, two)["one"]["filter"] == "two per customer > 1"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "isn't JSON"),
        ("[]", "isn't a semantic manifest"),
        ('{"nodes": {}, "semantic_models": []}', "import target/semantic_manifest.json"),
        ('{"semantic_models": [], "metrics": []}', "holds no semantic models"),
        ('{"semantic_models": [{"name": "orders"}]}', "lacks 'node_relation'"),
        ('{"semantic_models": [{"name": "../x"}]}', "isn't a name"),
        ('{"semantic_models": {"name": 1}}', "should be a list"),
    ],
)
def test_a_bad_file_is_refused_with_its_name_and_a_mend(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "broken.json"
    path.write_text(content)
    with pytest.raises(ImportProblem, match=r"broken\.json") as problem:
        read_manifest(path)
    assert says in str(problem.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportProblem, match="can't be read"):
        read_manifest(tmp_path / "none.json")


def test_a_metric_of_itself_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportProblem, match="defined by itself"):
        read_manifest(write(tmp_path, other("a", "derived", {"expr": "a", "metrics": [{"name": "a"}]})))


# --- filters ---

FILTERS = [
    ("{{ Dimension('order__status') }} = 'x  y'", "status = 'x  y'"),
    ("NOT {{ Dimension('customer__tier') }}\n  = 'gold' -- why", "NOT customer.tier = 'gold'"),
    ("{{ Dimension('customer__age') }} > 3", "customer_profiles.age > 3"),
    ("{{ Dimension('tier', entity_path=['customer']) }} = 'a'", "customer.tier = 'a'"),
    ("{{ Dimension('customer__region__country') }} = 'de'", "customer.region.country = 'de'"),
    ("{{ Dimension('region__country') }} = 'de'", "customer.region.country = 'de'"),
    ("{{ Entity('customer') }} IS NOT NULL", "customer IS NOT NULL"),
    ("{{ TimeDimension('metric_time', 'month') }} > '2020-01-01'", "date_trunc('month', ordered_at) > '2020-01-01'"),
    ("{{ TimeDimension('metric_time') }} > '2020-01-01'", "date_trunc('day', ordered_at) > '2020-01-01'"),
    ("{{ TimeDimension('order__paid_at') }} > '2020-01-01'", "date_trunc('hour', paid_at) > '2020-01-01'"),
    ("{{ Dimension('order__paid_at').grain('week') }} > '2020-01-01'", "date_trunc('week', paid_at) > '2020-01-01'"),
    ("{{ Dimension('order__paid_at').date_part('dow') }} = 1", "extract(isodow from paid_at) = 1"),
    ("metric_time__day > '2020__01' and order__status = \"a__b\"", "date_trunc('day', ordered_at) > '2020__01' and status = \"a__b\""),
    ("{{ Metric('revenue', ['customer']) }} > 2", "revenue per customer > 2"),
    ("{{ Metric('revenue', group_by=['order__customer']) }} > 2", "revenue per customer > 2"),
]


@pytest.mark.parametrize(("template", "expected"), FILTERS)
def test_a_filter_is_read_in_our_names(tmp_path: Path, template: str, expected: str) -> None:
    names = read_names(write(tmp_path, simple("revenue")))
    assert translate_filter(template, Scope.of(names, names.leaves["revenue"][0])) == expected


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{{ Dimension('customer__nothing') }} = 1", "leads nowhere"),
        ("{{ Entity('region') }} IS NULL", "leads nowhere"),  # it is customer__region, from orders
        ("{{ TimeDimension('order__paid_at__sprint') }} > '2020-01-01'", "a grain of the calendar"),
        ("{{ Dimension('customer__name') | upper }} = 'A'", "can't be read"),
        ("{% if true %} 1 = 1 {% endif %}", "a template"),
        ("{{ var('start') }} > 1", "var isn't one of"),
        ("{{ Metric('unknown', ['customer']) }} > 2", "no metric unknown"),
        ("{{ Metric('revenue', ['customer', 'item']) }} > 2", "2 things at once"),
        ("{{ Metric('revenue', ['customer__region']) }} > 2", "can't be matched"),
        ("{{ __import__('os').system('x') }}", "can't be read"),
    ],
)
def test_a_filter_without_a_counterpart_is_refused_with_its_reason(tmp_path: Path, template: str, says: str) -> None:
    names = read_names(write(tmp_path, simple("revenue")))
    with pytest.raises(FilterError, match=says):
        translate_filter(template, Scope.of(names, names.leaves["revenue"][0]))


def test_two_ways_of_one_length_are_ambiguous(tmp_path: Path) -> None:
    profiles = copy.deepcopy(PROFILES)
    profiles["dimensions"].append(dim("tier"))
    names = read_names(write(tmp_path, simple("revenue"), models=[ORDERS, CUSTOMERS, profiles]))
    assert [found.path for found in names.find("orders", "customer__tier")] == ["customer.tier", "customer_profiles.tier"]
    with pytest.raises(FilterError, match="several places"):
        translate_filter("{{ Dimension('customer__tier') }} = 'a'", Scope(names, "orders"))


def test_a_plan_may_call_every_metrics_date_time(tmp_path: Path) -> None:
    names = read_names(write(tmp_path, simple("revenue")))
    scope = Scope(names, "orders", time="time", grain="day")
    assert translate_filter("{{ TimeDimension('metric_time') }} = '2020-01-01'", scope) == "time:day = '2020-01-01'"


# --- the folder ---


class Loader12(yaml.SafeLoader):
    """YAML 1.2's words: only true and false are booleans, and 09 and 1e3 are numbers."""


Loader12.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.split(":")[-1] not in ("bool", "float") or first in "tTfF"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
NUMBER12 = re.compile(r"^[-+]?[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?$|^0o[0-7]+$")
Loader12.add_implicit_resolver("tag:yaml.org,2002:float", NUMBER12, list("-+0123456789"))


def test_short_mappings_stand_on_one_line_and_long_ones_do_not() -> None:
    long = "a description that goes on and on " * 4
    joins = {"customer": {"model": "customers", "on": "customer_id"}}
    document = {"model": "orders", "joins": joins, "metrics": {"m": {"description": long.strip()}}}
    assert to_yaml(document).splitlines()[:5] == [
        "model: orders",
        "joins:",
        "  customer: {model: customers, on: customer_id}",
        "metrics:",
        "  m:",
    ]
    assert yaml.load(to_yaml(document), Loader=Loader12) == document


WORDS = ["on", "yes", "no", "off", "null", "~", "1e3", "09", "0o17", "12:30", "2020-01-01", "", "a: b", "- x", "#x", "it's [1]"]


@pytest.mark.parametrize("word", WORDS)
def test_words_stay_words(word: str) -> None:
    document = {"model": "m", "dimensions": {word: {"values": [word, {word: word}]}}}
    assert yaml.load(to_yaml(document), Loader=Loader12) == document


def test_a_folder_with_files_is_never_written_into(tmp_path: Path) -> None:
    (tmp_path / "keep.txt").write_text("mine")
    with pytest.raises(ImportProblem, match="is not empty"):
        write_project(ImportedProject({"models/a.yml": {"model": "a"}}), tmp_path, "A", "duckdb:a.duckdb")
    assert [path.name for path in tmp_path.iterdir()] == ["keep.txt"]
    with pytest.raises(ImportProblem, match="is a file"):
        write_project(ImportedProject({}), tmp_path / "keep.txt", "A", "duckdb:a.duckdb")


def test_a_path_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportProblem, match="leads out of"):
        write_project(ImportedProject({"../a.yml": {}}), tmp_path / "out", "A", "duckdb:a.duckdb")
    assert list(tmp_path.iterdir()) == []
