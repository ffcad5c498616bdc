"""One model as one asker may see it: the relation that the gate puts in its place. Knows no query."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import sqlglot
from answerable.context.catalog import Catalog, hidden_columns, stands_on_closed
from answerable.context.dialects import folded, spoken
from answerable.context.engines.base import Site
from answerable.context.errors import DeniedError, GuardError
from answerable.context.expr import bind_user, dotted, names, parse_condition, parse_expression, substitute
from answerable.context.fence import can_fail
from answerable.context.model import Dimension, Model
from answerable.context.policy import Access, Mask, Principal
from sqlglot import exp

RAW = "__column"
KEY = "mask_key"
POLICY = "policy"
COUNTED = "counted"
"""Marks a column that the gate itself counts rows by."""
Part = tuple[str, ...]
"""The joins from a model to another, step by step; with POLICY at the end where a policy reads it."""


@dataclass(frozen=True)
class Shape:
    """How a relation is made: for a plan, which may name the columns that metrics are made of; and with a fence around its rows.

    `joining` are the columns that only meet another model's key: they show nothing, so a denied key may be one.
    """

    plan: bool
    fence: bool = False
    joining: frozenset[str] = frozenset()


FENCES = {"duckdb": exp.Limit(expression=exp.Literal.number(2**63 - 1)), "postgres": exp.Offset(expression=exp.Literal.number(0))}
"""What no engine moves a condition through: the asker's stay above the policy's."""


class Governed:
    """A model's columns for one asker, and the SELECT that gives them: rows filtered, columns masked, nothing undeclared."""

    def __init__(self, catalog: Catalog, model: Model, principal: Principal, params: dict[str, Any], site: Site, tag: str = "") -> None:
        self.catalog, self.model, self.principal, self.params, self.site, self.tag = catalog, model, principal, params, site, tag
        self.alias = model.name + tag
        self.access: Access = catalog.access(model.name, principal)
        self.hidden = hidden_columns(model, self.access)
        self.joined: dict[Part, Governed] = {}
        self.made: dict[tuple[tuple[str, ...], Shape], exp.Select] = {}
        self.wanted: dict[Part, set[str]] = {}
        self.joining: dict[Part, set[str]] = {}
        self.masked = set[str]()  # the dimensions whose masks stand in what was used
        self.policed = True  # False where a policy reads it: bare, or policies would depend on each other

    @cached_property
    def surface(self) -> list[str]:
        """What SQL sees: the dimensions by name and the keys; not what is denied, and beside an allow-list nothing."""
        denied = self.access.denied
        found = [name for name, d in self.model.dimensions.items() if name not in denied and not self._closed(d)]
        if self.access.listed:
            return found
        return found + [key for key in self.keys if key not in found and key not in denied and key not in self.hidden]

    @property
    def hides_rows(self) -> bool:
        """Whether rows are left out that something in the query could tell of, here or in what its dimensions reach."""
        return self.access.rows is not None or bool(self.model.always) or any(inner.hides_rows for inner in self.joined.values())

    def relation(self, names: list[str], shape: Shape) -> exp.Select:
        """SELECT the named columns from the table, for these rows only."""
        key = (tuple(names), shape)
        if key not in self.made:
            select = self._relation(names, shape)
            if shape.fence and self.hides_rows:
                fence = FENCES[self.site.dialect].copy()
                select.set(fence.key, fence)
            self.made[key] = select
        return self.made[key].copy()

    def _relation(self, names: list[str], shape: Shape) -> exp.Select:
        self.wanted, self.joining = {}, {}
        found = {name: self._column(name) if name in shape.joining else self._named(name, shape.plan) for name in names}
        columns = [exp.alias_(spoken(tree, self.site.dialect), name, quoted=True, copy=False) for name, tree in found.items()]
        columns = columns or [exp.alias_(exp.Literal.number(1), "one")]
        conditions = [spoken(condition, self.site.dialect) for condition in self._conditions()]
        select = exp.select(*columns, copy=False).from_(self._source(), copy=False).where(*conditions, copy=False)
        if not self.wanted:
            # Beside an asker's relations each column says whose it is: one that the table lost must not mean one of theirs.
            return select if self.tag else _plainly(select)
        # All of them first: a join wants columns of the one before.
        on = {part: spoken(self._on(part), self.site.dialect) for part in self.wanted}
        for part, condition in on.items():
            keys = frozenset(self.joining.get(part, set()) - self.wanted[part])
            inner = self.joined[part].relation(sorted(self.wanted[part] | keys), Shape(True, shape.fence, keys))
            select = select.join(
                exp.Subquery(this=inner, alias=exp.TableAlias(this=exp.to_identifier(_alias(part)))), on=condition, join_type="left"
            )
        return select

    def can_fail(self, names: Iterable[str]) -> bool:
        """Whether the team's own expression of one of these columns can fail on a value."""
        made = [d for name in names if (d := self.model.dimensions.get(name)) is not None and d.column is None]
        types = {(d.column or "").lower(): d.type for d in self.model.dimensions.values()}
        return any(can_fail(parse_expression(dimension.sql), types) for dimension in made)

    @property
    def whole(self) -> bool:
        """Whether no row was filtered and no used column masked here, also of the models that its dimensions reach."""
        return (
            self.access.rows is None
            and self.access.at_least == 1
            and not self.masked
            and all(inner.whole for part, inner in self.joined.items() if part[-1] != POLICY)
        )

    @property
    def all_masked(self) -> set[str]:
        """The masked dimensions that were used, also of the models that its dimensions reach."""
        return self.masked.union(*(inner.all_masked for part, inner in self.joined.items() if part[-1] != POLICY))

    @property
    def decisions(self) -> tuple[str, ...]:
        """What the policy decided here and why, a line each."""
        access, words = self.access, self.model.words
        lines = [line for part, inner in self.joined.items() if part[-1] != POLICY for line in inner.decisions]
        if access.whole:
            return tuple(lines)
        why = "; ".join(access.reasons)
        if access.rows is not None:
            lines.append(f"{words}: rows where {' or '.join(f'({row})' for row in access.rows)} ({why})")
        if access.at_least > 1:
            lines.append(f"{words}: numbers over at least {access.at_least} rows ({why})")
        lines += [f"{words}: {name} is masked ({mask}) ({why})" for name, mask in sorted(access.masks.items()) if name in self.masked]
        return tuple(lines)

    # -- columns ------------------------------------------------------------------------------------------------------------

    def _named(self, name: str, plan: bool) -> exp.Expr:
        """A column of the relation by its name. Raises DeniedError where the asker may not see it."""
        dimension = self.model.dimensions.get(name)
        if not plan:
            return self._dimension(dimension) if dimension is not None else self._column(name)
        if name in self.access.denied or (dimension is None and name.removesuffix(RAW) in self.hidden):
            raise DeniedError(
                f"{self.model.words} has {name}, and your groups may not see it.", name, self.model.owner, "; ".join(self.access.reasons)
            )
        if dimension is None:
            return self._column(name.removesuffix(RAW))
        if self._closed(dimension):
            raise DeniedError(
                f"{dimension.words} stands on what your groups may not see.", name, self.model.owner, "; ".join(self.access.reasons)
            )
        return self._dimension(dimension)

    def _closed(self, dimension: Dimension) -> bool:
        return self.policed and stands_on_closed(self.catalog, self.model, dimension, self.principal)

    def _dimension(self, dimension: Dimension) -> exp.Expr:
        tree = substitute(parse_expression(dimension.sql), lambda column: self._own(column, masked=dimension.column is None))
        if dimension.stored_in == "UTC":
            zone = exp.Literal.string(self.catalog.settings.timezone)
            tree = exp.AtTimeZone(this=exp.AtTimeZone(this=tree, zone=exp.Literal.string("UTC")), zone=zone)
        mask = self.access.masks.get(dimension.name)
        if mask is None:
            return tree
        self.masked.add(dimension.name)
        return self._masked(tree, mask, dimension.type)

    def _column(self, name: str) -> exp.Expr:
        """A physical column; masked where a dimension that plainly shows it is."""
        shown = [d for n, d in self.model.dimensions.items() if d.column == name and n not in self.access.denied]
        masks = [self.access.masks.get(d.name) for d in shown]
        tree = exp.column(name, table=self.alias)
        if shown and None not in masks:
            self.masked.update(d.name for d in shown)
            return self._masked(tree, min(m for m in masks if m), shown[0].type)
        return tree

    def _own(self, column: exp.Column, masked: bool) -> exp.Expr:
        *path, name = dotted(column).split(".")
        if path:
            return self._far(tuple(path), name, policed=self.policed)
        return self._column(name) if masked else exp.column(name, table=self.alias)

    # -- joined models ----------------------------------------------------------------------------------------------------------

    def _far(self, path: tuple[str, ...], name: str, policed: bool) -> exp.Column:
        """A column of a joined model: as the asker sees it, or bare for a policy."""
        here = self.model
        for n, step in enumerate(path, 1):
            here = self.catalog.models[here.joins[step].model]
            part = path[:n] if policed else (*path[:n], POLICY)
            if part not in self.joined:
                self.joined[part] = Governed(self.catalog, here, self.principal, self.params, self.site, self.tag)
                if policed and self.joined[part].access.at_least > 1:
                    least = self.joined[part].access.at_least
                    raise GuardError(
                        f"{here.words} may be seen by you in numbers over at least {least} rows only, not in {self.model.words}."
                    )
                if not policed:
                    self.joined[part].policed = False
                    self.joined[part].access, self.joined[part].hidden = Access(here.name, True, ()), set()
            self.wanted.setdefault(part, set())
        self.wanted[part].add(name)
        return exp.column(name, table=_alias(part))

    def _on(self, part: Part) -> exp.Expr:
        marked = part[-1:] if part[-1] == POLICY else ()
        steps = part[: len(part) - len(marked)]
        before = (*steps[:-1], *marked) if steps[:-1] else ()
        here = self.joined[before].model if before else self.model
        on = here.joins[steps[-1]].on
        self.joining.setdefault(part, set()).update(on.values())
        if before:
            self.joining.setdefault(before, set()).update(on)

        def near(own: str) -> exp.Expr:
            if before:
                return exp.column(own, table=_alias(before))
            return exp.column(own, table=self.alias) if marked else self._column(own)

        return exp.and_(*(exp.EQ(this=near(own), expression=exp.column(theirs, table=_alias(part))) for own, theirs in on.items()))

    def tells_apart(self, name: str) -> bool:
        """Whether a column is a key, masked, or the names of people; or made of one that is, here or behind a join."""
        return _tells_apart(self.catalog, self.model, name.removesuffix(RAW), self.principal)

    @property
    def keys(self) -> list[str]:
        """The columns that joins stand on, this model's and others' into it."""
        return _keys(self.model)

    # -- rows ---------------------------------------------------------------------------------------------------------------

    def _conditions(self) -> list[exp.Expr]:
        conditions = [self._condition(parse_expression(self.model.always))] if self.model.always else []
        if self.access.rows is not None:
            conditions.append(exp.paren(exp.or_(*(self._rows(text) for text in self.access.rows))))
        return conditions

    def _rows(self, text: str) -> exp.Expr:
        """A policy's condition over unmasked columns, with the asker's attributes bound."""
        bound, attributes = bind_user(text)
        for name in attributes:
            value = self.principal.attribute(name)
            self.params[f"user_{name}"] = list(value) if isinstance(value, (list, tuple, set, frozenset)) else value
        tree = self._condition(parse_condition(bound))
        for node in list(tree.find_all(exp.In)):
            if isinstance(node.args.get("field"), exp.Placeholder):
                contains = exp.ArrayContains(this=node.args["field"].copy(), expression=node.this.copy())
                if node is tree:
                    return contains
                node.replace(contains)
        return tree

    def _condition(self, tree: exp.Expr) -> exp.Expr:
        def unmasked(column: exp.Column) -> exp.Expr:
            *path, name = dotted(column).split(".")
            if path:
                return self._far(tuple(path), name, policed=False)
            dimension = self.model.dimensions.get(name)
            if dimension is None or dimension.column is not None:
                column_name = (dimension.column if dimension else None) or name
                return exp.column(column_name, table=self.alias)
            return substitute(parse_expression(dimension.sql), bare)

        def bare(column: exp.Column) -> exp.Expr:
            *path, name = dotted(column).split(".")
            return self._far(tuple(path), name, policed=False) if path else exp.column(name, table=self.alias)

        return substitute(tree, unmasked)

    # -- sources and masks ------------------------------------------------------------------------------------------------------

    def _source(self) -> exp.Expr:
        """The table or the team's own SQL, named in full: a bare name could mean another thing at another time."""
        model, dialect = self.model, self.site.dialect
        if model.sql:
            query = folded(sqlglot.parse_one(model.sql, dialect=dialect), dialect)
            for table in query.find_all(exp.Table):
                if table.db:
                    self._in_full(table)
            return exp.Subquery(this=query, alias=exp.TableAlias(this=exp.to_identifier(self.alias)))
        table = self._in_full(_table(model.table or "", dialect).copy())
        return table if table.name == self.alias else table.as_(self.alias)

    def _in_full(self, table: exp.Table) -> exp.Table:
        if self.site.database and not table.catalog:
            table.set("db", table.args.get("db") or exp.to_identifier(self.site.schema))
            table.set("catalog", exp.to_identifier(self.site.database, quoted=True))
        return table

    def _masked(self, tree: exp.Expr, mask: Mask, kind: str) -> exp.Expr:
        """POLICIES.md's masks, exactly."""
        stars = exp.Literal.string("***")
        text = exp.cast(tree.copy(), "VARCHAR")
        match mask.kind:
            case "redact" if kind == "text":
                return stars
            case "redact" | "null":
                return exp.Nullif(this=tree, expression=tree.copy())
            case "year" | "month":
                return exp.cast(exp.TimestampTrunc(this=tree, unit=exp.var(mask.kind.upper())), "DATE")
            case "hash":
                self.params[KEY] = self.catalog.settings.mask_key or ""
                digest = exp.func("SHA256", exp.DPipe(this=exp.Placeholder(this=KEY), expression=text), dialect="duckdb")
                return exp.func("SUBSTRING", digest, exp.Literal.number(1), exp.Literal.number(16))
            case _:
                cut = exp.Left if mask.kind == "first" else exp.Right
                shown = cut(this=text.copy(), expression=exp.Literal.number(mask.n))
                joined = (
                    exp.DPipe(this=shown, expression=stars.copy())
                    if mask.kind == "first"
                    else exp.DPipe(this=stars.copy(), expression=shown)
                )
                short = exp.LTE(this=exp.Length(this=text), expression=exp.Literal.number(mask.n))
                return exp.Case(ifs=[exp.If(this=short, true=stars)], default=joined)


@lru_cache(maxsize=10_000)
def _table(text: str, dialect: str) -> exp.Table:
    return exp.to_table(text, dialect=dialect)


def _keys(model: Model) -> list[str]:
    found = [*model.primary_key, *(column for columns in model.unique for column in columns)]
    return list(dict.fromkeys([*found, *(own for join in model.joins.values() for own in join.on)]))


def _tells_apart(catalog: Catalog, model: Model, name: str, principal: Principal) -> bool:
    dimension = model.dimensions.get(name)
    if name in _keys(model) or name in catalog.access(model.name, principal).masks or (dimension is not None and dimension.private):
        return True
    if dimension is None:  # a column, which a dimension may show under another name
        shown = [d for d in model.dimensions.values() if d.column == name and d.name != name]
        return any(_tells_apart(catalog, model, d.name, principal) for d in shown)
    if dimension.column == name:
        return False
    for *path, last in (said.split(".") for said in names(parse_expression(dimension.sql))):
        here = model
        for step in path:
            here = catalog.models[here.joins[step].model]
        if _tells_apart(catalog, here, last, principal):
            return True
    return False


def _alias(part: Part) -> str:
    return "_".join(part)


def _plainly(select: exp.Select) -> exp.Select:
    """Without the table's name before each column, where there is but one table; `status AS status` is `status`."""
    for tree in filter(None, [*select.expressions, select.args.get("where")]):
        for column in tree.find_all(exp.Column):
            column.set("table", None)
    for alias in list(select.expressions):
        if isinstance(alias.this, exp.Column) and alias.this.name == alias.alias:
            alias.replace(alias.this)
    return select
