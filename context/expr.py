"""SQL expressions in definitions and plans: parsed once, and asked what they name. Knows no model."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from answerable.context.intervals import whole_intervals
from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError

DIALECT = Dialect.get_or_raise("duckdb")
"""Of definitions and plans. Loaded with the rest, not by the first question."""
_BARE = re.compile(r"[A-Za-z_]\w*")
# A text in quotes is left alone; a dotted name or one with a grain (customer.region, ordered_at:month) becomes one quoted name.
_NAMES = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|(?<![\w.$:])[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*(?::[a-z_]+)?(?![\w.]|\s*\()")
_USER = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\$\$.*?\$\$|\{user\.(\w+)\}", re.DOTALL)


_PER = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\b[A-Za-z_]\w* per [A-Za-z_]\w*(?:\.\w+)*\b")
PER = " per "
"""In the name that stands for a metric in a filter: `bookings per listing`."""


class BadExpression(ValueError):
    """The text is no SQL expression; the message says what was expected, without the parser's words."""


@lru_cache(maxsize=50_000)
def parse_expression(text: str) -> exp.Expr:
    """The tree of an expression over bare and dotted names. Shared: copy before you change it."""
    return _tree(text, text)


def _tree(text: str, said: str) -> exp.Expr:
    """`said` is how its author wrote it: what a complaint quotes."""
    if _BARE.fullmatch(text) and text.lower() not in {"true", "false", "null", "current_date", "current_timestamp"}:
        return exp.column(text)
    try:
        trees = DIALECT.parse_into(exp.Condition, whole_intervals(_PER.sub(_one_name, text), DIALECT))
    except (SqlglotError, RecursionError) as error:
        raise BadExpression(f"{said!r} is no SQL expression") from error
    if len(trees) != 1 or not isinstance(tree := trees[0], exp.Expr):
        raise BadExpression(f"{said!r} is no SQL expression")
    if isinstance(tree, exp.Query) or tree.find(exp.Query):
        raise BadExpression(f"{said!r} is a query, not an expression")
    return tree


def _one_name(match: re.Match[str]) -> str:
    return match[0] if match[0][0] in "'\"" else f'"{match[0]}"'


@lru_cache(maxsize=50_000)
def parse_condition(text: str) -> exp.Expr:
    """The tree of a plan's or policy's condition, in which `customer.region` and `time:day_of_week` are one name each."""

    def quoted(match: re.Match[str]) -> str:
        name = match[0]
        return name if name[0] in "'\"" or not ("." in name or ":" in name) else f'"{name}"'

    return _tree(_NAMES.sub(quoted, _PER.sub(_one_name, text)), text)


def bind_user(text: str) -> tuple[str, tuple[str, ...]]:
    """Replace `{user.x}` by the bound parameter `$user_x`; gives the text and the attributes, in order.

    Raises BadExpression where one stands within quotes: there it would be text.
    """
    used: list[str] = []

    def bound(match: re.Match[str]) -> str:
        if match[1] is None:
            if "{user." in match[0]:
                raise BadExpression("{user.…} within quotes would be text and never match; write it without quotes")
            return match[0]
        used.append(match[1])
        return f"$user_{match[1]}"

    return _USER.sub(bound, text), tuple(dict.fromkeys(used))


def names(tree: exp.Expr) -> Iterator[str]:
    """The names of a tree as a definition writes them: `amount`, `customer.tier`."""
    for column in tree.find_all(exp.Column):
        yield dotted(column)


def dotted(column: exp.Column) -> str:
    """`customer.tier` for a column that the parser read as table and column."""
    return ".".join(part.name for part in column.parts)


def conjuncts(tree: exp.Expr) -> list[exp.Expr]:
    """The parts of a condition that must all hold."""
    return list(tree.flatten()) if isinstance(tree, exp.And) else [tree]


def is_aggregate(tree: exp.Expr) -> bool:
    """Whether an aggregate function stands anywhere in the tree."""
    return tree.find(exp.AggFunc, exp.ArrayAgg) is not None


def substitute(tree: exp.Expr, make: Callable[[exp.Column], exp.Expr]) -> exp.Expr:
    """A copy of the tree with each column replaced by what `make` gives for it."""
    return tree.copy().transform(lambda node: make(node) if isinstance(node, exp.Column) else node, copy=False)
