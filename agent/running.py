"""A reading runs: compiled from what the asker sees, governed, and its rows fetched."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from answerable.agent.asked import Asked
from answerable.agent.plan import Reading, Result
from answerable.agent.sight import Sight, Sights
from answerable.agent.ties import one_more, tied
from answerable.context.catalog import Catalog
from answerable.context.compiler import Compiled, compile_query
from answerable.context.engines.base import Engine, Rows
from answerable.context.errors import EngineError, GuardError, PlanError
from answerable.context.guard import govern
from answerable.context.query import GovernedSQL, SemanticQuery


@dataclass(frozen=True)
class Runner:
    """Runs readings over one project's warehouse, under the rights of whoever asks."""

    catalog: Catalog
    engine: Engine
    sights: Sights

    def run(self, reading: Reading, sight: Sight, asked: Asked, timings: dict[str, float]) -> Result:
        with timed(timings, "compile"):
            compiled = reading.compiled or compile_query(reading.query, sight.catalog)
        with timed(timings, "govern"):
            sql = govern(compiled.tree, self.catalog, asked.principal, self.engine.site)
        asked.touched.ran(sql)
        asked.saw("plan", json.dumps(reading.query.as_data()))
        asked.saw("sql", sql.text)
        with timed(timings, "run"):
            rows = self._rows(sql)
        asked.saw("rows", f"{len(rows.rows)}")
        withheld = int(self.engine.run(sql.withheld).rows[0][0] or 0) if sql.withheld else 0
        return Result(
            reading.query, compiled, sql, rows, self._days(compiled, asked), self._tied(reading.query, rows, sight, asked), withheld
        )

    def _rows(self, sql: GovernedSQL) -> Rows:
        """The rows of a plan. Raises GuardError where an engine can't compute over masked values what it computes over plain ones."""
        try:
            return self.engine.run(sql)
        except EngineError as error:
            if error.kind == "failed" and sql.masked:
                are = "is" if len(sql.masked) == 1 else "are"
                raise GuardError(f"This can not be worked out from what is shown to you: {', '.join(sql.masked)} {are} masked.") from None
            raise

    def _tied(self, query: SemanticQuery, rows: Rows, sight: Sight, asked: Asked) -> bool:
        """Whether the limit left out rows that are as good as the last one."""
        more = None if rows.truncated else one_more(query, rows.rows)
        if more is None:
            return False
        compiled = compile_query(more, sight.catalog)
        found = self.engine.run(govern(compiled.tree, self.catalog, asked.principal, self.engine.site))
        return not found.truncated and tied(query, compiled.columns, found.rows)

    def _days(self, compiled: Compiled, asked: Asked) -> dict[str, dt.date]:
        """The day that each balance was taken from: an answer names it."""
        found: dict[str, dt.date] = {}
        for fact in compiled.facts:
            if fact.day is not None:
                day = self.engine.run(govern(fact.day, self.catalog, asked.principal, self.engine.site)).rows[0][0]
                found |= dict.fromkeys(fact.metrics, day) if day else {}
        return found

    def whole(self, result: Result, sight: Sight, asked: Asked, timings: dict[str, float]) -> Result:
        """The one number of a reading: of a breakdown, its total over the same rows, unless that would give away what it withholds."""
        query = result.query
        if not query.by or not query.metrics or result.withheld:
            return result
        total = query.model_copy(update={"by": (), "order": (), "limit": None, "having": (), "share": None})
        try:
            return self.run(Reading(total), sight, asked, timings)
        except PlanError:
            return result


@contextmanager
def timed(timings: dict[str, float], step: str) -> Iterator[None]:
    started = time.perf_counter()
    try:
        yield
    finally:
        timings[step] = round(timings.get(step, 0) + (time.perf_counter() - started) * 1000, 3)
