"""The rows of an answer as files (CSV, JSON lines, Arrow), and its chart as a picture."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable

from answerable.agent.answer import Answer
from answerable.integrations.printing import still

MEDIA = {
    "csv": "text/csv; charset=utf-8", "json": "application/x-ndjson", "arrow": "application/vnd.apache.arrow.stream",
    "svg": "image/svg+xml", "png": "image/png",
}  # fmt: skip


def as_csv(answer: Answer) -> bytes:
    """For a spreadsheet: a text that it would run gets an apostrophe before it."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([still(column["name"]) for column in answer.columns])
    writer.writerows([still(cell) for cell in row] for row in answer.rows)
    return out.getvalue().encode()


def as_json_lines(answer: Answer) -> bytes:
    names = [column["name"] for column in answer.columns]
    lines = (json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) for row in answer.rows)
    return "".join(f"{line}\n" for line in lines).encode()


def as_arrow(answer: Answer) -> bytes:
    import pyarrow as pa

    found, out = answer.to_arrow(), io.BytesIO()
    with pa.ipc.new_stream(out, found.schema) as stream:
        stream.write_table(found)
    return out.getvalue()


WRITERS: dict[str, Callable[[Answer], bytes]] = {"csv": as_csv, "json": as_json_lines, "arrow": as_arrow}
