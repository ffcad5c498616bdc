"""Shapes of questions: each word of asking belongs to a shape that knows it, or nothing is answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from answerable.agent.choosing import adds, unit_of
from answerable.agent.draft import Draft, Split, Unread
from answerable.agent.grammar import PERSONS, TIME_UNITS
from answerable.agent.plan import NOT_SUPPORTED, Gap, Lacking
from answerable.agent.wording import SIGNS
from answerable.context.catalog import Catalog
from answerable.context.expr import parse_expression
from answerable.context.model import Metric, RatioMetric, SimpleMetric
from answerable.context.words import key
from sqlglot import exp


@dataclass(frozen=True)
class Shape:
    """A draft with the metrics that were chosen for it."""

    draft: Draft
    catalog: Catalog
    names: tuple[str, ...]
    metrics: list[Metric]
    leaves: list[SimpleMetric]

    def asks(self, *roles: str) -> bool:
        return any(role in self.draft.asks for role in roles)

    def unread(self, *roles: str, says: str = "") -> Unread:
        """Unread at the first of the words of asking, or at the metric."""
        at = next((self.draft.asks[role] for role in roles if self.draft.asks.get(role) is not None), None)
        return Unread(at or (self.draft.metrics[0] if self.draft.metrics else None), says)


def check(shape: Shape) -> None:
    """Raise Unread at the first word that no shape knows, or Lacking where the metric is none that it can be said of."""
    for rule in RULES:
        rule(shape)


def _subject(s: Shape) -> None:
    d = s.draft
    if "each end" in d.asks and not all(leaf.over_time for leaf in s.leaves):
        raise s.unread("each end")
    if d.subject is not None and d.metrics and not (d.rank or d.thresholds or "never" in d.asks or (d.order and d.measure)):
        raise Unread(d.subject.segment)
    if d.metrics and (("list" in d.asks and not (d.subject or d.splits)) or ("count" in d.asks and d.thresholds)):
        raise s.unread()
    if d.also:
        raise Unread(d.also[0].segment)
    asker = d.asks.get("asker")
    before = [
        *d.metrics,
        *(v for f in d.filters for v in f.values),
        *(f.owner for f in d.filters if f.owner),
        *(b.dimension for b in d.bounds),
    ]
    if asker is not None and d.subject is None and not any(segment.start < asker.start for segment in before):
        raise Unread(asker)  # "where did they come from" asks for what no word names
    if "both" in d.asks and not (len(d.metrics) == 2 or len(d.whens) == 2 or any(len(f.values) == 2 for f in d.filters)):
        raise s.unread("both")


def _ranking(s: Shape) -> None:
    d = s.draft
    if d.measure is not None and not any(sense.name in s.names for sense in d.measure.senses):
        raise Unread(d.measure)
    if d.order and not (d.splits or d.subject or d.rank):
        raise Unread(d.measure or (d.metrics[0] if d.metrics else None))
    if d.top and not d.rank:
        raise Unread(d.subject.segment if d.subject else None)
    if not d.rank:
        return
    if s.asks("grow", "rose", "fell") or (d.subject and any(_between(d, split) for split in d.splits)):
        raise s.unread()
    if not (d.subject or d.splits):
        raise s.unread("superlative")
    if len(s.names) > 1 and d.measure is None:
        raise Unread(d.metrics[1])
    if "of:time" in d.asks and not all(key(unit_of(m))[:1] and key(unit_of(m))[0] in TIME_UNITS for m in s.metrics):
        raise s.unread("of:time")
    if "of:money" in d.asks and not all(unit_of(m) in SIGNS for m in s.metrics):
        raise s.unread("of:money")


def _between(d: Draft, split: Split) -> bool:
    """Whether a split stands between what is measured and what is ranked: "revenue by store for the top 3 regions" ranks something else."""
    assert d.subject is not None
    return bool(d.metrics) and d.metrics[0].start < split.segment.start < d.subject.segment.start


def _wholes(s: Shape) -> None:
    d = s.draft
    if s.asks("total") and not all(adds(m, s.catalog) or (is_distinct(m) and not d.splits) for m in s.metrics):
        raise s.unread("total", says="Its parts do not add up to a total.")
    if s.asks("share") and len(d.metrics) == 1 and (not (d.splits or d.subject or d.filters) or d.rank or d.thresholds):
        raise s.unread("share")
    if s.asks("average") and not all("average" in m.name or leaf_is(m, exp.Avg) or is_per(m) for m in s.metrics):
        raise s.unread("average", says=f"An average of {s.metrics[0].words} is not defined." if s.metrics else "")


def _comparing(s: Shape) -> None:
    d = s.draft
    windows = len(d.whens) == 2 or any(when.parts for _, when in d.whens)
    several = any(len(f.values) > 1 and not f.negated for f in d.filters)
    if s.asks("compare") and not windows and not several and len(s.names) < 2:
        raise s.unread("compare")
    if s.asks("versus") and not windows and len(d.metrics) < 2:
        raise s.unread("versus")
    over = [role for role in d.asks if role.startswith("over:")]
    if over and (d.splits and any(split.grain for split in d.splits)):
        raise s.unread(*over)
    if s.asks("grow", "rose", "fell") and not d.whens and not over:
        raise s.unread("grow", "rose", "fell")
    bare = [at for role in ("rose", "fell") if (at := d.asks.get(role)) is not None and at.text.lower() in _DIRECTIONS]
    if bare and not s.asks("yes or no", "much", "than", "by how much"):
        raise Unread(bare[0])
    if s.asks("rose", "fell") and s.asks("than") and not windows:
        raise s.unread("than")
    two_metrics = len(s.names) == 2 and "yes or no" in d.asks and not d.splits and not windows
    if s.asks("more", "less", "than") and not (s.asks("more", "less", "rose", "fell") and s.asks("than") and (windows or two_metrics)):
        raise s.unread("more", "less", "than")
    if s.asks("in percent") and not (s.asks("grow", "rose", "fell", "share") or all(unit_of(m) == "%" for m in s.metrics)):
        raise s.unread("in percent")


_DIRECTIONS = frozenset({"up", "down", "higher", "lower", "weaker", "worse"})
"""Words that say a change only where it's asked whether there was one."""


def _thresholds(s: Shape) -> None:
    d = s.draft
    if len(d.thresholds) > 2 or (d.thresholds and len(s.names) > 1):
        raise Unread(d.thresholds[-1].segment)
    if s.asks("moment") and not (d.thresholds and not d.rank):
        raise s.unread("moment")


def _verbs(s: Shape) -> None:
    """A verb stands for its noun only where it's asked how often: who booked is not how much was booked."""
    d = s.draft
    often = s.asks("times") or any(threshold.segment.role in ("once", "twice") for threshold in d.thresholds)
    for segment in d.metrics:
        if segment.how == "verb" and not (often or (d.rank and d.subject and not s.asks("count"))):
            raise Unread(segment)
    people = any(key(unit_of(m))[:1] and key(unit_of(m))[0] in PERSONS and is_distinct(m) for m in s.metrics)
    if s.asks("times") and (people or any(unit_of(m) in SIGNS or unit_of(m) == "%" for m in s.metrics)):
        raise s.unread("times")  # how often is not how many different people
    if s.asks("never") and not (d.subject and len(s.names) == 1 and not d.splits and not d.rank and not d.thresholds):
        raise s.unread("never")


def _counts(s: Shape) -> None:
    """Of things that are counted, words of other shapes say nothing: "cumulative customers"."""
    if s.names and s.names[0].endswith(".count") and (other := [role for role in s.draft.asks if role in _OF_METRICS]):
        raise s.unread(*other)


_OF_METRICS = ("share", "cumulative", "conversion", "average", "rate", "never", "amount", "per metric")


def _units(s: Shape) -> None:
    for role, said in s.draft.asks.items():
        unit = role.removeprefix("unit:")
        if unit != role and any(unit_of(m) != unit for m in s.metrics):
            says = f"{s.metrics[0].words} is in {unit_of(s.metrics[0]) or 'no currency'}, and nothing converts it to {unit}."
            raise Lacking(Gap(NOT_SUPPORTED, said.text if said else unit, closes="a rate to convert with", says=says))
    for segment in s.draft.units:
        if not all(any(sense.name == unit_of(m) for sense in segment.senses) for m in s.metrics):
            raise Unread(segment)
    if s.asks("long") and not (all(key(unit_of(m))[:1] and key(unit_of(m))[0] in TIME_UNITS for m in s.metrics) or _is_line(s)):
        raise s.unread("long")
    if s.asks("amount") and not all(unit_of(m) in SIGNS for m in s.metrics):
        raise s.unread("amount")
    if s.asks("size", "counted") and any(unit_of(m) in SIGNS or unit_of(m) == "%" for m in s.metrics):
        raise s.unread("size", "counted")
    states = [d for leaf in s.leaves for d in s.catalog.models[leaf.model or ""].dimensions if not leaf.filter and "status" in d.split("_")]
    if s.asks("happened") and states:
        raise s.unread("happened")  # of all appointments, some never took place
    if s.asks("of them") and not all(leaf_is(m, exp.Count) or (unit_of(m) and unit_of(m) not in (*SIGNS, "%")) for m in s.metrics):
        raise s.unread("of them")  # "how many were gold" is of what was counted before
    if s.asks("people") and not all(key(unit_of(m)) and key(unit_of(m))[0] in PERSONS for m in s.metrics):
        raise s.unread("people")
    if s.asks("distinct") and not all(parse_expression(leaf.expr).find(exp.Distinct) for leaf in s.leaves):
        raise s.unread("distinct")


def _is_line(s: Shape) -> bool:
    """Whether "how long" asks for the length of a queue, which is how many are in it."""
    said, at = [segment.text.lower().split()[-1] for segment in s.draft.metrics], s.draft.asks["long"]
    long = at is not None and at.text.lower() == "how long"
    return long and "came" not in s.draft.asks and bool(said) and set(said) <= {"queue", "list", "line", "backlog", "waitlist"}


RULES: tuple[Callable[[Shape], None], ...] = (_subject, _ranking, _wholes, _comparing, _thresholds, _verbs, _counts, _units)


def is_per(metric: Metric) -> bool:
    """Whether a metric is so much of one thing for each of another, which is an average by itself: "average revenue per buyer"."""
    return isinstance(metric, RatioMetric) and " per " in f" {' '.join(key(metric.words))} " and unit_of(metric) != "%"


def is_distinct(metric: Metric) -> bool:
    """Whether a metric counts different things: their whole is a number, though it's no sum of parts."""
    return isinstance(metric, SimpleMetric) and bool(parse_expression(metric.expr).find(exp.Distinct)) and not metric.over_time


def leaf_is(metric: Metric, kind: type[exp.Expr]) -> bool:
    """Whether a simple metric is plainly one aggregate of a kind."""
    return isinstance(metric, SimpleMetric) and isinstance(parse_expression(metric.expr), kind)
