"""What a planner is, and what it gives: one plan, several readings to choose from, or gaps with what closes them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from answerable.context.compiler import Compiled
from answerable.context.engines.base import Rows
from answerable.context.query import GovernedSQL, SemanticQuery


@dataclass(frozen=True)
class Span:
    """A grounded piece of the question, in characters: what took it, and how."""

    text: str
    start: int
    end: int
    kind: str
    target: str = ""
    how: str = "name"


UNKNOWN_TERM, UNKNOWN_VALUE, AMBIGUOUS = "unknown term", "unknown value", "ambiguous term"
NOT_JOINABLE, NO_TIME, CONTRADICTION = "not joinable", "no time dimension", "contradiction"
NOT_SUPPORTED, NOT_ENDORSED = "not supported", "not endorsed"
MISSING = (UNKNOWN_TERM, UNKNOWN_VALUE, NOT_ENDORSED)
"""Types of gaps whose words have no endorsed definition."""


@dataclass(frozen=True)
class Gap:
    """A part of a question that context doesn't cover: its type, the span, what is near it, and what would close it."""

    type: str
    text: str
    start: int = 0
    end: int = 0
    nearest: tuple[str, ...] = ()
    closes: str = ""
    says: str = ""
    """The sentence for the asker, where the type alone says too little."""


class Lacking(Exception):
    """A draft that is understood and can't be answered: the gap says why."""

    def __init__(self, gap: Gap) -> None:
        self.gap = gap
        super().__init__(gap.says or gap.text)


@dataclass(frozen=True)
class Reading:
    """One consistent way to read a question."""

    query: SemanticQuery
    spans: tuple[Span, ...] = ()
    compiled: Compiled | None = None
    """The query compiled from what the asker sees, where the planner has done that."""
    words: str = ""
    scope: tuple[str, ...] = ()
    """The filters in words."""
    assumptions: tuple[str, ...] = ()
    definition: str = ""
    """The item that is asked about, where no number is."""
    check: str = ""
    """For a yes/no question: the condition on the one number, as SQL over the metric's name."""


@dataclass(frozen=True)
class About:
    """What a catalogue question asks (`ask`, `splits`, `owner` or `fresh`) of which metrics, models and dimensions."""

    topic: str
    items: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """A planner's result. One of: `readings` (one: answer it; several: ask) or `gaps`; of a guess, both."""

    readings: tuple[Reading, ...] = ()
    gaps: tuple[Gap, ...] = ()
    spans: tuple[Span, ...] = ()
    kind: str = "data"
    """`data`, `definition`, `catalogue`, `why`, `order` (to leave something out, as it may be), or `none`.

    From a language model also `guess` (a reading whose gaps only the model fills, to be asked about) and `sql`.
    """
    says: str = ""
    about: About | None = None
    sql: str = ""
    assumes: tuple[str, ...] = ()
    """What SQL by a model takes for granted, in its words."""


@dataclass(frozen=True)
class Result:
    """A plan that ran: the SQL that the gate let through, and its rows."""

    query: SemanticQuery
    compiled: Compiled
    sql: GovernedSQL
    rows: Rows
    days: Mapping[str, dt.date] = field(default_factory=dict)
    """The day that each balance was taken from, by metric."""
    tied: bool = False
    """Whether the limit left out rows that are as good as the last one."""
    withheld: int = 0
    """How many cells stand on too few rows for this asker."""
