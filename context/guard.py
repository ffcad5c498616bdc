"""The only gate to the warehouse: any tree in, governed SQL out, or a refusal with its reason.

It takes compiled trees and text that a person or a model wrote. What is not on its lists does not pass, every reference to a model
becomes that model's filtered and masked relation, and the SQL text is made anew from the tree: no text of an asker is ever run.
Shares no helper with the compiler, or both would err alike.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from answerable.context import listed
from answerable.context.at_least import kept
from answerable.context.catalog import Catalog
from answerable.context.dialects import named, spoken, text_of
from answerable.context.engines.base import Site
from answerable.context.errors import DeniedError, GuardError, nearest
from answerable.context.fence import can_fail, filters_can_fail
from answerable.context.governed import COUNTED, Governed, Shape
from answerable.context.model import Model
from answerable.context.naming import Names, names_of
from answerable.context.policy import Access, Principal
from answerable.context.query import GovernedSQL
from answerable.context.recheck import recheck, relations
from answerable.context.sent import parsed
from sqlglot import exp

MOST_RELATIONS = 60
Read = tuple[exp.Table, Governed, list[str], frozenset[str]]
"""A model's table in a query, with the columns that are read of it."""
PLANS = "duckdb"
"""The dialect of definitions and plans, whatever the warehouse is."""


def govern(tree: exp.Query, catalog: Catalog, principal: Principal, site: Site) -> GovernedSQL:
    """Govern a compiled plan's tree. Raises DeniedError or GuardError."""
    return _Gate(catalog, principal, site, plan=True).pass_through(tree)


def govern_text(text: str, catalog: Catalog, principal: Principal, site: Site) -> GovernedSQL:
    """Govern SQL that somebody wrote, over models or their tables. Raises DeniedError or GuardError."""
    said = f"{catalog.version} {principal.id} {text}".encode("utf-8", "surrogatepass")
    tag = "_" + hashlib.sha256(said).hexdigest()[:12]  # of the text itself, so no text can hold its own
    return _Gate(catalog, principal, site, plan=False, tag=tag).pass_through(parsed(text, site.dialect))


@dataclass
class _Gate:
    catalog: Catalog
    principal: Principal
    site: Site
    plan: bool
    tag: str = ""
    """What the names of our relations end in, where an asker could write the same."""
    used: dict[str, Governed] = field(default_factory=dict)
    seen: dict[str, Access] = field(default_factory=dict)
    relations: int = 0
    params: dict[str, Any] = field(default_factory=dict)
    named: int = 0

    def pass_through(self, tree: exp.Query) -> GovernedSQL:
        try:
            return self._governed(tree)
        except RecursionError:
            raise GuardError("The query is nested too deep.") from None

    def _governed(self, tree: exp.Query) -> GovernedSQL:
        dialect = self.site.dialect
        listed.check(tree, PLANS if self.plan else dialect, self.plan)
        tree = spoken(tree.copy(), dialect) if self.plan else tree
        if not self.plan:
            _label(tree, dialect)
        self._query(tree, {})
        said = None
        if not self.plan:
            names_said = names_of(tree)
            said = None if self._known_columns(names_said) else names_said.mentioned
        if any(governed.access.at_least > 1 for governed in self.used.values()):
            tree, counting = kept(tree, {table.alias: governed for table, governed in self._models(tree)})
            return replace(self._made(tree, said), withheld=self._made(counting, said))
        return self._made(tree, said)

    def _made(self, tree: exp.Expr, said: frozenset[str] | None) -> GovernedSQL:
        """The SQL of a tree whose tables are resolved: each model becomes its relation, and the text is read once more."""
        dialect = self.site.dialect
        read = [(table, governed, *self._read(table, governed, said)) for table, governed in self._models(tree)]
        fence = self._fence(tree, read)
        apart = not self.plan or listed.heavy(tree)
        for table, governed, names, joining in read:
            relation = governed.relation(names, Shape(self.plan, fence, joining))
            beside = {part: table.args[part] for part in ("joins", "laterals", "pivots") if table.args.get(part)}
            table.replace(exp.Subquery(this=relation, alias=table.args["alias"], **beside))
        bound = named(tree, self.params, dialect)
        ours = relations(tree)
        text = text_of(tree, dialect, comments=self.plan)  # which may change the tree
        # A plan's text is short, and a second database to read it would take longer to open than a question to answer.
        serialize = self.site.serialize if self.plan else None
        recheck(text, ours, [g.alias for g in self.used.values()], bound, dialect, serialize)
        decisions = tuple(line for g in self.used.values() for line in g.decisions)
        filtered = any(not g.whole for g in self.used.values())
        models = tuple(name for name in self.used if name in self.catalog.models)
        masked = tuple(sorted({name for g in self.used.values() for name in g.all_masked}))
        return GovernedSQL(text, bound, models, decisions, filtered, masked, sent=apart)

    def _read(self, table: exp.Table, governed: Governed, said: frozenset[str] | None) -> tuple[list[str], frozenset[str]]:
        """The columns that are read of a model, and those of them that only meet another model's key."""
        if self.plan:
            return self._needed(table)
        return [name for name in governed.surface if said is None or name.lower() in said], frozenset()

    def _fence(self, tree: exp.Expr, read: list[Read]) -> bool:
        """Whether something that can fail is computed where a policy hides rows."""
        for _, governed, names, joining in read:
            governed.relation(names, Shape(self.plan, False, joining))  # which finds the models that it reaches
        if not any(governed.hides_rows for governed in self.used.values()):
            return False
        fails = filters_can_fail if self.plan else can_fail
        return fails(tree, self._types()) or any(governed.can_fail(names) for _, governed, names, _ in read)

    def _types(self) -> dict[str, str | None]:
        """The types of the models' columns by name; None for a name that two types share."""
        found: dict[str, set[str]] = {}
        for governed in self.used.values():
            for name, dimension in governed.model.dimensions.items():
                found.setdefault(name.lower(), set()).add(dimension.type)
        return {name: kinds.pop() if len(kinds) == 1 else None for name, kinds in found.items()}

    # -- scopes: which name means a model, and which a CTE of the query -------------------------------------------------------

    def _query(self, query: exp.Expr, ctes: dict[str, str]) -> None:
        """Resolve every table of a query; `ctes` maps the names in sight to what they were renamed to."""
        ctes = dict(ctes)
        with_ = query.args.get("with_")
        if with_:
            self._ctes(with_, ctes)
        for child in self._inside(query, with_):
            if isinstance(child, exp.Table):
                self._table(child, ctes)
            else:
                self._query(child, ctes)

    def _ctes(self, with_: exp.With, ctes: dict[str, str]) -> None:
        """Resolve the CTEs in order, and add their names to those in sight.

        In a recursive WITH a CTE sees itself, and PostgreSQL lets it see those written later: such a name is refused, for to another
        parser it is a table.
        """
        recursive = bool(with_.args.get("recursive"))
        later = [cte.alias.lower() for cte in with_.expressions]
        if len(set(later)) < len(later):
            raise GuardError("Two WITH queries have the same name.")
        for cte in with_.expressions:
            own = later.pop(0)
            if recursive:
                ctes[own] = self._renamed(cte)
                if early := next((t.name for t in cte.this.find_all(exp.Table) if not t.db and t.name.lower() in later), None):
                    raise GuardError(f"{early} is used before the WITH query of that name. Write that one first.")
            self._query(cte.this, ctes)
            if not recursive:
                ctes[own] = self._renamed(cte)

    def _inside(self, query: exp.Expr, without: exp.Expr | None) -> Iterator[exp.Expr]:
        """The tables of a query itself, and the queries right within it."""
        for child in query.iter_expressions():
            if child is without:
                continue
            if isinstance(child, (exp.Table, exp.Query)):
                yield child
                if isinstance(child, exp.Table):
                    yield from self._inside(child, None)
            else:
                yield from self._inside(child, None)

    def _renamed(self, cte: exp.CTE) -> str:
        if self.plan:
            return cte.alias
        self.named += 1
        name = f"_{self.named}_{re.sub(r'[^a-z0-9_]', '', cte.alias.lower())}"[:40]
        cte.args["alias"].set("this", exp.to_identifier(name))
        return name

    def _table(self, table: exp.Table, ctes: dict[str, str]) -> None:
        self.relations += 1
        if self.relations > MOST_RELATIONS:
            raise GuardError(f"The query names more than {MOST_RELATIONS} relations.")
        if isinstance(table.this, (exp.GenerateSeries, exp.ExplodingGenerateSeries)) and not table.db:
            return
        if not isinstance(table.this, exp.Identifier):
            raise GuardError("Functions that stand for tables are not answered; name a model.")
        if not table.db and table.name.lower() in ctes:
            new = ctes[table.name.lower()]
            if new != table.name and not table.alias:
                table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name, quoted=table.this.quoted)))
            table.set("this", exp.to_identifier(new))
            return
        model = self._model(table)
        table.set("alias", table.args.get("alias") or exp.TableAlias(this=exp.to_identifier(table.name, quoted=table.this.quoted)))
        table.set("catalog", None)
        table.set("db", None)
        table.set("this", exp.to_identifier(model.name, quoted=True))
        table.meta["model"] = model.name
        if model.name not in self.used:
            self.used[model.name] = Governed(self.catalog, model, self.principal, self.params, self.site, self.tag)
            if not self.plan and (least := self.used[model.name].access.at_least) > 1:
                raise DeniedError(
                    f"{model.words} may be seen by you in numbers over at least {least} rows only: ask for metrics, not in SQL.",
                    model.name, model.owner, "; ".join(self.used[model.name].access.reasons),
                )  # fmt: skip

    def _model(self, table: exp.Table) -> Model:
        name = ".".join(part.name for part in table.parts)
        if self.plan and (found := next((c for c in self.catalog.calendars.values() if c.name == name), None)):
            return found
        endorsed = [model for model in self.catalog.models.values() if model.endorsed]
        named = [model for model in endorsed if name.lower() == model.name.lower() and not table.db]
        tables = [model for model in endorsed if model.table and name.lower() == model.table.replace('"', "").lower()]
        # Of sent SQL all models are looked at: a secret one takes as many steps as one that is not there.
        seen = {model.name: self._access(model) for model in (named or tables if self.plan else endorsed)}
        for model in named or tables:
            if seen[model.name].open:
                return model
        for model in named or tables:
            if not seen[model.name].secret:
                reasons = "; ".join(seen[model.name].reasons)
                raise DeniedError(f"{model.words} is defined, and your groups may not see it.", model.name, model.owner, reasons)
        near = nearest(name.split(".")[-1], [model.name for model in endorsed if self._access(model).open])
        raise GuardError(f"There is no endorsed model {name}." + (f" Nearest: {', '.join(near)}." if near else ""))

    def _access(self, model: Model) -> Access:
        if model.name not in self.seen:
            self.seen[model.name] = self.catalog.access(model.name, self.principal)
        return self.seen[model.name]

    # -- columns ------------------------------------------------------------------------------------------------------------

    def _known_columns(self, names: Names) -> bool:
        """Refuse a column that nothing in the query gives, in our own words: an engine's would quote values.

        Gives whether whole rows are read as values, which those of a model with hidden columns are not.
        """
        whole_rows = False
        known = {name.lower() for governed in self.used.values() for name in governed.surface} | names.given
        for column in names.columns:
            name = column.name.lower()
            if name in names.relations and not column.table:
                whole_rows = True  # as far as can be told from the name
                if name not in known and any(g.access.masks or g.access.denied for g in self.used.values()):
                    raise GuardError(f"{column.name} stands for whole rows here, some of whose columns you may not see. Name the columns.")
            elif name not in known and column.table.lower() not in known and not isinstance(column.this, exp.Star):  # or a struct's field
                near = nearest(name, known)
                raise GuardError(f"There is no column {column.name} in these models." + (f" Nearest: {', '.join(near)}." if near else ""))
            if column.args.get("db"):
                column.set("db", None)
                column.set("catalog", None)
        return whole_rows

    # -- models become their governed relations ---------------------------------------------------------------------------------

    def _models(self, tree: exp.Expr) -> Iterator[tuple[exp.Table, Governed]]:
        for table in tree.find_all(exp.Table):
            if name := table.meta.get("model"):
                yield table, self.used[name]

    def _needed(self, table: exp.Table) -> tuple[list[str], frozenset[str]]:
        """The columns that a plan reads of a model, and those of them that only meet another model's in a join."""
        select = table.find_ancestor(exp.Select)
        assert select is not None
        used = [c for c in select.find_all(exp.Column) if c.table == table.alias]
        shown = {c.name for c in used if not _meets(c)}
        names = sorted({c.name for c in used})
        return names, frozenset(name for name in names if name not in shown)


def _label(tree: exp.Expr, dialect: str) -> None:
    """Call a column that a subquery makes what its author wrote: an engine would call it by what we make of it."""
    while isinstance(tree, (exp.SetOperation, exp.Subquery)):
        tree = tree.this
    for projection in tree.expressions if isinstance(tree, exp.Select) else ():
        if not isinstance(projection, exp.Alias) and projection.find(exp.Query) and not projection.find(exp.Star):
            said = projection.sql(dialect=dialect, comments=False)
            projection.replace(exp.alias_(projection.copy(), said[:60], quoted=True, copy=False))


def _meets(column: exp.Column) -> bool:
    """Whether a column shows nothing: it stands in a join's condition beside another relation's and nothing else, or is only counted."""
    if column.meta.get(COUNTED):
        return True
    pair = column.parent
    if not isinstance(pair, exp.EQ) or not all(isinstance(side, exp.Column) for side in (pair.this, pair.expression)):
        return False
    above: exp.Expr | None = pair.parent
    while isinstance(above, (exp.And, exp.Paren)):
        above = above.parent
    return isinstance(above, exp.Join) and pair.this.table != pair.expression.table
