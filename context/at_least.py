"""Numbers over at least so many rows: cells that stand on fewer are withheld, before anything orders, filters or compares them.

Only a plan that is one SELECT of sums, counts and averages passes. Whatever would build on cells that are missing (totals of totals,
running values, comparisons, shares) would be wrong or would give them away, and is refused. docs/at-least.md says what it does not promise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from answerable.context.errors import GuardError
from answerable.context.governed import COUNTED, Governed
from sqlglot import exp

AGGREGATES = (
    exp.Sum, exp.Avg, exp.Count, exp.CountIf, exp.Stddev, exp.StddevPop, exp.StddevSamp, exp.Variance, exp.VariancePop,
)  # fmt: skip
"""Of many rows' values. A largest or a middle one is one row's."""
PARTS = {"expressions", "from_", "joins", "where", "group", "having", "order", "limit", "kind", "hint"}
ONE_PLAN = "ask for metrics of one model, without comparison, share, running value, list or rows"
WITHHELD = "withheld"


def kept(tree: exp.Expr, tables: Mapping[str, Governed]) -> tuple[exp.Select, exp.Select]:
    """The plan with its small cells withheld, and a query that counts them. `tables` are the plan's models by their alias.

    Raises GuardError for a plan in which they can't be withheld safely.
    """
    few = {alias: governed for alias, governed in tables.items() if governed.access.at_least > 1}
    select = _plain(tree, few)
    _check_named(select, tables)
    base = select.args["from_"].this.alias_or_name
    counting = _counting(select, few, base)
    for projection in [p for p in select.expressions if _aggregates(p)]:
        inner = projection.unalias()
        inner.replace(_only(inner.copy(), _conditions(inner, few, base)))
    for clause in (select.args.get("having"), *(select.args["order"].expressions if select.args.get("order") else ())):
        if clause is not None and _aggregates(clause):
            clause.this.replace(_only(clause.this.copy(), _conditions(clause, few, base)))
    return select, counting


def _plain(tree: exp.Expr, few: Mapping[str, Governed]) -> exp.Select:
    """The tree as one SELECT over models, with aggregates that are allowed."""
    governed = next(iter(few.values()), None)
    words = governed.model.words if governed else ""
    least = max((g.access.at_least for g in few.values()), default=1)
    says = f"{words} may be seen by you in numbers over at least {least} rows only"
    plain = isinstance(tree, exp.Select) and all(part in PARTS for part, value in tree.args.items() if value)
    if not plain or not isinstance(tree, exp.Select) or len(list(tree.find_all(exp.Select))) > 1 or tree.find(exp.Window):
        raise GuardError(f"{says}: {ONE_PLAN}.")
    aggregates = [node for part in (*tree.expressions, tree.args.get("having")) if part is not None for node in _aggregates(part)]
    if not any(_aggregates(projection) for projection in tree.expressions):
        raise GuardError(f"{says}: {ONE_PLAN}.")
    if odd := next((node for node in aggregates if not isinstance(node, AGGREGATES)), None):
        raise GuardError(f"{says}, and {odd.key} would show a value of one row.")
    if any(not _in_aggregate(column) for part in tree.expressions if _aggregates(part) for column in part.find_all(exp.Column)):
        raise GuardError(f"{says}: {ONE_PLAN}.")
    for g in few.values():
        if not g.model.primary_key:
            raise GuardError(f"{says}, and {g.model.words} has no primary key to count them by.")
    return tree


def _check_named(select: exp.Select, tables: Mapping[str, Governed]) -> None:
    """No group and no filter goes by what tells single rows apart: keys, masked columns, names of people."""
    keys = [projection for projection in select.expressions if not _aggregates(projection)]
    for part in (*keys, select.args.get("where")):
        for column in part.find_all(exp.Column) if part is not None else ():
            governed = tables.get(column.table)
            if governed and governed.tells_apart(column.name) and not isinstance(column.parent, exp.Is):
                says = f"{governed.model.words} may be seen by you in numbers over many rows only"
                raise GuardError(f"{says}, so not by {column.name}, which tells them apart.")


def _in_aggregate(column: exp.Column) -> bool:
    """Whether a column is read by an aggregate that is allowed, or by its filter, and by nothing else."""
    above = column.find_ancestor(exp.AggFunc, exp.Filter)
    return isinstance(above, AGGREGATES) or (isinstance(above, exp.Filter) and isinstance(above.this, AGGREGATES))


def _aggregates(tree: exp.Expr) -> list[exp.Expr]:
    return list(tree.find_all(exp.AggFunc))


def _conditions(tree: exp.Expr, few: Mapping[str, Governed], base: str) -> list[tuple[exp.Expr, int]]:
    """What must be counted for each aggregate in a tree, and how much it must be."""
    found: dict[str, tuple[exp.Expr, int]] = {}
    for aggregate in _aggregates(tree):
        for alias, governed in few.items():
            count = _rows(aggregate) if alias == base else _distinct(aggregate, alias, governed)
            found.setdefault(count.sql(), (count, governed.access.at_least))
    return list(found.values())


def _only(tree: exp.Expr, conditions: list[tuple[exp.Expr, int]]) -> exp.Expr:
    enough = [exp.GTE(this=count, expression=exp.Literal.number(least)) for count, least in conditions]
    return exp.Case(ifs=[exp.If(this=exp.and_(*enough), true=tree)])


def _rows(aggregate: exp.Expr) -> exp.Expr:
    """The rows whose values an aggregate is made of."""
    argument = _argument(aggregate)
    return _filtered(exp.Count(this=exp.Star() if argument is None else argument.copy()), _filter(aggregate))


def _distinct(aggregate: exp.Expr, alias: str, governed: Governed) -> exp.Expr:
    """The rows of a joined model behind those."""
    keys = [exp.column(key, table=alias) for key in governed.model.primary_key]
    for key in keys:
        key.meta[COUNTED] = True
    one = keys[0] if len(keys) == 1 else exp.Tuple(expressions=keys)
    argument = _argument(aggregate)
    wanted = [_filter(aggregate), *([exp.not_(argument.copy().is_(exp.null()))] if argument is not None else [])]
    wanted += [exp.not_(key.copy().is_(exp.null())) for key in keys] if len(keys) > 1 else []
    return _filtered(exp.Count(this=exp.Distinct(expressions=[one])), *wanted)


def _argument(aggregate: exp.Expr) -> exp.Expr | None:
    """What an aggregate reads of each row; None for `count(*)`."""
    if isinstance(aggregate, exp.CountIf):
        return exp.Case(ifs=[exp.If(this=aggregate.this.copy(), true=exp.Literal.number(1))])
    inner = aggregate.this
    if isinstance(inner, exp.Distinct):
        return inner.expressions[0] if len(inner.expressions) == 1 else None
    return None if isinstance(inner, exp.Star) else inner


def _filter(aggregate: exp.Expr) -> exp.Expr | None:
    filtered = aggregate.parent if isinstance(aggregate.parent, exp.Filter) else None
    return filtered.expression.this if filtered is not None else None


def _filtered(count: exp.Expr, *conditions: exp.Expr | None) -> exp.Expr:
    said = [condition.copy() for condition in conditions if condition is not None]
    return exp.Filter(this=count, expression=exp.Where(this=exp.and_(*said))) if said else count


def _counting(select: exp.Select, few: Mapping[str, Governed], base: str) -> exp.Select:
    """How many cells of the groups are withheld, whatever is ordered or left out after that."""
    inner = select.copy()
    for part in ("having", "order", "limit"):
        inner.set(part, None)
    flags = list(_flags(inner, few, base))
    keys = [projection for projection in inner.expressions if not _aggregates(projection)]
    total: exp.Expr = flags[0]
    for flag in flags[1:]:
        total = exp.Add(this=total, expression=flag)
    inner.set("expressions", [*keys, exp.alias_(total, WITHHELD)])
    cells = exp.Subquery(this=inner, alias=exp.TableAlias(this=exp.to_identifier("cells")))
    return exp.select(exp.alias_(exp.Sum(this=exp.column(WITHHELD, table="cells")), WITHHELD)).from_(cells)


def _flags(select: exp.Select, few: Mapping[str, Governed], base: str) -> Iterator[exp.Expr]:
    """For each number 1 where it is withheld: it stands on some rows, and on too few."""
    for projection in select.expressions:
        if aggregates := _aggregates(projection):
            some = [exp.GT(this=_rows(aggregate), expression=exp.Literal.number(0)) for aggregate in aggregates]
            small = [exp.LT(this=count, expression=exp.Literal.number(least)) for count, least in _conditions(projection, few, base)]
            both = exp.and_(exp.paren(exp.or_(*some)), exp.paren(exp.or_(*small)))
            yield exp.Case(ifs=[exp.If(this=both, true=exp.Literal.number(1))], default=exp.Literal.number(0))
