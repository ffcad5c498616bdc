"""A tree in DuckDB's words becomes one that the warehouse's own dialect says alike, and then its text.

Definitions and plans are written in DuckDB's dialect. sqlglot turns most of it into PostgreSQL's; here is what it leaves as it is, or
what would mean something else there: rows are equal on both engines, or the query is refused.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from answerable.context.errors import GuardError
from sqlglot import ErrorLevel, exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import UnsupportedError

Rewrite = Callable[[Any], exp.Expr]
LONGEST_NAME = 63
"""Bytes of a name that PostgreSQL keeps; the rest it cuts off in silence."""
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
_RESERVED = frozenset(
    """
    all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation column concurrently
    constraint create cross current_catalog current_date current_role current_schema current_time current_timestamp current_user default
    deferrable desc distinct do else end except false fetch for foreign freeze from full grant group having ilike in initially inner
    intersect into is isnull join lateral leading left like limit localtime localtimestamp natural not notnull null offset on only or order
    outer overlaps placing primary references returning right select session_user similar some symmetric system_user table tablesample then
    to trailing true union unique user using variadic verbose when where window with
    """.split()
)


def spoken(tree: Any, dialect: str) -> Any:
    """The tree, changed in place, with what the dialect says in other words. For trees in DuckDB's words only. Raises GuardError."""
    if dialect != "postgres":
        return tree
    for node in reversed(list(tree.find_all(*_IN_POSTGRES))):  # the innermost first
        new = next(_IN_POSTGRES[kind] for kind in type(node).__mro__ if kind in _IN_POSTGRES)(node)
        if new is not node:
            tree = new if node is tree else tree
            node.replace(new)
    for node in reversed(list(tree.find_all(*_ONE_OF))):
        new, old = _one_of(node), _whole(node)
        tree = new if old is tree else tree
        old.replace(new)
    for select in reversed(list(tree.find_all(exp.Select))):
        tree = _unqualified(select, tree)
        _ordered_by_place(select)
    _typed_nulls(tree)
    return tree


def folded(tree: Any, dialect: str) -> Any:
    """A tree that was read in the warehouse's own dialect, with its names as the warehouse reads them: PostgreSQL makes them small."""
    if dialect == "postgres":
        for name in tree.find_all(exp.Identifier):
            if not name.args.get("quoted"):
                name.set("this", name.name.lower())
    return tree


def named(tree: exp.Expr, params: Mapping[str, Any], dialect: str) -> dict[str, Any]:
    """Have the tree, changed in place, call names and parameters as the warehouse reads them; gives the parameters by those names.

    PostgreSQL knows parameters by number: each place has its own, so that its type is that of its place.
    """
    if dialect != "postgres":
        return dict(params)
    bound = {}
    for number, place in enumerate(list(tree.find_all(exp.Placeholder)), 1):
        bound[str(number)] = params[place.name]
        place.replace(exp.Parameter(this=exp.Literal.number(number)))
    for name in tree.find_all(exp.Identifier):
        _exactly(name)
    return bound


@cache
def reader(dialect: str) -> Dialect:
    """sqlglot's words for a dialect, which take long to put together."""
    return Dialect.get_or_raise(dialect)


def text_of(tree: exp.Expr, dialect: str, comments: bool = False) -> str:
    """The text of a governed tree, which may change. Raises GuardError."""
    try:
        written = reader(dialect).generate(tree, copy=False, pretty=True, comments=comments, unsupported_level=ErrorLevel.RAISE)
        return str(written)
    except UnsupportedError:
        raise GuardError("The query needs something that this warehouse does not have.") from None


def table_name(*parts: str) -> str:
    """A table of PostgreSQL as a model and a GRANT write it."""
    names = [exp.to_identifier(part) for part in parts]
    for name in names:
        _exactly(name)
    return ".".join(name.sql("postgres") for name in names)


def _exactly(name: exp.Identifier) -> None:
    """Quote a name that PostgreSQL would read otherwise, and shorten one that it would cut."""
    if len(name.name.encode()) > LONGEST_NAME:
        digest = hashlib.sha256(name.name.encode()).hexdigest()[:8]
        name.set("this", f"{name.name.encode()[: LONGEST_NAME - 9].decode(errors='ignore')}_{digest}")
    if not _PLAIN.fullmatch(name.name) or name.name in _RESERVED:
        name.set("quoted", True)


# -- expressions ----------------------------------------------------------------------------------------------------------------


def _cast(tree: exp.Expr, kind: str) -> exp.Expr:
    """A cast, unless the tree is one to that type already."""
    return tree if isinstance(tree, exp.Cast) and tree.is_type(kind) else exp.cast(tree, kind)


def _part(unit: str) -> Rewrite:
    return lambda node: _extracted(exp.Extract(this=exp.var(unit), expression=node.this.copy()))


def _extracted(node: exp.Extract) -> exp.Expr:
    """Hours of a day are 0, and seconds whole, as in DuckDB."""
    unit = node.name.upper()
    if unit in ("HOUR", "MINUTE", "SECOND"):
        node.set("expression", _cast(node.expression, "TIMESTAMP"))
    return exp.cast(exp.func("TRUNC", node.copy()), "INT") if unit == "SECOND" else node


def _divided(node: exp.Div | exp.IntDiv | exp.Mod) -> exp.Expr:
    """Over zero is nothing, not a fault."""
    if not isinstance(node.expression, (exp.Literal, exp.Nullif)) or node.expression.name in ("0", "0.0"):
        node.set("expression", exp.func("NULLIF", node.expression, exp.Literal.number(0)))
    return node


def _rounded(node: exp.Round) -> exp.Expr:
    """Only decimals are rounded to a number of places."""
    if node.args.get("decimals"):
        node.set("this", _cast(node.this, "DECIMAL"))
    return node


def _like(node: exp.Like | exp.ILike) -> exp.Expr:
    """A backslash is a backslash, unless the pattern says that it escapes."""
    said = isinstance(node.parent, exp.Escape) or (isinstance(node.expression, exp.Literal) and "\\" not in node.expression.name)
    return node if said else exp.Escape(this=node.copy(), expression=exp.Literal.string(""))


def _interval(node: exp.Interval) -> exp.Expr:
    """`interval (n) day` of a column is n times a day."""
    if node.this is None or isinstance(node.this, exp.Literal):
        return node
    return _times(node.this, node.text("unit"))


def _times(count: exp.Expr, unit: str) -> exp.Expr:
    one = exp.Interval(this=exp.Literal.string("1"), unit=exp.var(unit))
    return exp.paren(exp.Mul(this=exp.paren(count.copy()), expression=one))


def _cut(node: exp.Cast) -> exp.Expr:
    """Days are cut and counted without a zone: some midnights are on no clock."""
    if node.is_type("date") and isinstance(node.this, exp.TimestampTrunc):
        node.this.set("this", _cast(node.this.this, "TIMESTAMP"))
    if node.is_type("date") and isinstance(node.this, exp.GenerateSeries):
        for edge in ("start", "end"):
            node.this.set(edge, _cast(node.this.args[edge], "TIMESTAMP"))
    return node


def _rows_of(series: exp.Expr, node: exp.Expr) -> exp.Expr:
    """A series is rows by itself, and no list that is to be unfolded."""
    if not isinstance(series, exp.GenerateSeries):
        return node
    return exp.alias_(series.copy(), node.alias) if node.alias else series.copy()


def _hashed(node: exp.SHA2) -> exp.Expr:
    """Over the text's bytes, whatever it holds: a plain cast would read its backslashes."""
    if node.text("length") != "256":
        return node
    digest = exp.Anonymous(this="SHA256", expressions=[exp.func("CONVERT_TO", node.this.copy(), exp.Literal.string("UTF8"))])
    return exp.Anonymous(this="ENCODE", expressions=[digest, exp.Literal.string("hex")])


def _matched(node: exp.RegexpExtract) -> exp.Expr:
    """What matched, or nothing ('') where nothing did."""
    group = node.args.get("group") or exp.Literal.number(0)
    one, text = exp.Literal.number(1), node.this
    found = exp.Anonymous(
        this="REGEXP_SUBSTR",
        expressions=[text.copy(), node.expression.copy(), one, one.copy(), exp.Literal.string(""), group.copy()],
    )
    some = exp.not_(text.copy().is_(exp.null()))
    return exp.Case(ifs=[exp.If(this=some, true=exp.func("COALESCE", found, exp.Literal.string("")))])


def _wholly(pattern: exp.Expr) -> exp.Expr:
    """A regular expression that the whole text must match."""
    start, end = exp.Literal.string("^(?:"), exp.Literal.string(")$")
    return exp.paren(exp.DPipe(this=exp.DPipe(this=start, expression=exp.paren(pattern.copy())), expression=end))


def _within(function: exp.Expr, order: exp.Expr) -> exp.Expr:
    return exp.WithinGroup(this=function, expression=exp.Order(expressions=[exp.Ordered(this=order.copy(), nulls_first=False)]))


def _called(name: str, *args: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=[arg.copy() for arg in args])


def _tried(node: exp.TryCast) -> exp.Expr:
    raise GuardError("The warehouse is PostgreSQL, which has no try_cast: cast where a CASE says that it can be.")


def _by_name(node: exp.Anonymous) -> exp.Expr:
    """Functions that sqlglot has no class for."""
    match node.name.lower(), node.expressions:
        case "prefix", [text, start]:
            return _called("STARTS_WITH", text, start)
        case "strlen", [text]:
            return _called("OCTET_LENGTH", text)
        case "datepart", [unit, moment]:
            return _called("DATE_PART", unit, moment)
        case ("isoyear" | "century" | "decade" | "millennium") as unit, [moment]:
            return exp.Extract(this=exp.var(unit.upper()), expression=moment.copy())
    return node


_IN_POSTGRES: dict[type[exp.Expr], Rewrite] = {
    exp.Anonymous: _by_name,
    exp.ApproxDistinct: lambda node: exp.Count(this=exp.Distinct(expressions=[node.this.copy()])),
    exp.ApproxQuantile: lambda node: _within(_called("PERCENTILE_DISC", node.args["quantile"]), node.this),
    exp.Quantile: lambda node: _within(_called("PERCENTILE_DISC", node.args["quantile"]), node.this),
    exp.Mode: lambda node: _within(exp.Anonymous(this="MODE", expressions=[]), node.this) if node.this else node,
    exp.ArrayContains: lambda node: (
        node.expression.eq(exp.Any(this=exp.paren(node.this.copy()))) if isinstance(node.this, exp.Placeholder) else node
    ),
    exp.Cast: _cut, exp.TryCast: _tried,
    exp.Contains: lambda node: exp.paren(_called("STRPOS", node.this, node.expression) > 0),
    exp.EndsWith: lambda node: exp.paren(_called("RIGHT", node.this, exp.Length(this=node.expression.copy())).eq(node.expression.copy())),
    exp.CountIf: lambda node: exp.Count(this=exp.Case(ifs=[exp.If(this=node.this.copy(), true=exp.Literal.number(1))])),
    exp.DateFromParts: lambda node: _called("MAKE_DATE", *(exp.cast(node.args[part], "INT") for part in ("year", "month", "day"))),
    exp.Dayname: lambda node: _called("TO_CHAR", _cast(node.this.copy(), "TIMESTAMP"), exp.Literal.string("FMDay")),
    exp.Monthname: lambda node: _called("TO_CHAR", _cast(node.this.copy(), "TIMESTAMP"), exp.Literal.string("FMMonth")),
    exp.Quarter: _part("QUARTER"), exp.Week: _part("WEEK"), exp.WeekOfYear: _part("WEEK"), exp.DayOfMonth: _part("DAY"),
    exp.DayOfWeek: _part("DOW"), exp.DayOfWeekIso: _part("ISODOW"), exp.DayOfYear: _part("DOY"),
    exp.Hour: _part("HOUR"), exp.Minute: _part("MINUTE"), exp.Second: _part("SECOND"), exp.Extract: _extracted,
    exp.Div: _divided, exp.IntDiv: _divided, exp.Mod: _divided, exp.Round: _rounded,
    exp.Like: _like, exp.ILike: _like,
    exp.Interval: _interval, exp.ToDays: lambda node: _times(node.this, "DAY"),
    exp.SimilarTo: lambda node: exp.RegexpLike(this=node.this.copy(), expression=_wholly(node.expression)),
    exp.RegexpExtract: _matched, exp.SHA2: _hashed,
    exp.StrToTime: lambda node: exp.cast(node.copy(), "TIMESTAMP"),
    exp.Unnest: lambda node: _rows_of(node.expressions[0], node), exp.Explode: lambda node: _rows_of(node.this, node),
}  # fmt: skip
"""What each kind of node is in PostgreSQL, where sqlglot does not say it alike."""

# -- aggregates that give one value of a group ----------------------------------------------------------------------------------

_ONE_OF = (exp.AnyValue, exp.First, exp.ArgMax, exp.ArgMin)


def _whole(node: exp.Expr) -> exp.Expr:
    """The aggregate with what says which rows it is over."""
    outer = node.parent
    return _whole(outer) if isinstance(outer, (exp.IgnoreNulls, exp.Filter)) and outer.this is node else node


def _one_of(node: exp.Expr) -> exp.Expr:
    """The first of the group's values: any that is there, or that where another is greatest or least."""
    value, by, whole = node.this.copy(), node.args.get("expression"), _whole(node)
    if node.args.get("count"):
        return whole
    array: exp.Expr = exp.ArrayAgg(this=value)
    kept = [] if isinstance(node, exp.First) and not isinstance(node.parent, exp.IgnoreNulls) else [_known(value)]
    if by is not None:
        order = exp.Ordered(this=by.copy(), desc=isinstance(node, exp.ArgMax), nulls_first=False)
        array = exp.ArrayAgg(this=exp.Order(this=value, expressions=[order]))
        kept.append(_known(by))
    if isinstance(whole, exp.Filter):
        kept.append(exp.paren(whole.expression.this.copy()))
    array = exp.Filter(this=array, expression=exp.Where(this=exp.and_(*kept))) if kept else array
    return exp.Bracket(this=exp.paren(array), expressions=[exp.Literal.number(0)])


def _known(value: exp.Expr) -> exp.Expr:
    return exp.not_(value.copy().is_(exp.null()))


# -- clauses --------------------------------------------------------------------------------------------------------------------

_OUTER = ("with_", "distinct", "order", "limit", "offset")
_KEPT = "_kept"


def _unqualified(select: exp.Select, tree: exp.Expr) -> exp.Expr:
    """QUALIFY as a query around one that says which rows to keep. sqlglot's own takes `events.n` for the result's column `n`."""
    qualify = select.args.get("qualify")
    if qualify is None:
        return tree
    values = {alias.alias_or_name: alias.unalias() for alias in select.expressions}

    def spelled_out(column: exp.Expr) -> exp.Expr:
        is_result = isinstance(column, exp.Column) and not column.table and column.name in values
        return exp.paren(values[column.name].copy()) if is_result else column

    kept = qualify.this.copy().transform(spelled_out)
    outer = exp.select(*(exp.column(name, quoted=True) for name in values))
    for part in _OUTER:
        if select.args.get(part):
            outer.set(part, select.args[part].pop())
    outer.comments, select.comments = select.comments, None
    tree = outer if select is tree else tree
    select.replace(outer)
    select.set("qualify", None)
    select.select(exp.alias_(kept, _KEPT), copy=False)
    outer.from_(exp.Subquery(this=select, alias=exp.TableAlias(this=exp.to_identifier("_all"))), copy=False)
    outer.where(exp.column(_KEPT), copy=False)
    return tree


def _ordered_by_place(select: exp.Select) -> None:
    """A name that two columns of the result have means the first."""
    names = [expression.alias_or_name for expression in select.expressions]
    order = select.args.get("order")
    for ordered in order.expressions if order else ():
        column = ordered.this
        if isinstance(column, exp.Column) and not column.table and names.count(column.name) > 1:
            ordered.set("this", exp.Literal.number(names.index(column.name) + 1))


# -- nulls in unions ------------------------------------------------------------------------------------------------------------


def _typed_nulls(tree: exp.Expr) -> None:
    """Give the bare nulls of a union the types of what stands above and below them: PostgreSQL takes two bare nulls for texts."""
    ctes = {cte.alias: cte.this for cte in tree.find_all(exp.CTE)}
    for union in list(tree.find_all(exp.SetOperation)):
        leaves = [] if isinstance(union.parent, exp.SetOperation) else _leaves(union)
        if len(leaves) < 2 or not all(isinstance(leaf, exp.Select) for leaf in leaves):
            continue
        for n in range(len(leaves[0].expressions)):
            known = next((leaf for leaf in leaves if not _is_null(leaf, n, ctes)), None)
            for leaf in leaves:
                if known and _is_null(leaf, n, ctes) and (len(leaves) > 2 or not isinstance(leaf.expressions[n].unalias(), exp.Null)):
                    leaf.expressions[n].replace(exp.alias_(_null_like(known, n), leaf.expressions[n].alias_or_name, quoted=True))


def _leaves(query: exp.Expr) -> list[Any]:
    return [*_leaves(query.this), *_leaves(query.expression)] if isinstance(query, exp.SetOperation) else [query]


def _is_null(select: exp.Select, n: int, ctes: Mapping[str, exp.Expr]) -> bool:
    """Whether a column is a bare null, here or in the step that it comes from."""
    value = select.expressions[n].unalias()
    source = select.args.get("from_")
    if not isinstance(value, exp.Column) or source is None:
        return isinstance(value, exp.Null)
    step = ctes.get(source.this.name)
    names = step.named_selects if isinstance(step, exp.Select) else []
    return value.name in names and isinstance(step.expressions[names.index(value.name)].unalias(), exp.Null)  # type: ignore[union-attr]


def _null_like(select: exp.Select, n: int) -> exp.Expr:
    """A null of a column's type."""
    value = select.expressions[n].copy()
    if isinstance(value.unalias(), exp.Column) and not select.args.get("group"):
        return exp.select(value.unalias()).from_(select.args["from_"].this.copy()).limit(0).subquery()
    return exp.select(exp.column(value.alias_or_name, quoted=True)).from_(select.copy().subquery("typed")).limit(0).subquery()
