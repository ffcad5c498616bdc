"""Which words are members of which dimension: declared values, and those in the data that this asker may see."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from answerable.context import cache
from answerable.context.catalog import Catalog, visible
from answerable.context.compiler import compile_query
from answerable.context.engines.base import Engine
from answerable.context.errors import AnswerableError
from answerable.context.guard import govern
from answerable.context.model import Dimension, Model
from answerable.context.policy import Principal, signature
from answerable.context.query import SemanticQuery
from sqlglot import exp

MOST = 5_000
"""A dimension with more values than this is not looked up by word."""


@dataclass(frozen=True)
class Member:
    """A value of a dimension, with the word that names it."""

    model: str
    dimension: str
    value: Any
    word: str
    declared: bool = False


@dataclass(frozen=True)
class Values:
    """The members that one asker may name; and the dimensions whose values tell their rows apart."""

    members: tuple[Member, ...] = ()
    unique: frozenset[tuple[str, str]] = frozenset()


def declared(catalog: Catalog) -> Iterator[Member]:
    """The values and synonyms that the definitions write down."""
    for model in catalog.models.values():
        for dimension in model.dimensions.values():
            source = _source(catalog, dimension)
            for text, value in source.values.items():
                actual = text == "true" if dimension.type == "boolean" else text
                if dimension.type == "boolean":
                    words: tuple[str, ...] = value.synonyms
                else:
                    words = (text, *value.synonyms)
                yield from (Member(model.name, dimension.name, actual, word, declared=True) for word in words)


def _source(catalog: Catalog, dimension: Dimension) -> Dimension:
    if not dimension.values_of:
        return dimension
    model, _, name = dimension.values_of.partition(".")
    shared = catalog.models.get(model)
    return shared.dimensions.get(name, dimension) if shared else dimension


def read(catalog: Catalog, principal: Principal, engine: Engine, state: Path | None = None) -> Values:
    """The values that this asker may name, from the definitions and the data; kept in `state` until either changes."""
    kept = state / f"values-{catalog.version}-{signature(catalog.policies, principal)}.json" if state else None
    stamp = engine.stamp()
    if kept and (earlier := _kept(kept, stamp)):
        return earlier
    seen = visible(catalog, principal)
    members, unique = list(declared(seen)), set[tuple[str, str]]()
    known = {(m.model, m.dimension, str(m.value)) for m in members}
    for model in seen.models.values():
        for dimension in _looked_up(model, catalog, principal):
            found = _distinct(seen, catalog, principal, engine, model, dimension)
            members += [Member(model.name, dimension.name, v, v) for v in found if (model.name, dimension.name, v) not in known]
        if model.title and _tells_apart(catalog, principal, engine, model):
            unique.add((model.name, model.title.name))
    values = Values(tuple(members), frozenset(unique))
    if kept:
        _keep(kept, stamp, values)
    return values


def _looked_up(model: Model, catalog: Catalog, principal: Principal) -> Iterator[Dimension]:
    masks = catalog.access(model.name, principal).masks
    for dimension in model.dimensions.values():
        if dimension.type == "text" and not (dimension.private or dimension.hidden or dimension.name in masks):
            yield dimension


def _distinct(seen: Catalog, catalog: Catalog, principal: Principal, engine: Engine, model: Model, dimension: Dimension) -> list[str]:
    try:
        compiled = compile_query(SemanticQuery(by=(f"{model.name}.{dimension.name}",), limit=MOST + 1), seen)
        rows = engine.run(govern(compiled.tree, catalog, principal, engine.site)).rows
    except AnswerableError:
        return []  # a table that is not there: `check` tells the data team, and its values are unknown words
    found = [str(row[0]) for row in rows if row[0] is not None]
    return found if len(found) <= MOST else []


def _tells_apart(catalog: Catalog, principal: Principal, engine: Engine, model: Model) -> bool:
    """Whether each row of the model has a title of its own, so that grouping by it is grouping by the thing."""
    title = exp.column(model.title.name if model.title else "", table=model.name)
    counts = [exp.alias_(exp.Count(this=exp.Star()), "all_rows"), exp.alias_(exp.Count(this=exp.Distinct(expressions=[title])), "titles")]
    tree = exp.select(*counts).from_(exp.to_table(model.name).as_(model.name))
    try:
        row = engine.run(govern(tree, catalog, principal, engine.site)).rows[0]
    except AnswerableError:
        return False
    return bool(row[0] == row[1])


def _keep(kept: Path, stamp: str, values: Values) -> None:
    data = {
        "stamp": stamp,
        "members": [[m.model, m.dimension, m.value, m.word, m.declared] for m in values.members],
        "unique": sorted(values.unique),
    }
    cache.keep(kept, json.dumps(data).encode())


def _kept(kept: Path, stamp: str) -> Values | None:
    try:
        data = json.loads(kept.read_text(encoding="utf-8"))
        members, unique = tuple(Member(*m) for m in data["members"]), frozenset((a, b) for a, b in data["unique"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Values(members, unique) if data.get("stamp") == stamp else None
