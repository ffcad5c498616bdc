"""An audience: the answer is what everybody who reads it may see, and what needs more goes to the asker alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import answerable
import pytest
from answerable.agent.ask import Project
from answerable.context.errors import UsageError
from answerable.context.policy import Principal

POLICY = """model: customers
groups:
  gold: {rows: "tier = 'gold'", mask: {name: first 1}}
  good: {rows: "score > 50", mask: {name: last 1, born: year}, deny: [email]}
  mine: {rows: "tier = {user.tier}"}
  all: {}
"""
ANA = Principal("ana", frozenset({"all"}), {"tier": "gold"})
ALL = [("Ada",), ("Ben",), ("Cleo",), ("Di",)]


@pytest.fixture(scope="module")
def project(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder = Path(shutil.copytree(shop, tmp_path_factory.mktemp("audience") / "shop"))
    (folder / "policies").mkdir()
    (folder / "policies/customers.yml").write_text(POLICY)
    (folder / "rules").mkdir()
    (folder / "rules/bosses.md").write_text("---\nfor: all\nwords: {takings: revenue}\n---\nFor those who see all.\n")
    with answerable.open(folder, run="test") as opened:
        yield opened


@pytest.mark.parametrize(
    ("audience", "names"),
    [
        (None, ALL),
        (("all",), ALL),
        (("gold",), [("A***",), ("C***",)]),
        (("good",), [("***a",), ("***i",)]),
        (("gold", "good"), [("***",)]),
        (("gold", "all"), [("A***",), ("C***",)]),
    ],
)
def test_of_several_groups_the_strictest_counts(project: Project, audience: tuple[str, ...] | None, names: list[Any]) -> None:
    answer = project.ask("list the customers", user=ANA, audience=audience)
    assert list(answer.rows) == names


@pytest.mark.parametrize("audience", [(), ("all", "strangers"), ("strangers",), ("mine",), ("all", "mine")])
def test_what_one_reader_may_not_see_is_denied_to_all_and_left_to_the_asker_alone(project: Project, audience: tuple[str, ...]) -> None:
    answer = project.ask("list the customers", user=ANA, audience=audience)
    assert answer.status == "denied" and not answer.rows
    assert "Ask crm@shop.example for it." in answer.text and "ask it alone" in answer.text
    assert list(project.ask("list the customers", user=ANA).rows) == ALL


def test_what_the_audience_may_not_see_is_answered_alone_in_one_record(project: Project) -> None:
    answer = project.ask("list the customers", user=ANA, audience=("strangers",), thread="needs more", or_alone=True)
    assert list(answer.rows) == ALL and answer.audience is None
    assert [record["audience"] for record in project.journal.thread("needs more", "ana")] == [None]


def test_what_neither_may_see_is_denied_before_the_audience(project: Project) -> None:
    bob = Principal("bob", frozenset({"strangers"}))
    answer = project.ask("list the customers", user=bob, audience=("others",), or_alone=True)
    assert answer.status == "denied" and answer.audience == ("others",) and "alone" not in answer.text


def test_what_the_audience_sees_is_answered_before_it(project: Project) -> None:
    answer = project.ask("list the customers", user=ANA, audience=("gold",), or_alone=True)
    assert answer.audience == ("gold",) and list(answer.rows) == [("A***",), ("C***",)]


def test_alone_one_goes_on_from_what_was_said_before_others(project: Project) -> None:
    project.ask("revenue of Ada", user=ANA, thread="on", audience=("all",))
    assert project.ask("and by status", user=ANA, thread="on").status == "answered"


def test_a_column_that_one_reader_may_not_see_is_denied_to_all(project: Project) -> None:
    assert project.ask("mailboxes", user=ANA, audience=("gold",)).status == "answered"
    assert project.ask("mailboxes", user=ANA, audience=("gold", "good")).status == "denied"


def test_a_rule_for_one_group_is_none_before_an_audience(project: Project) -> None:
    assert project.ask("takings by status", user=ANA).status == "answered"
    assert project.ask("takings by status", user=ANA, audience=("all",)).status == "declined"
    assert project.ask("takings by status").status == "declined"


def test_a_thread_before_others_inherits_nothing_that_was_asked_alone(project: Project) -> None:
    project.ask("revenue of Ada", user=ANA, thread="t")
    before = project.ask("and by status", user=ANA, thread="t", audience=("all",))
    assert before.status == "declined" and "Ada" not in str(before)
    assert project.ask("and by status", user=ANA, thread="t").status == "answered"


def test_the_record_says_who_asked_and_before_whom(project: Project) -> None:
    answer = project.ask("revenue by status", user=ANA, audience=("gold", "good"))
    record = project.journal.get(answer.id)
    assert record is not None
    assert (record["principal"], record["groups"], record["audience"]) == ("ana", ["all"], ["gold", "good"])


def test_an_audience_is_no_single_word(project: Project) -> None:
    with pytest.raises(UsageError, match=r'audience=\("gold",\)'):
        project.ask("revenue", user=ANA, audience="gold")  # type: ignore[arg-type]
