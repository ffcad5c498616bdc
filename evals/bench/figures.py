"""What every part of the bench shares: a figure with its limit, and medians of things that take turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import duckdb
from answerable.context.query import GovernedSQL


@dataclass(frozen=True)
class Figure:
    """One measured value with its limit, and what it was measured against in the same run."""

    value: float
    unit: str
    limit: float | None
    """None for what is shown for comparison only."""
    better: Literal["lower", "higher"]
    against: str

    @property
    def holds(self) -> bool:
        if self.limit is None:
            return True
        return self.value <= self.limit if self.better == "lower" else self.value >= self.limit

    def data(self) -> dict[str, Any]:
        return asdict(self)


def once_ms(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def median_ms(work: Callable[[], object], times: int = 15) -> float:
    """The median time of a call in milliseconds, after one to warm up."""
    work()
    return statistics.median(once_ms(work) for _ in range(times))


def in_turns(works: Sequence[Callable[[], object]], times: int) -> list[float]:
    """The median milliseconds of each, after a round to warm up; they take turns, so that a slow moment of the machine meets all."""
    rounds = [[once_ms(work) for work in works] for _ in range(times + 1)][1:]
    return [statistics.median(column) for column in zip(*rounds, strict=True)]


def beside(connection: duckdb.DuckDBPyConnection, ours: GovernedSQL, theirs: str, times: int) -> float:
    """How many times as long our query takes as theirs."""
    mine, other = in_turns(
        [lambda: connection.execute(ours.text, ours.params or None).fetchall(), lambda: connection.execute(theirs).fetchall()], times
    )
    return mine / other
