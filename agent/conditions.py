"""The conditions of a plan, as SQL over its names and in words; and what a metric's own filter lets through."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from answerable.agent.options import Ref
from answerable.context.expr import parse_expression
from answerable.context.model import SimpleMetric
from sqlglot import exp

Kept = tuple[Ref, tuple[object, ...], bool]
"""A filter: its dimension, the members, and whether they are left out."""


def condition(ref: Ref, members: tuple[object, ...], negated: bool) -> str:
    """A plan's condition. Left out means left out: rows without a value stay."""
    values = [_literal(member) for member in members]
    if len(values) == 1:
        return f"{ref.name} is distinct from {values[0]}" if negated else f"{ref.name} = {values[0]}"
    listed = ", ".join(values)
    return f"({ref.name} not in ({listed}) or {ref.name} is null)" if negated else f"{ref.name} in ({listed})"


def _literal(member: object) -> str:
    if isinstance(member, bool):
        return str(member).lower()
    return str(member) if isinstance(member, (int, float)) else exp.Literal.string(str(member)).sql(dialect="duckdb")


def targets(refs: Iterable[Ref], kept: Iterable[Kept]) -> Iterator[str]:
    """The definitions of a plan's dimensions and values, as the grounding names them."""
    yield from (f"{ref.model}.{ref.dimension.name}" for ref in refs)
    for ref, members, _ in kept:
        yield from (f"{ref.model}.{ref.dimension.name} = {member}" for member in members)


def in_words(ref: Ref, members: tuple[object, ...], negated: bool) -> str:
    values = " or ".join(str(member) for member in members)
    return f"{ref.words} {'other than' if negated else 'is'} {values}"


def names_in(text: str) -> set[str]:
    """The dimensions that a plan's condition names."""
    return {".".join(part.name for part in column.parts) for column in parse_expression(text).find_all(exp.Column)}


def own_values(leaf: SimpleMetric, name: str) -> Iterator[tuple[set[object], bool]]:
    """The values of a dimension that each part of a metric's own filter lets through (True) or leaves out (False).

    Of a bare yes/no column the value is true or false.
    """
    tree = parse_expression(leaf.filter) if leaf.filter else exp.true()
    for part in tree.flatten() if isinstance(tree, exp.And) else [tree]:
        part = part.unnest()
        said = part.this.unnest() if isinstance(part, exp.Not) else part
        if isinstance(said, exp.Column) and said.name == name:
            yield {not isinstance(part, exp.Not)}, True
        if isinstance(part, (exp.EQ, exp.NEQ, exp.In)) and isinstance(part.this, exp.Column) and part.this.name == name:
            given = part.expressions if isinstance(part, exp.In) else [part.expression]
            values: set[object] = {v.this for v in given if isinstance(v, exp.Literal)}
            if values:
                yield values, not isinstance(part, exp.NEQ)
