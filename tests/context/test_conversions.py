"""Conversions: the base event that a converted one belongs to is the last before it, whatever the plan shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

# One customer calls on the 1st (cold) and the 3rd (warm) and buys on the 4th; another calls on the 3rd and never buys.
CALLS = """model: calls
sql: >-
  select * from (values (1, 1, 'cold', date '2024-01-01'), (2, 1, 'warm', date '2024-01-03'), (3, 2, 'warm', date '2024-01-03'))
  t(call_id, customer_id, mood, called_on)
endorsed: true
primary_key: call_id
time: called_on
joins: {customer: {model: customers, on: customer_id}}
dimensions: {mood: {}, called_on: {type: time, grain: day}}
metrics:
  calls: {expr: count(*)}
  calls_that_sold: {type: conversion, base: calls, converted: sales, entity: customer, window: 7 days, value: count}
  sales_rate: {type: conversion, base: calls, converted: sales, entity: customer, window: 7 days}
  sales_after_calls: {type: conversion, base: calls, converted: sales, entity: customer, window: 7 days, value: count, counted: converted}
"""
SALES = """model: sales
sql: select 1 as sale_id, 1 as customer_id, date '2024-01-04' as sold_on
endorsed: true
primary_key: sale_id
time: sold_on
joins: {customer: {model: customers, on: customer_id}}
dimensions: {sold_on: {type: time, grain: day}}
metrics: {sales: {expr: count(*)}}
"""
ONLY_THE_FIRST = {"start": "2024-01-01", "end": "2024-01-02"}


def calls(given: Callable[..., Any]) -> Any:
    return given().changed({"models/calls.yml": CALLS, "models/sales.yml": SALES})


def test_a_sale_counts_for_the_last_call_before_it(given: Callable[..., Any]) -> None:
    rows = calls(given).ask({"metrics": ["calls_that_sold", "sales_after_calls", "sales_rate"], "by": ["mood"]})
    assert rows == [("cold", None, None, 0), ("warm", 1, 1, 0.5)]


def test_a_call_outside_the_window_or_the_filter_still_takes_its_sale(given: Callable[..., Any]) -> None:
    shop = calls(given)
    assert shop.ask({"metrics": ["sales_rate"], "window": ONLY_THE_FIRST}) == [(0,)]
    assert shop.ask({"metrics": ["calls_that_sold"], "window": ONLY_THE_FIRST}) == [(None,)]
    assert shop.ask({"metrics": ["calls_that_sold"], "where": ["mood = 'cold'"]}) == [(None,)]


@pytest.mark.parametrize("narrowed", [{"window": ONLY_THE_FIRST}, {"where": ["mood = 'cold'"]}])
def test_where_sales_are_counted_dbt_s_way_only_calls_that_are_kept_take_them(narrowed: dict[str, Any], given: Callable[..., Any]) -> None:
    assert calls(given).ask({"metrics": ["sales_after_calls"], **narrowed}) == [(1,)]


def test_a_count_of_no_sales_is_null(given: Callable[..., Any]) -> None:
    empty = {"start": "2020-01-01", "end": "2020-02-01"}
    assert calls(given).ask({"metrics": ["calls_that_sold", "sales_after_calls"], "window": empty}) == [(None, None)]
