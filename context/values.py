"""Which words are members of which dimension: declared values, and those in the data that this asker may see."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from answerable.context.catalog import Catalog, visible
from answerable.context.compiler import compile_query
from answerable.context.dictionary import Dictionary, Key
from answerable.context.engines.base import Engine
from answerable.context.errors import AnswerableError
from answerable.context.guard import govern
from answerable.context.model import Dimension, Model
from answerable.context.policy import Principal, signature
from answerable.context.query import GovernedSQL, SemanticQuery
from answerable.context.shelf import Shelf
from answerable.context.words import pieces
from sqlglot import exp

MOST = 1_000_000
"""Values of all dimensions that one asker may name. Those with the fewest come first; what does not fit is not looked up by word."""


@dataclass(frozen=True)
class Member:
    """A value of a dimension, with the word that names it."""

    model: str
    dimension: str
    value: Any
    word: str
    declared: bool = False


@dataclass(frozen=True)
class Column:
    """The values of one dimension in the data, as one asker sees them."""

    model: str
    dimension: str
    values: Dictionary


@dataclass(frozen=True)
class Values:
    """The values that one asker may name; the dimensions whose values tell their rows apart; and those with too many values."""

    declared: tuple[Member, ...] = ()
    unique: frozenset[tuple[str, str]] = frozenset()
    columns: tuple[Column, ...] = ()
    beyond: tuple[tuple[str, str], ...] = ()

    @property
    def members(self) -> tuple[Member, ...]:
        """All of them, one by one: for looking at few."""
        known = {(m.model, m.dimension, str(m.value)) for m in self.declared}
        found = [(column.model, column.dimension, value) for column in self.columns for value in column.values]
        return (*self.declared, *(Member(*each, each[2]) for each in found if each not in known))


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


def _words(text: str) -> Key:
    return tuple(pieces(text))


def read(catalog: Catalog, principal: Principal, engine: Engine, state: Path | None = None, split: Callable[[str], Key] = _words) -> Values:
    """The values that this asker may name, from the definitions and the data; kept in `state` until either changes.

    `split` gives the words by which a value is found.
    """
    shelf = Shelf(state / "values" if state else None, engine.stamp(), split)
    sheet = f"{catalog.version}-{signature(catalog.policies, principal)}"
    if earlier := _kept(shelf, sheet):
        return earlier
    seen = visible(catalog, principal)
    unique, names = set[tuple[str, str]](), list[tuple[str, str, str]]()
    reader = _Reader(seen, catalog, principal, engine)
    for model in seen.models.values():
        for dimension in _looked_up(model, catalog, principal):
            if (first := reader.first(model, dimension)) is not None:
                name = shelf.name(first, lambda d=dimension, m=model, sql=first: reader.values(m, d, sql))  # type: ignore[misc]
                names.append((model.name, dimension.name, name))
        if model.title and (told := reader.titles(model)) and shelf.noted(told, lambda sql=told: _equal(engine, sql)):  # type: ignore[misc]
            unique.add((model.name, model.title.name))
    return _put(shelf, sheet, tuple(declared(seen)), frozenset(unique), names)


def _looked_up(model: Model, catalog: Catalog, principal: Principal) -> Iterator[Dimension]:
    masks = catalog.access(model.name, principal).masks
    for dimension in model.dimensions.values():
        if dimension.type == "text" and not (dimension.private or dimension.hidden or dimension.name in masks):
            yield dimension


@dataclass(frozen=True)
class _Reader:
    """Reads what one asker sees of the warehouse, through the gate. The SQL of it is what askers with the same rights share."""

    seen: Catalog
    catalog: Catalog
    principal: Principal
    engine: Engine

    def first(self, model: Model, dimension: Dimension) -> GovernedSQL | None:
        """The query for the first values of a dimension; None where there is none."""
        return self._page(model, dimension)

    def values(self, model: Model, dimension: Dimension, first: GovernedSQL) -> list[str] | None:
        """The values of a dimension in their order, a page at a time; None where they are too many."""
        found: list[str] = []
        sql: GovernedSQL | None = first
        while sql is not None:
            try:
                page = self.engine.run(sql)
            except AnswerableError:
                return []  # a table that is not there: `check` tells the data team, and its values are unknown words
            more = [row[0] for row in page.rows if row[0] is not None]
            full = page.truncated or len(page.rows) >= self.catalog.settings.limits.rows
            if (full and not found and self._count(model, dimension) > MOST) or len(found) + len(more) > MOST:
                return None
            if found and more and str(more[0]) == found[-1]:
                return []  # an order of the engine's own, in which no page comes after another
            found += map(str, more)
            sql = self._page(model, dimension, found[-1]) if full and more else None
        return found

    def _page(self, model: Model, dimension: Dimension, after: str | None = None) -> GovernedSQL | None:
        name = f"{model.name}.{dimension.name}"
        where = () if after is None else ("{} > '{}'".format(name, after.replace("'", "''")),)
        query = SemanticQuery(by=(name,), where=where, limit=self.catalog.settings.limits.rows)
        try:
            return self._governed(compile_query(query, self.seen).tree)
        except AnswerableError:
            return None

    def _count(self, model: Model, dimension: Dimension) -> int:
        tree = self._over(model, exp.Count(this=exp.Distinct(expressions=[exp.column(dimension.name, table=model.name)])))
        try:
            return int(self.engine.run(self._governed(tree)).rows[0][0] or 0)
        except AnswerableError:
            return 0  # the pages will tell

    def titles(self, model: Model) -> GovernedSQL | None:
        """The query that counts the rows of a model and its titles: as many where grouping by the title is grouping by the thing."""
        title = exp.column(model.title.name if model.title else "", table=model.name)
        try:
            return self._governed(self._over(model, exp.Count(this=exp.Star()), exp.Count(this=exp.Distinct(expressions=[title]))))
        except AnswerableError:
            return None

    def _over(self, model: Model, *counts: exp.Expr) -> exp.Select:
        named = [exp.alias_(count, name) for count, name in zip(counts, ("all_rows", "titles"), strict=False)]
        return exp.select(*named).from_(exp.to_table(model.name).as_(model.name))

    def _governed(self, tree: exp.Query) -> GovernedSQL:
        return govern(tree, self.catalog, self.principal, self.engine.site)


def _equal(engine: Engine, sql: GovernedSQL) -> bool:
    try:
        row = engine.run(sql).rows[0]
    except AnswerableError:
        return False
    return bool(row[0] == row[1])


def _put(
    shelf: Shelf, sheet: str, said: tuple[Member, ...], unique: frozenset[tuple[str, str]], names: list[tuple[str, str, str]]
) -> Values:
    """What was found, kept for the next process."""
    data = {
        "declared": [[m.model, m.dimension, m.value, m.word, m.declared] for m in said],
        "unique": sorted(unique),
        "columns": names,
    }
    shelf.put(sheet, data)
    return _made(shelf, said, unique, names)


def _kept(shelf: Shelf, sheet: str) -> Values | None:
    data = shelf.sheet(sheet)
    if data is None:
        return None
    try:
        said, unique = tuple(Member(*m) for m in data["declared"]), frozenset((a, b) for a, b in data["unique"])
        return _made(shelf, said, unique, [(model, dimension, name) for model, dimension, name in data["columns"]])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _made(shelf: Shelf, said: tuple[Member, ...], unique: frozenset[tuple[str, str]], names: list[tuple[str, str, str]]) -> Values:
    """The columns within the limit, those with the fewest values first. Raises OSError and ValueError where one is not on the shelf."""
    columns = [Column(model, dimension, shelf.dictionary(name)) for model, dimension, name in names if name]
    kept, left = set[int](), MOST
    for column in sorted(columns, key=lambda column: len(column.values)):
        if len(column.values) <= left:
            kept.add(id(column))
            left -= len(column.values)
    beyond = [(model, dimension) for model, dimension, name in names if not name]
    beyond += [(column.model, column.dimension) for column in columns if id(column) not in kept]
    return Values(said, unique, tuple(column for column in columns if id(column) in kept and len(column.values)), tuple(beyond))
