"""The occasion of a question, told from the question; anything else stays a word that has to be grounded."""

import pytest
from answerable.agent.ask import Project
from answerable.agent.framing import frames
from answerable.agent.words import tokens

FINN = "finn@alder.example"


@pytest.mark.parametrize(
    ("question", "occasion"),
    [
        ("my boss wants to know revenue last month", ["my boss wants to know"]),
        (
            "Our medical director just asked me in the hallway how many orders came in",
            ["Our medical director just asked me in the hallway"],
        ),
        ("For the auditor's report we need to know the revenue of 2025", ["For the auditor's report", "we need to know"]),
        ("I'm preparing the slides for Thursday and need revenue by region", ["I'm preparing the slides for Thursday"]),
        ("revenue in 2025, many thanks in advance, Paul", ["many thanks in advance, Paul"]),
        ("hey Bob, revenue last week", ["hey Bob"]),
        ("can I see orders by store, if it is not too much trouble", ["if it is not too much trouble"]),
        ("did we see more orders in August than in July?", []),
        ("we sold how much in May", []),
        ("revenue of the sales team in May", []),
    ],
)
def test_an_occasion_is_told_by_its_structure(question: str, occasion: list[str]) -> None:
    said = tokens(question)
    assert [question[said[a].start : said[b - 1].end] for a, b in frames(question, said)] == occasion


def test_an_occasion_shows_in_the_grounding(alder: Project) -> None:
    answer = alder.ask("our director asked me how much revenue we made in 2025, thanks", user=FINN)
    assert (answer.plan or {})["metrics"] == ["revenue"]
    assert [span.text for span in answer.grounding if span.kind == "frame"] == ["our director asked me", "thanks"]


@pytest.mark.parametrize(
    "question",
    [
        "the flurb team asked about premium revenue in 2025",
        "I am asking about our new billing codes, what was revenue in 2025",
        "revenue of the board in 2025",
    ],
)
def test_what_is_no_occasion_is_a_gap(alder: Project, question: str) -> None:
    assert alder.ask(question, user=FINN).status == "declined"
