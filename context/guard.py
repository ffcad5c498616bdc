"""The only gate to the warehouse: any tree in, governed SQL out, or a refusal with its reason.

It takes compiled trees and text that a person or a model wrote. What is not on its lists does not pass, every reference to a model
becomes that model's filtered and masked relation, and the SQL text is made anew from the tree: no text of an asker is ever run.
Shares no helper with the compiler, or both would err alike.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import sqlglot
from answerable.context.allowed import FUNCTIONS, NODES, PLAN_NODES, SELECT_PARTS, TABLE_PARTS
from answerable.context.catalog import Catalog
from answerable.context.errors import DeniedError, GuardError, nearest
from answerable.context.governed import Governed
from answerable.context.model import Model
from answerable.context.policy import Principal
from answerable.context.query import GovernedSQL
from sqlglot import exp
from sqlglot.errors import SqlglotError

logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # its warnings quote the asker's text
LONGEST = 50_000
"""Characters of a text that is still read."""
MOST_RELATIONS, DEEPEST = 60, 60
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u0085\u00a0\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]")


def govern(tree: exp.Query, catalog: Catalog, principal: Principal, dialect: str) -> GovernedSQL:
    """Govern a compiled plan's tree. Raises DeniedError or GuardError."""
    return _Gate(catalog, principal, dialect, plan=True).pass_through(tree)


def govern_text(text: str, catalog: Catalog, principal: Principal, dialect: str) -> GovernedSQL:
    """Govern SQL that somebody wrote, over models or their tables. Raises DeniedError or GuardError."""
    return _Gate(catalog, principal, dialect, plan=False).pass_through(_parsed(text, dialect))


def _parsed(text: str, dialect: str) -> exp.Query:
    if len(text) > LONGEST:
        raise GuardError(f"The SQL is longer than {LONGEST:,} characters.")
    if _CONTROL.search(text):
        raise GuardError("The SQL holds control characters or unusual spaces.")
    try:
        statements = [s for s in sqlglot.parse(text, dialect=dialect) if s is not None]
    except (SqlglotError, RecursionError, ValueError, TypeError):  # the last is sqlglot's own, from half a lambda
        raise GuardError("The SQL can not be read.") from None
    if len(statements) != 1:
        raise GuardError("One statement at a time." if statements else "There is no statement.")
    if not isinstance(statements[0], (exp.Select, exp.SetOperation, exp.Subquery)):
        raise GuardError("Only a SELECT is answered; nothing is changed, described or configured.")
    return statements[0]


@dataclass
class _Gate:
    catalog: Catalog
    principal: Principal
    dialect: str
    plan: bool
    used: dict[str, Governed] = field(default_factory=dict)
    relations: int = 0
    params: dict[str, Any] = field(default_factory=dict)
    named: int = 0

    def pass_through(self, tree: exp.Query) -> GovernedSQL:
        try:
            return self._governed(tree)
        except RecursionError:
            raise GuardError("The query is nested too deep.") from None

    def _governed(self, tree: exp.Query) -> GovernedSQL:
        check_nodes(tree, self.plan)
        tree = tree.copy()
        self._query(tree, {})
        if not self.plan:
            self._known_columns(tree)
        said = None if self.plan else _mentioned(tree)
        for table, governed in list(self._models(tree)):
            names = self._needed(table) if self.plan else [n for n in governed.surface if said is None or n.lower() in said]
            relation = exp.Subquery(this=governed.relation(names, self.plan), alias=table.args["alias"])
            table.replace(relation)
        text = tree.sql(dialect=self.dialect, pretty=True, comments=self.plan)
        decisions = tuple(line for g in self.used.values() for line in g.decisions)
        filtered = any(not g.whole for g in self.used.values())
        return GovernedSQL(text, self.params, tuple(name for name in self.used if name in self.catalog.models), decisions, filtered)

    # -- scopes: which name means a model, and which a CTE of the query -------------------------------------------------------

    def _query(self, query: exp.Expr, ctes: dict[str, str]) -> None:
        """Resolve every table of a query; `ctes` maps the names in sight to what they were renamed to."""
        ctes = dict(ctes)
        with_ = query.args.get("with_")
        if with_:
            if with_.args.get("recursive"):
                raise GuardError("Recursive queries are not answered.")
            for cte in with_.expressions:
                self._query(cte.this, ctes)
                name = cte.alias.lower()
                ctes[name] = self._renamed(cte)
        for child in self._inside(query, with_):
            if isinstance(child, exp.Table):
                self._table(child, ctes)
            else:
                self._query(child, ctes)

    def _inside(self, query: exp.Expr, without: exp.Expr | None) -> Iterator[exp.Expr]:
        """The tables of a query itself, and the queries right within it."""
        for child in query.iter_expressions():
            if child is without:
                continue
            if isinstance(child, (exp.Table, exp.Select, exp.SetOperation)):
                yield child
                if isinstance(child, exp.Table):
                    yield from self._inside(child, None)
            else:
                yield from self._inside(child, None)

    def _renamed(self, cte: exp.CTE) -> str:
        if self.plan:
            return cte.alias
        self.named += 1
        name = f"_{self.named}_{re.sub(r'[^a-z0-9_]', '', cte.alias.lower())}"
        cte.args["alias"].set("this", exp.to_identifier(name))
        return name

    def _table(self, table: exp.Table, ctes: dict[str, str]) -> None:
        if not isinstance(table.this, exp.Identifier):
            raise GuardError("Functions that stand for tables are not answered; name a model.")
        self.relations += 1
        if self.relations > MOST_RELATIONS:
            raise GuardError(f"The query names more than {MOST_RELATIONS} relations.")
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
            self.used[model.name] = Governed(self.catalog, model, self.principal, self.params, self.dialect)

    def _model(self, table: exp.Table) -> Model:
        name = ".".join(part.name for part in table.parts)
        if self.plan and (found := next((c for c in self.catalog.calendars.values() if c.name == name), None)):
            return found
        endorsed = [model for model in self.catalog.models.values() if model.endorsed]
        meant = [model for model in endorsed if name.lower() == model.name.lower() and not table.db]
        meant = meant or [model for model in endorsed if model.table and name.lower() == model.table.lower()]
        verdicts = [(model, self.catalog.access(model.name, self.principal)) for model in meant]
        for model, access in verdicts:
            if access.open:
                return model
        for model, access in verdicts:
            if not access.secret:
                raise DeniedError(
                    f"{model.words} is defined, and your groups may not see it.", model.name, model.owner, "; ".join(access.reasons)
                )
        open_models = [m.name for m in endorsed if self.catalog.access(m.name, self.principal).open]
        near = nearest(name.split(".")[-1], open_models)
        raise GuardError(f"There is no endorsed model {name}." + (f" Nearest: {', '.join(near)}." if near else ""))

    # -- columns ------------------------------------------------------------------------------------------------------------

    def _known_columns(self, tree: exp.Expr) -> None:
        """Refuse a column that nothing in the query gives, in our own words: an engine's would quote values."""
        known = {name.lower() for governed in self.used.values() for name in governed.surface}
        known |= {alias.alias.lower() for alias in tree.find_all(exp.Alias)}
        known |= {column.name.lower() for alias in tree.find_all(exp.TableAlias) for column in alias.columns}
        for column in tree.find_all(exp.Column):
            if column.name.lower() not in known and not isinstance(column.this, exp.Star):
                near = nearest(column.name.lower(), known)
                raise GuardError(f"There is no column {column.name} in these models." + (f" Nearest: {', '.join(near)}." if near else ""))
            if column.args.get("db"):
                column.set("db", None)
                column.set("catalog", None)

    # -- models become their governed relations ---------------------------------------------------------------------------------

    def _models(self, tree: exp.Expr) -> Iterator[tuple[exp.Table, Governed]]:
        for table in tree.find_all(exp.Table):
            if name := table.meta.get("model"):
                yield table, self.used[name]

    def _needed(self, table: exp.Table) -> list[str]:
        select = table.find_ancestor(exp.Select)
        assert select is not None
        used = [c.name for c in select.find_all(exp.Column) if c.table == table.alias]
        return sorted(dict.fromkeys(used))


def _mentioned(tree: exp.Expr) -> frozenset[str] | None:
    """Every name in a query, of which its columns are some; None where a star or a natural join stands for names that are not said."""
    names = set[str]()
    for node in tree.walk():
        if isinstance(node, exp.Star) and not isinstance(node.parent, exp.Count):
            return None
        if isinstance(node, exp.Join) and node.args.get("method"):
            return None
        if isinstance(node, exp.Identifier):
            names.add(node.name.lower())
    return frozenset(names)


def check_nodes(tree: exp.Expr, plan: bool) -> None:
    """Refuse a tree with a node, a part or a function that is on no list."""
    allowed = NODES | PLAN_NODES if plan else NODES
    for node in tree.walk():
        kind = type(node)
        if isinstance(node, exp.Func) and not isinstance(node, (exp.And, exp.Or, exp.Case, exp.If, exp.Cast)):
            name = (node.name if isinstance(node, exp.Anonymous) else node.sql_name()).upper()
            if name not in FUNCTIONS and kind not in allowed:
                raise GuardError(f"The function {name.lower()} is not on the list of those that are answered.")
        elif kind not in allowed:
            raise GuardError(f"{_spoken(kind.__name__)} is not on the list of what is answered.")
        if isinstance(node, exp.Select):
            _only(node, SELECT_PARTS)
        if isinstance(node, exp.Table):
            _only(node, TABLE_PARTS)
    if _depth(tree) > DEEPEST:
        raise GuardError(f"The query is nested deeper than {DEEPEST} levels.")


def _only(node: exp.Expr, parts: frozenset[str]) -> None:
    for part, value in node.args.items():
        if value and part not in parts:
            raise GuardError(f"{_spoken(part)} is not on the list of what is answered.")


_NESTING = (exp.Select, exp.Subquery, exp.Paren, exp.Func)
"""What makes a query deep; conditions in a row (`a or b or c`) are functions to the parser, and no deeper for their number."""


def _depth(tree: exp.Expr) -> int:
    deepest, stack = 0, [(tree, 0)]
    while stack:
        node, depth = stack.pop()
        deepest = max(deepest, depth)
        stack.extend(
            (child, depth + (isinstance(child, _NESTING) and not isinstance(child, exp.Connector))) for child in node.iter_expressions()
        )
    return deepest


def _spoken(name: str) -> str:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).strip("_").replace("_", " ").lower()
    return words[:1].upper() + words[1:]
