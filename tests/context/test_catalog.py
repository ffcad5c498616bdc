"""All definitions of a project: endorsed, reachable, versioned; and the values that an asker may name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from answerable.context.catalog import visible
from answerable.context.errors import AmbiguousPath, DefinitionError, UsageError
from answerable.context.loader import load
from answerable.context.paths import paths, resolve
from answerable.context.policy import Principal
from answerable.context.query import as_query
from answerable.context.values import Values, read

Given = Callable[..., Any]
NOBODY = Principal()


def member(*groups: str, **attributes: Any) -> Principal:
    return Principal("ana@shop.example", frozenset(groups), attributes)


# -- the files --------------------------------------------------------------------------------------------------------------------


def test_the_demo_project_can_be_understood(demo: Path) -> None:
    catalog = load(demo)
    assert catalog.settings.name == "Alder" and {"orders", "customers", "balances"} <= catalog.models.keys()
    assert catalog.users["ana@alder.example"].attributes == {"region": "EU"}


def test_a_folder_without_settings_is_no_project(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is not a project: it holds no answerable.yml"):
        load(tmp_path)


def test_the_version_is_that_of_the_files(given: Given) -> None:
    shop = given()
    assert shop.changed({}).catalog.version == shop.catalog.version
    assert shop.changed({"rules/new.md": "Prose."}).catalog.version != shop.catalog.version


def test_the_environment_is_filled_in_from_above_and_in_the_settings_only(given: Given) -> None:
    folder = given().folder
    (folder / "answerable.yml").write_text("name: Shop\nwarehouse: ${URL}\n")
    catalog = load(folder, lambda text: text.replace("${URL}", "duckdb:elsewhere.duckdb"))
    assert catalog.settings.warehouse.url == "duckdb:elsewhere.duckdb"


def test_a_file_may_begin_with_a_byte_order_mark_and_end_its_lines_as_on_windows(given: Given) -> None:
    text = "model: people\r\ntable: shop.customers\r\nprimary_key: customer_id\r\n"
    assert "people" in given().changed({"models/people.yml": "\ufeff" + text}).catalog.models


def test_a_file_that_is_not_utf_8_is_told(given: Given) -> None:
    folder = given().folder
    (folder / "models/people.yml").write_bytes(b"model: caf\xe9\n")
    with pytest.raises(DefinitionError, match=r"models/people.yml:1: it is not UTF-8"):
        load(folder)


def test_a_rule_is_prose_with_what_the_program_applies(given: Given) -> None:
    rule = "---\nfor: sales\nwords: {turnover: revenue}\nperiods: {launch: [2025-03-01, 2025-03-08]}\n---\nOur launch took a week.\n"
    [found] = given().changed({"rules/launch.md": rule}).catalog.rules
    assert (found.name, found.text, found.groups, found.words) == ("launch", "Our launch took a week.", ("sales",), {"turnover": "revenue"})
    assert str(found.periods["launch"][1]) == "2025-03-08"


# -- endorsed and visible -----------------------------------------------------------------------------------------------------------


def test_only_what_is_endorsed_is_visible(given: Given) -> None:
    shop = given()
    across = """
metrics:
  notes_per_order: {type: ratio, numerator: notes, denominator: orders}
  half: {type: derived, expr: orders / 2, endorsed: false}
"""
    drafts = (shop.folder / "models/drafts.yml").read_text() + "metrics:\n  notes: {expr: count(*)}\n"
    seen = visible(shop.changed({"metrics/more.yml": across, "models/drafts.yml": drafts}).catalog, NOBODY)
    assert "drafts" not in seen.models and not {"notes", "notes_per_order", "half"} & seen.metrics.keys()
    assert {"orders", "visits_per_order"} <= seen.metrics.keys()


def test_joins_to_what_is_closed_are_not_there(given: Given) -> None:
    shop = given(customers="groups: {sales: {}}")
    assert set(visible(shop.catalog, NOBODY).models["orders"].joins) == {"billing", "shipping"}
    assert "gold_revenue" not in visible(shop.catalog, NOBODY).metrics  # its filter reads the customers' tier
    assert "gold_revenue" in visible(shop.catalog, member("sales")).metrics


def test_a_metric_whose_filter_names_a_closed_dimension_is_closed(given: Given) -> None:
    model = """
model: orders
table: shop.orders
endorsed: true
primary_key: order_id
dimensions: {status: {}, state: {expr: upper(status)}}
metrics: {orders: {expr: count(*)}, open_orders: {expr: count(*), filter: state = 'COMPLETED'}}
"""
    policy = "model: orders\ngroups: {some: {deny: [status]}}\n"
    shop = given()
    (shop.folder / "metrics/across.yml").unlink()
    shop = shop.changed({"models/orders.yml": model, "policies/orders.yml": policy})
    seen = visible(shop.catalog, member("some"))
    assert seen.metrics.keys() & {"orders", "open_orders"} == {"orders"} and not seen.models["orders"].dimensions


# -- paths --------------------------------------------------------------------------------------------------------------------------------


def test_a_path_may_be_named_by_its_joins_or_by_the_model_that_one_path_leads_to(given: Given) -> None:
    catalog = given().catalog
    orders = catalog.models["orders"]
    for ref in ("customer.region.name", "customers.region.name", "regions.name"):
        assert resolve(catalog, orders, ref).path == ("customer", "region")
    assert resolve(catalog, catalog.models["customers"], "customers.tier").path == ()
    assert paths(catalog, catalog.models["items"], "regions") == [("order", "customer", "region")]
    assert paths(catalog, catalog.models["regions"], "orders") == []


def test_of_two_paths_the_one_marked_as_default_is_taken(given: Given) -> None:
    shop = given()
    with pytest.raises(AmbiguousPath):
        resolve(shop.catalog, shop.catalog.models["orders"], "addresses.city")
    text = (shop.folder / "models/orders.yml").read_text().replace("{shipping_id: address_id}", "{shipping_id: address_id}, default: true")
    shop = shop.changed({"models/orders.yml": text})
    assert shop.ask({"metrics": ["orders"], "by": ["addresses.city"]}) == [("Boston", 3), ("Oslo", 1), ("Rome", 3), (None, 1)]


# -- what a plan stands on ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "old", "new", "same"),
    [
        ("models/orders.yml", "description: One row per order.", "description: A row for every order.", True),
        ("models/orders.yml", "status = 'completed'", "status <> 'open'", False),
        ("models/customers.yml", 'expr: "left(name, 1)"', 'expr: "right(name, 1)"', False),
        ("models/regions.yml", "table: shop.regions", "table: shop.areas", False),
        ("models/stock.yml", "over_time: last", "over_time: first", True),
    ],
)
def test_a_fingerprint_changes_with_what_a_plan_stands_on_and_with_nothing_else(
    given: Given, file: str, old: str, new: str, same: bool
) -> None:
    shop, plan = given(), as_query({"metrics": ["average_order"], "by": ["customer.region.name"]})
    before, text = shop.catalog.fingerprint(plan), (shop.folder / file).read_text()
    assert old in text
    assert (shop.changed({file: text.replace(old, new)}).catalog.fingerprint(plan) == before) is same


# -- values -------------------------------------------------------------------------------------------------------------------------------


def words(values: Values, dimension: str) -> set[str]:
    return {member.word for member in values.members if (member.model, member.dimension) == ("customers", dimension)}


def test_values_are_those_declared_and_those_in_the_data(given: Given) -> None:
    shop = given()
    values = read(shop.catalog, NOBODY, shop.engine)
    assert words(values, "tier") == {"gold", "top", "silver"}
    assert words(values, "name") == {"Ada", "Ben", "Cleo", "Di"}
    assert ("customers", "name") in values.unique


def test_values_are_only_those_that_the_asker_may_see(given: Given) -> None:
    shop = given(
        customers="groups: {gold: {rows: \"tier = 'gold'\", mask: {email: first 1}}, silver: {rows: \"tier = 'silver'\", deny: [name]}}"
    )
    gold, silver, nobody = (read(shop.catalog, principal, shop.engine) for principal in (member("gold"), member("silver"), NOBODY))
    assert words(gold, "name") == {"Ada", "Cleo"} and words(gold, "email") == set()
    assert words(silver, "name") == set() and words(silver, "email") == {"b@c", "di@shop.example"}
    assert not [m for m in nobody.members if m.model == "customers"]


def test_kept_values_are_never_given_to_somebody_who_sees_something_else(given: Given, tmp_path: Path) -> None:
    shop = given(customers='groups: {one: {rows: "tier = {user.tier}"}}')
    for tier in ("gold", "silver", "gold"):
        values = read(shop.catalog, member("one", tier=tier), shop.engine, tmp_path / "state")
        assert words(values, "name") == ({"Ada", "Cleo"} if tier == "gold" else {"Ben", "Di"})


def test_plans_that_ask_the_same_have_one_fingerprint(demo: Path) -> None:
    catalog = load(demo)
    one = as_query({"metrics": ["revenue"], "by": ["ordered_at:month"], "order": ["ordered_at:month"]})
    other = as_query({"metrics": ["revenue"], "by": ["time:month"]})
    assert catalog.fingerprint(one) == catalog.fingerprint(other)
    assert catalog.fingerprint(one) != catalog.fingerprint(as_query({"metrics": ["revenue"], "by": ["time:week"]}))
