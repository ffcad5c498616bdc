"""Denied is not none: what exists and is forbidden names its owner, and what is secret gets word for word what an unknown thing gets."""

from __future__ import annotations

import gc
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import answerable
import pytest
from answerable.agent.answer import Answer
from answerable.agent.ask import Project
from answerable.integrations.cli import main
from click.testing import CliRunner

OWN = {"id", "thread", "timings", "certificate"}
SURFACES: dict[str, Callable[[Project, str], Answer]] = {
    "ask": lambda project, name: project.ask(f"{name} last month"),
    "list": lambda project, name: project.ask(f"list the {name}"),
    "split": lambda project, name: project.ask(f"orders by {name}"),
    "filter": lambda project, name: project.ask(f"orders of {name}"),
    "definition": lambda project, name: project.ask(f"what is {name}?"),
    "count": lambda project, name: project.ask(f"how many {name} are there?"),
    "phrase": lambda project, name: project.ask(f"what did the {name} do on sunday"),
    "thread": lambda project, name: [project.ask("orders", thread=name), project.ask(f"and by {name}", thread=name)][-1],
    "metric": lambda project, name: project.query({"metrics": [name]}),
    "by": lambda project, name: project.query({"metrics": ["orders"], "by": [name]}),
    "join": lambda project, name: project.query({"metrics": ["orders"], "by": [f"customer.{name}"]}),
    "model": lambda project, name: project.query({"by": [f"{name}.tier"]}),
    "count of rows": lambda project, name: project.query({"metrics": [f"{name}.count"]}),
    "where": lambda project, name: project.query({"metrics": ["orders"], "where": [f"{name} = 'x'"]}),
    "having": lambda project, name: project.query({"metrics": ["orders"], "by": ["status"], "having": [f"{name} > 3"]}),
    "order": lambda project, name: project.query({"metrics": ["orders"], "by": ["status"], "order": [name]}),
    "table": lambda project, name: project.sql(f"select * from {name}"),
    "schema": lambda project, name: project.sql(f"select count(*) from shop.{name}"),
    "column": lambda project, name: project.sql(f"select {name} from orders"),
    "alias": lambda project, name: project.sql(f"select o.{name} from orders o join {name} c using (customer_id)"),
}
SECRETS = ("customers", "mailboxes", "gold revenue", "email", "clients", "tier", "customers known")
RENAMED = {
    "model: customers": "model: turnips",
    "[clients]": "[beets]",
    "entity: customer": "entity: turnip",
    "mailboxes:": "airwaves:",
    "gold_revenue:": "wood_revenue:",
    "customers_known:": "turnips_known:",
    "email: {}": "emoil: {expr: email}",
    "tier: {values": "teal: {expr: tier, values",
    "customer.tier": "customer.teal",
    "label: Customer": "label: Turnip",
}
"""The same secrets under other names: what they were called is not there then."""
RENAMED_COLUMN = {key: RENAMED[key] for key in ("email: {}", "mailboxes:")}


@pytest.fixture
def project(shop: Path, tmp_path: Path) -> Iterator[Callable[..., Project]]:
    """The shop under a policy of customers, for nobody in particular; `renamed` without the names that are secret."""
    opened: list[Project] = []

    def made(policy: str, renamed: dict[str, str] | None = None) -> Project:
        folder = tmp_path / f"shop{len(opened)}"
        shutil.copytree(shop, folder)
        (folder / "policies").mkdir()
        (folder / "policies/customers.yml").write_text(f"model: customers\n{policy}\n")
        for file in folder.glob("*/*.yml") if renamed else ():
            text = file.read_text()
            for old, new in (renamed or {}).items():
                text = text.replace(old, new)
            file.write_text(text.replace("deny: [email]", "deny: [emoil]"))
        opened.append(answerable.open(folder, run="test"))
        return opened[-1]

    yield made
    for each in opened:
        each.close()


def said(answer: Answer) -> dict[str, Any]:
    """All of an answer but what is its own."""
    return {key: value for key, value in answer.model_dump(mode="json").items() if key not in OWN}


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("groups", ["{sales: {}}", "{everyone: {deny: [email]}}"], ids=["model", "column"])
def test_what_is_secret_gets_word_for_word_what_is_unknown(project: Callable[..., Project], surface: str, groups: str) -> None:
    whole = groups == "{sales: {}}"
    secret, unknown = (project(f"existence: secret\ngroups: {groups}", names) for names in ({}, RENAMED if whole else RENAMED_COLUMN))
    for name in SECRETS if whole else ("email", "mailboxes"):
        answers = SURFACES[surface](secret, name), SURFACES[surface](unknown, name)
        if surface != "schema":  # the table is called as before, in both
            assert said(answers[0]) == said(answers[1])
        assert answers[0].status == "declined"


def steps(shop: Project, surface: str, name: str) -> Counter[str]:
    """How often each function of answerable is called for an answer, when what is kept has been made."""
    found: Counter[str] = Counter()

    def count(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and "answerable" in frame.f_code.co_filename:
            found[f"{Path(frame.f_code.co_filename).name}:{frame.f_code.co_qualname}"] += 1

    SURFACES[surface](shop, name)
    gc.disable()  # what it collects is of other projects
    sys.setprofile(count)
    try:
        SURFACES[surface](shop, name)
    finally:
        sys.setprofile(None)
        gc.enable()
    return found


@pytest.mark.parametrize("surface", [surface for surface in SURFACES if surface not in ("thread", "schema")])
def test_what_is_secret_takes_the_same_steps_as_what_is_unknown(project: Callable[..., Project], surface: str) -> None:
    secret, unknown = (project("existence: secret\ngroups: {sales: {}}", names) for names in ({}, RENAMED))
    for name in ("customers", "mailboxes"):
        assert steps(secret, surface, name) == steps(unknown, surface, name)


@pytest.mark.parametrize(
    ("surface", "name"),
    [
        ("ask", "mailboxes"),
        ("ask", "average score"),
        ("split", "tier"),
        ("list", "customers"),
        ("definition", "mailboxes"),
        ("definition", "email"),
        ("definition", "customers"),
        ("count", "customers"),
        ("phrase", "mailboxes"),
        ("thread", "tier"),
        ("metric", "mailboxes"),
        ("metric", "gold_revenue"),
        ("metric", "customers.count"),
        ("join", "tier"),
        ("model", "customers"),
        ("where", "customer.tier"),
        ("table", "customers"),
        ("schema", "customers"),
    ],
)
def test_what_is_known_and_forbidden_is_denied_with_its_owner_and_policy_line(
    project: Callable[..., Project], surface: str, name: str
) -> None:
    shop = project("groups: {sales: {}}")
    answer = SURFACES[surface](shop, name)
    owner = "sales@shop.example" if name == "gold_revenue" else "crm@shop.example"
    assert answer.status == "denied" and f"Ask {owner} for it." in answer.text
    assert "policies/customers.yml:1" in " ".join(answer.policies)


@pytest.mark.parametrize("asked", ["what is email?", "customers known by email", "mailboxes"])
def test_a_denied_column_and_what_stands_on_it_name_their_owner(project: Callable[..., Project], asked: str) -> None:
    answer = project("groups:\n  everyone:\n    deny: [email]").ask(asked)
    assert answer.status == "denied" and "Ask crm@shop.example for it." in answer.text
    assert "policies/customers.yml:4" in answer.policies[0]


def test_the_record_names_the_lines_that_hide_a_secret_and_the_answer_does_not(project: Callable[..., Project]) -> None:
    shop = project("existence: secret\ngroups: {sales: {}}")
    for surface, name in (("ask", "mailboxes"), ("metric", "mailboxes"), ("table", "customers"), ("join", "tier")):
        answer = SURFACES[surface](shop, name)
        record = shop.journal.get(answer.id)
        assert record is not None
        assert "policies/customers.yml:1" in " ".join(record["policies"]) and "policies" not in answer.text and not answer.policies


def test_the_catalogue_tells_the_forbidden_from_the_unknown_and_the_secret_not(shop: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(shop, tmp_path / "copy"))
    (folder / "policies").mkdir()
    for existence, expected in (("known", 3), ("secret", 2)):
        (folder / "policies/customers.yml").write_text(f"model: customers\nexistence: {existence}\ngroups: {{sales: {{}}}}\n")
        results = {name: CliRunner().invoke(main, ["catalog", name, "--project", str(folder)]) for name in ("mailboxes", "mailbaxes")}
        assert results["mailboxes"].exit_code == expected and results["mailbaxes"].exit_code == 2
        assert ("Ask crm@shop.example" in results["mailboxes"].stderr) == (existence == "known")
    assert results["mailboxes"].stderr == "There is nothing called mailboxes that you may ask about.\n"
