"""The sentence of an answer, from a template: every number in it is a cell, or a count that the answer names."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
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
        shown, told = wording.cell(self.rows[row][column], self.columns[column], signed), self.columns[column]
        self.numbers.append({"text": shown, "row": row, "column": told.name})
        unit = told.unit or ""
        plain = told.kind == "metric" and unit not in wording.SIGNS and unit != "%" and unit.lower() not in told.label.lower()
        return f"{shown} {unit}" if plain and unit and self.rows[row][column] is not None else shown

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
            return f"what has no {self.columns[i].label.lower()}"
        self.numbers.append({"text": shown, "row": row, "column": self.columns[i].name})
        return shown


def sentence(
    query: SemanticQuery,
    columns: tuple[Column, ...],
    rows: list[tuple[Any, ...]],
    truncated: bool,
    settings: ProjectSettings,
    days: Mapping[str, dt.date] | None = None,
    scope: tuple[str, ...] = (),
) -> Sentence:
    """The numbers of a result in a sentence, in `.text`; `days` are those that balances were taken from, `scope` the filters in words."""
    made = Sentence(columns, rows)
    window = wording.window(query.window, settings)
    if days and len(set(days.values())) == 1 and set(days) >= set(query.metrics):
        window = f"on {wording.date(next(iter(days.values())))}"
    window += f", where {wording.listed([text[:1].lower() + text[1:] for text in scope])}" if scope else ""
    made.text = wording.capital(_say(made, query, truncated, window, settings))
    return made


def _say(s: Sentence, query: SemanticQuery, truncated: bool, window: str, settings: ProjectSettings) -> str:
    values = [i for i, c in enumerate(s.columns) if c.kind == "metric"]
    if not values:
        return _list(s, truncated)
    if not s.rows and query.having:
        keys = wording.listed([c.label.lower() for c in s.columns if c.kind == "dimension"])
        return f"no {keys} meets {wording.listed(list(query.having))} {window}."
    if not s.rows or (not query.by and all(s.rows[0][i] is None for i in values)):
        return f"no rows for {wording.listed([s.columns[i].label.lower() for i in values])} {window}: there is no value to give."
    if not query.by:
        return _comparison(s, query, values[0], window, settings) if query.compare else _total(s, values, window)
    shown = [n for n, row in enumerate(s.rows) if row[values[0]] is not None]
    if not shown:
        return f"{_was(s, values[0], 'has', 'have')} no value {window}."
    if len(s.rows) == 1:
        return f"{s.columns[values[0]].label} of {s.key(0)}: {s.cell(0, values[0])} {window}."
    return _breakdown(s, query, values[0], shown, truncated, window)


def _was(s: Sentence, i: int, one: str = "was", many: str = "were") -> str:
    """A column's label with its verb in number: `revenue was`, `orders were`."""
    label = s.columns[i].label
    plural = label.endswith("s") and not label.startswith("Number of") and not label.endswith(("ss", "us", "is")) and " per " not in label
    return f"{label} {many if plural else one}"


def _total(s: Sentence, values: list[int], window: str) -> str:
    first, *others = values
    said = [f"{_was(s, first)} {s.cell(0, first)}"]
    said += [f"{s.columns[i].label[:1].lower()}{s.columns[i].label[1:]} {s.cell(0, i)}" for i in others]
    return f"{wording.listed(said)} {window}."


def _list(s: Sentence, truncated: bool) -> str:
    if len(s.rows) == 1 and len(s.columns) == 2 and s.columns[1].type in ("date", "time"):
        return f"{s.key(0).partition(',')[0]}: {s.columns[1].label.lower()} {wording.cell(s.rows[0][1], s.columns[1])}."
    if not s.rows:
        return "nothing matches: zero rows came back."
    names = wording.listed([c.label.lower() for c in s.columns])
    more = "the first " if truncated else ""
    return f"{more}{s.count(len(s.rows), 'rows')} {'row' if len(s.rows) == 1 else 'rows'} of {names}."


def _comparison(s: Sentence, query: SemanticQuery, i: int, window: str, settings: ProjectSettings) -> str:
    said, now = _was(s, i), s.cell(0, i)
    before = next(n for n, c in enumerate(s.columns) if c.name == f"{s.columns[i].name}_before")
    if s.rows[0][before] is None:
        return f"{said} {now} {window}; the window to compare with has no rows."
    rate = f"{s.cell(0, before + 2, signed=True)} " if s.rows[0][before + 2] is not None else ""
    return f"{said} {now} {window}, {rate}against {s.cell(0, before)} {_other(query, settings)}."


def _other(query: SemanticQuery, settings: ProjectSettings) -> str:
    assert query.compare is not None
    if query.compare.to == "previous":
        return "in the window before"
    return "a year before" if query.compare.to == "last_year" else wording.window(query.compare.to, settings)


def _breakdown(s: Sentence, query: SemanticQuery, i: int, shown: list[int], truncated: bool, window: str) -> str:
    """What people look for in a table: first and last of a series, the leaders of a ranking, the extremes of anything else."""
    label, keys = s.columns[i].label, [c for c in s.columns if c.kind == "dimension"]
    first, last = shown[0], shown[-1]
    if len(keys) == 1 and keys[0].type in ("date", "time"):
        at = "in" if keys[0].name.endswith((":month", ":quarter", ":year")) else "on"
        return f"{label} went from {s.cell(first, i)} {at} {s.key(first)} to {s.cell(last, i)} {at} {s.key(last)}."
    if query.limit and len(shown) > 1:
        return f"{s.key(first)} comes first with {s.cell(first, i)}, then {s.key(shown[1])} with {s.cell(shown[1], i)}, {window}."
    most, least = max(shown, key=lambda n: s.rows[n][i]), min(shown, key=lambda n: s.rows[n][i])
    by = wording.listed([c.label.lower() for c in keys])
    if s.rows[most][i] == s.rows[least][i]:
        return f"{label} by {by} {window}: all have {s.cell(most, i)}."
    among = "of the rows shown, " if truncated else ""
    high, low = f"{s.key(most)} has the highest, {s.cell(most, i)}", f"{s.key(least)} the lowest, {s.cell(least, i)}"
    return f"{label} by {by} {window}: {among}{high}, and {low}."
