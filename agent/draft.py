"""What has been understood of a question: what is measured, split by, filtered, ranked and when, each with the words that say it."""

from __future__ import annotations

from dataclasses import dataclass, field

from answerable.agent.ground import Segment
from answerable.agent.senses import Sense
from answerable.agent.windows import When

COMPARISONS = (">", ">=", "<", "<=", "=")


class Unread(Exception):
    """This cover is no reading: `segment` is used by no rule."""

    def __init__(self, segment: Segment | None, says: str = "") -> None:
        self.segment, self.says = segment, says
        super().__init__(says or (segment.text if segment else ""))


@dataclass(frozen=True)
class Split:
    """Something to group by: names of dimensions (or an entity's title), a grain, or a part of the time."""

    segment: Segment
    grain: str = ""
    within: Segment | None = None
    """A join or an entity that says whose dimension is meant."""


@dataclass(frozen=True)
class Filter:
    """Members of one dimension to keep, or to leave out."""

    values: tuple[Segment, ...]
    negated: bool = False
    without: bool = False
    """Whether "without" leaves them out: of things that are counted, those that have none of it."""
    owner: Segment | None = None
    """The dimension, entity or join that stands beside the values."""
    dates: tuple[Sense, ...] = ()
    """The dates that its word picks as a verb, where a time follows it: "paid in August" may be about the day of paying."""


@dataclass(frozen=True)
class Threshold:
    operator: str
    value: float
    segment: Segment


@dataclass(frozen=True)
class Missing:
    """A dimension that has no value, or (where `present`) has one."""

    dimension: Segment
    present: bool = False


@dataclass(frozen=True)
class Length:
    """A length of time that is no window: of a rolling total, or between two events."""

    count: int
    unit: str
    segment: Segment


@dataclass(frozen=True)
class Bound:
    """What a number of each row is compared with: `amount over 500`."""

    dimension: Segment
    threshold: Threshold
    others: tuple[float, ...] = ()
    """More numbers that each row's may equal."""


@dataclass(frozen=True)
class Drop:
    """What a follow-up takes back: all `filters`, `splits`, the `limit`, the `time`, or what one dimension (`segment`) says."""

    what: str
    segment: Segment | None = None


@dataclass
class Draft:
    """What has been understood so far."""

    metrics: list[Segment] = field(default_factory=list)
    splits: list[Split] = field(default_factory=list)
    subject: Split | None = None
    also: list[Split] = field(default_factory=list)
    """What a list shows beside its subject."""
    filters: list[Filter] = field(default_factory=list)
    whens: list[tuple[Segment, When]] = field(default_factory=list)
    thresholds: list[Threshold] = field(default_factory=list)
    bounds: list[Bound] = field(default_factory=list)
    absent: list[Missing] = field(default_factory=list)
    lengths: list[Length] = field(default_factory=list)
    units: list[Segment] = field(default_factory=list)
    """Nouns of a unit, which say what is counted: it has to be the metric's."""
    drops: list[Drop] = field(default_factory=list)
    kept: str = ""
    """What a follow-up kept of the question before, in words."""
    measure: Segment | None = None
    """The metric that a ranking goes by, where it is said after "by"."""
    date: Segment | None = None
    """A verb that picks another time than the metric's own: `registered`, `invoiced`."""
    rank: str = ""
    top: int | None = None
    order: str = ""
    notes: list[str] = field(default_factory=list)
    """What was taken for granted on the way, in words."""
    joints: list[int] = field(default_factory=list)
    """Where "and" or a comma stands."""
    asks: dict[str, Segment | None] = field(default_factory=dict)
    """Words of asking (count, much, list, which, share, rate, trend, grow, total, compare, versus, more, …) and where each stands."""
