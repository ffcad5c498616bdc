"""Two periods side by side, on any day: the last complete one against the one before, and the running one against the same days."""

from __future__ import annotations

import datetime as dt

import pytest
from answerable.agent import embedded
from answerable.agent.ask import Project
from answerable.agent.plan import Reading
from answerable.agent.when import Reader
from answerable.context.query import TimeWindow
from hypothesis import assume, example, given
from hypothesis import strategies as st
from plain_calendar import Plain

days = st.dates(dt.date(1995, 1, 1), dt.date(2035, 12, 31))


def read(project: Project, question: str, now: Plain) -> Reading:
    lexicon = project.sights.of(project.principal("finn@alder.example")).lexicon
    (reading,) = embedded.plan(question, lexicon, Reader(now.today, project.catalog.settings)).readings
    return reading


@given(today=days, unit=st.sampled_from(["week", "month", "quarter"]))
def test_unit_over_unit_sets_the_last_complete_one_against_the_one_before(alder: Project, today: dt.date, unit: str) -> None:
    now = Plain(today, alder.catalog.settings.week_start)
    start = now.start(unit)
    before = TimeWindow(start=now.moved(start, unit, -2), end=now.moved(start, unit, -1))
    for question in (f"revenue {unit} over {unit}", f"revenue last {unit} vs the {unit} before"):
        query = read(alder, question, now).query
        assert query.window == TimeWindow(start=now.moved(start, unit, -1), end=start), question
        assert query.compare and query.compare.to in (before, "previous"), question


@pytest.mark.parametrize(
    "question",
    [
        "revenue this {unit} vs last {unit}",
        "revenue this {unit} {unit} over {unit}",
        "revenue this {unit} vs the {unit} before",
    ],
)
@example(today=dt.date(2025, 3, 29), unit="month")
@given(today=days, unit=st.sampled_from(["month", "quarter"]))
def test_the_running_one_is_set_against_the_same_days_of_the_one_before(alder: Project, question: str, today: dt.date, unit: str) -> None:
    now = Plain(today, alder.catalog.settings.week_start)
    start = now.start(unit)
    assume(now.tomorrow < now.moved(start, unit, 1))
    query = read(alder, question.format(unit=unit), now).query
    assert query.window == TimeWindow(start=start, end=now.tomorrow)
    assert query.compare and isinstance(query.compare.to, TimeWindow)
    before = now.moved(start, unit, -1)
    assert (query.compare.to.start, query.compare.to.end) == (before, min(before + (now.tomorrow - start), start))
