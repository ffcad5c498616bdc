"""What the warehouse's role may do beside reading the models' tables: more than it needs is one mistake away from harm."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

import sqlglot
from answerable.context.catalog import Catalog
from answerable.context.dialects import table_name
from answerable.context.engines.base import Engine, Right
from answerable.context.errors import Complaint, Where
from sqlglot import exp
from sqlglot.errors import SqlglotError

SETTINGS = Where("answerable.yml")
SHOWN = 3


def check_rights(catalog: Catalog, engine: Engine) -> list[Complaint]:
    """What the role can read too little of, and what it can do too much. Nothing where an engine has no roles."""
    held = engine.rights()
    if not held:
        return []
    wanted = {_full(table, engine) for table in _tables(catalog, engine.site.dialect)}
    return [*_too_little(held, wanted, catalog, engine), *_too_much(held, wanted)]


def _too_little(held: list[Right], wanted: set[str], catalog: Catalog, engine: Engine) -> Iterator[Complaint]:
    role = held[0].role
    readable = {right.table for right in held if right.what == "reads"}
    for model in catalog.models.values():
        table = _full(model.table, engine) if model.table else ""
        if table and table not in readable and engine.columns(table) is not None:
            what = f"the role {role} may not read {table}, on which {model.name} stands"
            yield Complaint("rights", model.where, what, f"run {_grants(role, [table])}")


def _too_much(held: list[Right], wanted: set[str]) -> Iterator[Complaint]:
    role = held[0].role
    mend = f"log in as a role that only reads: CREATE ROLE answerable LOGIN; {_grants('answerable', sorted(wanted))}"
    powers = [right.what for right in held if not right.table and right.what != "logs in"]
    if powers:
        yield _warning(f"the role {role} is more than a reader: {', '.join(powers)}", mend)
    if "superuser" in powers:
        return  # who may do everything, and all the rest follows
    for what, said in (("owns", "owns"), ("writes", "may change")):
        if tables := [right.table for right in held if right.what == what]:
            yield _warning(f"the role {role} {said} {_some(tables)}", mend)
    if more := [right.table for right in held if right.what == "reads" and right.table not in wanted]:
        yield _warning(
            f"the role {role} may read {_some(more)}, on which no model stands",
            f"REVOKE SELECT ON {', '.join(more)} FROM {role}, or {mend}",
        )


def _warning(what: str, mend: str) -> Complaint:
    return Complaint("rights", SETTINGS, what, mend, warning=True)


def _grants(role: str, tables: Iterable[str]) -> str:
    named = list(tables)
    schemas = sorted({exp.to_table(table, dialect="postgres").args["db"].sql("postgres") for table in named})
    return "; ".join(
        [f"GRANT USAGE ON SCHEMA {', '.join(schemas)} TO {role}", f"GRANT SELECT ON {', '.join(named)} TO {role}"] if named else []
    )


def _some(tables: list[str]) -> str:
    more = len(tables) - SHOWN
    return ", ".join(islice(tables, SHOWN)) + (f" and {more} more" if more > 0 else "")


def _tables(catalog: Catalog, dialect: str) -> Iterator[str]:
    """The tables that models stand on, also those in their own SQL."""
    for model in [*catalog.models.values(), *catalog.calendars.values()]:
        if model.table:
            yield model.table
        elif model.sql:
            try:
                tree = sqlglot.parse_one(model.sql, dialect=dialect)
            except SqlglotError:
                continue
            steps = {cte.alias for cte in tree.find_all(exp.CTE)}
            yield from (
                ".".join(part.name for part in table.parts)
                for table in tree.find_all(exp.Table)
                if isinstance(table.this, exp.Identifier) and (table.db or table.name not in steps)
            )


def _full(table: str, engine: Engine) -> str:
    """A table's name as the engine says it."""
    parts = [part.name for part in exp.to_table(table, dialect=engine.site.dialect).parts]
    schema, name = parts[-2] if len(parts) > 1 else engine.site.schema, parts[-1]
    return table_name(schema, name)
