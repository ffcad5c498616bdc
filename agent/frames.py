"""The rows of an answer as a table of pyarrow, or as a data frame of what is installed. Both are imported when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from answerable.context.errors import UsageError

Columns = Sequence[dict[str, Any]]
Rows = Sequence[Sequence[Any]]


def arrow(columns: Columns, rows: Rows) -> Any:
    """A pyarrow table: numbers, texts, truths and, by the columns' types, dates and times. Raises UsageError without pyarrow."""
    try:
        import pyarrow as pa
    except ImportError:
        raise UsageError("Arrow needs the package pyarrow: pip install 'answerable[notebook]'.") from None
    return pa.table({column["name"]: _array(pa, [row[n] for row in rows], column["type"]) for n, column in enumerate(columns)})


def frame(columns: Columns, rows: Rows) -> Any:
    """A data frame of pandas, or of polars where pandas is not installed. Raises UsageError without either."""
    found = arrow(columns, rows)
    try:
        import pandas  # noqa: F401  # Arrow makes its frames

        return found.to_pandas()
    except ImportError:
        pass
    try:
        import polars

        return polars.from_arrow(found)
    except ImportError:
        raise UsageError("A data frame needs pandas or polars; answer.to_arrow() needs neither.") from None


def _array(pa: Any, values: list[Any], type: str) -> Any:
    if type in ("date", "time") and all(value is None or isinstance(value, str) for value in values):
        for kind in (pa.date32(), pa.timestamp("us")):
            try:
                return pa.array(values, pa.string()).cast(kind)
            except pa.ArrowInvalid:
                continue
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        try:
            return pa.array([None if value is None else float(value) for value in values])
        except (TypeError, ValueError):
            return pa.array([None if value is None else str(value) for value in values])
