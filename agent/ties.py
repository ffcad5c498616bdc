"""Rows that a limit leaves out although they are as good as the last one shown: an answer says so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from answerable.context.query import Column, SemanticQuery, Top


def one_more(query: SemanticQuery, rows: Sequence[Sequence[Any]]) -> SemanticQuery | None:
    """The plan with one more row (of each group), where its limit may have cut rows that are ranked by a metric; else None."""
    ranked = bool(query.order) and query.order[0].lstrip("-") not in query.by
    if not ranked or query.limit is None or len(rows) < (query.limit.n if isinstance(query.limit, Top) else query.limit):
        return None
    limit = query.limit.model_copy(update={"n": query.limit.n + 1}) if isinstance(query.limit, Top) else query.limit + 1
    return query.model_copy(update={"limit": limit})


def tied(query: SemanticQuery, columns: Sequence[Column], more: Sequence[Sequence[Any]]) -> bool:
    """Whether a row that the limit of `query` leaves out has the value of the last one that it keeps; `more` has one more row."""
    names = [column.name for column in columns]
    per = [names.index(ref) for ref in query.limit.per] if isinstance(query.limit, Top) else []
    n = query.limit.n if isinstance(query.limit, Top) else query.limit or 0
    value = names.index(query.order[0].lstrip("-"))
    groups: dict[tuple[Any, ...], list[Any]] = {}
    for row in more:
        groups.setdefault(tuple(row[i] for i in per), []).append(row[value])
    return any(len(values) > n and values[n - 1] == values[n] for values in groups.values())
