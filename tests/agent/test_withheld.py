"""Answers to somebody who sees numbers over many rows only: they say how many are withheld, and nothing beside them gives one away."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import answerable
import pytest
from answerable.agent.ask import Project
from answerable.context.policy import Principal

FEW = Principal("ana", frozenset({"few"}))


@pytest.fixture(scope="module")
def project(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder = Path(shutil.copytree(shop, tmp_path_factory.mktemp("few") / "shop"))
    (folder / "policies").mkdir()
    (folder / "policies/orders.yml").write_text("model: orders\ngroups: {few: {at_least: 3}}\n")
    with answerable.open(folder, run="test") as opened:
        yield opened


def test_an_answer_says_how_many_numbers_are_withheld_and_by_which_policy(project: Project) -> None:
    answer = project.ask("orders by status", user=FEW)
    assert answer.status == "answered" and answer.rows == (("cancelled", None), ("completed", 6), ("refunded", None))
    assert "2 numbers are withheld: too few rows stand behind them for you." in answer.assumptions
    assert answer.policies == ("orders: numbers over at least 3 rows (policies/orders.yml:2: group few)",)
    assert project.verify(answer.id, user=FEW).kind == "same"
    assert not any("withheld" in said for said in project.ask("orders", user=FEW).assumptions)


def test_a_mark_of_somebody_who_saw_all_is_not_theirs(project: Project) -> None:
    assert project.ask("orders by status", user=FEW).trust == "governed"


def test_readings_are_offered_without_the_total_that_would_give_a_cell_away(project: Project) -> None:
    answer = project.ask("orders by city", user=FEW)  # of billing or of shipping
    assert answer.status == "clarify" and len(answer.options) == 2
    assert any(None in [row[1] for row in option["rows"]] for option in answer.options)
    assert all(option["number"] is None for option in answer.options if None in [row[1] for row in option["rows"]])


@pytest.mark.parametrize(
    "question", ["list the statuses of orders", "revenue growth by month", "revenue to date by month", "share of revenue by status"]
)
def test_what_is_not_safe_is_declined_with_the_way_that_is(project: Project, question: str) -> None:
    answer = project.ask(question, user=FEW)
    assert answer.status == "declined" and "ask for metrics of one model" in answer.text and not answer.rows


def test_sql_is_denied_with_the_owner_to_ask(project: Project) -> None:
    answer = project.sql("select count(*) from orders", user=FEW)
    assert answer.status == "denied" and "Ask sales@shop.example for it." in answer.text


def test_values_of_single_rows_are_no_words(project: Project) -> None:
    assert not [member for member in project.sights.of(FEW).lexicon.values.members if member.model == "orders" and not member.declared]
