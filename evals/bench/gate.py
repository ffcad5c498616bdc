"""The gate: on sent text beside what its parser takes alone, how soon a cancel works, and a whole governed query beside a bare one."""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import answerable
import duckdb
import sqlglot
from answerable.agent.ask import Project
from answerable.context.catalog import Catalog
from answerable.context.engines.base import Site
from answerable.context.errors import EngineError
from answerable.context.guard import govern_text
from answerable.context.policy import Principal
from answerable.context.query import GovernedSQL
from answerable.evals.bench.figures import Figure, in_turns

ROWS = 1_000_000
ASKER = Principal("bench", frozenset({"some"}), {"region": "EU"})
FILES = {
    "answerable.yml": "name: Bench\nwarehouse: duckdb:warehouse.duckdb\n",
    "models/sales.yml": """
model: sales
table: main.sales
endorsed: true
primary_key: sale_id
joins: {store: {model: stores, on: store_id}}
dimensions: {region: {}, status: {}, channel: {}, amount: {type: number}, sold_on: {type: time, grain: day}}
""",
    "models/stores.yml": "model: stores\ntable: main.stores\nendorsed: true\nprimary_key: store_id\ndimensions: {city: {}}\n",
    "policies/sales.yml": 'model: sales\ngroups: {some: {rows: "region = {user.region}"}}\n',
}
TABLES = f"""
create table sales as select i as sale_id, i % 997 as store_id, ['EU', 'US', 'EU'][1 + i % 3] as region,
    ['paid', 'open', 'void'][1 + i % 7 % 3] as status, 'c' || i % 12 as channel, (i % 900) * 1.25 as amount,
    date '2024-01-01' + (i % 700)::int as sold_on from range({ROWS}) t(i);
create table stores as select i as store_id, 'city ' || i % 60 as city from range(997) t(i);
"""
BARE = (
    "select channel, sum(amount) as total, count(*) as n from {sales} group by channel order by 1",
    "select date_trunc('month', sold_on) as m, st.city, sum(amount) as total from {sales} s join stores st using (store_id)"
    " where status = 'paid' group by 1, 2 order by 1, 2",
    "select count(distinct store_id), median(amount) from {sales} where sold_on >= date '2025-01-01'",
    "select channel, sold_on, total, sum(total) over (partition by channel order by sold_on) as running"
    " from (select channel, sold_on, sum(amount) as total from {sales} group by 1, 2) t order by 1, 2",
)
HEAVY = "select count(*) from sales a, sales b where a.amount * b.amount = 0.123"


def text(size: int) -> str:
    """A query with two CTEs, a join and a window, of about so many characters."""
    columns = ["sum(amount) as total", "count(*) as n"]
    while True:
        n = len(columns)
        made = f"""with m as (select date_trunc('month', sold_on) as month, channel, {", ".join(columns)} from sales
            where status = 'paid' and sold_on >= date '2025-01-01' group by 1, 2),
            k as (select month, channel, total, lag(total) over (partition by channel order by month) as before from m)
            select k.month, k.channel, k.total, case when k.before > 0 then k.total / k.before - 1 end as growth
            from k join m on m.month = k.month and m.channel = k.channel where k.total > 100 order by 1, 2"""
        if len(made) >= size:
            return made
        columns.append(f"sum(case when status = 'open' and channel = 'c{n}' and amount > {n} then amount else 0 end) as total_{n}")


def gate() -> dict[str, Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, content in FILES.items():
            (folder / file).parent.mkdir(exist_ok=True)
            (folder / file).write_text(content)
        with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
            connection.execute(TABLES)
        with answerable.open(folder, run="eval") as project:
            found = {**_texts(project), **_cancel(project)}
            catalog, site = project.catalog, project.engine.site
        return {**found, **_whole(folder / "warehouse.duckdb", catalog, site)}


def _texts(project: Project) -> dict[str, Figure]:
    found = {}
    for size, limit in ((2_000, 15), (20_000, 120)):
        sent = text(size)
        ours, parser = in_turns(
            [
                lambda sent=sent: govern_text(sent, project.catalog, ASKER, project.engine.site),  # type: ignore[misc]
                lambda sent=sent: sqlglot.parse_one(sent, dialect="duckdb").sql("duckdb"),  # type: ignore[misc]
            ],
            15,
        )
        kb = f"{size // 1000} KB"
        found[f"gate on sent SQL of {kb}"] = Figure(ours, "ms", limit, "lower", f"{len(sent)} characters")
        found[f"gate on sent SQL of {kb} / sqlglot"] = Figure(ours / parser, "×", 3, "lower", f"parse and generate alone: {parser:.1f} ms")
    return found


def _cancel(project: Project) -> dict[str, Figure]:
    def late(sent: bool) -> float:
        ended: list[float] = []
        begun = threading.Event()

        def ask() -> None:
            begun.set()
            try:
                project.engine.run(GovernedSQL(HEAVY, sent=sent))
            except EngineError:
                ended.append(time.perf_counter())

        thread = threading.Thread(target=ask)
        thread.start()
        begun.wait()
        time.sleep(0.3)
        cancelled = time.perf_counter()
        project.engine.cancel()
        thread.join()
        return (ended[0] - cancelled) * 1000

    project.engine.run(GovernedSQL("select 1", sent=True))  # a child that is warm
    return {
        f"cancel of {what}": Figure(statistics.median(late(sent) for _ in range(5)), "ms", 50, "lower", "a cross join of 1M rows by 1M")
        for what, sent in (("a plan's query", False), ("sent SQL in its process", True))
    }


def _whole(file: Path, catalog: Catalog, site: Site) -> dict[str, Figure]:
    """Gate and execution of sent SQL, beside the same query with the policy's condition written by hand."""
    with duckdb.connect(str(file), read_only=True, config={"threads": 1}) as connection:
        ratios = []
        for query in BARE:
            sent, bare = query.format(sales="sales"), query.format(sales="(select * from sales where region = 'EU')")

            def ours(sent: str = sent) -> object:
                made = govern_text(sent, catalog, ASKER, site)
                return connection.execute(made.text, made.params).fetchall()

            works: list[Callable[[], object]] = [ours, lambda bare=bare: connection.execute(bare).fetchall()]  # type: ignore[misc]
            mine, theirs = in_turns(works, 9)
            ratios.append(mine / theirs)
    against = f"{len(ratios)} queries over {ROWS:,} rows; worst {max(ratios):.2f}×"
    return {"gate and query / the query bare, median": Figure(statistics.median(ratios), "×", 1.15, "lower", against)}
