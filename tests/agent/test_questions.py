"""What people ask of the demo, and what is read: pairs in fixtures/questions, to which anybody can add."""

import json
from pathlib import Path

import pytest
from answerable.agent.ask import Project

FOLDER = Path(__file__).parents[1] / "fixtures" / "questions"
FINN = "finn@alder.example"


def blocks(file: str) -> list[list[str]]:
    text = "\n".join(line for line in (FOLDER / file).read_text().splitlines() if not line.startswith("#"))
    return [block.strip().splitlines() for block in text.split("\n\n") if block.strip()]


PLANS = [(question, json.loads(plan)) for question, plan in blocks("plans.txt")]
GAPS = [tuple(part.strip() for part in line.split("|")) for line in blocks("gaps.txt")[0]]


@pytest.mark.parametrize(("question", "plan"), PLANS, ids=[q for q, _ in PLANS])
def test_a_question_becomes_its_plan(alder: Project, question: str, plan: dict[str, object]) -> None:
    answer = alder.ask(question, user=FINN)
    assert answer.status == "answered", answer.text
    assert answer.plan == plan


@pytest.mark.parametrize(("question", "gap"), GAPS, ids=[q for q, _ in GAPS])
def test_an_unknown_word_is_a_gap_not_a_guess(alder: Project, question: str, gap: str) -> None:
    answer = alder.ask(question, user=FINN)
    assert answer.status == "declined"
    assert gap.lower() in " ".join(g.text for g in answer.gaps).lower()
    assert not answer.rows


def test_two_readings_are_asked_with_both_numbers(alder: Project) -> None:
    answer = alder.ask("sales last month", user=FINN)
    assert answer.status == "clarify"
    assert [o["plan"]["metrics"] for o in answer.options] == [["revenue"], ["net_revenue"]]
    assert len({o["number"] for o in answer.options}) == 2
    assert answer.gaps[0].type == "ambiguous term"


@pytest.mark.parametrize(
    "question",
    ["ignore all that: revenue by channel in 2025", "who cares, revenue by channel in 2025", "drop the rest; revenue by channel in 2025"],
)
def test_a_clause_that_is_a_question_by_itself_is_offered_and_not_taken(alder: Project, question: str) -> None:
    offered = alder.ask(question, user=FINN, thread=question)
    assert (offered.status, len(offered.options), offered.rows) == ("clarify", 1, ())
    taken = alder.ask("1", user=FINN, thread=question)
    assert (taken.status, taken.plan) == ("answered", offered.options[0]["plan"])


@pytest.mark.parametrize(
    "question", ["revenue and churn, orders in 2025", "send it to Tom: revenue in 2024", "revenue in 2024. And the churn", "blorp: churn"]
)
def test_half_of_a_list_and_what_stands_before_the_unknown_are_not_offered(alder: Project, question: str) -> None:
    assert alder.ask(question, user=FINN).status == "declined"


def test_readings_with_one_number_are_answered_and_say_so(alder: Project) -> None:
    answer = alder.ask("orders in London in 2025 by store", user=FINN)
    assert answer.status in ("answered", "clarify")
    if answer.status == "answered":
        assert any("all give the same" in said for said in answer.assumptions)


@pytest.mark.parametrize(
    "question", ["what is revenue", "What does turnover mean?", "how is revenue calculated?", "define average order value"]
)
def test_a_definition_question_gets_words_not_numbers(alder: Project, question: str) -> None:
    answer = alder.ask(question)
    assert (answer.status, answer.kind, answer.rows, answer.trust) == ("answered", "definition", (), None)
    assert "completed order" in answer.text


def test_every_word_of_an_answered_question_is_grounded(alder: Project) -> None:
    question = "revenue by region last quarter"
    spans = alder.ask(question, user=FINN).grounding
    assert [(s.text, s.kind, s.target) for s in spans] == [
        ("revenue", "metric", "revenue"),
        ("by", "grammar", "by"),
        ("region", "dimension", "customers.region"),
        ("last quarter", "time", "2025-10-01/2026-01-01"),
    ]
    assert all(question[s.start : s.end] == s.text for s in spans)


def test_deleting_a_filter_never_leaves_the_same_answer(alder: Project) -> None:
    whole = alder.ask("revenue from gold customers by channel in 2025", user=FINN)
    without = alder.ask("revenue by channel in 2025", user=FINN)
    assert whole.rows != without.rows


def test_a_follow_up_inherits_what_it_does_not_replace(alder: Project) -> None:
    def ask(text: str) -> dict[str, object]:
        return alder.ask(text, user=FINN, thread="t_follow").plan or {}

    ask("revenue by region in february 2026")
    assert ask("and in january?")["window"] == {"start": "2026-01-01", "end": "2026-02-01"}
    assert ask("just EU")["where"] == ["customer.region = 'EU'"]
    assert ask("by channel instead")["by"] == ["channel"]
    assert ask("orders")["metrics"] == ["orders"]


@pytest.mark.parametrize("reply", ["2", "the second one", "second"])
def test_a_reply_picks_a_reading_by_its_place(alder: Project, reply: str) -> None:
    thread = f"t_pick_{reply}"
    alder.ask("sales last month", user=FINN, thread=thread)
    assert (alder.ask(reply, user=FINN, thread=thread).plan or {})["metrics"] == ["net_revenue"]


def test_a_reply_picks_a_reading_by_its_name(alder: Project) -> None:
    alder.ask("sales last month", user=FINN, thread="t_named")
    assert alder.ask("net revenue", user=FINN, thread="t_named").plan == {
        "metrics": ["net_revenue"],
        "window": {"start": "2026-02-01", "end": "2026-03-01"},
    }


def test_a_thread_belongs_to_one_person(alder: Project) -> None:
    alder.ask("revenue by region in february 2026", user=FINN, thread="t_private")
    assert alder.ask("and in january?", user="ana@alder.example", thread="t_private").status == "declined"


ODD = {
    "": "declined",
    "   ": "declined",
    "???": "declined",
    "😀😀😀": "declined",
    "the of and": "declined",
    "\x00\x07revenue\x1b last month": "answered",
    "Wie hoch war der Umsatz im letzten Monat?": "declined",
    "select sum(amount) from shop.orders": "declined",
    "delete all orders": "declined",
    "thanks!": "declined",
    "word " * 10_000: "declined",
    "revenue " * 300: "declined",
}


@pytest.mark.parametrize(("question", "status"), ODD.items(), ids=[repr(q[:20]) for q in ODD])
def test_odd_input_gets_a_sentence_that_helps(alder: Project, question: str, status: str) -> None:
    answer = alder.ask(question)
    assert answer.status == status
    assert len(answer.text) > 20 and "Traceback" not in answer.text
    assert alder.journal.get(answer.id)


TRAPS = [tuple(part.strip() for part in line.split(" | ")) for line in blocks("traps.txt")[0]]


@pytest.mark.parametrize(("question", "wanted"), TRAPS, ids=[q for q, _ in TRAPS])
def test_a_trap_is_read_rightly_or_not_at_all(alder: Project, question: str, wanted: str) -> None:
    answer = alder.ask(question, user=FINN)
    if wanted == "not answered":
        assert answer.status in ("declined", "clarify"), answer.plan
    else:
        assert answer.status == "answered", answer.text
        assert {key: (answer.plan or {}).get(key) for key in json.loads(wanted)} == json.loads(wanted)


THREADS = [
    (
        "revenue on mondays in 2025",
        "and on tuesdays?",
        {"where": ["time:day_of_week = 2"], "window": {"start": "2025-01-01", "end": "2026-01-01"}},
    ),
    ("stores with more than 500 orders", "their revenue?", None),
    ("which region had the most orders", "what was its average order value?", None),
    ("was revenue over 400k last month", "and orders?", None),
    ("share of revenue by region", "only EU", None),
]


@pytest.mark.parametrize(("first", "then", "wanted"), THREADS, ids=[f"{a} > {b}" for a, b, _ in THREADS])
def test_a_follow_up_never_drags_along_what_it_does_not_mean(
    alder: Project, first: str, then: str, wanted: dict[str, object] | None
) -> None:
    thread = f"t_{first}"
    alder.ask(first, user=FINN, thread=thread)
    answer = alder.ask(then, user=FINN, thread=thread)
    if wanted is None:
        assert answer.status in ("declined", "clarify"), answer.plan
    else:
        assert {key: (answer.plan or {}).get(key) for key in wanted} == wanted


@pytest.mark.parametrize(
    "question",
    ["orders not containing furniture", "shipments between Hamburg and Genoa", "orders billed to Germany but shipped to Austria"],
)
def test_an_unknown_word_is_never_told_as_forbidden(alder: Project, question: str) -> None:
    assert alder.ask(question, user=FINN).status in ("declined", "clarify")
