"""A follow-up becomes a whole question: it inherits everything but what it replaces."""

from __future__ import annotations

from dataclasses import replace

from answerable.agent.draft import Draft, Filter, Unread
from answerable.agent.ground import Segment
from answerable.agent.periods import When
from answerable.agent.words import ORDINALS, tokens
from answerable.context.compiler.time import Span


def whole(draft: Draft) -> bool:
    """Whether a draft stands by itself in a thread: it says what is measured, and when or how it's split."""
    listed = draft.subject is not None and not draft.metrics and bool({"list", "count"} & draft.asks.keys())
    return "again" not in draft.asks and (listed or bool(draft.metrics and (draft.whens or draft.splits or draft.subject)))


def picked(reply: str) -> int | None:
    """The number of the reading that a reply names by its place and nothing else: `2`, `the second one`."""
    words = [t for t in tokens(reply) if t.word not in ("the", "one", "reading", "option", "number") and t.kind != "sign"]
    if len(words) != 1:
        return None
    number = ORDINALS.get(words[0].word, words[0].value)
    return int(number) if number is not None and 1 <= number <= 9 and number == int(number) else None


def says_something(draft: Draft) -> bool:
    """Whether a follow-up replaces anything: words of politeness alone ask nothing."""
    return bool(
        draft.metrics
        or draft.splits
        or draft.subject
        or draft.filters
        or draft.whens
        or draft.thresholds
        or draft.bounds
        or draft.rank
        or draft.measure
        or draft.order
    )


def merged(before: Draft, after: Draft) -> Draft:
    """The draft before with what the later one says in place of its own. Raises Unread where that would leave a word of it unused."""
    shared = [f for f in before.filters if not any(_same_dimension(f, new) for new in after.filters)]
    if after.metrics and (before.rank or before.thresholds) and not (after.rank or after.thresholds):
        raise Unread(after.metrics[0])  # "their revenue" is not the ranking by revenue
    splits = after.splits or before.splits
    subject = after.subject or (None if after.splits else before.subject)
    if not (after.rank or before.rank or after.thresholds or before.thresholds or not (after.metrics or before.metrics)):
        if after.subject is not None:
            raise Unread(after.subject.segment)
        subject = None
    dropped = {"list", "count", "much", "which", "superlative"} if after.metrics or after.splits else set()
    asks = {role: at for role, at in before.asks.items() if role not in dropped}
    return replace(
        before,
        metrics=after.metrics or before.metrics,
        splits=splits,
        subject=subject,
        also=after.also or before.also,
        filters=[*shared, *after.filters],
        whens=_whens(before, after),
        joints=after.joints if after.whens else before.joints,
        thresholds=after.thresholds or before.thresholds,
        bounds=after.bounds or before.bounds,
        measure=after.measure or before.measure,
        date=after.date or before.date,
        rank=after.rank or before.rank,
        top=after.top if after.rank else before.top,
        order=after.order or before.order,
        asks=asks | {role: at for role, at in after.asks.items() if role not in ("again", "which")},
    )


def _same_dimension(one: Filter, other: Filter) -> bool:
    def dimensions(said: Filter) -> set[tuple[str, str]]:
        return {(s.model, s.name) for segment in said.values for s in segment.senses}

    return bool(dimensions(one) & dimensions(other))


def _whens(before: Draft, after: Draft) -> list[tuple[Segment, When]]:
    if len(after.whens) == 1 and after.whens[0][1].before_it and len(before.whens) == 1:
        segment, when = before.whens[0]
        return [(segment, _before(when, after.whens[0][1].unit))]
    days = [said for said in after.whens if said[1].weekdays] or [said for said in before.whens if said[1].weekdays]
    windows = [said for said in after.whens if not said[1].weekdays] or [said for said in before.whens if not said[1].weekdays]
    return [*windows, *days]


def _before(when: When, unit: str) -> When:
    """The window moved back by one unit ("the day before", "the year before")."""
    if when.start is None or when.end is None:
        return when
    span = Span.grain(unit)
    return replace(when, start=span.before(when.start), end=span.before(when.end), whole=None, to_date=False)
