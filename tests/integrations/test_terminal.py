"""How answers look: texts of a terminal, made of answers that are written down here, so that no warehouse is needed."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from answerable.agent.answer import Answer
from answerable.agent.plan import Gap, Span
from answerable.context.catalog import Catalog
from answerable.context.loader import load
from answerable.integrations import naming
from answerable.integrations.page import filled, folded
from answerable.integrations.terminal import View, show
from rich.cells import cell_len
from rich.console import Console

FEBRUARY = "2026-02-01/2026-03-01"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load(Path(__file__).parents[2] / "demo")


def shown(answer: Answer, view: View | None = None, width: int = 88) -> str:
    file = io.StringIO()
    show(answer, Console(file=file, width=width, highlight=False, markup=False), view)
    return "\n".join(line.rstrip() for line in file.getvalue().strip("\n").split("\n"))


def spans(question: str, *taken: tuple[str, str, str]) -> tuple[Span, ...]:
    """Pieces of a question with their kind and target, in its order; `how` stands after the kind: `metric/synonym`."""
    found, at = [], 0
    for text, kind, target in taken:
        at = question.index(text, at)
        name, _, how = kind.partition("/")
        found.append(Span(text, at, at + len(text), name, target, how or "name"))
        at += len(text)
    return tuple(found)


def answered(question: str, grounding: tuple[Span, ...], **more: Any) -> Answer:
    column = {"name": "revenue", "type": "number", "unit": "EUR", "metric": "revenue", "label": "Revenue"}
    base: dict[str, Any] = {"columns": (column,), "rows": ((5.0,),), "text": "Revenue was €5.", "trust": "governed", "id": "a_1"}
    return Answer(status="answered", question=question, grounding=grounding, **base | more)


# -- the gloss --------------------------------------------------------------------------------------------------------------------

CHURN = "churn of gold customers by region per week last month"
CHURNED = spans(
    CHURN, ("churn", "gap/none", ""), ("of", "grammar/exact", "filler"), ("gold", "value", "customers.tier = gold"),
    ("customers", "entity", "customers | orders.customer"), ("by", "grammar/exact", "by"), ("region", "dimension", "customers.region"),
    ("per", "grammar/exact", "by"), ("week", "grammar/exact", "grain:week"), ("last month", "time/exact", FEBRUARY),
)  # fmt: skip


def test_each_word_stands_over_what_took_it(catalog: Catalog) -> None:
    gap = Gap("unknown term", "churn", 0, 5)
    answer = Answer(status="declined", question=CHURN, grounding=CHURNED, gaps=(gap,), text="Not answered.")
    assert shown(answer, View(catalog)).startswith("""\
[churn]        of gold         customers  by region  per week         last month
                  ····         ═════════     ══════      ╌╌╌╌         ╌╌╌╌╌╌╌╌╌╌
no definition     tier = gold  Customers     Region      from Monday  1 – 28 Feb 2026
""")


def test_the_occasion_has_no_line_and_signs_stay_with_their_word(catalog: Catalog) -> None:
    question = "Hi! My boss asked: revenue?"
    grounding = spans(
        question, ("Hi", "frame", "frame"), ("!", "grammar", "filler"), ("My boss asked", "frame", "frame"), (":", "grammar", "filler"),
        ("revenue", "metric", "revenue"), ("?", "grammar", "filler"),
    )  # fmt: skip
    assert shown(answered(question, grounding), View(catalog)).startswith("""\
Hi! My boss asked: revenue?
                   ━━━━━━━
                   Revenue
""")


def test_words_that_the_grounding_leaves_out_are_drawn_and_a_gap_among_them_is_a_blank(catalog: Catalog) -> None:
    question = "why did revenue fall"
    grounding = spans(question, ("did", "grammar", "filler"), ("revenue", "metric", "revenue"), ("fall", "grammar", "fell"))
    answer = Answer(status="declined", question=question, grounding=grounding, gaps=(Gap("not supported", "why", 0, 3),), text="No.")
    assert shown(answer, View(catalog)).startswith("""\
[why]            did revenue  fall
                     ━━━━━━━
not in the data      Revenue
""")


def test_a_denied_word_is_no_blank() -> None:
    answer = Answer(status="denied", question="gross margin", grounding=spans("gross margin", ("gross margin", "gap/none", "")), text="No.")
    assert shown(answer).startswith("gross margin\n\nNo.")


LONG = "for the board meeting of our European subsidiary we need to know the number of " + "顧客" * 30 + " per café\u0301 and week, thanks"


@pytest.mark.parametrize("width", [20, 31, 47, 88])
def test_nothing_is_wider_than_the_terminal(catalog: Catalog, width: int) -> None:
    taken = (("for the board meeting of our European subsidiary", "frame", ""), ("顧客" * 30, "gap", ""), ("week", "grammar", "grain:week"))
    window = {"plan": {"metrics": ["revenue"]}, "reading": "Revenue of the region of the billing address", "shown": "€1,234,567"}
    for status in ("declined", "clarify", "answered"):
        answer = Answer(
            status=status, question=LONG, grounding=spans(LONG, *taken), text="“Sales” has 2 readings here. Which one? 1.",
            options=(window, {**window, "plan": {"metrics": ["net_revenue"]}}), gaps=(Gap("unknown term", "x", nearest=("net_revenue",)),),
            kind="definition", assumptions=("Kept from the question before: " + "net revenue, " * 9,),
        )  # fmt: skip
        text = shown(answer, View(catalog, explain=True), width)
        assert max(map(cell_len, text.split("\n"))) <= width


def test_a_number_is_whole_where_the_table_does_not_fit() -> None:
    columns = tuple(
        {"name": n, "type": "number", "unit": None, "metric": n, "label": n.capitalize()} for n in ("revenue", "orders", "units")
    )
    key = {"name": "region", "type": "text", "unit": None, "dimension": "customers.region", "label": "Region"}
    rows = (("Asia Pacific", 592444, 1682, 5450), ("EU", 3088870, 9184, 28218))
    assert (
        shown(answered("", (), columns=(key, *columns), rows=rows), width=20).split("\n\n")[1]
        == """\
Region   Asia
  Pacific
Revenue  592,444
Orders   1,682
Units    5,450""".replace("Region   Asia\n  Pacific", "Region\n  Asia Pacific")
    )


def test_a_long_text_is_folded_in_its_column() -> None:
    columns = (
        {"name": "note", "type": "text", "unit": None, "row": "", "label": "note"},
        {"name": "n", "type": "number", "unit": None, "row": "", "label": "n"},
    )
    text = shown(answered("", (), columns=columns, rows=(("a note that is long", 1234), ("short", 5))), width=24)
    assert "a note that is     1,234\nlong" in text and "short                  5" in text


# -- readings ---------------------------------------------------------------------------------------------------------------------


def option(reading: str, number: str, **plan: Any) -> dict[str, Any]:
    return {"reading": reading, "shown": number, "plan": plan}


def test_readings_say_what_they_count_and_how_to_pick(catalog: Catalog) -> None:
    question = "sales last month"
    answer = Answer(
        status="clarify", question=question, text="“Sales” has 2 readings here. Which one? 1. Revenue: €392,602. 2. Net revenue: €386,062.",
        grounding=spans(question, ("sales", "metric/synonym", "revenue | net_revenue"), ("last month", "time", FEBRUARY)),
        gaps=(Gap("ambiguous term", "sales", 0, 5),), id="a_1",
        options=(option("Revenue", "€392,602", metrics=["revenue"]), option("Net revenue", "€386,062", metrics=["net_revenue"])),
    )  # fmt: skip
    assert (
        shown(answer, View(catalog, chat=True))
        == """\
sales         last month
━━━━━         ╌╌╌╌╌╌╌╌╌╌
two readings  1 – 28 Feb 2026

“Sales” has 2 readings here.

    Reading        Number   What it counts
────────────────────────────────────────────────────────────────────────────────────────
1   Revenue      €392,602   Money taken for completed orders, after discounts and before
                            partial refunds
2   Net revenue  €386,062   Revenue less partial refunds

Which one? 1 or 2, or say it in words.

a_1"""
    )


def test_readings_of_a_date_say_when(catalog: Catalog) -> None:
    question = "revenue on 03/04/2025"
    windows = [{"start": "2025-04-03", "end": "2025-04-04"}, {"start": "2025-03-04", "end": "2025-03-05"}]
    answer = Answer(
        status="clarify", question=question, text="It has 2 readings here. Which one? 1. Revenue. 2. Revenue.",
        grounding=spans(question, ("revenue", "metric", "revenue"), ("on 03/04/2025", "time", "2025-04-03/2025-04-04")),
        options=tuple(option("Revenue", "€5", metrics=["revenue"], window=window) for window in windows),
    )  # fmt: skip
    text = shown(answer, View(catalog))
    assert "Revenue  two readings" in text
    assert "1   Revenue      €5   3 Apr 2025\n2   Revenue      €5   4 Mar 2025" in text
    assert "in `answerable chat`, where 1 or 2 picks it." in text.replace("\n", " ")


# -- declined, kept, explained ------------------------------------------------------------------------------------------------------


def test_a_refusal_has_three_parts(catalog: Catalog) -> None:
    text = (
        "Not answered. “Net sale” has no endorsed definition. Understood: last month. Near it: net_revenue. "
        "The question is recorded for the data team."
    )
    gap = Gap("unknown term", "net sale", 0, 8, nearest=("net_revenue",))
    answer = Answer(status="declined", question="net sale last month", text=text, gaps=(gap,), id="a_1")
    assert (
        shown(answer, View(catalog))
        == """\
Not answered. “Net sale” has no endorsed definition. Understood: last month.

Nearest to it
  Net revenue: Revenue less partial refunds

The question is recorded for the data team. “What can I ask” lists what is defined.

a_1"""
    )


def test_what_was_kept_stands_before_the_number() -> None:
    kept = "Kept from the question before: revenue, by region."
    text = shown(answered("and in January?", (), assumptions=("Now.", kept)))
    assert text.index(kept) < text.index("€5") < text.index("Now.")
    assert text.count(kept) == 1


def test_explain_marks_every_word_with_what_took_it_and_how(catalog: Catalog) -> None:
    question = "Hi, what was the revenu of gold for all customers?"
    grounding = spans(
        question, ("Hi", "frame", "frame"), ("was", "grammar/exact", "filler"), ("the", "grammar/exact", "filler"),
        ("revenu", "metric/spelling", "revenue"), ("gold", "value", "customers.tier = gold"),
        ("customers", "entity/lemma", "customers | orders.customer"),
    )  # fmt: skip
    text = shown(answered(question, grounding, plan={"metrics": ["revenue"]}), View(catalog, explain=True))
    assert text.split("\n\n")[-2:] == ["""\
Words
  Hi                           occasion   says nothing of the number
  , what                       grammar    the question itself
  was                          filler     says nothing
  the                          filler     says nothing
  revenu                       metric     revenue  (spelling put right)
  of                           grammar    the question itself
  gold                         value      customers.tier = gold
  for all                      grammar    the question itself
  customers                    entity     customers, orders.customer  (by another form
                                            of the word)
  ?                            grammar    the question itself""", """\
Plan
  {"metrics": ["revenue"]}"""]  # fmt: skip


def test_every_way_of_taking_a_word_has_its_name() -> None:
    assert {"label", "synonym", "value", "rule", "lemma", "order", "part", "apart", "verb", "spelling", "role"} <= naming.HOW.keys()


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("2026-10-01/2026-11-01", "1 – 31 Oct 2026"),
        ("2026-08-31/2026-11-20", "31 Aug – 19 Nov 2026"),
        ("2025-12-31/2026-01-02", "31 Dec 2025 – 1 Jan 2026"),
        ("2026-03-30/2026-03-31", "30 Mar 2026"),
        ("2026-03-30/…", "since 30 Mar 2026"),
        ("…/2026-03-31", "up to 30 Mar 2026"),
        ("…/…", ""),
    ],
)
def test_windows_name_their_first_and_last_day(target: str, said: str) -> None:
    assert naming.window(target) == said


def test_a_description_does_not_act_on_the_terminal() -> None:
    assert naming.plain("clear \x1b[2J\nnow") == "clear ␛[2J now"


def test_text_is_measured_by_the_cells_that_it_takes() -> None:
    assert folded("顧客 cafe\u0301s 顧客顧客", 6) == ["顧客", "cafe\u0301s", "顧客顧", "客"]
    assert filled("e\u0301", 3) == "e\u0301  "
