"""The small shop under any policies, and what somebody gets when asking it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from answerable.context.catalog import visible
from answerable.context.compiler import compile_query
from answerable.context.engines.base import DUCKDB
from answerable.context.engines.duckdb import DuckDBEngine
from answerable.context.guard import govern, govern_text
from answerable.context.loader import load
from answerable.context.policy import Principal
from answerable.context.query import GovernedSQL, as_query
from answerable.context.settings import Limits

Rows = list[tuple[Any, ...]]


class Shop:
    """The shop as one loaded project, asked as a member of groups with attributes."""

    def __init__(self, folder: Path, engine: DuckDBEngine) -> None:
        self.folder, self.catalog, self.engine = folder, load(folder), engine

    def changed(self, files: dict[str, str]) -> Shop:
        """The same shop with other files."""
        for name, text in files.items():
            (self.folder / name).parent.mkdir(exist_ok=True)
            (self.folder / name).write_text(text)
        return Shop(self.folder, self.engine)

    def govern(self, asked: str | dict[str, Any], *groups: str, **attributes: Any) -> GovernedSQL:
        """SQL that somebody wrote, or a plan over what they may see."""
        principal = Principal("ana@shop.example", frozenset(groups), attributes)
        if isinstance(asked, str):
            return govern_text(asked, self.catalog, principal, DUCKDB)
        return govern(compile_query(as_query(asked), visible(self.catalog, principal)).tree, self.catalog, principal, DUCKDB)

    def ask(self, asked: str | dict[str, Any], *groups: str, **attributes: Any) -> Rows:
        return self.engine.run(self.govern(asked, *groups, **attributes)).rows

    def forced(self, plan: dict[str, Any], *groups: str, **attributes: Any) -> GovernedSQL:
        """A plan over the whole catalogue: what the gate itself says to what the asker should not even know."""
        principal = Principal("ana@shop.example", frozenset(groups), attributes)
        return govern(compile_query(as_query(plan), self.catalog).tree, self.catalog, principal, DUCKDB)


@pytest.fixture(scope="session")
def warehouse(shop: Path) -> Iterator[DuckDBEngine]:
    engine = DuckDBEngine(shop / "warehouse.duckdb", Limits(rows=1000, seconds=20, memory="1GB"), "Europe/Berlin")
    yield engine
    engine.close()


@pytest.fixture
def given(shop: Path, tmp_path: Path, warehouse: DuckDBEngine) -> Callable[..., Shop]:
    """`given()` is the shop; `given(customers="groups: …")` the shop with that policy."""

    def made(**policies: str) -> Shop:
        folder = tmp_path / "shop"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(shop, folder, ignore=shutil.ignore_patterns("*.duckdb", "*.sql"))
        return Shop(folder, warehouse).changed({f"policies/{model}.yml": f"model: {model}\n{text}\n" for model, text in policies.items()})

    return made
