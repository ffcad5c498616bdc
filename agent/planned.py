"""A draft's plan with what was chosen for it; a plan that can't be compiled is a gap, told before anything runs."""

from __future__ import annotations

from dataclasses import dataclass

from answerable.agent.plan import NOT_JOINABLE, NOT_SUPPORTED, UNKNOWN_TERM, Gap, Lacking
from answerable.context.catalog import Catalog
from answerable.context.compiler import Compiled, compile_query
from answerable.context.errors import AmbiguousPath, PlanError, UnknownName, Unreachable
from answerable.context.query import SemanticQuery


@dataclass(frozen=True)
class Candidate:
    """A plan with what was chosen for it in words, and what it takes for granted."""

    query: SemanticQuery
    compiled: Compiled
    chosen: tuple[str, ...] = ()
    scope: tuple[str, ...] = ()
    """The filters in words."""
    targets: frozenset[str] = frozenset()
    """The definitions that the words were taken for, as the grounding names them."""
    assumptions: tuple[str, ...] = ()
    thing: bool = False
    """Whether a word for a thing, and no metric, says what is measured."""
    check: str = ""
    """For a yes/no question: what has to hold of the one row, as `name operator number` or `name operator name`."""


def compiled(query: SemanticQuery, catalog: Catalog) -> Compiled:
    """The compiled plan. Raises Lacking."""
    try:
        return compile_query(query, catalog)
    except PlanError as error:
        raise Lacking(gap_of(error)) from None


def gap_of(error: PlanError) -> Gap:
    """A plan error as a gap of the same type."""
    kind = (
        NOT_JOINABLE
        if isinstance(error, (Unreachable, AmbiguousPath))
        else UNKNOWN_TERM
        if isinstance(error, UnknownName)
        else NOT_SUPPORTED
    )
    return Gap(kind, error.name, nearest=error.nearest, says=error.text)
