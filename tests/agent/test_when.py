"""Time phrases as SEMANTICS.md's table has them."""

import datetime as dt
from pathlib import Path

import pytest
from answerable.agent.when import Reader
from answerable.agent.words import tokens
from answerable.context.settings import ProjectSettings

FILE = Path(__file__).parents[1] / "fixtures" / "questions" / "windows.txt"
CASES = [
    tuple(part.strip() for part in line.split("|")) for line in FILE.read_text().splitlines() if line.strip() and not line.startswith("#")
]
TODAY = dt.date(2025, 9, 12)


def reader(today: dt.date = TODAY, **settings: object) -> Reader:
    return Reader(today, ProjectSettings.model_validate({"name": "x", "warehouse": "duckdb:x", "fiscal_year_start": "july", **settings}))


@pytest.mark.parametrize(("phrase", "start", "end"), CASES, ids=[case[0] for case in CASES])
def test_a_phrase_is_a_half_open_window(phrase: str, start: str, end: str) -> None:
    said = tokens(phrase)
    found = reader().at(said, 0)
    assert found is not None
    assert found[0] == len(said), "the whole phrase is read"
    assert (str(found[1].start), str(found[1].end)) == (start, end)


def test_a_date_in_digits_is_asked_unless_the_project_says_its_order() -> None:
    said = tokens("03/04/2025")
    asked = reader().at(said, 0)
    settled = reader(date_order="mdy").at(said, 0)
    assert asked and asked[1].other
    assert {asked[1].start, asked[1].other.start} == {dt.date(2025, 4, 3), dt.date(2025, 3, 4)}
    assert settled and settled[1].open is None and settled[1].start == dt.date(2025, 3, 4)


def test_a_period_that_lies_ahead_is_known_as_such() -> None:
    found = reader().at(tokens("next month"), 0)
    assert found and found[1].whole == found[1].start


@pytest.mark.parametrize(
    "today", [dt.date(2024, 2, 29), dt.date(2025, 1, 1), dt.date(2025, 6, 30), dt.date(2025, 12, 31), dt.date(2025, 9, 7)]
)
def test_last_and_this_meet_on_days_that_flip_naive_implementations(today: dt.date) -> None:
    for unit in ("week", "month", "quarter", "year", "fiscal year"):
        last, this = reader(today).at(tokens(f"last {unit}"), 0), reader(today).at(tokens(f"this {unit}"), 0)
        assert last and this
        assert last[1].end == this[1].start
        assert this[1].start <= today < this[1].end  # type: ignore[operator]


def test_weeks_begin_where_the_project_says() -> None:
    found = reader(week_start="sunday").at(tokens("last week"), 0)
    assert found and found[1].start == dt.date(2025, 8, 31)


def test_may_is_a_month_only_where_a_month_can_stand() -> None:
    assert reader().at(tokens("in may"), 0)
    assert reader().at(tokens("may i see the revenue"), 0) is None
