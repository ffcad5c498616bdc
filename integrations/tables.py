"""The rows of an answer as a table: no boxes, one rule, bars; where it does not fit, each row is a block of lines. No number is cut."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from answerable.agent import wording
from answerable.context.query import Column
from answerable.integrations.page import filled, folded, write
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

BAR = 22
NARROW = 12
"""The least that a column of texts is folded to."""
Row = Sequence[Any]


def table(columns: Sequence[Column], rows: Sequence[Row], out: Console) -> None:
    """Print rows under their heads."""
    heads = [head(column) for column in columns]
    cells = [[cell(value, column) for value, column in zip(row, columns, strict=True)] for row in rows]
    numbers = [column.type == "number" and column.kind != "dimension" for column in columns]
    widths = [max(cell_len(said), *(cell_len(row[i]) for row in cells), 0) for i, said in enumerate(heads)]
    fitted = _fitted(widths, numbers, out.width)
    if fitted is None:
        _blocks(heads, cells, out)
        return
    wide = sum(fitted) + 2 * (len(fitted) - 1)
    bars = _bars(rows, columns) if wide + BAR + 2 <= out.width else []
    _print(heads, fitted, numbers, out, "bold")
    write(out, "─" * (wide + (BAR + 2 if bars else 0)))
    for n, row in enumerate(cells):
        _print(row, fitted, numbers, out, bar=bars[n] if bars else "")


def _fitted(widths: list[int], numbers: list[bool], room: int) -> list[int] | None:
    """The widths with columns of texts made as narrow as they must be; None where that is not enough."""
    widths = list(widths)
    while (over := sum(widths) + 2 * (len(widths) - 1) - room) > 0:
        texts = [i for i, number in enumerate(numbers) if not number and widths[i] > NARROW]
        if not texts:
            return None
        widest = max(texts, key=lambda i: widths[i])
        second = max([NARROW, *(widths[i] for i in texts if widths[i] < widths[widest])])
        widths[widest] = max(second, widths[widest] - over, NARROW) if widths[widest] > second else widths[widest] - 1
    return widths


def _print(row: list[str], widths: list[int], numbers: list[bool], out: Console, style: str = "", bar: str = "") -> None:
    parts = [[text] if number else folded(text, width) for text, width, number in zip(row, widths, numbers, strict=True)]
    for n, line in enumerate(zip_longest(*parts, fillvalue="")):
        text = Text("  ".join(filled(part, w, r) for part, w, r in zip(line, widths, numbers, strict=True)), style=style)
        if bar and n == 0:
            text.append(f"  {bar}", style="blue")
        text.rstrip()
        write(out, text)


def _blocks(heads: list[str], cells: list[list[str]], out: Console) -> None:
    """Each row as lines of head and cell, for a terminal that is narrower than the table."""
    wide = max(map(cell_len, heads))
    for n, row in enumerate(cells):
        if n:
            write(out)
        for said, text in zip(heads, row, strict=True):
            if wide + 2 + cell_len(text) <= out.width:
                write(out, Text(f"{filled(said, wide)}  ", style="bold").append(text, style="not bold"))
                continue
            for line in folded(said, out.width):
                write(out, line, "bold")
            for line in folded(text, out.width, "  "):
                write(out, line)


def head(column: Column) -> str:
    """A column's label, with its unit where the label does not say it."""
    unit = wording.SIGNS.get(column.unit or "", column.unit)
    said = not unit or unit == "%" or unit.lower() in column.label.lower() or column.kind != "metric"
    return column.label if said else f"{column.label}, {unit}"


def cell(value: Any, column: Column) -> str:
    """A cell under a head that has its unit's sign."""
    if value is None:
        return "no value" if column.kind != "dimension" else "(none)"
    if column.type in ("date", "time") and isinstance(value, str):
        moment = dt.date.fromisoformat(value) if len(value) == 10 else dt.datetime.fromisoformat(value)
        return wording.date(moment, column.name.rpartition(":")[2])
    if column.kind == "metric" and column.unit in wording.SIGNS and isinstance(value, (int, float)):
        return wording.number(value, "EUR").replace("€", "")
    return wording.cell(value, column)


def _bars(rows: Sequence[Row], columns: Sequence[Column]) -> list[str]:
    """A bar for each row where the table has one metric and at most two keys; zero and below have none."""
    metrics = [i for i, c in enumerate(columns) if c.kind == "metric"]
    keys = [c for c in columns if c.kind == "dimension"]
    if len(metrics) != 1 or not 1 <= len(keys) <= 2 or len(rows) < 2:
        return []
    values = [row[metrics[0]] if isinstance(row[metrics[0]], (int, float)) else None for row in rows]
    most = max((v for v in values if v is not None), default=0)
    if most <= 0:
        return []
    return ["no rows" if v is None else "▇" * max(1 if v > 0 else 0, round(BAR * max(v, 0) / most)) for v in values]
