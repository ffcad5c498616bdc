"""`policy show` and `audit`: what one person sees and why, and who asked what."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from answerable.integrations.cli import main
from click.testing import CliRunner, Result

CUSTOMERS = """model: customers
groups:
  gold:
    rows: "tier = {user.tier}"
    mask:
      email: hash
      name: redact
    deny: [score]
  press:
    rows: member
    mask: {name: first 1, email: redact}
    deny: [score, born]
  bosses: {}
existence: secret
"""
USERS = """users:
  ana: {groups: [gold], attributes: {tier: gold}}
  eve: {groups: [gold]}
  bo: {groups: [gold, press], attributes: {tier: gold}}
  max: {groups: [bosses]}
  dee: {}
"""


@pytest.fixture
def folder(shop: Path, tmp_path: Path) -> Path:
    folder = Path(shutil.copytree(shop, tmp_path / "shop"))
    (folder / "policies").mkdir()
    (folder / "policies/customers.yml").write_text(CUSTOMERS)
    (folder / "policies/stock.yml").write_text("model: stock\ngroups: {bosses: {}}\n")
    (folder / "policies/users.yml").write_text(USERS)
    return folder


def run(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(main, [*words, "--project", str(folder)])


def shown(folder: Path, user: str, model: str = "customers") -> dict[str, Any]:
    data: dict[str, Any] = json.loads(run(folder, "policy", "show", model, "--as", user, "--json").output)
    return data


def verdicts(found: dict[str, Any], key: str = "dimensions") -> dict[str, tuple[str, str, list[str]]]:
    return {v["name"]: (v["kind"], v["says"], v["lines"]) for v in found[key]}


def test_each_verdict_has_its_line(folder: Path) -> None:
    found = shown(folder, "ana")
    assert (found["access"]["kind"], found["access"]["lines"]) == ("open", ["policies/customers.yml:3"])
    assert (found["rows"]["says"], found["rows"]["lines"]) == ("tier = {user.tier}", ["policies/customers.yml:4"])
    assert (found["attributes"], found["existence"], found["owner"]) == ({"tier": "gold"}, "secret", "crm@shop.example")
    assert verdicts(found) == {
        "name": ("masked", "redact", ["policies/customers.yml:7"]),
        "email": ("masked", "hash", ["policies/customers.yml:6"]),
        "tier": ("shown", "as it is", []),
        "score": ("denied", "it does not exist for them", ["policies/customers.yml:8"]),
        "born": ("shown", "as it is", []),
        "member": ("shown", "as it is", []),
        "initial": ("shown", "as it is", []),
    }


def test_a_metric_over_a_denied_column_says_what_it_follows_from(folder: Path) -> None:
    assert verdicts(shown(folder, "ana"), "metrics")["average_score"] == (
        "denied",
        "it reads customers.score: it does not exist for them",
        ["policies/customers.yml:8"],
    )
    found = verdicts(shown(folder, "dee", "orders"), "metrics")
    assert found["gold_revenue"] == ("denied", "it reads customers.tier: its model is closed", ["policies/customers.yml:1"])
    assert found["revenue"][0] == "shown"


def test_of_two_groups_the_lines_that_win_are_named(folder: Path) -> None:
    found = shown(folder, "bo")
    assert found["rows"]["says"] == "tier = {user.tier} or member"
    assert found["rows"]["lines"] == ["policies/customers.yml:4", "policies/customers.yml:10"]
    names = verdicts(found)
    assert names["name"] == ("masked", "first 1", ["policies/customers.yml:11"])
    assert names["email"] == ("masked", "hash", ["policies/customers.yml:6"])
    assert names["score"] == ("denied", "it does not exist for them", ["policies/customers.yml:8", "policies/customers.yml:12"])
    assert names["born"][0] == "shown"


@pytest.mark.parametrize(
    ("user", "says", "lines"),
    [
        ("eve", "the attribute tier is missing, so nothing is seen", ["policies/customers.yml:4"]),
        ("dee", "its policy names none of the groups", ["policies/customers.yml:1"]),
    ],
)
def test_why_a_model_is_closed(folder: Path, user: str, says: str, lines: list[str]) -> None:
    found = shown(folder, user)
    assert (found["access"]["kind"], found["access"]["says"], found["access"]["lines"]) == ("closed", says, lines)
    assert found["rows"] is None and {v["kind"] for v in found["dimensions"]} == {"denied"}


def test_in_words_and_a_line_for_each_model(folder: Path) -> None:
    whole = run(folder, "policy", "show", "customers", "--as", "ana").output
    assert "rows                     tier = {user.tier}, with tier = gold  [policies/customers.yml:4]" in whole
    assert "denied: it does not exist for them  [policies/customers.yml:8]" in whole and "secret: what is hidden is told" in whole
    lines = run(folder, "policy", "show", "--as", "dee").output.splitlines()
    assert [line for line in lines if line.startswith("customers")] == ["customers            closed   its policy names none of the groups"]
    assert [line for line in lines if line.startswith("regions")] == ["regions              open     all rows"]


@pytest.mark.parametrize("words", [("--as", "nobody@x"), ("custmers", "--as", "ana")])
def test_an_unknown_user_or_model_is_a_usage_error(folder: Path, words: tuple[str, ...]) -> None:
    result = run(folder, "policy", "show", *words)
    assert result.exit_code == 2 and ("no user nobody@x" in result.stderr or "Nearest: customers" in result.stderr)


def test_the_audit_says_who_asked_what_and_which_lines_decided(folder: Path) -> None:
    run(folder, "ask", "customers known", "--as", "ana")
    run(folder, "ask", "average score", "--as", "dee")
    run(folder, "query", "--metric", "pieces_in_stock", "--as", "dee")
    run(folder, "sql", "select name from customers", "--as", "ana")
    run(folder, "sql", "select score from customers", "--as", "ana")
    run(folder, "ask", "revenue")
    records = [json.loads(line) for line in run(folder, "audit", "--json").output.splitlines()]
    assert [(r["principal"], r["surface"], r["status"], r["models"]) for r in records] == [
        ("ana", "cli", "answered", ["customers"]),
        ("dee", "cli", "declined", []),  # a secret: told as unknown, and here with the line that hides it
        ("dee", "cli", "denied", []),
        ("ana", "sql", "answered", ["customers"]),
        ("ana", "sql", "declined", []),
        (None, "cli", "answered", ["orders"]),
    ]
    decided = [" ".join(r["policies"]) for r in records]
    expected = ["customers.yml:3", "customers.yml:1", "stock.yml:1", "customers.yml:3", "customers.yml:8"]
    assert all(f"policies/{line}" in said for line, said in zip(expected, decided, strict=False)) and not decided[-1]
    mine = run(folder, "audit", "--user", "ana").output
    assert "select name from customers" in mine and "average score" not in mine and mine.endswith("3 questions of 1 person\n")
    assert "policy   customers: rows where (tier = {user.tier}) (policies/customers.yml:3: group gold)" in mine


def test_the_audit_is_of_days_with_both_ends(folder: Path) -> None:
    run(folder, "ask", "revenue", "--as", "ana")
    day = json.loads(run(folder, "audit", "--json").output)["at"][:10]
    assert run(folder, "audit", "--since", day, "--until", day).output.endswith("1 questions of 1 person\n")
    assert run(folder, "audit", "--until", "2020-01-01").output == "0 questions of 0 people\n"
    assert run(folder, "audit", "--since", day, "--until", "2020-01-01").exit_code == 2
