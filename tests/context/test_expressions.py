"""SQL expressions of definitions, plans and policies: what they name, and what they may not be."""

from __future__ import annotations

import pytest
from answerable.context.expr import BadExpression, bind_user, names, parse_condition, parse_expression


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("amount", ["amount"]),
        ("order", ["order"]),
        ("sum(amount - quantity * unit_cost)", ["amount", "quantity", "unit_cost"]),
        ("customer.region.name = 'a.b'", ["customer.region.name"]),
        ("time:day_of_week in (6, 7)", ["time:day_of_week"]),
        ("ordered_at:month >= date '2025-01-01'", ["ordered_at:month"]),
        ("order.status = 'it''s customer.tier'", ["order.status"]),
        ("lower(customer.tier) like 'g%' and amount > 1.5e3", ["customer.tier", "amount"]),
        ("status is null or not status in ('a', 'b')", ["status", "status"]),
        ("1 = 1", []),
    ],
)
def test_a_condition_names_dimensions_as_a_plan_writes_them(text: str, named: list[str]) -> None:
    assert sorted(names(parse_condition(text))) == sorted(named)


@pytest.mark.parametrize(
    "text",
    ["amount +", "sum(amount", "'open", "a b", "select 1", "(select 1)", "x in (select y from z)", "drop table x", "a; b", "", "(" * 5000],
)
def test_what_is_no_expression_is_told_in_the_words_of_its_author(text: str) -> None:
    with pytest.raises(BadExpression) as error:
        parse_condition(text)
    assert str(error.value).startswith(repr(text))


def test_a_tree_is_parsed_once_and_shared() -> None:
    assert parse_expression("sum(amount)") is parse_expression("sum(amount)")


def test_attributes_become_bound_parameters_in_the_order_of_their_use() -> None:
    assert bind_user("region = {user.region} or owner in {user.ids} or region <> {user.region}") == (
        "region = $user_region or owner in $user_ids or region <> $user_region",
        ("region", "ids"),
    )


@pytest.mark.parametrize("text", ["region = '{user.region}'", "name like '%{user.x}%'"])
def test_an_attribute_within_quotes_is_refused(text: str) -> None:
    with pytest.raises(BadExpression, match="within quotes"):
        bind_user(text)


def test_other_braces_and_quotes_are_left_alone() -> None:
    assert bind_user("note = '{}' and x = {group.y}") == ("note = '{}' and x = {group.y}", ())
