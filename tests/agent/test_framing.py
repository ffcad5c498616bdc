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
        ("I'm preparing the slides for Thursday and need revenue by region", ["I'm preparing the slides for Thursday", "and need"]),
        ("revenue in 2025, many thanks in advance, Paul", ["many thanks in advance, Paul"]),
        ("hey Bob, revenue last week", ["hey Bob"]),
        ("can I see orders by store, if it is not too much trouble", ["if it is not too much trouble"]),
        ("I just started here and would love to know revenue in May", ["I just started here", "and would love to know"]),
        ("We got a question from a journalist: revenue in May?", ["We got a question from a journalist"]),
        ("Since the board meets on Monday, I need the revenue of May", ["Since the board meets on Monday", "I need"]),
        ("Is there any way to see revenue by region?", ["Is there any way to see"]),
        ("hey, small question, revenue in May?", ["hey", "small question"]),
        ("is there a store in Paris", []),
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


@pytest.mark.parametrize(
    ("question", "lead"),
    [
        ("I'm writing a thank-you note to our staff, how many orders did we have in February", "I'm writing a thank-you note to our staff"),
        ("We're about to launch a campaign, so how many newsletter subscribers do we have?", "We're about to launch a campaign"),
        ("the press wants to write about us, what was our turnover in 2025", "the press wants to write about us"),
        ("My boss says sales are down: was revenue in February lower than in January?", "My boss says sales are down"),
        ("someone in the meeting said newsletter customers buy more. 2025 revenue with newsletter vs without?",
         "someone in the meeting said newsletter customers buy more"),
    ],
)  # fmt: skip
def test_a_lead_in_in_own_words_is_an_occasion_and_says_so(alder: Project, question: str, lead: str) -> None:
    answer = alder.ask(question, user=FINN)
    assert answer.status == "answered", answer.text
    assert [span.text for span in answer.grounding if span.kind == "frame"] == [lead]
    assert f"“{lead}” is read as the occasion, which narrows nothing." in answer.assumptions


@pytest.mark.parametrize(
    "question",
    [
        "We want to launch a campaign for gold customers, how many orders did we have in 2025?",
        "We want to focus on Atlantis, how much revenue did we make in 2025",
        "I'm writing to a customer in France, how many orders in 2025",
        "I'm preparing a talk about refunds, how much revenue in 2025",
        "My boss says we should only look at web: what was revenue in february?",
        "We are planning a party for our best customers, how many orders did they place in 2025?",
        "we plan to open a shop, how many orders did it get in 2025",
        "we plan to hire two people, how many tickets were opened last month",
        "we sell premium boxes, how many orders in 2025",
        "how many orders in 2025, we plan to send reminders",
    ],
)
def test_a_lead_in_that_may_narrow_the_question_or_is_pointed_back_to_is_read_as_words(alder: Project, question: str) -> None:
    assert alder.ask(question, user=FINN).status in ("declined", "clarify")
