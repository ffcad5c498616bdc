"""dbt's YAML, in the three ways in which it is written, becomes the project that its JSON becomes, or says where it doesn't."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import answerable
import duckdb
import pytest
import yaml
from answerable.context import checks, loader
from answerable.context.importers.dbt import read_manifest, read_names
from answerable.context.importers.project import ImportedProject, ImportProblem, write_project
from answerable.integrations.cli import main
from click.testing import CliRunner

METRICFLOW = Path(__file__).parents[3] / "shared" / "data" / "metricflow"
ALL = sorted(METRICFLOW.glob("manifests_json/*.json"))
absent = pytest.mark.skipif(not ALL, reason=f"MetricFlow's manifests are not in {METRICFLOW}")


def write(folder: Path, text: str, name: str = "models/shop.yml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return folder


def notes_of(project: ImportedProject) -> list[str]:
    return [str(note) for note in project.notes]


# --- MetricFlow's own projects ---

# MetricFlow writes its JSON after it has turned three aggregations into others that mean the same.
REWRITTEN = {
    "sum(case when is_instant then 1 else 0 end)": "sum(CASE WHEN is_instant THEN 1 ELSE 0 END)",
    "count(referrer_id)": "sum(CASE WHEN referrer_id IS NOT NULL THEN 1 ELSE 0 END)",
    "median(booking_value)": "percentile_cont(0.5) within group (order by booking_value)",
}


def rewritten(document: Any) -> Any:
    if isinstance(document, dict):
        return {key: rewritten(value) for key, value in document.items()}
    return REWRITTEN.get(document, document) if isinstance(document, str) else document


@absent
@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_a_project_of_metricflow_is_the_same_from_yaml_and_from_json(path: Path, tmp_path: Path) -> None:
    folder = METRICFLOW / "manifests" / path.stem
    order = list(read_names(folder).models)
    source = json.loads(path.read_text())
    # Of two models that hold an entity equally well, the first gives the join its short name; the JSON's order is the disk's.
    source["semantic_models"].sort(key=lambda model: order.index(model["name"]))
    sorted_json = tmp_path / path.name
    sorted_json.write_text(json.dumps(source))
    expected, found = read_manifest(sorted_json), read_manifest(folder)
    assert rewritten(dict(found.files)) == dict(expected.files)
    assert {(note.kind, note.name) for note in found.notes} == {(note.kind, note.name) for note in expected.notes}


@absent
@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_names_lead_to_the_same_from_yaml_and_from_json(path: Path) -> None:
    found, expected = read_names(METRICFLOW / "manifests" / path.stem), read_names(path)
    assert dict(found.leaves) == dict(expected.leaves)
    assert found.custom_grains == expected.custom_grains
    assert {name: model.dimensions for name, model in found.models.items()} == {n: m.dimensions for n, m in expected.models.items()}


# --- the three forms ---

DOCUMENTS = """
semantic_model:
  name: orders
  description: Orders.
  node_relation: {schema_name: main, alias: orders}
  defaults: {agg_time_dimension: ordered_at}
  entities:
    - {name: order, type: primary, expr: order_id}
    - {name: customer, type: foreign, expr: customer_id}
    - {name: item, type: foreign, expr: item_id}
  dimensions:
    - {name: ordered_at, type: time, label: Order date, type_params: {time_granularity: day}}
    - {name: paid_at, type: TIME, expr: paid_ts, type_params: {time_granularity: hour}}
    - {name: status, type: categorical, description: Where the order is.}
    - {name: is_large, type: categorical, expr: amount > 100}
  measures:
    - {name: amount, agg: sum}
    - {name: orders, agg: count, expr: 1, create_metric: true}
    - {name: amount_p90, agg: percentile, expr: amount, agg_params: {percentile: 0.9, use_discrete_percentile: true}, create_metric: true}
    - {name: buyers, agg: count_distinct, expr: customer_id, create_metric: true}
    - {name: paid, agg: SUM, expr: amount, agg_time_dimension: paid_at, create_metric: true}
    - name: open_amount
      agg: sum
      expr: amount
      non_additive_dimension: {name: ordered_at, window_choice: max, window_groupings: [customer]}
      create_metric: true
---
semantic_model:
  name: customers
  node_relation: {schema_name: main, alias: customers}
  entities: [{name: customer, type: primary, expr: id}]
  dimensions: [{name: tier, type: categorical}]
---
semantic_model:
  name: items
  node_relation: {schema_name: main, alias: items}
  primary_entity: item
  entities: [{name: item, type: natural, expr: item_id}]
  dimensions:
    - {name: starts, type: time, expr: valid_from, type_params: {time_granularity: day, validity_params: {is_start: true}}}
    - {name: ends, type: time, expr: valid_to, type_params: {time_granularity: day, validity_params: {is_end: true}}}
    - {name: part, type: categorical, is_partition: true}
---
semantic_model:
  name: visits
  node_relation: {schema_name: main, alias: visits}
  primary_entity: visit
  defaults: {agg_time_dimension: visited_at}
  entities: [{name: customer, type: foreign, expr: customer_id}]
  dimensions: [{name: visited_at, type: time, type_params: {time_granularity: day}}, {name: status, type: categorical}]
  measures: [{name: visits, agg: count, expr: 1, create_metric: true}]
---
project_configuration:
  time_spines:
    - node_relation: {schema_name: main, alias: days}
      primary_column: {name: day, time_granularity: day}
      custom_granularities: [{name: sprint, column_name: sprint_no}]
---
metric:
  name: revenue
  label: Revenue
  type: simple
  type_params: {measure: {name: amount, fill_nulls_with: 0, join_to_timespine: true}}
---
metric:
  name: gold
  type: simple
  type_params: {measure: {name: amount, filter: "{{ Dimension('customer__tier') }} = 'gold'"}}
  filter: ["{{ Dimension('order__status') }} = 'done'"]
---
metric:
  name: average_order
  type: ratio
  type_params: {numerator: revenue, denominator: {name: orders, filter: "{{ Dimension('order__is_large') }}"}}
---
metric:
  name: growth
  type: derived
  type_params: {expr: revenue - before, metrics: [{name: revenue}, {name: revenue, alias: before, offset_window: 14 days}]}
---
metric:
  name: sprint_growth
  type: derived
  type_params: {expr: revenue - before, metrics: [revenue, {name: revenue, alias: before, offset_window: 2 sprints}]}
---
metric:
  name: ever_in_week
  type: cumulative
  type_params: {measure: orders, cumulative_type_params: {window: 7 days, period_agg: last}}
---
metric:
  name: orders_mtd
  type: cumulative
  type_params: {measure: orders, grain_to_date: MONTH}
---
metric:
  name: visit_to_order
  type: conversion
  type_params:
    conversion_type_params:
      {entity: customer, calculation: conversions, base_measure: visits, conversion_measure: orders, window: 7 days,
       constant_properties: [{base_property: status, conversion_property: status}]}
---
saved_query: {name: weekly, query_params: {metrics: [revenue]}}
"""


def as_lists(documents: str) -> str:
    """dbt's older form: the same in lists, with `ref` for the table and the calendar on its model."""
    lists: dict[str, list[Any]] = {"semantic_models": [], "metrics": []}
    for kind, body in (pair for document in yaml.safe_load_all(documents) for pair in document.items()):
        relation = body.pop("node_relation", None)
        lists.get(f"{kind}s", []).append({**body, **({"model": f"ref('{relation['alias']}')"} if relation else {})})
    return yaml.safe_dump(lists) + SPINE + SAVED


SPINE = """
models:
  - name: days
    time_spine: {standard_granularity_column: day, custom_granularities: [{name: sprint, column_name: sprint_no}]}
    columns: [{name: day, granularity: day}, {name: sprint_no}]
"""
SAVED = "saved_queries: [{name: weekly, query_params: {metrics: [revenue]}}]\n"
LISTS = as_lists(DOCUMENTS)

MODELS = (
    SPINE
    + """
  - name: orders
    description: Orders.
    config: {materialized: table}
    semantic_model: {enabled: true}
    agg_time_dimension: ordered_at
    columns:
      - {name: order_id, data_tests: [unique], entity: {type: primary, name: order}}
      - {name: customer_id, entity: {type: foreign, name: customer}}
      - {name: item_id, entity: {type: foreign, name: item}}
      - {name: ordered_at, granularity: day, dimension: {type: time, label: Order date}}
      - {name: paid_ts, granularity: hour, dimension: {type: time, name: paid_at}}
      - {name: status, description: Where the order is., dimension: categorical}
    derived_semantics:
      dimensions: [{name: is_large, type: categorical, expr: amount > 100}]
    metrics:
      - {name: revenue, label: Revenue, type: simple, agg: sum, expr: amount, fill_nulls_with: 0, join_to_timespine: true}
      - {name: orders, agg: count, expr: 1}
      - {name: amount_p90, type: simple, agg: percentile, expr: amount, percentile: 0.9, percentile_type: discrete}
      - {name: buyers, type: simple, agg: count_distinct, expr: customer_id}
      - {name: paid, type: simple, agg: sum, expr: amount, agg_time_dimension: paid_at}
      - name: open_amount
        type: simple
        agg: sum
        expr: amount
        non_additive_dimension: {name: ordered_at, window_agg: max, group_by: [customer]}
      - name: gold
        type: simple
        agg: sum
        expr: amount
        filter: ["{{ Dimension('customer__tier') }} = 'gold'", "{{ Dimension('order__status') }} = 'done'"]
      - {name: average_order, type: ratio, numerator: revenue, denominator: {name: orders, filter: "{{ Dimension('order__is_large') }}"}}
      - name: growth
        type: derived
        expr: revenue - before
        input_metrics: [{name: revenue}, {name: revenue, alias: before, offset_window: 14 days}]
      - name: sprint_growth
        type: derived
        expr: revenue - before
        input_metrics: [revenue, {name: revenue, alias: before, offset_window: 2 sprints}]
      - {name: ever_in_week, type: cumulative, input_metric: orders, window: 7 days, period_agg: last}
      - {name: orders_mtd, type: cumulative, input_metric: {name: orders}, grain_to_date: month}
  - name: dim_customers
    config: {alias: customers}
    semantic_model: {enabled: true, name: customers}
    columns:
      - {name: id, entity: {type: primary, name: customer}}
      - {name: tier, dimension: categorical}
  - name: items
    semantic_model: true
    primary_entity: item
    columns:
      - {name: valid_from, granularity: day, dimension: {type: time, name: starts, validity_params: {is_start: true}}}
      - {name: valid_to, granularity: day, dimension: {type: time, name: ends, validity_params: {is_end: true}}}
      - {name: part, dimension: {type: categorical, is_partition: true}}
    derived_semantics:
      entities: [{name: item, type: natural, expr: item_id}]
  - name: visits
    semantic_model: true
    primary_entity: visit
    agg_time_dimension: visited_at
    columns:
      - {name: customer_id, entity: {type: foreign, name: customer}}
      - {name: visited_at, granularity: day, dimension: time}
      - {name: status, dimension: categorical}
    metrics: [{name: visits, type: simple, agg: count, expr: 1}]
metrics:
  - name: visit_to_order
    type: conversion
    entity: customer
    calculation: conversions
    base_metric: visits
    conversion_metric: {name: orders}
    window: 7 days
    constant_properties: [{base_property: status, conversion_property: status}]
"""
    + SAVED
)
FORMS = {"documents": DOCUMENTS, "lists": LISTS, "models": MODELS}


@pytest.mark.parametrize("form", ["lists", "models"])
def test_the_three_forms_become_the_same_project(tmp_path: Path, form: str) -> None:
    expected = read_manifest(write(tmp_path / "documents", DOCUMENTS))
    found = read_manifest(write(tmp_path / form, FORMS[form]))
    assert dict(found.files) == dict(expected.files)
    assert [note.kind for note in expected.notes] == ["saved_query", "metric"]
    assert [note.kind for note in found.notes] == ["table", "saved_query", "metric"]


def test_what_a_metric_says_is_carried_from_yaml(tmp_path: Path) -> None:
    project = read_manifest(write(tmp_path, MODELS))
    metrics = project.files["models/orders.yml"]["metrics"]
    assert metrics["revenue"] == {"label": "Revenue", "expr": "sum(amount)", "fill": 0, "spine": True}
    assert metrics["gold"]["filter"] == "customer.tier = 'gold' and status = 'done'"
    assert metrics["sprint_growth"]["inputs"] == {"before": {"metric": "revenue", "offset": "2 sprints"}}
    assert metrics["amount_p90"] == {"expr": "percentile_disc(0.9) within group (order by amount)"}
    assert metrics["open_amount"]["over_time"] == {"pick": "last", "per": ["customer"], "after": "filters"}
    assert project.files["models/orders.yml"]["joins"]["item"]["valid"] == {"from": "valid_from", "to": "valid_to"}
    assert project.files["models/items.yml"]["dimensions"]["part"] == {"partition": True}
    assert project.files["answerable.yml"]["calendar"]["grains"] == {"sprint": "sprint_no"}
    assert project.files["metrics/across.yml"]["metrics"]["visit_to_order"]["window"] == "7 days"


ROWS = """
create table orders as select * from (values
    (1, 1, 1, date '2026-01-05', timestamp '2026-01-06 10:00', 'done', 150.0),
    (2, 1, 1, date '2026-01-20', timestamp '2026-01-21 11:00', 'done', 50.0),
    (3, 2, 1, date '2026-02-02', timestamp '2026-02-02 12:00', 'open', 75.0)
) as t(order_id, customer_id, item_id, ordered_at, paid_ts, status, amount);
create table customers as select * from (values (1, 'gold'), (2, 'silver')) as t(id, tier);
create table items as select 1 as item_id, date '2025-01-01' as valid_from, null::date as valid_to, 'a' as part;
create table visits as select * from (values
    (1, date '2026-01-03', 'done'), (2, date '2026-01-04', 'open')
) as t(customer_id, visited_at, status);
create table days as
    select day::date as day, day::date as sprint_no from range(date '2025-12-01', date '2026-03-01', interval 1 day) as t(day);
"""


@pytest.mark.parametrize("form", FORMS)
def test_an_imported_project_loads_without_complaint_and_answers(tmp_path: Path, form: str) -> None:
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as connection:
        connection.execute(ROWS)
    out = tmp_path / "out"
    write_project(read_manifest(write(tmp_path / form, FORMS[form])), out, "Shop", f"duckdb:{tmp_path / 'shop.duckdb'}")
    assert [complaint for complaint in checks.check(loader.load(out)) if not complaint.warning] == []
    with answerable.open(out, run="test") as project:
        answer = project.query({"metrics": ["orders", "gold"], "by": ["customer.tier"], "order": ["customer.tier"]})
        assert (answer.status, [tuple(row) for row in answer.rows]) == ("answered", [("gold", 2, 200.0), ("silver", 1, None)])
        assert [tuple(row) for row in project.query({"metrics": ["visit_to_order"]}).rows] == [(1,)]


def test_the_command_takes_a_folder_and_the_schema(tmp_path: Path) -> None:
    write(tmp_path / "shop", LISTS)
    options = ["--out", str(tmp_path / "out"), "--warehouse", f"duckdb:{tmp_path / 'shop.duckdb'}", "--schema", "marts"]
    result = CliRunner().invoke(main, ["import", "dbt", str(tmp_path / "shop"), *options])
    assert result.exit_code == 0, result.output
    assert "marts was taken" in result.output
    assert "table: marts.orders" in (tmp_path / "out" / "models" / "orders.yml").read_text()


# --- files ---


def test_a_single_file_is_read_too_and_what_tools_write_is_not(tmp_path: Path) -> None:
    write(tmp_path, LISTS)
    for other in ("target/compiled.yml", "dbt_packages/theirs/models.yml", ".git/config.yml", "profiles.yml"):
        write(tmp_path, "semantic_models: [{name: other}]", other)
    assert dict(read_manifest(tmp_path).files) == dict(read_manifest(tmp_path / "models" / "shop.yml").files)


def test_definitions_may_be_spread_over_files(tmp_path: Path) -> None:
    for position, document in enumerate(DOCUMENTS.split("\n---\n")):
        write(tmp_path / "spread", document, f"{position:02}/part.yaml")
    assert dict(read_manifest(tmp_path / "spread").files) == dict(read_manifest(write(tmp_path / "one", DOCUMENTS)).files)


def test_anchors_and_the_words_of_yaml_1_1_mean_what_they_mean_to_dbt(tmp_path: Path) -> None:
    text = """
x-shared: &measure {agg: sum, create_metric: yes}
semantic_models:
  - name: orders
    model: ref('orders')
    entities: [{name: order, type: primary}]
    measures: [{<<: *measure, name: revenue, expr: 1.5}, {<<: *measure, name: cost, agg: max}]
"""
    project = read_manifest(write(tmp_path, text))
    assert project.files["models/orders.yml"]["metrics"] == {"revenue": {"expr": "sum(1.5)"}, "cost": {"expr": "max(cost)"}}
    assert any("x-shared in shop.yml" in note for note in notes_of(project))


# --- tables ---

ORDERS = "semantic_models: [{name: o, model: \"ref('orders')\", entities: [{name: order, type: primary}]}]\n"


def table_of(folder: Path, schema: str = "main") -> str:
    return str(read_manifest(folder, schema).files["models/o.yml"]["table"])


def test_a_table_is_where_the_models_yaml_says(tmp_path: Path) -> None:
    write(tmp_path, ORDERS + "models: [{name: orders, config: {schema: marts, alias: fct_orders, database: lake}}]")
    assert table_of(tmp_path) == "lake.marts.fct_orders"
    write(tmp_path, ORDERS + "models: [{name: orders, config: {schema: \"{{ env_var('S') }}\"}}]")
    assert table_of(tmp_path, "shop") == "shop.orders"
    assert any("its schema is a template" in note for note in notes_of(read_manifest(tmp_path)))


def test_a_table_is_where_its_sql_and_the_project_say(tmp_path: Path) -> None:
    write(tmp_path, ORDERS)
    write(tmp_path, "{{ config(materialized='table', alias='facts') }} select 1", "models/marts/orders.sql")
    assert table_of(tmp_path) == "main.facts"
    write(tmp_path, "name: shop\nmodels: {shop: {marts: {+schema: gold}}}", "dbt_project.yml")
    assert table_of(tmp_path, "prod") == "prod_gold.facts"  # dbt's own rule
    write(tmp_path, "{% macro generate_schema_name(name, node) %}{{ name }}{% endmacro %}", "macros/schemas.sql")
    assert table_of(tmp_path, "prod") == "gold.facts"


def test_a_version_of_a_model_is_a_table_of_its_own(tmp_path: Path) -> None:
    versions = "models: [{name: orders, latest_version: 2, versions: [{v: 1}, {v: 2}, {v: 3, config: {alias: soon}}]}]"
    assert table_of(write(tmp_path, ORDERS + versions)) == "main.orders_v2"
    assert table_of(write(tmp_path, ORDERS.replace("'orders'", "'orders', v=3") + versions)) == "main.soon"
    assert table_of(write(tmp_path, ORDERS.replace("'orders'", "'shop', 'orders', v=1") + versions)) == "main.orders_v1"


def test_the_calendar_of_older_dbt_is_known_by_its_name(tmp_path: Path) -> None:
    write(tmp_path, ORDERS)
    write(tmp_path, "select 1", "models/metricflow_time_spine.sql")
    calendar = read_manifest(tmp_path, "shop").files["answerable.yml"]["calendar"]
    assert (calendar["table"], calendar["day"]) == ("shop.metricflow_time_spine", "date_day")


# --- what is left out is said ---

REVENUE = "metrics: [{name: revenue, agg: sum, expr: amount}]"


def model(*parts: str, columns: str = "{name: id, entity: {type: primary, name: order}}") -> str:
    return "models:\n  - name: orders\n    semantic_model: true\n" + "".join(f"    {part}\n" for part in (f"columns: [{columns}]", *parts))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (model("agg_time_dimenson: at"), "models/shop.yml:2, model 'orders', agg_time_dimenson: 'at' has no place in the form"),
        (model(columns="{name: id, entity: primary, dimention: time}"), "columns 'id', dimention"),
        (model("metrics: [{name: m, agg: sum, grain_to_date: month}]"), "'m', grain_to_date: 'month' has no place"),
        (ORDERS.replace("primary}", "primary, config: {meta: {pii: true}}}"), "'order', config"),
        (ORDERS.replace("{name: o,", "{name: o, measures: [{name: x, agg: sum, agg_params: {percent: 5}}],"), "agg_params, percent: 5"),
        (model("metrics: [{name: m, agg: sum, config: {enabled: false}}]"), "metric m: it is switched off in dbt"),
        (ORDERS + model("config: {enabled: false}"), "semantic_model orders: it is switched off in dbt"),
        (ORDERS + model().replace("true", "{enabled: false}"), "semantic_model orders: it is switched off in dbt"),
        (ORDERS + f"models:\n  - name: orders\n    {REVENUE}", "metric revenue: its model orders has no `semantic_model: {enabled: true}`"),
        (ORDERS + "models: [{name: raw}]", "1 of `models:`"),
        (ORDERS + "sources: [{name: raw}]", "sources in shop.yml"),
        (model("description: \"{{ doc('none') }}\""), "description"),
        (model("metrics: [{name: m, agg: sum, expr: a, filter: \"{{ var('x') }} = 1\"}]"), "var isn't one of"),
    ],
)
def test_what_has_no_place_is_noted(tmp_path: Path, text: str, says: str) -> None:
    assert any(says in note for note in notes_of(read_manifest(write(tmp_path, text)))), notes_of(read_manifest(tmp_path))


def test_a_description_may_name_a_block_of_prose(tmp_path: Path) -> None:
    write(tmp_path, "{% docs orders %}\nWhat was\nordered.\n{% enddocs %}", "models/prose.md")
    project = read_manifest(write(tmp_path, model("description: '{{ doc(\"orders\") }}'")))
    assert project.files["models/orders.yml"]["description"] == "What was ordered."


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("models: [a: b: c]", r"shop\.yml:1 isn't YAML"),
        ("models:\n\t- name: orders", r"shop\.yml:2 isn't YAML .* indent with spaces"),
        ("a: &a [*a]", r"shop\.yml:1 holds itself"),
        ("version: 2", "holds no semantic models: name a file or folder"),
        ("semantic_models: {name: orders}", "should be a list"),
        ("semantic_models:\n  - name: orders\n    name: orders", r"shop\.yml:3: 'name' is said twice"),
        ("semantic_model: orders", "should be a mapping"),
        (ORDERS.replace("ref('orders')", "orders"), r"shop\.yml:1, semantic model 'o': 'orders' isn't ref\('model'\)"),
        ("semantic_models: [{name: o, entities: []}]", r"shop\.yml:1, semantic model 'o' names no table: add its dbt model"),
        (ORDERS + ORDERS, "'semantic_models' is said twice"),
        (ORDERS + "metrics:\n  - {name: m, type: simple, type_params: {measure: none}}", r"shop\.yml:3.*'m'.* names neither"),
        (ORDERS + "metrics: [{name: m, agg: sum}]", "belongs to no model: move it"),
        (ORDERS + "metrics: [{name: m, type: derived, expr: a, type_params: []}]", "'type_params' should be a mapping"),
        (model("metrics: [{name: m, type: simple}]"), r"shop\.yml:5, .*'m' lacks 'agg'"),
        (model(columns="{name: at, dimension: time}"), r"shop\.yml:4, .*'at' is about time and has no 'granularity'"),
        (model(columns="{name: at, dimension: {type: time}, granularity: fortnight}"), "has the grain 'fortnight'"),
        (model("metrics: [{name: m, agg: sum, expr: \"{{ cents('a') }}\"}]"), r"shop\.yml:5.*'expr' holds a template .* run `dbt parse`"),
        (model("metrics: [{name: m, type: cumulative, input_metric: m2, window: 7}]"), "the window '7' should be"),
        (model("metrics: [{name: m, type: cumulative, input_metric: m2, window: a week}]"), r"'a week' should be a count and a grain"),
        (model("config: {enabled: \"{{ var('on') }}\"}"), "write true or false"),
        (model().replace("true", "'yes'"), "'semantic_model' should be true"),
        (model("time_spine: {standard_granularity_column: day}"), "names the column 'day', which isn't among its columns"),
        (ORDERS + model().replace("orders", "o"), "'o' is defined twice"),
    ],
)
def test_what_can_not_be_read_is_refused_with_its_line_and_a_mend(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ImportProblem, match=says):
        read_manifest(write(tmp_path, text))


def test_a_missing_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportProblem, match="can't be read"):
        read_manifest(tmp_path / "none.yml")
