"""Five questions over time that MetricFlow answers wrongly, on eight rows that can be added up by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

SALES = """model: sales
sql: >-
  select * from (values
    (1, timestamp '1999-12-31 08:00', 1000), (2, timestamp '2019-12-31 12:00', 100), (3, timestamp '2020-01-01 00:00', 1),
    (4, timestamp '2020-01-01 23:30', 2), (5, timestamp '2020-01-02 00:00', 4), (6, timestamp '2020-01-31 09:00', 8),
    (7, timestamp '2020-02-29 10:00', 16), (8, timestamp '2020-03-31 11:00', 32)) t(sale_id, sold_at, amount)
endorsed: true
primary_key: sale_id
time: sold_at
dimensions: {sold_at: {type: time, grain: hour}}
metrics: {taken: {expr: sum(amount)}}
"""
METRICS = """metrics:
  taken_a_month_ago: {type: derived, expr: before, inputs: {before: {metric: taken, offset: 1 month}}}
  growth: {type: derived, expr: taken * 1.0 / before - 1, inputs: {before: {metric: taken, offset: 1 month}}}
  taken_so_far: {type: cumulative, metric: taken}
  taken_two_months_ago: {type: derived, expr: before, inputs: {before: {metric: taken_a_month_ago, offset: 1 month}}}
"""
NEW_YEAR, FIRST_QUARTER = {"start": "2020-01-01", "end": "2020-01-02"}, {"start": "2020-01-01", "end": "2020-04-01"}


def sales(given: Callable[..., Any]) -> Any:
    return given().changed({"models/sales.yml": SALES, "metrics/sales.yml": METRICS})


def test_a_day_of_an_hourly_metric_is_all_of_its_hours(given: Callable[..., Any]) -> None:
    shop = sales(given)
    assert shop.ask({"metrics": ["taken"], "window": NEW_YEAR}) == [(3,)]
    assert shop.ask({"metrics": ["taken"], "by": ["time:day"], "window": NEW_YEAR}) == [(dt.date(2020, 1, 1), 3)]
    hours = [(dt.datetime(2020, 1, 1, 0), 1), (dt.datetime(2020, 1, 1, 23), 2)]
    assert shop.ask({"metrics": ["taken"], "by": ["time:hour"], "window": NEW_YEAR}) == hours


def test_growth_on_last_month_by_week_is_against_the_same_seven_days(given: Callable[..., Any]) -> None:
    late_february = {"start": "2020-02-24", "end": "2020-03-09"}
    # The week of 24 February to 1 March is beside 24 January to 1 February.
    rows = sales(given).ask({"metrics": ["taken", "growth"], "by": ["time:week"], "window": late_february})
    assert rows == [(dt.date(2020, 2, 24), 16, 1.0)]
    # That of 30 March, cut to two days, is beside 29 February: 30 March less a month is that, 1 April less a month 1 March.
    end_of_march = {"start": "2020-03-30", "end": "2020-04-01"}
    rows = sales(given).ask({"metrics": ["taken", "growth"], "by": ["time:week"], "window": end_of_march})
    assert rows == [(dt.date(2020, 3, 30), 32, 1.0)]


def test_last_month_s_value_by_quarter_is_that_of_three_whole_months(given: Callable[..., Any]) -> None:
    rows = sales(given).ask({"metrics": ["taken", "taken_a_month_ago"], "by": ["time:quarter"], "window": FIRST_QUARTER})
    assert rows == [(dt.date(2020, 1, 1), 63, 131)]  # December to February: 100 + 1 + 2 + 4 + 8 + 16, with the 31st and the 29th once


def test_a_running_total_of_all_time_counts_what_is_older_than_its_window(given: Callable[..., Any]) -> None:
    shop = sales(given)
    assert shop.ask({"metrics": ["taken_so_far"], "window": NEW_YEAR}) == [(1103,)]
    rows = shop.ask({"metrics": ["taken_so_far"], "by": ["time:month"], "window": FIRST_QUARTER})
    assert rows == [(dt.date(2020, 1, 1), 1115), (dt.date(2020, 2, 1), 1131), (dt.date(2020, 3, 1), 1163)]


def test_a_value_moved_twice_is_shown_in_its_window(given: Callable[..., Any]) -> None:
    shop, spring = sales(given), {"start": "2020-03-01", "end": "2020-06-01"}
    assert shop.ask({"metrics": ["taken_two_months_ago"], "window": spring}) == [(63,)]
    rows = shop.ask({"metrics": ["taken_two_months_ago"], "by": ["time:month"], "window": spring})
    assert rows == [(dt.date(2020, 3, 1), 15), (dt.date(2020, 4, 1), 16), (dt.date(2020, 5, 1), 32)]
    # By the day it is moved twice: 29, 30 and 31 March are beside 29 February, and that is beside 29 January, when nothing was sold.
    last_days = {"start": "2020-03-29", "end": "2020-04-01"}
    assert shop.ask({"metrics": ["taken_two_months_ago"], "by": ["time:day"], "window": last_days}) == []
    assert shop.ask({"metrics": ["taken_a_month_ago"], "by": ["time:day"], "window": last_days}) == [
        (dt.date(2020, 3, 29), 16), (dt.date(2020, 3, 30), 16), (dt.date(2020, 3, 31), 16),
    ]  # fmt: skip
