"""A project on PostgreSQL from its first file to its answers, by the command line."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from answerable.integrations import app
from answerable.integrations.cli import main
from click.testing import CliRunner, Result
from postgres_server import READER, Server

Run = Callable[..., Result]
FINN, SUE = "finn@alder.example", "sue@alder.example"


@pytest.fixture
def project(demo: Path, demo_on_postgres: str, tmp_path: Path) -> Path:
    """The demo's project with its rows on PostgreSQL."""
    folder = tmp_path / "demo"
    shutil.copytree(demo, folder, ignore=shutil.ignore_patterns("*.duckdb*", ".answerable", "__pycache__"))
    settings = (folder / "answerable.yml").read_text()
    (folder / "answerable.yml").write_text(settings.replace("duckdb:alder.duckdb", demo_on_postgres))
    return folder


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def test_a_first_project_is_drafted_from_the_tables_and_keeps_no_password(postgres: Server, demo_on_postgres: str, tmp_path: Path) -> None:
    url = postgres.of("alder", READER, password="opensesame")
    result = run("init", "--warehouse", url, "--out", str(tmp_path), "--name", "Alder")
    assert result.exit_code == 0 and "set PGPASSWORD" in result.output, result.output
    model = yaml.safe_load((tmp_path / "models/orders.yml").read_text())
    assert (model["table"], model["primary_key"], model["time"]) == ("shop.orders", "order_id", "ordered_at")
    assert model["joins"]["customer"]["model"] == "customers"
    assert model["dimensions"]["amount"] == {"type": "number"} and model["dimensions"]["status"] == {}
    assert "opensesame" not in "".join(file.read_text() for file in tmp_path.rglob("*.yml"))
    checked = run("check", "--project", str(tmp_path))
    assert checked.exit_code == 0 and "0 errors, 0 warnings" in checked.output, checked.output


@pytest.mark.parametrize(
    ("question", "user"),
    [("revenue by region last month", None), ("new customers by tier in 2025", FINN), ("gross margin by month in 2025", FINN),
     ("new customers by week last quarter", SUE), ("top 5 products by revenue in 2025", FINN)],
)  # fmt: skip
def test_a_question_has_the_same_answer_on_both(question: str, user: str | None, project: Path, demo: Path, tmp_path: Path) -> None:
    answers = []
    for folder in (demo, project):
        words = ["ask", question, "--project", str(folder), "--state", str(tmp_path / folder.parent.name), "--json"]
        answers.append(json.loads(run(*words, *(["--as", user] if user else [])).stdout))
    ours, theirs = answers[1], answers[0]
    assert ours["status"] == "answered"
    for key in ("text", "rows", "plan", "columns", "trust", "freshness", "assumptions", "policies", "chart"):
        assert ours[key] == theirs[key], key


def test_sent_sql_passes_the_gate_with_the_masks_of_who_asks(project: Path) -> None:
    sql = "select left(email, 6), phone from customers where customer_id = 1"
    masked = json.loads(run("sql", sql, "--project", str(project), "--as", SUE, "--json").stdout)
    whole = json.loads(run("sql", sql, "--project", str(project), "--as", FINN, "--json").stdout)
    (cell,), (bare,) = ([row[0] for row in answer["rows"]] for answer in (masked, whole))
    assert cell == bare[:2] + "***" and masked["rows"][0][1].startswith("***")
    denied = run("sql", "select rolname from pg_catalog.pg_roles", "--project", str(project))
    assert denied.exit_code == 3 and "no endorsed model" in denied.output


def test_the_verified_questions_are_right(project: Path) -> None:
    result = run("verified", "run", "--project", str(project))
    assert result.exit_code == 0, result.output


def test_check_finds_what_the_database_does_not_have(project: Path) -> None:
    orders = project / "models/orders.yml"
    orders.write_text(orders.read_text().replace("expr: max(amount)", "expr: max(Amount)"))
    result = run("check", "--project", str(project))
    assert result.exit_code == 1 and "column Amount, which largest_order names" in result.output and "rename to amount" in result.output


def test_check_finds_what_the_database_can_not_work_out(project: Path) -> None:
    orders = project / "models/orders.yml"
    text = orders.read_text().replace("expr: max(amount)", "expr: max(try_cast(status as int))")
    orders.write_text(text.replace("expr: sum(shipping_fee)", "expr: sum(status)"))
    result = run("check", "--project", str(project))
    assert result.exit_code == 1 and "2 errors" in result.output, result.output
    assert "the metric largest_order can not be said to the warehouse" in result.output and "which has no try_cast" in result.output
    assert "can not work out the metric shipping_fees" in result.output and "UndefinedFunction" in result.output


def test_without_the_driver_the_mend_is_told(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "answerable.context.engines.postgres", None)
    result = run("ask", "revenue last month", "--project", str(project))
    assert result.exit_code == 1 and "pip install 'answerable[postgres]'" in result.output


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("postgresql://ana:secret@host:5432/db?sslmode=require", "postgresql://ana@host:5432/db?sslmode=require"),
        ("postgresql://ana@/db?host=/run/postgresql&password=secret", "postgresql://ana@/db?host=/run/postgresql"),
        ("postgresql:///db", "postgresql:///db"),
    ],
)
def test_a_url_is_written_to_a_file_without_its_password(url: str, kept: str, tmp_path: Path) -> None:
    assert app.seen_from(tmp_path, url) == kept
