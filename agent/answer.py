"""An answer: rows, a sentence whose every number is bound to a cell, and where it all came from. Knows no interface."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Literal

from answerable.agent import frames
from answerable.agent.plan import Gap, Span
from answerable.context.query import Column
from pydantic import BaseModel, ConfigDict

Status = Literal["answered", "clarify", "declined", "denied", "error"]


class Answer(BaseModel):
    """What every interface hands out; `.model_dump(mode="json")` is the contract's JSON."""

    model_config = ConfigDict(frozen=True)

    status: Status
    kind: Literal["data", "definition", "catalogue"] = "data"
    trust: Literal["verified", "governed", "endorsed_sql"] | None = None
    question: str = ""
    text: str = ""
    columns: tuple[dict[str, Any], ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    truncated: bool = False
    sql: str | None = None
    plan: dict[str, Any] | None = None
    grounding: tuple[Span, ...] = ()
    gaps: tuple[Gap, ...] = ()
    options: tuple[dict[str, Any], ...] = ()
    assumptions: tuple[str, ...] = ()
    freshness: tuple[dict[str, Any], ...] = ()
    definitions: tuple[dict[str, Any], ...] = ()
    policies: tuple[str, ...] = ()
    chart: dict[str, Any] | None = None
    numbers: tuple[dict[str, Any], ...] = ()
    """Each number of the text: as shown, and the cell (row, column) or the named count it is."""
    id: str = ""
    thread: str | None = None
    audience: tuple[str, ...] | None = None
    """The groups that may read it; None: the asker alone."""
    certificate: dict[str, Any] | None = None
    timings: dict[str, float] = {}
    usage: dict[str, Any] | None = None
    """What a language model used, where one was asked: its name, requests, tokens read and written, and cost."""

    def to_arrow(self) -> Any:
        """The rows as a pyarrow table. Raises UsageError without pyarrow."""
        return frames.arrow(self.columns, self.rows)

    def df(self) -> Any:
        """The rows as a data frame of pandas, or of polars. Raises UsageError without either."""
        return frames.frame(self.columns, self.rows)

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """The rows for any library that takes Arrow's streams, without a copy."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)


def column_data(column: Column) -> dict[str, Any]:
    """A column as the contract gives it."""
    role = "metric" if column.kind in ("metric", "change", "share") else column.kind
    data = {"name": column.name, "type": column.type, "unit": column.unit, role: column.target, "label": column.label}
    return {**data, "format": column.format} if column.format else data


def plain(value: Any) -> Any:
    """A cell as JSON has it: decimals are numbers, too large integers text, non-finite numbers null, times ISO 8601, lists lists."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return value if abs(value) <= 2**53 else str(value)
    if isinstance(value, (float, Decimal)):
        number = float(value)
        return (
            (int(number) if isinstance(value, Decimal) and value == value.to_integral_value() and abs(value) < 2**53 else number)
            if math.isfinite(number)
            else None
        )
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    return str(value)


def legible(value: Any) -> Any:
    """Texts without halves of characters, which nothing can write down; in lists and mappings too."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {legible(key): legible(inner) for key, inner in value.items()}
    return [legible(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def cells(rows: Iterable[Iterable[Any]]) -> tuple[tuple[Any, ...], ...]:
    """Rows as JSON has them."""
    return tuple(tuple(plain(value) for value in row) for row in rows)


def chart_of(columns: tuple[Column, ...], rows: list[tuple[Any, ...]]) -> dict[str, Any] | None:
    """The one chart that people would look at, as data: its mark and which columns it draws (UX.md, 6)."""
    keys = [c for c in columns if c.kind == "dimension"]
    values = [c for c in columns if c.kind == "metric"]
    if len(keys) not in (1, 2) or not values or len(rows) < 2:
        return None
    time = next((c for c in keys if c.type in ("date", "time")), None)
    others = [c for c in keys if c is not time]
    if time is None and len(keys) > 1:
        return None
    mark = "line" if time is not None and len({row[columns.index(time)] for row in rows}) >= 8 else "bar"
    x = time or keys[0]
    title = f"{values[0].label} by {' and '.join(c.label for c in keys)}"
    return {
        "mark": mark,
        "x": x.name,
        "y": values[0].name,
        "series": others[0].name if time and others else None,
        "title": title,
        "unit": values[0].unit,
    }
