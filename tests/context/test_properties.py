"""Whatever the rows are: the compiled and governed result is what plain Python makes of them, row by row."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from stars import STARS, Row, Star, world

BY = ["status", "customer.tier", "customer.member", "customer.region.name", "customer.region.size", "customer.score"]
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "<>": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge
}  # fmt: skip
Condition = tuple[str, Callable[[Any], bool]]
"""What the plan says, and whether a value passes; null passes only where it is named."""


def literal(value: Any) -> str:
    return str(value).lower() if isinstance(value, (bool, int)) else "'" + str(value).replace("'", "''") + "'"


@st.composite
def conditions(draw: st.DrawFn) -> tuple[str, Condition]:
    ref = draw(st.sampled_from(["status", "amount", "customer.tier", "customer.score", "customer.region.name"]))
    number = ref in ("amount", "customer.score")
    values = st.integers(-3, 9) if number else st.sampled_from(["a", "b", "gold", "silver", "1", "x", "O'Neil", ""])
    kind = draw(st.sampled_from(["compare", "null", "not null", "in"]))
    if kind in ("null", "not null"):
        return ref, (f"{ref} is {kind}", lambda v: (v is None) == (kind == "null"))
    if kind == "in":
        among = draw(st.lists(values, min_size=1, max_size=3))
        return ref, (f"{ref} in ({', '.join(map(literal, among))})", lambda v: v in among)
    sign, other = draw(st.sampled_from(sorted(OPERATORS))), draw(values)
    return ref, (f"{ref} {sign} {literal(other)}", lambda v: v is not None and OPERATORS[sign](v, other))


WHERE = st.lists(conditions(), max_size=2)
GROUPS = st.lists(st.sampled_from(BY), unique=True, max_size=2)
SOME_GROUPS = st.lists(st.sampled_from(BY), unique=True, min_size=1, max_size=2)


def known(rows: list[Row], column: str) -> list[Any]:
    return [row[column] for row in rows if row[column] is not None]


def some(value: Any) -> Callable[[list[Any]], Any]:
    return lambda found: value(found) if found else None


def is_open(star: Star, row: Row) -> bool:
    return bool(row["status"] == "a")


def everyone(star: Star, row: Row) -> bool:
    return True


def is_gold(star: Star, row: Row) -> bool:
    return bool(star.look(row, "customer.tier") == "gold")


# Each metric of orders: which rows it counts, and what it makes of them. A sum or count of no rows is null, a distinct count 0.
METRICS: dict[str, tuple[Callable[[Star, Row], bool], Callable[[list[Row]], Any]]] = {
    "amount_sum": (everyone, lambda rows: some(sum)(known(rows, "amount"))),
    "orders": (everyone, lambda rows: len(rows) or None),
    "amounts": (everyone, lambda rows: len(known(rows, "amount")) if rows else None),
    "buyers": (everyone, lambda rows: len(set(known(rows, "buyer")))),
    "amount_avg": (everyone, lambda rows: some(lambda v: sum(v) / len(v))(known(rows, "amount"))),
    "amount_min": (everyone, lambda rows: some(min)(known(rows, "amount"))),
    "amount_max": (everyone, lambda rows: some(max)(known(rows, "amount"))),
    "open_sum": (is_open, lambda rows: some(sum)(known(rows, "amount"))),
    "open_orders": (is_open, lambda rows: len(rows) or None),
    "gold_orders": (is_gold, lambda rows: len(rows) or None),
}
ADDITIVE = ["amount_sum", "orders", "open_sum", "open_orders", "gold_orders"]


def expected(
    star: Star, metrics: list[str], by: list[str], where: list[tuple[str, Condition]], facts: tuple[Row, ...]
) -> set[tuple[Any, ...]]:
    rows = [row for row in facts if all(passes(star.look(row, ref)) for ref, (_, passes) in where)]
    counted = {name: [row for row in rows if METRICS[name][0](star, row)] for name in metrics}

    def key(row: Row) -> tuple[Any, ...]:
        return tuple(star.look(row, ref) for ref in by)

    keys = {key(row) for found in counted.values() for row in found} if by else {()}
    return {(*k, *(METRICS[name][1]([row for row in counted[name] if key(row) == k]) for name in metrics)) for k in keys}


def as_set(rows: list[tuple[Any, ...]]) -> set[tuple[Any, ...]]:
    assert len(set(rows)) == len(rows)
    return set(rows)


PLANS = st.tuples(st.lists(st.sampled_from(sorted(METRICS)), unique=True, min_size=1, max_size=3), GROUPS, WHERE)


@given(STARS, st.lists(PLANS, min_size=1, max_size=5))
def test_a_compiled_plan_gives_what_python_makes_of_the_rows(star: Star, plans: list[Any]) -> None:
    with world(star) as asked:
        for metrics, by, where in plans:
            rows = asked.ask({"metrics": metrics, "by": by, "where": [text for _, (text, _) in where]})
            assert as_set(rows) == expected(star, metrics, by, where, star.orders)


@given(STARS, st.sampled_from(ADDITIVE), SOME_GROUPS)
def test_the_parts_sum_to_the_whole(star: Star, metric: str, by: list[str]) -> None:
    with world(star) as asked:
        parts, [(whole,)] = asked.ask({"metrics": [metric], "by": by}), asked.ask({"metrics": [metric]})
    assert sum(row[-1] or 0 for row in parts) == (whole or 0)


@given(STARS, WHERE, conditions())
def test_a_filter_never_raises_a_count(star: Star, where: list[tuple[str, Condition]], more: tuple[str, Condition]) -> None:
    texts = [text for _, (text, _) in where]
    with world(star) as asked:
        [(all_of,)], [(fewer,)] = (asked.ask({"metrics": ["orders"], "where": w}) for w in (texts, [*texts, more[1][0]]))
    assert (fewer or 0) <= (all_of or 0)


@given(STARS, st.lists(st.sampled_from(["status", "customer.tier", "customer.region.name"]), unique=True, min_size=1, max_size=2))
def test_two_facts_merge_with_null_keys_meeting_and_no_row_lost(star: Star, by: list[str]) -> None:
    def key(row: Row) -> tuple[Any, ...]:
        return tuple(star.look(row, ref) for ref in by)

    keys = {key(row) for row in (*star.orders, *star.calls)}
    rows = {k: ([r for r in star.orders if key(r) == k], [r for r in star.calls if key(r) == k]) for k in keys}
    merged = {(*k, some(sum)(known(orders, "amount")), len(calls) or None) for k, (orders, calls) in rows.items()}
    with world(star) as asked:
        assert as_set(asked.ask({"metrics": ["amount_sum", "calls"], "by": by})) == merged


@given(STARS)
def test_a_policy_on_customers_does_not_change_a_query_on_orders_alone(star: Star) -> None:
    plan = {"metrics": ["orders", "amount_sum", "open_orders", "buyers"], "by": ["status"]}
    closed = {"gold": {"rows": "tier = 'gold'", "deny": ["name"]}}
    with world(star) as asked, world(star, customers=closed) as policed:
        assert asked.ask(plan) == policed.ask(plan, "gold") == policed.ask(plan)


@given(STARS, GROUPS, WHERE)
def test_rows_hidden_on_the_joined_side_leave_their_orders_in_the_null_group(
    star: Star, by: list[str], where: list[tuple[str, Condition]]
) -> None:
    plan = {"metrics": ["orders", "gold_orders"], "by": by, "where": [text for _, (text, _) in where]}
    seen = star.without("customers", lambda row: row["tier"] != "silver")
    with world(star, customers={"silver": {"rows": "tier = 'silver'"}}) as asked:
        assert as_set(asked.ask(plan, "silver")) == expected(seen, ["orders", "gold_orders"], by, where, star.orders)


@given(STARS, GROUPS)
def test_rows_of_several_groups_are_ored_also_over_joins(star: Star, by: list[str]) -> None:
    policy = {"open": {"rows": "status = {user.status}"}, "silver": {"rows": "customer.tier = 'silver'"}}
    seen = star.without("orders", lambda row: row["status"] != "a" and star.look(row, "customer.tier") != "silver")
    with world(star, orders=policy) as asked:
        rows = asked.ask({"metrics": ["orders", "amount_sum"], "by": by}, "open", "silver", status="a")
    assert as_set(rows) == expected(star, ["orders", "amount_sum"], by, [], seen.orders)


MASKS: dict[str, Callable[[str | None], Any]] = {
    "redact": lambda v: "***",
    "null": lambda v: None,
    "first 1": lambda v: v if v is None else "***" if len(v) <= 1 else v[:1] + "***",
    "last 2": lambda v: v if v is None else "***" if len(v) <= 2 else "***" + v[-2:],
}


@given(STARS, st.sampled_from(sorted(MASKS)))
def test_a_masked_value_is_masked_wherever_it_stands(star: Star, mask: str) -> None:
    masked = Star(star.regions, tuple({**row, "name": MASKS[mask](row["name"])} for row in star.customers), star.orders, star.calls)
    plan = {"metrics": ["orders"], "by": ["customer.name"], "where": ["customer.name <> 'x'"]}
    where = [("customer.name", ("", lambda v: v is not None and v != "x"))]
    with world(star, customers={"some": {"mask": {"name": mask}}}) as asked:
        assert as_set(asked.ask(plan, "some")) == expected(masked, ["orders"], ["customer.name"], where, star.orders)
