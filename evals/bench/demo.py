"""On the demo: start of a process, planning, execution beside hand-written SQL."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import answerable
import duckdb
from answerable.agent import embedded
from answerable.agent.when import Reader
from answerable.context.compiler import compile_query
from answerable.context.engines.base import DUCKDB
from answerable.context.guard import govern
from answerable.context.policy import Principal
from answerable.evals.bench.figures import Figure, beside, median_ms, once_ms

DEMO = Path("demo")
QUESTIONS = (
    "revenue last month", "revenue by region last quarter", "top 5 stores by revenue in 2025", "orders by month this year",
    "average order value by product category last month", "revenue from gold customers last year", "how many customers do we have",
    "refund rate by channel in 2025", "revenue and orders by store in Q4 2025", "which brand had the highest revenue last year",
)  # fmt: skip
EVERYTHING = Principal("bench", frozenset({"finance"}))


def start() -> dict[str, Figure]:
    """A whole process that answers a question, beside one that only imports its three libraries."""
    with tempfile.TemporaryDirectory() as state:
        ask = [
            sys.executable,
            "-m",
            "answerable",
            "ask",
            "revenue by region last month",
            "--json",
            "--project",
            str(DEMO),
            "--state",
            state,
        ]
        bare = [sys.executable, "-c", "import duckdb, sqlglot, pydantic"]
        subprocess.run(ask, check=True, capture_output=True)
        pairs = [(_process(ask), _process(bare)) for _ in range(9)]
    ratio = statistics.median(a for a, _ in pairs) / statistics.median(b for _, b in pairs)
    against = f"bare imports, {statistics.median(b for _, b in pairs):.0f} ms"
    return {"ask as a process / bare imports": Figure(ratio, "×", 3, "lower", against)}


def _process(command: list[str]) -> float:
    return once_ms(lambda: subprocess.run(command, check=True, capture_output=True))


def plan() -> dict[str, Figure]:
    """In process: a question to governed SQL, and a plan to a tree."""
    with tempfile.TemporaryDirectory() as state, answerable.open(DEMO, state=Path(state)) as project:
        sight = project.sights.of(EVERYTHING)
        reader = Reader(project.today(), project.catalog.settings)

        def to_sql(question: str) -> None:
            reading = embedded.plan(question, sight.lexicon, reader).readings[0]
            govern(compile_query(reading.query, sight.catalog).tree, project.catalog, EVERYTHING, DUCKDB)

        asked = [median_ms(lambda q=q: to_sql(q)) for q in QUESTIONS]  # type: ignore[misc]
        plans = [v.plan for v in project.catalog.verified if v.plan]
        compiled = [median_ms(lambda p=p: compile_query(p, sight.catalog), 7) for p in plans]  # type: ignore[misc]
        trees = [compile_query(p, sight.catalog).tree for p in plans]
        gated = [median_ms(lambda t=t: govern(t, project.catalog, EVERYTHING, DUCKDB), 7) for t in trees]  # type: ignore[misc]
    return {
        "question to governed SQL, median": Figure(statistics.median(asked), "ms", 10, "lower", f"{len(QUESTIONS)} questions on the demo"),
        "compile a plan, median": Figure(statistics.median(compiled), "ms", 3, "lower", f"{len(plans)} verified plans"),
        "gate on a compiled tree, median": Figure(statistics.median(gated), "ms", 3, "lower", f"{len(trees)} verified plans"),
    }


def execute() -> dict[str, Figure]:
    """Generated SQL beside the SQL that was written by hand for the same verified question, on the demo at scale 20."""
    folder = Path("build/alder-20")
    if not (folder / "alder.duckdb").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [sys.executable, str(DEMO / "generate.py"), "--scale", "20", "--out", str(folder / "alder.duckdb")],
            check=True,
            capture_output=True,
        )
    ratios = []
    with tempfile.TemporaryDirectory() as state, answerable.open(DEMO, state=Path(state)) as project:
        seen = project.sights.of(EVERYTHING).catalog
        connection = duckdb.connect(str(folder / "alder.duckdb"), read_only=True)
        for question in project.catalog.verified:
            if question.plan and question.source.sql:
                ours = govern(compile_query(question.plan, seen).tree, project.catalog, EVERYTHING, DUCKDB)
                ratios.append((beside(connection, ours, question.source.sql, 6), question.question))
        connection.close()
    worst = max(ratios)
    return {
        "run generated / hand-written SQL, median": Figure(
            statistics.median(r for r, _ in ratios), "×", 1.1, "lower", f"{len(ratios)} verified questions, 1M orders"
        ),
        "run generated / hand-written SQL, worst": Figure(worst[0], "×", 1.5, "lower", worst[1]),
    }
