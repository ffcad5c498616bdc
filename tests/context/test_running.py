"""Running totals: the value of a coarser period is that at its end, however else the plan is split."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

METRICS = """metrics:
  recent_revenue: {type: cumulative, metric: revenue, window: 3 days}
"""
JANUARY = {"start": "2025-01-06", "end": "2025-01-13"}  # a Monday to the next; the one order is of Friday the 10th
ASKED = {"metrics": ["recent_revenue"], "window": JANUARY}


def test_a_trailing_total_is_shown_by_day_and_at_the_end_of_the_week(given: Callable[..., Any]) -> None:
    shop = given().changed({"metrics/running.yml": METRICS})
    assert shop.ask({**ASKED, "by": ["time:day"]}) == [(dt.date(2025, 1, day), 100) for day in (10, 11, 12)]
    assert shop.ask({**ASKED, "by": ["time:week"]}) == [(dt.date(2025, 1, 6), 100)]


def test_a_trailing_total_that_has_run_out_is_not_that_of_its_last_good_day(given: Callable[..., Any]) -> None:
    shop = given().changed({"metrics/running.yml": METRICS.replace("3 days", "2 days")})
    assert shop.ask({**ASKED, "by": ["time:week"]}) == []
    assert shop.ask({**ASKED, "by": ["time:week", "time:month"]}) == []
