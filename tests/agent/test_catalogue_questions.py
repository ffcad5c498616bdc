"""Questions about the catalogue: answered in words, from what this asker sees."""

import pytest
from answerable.agent.ask import Project

FINN = "finn@alder.example"


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("what can I ask about stores?", "stores opened"),
        ("which metrics do you have about delivery", "Deliveries"),
        ("what can I split revenue by", "Sales channel"),
        ("who owns refund amount", "finance@alder.example"),
        ("how fresh is revenue", "data up to 2026-03-31"),
        ("what is the difference between revenue and net revenue", "partial refunds"),
    ],
)
def test_they_are_answered_in_words(alder: Project, question: str, said: str) -> None:
    answer = alder.ask(question, user=FINN)
    assert answer.status == "answered" and answer.kind in ("catalogue", "definition") and not answer.rows
    assert said.lower() in answer.text.lower()


def test_what_is_not_there_is_a_gap(alder: Project) -> None:
    answer = alder.ask("who owns churn", user=FINN)
    assert (answer.status, [gap.text for gap in answer.gaps]) == ("declined", ["churn"])


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("churn last month", "unknown term"),
        ("revenue in Atlantis last month", "unknown value"),
        ("sales last month", "ambiguous term"),
        ("marketing spend by region", "not joinable"),
        ("revenue as of 31 december 2025", "no time dimension"),
        ("refunded revenue last month", "contradiction"),
        ("median revenue last month", "unknown term"),
        ("sessions last month", "not endorsed"),
    ],
)
def test_a_gap_has_a_type(alder: Project, question: str, kind: str) -> None:
    assert alder.ask(question, user=FINN).gaps[0].type == kind
