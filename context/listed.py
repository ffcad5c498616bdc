"""Whether all of a tree is on the lists of what is allowed, and within bounds. Knows no model."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterator

from answerable.context.allowed import COUNTED, FUNCTIONS, MOST, MOST_TOGETHER, NODES, PARSED, TYPES
from answerable.context.errors import GuardError
from sqlglot import exp

DEEPEST = 60
_NESTING = (exp.Select, exp.Subquery, exp.Paren, exp.Func)
"""What makes a query deep; conditions in a row (`a or b or c`) are functions to the parser, and no deeper for their number."""
_BY_CLASS = (exp.And, exp.Or)


def check(tree: exp.Expr, dialect: str, plan: bool) -> None:
    """Refuse a tree with a node, a part, a type or a function that is on no list. Raises GuardError."""
    functions = FUNCTIONS[dialect]
    counted: list[exp.Expr] = []
    for node, depth in _walk(tree):
        if depth > DEEPEST:
            raise GuardError(f"The query is nested deeper than {DEEPEST} levels.")
        kind = type(node)
        parts = NODES.get(kind)
        if kind is exp.DataType and node.this not in TYPES:
            raise GuardError("A type that is not on the list of what is answered: cast to text, number, date or time.")
        if parts is not None:
            _only(node, parts)
        elif isinstance(node, exp.Func):
            _function(node, functions)
            if kind in COUNTED:
                counted.append(node)
            elif kind is exp.Format or (kind is exp.Anonymous and str(node.this).lower() in ("format", "printf")):
                _plain_format(node)
        else:
            raise GuardError(f"{_spoken(kind.__name__)} is not on the list of what is answered.")
        if kind is exp.Dot and not isinstance(node.expression, exp.Identifier):
            raise GuardError("A function behind a dot is not on the list of what is answered: write it with its brackets.")
        if kind is exp.TableSample and node.text("percent") != "100":
            raise GuardError("A sample is another one each time, so no number over it can be checked.")
        if kind is exp.TryCast and dialect == "postgres":
            raise GuardError("PostgreSQL has no try_cast.")
    _counts([node for node in counted if not plan or node.find_ancestor(*_CONDITIONS)])


_CONDITIONS = (exp.Where, exp.Having, exp.Qualify)
_LIGHT = (
    exp.And, exp.Or, exp.Case, exp.If, exp.Cast, exp.Coalesce, exp.Nullif, exp.Lower, exp.Upper, exp.Abs, exp.Round, exp.Length, exp.Exists,
    exp.TimestampTrunc, exp.DateTrunc, exp.Extract, exp.Year, exp.Quarter, exp.Month, exp.Week, exp.Day, exp.AggFunc,
    exp.Greatest, exp.Least,
)  # fmt: skip


def heavy(tree: exp.Expr) -> bool:
    """Whether a plan's conditions call what may take long over one value: a person wrote them, so they run where they can be killed."""
    return any(not isinstance(call, _LIGHT) for condition in tree.find_all(*_CONDITIONS) for call in condition.find_all(exp.Func))


def _walk(tree: exp.Expr) -> Iterator[tuple[exp.Expr, int]]:
    stack: list[tuple[exp.Expr, int]] = [(tree, 0)]
    while stack:
        node, depth = stack.pop()
        yield node, depth
        for child in node.iter_expressions():
            nests = isinstance(child, _NESTING) and not isinstance(child, exp.Connector)
            stack.append((child, depth + 1 if nests else depth))


def _function(node: exp.Func, functions: frozenset[str]) -> None:
    if isinstance(node, _BY_CLASS):
        return
    if isinstance(node, exp.Anonymous):
        if not isinstance(node.this, str) or node.this.lower() not in functions:
            raise _unlisted(str(node.name))
    elif not any(name.lower() in functions or name.lower() in PARSED for name in node.sql_names()):
        raise _unlisted(node.sql_name())


def _unlisted(name: str) -> GuardError:
    return GuardError(f"The function {name.lower()} is not on the list of those that are answered.")


def _only(node: exp.Expr, parts: frozenset[str]) -> None:
    for part, value in node.args.items():
        if part not in parts and value:
            raise GuardError(f"{_spoken(part)} is not on the list of what is answered.")


def _spoken(name: str) -> str:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).strip("_").replace("_", " ").lower()
    return words[:1].upper() + words[1:]


def _plain_format(node: exp.Expr) -> None:
    """A format may make a text as wide as it says: it must say so itself, and not more than three digits wide."""
    pattern = node.this if isinstance(node, exp.Format) else next(iter(node.expressions), None)
    if not isinstance(pattern, exp.Literal) or re.search(r"\d{4}|\*|\{[^}]*\{", pattern.name):
        raise GuardError("A format needs its pattern as a plain text, with no width over 999.")


# -- counts: what one value may cost --------------------------------------------------------------------------------------------


def _counts(counted: list[exp.Expr]) -> None:
    """An engine can't stop in the middle of one value, so what makes a long one must say how long, and not too long."""
    together = 1
    for node in counted:
        bounds = [node.args[name] for name in COUNTED[type(node)] if node.args.get(name) is not None]
        size = _size(bounds)
        if size is None:
            raise GuardError(f"{_spoken(type(node).__name__)} needs its bounds as plain numbers or dates: how long it gets must be known.")
        together *= max(size, 1)
        if size > MOST or together > MOST_TOGETHER:
            raise GuardError(f"{_spoken(type(node).__name__)} asks for more than {MOST:,} values.")


def _size(bounds: list[exp.Expr]) -> int | None:
    """How many values a repetition or a series makes; None where that can't be known."""
    said = [_value(bound) for bound in bounds]
    numbers = [value for value in said if isinstance(value, float)]
    if len(numbers) == len(said):
        if len(numbers) == 1:
            return math.ceil(abs(numbers[0]))
        start, end, step = (*numbers, 1.0)[:3]
        return math.ceil(abs(end - start) / abs(step)) + 1 if step else None
    if len(said) == 3:
        first, last, by = said
        if isinstance(first, dt.datetime) and isinstance(last, dt.datetime) and isinstance(by, dt.timedelta) and by:
            return abs(last - first) // abs(by) + 1
    return None


def _value(node: exp.Expr) -> float | dt.datetime | dt.timedelta | None:
    """A number, a day or an interval that is said in plain."""
    match node:
        case exp.Paren():
            return _value(node.this)
        case exp.Neg():
            value = _value(node.this)
            return -value if isinstance(value, float) else None
        case exp.Literal(is_string=False):
            return float(node.this)
        case exp.Cast(this=exp.Literal() as literal) if literal.is_string and node.is_type(*exp.DataType.TEMPORAL_TYPES):
            try:
                return dt.datetime.fromisoformat(literal.this).replace(tzinfo=None)
            except ValueError:
                return None
        case exp.Cast(this=exp.Literal() as literal) if node.is_type("interval") and (
            said := re.fullmatch(r"(\d+) ([a-z]+)", literal.name)
        ):
            return _value(exp.Interval(this=exp.Literal.string(said[1]), unit=exp.var(said[2])))
        case exp.Interval(this=exp.Literal() as literal) if literal.name.isdigit():
            days = _DAYS.get(node.text("unit").upper().removesuffix("S"))
            return dt.timedelta(days=int(literal.name) * days) if days and int(literal.name) < MOST else None
    return None


_DAYS = {
    "SECOND": 1 / 86_400, "MINUTE": 1 / 1440, "HOUR": 1 / 24, "DAY": 1, "WEEK": 7, "MONTH": 28, "QUARTER": 89, "YEAR": 365, "DECADE": 3650,
}  # fmt: skip
"""The fewest days of an interval."""
