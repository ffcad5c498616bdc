"""Every row of a model is kept, and nothing that is there is said to be missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

SPLIT = {"metrics": ["orders"], "by": ["customer.name", "status"], "each": "customers"}


def test_each_customer_is_kept_once(given: Callable[..., Any]) -> None:
    rows = given().ask({**SPLIT, "by": ["customer.name"], "where": ["status = 'refunded'"]})
    assert rows == [("Ada", 0), ("Ben", 0), ("Cleo", 0), ("Di", 1)]


def test_each_adds_no_row_to_a_customer_who_has_some(given: Callable[..., Any]) -> None:
    assert given().ask({**SPLIT, "where": ["status = 'refunded'"]}) == [
        ("Ada", None, 0),
        ("Ben", None, 0),
        ("Cleo", None, 0),
        ("Di", "refunded", 1),
    ]
    assert given().ask({**SPLIT, "having": ["orders = 0"]}) == []  # everybody has ordered


def test_a_distinct_count_is_0_in_a_group_that_only_another_fact_has(given: Callable[..., Any]) -> None:
    plan = {"metrics": ["buyers", "visits"], "by": ["customer.name"], "window": {"start": "2025-06-01", "end": "2025-07-01"}}
    assert given().ask(plan) == [("Di", 0, 1)]  # an order that was refunded, and a visit
