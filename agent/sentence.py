"""The sentence of an answer, from a template: every number in it is a cell, or a count that the answer names."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from answerable.agent import wording
from answerable.context.query import Column, SemanticQuery
from answerable.context.settings import ProjectSettings


@dataclass
class Sentence:
    """A text under construction with the numbers bound so far."""

    columns: tuple[Column, ...]
    rows: list[tuple[Any, ...]]
    numbers: list[dict[str, Any]] = field(default_factory=list)
    text: str = ""

    def cell(self, row: int, column: int, signed: bool = False) -> str:
        """A cell's text, bound to it."""
        shown = wording.cell(self.rows[row][column], self.columns[column], signed)
        self.numbers.append({"text": shown, "row": row, "column": self.columns[column].name})
        return shown

    def count(self, n: int, name: str) -> str:
        """A number that is no cell: the count of something the answer shows."""
        self.numbers.append({"text": f"{n:,}", "count": name})
        return f"{n:,}"

    def key(self, row: int) -> str:
        """What a row is about, in words."""
        keys = [i for i, c in enumerate(self.columns) if c.kind == "dimension"]
        return ", ".join(self._key_cell(row, i) for i in keys)

    def _key_cell(self, row: int, i: int) -> str:
        value = self.rows[row][i]
        shown = wording.cell(value, self.columns[i])
        if value is None:
            return f"no {self.columns[i].label.lower()}"
        self.numbers.append({"text": shown, "row": row, "column": self.columns[i].name})
        return shown


def sentence(
    query: SemanticQuery, columns: tuple[Column, ...], rows: list[tuple[Any, ...]], truncated: bool, settings: ProjectSettings
) -> Sentence:
    """The numbers of a result in a sentence, in `.text`."""
    made = Sentence(columns, rows)
    made.text = _say(made, query, truncated, wording.window(query.window, settings), settings)
    return made


def _say(s: Sentence, query: SemanticQuery, truncated: bool, window: str, settings: ProjectSettings) -> str:
    values = [i for i, c in enumerate(s.columns) if c.kind == "metric"]
    if not values:
        return _list(s, truncated)
    if not s.rows or (not query.by and all(s.rows[0][i] is None for i in values)):
        return f"No rows for {wording.listed([s.columns[i].label.lower() for i in values])} {window}: there is no value to give."
    if query.compare and not query.by:
        return _comparison(s, query, values[0], window, settings)
    if not query.by:
        parts = [f"{_lower(s, i, n)} {'was' if n == 0 else ''} {s.cell(0, i)}".replace("  ", " ") for n, i in enumerate(values)]
        return f"{wording.capital(wording.listed(parts))} {window}."
    return _breakdown(s, query, values[0], window, truncated)


def _lower(s: Sentence, i: int, n: int) -> str:
    label = s.columns[i].label
    return label if n == 0 else label[:1].lower() + label[1:]


def _list(s: Sentence, truncated: bool) -> str:
    if not s.rows:
        return "Nothing matches: zero rows came back."
    names = wording.listed([c.label.lower() for c in s.columns])
    more = "The first " if truncated else ""
    noun = "row" if len(s.rows) == 1 else "rows"
    return f"{more}{s.count(len(s.rows), 'rows')} {noun} of {names}."


def _comparison(s: Sentence, query: SemanticQuery, i: int, window: str, settings: ProjectSettings) -> str:
    label, now = s.columns[i].label, s.cell(0, i)
    before = next(n for n, c in enumerate(s.columns) if c.name == f"{s.columns[i].name}_before")
    if s.rows[0][before] is None:
        return f"{label} was {now} {window}; the window to compare with has no rows."
    rate = f"{s.cell(0, before + 2, signed=True)} " if s.rows[0][before + 2] is not None else ""
    return f"{label} was {now} {window}, {rate}against {s.cell(0, before)} {_other(query, settings)}."


def _other(query: SemanticQuery, settings: ProjectSettings) -> str:
    assert query.compare is not None
    if query.compare.to == "previous":
        return "in the window before"
    return "a year before" if query.compare.to == "last_year" else wording.window(query.compare.to, settings)


def _breakdown(s: Sentence, query: SemanticQuery, i: int, window: str, truncated: bool) -> str:
    label, rows = s.columns[i].label, [n for n, row in enumerate(s.rows) if row[i] is not None]
    if not rows:
        return f"{label} has no value {window}."
    keys = [c for c in s.columns if c.kind == "dimension"]
    by = wording.listed([c.label.lower() for c in keys])
    if len(s.rows) == 1:
        return f"{label} of {s.key(0)} was {s.cell(0, i)} {window}."
    if len(keys) == 1 and keys[0].type in ("date", "time"):
        first, last = rows[0], rows[-1]
        return f"{label} went from {s.cell(first, i)} in {s.key(first)} to {s.cell(last, i)} in {s.key(last)}."
    most, least = max(rows, key=lambda n: s.rows[n][i]), min(rows, key=lambda n: s.rows[n][i])
    if query.limit:
        return (
            f"{s.key(rows[0])} comes first with {s.cell(rows[0], i)}, then {s.key(rows[1])} with {s.cell(rows[1], i)}, {window}."
            if len(rows) > 1
            else f"{s.key(rows[0])}: {s.cell(rows[0], i)} {window}."
        )
    shown = "of the rows shown " if truncated else ""
    return (
        f"{label} by {by} {window}: {shown}{s.key(most)} has the most, {s.cell(most, i)}, and {s.key(least)} the least, {s.cell(least, i)}."
    )
