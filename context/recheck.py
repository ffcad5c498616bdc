"""The second wall of the gate: the engine's own parser reads the text that was made, and must see what the gate put there and no more.

The parser that made the tree and the engine that runs the text disagree in places; whatever slips through such a gap shows here, as a
relation, a function or a kind of node that is not ours. DuckDB reads by `json_serialize_sql`, PostgreSQL by libpg_query (package postgast).
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from answerable.context.allowed import FUNCTIONS
from answerable.context.errors import GuardError
from sqlglot import exp

Relation = tuple[str, str, str, str]
"""Catalogue, schema, name and alias, in small letters; empty where it is not said."""


@dataclass
class Seen:
    """What an engine's parser finds in a text."""

    relations: Counter[Relation] = field(default_factory=Counter)
    functions: set[str] = field(default_factory=set)
    parameters: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)


def recheck(
    text: str,
    ours: Counter[Relation],
    trusted: Iterable[str],
    parameters: Iterable[str],
    dialect: str,
    serialize: Callable[[str], str] | None = None,
) -> None:
    """Refuse a text in which the engine sees another relation, function, parameter or statement than the gate put there.

    `ours` are the relations of the tree that the text was made of, `trusted` the aliases of the governed ones: within
    these the data team's own functions may stand.
    Raises GuardError.
    """
    seen = READERS[dialect](text, frozenset(alias.lower() for alias in trusted), serialize)
    if seen.relations != ours:
        raise GuardError("The warehouse's own parser reads other relations in this SQL than the gate put there. Write it in a plainer way.")
    if strange := sorted(seen.functions - FUNCTIONS[dialect]):
        raise GuardError(f"The function {strange[0]} is not on the list of those that are answered.")
    if seen.parameters - set(parameters):
        raise GuardError("A parameter that the gate did not bind stands in this SQL. Write the value itself.")
    if seen.unknown:
        raise GuardError(f"The warehouse reads {sorted(seen.unknown)[0]} in this SQL, which is not on the list of what is answered.")


def relations(tree: exp.Expr) -> Counter[Relation]:
    """The relations that a tree scans, CTEs among them."""
    tables = [table for table in tree.find_all(exp.Table) if isinstance(table.this, exp.Identifier)]
    return Counter((t.catalog.lower(), t.db.lower(), t.name.lower(), t.alias.lower()) for t in tables)


# -- DuckDB -------------------------------------------------------------------------------------------------------------------

_QUERIES = frozenset("SELECT_NODE SET_OPERATION_NODE RECURSIVE_CTE_NODE CTE_NODE".split())
_RELATIONS = frozenset("BASE_TABLE SUBQUERY JOIN EMPTY TABLE_FUNCTION EXPRESSION_LIST PIVOT".split())
_MODIFIERS = frozenset("ORDER_MODIFIER LIMIT_MODIFIER LIMIT_PERCENT_MODIFIER DISTINCT_MODIFIER".split())
_EXPRESSIONS = frozenset(
    """
    BETWEEN CASE CAST COLLATE COLUMN_REF COMPARISON CONJUNCTION CONSTANT FUNCTION LAMBDA LAMBDA_REF OPERATOR PARAMETER
    POSITIONAL_REFERENCE STAR SUBQUERY TYPE WINDOW
    """.split()
)
_ORDERS = frozenset("ORDER_DEFAULT ASCENDING DESCENDING".split())
_OPERATORS = frozenset(
    """
    + - * / // % ** ^ || ~~ !~~ ~~* !~~* ~~~ ~ !~ & | << >> -> ->> = <> < > <= >= @> <@ && between
    like_escape ilike_escape not_like_escape not_ilike_escape
    """.split()
)
_LEAVES = frozenset(["literal", "qualified_name", "column_names"])
"""Parts in which nothing can be scanned, called or bound."""
SERIALIZE = "SELECT json_serialize_sql(?, skip_null := true, skip_empty := true, skip_default := true)"


@cache
def _duckdb() -> Any:
    """A database of its own in memory, which reads texts and runs none."""
    import duckdb

    connection = duckdb.connect(
        ":memory:", config={"threads": 1, "autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    )
    connection.execute("PRAGMA disable_optimizer")  # which folds the call, and reads the text twice
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


_one_at_a_time = threading.Lock()


def _serialized(text: str) -> str:
    with _one_at_a_time:
        return str(_duckdb().execute(SERIALIZE, [text]).fetchone()[0])


def _by_duckdb(text: str, trusted: frozenset[str], serialize: Callable[[str], str] | None) -> Seen:
    read = json.loads((serialize or _serialized)(text))
    if read["error"] or len(read["statements"]) != 1:
        raise GuardError("The warehouse's own parser can not read this SQL as one SELECT. Write it in a plainer way.")
    seen = Seen()
    for node in _duckdb_nodes(read["statements"][0]["node"], trusted, seen):
        seen.unknown.add(node)
    return seen


def _duckdb_nodes(root: Any, trusted: frozenset[str], seen: Seen) -> Iterator[str]:
    """Fill `seen`; gives the kinds of node that are on no list."""
    stack: list[tuple[Any, bool]] = [(root, False)]
    while stack:
        node, within = stack.pop()
        if isinstance(node, list):
            stack.extend((child, within) for child in node)
            continue
        if not isinstance(node, dict):
            continue
        kind, group = node.get("type"), node.get("class")
        if group is not None:
            yield from () if group in _EXPRESSIONS else (str(group).lower(),)
            if group == "PARAMETER":
                seen.parameters.add(str(node.get("identifier", "")))
            if group in ("FUNCTION", "WINDOW") and not within:
                yield from _duckdb_function(node, seen)
        elif isinstance(kind, str):
            yield from () if kind in _QUERIES | _RELATIONS | _MODIFIERS | _ORDERS else (kind.lower(),)
            if kind == "BASE_TABLE":
                seen.relations[_named(node)] += 1
            if kind == "SELECT_NODE":
                within = within or _first(node.get("from_table")) in trusted
        for key, child in node.items():
            if (type(child) is dict or type(child) is list) and key not in _LEAVES:
                stack.append((child, within))


def _duckdb_function(node: dict[str, Any], seen: Seen) -> Iterator[str]:
    name = node.get("function_name", "")
    if len(node.get("qualified_name", {}).get("path", ())) > 1:
        yield "a function of a schema"
    if node.get("is_operator"):
        yield from () if name in _OPERATORS else (f"the operator {name}",)
    else:
        seen.functions.add(name.lower())


def _named(node: dict[str, Any]) -> Relation:
    parts = ("catalog_name", "schema_name", "table_name", "alias")
    return tuple(str(node.get(part, "")).lower() for part in parts)  # type: ignore[return-value]


def _first(relation: Any) -> str:
    """The alias of the first relation of a FROM."""
    while isinstance(relation, dict) and relation.get("type") == "JOIN":
        relation = relation["left"]
    return str(relation.get("alias") or relation.get("table_name", "")).lower() if isinstance(relation, dict) else ""


# -- PostgreSQL ---------------------------------------------------------------------------------------------------------------

_PG_NODES = frozenset(
    """
    SelectStmt RawStmt RangeVar RangeSubselect RangeFunction JoinExpr Alias CommonTableExpr WithClause ResTarget ColumnRef A_Star A_Const
    A_Expr BoolExpr NullTest BooleanTest CaseExpr CaseWhen CoalesceExpr MinMaxExpr FuncCall TypeCast TypeName SubLink SortBy WindowDef
    GroupingSet GroupingFunc A_ArrayExpr A_Indirection A_Indices RowExpr ParamRef List String Integer Float Boolean BitString
    SQLValueFunction CollateClause NamedArgExpr
    """.split()
)
_PG_OPERATORS = frozenset(
    "+ - * / % ^ # & | << >> || = <> < > <= >= ~~ !~~ ~~* !~~* ~ !~ ~* !~* -> ->> #> #>> @> <@ && ? BETWEEN IN".split()
)
_PG_VALUES = frozenset("SVFOP_CURRENT_DATE SVFOP_CURRENT_TIMESTAMP SVFOP_LOCALTIMESTAMP SVFOP_CURRENT_TIMESTAMP_N".split())


def _by_postgres(text: str, trusted: frozenset[str], serialize: Callable[[str], str] | None) -> Seen:
    try:
        read = json.loads(_libpg_query(text))
    except ValueError:
        raise GuardError("The warehouse's own parser can not read this SQL as one SELECT. Write it in a plainer way.") from None
    statements = read.get("stmts", [])
    if len(statements) != 1 or "SelectStmt" not in statements[0].get("stmt", {}):
        raise GuardError("The warehouse's own parser can not read this SQL as one SELECT. Write it in a plainer way.")
    seen = Seen()
    seen.unknown.update(_postgres_nodes(statements[0]["stmt"], trusted, seen))
    return seen


def _libpg_query(text: str) -> str:
    """The parse of a text as JSON. Raises ValueError where it is no SQL."""
    from postgast.native import lib

    result = lib.pg_query_parse(text.encode())
    try:
        if result.error:
            raise ValueError
        return bytes(result.parse_tree).decode()
    finally:
        lib.pg_query_free_parse_result(result)


def _postgres_nodes(root: Any, trusted: frozenset[str], seen: Seen) -> Iterator[str]:
    stack: list[tuple[str, Any, bool]] = [("", root, False)]
    while stack:
        kind, node, within = stack.pop()
        if isinstance(node, list):
            stack.extend((kind, child, within) for child in node)
            continue
        if not isinstance(node, dict):
            continue
        if kind[:1].isupper() and kind not in _PG_NODES:
            yield kind
        match kind:
            case "SelectStmt" | "larg" | "rarg":
                within = within or any(_pg_first(relation) in trusted for relation in node.get("fromClause", [])[:1])
                if "intoClause" in node or "lockingClause" in node:
                    yield "a clause that writes or locks"
            case "RangeVar":
                alias = node.get("alias", {}).get("aliasname", "")
                seen.relations[
                    node.get("catalogname", "").lower(), node.get("schemaname", "").lower(), node["relname"].lower(), alias.lower()
                ] += 1
            case "FuncCall" if not within:
                yield from _pg_function(node, seen)
            case "A_Expr":
                name = "".join(part["String"]["sval"] for part in node.get("name", [])[-1:])
                yield from (
                    () if (name.upper() in _PG_OPERATORS and len(node["name"]) == 1) or "BETWEEN" in name else (f"the operator {name}",)
                )
            case "SQLValueFunction":
                yield from () if node.get("op") in _PG_VALUES else (str(node.get("op")),)
            case "ParamRef":
                seen.parameters.add(str(node.get("number", "")))
        stack.extend((name, child, within) for name, child in node.items() if isinstance(child, (dict, list)))


def _pg_function(node: dict[str, Any], seen: Seen) -> Iterator[str]:
    path = [part["String"]["sval"] for part in node.get("funcname", [])]
    if len(path) > 1 and path[0] != "pg_catalog":
        yield "a function of a schema"
    seen.functions.add(path[-1].lower())


def _pg_first(relation: dict[str, Any]) -> str:
    while "JoinExpr" in relation:
        relation = relation["JoinExpr"]["larg"]
    found: dict[str, Any] = next(iter(relation.values()), {})
    return str(found.get("alias", {}).get("aliasname") or found.get("relname", "")).lower()


READERS = {"duckdb": _by_duckdb, "postgres": _by_postgres}
"""By the dialect of the warehouse."""
