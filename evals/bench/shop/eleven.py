"""The eleven questions of the shop: right beside SQL written by hand, and how fast they compile and run."""

from __future__ import annotations

import math
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from answerable.context import cache
from answerable.context.catalog import Catalog, visible
from answerable.context.compiler import compile_query
from answerable.context.engines.base import DUCKDB
from answerable.context.guard import govern
from answerable.context.loader import load, settings_of
from answerable.context.policy import Principal
from answerable.context.query import GovernedSQL, SemanticQuery
from answerable.evals.bench.figures import Figure, beside, median_ms

PROJECT, ROWS = Path(__file__).with_name("project"), Path(__file__).with_name("rows.sql")
FOLDER, KEPT = Path("build/shop"), "catalogue.pickle"
ITEMS, REPEATS, FIRST = 1_000_000, 9, 5
NOBODY = Principal()


@dataclass(frozen=True)
class Question:
    """A plan, and SQL for the same written by hand."""

    words: str
    plan: SemanticQuery
    by_hand: str


def shop() -> dict[str, Figure]:
    """The eleven questions on a million order items."""
    built(FOLDER, ITEMS)
    catalog = loaded(FOLDER)
    asked = questions(catalog)
    with warehouse(FOLDER) as connection:
        right = [q for q in asked if is_right(connection, q, catalog)]
        ratios = [(beside(connection, governed(q, catalog), q.by_hand, REPEATS), q.words) for q in asked]
    compiled = [median_ms(lambda q=q: compile_query(q.plan, catalog)) for q in asked]  # type: ignore[misc]
    texts = [median_ms(lambda q=q: governed(q, catalog)) for q in asked]  # type: ignore[misc]
    first = [first_ms(FOLDER, number) for number in range(len(asked))]
    wrong = ", ".join(q.words for q in asked if q not in right)
    slowest, slowest_first = asked[compiled.index(max(compiled))].words, asked[first.index(max(first))].words
    (_, before_worst), worst = sorted(ratios)[-2:]
    return {
        "shop: right beside SQL by hand": Figure(len(right), "", len(asked), "higher", wrong or f"all of {len(asked)}, with orphan keys"),
        "shop: compile a plan, warm, median": Figure(
            statistics.median(compiled), "ms", 3, "lower", f"worst {max(compiled):.1f}: {slowest}"
        ),
        "shop: compile a plan, first in a process, median": Figure(
            statistics.median(first), "ms", 3, "lower", f"worst {max(first):.1f}: {slowest_first}"
        ),
        "shop: plan to governed SQL, warm, median": Figure(statistics.median(texts), "ms", 6, "lower", f"worst {max(texts):.1f}"),
        "shop: run / SQL by hand, median": Figure(
            statistics.median(ratio for ratio, _ in ratios), "×", 1.1, "lower", f"{ITEMS:,} order items"
        ),
        "shop: run / SQL by hand, worst": Figure(worst[0], "×", 1.5, "lower", f"{worst[1]}; then {before_worst}"),
    }


def built(folder: Path, items: int) -> None:
    """Write the project into `folder`, and its warehouse where it isn't there as rows.sql says."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(PROJECT, folder, dirs_exist_ok=True)
    stamp, said = folder / "rows.txt", f"{items}\n{ROWS.read_text()}"
    if stamp.is_file() and stamp.read_text() == said:
        return
    (folder / "warehouse.duckdb").unlink(missing_ok=True)
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        connection.execute(f"set variable items = {items}")
        connection.execute(ROWS.read_text())
    stamp.write_text(said)


def loaded(folder: Path) -> Catalog:
    """The catalogue as an asker sees it; kept beside the project for `first.py`."""
    catalog = visible(load(folder), NOBODY)
    cache.write(folder / KEPT, cache.key(folder, settings_of(folder, str)[1]), catalog)
    return catalog


def questions(catalog: Catalog) -> list[Question]:
    return [Question(v.question, v.plan, v.source.sql) for v in catalog.verified if v.plan and v.source.sql]


def governed(question: Question, catalog: Catalog) -> GovernedSQL:
    return govern(compile_query(question.plan, catalog).tree, catalog, NOBODY, DUCKDB)


@contextmanager
def warehouse(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """One thread: how many cores are free at a moment would be measured otherwise."""
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True, config={"threads": 1}) as connection:
        yield connection


def is_right(connection: duckdb.DuckDBPyConnection, question: Question, catalog: Catalog) -> bool:
    """Whether both give the same rows, in the same order."""
    sql = governed(question, catalog)
    ours = connection.execute(sql.text, sql.params or None).fetchall()
    return same(ours, connection.execute(question.by_hand).fetchall())


def same(ours: Sequence[Sequence[Any]], theirs: Sequence[Sequence[Any]]) -> bool:
    """Whether rows are equal: numbers of any type up to the order in which they were added."""
    return len(ours) == len(theirs) and all(len(a) == len(b) and all(map(_same_cell, a, b)) for a, b in zip(ours, theirs, strict=True))


def _same_cell(ours: Any, theirs: Any) -> bool:
    if ours is None or theirs is None or isinstance(ours, str):
        return bool(ours == theirs)
    return math.isclose(ours, theirs, rel_tol=1e-9) if hasattr(ours, "__float__") else bool(ours == theirs)


def first_ms(folder: Path, number: int) -> float:
    """The median of the first compile of a question, each in a process of its own."""
    command = [sys.executable, "-m", "answerable.evals.bench.shop.first", str(folder), str(number)]
    return statistics.median(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout) for _ in range(FIRST))
