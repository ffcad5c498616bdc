"""POLICIES.md, sentence by sentence, over the shop's four customers: Ada (gold), Ben (silver), Cleo (gold, no e-mail), Di (silver)."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from answerable.context.catalog import visible
from answerable.context.errors import DeniedError, EngineError, GuardError, UnknownName
from answerable.context.policy import Principal, parse_mask, signature

Given = Callable[..., Any]
NAMES = "select name from customers order by name"
KEY = "sixteen bytes or more"


def column(rows: list[tuple[Any, ...]]) -> list[Any]:
    return [row[0] for row in rows]


# -- who sees the model at all -------------------------------------------------------------------------------------------------


def test_a_model_without_a_policy_is_open_to_everybody(given: Given) -> None:
    assert column(given().ask(NAMES)) == ["Ada", "Ben", "Cleo", "Di"]


def test_a_model_with_a_policy_is_closed_to_whom_no_group_of_it_names(given: Given) -> None:
    shop = given(customers="groups: {sales: {}}")
    assert column(shop.ask(NAMES, "sales")) == ["Ada", "Ben", "Cleo", "Di"]
    with pytest.raises(DeniedError) as error:
        shop.ask(NAMES, "support")
    assert (error.value.name, error.value.owner) == ("customers", "crm@shop.example")
    assert error.value.reason == "policies/customers.yml:1: names none of your groups"


def test_everyone_is_also_who_has_no_name_and_no_group(given: Given) -> None:
    shop = given(customers="groups: {everyone: {deny: [email]}}")
    assert column(shop.ask(NAMES)) == ["Ada", "Ben", "Cleo", "Di"]
    assert "email" not in visible(shop.catalog, Principal()).models["customers"].dimensions


def test_other_groups_add_to_what_everyone_may_also_over_a_denial(given: Given) -> None:
    shop = given(customers="groups: {everyone: {deny: [name]}, sales: {}}")
    assert column(shop.ask(NAMES, "sales")) == ["Ada", "Ben", "Cleo", "Di"]
    with pytest.raises(GuardError, match="no column name"):
        shop.ask(NAMES)


# -- rows ------------------------------------------------------------------------------------------------------------------------


def test_rows_of_several_groups_are_ored(given: Given) -> None:
    shop = given(customers="groups: {gold: {rows: \"tier = 'gold'\"}, low: {rows: score < 50}, all: {}}")
    assert column(shop.ask(NAMES, "gold")) == ["Ada", "Cleo"]
    assert column(shop.ask(NAMES, "gold", "low")) == ["Ada", "Ben", "Cleo"]
    assert column(shop.ask(NAMES, "gold", "all")) == ["Ada", "Ben", "Cleo", "Di"]


def test_an_or_within_one_groups_rows_stays_within_them(given: Given) -> None:
    shop = given(customers="groups: {some: {rows: \"name = 'Ada' or name = 'Ben'\"}}")
    assert column(shop.ask("select name from customers where tier = 'silver'", "some")) == ["Ben"]


def test_rows_may_walk_to_one_joins_by_the_path_that_a_plan_would_use(given: Given) -> None:
    shop = given(orders="groups: {eu: {rows: \"customer.region.continent = 'Europe'\"}}")
    assert shop.ask({"metrics": ["orders"], "by": ["customer.name"]}, "eu") == [("Ada", 2), ("Ben", 2)]
    assert shop.ask("select count(*) from orders", "eu") == [(4,)]


def test_a_row_policy_on_the_joined_side_keeps_the_left_joins_rows(given: Given) -> None:
    shop = given(customers="groups: {gold: {rows: \"tier = 'gold'\"}}")
    assert shop.ask({"metrics": ["orders"], "by": ["customer.tier"]}, "gold") == [("gold", 3), (None, 5)]
    assert shop.ask({"metrics": ["orders"]}, "gold") == [(8,)]


@pytest.mark.parametrize(
    "policy",
    ["groups: {sales: {}}", "groups: {some: {rows: \"tier = 'x'\", mask: {name: redact}}}", 'groups: {some: {rows: "tier = {user.tier}"}}'],
)
def test_a_policy_on_one_model_never_changes_a_query_on_another_alone(given: Given, policy: str) -> None:
    open_to_all = given()
    asked = (
        {"metrics": ["orders", "revenue", "buyers"], "by": ["status"]},
        {"metrics": ["revenue_growth"], "by": ["time:month"]},
        "select * from orders",
    )
    before = [open_to_all.govern(question, "some") for question in asked]
    shop = given(customers=policy)
    after = [shop.govern(question, "some") for question in asked]
    assert [shop.engine.run(sql).rows for sql in after] == [shop.engine.run(sql).rows for sql in before]
    assert not any(sql.filtered or sql.decisions for sql in after)


def test_a_row_policy_on_the_joined_side_never_turns_a_left_join_into_an_inner_one(given: Given) -> None:
    plans = ({"metrics": ["orders"], "by": ["customer.tier"]}, {"metrics": ["revenue", "buyers"], "by": ["customer.region.name"]})
    for rows in ("tier = 'gold'", "tier = 'none'", "region.continent = 'Asia'"):
        shop = given(customers=f'groups: {{some: {{rows: "{rows}"}}}}')
        for plan in plans:
            total = shop.ask({"metrics": plan["metrics"][:1]}, "some")
            assert total == given().ask({"metrics": plan["metrics"][:1]})
            shop = given(customers=f'groups: {{some: {{rows: "{rows}"}}}}')
            assert sum(row[1] or 0 for row in shop.ask(plan, "some")) == total[0][0]


def test_policies_read_columns_unmasked_and_unfiltered(given: Given) -> None:
    closed = "groups: {some: {rows: \"tier = 'silver'\", mask: {tier: redact}}}"
    shop = given(customers=closed, orders="groups: {some: {rows: \"customer.tier = 'gold'\"}}")
    assert shop.ask("select name, tier from customers order by 1", "some") == [("Ben", "***"), ("Di", "***")]
    assert shop.ask({"metrics": ["orders"]}, "some") == [(3,)]  # those of gold customers, who can't be seen themselves
    assert shop.ask({"metrics": ["orders"], "by": ["customer.name"]}, "some") == [(None, 3)]


def test_what_holds_always_holds_for_every_use_and_every_asker(given: Given) -> None:
    shop = given(orders="groups: {all: {}}")
    text = (
        (shop.folder / "models/orders.yml").read_text().replace("time: ordered_on\n", "time: ordered_on\nalways: status <> 'cancelled'\n")
    )
    shop = shop.changed({"models/orders.yml": text})
    assert shop.ask({"metrics": ["orders"]}, "all") == shop.ask("select count(*) from orders", "all") == [(7,)]


# -- attributes --------------------------------------------------------------------------------------------------------------------


def test_an_attribute_is_bound_and_never_text(given: Given) -> None:
    shop = given(customers='groups: {one: {rows: "tier = {user.tier}"}}')
    governed = shop.govern(NAMES, "one", tier="gold' or '1' = '1")
    assert governed.params == {"user_tier": "gold' or '1' = '1"} and "'1'" not in governed.text
    assert shop.engine.run(governed).rows == []
    assert column(shop.ask(NAMES, "one", tier="gold")) == ["Ada", "Cleo"]


def test_a_list_attribute_is_bound_as_a_list_and_an_empty_one_sees_nothing(given: Given) -> None:
    shop = given(customers='groups: {some: {rows: "tier in {user.tiers}"}, not: {rows: "score not in {user.scores}"}}')
    assert column(shop.ask(NAMES, "some", tiers=["gold", "it's"])) == ["Ada", "Cleo"]
    assert shop.ask(NAMES, "some", tiers=[]) == []
    assert column(shop.ask(NAMES, "not", scores=[90, 40])) == ["Di"]


@pytest.mark.parametrize("attributes", [{}, {"tier": None}])
def test_a_missing_attribute_is_a_refusal_not_an_empty_answer_and_not_all_rows(given: Given, attributes: dict[str, Any]) -> None:
    shop = given(customers='groups: {one: {rows: "tier = {user.tier}"}}')
    for asked in (NAMES, "select count(*) from orders o left join customers c using (customer_id)"):
        with pytest.raises(DeniedError) as error:
            shop.ask(asked, "one", **attributes)
        assert error.value.reason == "policies/customers.yml:1: needs the attribute tier"
    with pytest.raises(DeniedError):
        shop.forced({"metrics": ["orders"], "by": ["customer.tier"]}, "one", **attributes)


def test_a_group_whose_attribute_is_missing_gives_nothing_and_the_others_still_give(given: Given) -> None:
    shop = given(customers='groups: {one: {rows: "tier = {user.tier}"}, low: {rows: score < 50}}')
    assert column(shop.ask(NAMES, "one", "low")) == ["Ben"]


def test_the_askers_id_and_groups_always_exist_and_nobody_has_no_id(given: Given) -> None:
    shop = given(customers='groups: {everyone: {rows: "email = {user.id}"}, gold: {rows: "tier in {user.groups}"}}')
    assert column(shop.ask(NAMES, "gold")) == ["Ada", "Cleo"]
    assert shop.ask(NAMES, "elsewhere") == []  # ana@shop.example is no customer's address
    assert not shop.catalog.access("customers", Principal()).open


# -- masks -------------------------------------------------------------------------------------------------------------------------


def hashed(value: object) -> str:
    return hashlib.sha256(f"{KEY}{value}".encode()).hexdigest()[:16]


@pytest.mark.parametrize(
    ("mask", "name", "shown"),
    [
        ("first 1", "email", ["a***", "b***", None, "d***"]),
        ("first 3", "email", ["ada***", "***", None, "di@***"]),
        ("last 3", "email", ["***ple", "***", None, "***ple"]),
        ("hash", "email", [hashed("ada@shop.example"), hashed("b@c"), None, hashed("di@shop.example")]),
        ("hash", "score", [hashed(90), hashed(40), None, hashed(70)]),
        ("redact", "email", ["***", "***", "***", "***"]),
        ("redact", "score", [None, None, None, None]),
        ("redact", "member", [None, None, None, None]),
        ("null", "email", [None, None, None, None]),
        ("year", "born", [dt.date(1990, 1, 1), dt.date(1985, 1, 1), dt.date(2001, 1, 1), None]),
        ("month", "born", [dt.date(1990, 5, 1), dt.date(1985, 12, 1), dt.date(2001, 2, 1), None]),
    ],
)
def test_masks_are_exact(given: Given, mask: str, name: str, shown: list[Any]) -> None:
    shop = given(customers=f"groups: {{some: {{mask: {{{name}: {mask}}}}}}}")
    assert column(shop.ask(f"select {name} from customers order by customer_id", "some")) == shown
    listed = shop.ask({"by": ["customers.initial", f"customers.{name}"], "rows": True}, "some")
    assert [row[1] for row in listed] == shown


def test_a_bare_null_is_the_mask_null(given: Given) -> None:
    shop = given(customers="groups: {some: {mask: {email: null}}}")
    assert set(shop.ask("select email from customers", "some")) == {(None,)}


def test_the_masks_key_is_bound_and_in_no_text(given: Given) -> None:
    governed = given(customers="groups: {some: {mask: {email: hash}}}").govern("select email from customers", "some")
    assert governed.params == {"mask_key": KEY} and KEY not in governed.text


@pytest.mark.parametrize(
    ("less", "more"),
    [
        ("month", "year"),
        ("year", "first 2"),
        ("first 3", "first 2"),
        ("first 9", "last 8"),
        ("last 1", "hash"),
        ("hash", "redact"),
        ("redact", "null"),
    ],
)
def test_masks_have_an_order_from_the_least_to_the_most_hidden(less: str, more: str) -> None:
    assert parse_mask(less) < parse_mask(more)


@pytest.mark.parametrize("mask", ["last", "first 0", "first -1", "last 100", "blur", "hash 3", 7])
def test_what_is_no_mask_is_refused(mask: object) -> None:
    with pytest.raises(ValueError, match="a mask is one of"):
        parse_mask(mask)


@pytest.mark.parametrize(
    ("groups", "shown"),
    [
        (("hash", "last"), "***mple"),
        (("redact", "denied"), "***"),
        (("redact", "plain"), "ada@shop.example"),
        (("denied", "last"), "***mple"),
    ],
)
def test_of_several_groups_the_least_hidden_verdict_wins_and_denied_is_the_most_hidden(
    given: Given, groups: tuple[str, ...], shown: str
) -> None:
    shop = given(
        customers="""groups:
  hash: {mask: {email: hash}}
  last: {mask: {email: last 4}}
  redact: {mask: {email: redact}}
  denied: {deny: [email]}
  plain: {}"""
    )
    assert shop.ask("select email from customers where name = 'Ada'", *groups) == [(shown,)]


def test_a_mask_is_on_in_filters_joins_groups_and_order_too(given: Given) -> None:
    shop = given(customers="groups: {some: {mask: {name: last 1, email: redact}}}")
    assert shop.ask("select count(*) from customers where name = 'Ada'", "some") == [(0,)]
    assert shop.ask({"metrics": ["customers_known"], "where": ["name = 'Ada'"]}, "some") == [(None,)]
    assert shop.ask("select count(*) from customers c join (select 'Ada' as name) x using (name)", "some") == [(0,)]
    assert shop.ask("select email, count(*) from customers group by 1", "some") == [("***", 4)]
    assert shop.ask("select name from customers order by name, tier", "some") == [("***a",), ("***i",), ("***n",), ("***o",)]
    assert shop.ask({"metrics": ["orders"], "by": ["customer.email"]}, "some") == [("***", 6), (None, 2)]


def test_a_masked_column_is_masked_everywhere_in_a_plan_too(given: Given) -> None:
    shop = given(customers="groups: {some: {mask: {name: first 1, score: 'null'}}}")
    orders = {"metrics": ["orders"], "by": ["customer.name"]}
    assert shop.ask({**orders, "order": ["-customer.name"], "limit": 1}, "some") == [("D***", 1)]
    assert shop.ask({**orders, "where": ["customer.name = 'Ada'"]}, "some") == []
    assert shop.ask({**orders, "where": ["customer.name = 'A***'"]}, "some") == [("A***", 2)]
    assert shop.ask({"metrics": ["orders"], "where": ["customer.score > 0"]}, "some") == [(None,)]
    assert shop.ask({"by": ["customers.name"], "order": ["customers.name"]}, "some") == [("A***",), ("B***",), ("C***",), ("D***",)]
    assert shop.ask({"by": ["customers.name"], "rows": True, "where": ["customers.score is null"]}, "some") == [
        ("A***",),
        ("B***",),
        ("C***",),
        ("D***",),
    ]


def test_a_metric_over_a_masked_column_is_computed_over_the_masked_values(given: Given) -> None:
    shop = given(customers="groups: {last: {mask: {email: last 4}}, hash: {mask: {email: hash}}, null: {mask: {email: null, score: null}}}")
    assert [shop.ask({"metrics": ["mailboxes"]}, group) for group in ("last", "hash", "null")] == [[(2,)], [(3,)], [(0,)]]
    assert shop.ask({"metrics": ["average_score", "customers_known"]}, "null") == [(None, 4)]


def test_a_metrics_filter_and_another_dimension_read_the_masked_values(given: Given) -> None:
    shop = given(customers="groups: {some: {mask: {tier: first 1, name: redact}}}")
    assert shop.ask({"metrics": ["gold_revenue"]}, "some") == [(None,)]
    assert shop.ask("select distinct initial from customers", "some") == [("*",)]


def test_a_computed_dimension_can_be_masked(given: Given) -> None:
    model = """
model: regions
table: shop.regions
endorsed: true
primary_key: region_id
dimensions: {continent: {expr: upper(continent)}, small: {expr: lower(continent)}}
"""
    policy = "model: regions\ngroups: {some: {mask: {continent: first 2, small: last 1}}, other: {mask: {continent: redact}}}\n"
    shop = given().changed({"models/regions.yml": model, "policies/regions.yml": policy})
    assert shop.ask("select distinct continent, small from regions order by 1", "some") == [
        ("AM***", "***a"),
        ("AS***", "***a"),
        ("EU***", "***e"),
    ]
    with pytest.raises(GuardError, match="no column small"):  # it would show what the mask hides
        shop.ask("select small from regions", "other")


# -- denied ------------------------------------------------------------------------------------------------------------------------


def test_what_is_denied_does_not_exist(given: Given) -> None:
    shop = given(customers="groups: {some: {deny: [email, score, average_score]}}")
    seen = visible(shop.catalog, Principal("ana", frozenset({"some"})))
    assert not {"email", "score"} & seen.models["customers"].dimensions.keys() and "average_score" not in seen.metrics
    with pytest.raises(GuardError, match="There is no column email in these models"):
        shop.ask("select email from customers", "some")
    with pytest.raises(UnknownName) as error:
        shop.ask({"metrics": ["orders"], "by": ["customer.emial"]}, "some")
    assert "email" not in str(error.value)
    assert len(shop.ask("select * from customers", "some")[0]) == len(seen.models["customers"].dimensions) + 2  # and two keys


def test_a_metric_or_dimension_over_a_denied_column_is_denied(given: Given) -> None:
    shop = given(customers="groups: {some: {deny: [email, name]}}")
    for plan in ({"metrics": ["mailboxes"]}, {"by": ["customers.initial"]}):
        with pytest.raises(UnknownName):
            shop.ask(plan, "some")
        with pytest.raises(DeniedError):  # the gate by itself, should somebody pass it by
            shop.forced(plan, "some")
    with pytest.raises(GuardError, match="no column initial"):
        shop.ask("select initial from customers", "some")


def test_what_is_made_of_a_denied_metric_is_denied(given: Given) -> None:
    shop = given(orders="groups: {some: {deny: [revenue]}, few: {allow: [status, orders]}}")
    for group in ("some", "few"):
        seen = visible(shop.catalog, Principal("ana", frozenset({group}))).metrics
        assert not {"revenue", "average_order", "revenue_growth", "revenue_to_date"} & seen.keys()
    assert {"orders", "refunds", "visits_per_order"} <= visible(shop.catalog, Principal("ana", frozenset({"some"}))).metrics.keys()


def test_of_an_allow_list_nothing_else_exists(given: Given) -> None:
    shop = given(customers="groups: {few: {allow: [tier, customers_known]}}")
    assert shop.ask({"metrics": ["customers_known"], "by": ["customers.tier"]}, "few") == [("gold", 2), ("silver", 2)]
    seen = visible(shop.catalog, Principal("ana", frozenset({"few"})))
    assert list(seen.models["customers"].dimensions) == ["tier"]
    assert [name for name, metric in seen.metrics.items() if metric.model == "customers"] == ["customers_known"]


def test_an_allow_list_shows_no_key_beside_it(given: Given) -> None:
    shop = given(customers="groups: {few: {allow: [tier]}, more: {deny: [email]}}")
    assert shop.ask("select * from customers order by 1", "few") == [("gold",), ("gold",), ("silver",), ("silver",)]
    with pytest.raises(GuardError, match="no column customer_id"):
        shop.ask("select customer_id from customers", "few")
    assert shop.ask("select min(customer_id) from customers", "few", "more") == [(1,)]
    assert shop.ask({"metrics": ["orders"], "by": ["customer.tier"]}, "few") == [("gold", 3), ("silver", 3), (None, 2)]


def keyed(shop: Any) -> Any:
    """The shop whose customers have their key as a dimension, in all models that it joins."""
    files = {}
    for name in ("customers", "orders", "visits"):
        text = (shop.folder / f"models/{name}.yml").read_text()
        files[f"models/{name}.yml"] = text.replace("dimensions:\n", "dimensions:\n  customer_id: {type: number}\n")
    files["models/orders.yml"] = files["models/orders.yml"].replace("dimensions:\n", "dimensions:\n  buyer: {expr: customer.name}\n")
    return shop.changed(files)


def test_a_denied_key_is_used_by_joins_and_shown_by_nothing(given: Given) -> None:
    shop = keyed(given()).changed(
        {
            "policies/customers.yml": "model: customers\ngroups: {some: {deny: [customer_id]}}\n",
            "policies/orders.yml": "model: orders\ngroups: {some: {deny: [customer_id]}}\n",
        }
    )
    assert shop.ask({"metrics": ["orders"], "by": ["customer.tier"]}, "some") == [("gold", 3), ("silver", 3), (None, 2)]
    assert shop.ask({"metrics": ["orders"], "by": ["buyer"], "where": ["buyer = 'Ada'"]}, "some") == [("Ada", 2)]
    assert shop.ask("select buyer, count(*) from orders group by 1 order by 1 limit 1", "some") == [("Ada", 2)]
    for sql in ("select customer_id from orders", "select name from customers where customer_id = 1"):
        with pytest.raises(GuardError, match="no column customer_id"):
            shop.ask(sql, "some")
    for plan in (
        {"metrics": ["orders"], "by": ["customer_id"]},
        {"metrics": ["orders"], "by": ["customer.customer_id"]},
        {"metrics": ["orders"], "where": ["customer.customer_id = 1"]},
        {"metrics": ["buyers"]},
    ):
        with pytest.raises(UnknownName):
            shop.ask(plan, "some")
        with pytest.raises(DeniedError):
            shop.forced(plan, "some")


def test_a_key_that_is_hashed_on_both_sides_still_joins(given: Given) -> None:
    models = ("customers", "orders", "visits")
    shop = keyed(given()).changed(
        {f"policies/{model}.yml": f"model: {model}\ngroups: {{some: {{mask: {{customer_id: hash}}}}}}\n" for model in models}
    )
    assert shop.ask({"metrics": ["orders"], "by": ["customer.tier"]}, "some") == [("gold", 3), ("silver", 3), (None, 2)]
    assert shop.ask({"metrics": ["orders"], "by": ["buyer"], "where": ["buyer = 'Ada'"]}, "some") == [("Ada", 2)]
    assert shop.ask("select count(*) from orders join customers using (customer_id)", "some") == [(6,)]
    assert shop.ask({"metrics": ["buyers"]}, "some") == [(4,)]
    assert shop.ask("select customer_id from customers where name = 'Ada'", "some") == [(hashed(1),)]


def test_a_dimension_that_reaches_into_another_model_shows_what_the_asker_may_see_there(given: Given) -> None:
    shop = given(customers="groups: {gold: {rows: \"tier = 'gold'\", mask: {name: first 1}, deny: [email]}}")
    more = "dimensions:\n  tier: {expr: customer.tier}\n  buyer: {expr: upper(customer.name)}\n  mail: {expr: customer.email}\n"
    text = (shop.folder / "models/orders.yml").read_text().replace("dimensions:\n", more)
    shop = shop.changed({"models/orders.yml": text})
    assert shop.ask({"metrics": ["orders"], "by": ["tier", "buyer"]}, "gold") == [("gold", "A***", 2), ("gold", "C***", 1), (None, None, 5)]
    assert shop.ask("select tier, count(*) from orders group by 1 order by 1", "gold") == [("gold", 3), (None, 5)]
    assert shop.govern({"metrics": ["orders"], "by": ["tier"]}, "gold").filtered
    for group, name in (("gold", "mail"), ("nobody", "tier"), ("nobody", "mail")):
        with pytest.raises(GuardError, match=f"no column {name}"):
            shop.ask(f"select {name} from orders", group)
        with pytest.raises(UnknownName):
            shop.ask({"metrics": ["orders"], "by": [name]}, group)
        with pytest.raises(DeniedError):
            shop.forced({"metrics": ["orders"], "by": [name]}, group)
    assert shop.ask("select count(*) from orders", "nobody") == [(8,)]


# -- existence ----------------------------------------------------------------------------------------------------------------------


def refusal(shop: Any, asked: str | dict[str, Any], name: str) -> str:
    """What is said, without the name that was asked for."""
    with pytest.raises((GuardError, UnknownName)) as error:
        shop.ask(asked)
    return str(error.value).replace(name, "X")


def test_what_is_secret_is_told_in_the_same_words_as_what_is_unknown(given: Given) -> None:
    shop = given(customers="existence: secret\ngroups: {sales: {}}")
    for sql in ("select * from {}", "select * from shop.{}", "select (select count(*) from {}) from orders"):
        assert refusal(shop, sql.format("customers"), "customers") == refusal(shop, sql.format("nowhere"), "nowhere")
    secret, unknown = ({"metrics": ["orders"], "by": [f"{model}.tier"]} for model in ("customers", "nowhere"))
    assert refusal(shop, secret, "customers") == refusal(shop, unknown, "nowhere")
    assert refusal(shop, {"metrics": ["mailboxes"]}, "mailboxes") == refusal(shop, {"metrics": ["mailbags"]}, "mailbags")
    with pytest.raises(GuardError, match="There is no endorsed model customers"):
        shop.forced({"metrics": ["mailboxes"]})
    assert len(shop.ask(NAMES, "sales")) == 4


def test_what_is_known_and_forbidden_is_denied_with_the_owner_to_ask(given: Given) -> None:
    with pytest.raises(DeniedError) as error:
        given(customers="groups: {sales: {}}").forced({"metrics": ["mailboxes"]})
    assert error.value.owner == "crm@shop.example"


# -- records -------------------------------------------------------------------------------------------------------------------------


def test_only_a_mask_in_use_is_named(given: Given) -> None:
    shop = given(customers="groups: {gold: {mask: {email: hash}}}")
    unused, used = (shop.forced({"metrics": ["buyers"], "by": [by]}, "gold") for by in ("customer.tier", "customer.email"))
    assert not unused.decisions and not unused.filtered
    assert "email is masked" in used.decisions[0] and used.filtered


def test_a_decision_names_the_line_of_the_policy_behind_it(given: Given) -> None:
    shop = given(customers="groups:\n  gold: {rows: \"tier = 'gold'\", mask: {email: hash}}")
    governed = shop.govern("select email from customers", "gold")
    why = "(policies/customers.yml:3: group gold)"
    assert governed.decisions == (f"customers: rows where (tier = 'gold') {why}", f"customers: email is masked (hash) {why}")
    assert governed.filtered and governed.models == ("customers",)


def test_an_answer_that_no_policy_touched_says_so(given: Given) -> None:
    governed = given(customers="groups: {gold: {}}").govern({"metrics": ["orders"], "by": ["customer.tier"]}, "gold")
    assert not governed.filtered and governed.decisions == () and governed.params == {}


def test_the_signature_is_equal_for_askers_who_see_the_same_and_only_for_them(given: Given) -> None:
    shop = given(customers='groups: {eu: {rows: "tier = {user.tier}"}, sales: {}}')

    def of(*groups: str, **attributes: Any) -> str:
        return signature(shop.catalog.policies, Principal(None, frozenset(groups), attributes))

    assert of("eu", tier="gold") == of("eu", "gardeners", tier="gold", shoe_size=43)
    assert len({of(), of("eu"), of("eu", tier="gold"), of("eu", tier="silver"), of("sales")}) == 5


def test_an_attribute_of_the_wrong_kind_fails_closed(given: Given) -> None:
    shop = given(customers='groups: {some: {rows: "tier in {user.tiers}"}, one: {rows: "tier = {user.tier}"}}')
    for group, attributes in (("some", {"tiers": 7}), ("one", {"tier": ["gold"]})):
        with pytest.raises(EngineError) as error:
            shop.ask(NAMES, group, **attributes)
        assert "gold" not in str(error.value)


def test_a_plan_of_the_whole_catalogue_cannot_name_what_the_gate_binds(given: Given) -> None:
    shop = given(customers="groups: {some: {mask: {email: hash}}}")
    for condition in ("tier < $mask_key", "tier < $1", "tier = $user_id"):
        with pytest.raises(GuardError):
            shop.ask({"metrics": ["mailboxes"], "where": [condition]}, "some")
