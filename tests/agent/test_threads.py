"""Conversations: a thread's state is what its questions came to, and each turn edits it."""

from typing import Any

import pytest
from answerable.agent.ask import Project
from answerable.agent.asked import Door

FINN = "finn@alder.example"


def plans(project: Project, *questions: str) -> list[dict[str, Any]]:
    thread = " ".join(questions)
    return [project.ask(question, user=FINN, thread=thread).plan or {} for question in questions]


def test_a_filter_a_dimension_and_a_limit_are_taken_back(alder: Project) -> None:
    *_, dropped = plans(alder, "revenue by region in february 2026 from gold customers", "drop the filter")
    assert (dropped.get("where"), dropped["by"]) == (None, ["customer.region"])
    *_, without = plans(alder, "revenue by region in february 2026", "drop the region")
    assert "by" not in without
    *_, total = plans(alder, "revenue by channel in february 2026", "top 2", "in total")
    assert total == {"metrics": ["revenue"], "window": {"start": "2026-02-01", "end": "2026-03-01"}}


def test_what_is_not_there_is_not_dropped(alder: Project) -> None:
    """A right is no filter of a question: nothing says that it could be taken back."""
    alder.ask("revenue by region in february 2026", user=FINN, thread="nothing to drop")
    assert alder.ask("now without the filter", user=FINN, thread="nothing to drop").status == "declined"


def test_a_reply_to_an_earlier_answer_picks_from_its_readings(alder: Project) -> None:
    offered = alder.ask("sales last month", thread="earlier")
    alder.ask("orders by region", thread="earlier")
    picked = alder.ask("2", thread="earlier", door=Door(replies_to=offered.id))
    assert picked.plan == offered.options[1]["plan"]


def test_a_picked_reading_stays_picked(alder: Project) -> None:
    asked, picked, split = plans(alder, "sales last month", "net revenue please", "and by region")
    assert (asked, picked["metrics"], split["metrics"]) == ({}, ["net_revenue"], ["net_revenue"])


def test_what_is_kept_is_said(alder: Project) -> None:
    alder.ask("revenue by region in february 2026", user=FINN, thread="kept")
    answer = alder.ask("and in january?", user=FINN, thread="kept")
    assert "Kept from the question before: revenue, by region." in answer.assumptions


def test_a_month_without_a_year_takes_that_of_the_thread(alder: Project) -> None:
    assert plans(alder, "orders in june 2024", "and july?")[1]["window"] == {"start": "2024-07-01", "end": "2024-08-01"}


def test_the_whole_of_a_unit_is_the_one_that_holds_the_window_before(alder: Project) -> None:
    assert plans(alder, "orders on 4 february 2026", "and the whole month?")[1]["window"] == {"start": "2026-02-01", "end": "2026-03-01"}
    assert plans(alder, "orders in january 2026", "and the whole week?")[1] == {}, "no week holds a month"


@pytest.mark.parametrize(
    ("reply", "changed"),
    [
        ("no, by channel", {"by": ["channel"]}),
        ("no wait, last year", {"window": {"start": "2025-01-01", "end": "2026-01-01"}}),
        ("break it down by store", {"by": ["store.name"]}),
        ("sort it descending", {"order": ["-revenue"]}),
    ],
)
def test_a_correction_takes_the_place_of_what_it_corrects(alder: Project, reply: str, changed: dict[str, Any]) -> None:
    first, then = plans(alder, "revenue by region last quarter", reply)
    assert then == first | changed


@pytest.mark.parametrize(
    ("first", "reply", "wanted"),
    [
        ("orders in february 2026", "how many were web?", {"metrics": ["orders"], "where": ["channel = 'web'"]}),
        ("orders in february 2026", "how many of them were from gold customers", {"where": ["customer.tier = 'gold'"]}),
        ("orders in february 2026", "was that more than in january?", {"compare": {"to": {"start": "2026-01-01", "end": "2026-02-01"}}}),
        ("orders in january 2026", "previous month?", {"window": {"start": "2025-12-01", "end": "2026-01-01"}}),
        ("orders in january 2026", "a year earlier", {"window": {"start": "2025-01-01", "end": "2025-02-01"}}),
        ("orders by month in 2025", "until june", {"window": {"start": "2025-01-01", "end": "2025-07-01"}}),
        ("revenue by region last quarter", "by channel as well", {"by": ["customer.region", "channel"]}),
        ("revenue last quarter", "please add the orders", {"metrics": ["revenue", "orders"]}),
        ("revenue by region last quarter", "by month instead of by region", {"by": ["time:month"]}),
        ("top 5 stores by revenue in 2025", "make it 3", {"metrics": ["revenue"], "limit": 3}),
        ("top 5 stores by revenue in 2025", "by orders instead", {"metrics": ["orders"], "by": ["store.name"], "limit": 5}),
        ("refunded orders in 2025", "and as a rate?", {"metrics": ["refund_rate"]}),
        ("revenue last month", "great, now by channel", {"by": ["channel"]}),
    ],
)
def test_a_follow_up_changes_one_thing(alder: Project, first: str, reply: str, wanted: dict[str, Any]) -> None:
    then = plans(alder, first, reply)[1]
    assert {name: then.get(name) for name in wanted} == wanted


@pytest.mark.parametrize(
    ("first", "reply"),
    [
        ("revenue last month", "how many were web?"),
        ("revenue last month", "how many orders is that"),
        ("revenue last month", "with refunds"),
        ("revenue last month", "and web too"),
        ("revenue last month", "make it 5"),
        ("revenue by region last quarter", "by month instead of Sofa"),
        ("revenue last month", "by orders instead"),
    ],
)
def test_a_follow_up_that_may_be_about_something_else_is_not_guessed(alder: Project, first: str, reply: str) -> None:
    assert plans(alder, first, reply)[1] == {}


def test_the_same_period_last_year_is_that_of_the_thread(alder: Project) -> None:
    assert plans(alder, "orders in january 2026", "same period last year")[1]["window"] == {"start": "2025-01-01", "end": "2025-02-01"}


def test_a_comparison_keeps_the_window(alder: Project) -> None:
    assert plans(alder, "revenue last quarter", "compared to the year before?")[1]["compare"] == {"to": "last_year"}


@pytest.mark.parametrize("question", ["why did revenue fall last month?", "what caused the drop in revenue last month"])
def test_why_is_answered_with_where_and_never_with_a_cause(alder: Project, question: str) -> None:
    answer = alder.ask(question, user=FINN, thread=question)
    assert (answer.status, answer.gaps[0].type) == ("clarify", "not supported")
    assert answer.text.startswith("The data shows where a number changed, and not why.")
    whole = sum(float(row[3] or 0) for row in answer.options[0]["rows"])
    picked = alder.ask("1", user=FINN, thread=question)
    assert picked.plan == answer.options[0]["plan"]
    assert sum(float(row[3] or 0) for row in picked.rows) == pytest.approx(whole)
