"""The names in a query: the columns that it reads, those that it makes itself, and all that it mentions."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp


@dataclass(frozen=True)
class Names:
    """Of one query; texts in small letters."""

    columns: tuple[exp.Column, ...]
    given: frozenset[str]
    """Columns that the query makes itself: aliases, parameters, what a series or a list of values is called."""
    mentioned: frozenset[str] | None
    """Every name, of which the columns that it reads are some; None where columns are read that are not named, as by a star."""
    relations: frozenset[str]
    """What its relations are called: `select o from orders o` reads whole rows."""


def names_of(tree: exp.Expr) -> Names:
    columns: list[exp.Column] = []
    given: set[str] = set()
    relations: set[str] = set()
    mentioned: set[str] = set()
    silent = False
    for node in tree.walk():
        kind = type(node)
        if kind is exp.Identifier:
            mentioned.add(node.name)
        elif isinstance(node, exp.Column):
            columns.append(node)
        elif kind is exp.Star or kind is exp.Columns:
            silent = silent or not isinstance(node.parent, exp.Count)
        elif kind is exp.Join:
            silent = silent or bool(node.args.get("method"))
        elif kind in _MAKERS:
            given |= _made(node)
            if kind is exp.TableAlias:
                relations.add(node.name)
                silent = silent or (bool(node.args.get("columns")) and isinstance(node.parent, exp.Table))  # which name by their places
            silent = silent or kind is exp.Pivot  # which groups by all the others
    small = {name.lower() for name in mentioned}
    return Names(
        tuple(columns),
        frozenset(name.lower() for name in given),
        None if silent else frozenset(small),
        frozenset(name.lower() for name in relations),
    )


_MAKERS = frozenset({exp.Alias, exp.TableAlias, exp.Lambda, exp.Comprehension, exp.Pivot, exp.Unnest, exp.Values, exp.Table})


def _made(node: exp.Expr) -> set[str]:
    match node:
        case exp.Alias():
            return {node.alias}
        case exp.TableAlias():
            return {column.name for column in node.columns}
        case exp.Lambda():
            return {parameter.name for parameter in node.expressions}
        case exp.Comprehension():
            return {node.expression.name}
        case exp.Pivot():
            return {name.name for name in node.find_all(exp.Identifier)} | {name.name for name in node.args.get("columns") or ()}
        case exp.Values():
            return {f"{word}{n}" for n in range(len(node.expressions[0].expressions) + 1) for word in ("col", "column")}
        case exp.Unnest() | exp.Table() if not isinstance(node.this, exp.Identifier):
            ordinal = node.args.get("offset")
            return {node.alias, ordinal.name if isinstance(ordinal, exp.Expr) else "", "unnest", "generate_series", "range"}
    return set()
