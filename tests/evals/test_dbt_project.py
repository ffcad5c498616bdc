"""Somebody else's models and tables: dbt's manifest is imported, and plain questions about it are answered as hand-written SQL says."""

import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import answerable
import pytest
from answerable.agent.ask import Project
from answerable.context.importers.dbt import read_manifest
from answerable.context.importers.project import write_project
from answerable.context.query import GovernedSQL

SOURCE = Path(__file__).parents[3] / "shared" / "data" / "metricflow"
pytestmark = pytest.mark.skipif(not SOURCE.is_dir(), reason="../shared/data/metricflow is not there")

QUESTIONS = [
    (
        "how many bookings were there in january 2020",
        "select count(*) from src.fct_bookings where ds >= '2020-01-01' and ds < '2020-02-01'",
    ),
    ("booking value in january 2020", "select sum(booking_value) from src.fct_bookings where ds >= '2020-01-01' and ds < '2020-02-01'"),
    ("total booking value", "select sum(booking_value) from src.fct_bookings"),
    (
        "booking value by country latest in 2020",
        "select country, sum(booking_value) from src.fct_bookings left join src.dim_listings_latest using (listing_id) "
        "where ds >= '2020-01-01' and ds < '2021-01-01' group by all",
    ),
    ("average booking value", "select avg(booking_value) from src.fct_bookings"),
    ("bookers in january 2020", "select count(distinct guest_id) from src.fct_bookings where ds >= '2020-01-01' and ds < '2020-02-01'"),
    ("views in january 2020", "select count(*) from src.fct_views where ds >= '2020-01-01' and ds < '2020-02-01'"),
    ("max booking value in 2020", "select max(booking_value) from src.fct_bookings where ds >= '2020-01-01' and ds < '2021-01-01'"),
    (
        "bookings by month in 2020",
        "select date_trunc('month', ds)::date, count(*) from src.fct_bookings where ds >= '2020-01-01' and ds < '2021-01-01' group by all",
    ),
    (
        "bookings by month and capacity latest in january 2020",
        "select date_trunc('month', ds)::date, capacity, count(*) "
        "from src.fct_bookings left join src.dim_listings_latest using (listing_id) "
        "where ds >= '2020-01-01' and ds < '2020-02-01' group by all",
    ),
]


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("metricflow")
    subprocess.run([sys.executable, str(SOURCE / "load_tables.py"), str(folder / "w.duckdb")], check=True, capture_output=True)
    write_project(
        read_manifest(SOURCE / "manifests_json" / "simple_manifest.json"), folder / "project", "Listings", f"duckdb:{folder / 'w.duckdb'}"
    )
    with answerable.open(folder / "project", run="test") as project:
        yield project


@pytest.mark.parametrize(("question", "sql"), QUESTIONS, ids=[q for q, _ in QUESTIONS])
def test_a_question_about_imported_models_is_answered_as_the_sql_says(imported: Project, question: str, sql: str) -> None:
    answer = imported.ask(question)
    assert answer.status == "answered", answer.text
    assert comparable(answer.rows) == comparable(imported.engine.run(GovernedSQL(sql)).rows)


def comparable(rows: Iterable[Iterable[Any]]) -> list[list[str]]:
    """Rows in any order and with their columns in any order, as texts."""
    return sorted(sorted(str(round(float(cell), 6)) if isinstance(cell, (int, float)) else str(cell) for cell in row) for row in rows)
