"""What an answer carries: bound numbers, provenance, trust, and what an asker may not see."""

import re
from pathlib import Path

import answerable
import pytest
from answerable.agent.ask import Project
from answerable.context.errors import UsageError

FINN = "finn@alder.example"
QUESTIONS = [
    "revenue last month", "revenue by region last quarter", "revenue in 2025 vs 2024", "monthly orders in 2025",
    "top 5 stores by revenue last quarter", "list the stores", "refund rate by channel in 2025",
]  # fmt: skip


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_number_of_the_text_is_a_cell_or_a_named_count(alder: Project, question: str) -> None:
    answer = alder.ask(question, user=FINN)
    text = answer.text
    for bound in sorted(answer.numbers, key=lambda n: -len(n["text"])):
        text = text.replace(bound["text"], "")
        if "row" in bound:
            assert bound["row"] < len(answer.rows)
    dates = r"\b\d{1,2} [A-Z][a-z]{2}( \d{4})?|\bQ\d \d{4}|\b(in|[A-Z][a-z]+) \d{4}\b|\d{4}"
    assert not re.findall(r"\d", re.sub(dates, "", text)), answer.text


def test_an_answer_says_what_it_takes_for_granted(alder: Project) -> None:
    said = " ".join(alder.ask("revenue last month", user=FINN).assumptions)
    for part in (
        "Order date",
        "status = 'completed'",
        "status <> 'test'",
        "from 1 Feb 2026 up to, not including, 1 Mar 2026",
        "Today is set to 31 Mar 2026",
    ):
        assert part in said


def test_a_total_of_nothing_is_no_rows_and_not_zero(alder: Project) -> None:
    answer = alder.ask("revenue in 2019", user=FINN)
    assert answer.rows == ((None,),)
    assert answer.text.startswith("No rows")


def test_what_is_forbidden_is_denied_with_its_owner(alder: Project) -> None:
    answer = alder.ask("gross margin last month")
    assert answer.status == "denied"
    assert "finance@alder.example" in answer.text
    assert answer.gaps == () and answer.rows == ()


def test_a_plan_with_a_forbidden_metric_is_denied_too(alder: Project) -> None:
    assert alder.query({"metrics": ["gross_margin"]}).status == "denied"
    assert alder.query({"metrics": ["gross_margin"]}, user=FINN).status == "answered"


def test_everyone_may_see_revenue_orders_and_average_order_value_by_region_and_product(alder: Project) -> None:
    for by in ("customer.region", "product.name"):
        answer = alder.query({"metrics": ["revenue", "orders", "average_order_value"], "by": [by]})
        assert answer.status == "answered" and len(answer.rows) > 3


def test_an_unknown_user_is_a_usage_error(alder: Project) -> None:
    with pytest.raises(UsageError, match="no user stranger"):
        alder.ask("revenue", user="stranger")


def test_a_bad_plan_names_the_thing_and_what_is_near(alder: Project) -> None:
    answer = alder.query({"metrics": ["revenu"]})
    assert answer.status == "declined"
    assert answer.gaps[0].nearest[0] == "revenue"
    assert "metric" in alder.query({"metric": ["revenue"]}).text


def test_sql_is_answered_as_endorsed_sql_over_what_the_asker_sees(alder: Project) -> None:
    answer = alder.sql("select channel, count(*) as n from orders group by channel order by n desc")
    assert (answer.status, answer.trust) == ("answered", "endorsed_sql")
    denied = alder.sql("select email from customers")
    assert denied.status == "denied" and "Ask customer-data@alder.example for it." in denied.text
    assert alder.sql("select emial from customers").status == "declined"
    assert alder.sql("select * from web_sessions").status == "declined"


def test_compile_gives_the_sql_and_runs_nothing(alder: Project) -> None:
    text = alder.compile({"metrics": ["revenue"], "by": ["customer.region"]})
    assert "LEFT JOIN" in text and "shop.order_items" in text


def test_an_answer_as_json_has_the_contract_s_keys(alder: Project) -> None:
    data = alder.ask("revenue by region last month").model_dump(mode="json")
    keys = """status kind trust question text columns rows truncated sql plan grounding gaps options assumptions freshness
        definitions policies chart id thread timings"""
    assert set(keys.split()) <= set(data)
    assert [c["name"] for c in data["columns"]] == ["customer.region", "revenue"]
    assert data["columns"][1]["unit"] == "EUR" and data["columns"][1]["metric"] == "revenue"


def test_a_confirmed_question_is_verified_until_its_definition_changes(demo: Path, tmp_path: Path) -> None:
    import shutil

    folder = shutil.copytree(demo, tmp_path / "demo")
    with answerable.open(folder) as project:
        assert project.ask("What was revenue last month?").trust == "verified"
    model = folder / "models" / "order_items.yml"
    model.write_text(model.read_text().replace("expr: sum(amount)\n", "expr: sum(amount) * 1\n", 1))
    with answerable.open(folder) as project:
        assert project.ask("What was revenue last month?").trust == "governed"
