"""Finding the right tables: a folder of schemas and questions, each with the tables and columns that answer it, played through search.

A folder holds `catalogue*.jsonl` (`{id, source, db, table, title, columns: [{name, title, type, desc}]}`) and `questions*.jsonl`
(`{id, question, gold_tables, gold_columns}`; a column's id is its table's and its name, with `::` between).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from answerable.context.catalog import Catalog
from answerable.context.errors import UsageError
from answerable.context.model import Dimension, Join, Model
from answerable.context.search import Index, Search
from answerable.context.settings import ProjectSettings

TABLES, COLUMNS = (5, 10, 20), (10, 20, 50)
_TYPES = (("time", "date|time|year"), ("number", "int|real|float|double|decimal|numeric|number|money|serial"), ("boolean", "bool"))
_KEY = re.compile(r"(?:_|(?<=[a-z]))(?:id|code|key|no|number|num)$", re.IGNORECASE)


@dataclass(frozen=True)
class Outcome:
    """What one question found, best first, and the parts of its gold that are in the first so many."""

    id: str
    tables: tuple[str, ...]
    columns: tuple[str, ...]
    of_tables: tuple[float, ...]
    of_columns: tuple[float, ...]

    def data(self) -> dict[str, Any]:
        return {"id": self.id, "tables": list(self.tables), "columns": list(self.columns)}


def read(folder: Path, what: str) -> list[dict[str, Any]]:
    """The lines of `catalogue*.jsonl` or `questions*.jsonl`. Raises UsageError where there are none."""
    files = sorted(folder.glob(f"{what}*.jsonl"))
    if not files:
        raise UsageError(f"{folder} holds no {what}.jsonl.")
    try:
        return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except ValueError:
        raise UsageError(f"{files[0].name} in {folder} is no file of JSON lines.") from None


def catalogue(rows: list[dict[str, Any]]) -> Catalog:
    """Each table as an endorsed model, each column as a dimension; tables of one schema that share a key are joined."""
    models = {row["id"]: _model(row) for row in rows}
    keys: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for row in rows:
        for column in row["columns"]:
            if _KEY.search(column["name"]):
                place = f"{row.get('source', '')}.{row['db']}"
                keys.setdefault((place, column["name"].lower()), []).append((row["id"], column["name"]))
    for (_, key), held in keys.items():
        for one, own in held:
            joins = {f"{key}_{n}": Join(model=other, on={own: its}) for n, (other, its) in enumerate(held) if other != one}
            models[one] = models[one].model_copy(update={"joins": {**models[one].joins, **joins}})
    return Catalog(ProjectSettings(name="Retrieval", warehouse="duckdb:none.duckdb"), models, {}, version="retrieval")  # type: ignore[arg-type]


def _model(row: dict[str, Any]) -> Model:
    title, dimensions = row.get("title"), {}
    for column in row["columns"]:
        kind = next((kind for kind, pattern in _TYPES if re.search(pattern, column.get("type") or "", re.IGNORECASE)), "text")
        label = column.get("title") if column.get("title") != column["name"] else None
        dimensions[column["name"]] = Dimension(name=column["name"], label=label, description=column.get("desc") or None, type=kind)  # type: ignore[arg-type]
    return Model(
        name=row["id"], label=title if title != row["table"] else None, table=f"{row.get('source', '')}.{row['db']}.{row['table']}",
        endorsed=True, dimensions=dimensions,
    )  # fmt: skip


def play(folder: Path, index: Index | None = None) -> Iterator[Outcome]:
    """Each question over all schemas at once, in the order of the file."""
    search = Search(catalogue(read(folder, "catalogue")), index)
    for row in read(folder, "questions"):
        yield outcome(search, row)


def outcome(search: Search, row: dict[str, Any]) -> Outcome:
    """One question with what it found."""
    tables = [hit.document.name for hit in search.find(row["question"], TABLES[-1], frozenset({"model"})).hits]
    found = [hit.document for hit in search.find(row["question"], COLUMNS[-1], frozenset({"dimension"})).hits]
    columns = [f"{document.model}::{document.name.removeprefix(document.model + '.')}" for document in found]
    return Outcome(
        str(row["id"]), tuple(tables), tuple(columns),
        recalls(tables, row.get("gold_tables") or [], TABLES), recalls(columns, row.get("gold_columns") or [], COLUMNS),
    )  # fmt: skip


def recalls(found: list[str], gold: list[str], within: tuple[int, ...]) -> tuple[float, ...]:
    """The part of the gold that is among the first so many, capitals or not; none where there is no gold."""
    right, said = {id.lower() for id in gold}, [id.lower() for id in found]
    return tuple(len(right & set(said[:n])) / len(right) for n in within) if gold else ()


def means(outcomes: list[Outcome]) -> dict[str, float]:
    """Each recall in percent, averaged over the questions that have gold."""
    said: dict[str, float] = {}
    for what, within in (("tables", TABLES), ("columns", COLUMNS)):
        found = [parts for o in outcomes if (parts := o.of_tables if what == "tables" else o.of_columns)]
        for place, n in enumerate(within):
            said[f"{what}@{n}"] = 100 * sum(parts[place] for parts in found) / max(len(found), 1)
    return said


def summary(outcomes: list[Outcome]) -> str:
    """What is printed at the end."""
    said = means(outcomes)
    lines = [f"{len(outcomes)} questions"]
    for what in ("tables", "columns"):
        lines.append(f"{what:<8} " + "  ".join(f"recall@{key.split('@')[1]} {value:5.1f}" for key, value in said.items() if what in key))
    return "\n".join(lines)
