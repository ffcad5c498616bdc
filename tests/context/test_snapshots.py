"""Balances: which day of a window or period they are taken from, on rows that can be added up by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

TANKS = """model: tanks
sql: >-
  select * from (values
    (1, timestamp '2025-01-06 09:00', 10), (2, timestamp '2025-01-06 10:00', 40),
    (3, timestamp '2025-01-07 09:00', 20), (4, timestamp '2025-01-07 18:00', 80)) t(reading_id, read_at, litres)
endorsed: true
primary_key: reading_id
time: read_at
dimensions: {read_at: {type: time, grain: hour}}
metrics:
  litres_last: {expr: sum(litres), over_time: last}
  litres_first: {expr: sum(litres), over_time: first}
"""
MORNING = {"start": "2025-01-06T09:30:00", "end": "2025-01-07T12:00:00"}


def tanks(given: Callable[..., Any]) -> Any:
    return given().changed({"models/tanks.yml": TANKS})


def test_a_balance_is_that_of_the_first_or_last_day(given: Callable[..., Any]) -> None:
    assert tanks(given).ask({"metrics": ["litres_first", "litres_last"]}) == [(50, 100)]


def test_a_window_that_cuts_a_day_cuts_the_balance_of_each_shown_day(given: Callable[..., Any]) -> None:
    rows = tanks(given).ask({"metrics": ["litres_last"], "by": ["time:day"], "window": MORNING})
    assert rows == [(dt.date(2025, 1, 6), 40), (dt.date(2025, 1, 7), 20)]


def test_a_window_that_cuts_a_day_cuts_the_balance_of_the_last_one_too(given: Callable[..., Any]) -> None:
    assert tanks(given).ask({"metrics": ["litres_first", "litres_last"], "window": MORNING}) == [(40, 20)]


def test_the_last_day_before_a_window_without_rows_counts(given: Callable[..., Any]) -> None:
    later = {"start": "2025-02-01", "end": "2025-03-01"}
    assert tanks(given).ask({"metrics": ["litres_last"], "window": later}) == [(100,)]


def test_the_first_day_after_a_window_without_rows_counts(given: Callable[..., Any]) -> None:
    earlier = {"start": "2024-12-01", "end": "2025-01-01"}
    assert tanks(given).ask({"metrics": ["litres_first"], "window": earlier}) == [(50,)]


def test_the_last_day_of_an_hour_of_the_day_is_its_own(given: Callable[..., Any]) -> None:
    assert tanks(given).ask({"metrics": ["litres_last"], "by": ["time:hour_of_day"]}) == [(9, 20), (10, 40), (18, 80)]


def test_a_condition_on_the_day_is_a_window_too(given: Callable[..., Any]) -> None:
    assert tanks(given).ask({"metrics": ["litres_last"], "where": ["time < '2025-01-07'"]}) == [(50,)]
