"""Honest SQL gives exactly the rows that the engine gives without a gate, where nobody is kept from anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from answerable.context.engines.base import DUCKDB
from answerable.context.guard import govern_text
from answerable.context.loader import load
from answerable.context.policy import Principal

QUERIES = (Path(__file__).parents[1] / "fixtures" / "honest.sql").read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def bare(shop: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(":memory:")
    connection.execute((shop / "rows.sql").read_text())
    connection.execute("SET GLOBAL TimeZone = 'Europe/Berlin'")
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def gated(shop: Path, bare: duckdb.DuckDBPyConnection) -> Callable[[str], list[Any]]:
    """The rows of the governed text, on the same database."""
    catalog = load(shop)

    def rows(sql: str) -> list[Any]:
        governed = govern_text(sql, catalog, Principal(), DUCKDB)
        return bare.execute(governed.text, governed.params or None).fetchall()

    return rows


@pytest.mark.parametrize("sql", QUERIES, ids=range(1, len(QUERIES) + 1))
def test_an_honest_query_gives_its_rows(sql: str, gated: Callable[[str], list[Any]], bare: duckdb.DuckDBPyConnection) -> None:
    assert gated(sql) == bare.execute(sql).fetchall()
